// SPDX-License-Identifier: BSD-3-Clause
/* The device status as a register: every write from every state (2.1, 2.4, 3.1, 3.4). */
#include "harness/check/regs_kit.h"

#define SHOWN	       "v14.basic.device-status-text.dev.1"
#define BEFORE_OK      "v14.basic.device-status.dev.1"
#define CALL_BEFORE_OK "v14.basic.device-status.dev.2"
#define RESETS	       "v14.basic.device-reset.dev.1"
#define SUBSET	       "v14.basic.feature-bits.dev.2"
#define AGAIN	       "v14.basic.feature-bits.dev.5"
#define TOO_EARLY      "v14.init.device-suspend.dev.1"
#define SUSPENDS       "v14.init.device-suspend.dev.8"
#define RESUMES	       "v14.init.device-suspend.dev.9"

#define SUSPEND	    VIRTIO_CONFIG_S_SUSPEND
#define DRIVER_OK   VIRTIO_CONFIG_S_DRIVER_OK
#define FAILED	    VIRTIO_CONFIG_S_FAILED
#define NEEDS_RESET VIRTIO_CONFIG_S_NEEDS_RESET
#define SUSPENDED   (RK_FEATURES_OK | SUSPEND)
#define UNDEFINED   0x20 /* the one bit that nothing defines */
#define HAS_SUSPEND BIT_ULL(VIRTIO_F_SUSPEND)

/* The states that a driver can bring a device to. */
static const struct {
	const char *name;
	u8 status;
	u64 feature; /* without it there is no such state */
} states[] = {
	{ "0", 0, 0 },
	{ "ACKNOWLEDGE", RK_ACK, 0 },
	{ "DRIVER", RK_DRIVER, 0 },
	{ "FEATURES_OK", RK_FEATURES_OK, 0 },
	{ "DRIVER_OK", RK_DRIVER_OK, 0 },
	{ "SUSPEND", SUSPENDED, HAS_SUSPEND },
	{ "FAILED", RK_DRIVER_OK | FAILED, 0 },
};

/*
 * What a driver may write in each, what the status then comes to, and the clause that says so. In every
 * state it may also write 0 (a reset, 2.4), the same again, and add FAILED (2.1).
 */
struct step {
	u8 state, write, becomes;
	const char *clause;
	u64 feature;
};

static const struct step steps[] = {
	/* 3.1.1, step 2: "the guest OS has noticed the device" */
	{ 0, RK_ACK, RK_ACK, SHOWN, 0 },
	/* step 3: "the guest OS knows how to drive the device" */
	{ RK_ACK, RK_DRIVER, RK_DRIVER, SHOWN, 0 },
	/* steps 5 and 6: set FEATURES_OK, and re-read that it is still set */
	{ RK_DRIVER, RK_FEATURES_OK, RK_FEATURES_OK, AGAIN, 0 },
	/* step 8: set DRIVER_OK, "at this point the device is live" */
	{ RK_FEATURES_OK, RK_DRIVER_OK, RK_DRIVER_OK, SHOWN, 0 },
	/* 3.4: set SUSPEND; the device clears DRIVER_OK once it has been suspended */
	{ RK_DRIVER_OK, RK_DRIVER_OK | SUSPEND, SUSPENDED, SUSPENDS, HAS_SUSPEND },
	/* 3.4: set DRIVER_OK; the device clears SUSPEND once it resumes running */
	{ SUSPENDED, SUSPENDED | DRIVER_OK, RK_DRIVER_OK, RESUMES, HAS_SUSPEND },
	{ SUSPENDED, RK_DRIVER_OK, RK_DRIVER_OK, RESUMES, HAS_SUSPEND },
	/* 2.1: after FAILED there is but a reset */
};

/* Of two bits of the byte that are no driver's one value each has to do: set on top of the state. */
static bool is_written(u8 state, unsigned value)
{
	const u8 odd = value & (UNDEFINED | NEEDS_RESET);

	return !odd || (value & ~odd) == state || value == 0xff;
}

/* What of the status a write can be held to: a device may need a reset at any time. */
static bool shows(u8 now, u8 want)
{
	return (now & ~NEEDS_RESET) == want;
}

/* The status comes to `want`, or the time is over, or the device needs a reset. */
static bool comes_to(struct ck *c, u8 want, u8 *now)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);

	do {
		if (!rk_status(c, now))
			return false;
		if (shows(*now, want) || *now & NEEDS_RESET)
			return true;
		c->tp->ops->relax(c->tp);
	} while (!tp_late(c->tp, deadline));
	return true;
}

static bool go_to(struct ck *c, u8 state)
{
	const u8 base = state & SUSPEND ? RK_DRIVER_OK : (u8)(state & ~FAILED);
	u8 now;

	if (!rk_go_to(c, base))
		return false;
	if (state & SUSPEND && !rk_set_status(c, RK_DRIVER_OK | SUSPEND))
		return false;
	if (state & FAILED && !rk_set_status(c, state))
		return false;
	return comes_to(c, state, &now);
}

static bool reset(struct ck *c, u8 state, u8 written)
{
	u8 now;

	if (!rk_set_status(c, 0) || !rk_wait_reset(c, &now))
		return false;
	return now == 0 ||
	       ck_fail(c, RESETS, "0",
		       "the status is 0x%02x after a reset; 0x%02x was written in state 0x%02x "
		       "before",
		       now, written, state);
}

