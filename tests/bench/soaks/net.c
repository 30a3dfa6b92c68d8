// SPDX-License-Identifier: BSD-3-Clause
/* Frames of 60 to 1514 bytes for a device that returns them. */
#include <string.h>

#include "harness/device/net.h"
#include "tests/bench/soaks/soak.h"

#define SENT	 0 /* s->count */
#define RECEIVED 1

static u32 length_of(u64 n)
{
	return 60 + (u32)(n * 7 % 1455);
}

static void request(struct soak *s, struct soak_req *r)
{
	const u32 len = length_of(r->n);

	memset(r->out.hva, 0, NET_HDR);
	net_build(r->out.hva + NET_HDR,
		  &(struct net_packet){ .raw = true, .payload = len - 14, .seed = (u32)r->n });
	r->out.len = NET_HDR + len;
	r->in.len = 0;
	s->count[SENT]++;
}

static bool good(struct soak *s, const struct soak_req *r)
{
	return r->used_len == 0 || soak_wrong(s, "%u bytes were written", r->used_len);
}

static bool came(struct soak *s, u16 queue, const u8 *bytes, u32 len)
{
	const u64 n = s->count[RECEIVED]++;
	const u8 *p = bytes + NET_HDR + 14;
	const u32 want = length_of(n);

	if (len != NET_HDR + want)
		return soak_wrong(s, "frame %llu has %u bytes and not %u", (unsigned long long)n,
				  len - NET_HDR, want);
	for (u32 i = 0; i < want - 14; i++)
		if (p[i] != net_payload_byte((u32)n, i))
			return soak_wrong(s, "byte %u of frame %llu is not what was sent", i,
					  (unsigned long long)n);
	return true;
}

/* As many as there is room for, so that none is lost. */
static bool may(struct soak *s)
{
	return s->count[SENT] - s->count[RECEIVED] < SOAK_POSTED;
}

static bool complete(struct soak *s)
{
	return s->count[RECEIVED] == s->count[SENT];
}

const struct soak_device soak_net = {
	.name = "net",
	.queues = 2,
	.queue = 1,
	.posted = 1 << 0,
	.request = request,
	.good = good,
	.came = came,
	.may = may,
	.complete = complete,
};
