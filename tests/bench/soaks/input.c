// SPDX-License-Identifier: BSD-3-Clause
/* Status events, which have no answer. */
#include "harness/device/vehicle.h"
#include "tests/bench/soaks/soak.h"

static void request(struct soak *s, struct soak_req *r)
{
	input_vehicle.fill(r->out.hva, r->n);
	r->out.len = input_vehicle.readable;
	r->in.len = 0;
}

static bool good(struct soak *s, const struct soak_req *r)
{
	return r->used_len == 0 || soak_wrong(s, "%u bytes were written", r->used_len);
}

const struct soak_device soak_input = {
	.name = "input", .queues = 2, .queue = 1, .request = request, .good = good
};
