// SPDX-License-Identifier: BSD-3-Clause
/* The device status as a register: every write from every state (2.1, 2.4, 3.1). */
#include "harness/check/regs_kit.h"

#define BEFORE_OK      "v14.basic.device-status.dev.1"
#define CALL_BEFORE_OK "v14.basic.device-status.dev.2"
#define RESETS	       "v14.basic.device-reset.dev.1"
#define AGAIN	       "v14.basic.feature-bits.dev.5"

static const u8 states[] = { 0, RK_ACK, RK_DRIVER, RK_FEATURES_OK, RK_DRIVER_OK };

/* What is written in each: all the states, bits that skip steps or take some back, and FAILED. */
static const u8 writes[] = {
	0,
	RK_ACK,
	VIRTIO_CONFIG_S_DRIVER,
	RK_DRIVER,
	VIRTIO_CONFIG_S_FEATURES_OK,
	RK_FEATURES_OK,
	VIRTIO_CONFIG_S_DRIVER_OK,
	RK_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK,
	RK_DRIVER_OK,
	VIRTIO_CONFIG_S_FAILED,
	RK_ACK | VIRTIO_CONFIG_S_FAILED,
	RK_DRIVER | VIRTIO_CONFIG_S_FAILED,
	RK_FEATURES_OK | VIRTIO_CONFIG_S_FAILED,
	RK_DRIVER_OK | VIRTIO_CONFIG_S_FAILED,
};

/*
 * One cell of the table. What a device shows after a write that no driver may make is its own affair,
 * so that only a reset has to work from there; the cell says so in the evidence.
 */
static bool cell(struct ck *c, u8 from, u8 write)
{
	u8 now;

	if (!rk_go_to(c, from) || !rk_set_status(c, write) || !rk_status(c, &now))
		return false;
	if (write == 0) {
		if (!rk_wait_reset(c, &now))
			return false;
		return now == 0 ||
		       ck_fail(c, RESETS, "0", "the status is 0x%02x after a reset in state 0x%02x",
			       now, from);
	}
	if (now != write)
		ck_log(c, "  0x%02x, 0x%02x written: 0x%02x", from, write, now);
	if (!rk_set_status(c, 0) || !rk_wait_reset(c, &now))
		return false;
	return now == 0 ||
	       ck_fail(c, RESETS, "0",
		       "the status is 0x%02x after a reset; 0x%02x was written in state "
		       "0x%02x before",
		       now, write, from);
}

static void transitions(struct ck *c)
{
	for (unsigned s = 0; s < ARRAY_SIZE(states); s++)
		for (unsigned w = 0; w < ARRAY_SIZE(writes); w++)
			if (!cell(c, states[s], writes[w]))
				return;
}

CHECK(transitions, .id = "regs.status.transitions", .clauses = { RESETS },
      .stimulus = "14 values written to the status register in each of the states 0, ACKNOWLEDGE, "
		  "DRIVER, FEATURES_OK and DRIVER_OK, then 0",
      .oracle = "0 brings the device back from each: the status reads 0", .run = transitions);

/* The same features, after whatever was written to the status register before. */
static void negotiate_again(struct ck *c)
{
	const u64 features = c->offered & BIT_ULL(VIRTIO_F_VERSION_1);

	if (!ck_must(c, c->tp->ops->set_features(c->tp, features), "negotiating features"))
		return;
	for (unsigned w = 0; w < ARRAY_SIZE(writes); w++) {
		int rc;

		if (!rk_go_to(c, RK_DRIVER) || !rk_set_status(c, writes[w]) ||
		    !ck_must(c, c->tp->ops->set_status(c->tp, 0), "resetting"))
			return;
		rc = c->tp->ops->set_features(c->tp, features);
		if (rc == TP_EREFUSED) {
			ck_fail(c, AGAIN, "accepted, as the first time",
				"refused after 0x%02x was written in state DRIVER, and a reset",
				writes[w]);
			return;
		}
		if (!ck_must(c, rc, "negotiating features"))
			return;
	}
}

CHECK(negotiate_again, .id = "regs.status.negotiate-again", .clauses = { AGAIN },
      .stimulus = "14 values written to the status register in state DRIVER, each followed by a "
		  "reset and the negotiation of the same features",
      .oracle = "they are accepted each time", .run = negotiate_again);

/* With a status register there is no other reading: what is made available early waits. */
static void before_driver_ok(struct ck *c)
{
	const struct tp_ops *ops = c->tp->ops;
	bool called;

	if (!rk_can_work(c) || !ck_negotiate(c, ck_ring_features()) ||
	    !ck_queue_start(c, 0, NULL) || !rk_offer(c))
		return;
	ops->take_calls(c->tp, 0);
	if (!ck_must(c, ops->notify(c->tp, 0), "notifying"))
		return;
	ck_quiet(c);
	called = ops->take_calls(c->tp, 0);
	if (vq_split_raw_used_idx(&c->q[0].vq)) {
		ck_fail(c, BEFORE_OK, "buffers are left alone until DRIVER_OK",
			"a buffer is used before DRIVER_OK%s",
			called ? ", and the driver notified" : "");
		return;
	}
	if (called)
		ck_fail(c, CALL_BEFORE_OK, "no used buffer notification until DRIVER_OK",
			"one came before DRIVER_OK");
}

CHECK(before_driver_ok, .id = "regs.status.before-driver-ok",
      .clauses = { BEFORE_OK, CALL_BEFORE_OK },
      .stimulus = "a request made available and notified in state FEATURES_OK",
      .oracle = "it is not used, and the driver not notified", .run = before_driver_ok);
