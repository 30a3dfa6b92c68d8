// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the entropy device. */
#include <string.h>

#include "ref-backends/device/rng.h"
#include "ref-backends/fault/fault.h"

#define RNG(ident, name_, clause_, summary_, ...)                                                  \
	FAULT(rng_##ident, .name = "rng-" name_, .clause = clause_, .transport = "registers",      \
	      .summary = summary_, __VA_ARGS__)

static void nothing(struct rrng *rng, struct rdev_req *req)
{
	if (req->chain.writable == 1)
		req->used_len = 0;
}

RNG(nothing, "nothing", "v14.entropy.operation.dev.1", "returns a buffer of one byte with none",
    .rng_complete = nothing);

static void always_same(struct rrng *rng, struct rdev_req *req)
{
	const struct dvq_seg *seg = req->chain.segs + req->chain.n_readable;

	for (u32 i = 0; i < req->chain.n_writable; i++)
		for (size_t at = 0; at < seg[i].len; at++)
			((u8 *)seg[i].base)[at] = (u8)(7 * at + 3);
}

RNG(same, "same-bytes", "v14.entropy.operation.dev.1", "gives the same bytes each time",
    .rng_complete = always_same);

static void one_too_many(struct rrng *rng, struct rdev_req *req)
{
	req->used_len++;
}

RNG(too_long, "used-len-plus-one", "v14.split-ring.used-ring.dev.2",
    "reports one byte more than it wrote", .rng_complete = one_too_many);