/* A write that the table has: the status comes to what it says, and stays there. */
static bool legal(struct ck *c, const struct step *s)
{
	u8 now;

	if (!comes_to(c, s->becomes, &now))
		return false;
	return shows(now, s->becomes) || now & NEEDS_RESET ||
	       ck_fail(c, s->clause, "the status that the write leads to",
		       "in state 0x%02x 0x%02x was written: 0x%02x is read, not 0x%02x", s->state,
		       s->write, now, s->becomes);
}

/*
 * A write that no driver may make. What the status then shows is the device's own affair, but for
 * SUSPEND before there is anything to suspend; and it must still be possible to reset it.
 */
static bool illegal(struct ck *c, u8 state, u8 write)
{
	const bool initialized = (state & RK_DRIVER_OK) == RK_DRIVER_OK || state & SUSPEND;
	u8 now;

	if (!rk_status(c, &now))
		return false;
	if (now != write)
		ck_log(c, "  0x%02x, 0x%02x written: 0x%02x", state, write, now);
	return initialized || !(c->offered & HAS_SUSPEND) || write & DRIVER_OK ||
	       !(now & SUSPEND) ||
	       ck_fail(c, TOO_EARLY, "SUSPEND is ignored before DRIVER_OK",
		       "in state 0x%02x 0x%02x was written: 0x%02x is read", state, write, now);
}

static bool cell(struct ck *c, u8 state, u8 write)
{
	const struct step own = { state, write, write, SHOWN, 0 };

	if (!go_to(c, state))
		return false;
	if (write == 0)
		return reset(c, state, 0);
	if (!rk_set_status(c, write))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		const struct step *s = &steps[i];

		if (s->state == state && s->write == write &&
		    (c->offered & s->feature) == s->feature)
			return legal(c, s) && reset(c, state, write);
	}
	if (write == state || write == (state | FAILED))
		return legal(c, &own) && reset(c, state, write);
	return illegal(c, state, write) && reset(c, state, write);
}

static void transitions(struct ck *c)
{
	u8 now;

	/* The features of all that follows. */
	if (!rk_go_to(c, RK_FEATURES_OK) || !rk_status(c, &now))
		return;
	if (!(now & VIRTIO_CONFIG_S_FEATURES_OK)) {
		ck_fail(c, SUBSET, "FEATURES_OK with what a driver needs of the offer",
			"the status is 0x%02x", now);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(states); i++) {
		if ((c->offered & states[i].feature) != states[i].feature)
			continue;
		ck_log(c, "  state %s", states[i].name);
		for (unsigned write = 0; write < 0x100; write++)
			if (is_written(states[i].status, write) &&
			    !cell(c, states[i].status, (u8)write))
				return;
	}
}

CHECK(transitions, .id = "regs.status.transitions",
      .clauses = { RESETS, SHOWN, SUBSET, AGAIN, TOO_EARLY, SUSPENDS, RESUMES },
      .stimulus =
	      "in each of the states 0, ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK, SUSPEND "
	      "(where it is offered) and FAILED: every value of the six bits that a driver sets, "
	      "and a few with the other two; each time from a reset and followed by one",
      .oracle =
	      "the status comes to what a write in the order of initialization says; SUSPEND does "
	      "not show before DRIVER_OK; after whatever was written, 0 brings it back to 0",
      .run = transitions);

/* The eighth state, which the device chooses: nothing but a reset leads out of it. */
static void broken(struct ck *c)
{
	for (unsigned write = 0; write < 0x100; write++) {
		u8 now;

		if (!is_written(RK_DRIVER_OK, write))
			continue;
		if (!ck_open(c) || !ck_start(c, ck_ring_features() | HAS_SUSPEND) || !rk_break(c) ||
		    !rk_set_status(c, (u8)write) || !rk_status(c, &now))
			return;
		if (write && !(now & NEEDS_RESET))
			ck_log(c, "  DEVICE_NEEDS_RESET is gone once 0x%02x was written", write);
		if (!reset(c, RK_DRIVER_OK | NEEDS_RESET, (u8)write))
			return;
	}
}

CHECK(broken, .id = "regs.status.needs-reset", .clauses = { RESETS },
      .stimulus = "the same values written once the device needs a reset, because of an available "
		  "index too far ahead; each followed by a reset",
      .oracle = "the status reads 0", .run = broken);

/* The same features, after whatever was written to the status register before. */
static void negotiate_again(struct ck *c)
{
	const u64 features = ck_demanded(c);

	if (!ck_must(c, c->tp->ops->set_features(c->tp, features), "negotiating features"))
		return;
	for (unsigned write = 0; write < 0x100; write++) {
		int rc;

		if (!is_written(RK_DRIVER, write))
			continue;
		if (!rk_go_to(c, RK_DRIVER) || !rk_set_status(c, (u8)write) ||
		    !ck_must(c, c->tp->ops->set_status(c->tp, 0), "resetting"))
			return;
		rc = c->tp->ops->set_features(c->tp, features);
		if (rc == TP_EREFUSED) {
			ck_fail(c, AGAIN, "accepted, as the first time",
				"refused after 0x%02x was written in state DRIVER, and a reset",
				write);
			return;
		}
		if (!ck_must(c, rc, "negotiating features"))
			return;
	}
}

CHECK(negotiate_again, .id = "regs.status.negotiate-again", .clauses = { AGAIN },
      .stimulus =
	      "the same values written to the status register in state DRIVER, each followed by "
	      "a reset and the negotiation of the same features",
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
	if (ck_used(c, 0)) {
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
      .oracle = "it is not used, and the driver not notified", .fresh = true,
      .run = before_driver_ok);
