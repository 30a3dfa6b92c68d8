// SPDX-License-Identifier: BSD-3-Clause
/* Buffers of 1 to 64 bytes. */
#include "harness/device/rng.h"
#include "tests/bench/soaks/soak.h"

static void request(struct soak *s, struct soak_req *r)
{
	r->out.len = 0;
	r->in.len = (u32)(1 + r->n % 64);
}

static bool good(struct soak *s, const struct soak_req *r)
{
	return (r->used_len && r->used_len <= r->in.len) ||
	       soak_wrong(s, "%u bytes for a buffer of %u", r->used_len, r->in.len);
}

const struct soak_device soak_rng = {
	.name = "rng", .queues = 1, .request = request, .good = good
};
