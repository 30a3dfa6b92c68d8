// SPDX-License-Identifier: BSD-3-Clause
/* A reset with requests in flight (2.4): over when the status reads 0, and then it is quiet. */
#include "harness/check/regs_kit.h"

#define RESETS	  "v14.basic.device-reset.dev.1"
#define QUIET	  "v14.basic.device-reset.dev.2"
#define UNTOUCHED "v14.basic.device-reset.dev.3"

#define LOAD 8

static bool load(struct ck *c)
{
	if (!rk_can_work(c) || !ck_start(c, ck_ring_features()))
		return false;
	for (unsigned i = 0; i < LOAD; i++)
		if (!rk_offer_large(c))
			return false;
	return ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying");
}

static void in_flight(struct ck *c)
{
	struct vq *vq = &c->q[0].vq;
	u64 before;
	u8 status;
	u16 used;

	if (!load(c) || !rk_set_status(c, 0) || !rk_wait_reset(c, &status))
		return;
	if (status) {
		ck_fail(c, RESETS, "0", "the status is 0x%02x %u ms after a reset", status,
			c->tp->timeout_ms);
		return;
	}
	/* What came before it read 0 has come. */
	c->tp->ops->take_calls(c->tp, 0);
	used = vq_used(vq);
	before = rk_digest(c);
	ck_log(c, "  %u of %u requests are used", used, LOAD);
	ck_quiet(c);
	if (c->tp->ops->take_calls(c->tp, 0))
		ck_fail(c, QUIET, "no notification once the status reads 0", "one came");
	else if (rk_digest(c) != before)
		ck_fail(c, UNTOUCHED, "rings and buffers are left alone once the status reads 0",
			"they changed; the used index was %u, is %u", used, vq_used(vq));
}

CHECK(in_flight, .id = "regs.reset.in-flight", .clauses = { RESETS, QUIET, UNTOUCHED },
      .stimulus = "eight requests of 64 KiB, and at once 0 written to the status",
      .oracle = "it reads 0 within the deadline; no notification comes then, and no ring or buffer "
		"changes",
      .run = in_flight);
