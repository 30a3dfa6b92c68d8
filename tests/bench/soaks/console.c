// SPDX-License-Identifier: BSD-3-Clause
/* Buffers of 1 to 997 bytes for a port that returns what is sent, cut as it likes. */
#include "harness/device/console.h"
#include "tests/bench/soaks/soak.h"

#define SENT	 0 /* bytes; s->count */
#define RECEIVED 1

static u8 byte_of(u64 n)
{
	return (u8)(n * 31 + n / 251);
}

static void request(struct soak *s, struct soak_req *r)
{
	r->out.len = 1 + (u32)(r->n * 13 % 997);
	r->in.len = 0;
	for (u32 i = 0; i < r->out.len; i++)
		r->out.hva[i] = byte_of(s->count[SENT]++);
}

static bool good(struct soak *s, const struct soak_req *r)
{
	return r->used_len == 0 || soak_wrong(s, "%u bytes were written", r->used_len);
}

static bool came(struct soak *s, u16 queue, const u8 *bytes, u32 len)
{
	if (!len)
		return soak_wrong(s, "a buffer came back with nothing in it");
	for (u32 i = 0; i < len; i++)
		if (bytes[i] != byte_of(s->count[RECEIVED]++))
			return soak_wrong(s, "byte %llu is not what was sent",
					  (unsigned long long)s->count[RECEIVED] - 1);
	return true;
}

static bool complete(struct soak *s)
{
	return s->count[RECEIVED] == s->count[SENT];
}

const struct soak_device soak_console = {
	.name = "console",
	.queues = 2,
	.queue = 1,
	.posted = 1 << 0,
	.request = request,
	.good = good,
	.came = came,
	.complete = complete,
};
