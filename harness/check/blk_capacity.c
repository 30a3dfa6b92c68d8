// SPDX-License-Identifier: BSD-3-Clause
/* Block device: a capacity that changes (5.2.6.2). */
#include "harness/check/blk_util.h"

#define ANNOUNCED "v14.blk.operation.dev.2"
#define TIMES	  3

/* One change. `*capacity` is what it was, and becomes what it is. */
static bool change(struct ck *c, u64 *capacity)
{
	const struct tp_ops *ops = c->tp->ops;
	u64 before = *capacity, end;

	/* What came before is not what we look for. */
	for (unsigned i = 0; i < CK_FLOOD && ops->wait_config_event(c->tp, 0) > 0; i++)
		;
	if (!ck_must(c, ops->trigger_config(c->tp), "changing the configuration"))
		return false;
	/* As soon as the change is to be seen, the notification is due. */
	end = tp_deadline(c->tp, c->tp->timeout_ms / 4);
	while (!ops->wait_config_event(c->tp, 2)) {
		*capacity = ckb_capacity(c);
		if (!*capacity)
			return false;
		if (*capacity != before)
			break;
		if (tp_late(c->tp, end))
			return ck_skip(c,
				       "the trigger did not change the capacity: still %llu "
				       "sectors",
				       (unsigned long long)before);
	}
	if (*capacity != before && !ops->wait_config_event(c->tp, c->tp->timeout_ms))
		return ck_fail(c, ANNOUNCED, "a configuration change notification",
			       "the capacity went from %llu to %llu sectors without one",
			       (unsigned long long)before, (unsigned long long)*capacity);
	*capacity = ckb_capacity(c);
	ck_log(c, "  capacity %llu, then %llu", (unsigned long long)before,
	       (unsigned long long)*capacity);
	/* The new last sector is there. */
	return *capacity && (*capacity <= before || ckb_put(c, 0, *capacity - 1, 1, 7));
}

static void announced(struct ck *c)
{
	u64 capacity = ckb_capacity(c);

	if (!capacity || !ck_start(c, ck_ring_features()))
		return;
	for (unsigned i = 0; i < TIMES; i++)
		if (!change(c, &capacity))
			return;
}

/* A group of its own: the checks after it find a target that was started again. */
CHECK(announced, .id = "capacity.announced", .clauses = { ANNOUNCED },
      .stimulus =
	      "make the target change its capacity (--config-trigger) three times while it runs",
      .oracle =
	      "each time a configuration change notification comes, and the new last sector can be "
	      "written",
      .device = VIRTIO_ID_BLOCK,
      .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_EVENT | TP_CAP_CONFIG_TRIGGER,
      .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = announced);
