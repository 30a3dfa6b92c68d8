// SPDX-License-Identifier: BSD-3-Clause
/* Block device: a capacity that changes (5.2.6.2). */
#include "harness/check/blk_util.h"

#define ANNOUNCED "v14.blk.operation.dev.2"

static void announced(struct ck *c)
{
	u64 before, after;

	before = ckb_capacity(c);
	if (!before || !ck_start(c, ck_ring_features()))
		return;
	/* What came before is not what we look for. */
	while (c->tp->ops->wait_config_event(c->tp, 0) > 0)
		;
	if (!ck_must(c, c->tp->ops->trigger_config(c->tp), "changing the configuration"))
		return;
	if (!c->tp->ops->wait_config_event(c->tp, c->tp->timeout_ms)) {
		after = ckb_capacity(c);
		if (!after)
			return;
		if (after == before)
			ck_skip(c, "the trigger did not change the capacity: still %llu sectors",
				(unsigned long long)after);
		else
			ck_fail(c, ANNOUNCED, "a configuration change notification",
				"the capacity went from %llu to %llu sectors without one",
				(unsigned long long)before, (unsigned long long)after);
		return;
	}
	after = ckb_capacity(c);
	if (!after)
		return;
	ck_log(c, "  capacity %llu, then %llu", (unsigned long long)before,
	       (unsigned long long)after);
	if (after > before)
		ckb_put(c, 0, after - 1, 1, 7);
}

/* A group of its own: the checks after it find a target that was started again. */
CHECK(announced, .id = "capacity.announced", .clauses = { ANNOUNCED },
      .stimulus = "make the target change its capacity (--config-trigger) while it runs",
      .oracle = "a configuration change notification comes, and the new last sector can be written",
      .device = VIRTIO_ID_BLOCK,
      .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_EVENT | TP_CAP_CONFIG_TRIGGER,
      .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = announced);
