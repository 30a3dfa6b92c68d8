// SPDX-License-Identifier: BSD-3-Clause
/* Device suspend: VIRTIO_F_SUSPEND and the SUSPEND bit of the status (3.4). */
#include "harness/check/regs_kit.h"

#include <string.h>

#include "harness/check/blk_io.h"

#define TOO_EARLY    "v14.init.device-suspend.dev.1"
#define WRITES	     "v14.init.device-suspend.dev.2"
#define QUIET	     "v14.init.device-suspend.dev.3"
#define UNTOUCHED    "v14.init.device-suspend.dev.4"
#define FIELDS	     "v14.init.device-suspend.dev.5"
#define NO_EVENT     "v14.init.device-suspend.dev.6"
#define EVENT_LATER  "v14.init.device-suspend.dev.7"
#define SUSPENDS     "v14.init.device-suspend.dev.8"
#define RESUMES	     "v14.init.device-suspend.dev.9"
#define STOPS_TAKING "v14.init.device-suspend.dev.10"
#define FINISHES     "v14.init.device-suspend.dev.11"
#define NOTIFIES     "v14.init.device-suspend.dev.12"

#define SUSPEND	   BIT_ULL(VIRTIO_F_SUSPEND)
#define SUSPENDED  (RK_FEATURES_OK | VIRTIO_CONFIG_S_SUSPEND)
#define STATE_BITS (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_SUSPEND)
#define BROKEN	   VIRTIO_CONFIG_S_NEEDS_RESET

/* How many requests are in flight when the device is to suspend. */
#define LOAD 4

static bool start(struct ck *c)
{
	return ck_start(c, ck_ring_features() | SUSPEND);
}

/* Until of DRIVER_OK and SUSPEND exactly `want` is set, or the device needs a reset. */
static bool wait_state(struct ck *c, u8 want, u8 *status)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);

	do {
		if (!rk_status(c, status))
			return false;
		if ((*status & STATE_BITS) == want || *status & BROKEN)
			return true;
		c->tp->ops->relax(c->tp);
	} while (!tp_late(c->tp, deadline));
	return true;
}

/* As set-up: a device that does not suspend is another check's, one that may refuse to is nobody's. */
static bool wait_suspended(struct ck *c)
{
	u8 status;

	if (!wait_state(c, VIRTIO_CONFIG_S_SUSPEND, &status))
		return false;
	if (status & BROKEN)
		return ck_skip(c, "the device does not suspend: it needs a reset");
	return (status & STATE_BITS) == VIRTIO_CONFIG_S_SUSPEND ||
	       ck_error(c, "the device does not suspend: the status is 0x%02x", status);
}

static bool suspend(struct ck *c)
{
	return rk_set_status(c, RK_DRIVER_OK | VIRTIO_CONFIG_S_SUSPEND) && wait_suspended(c);
}

static bool resume(struct ck *c)
{
	u8 status;

	if (!rk_set_status(c, SUSPENDED | VIRTIO_CONFIG_S_DRIVER_OK) ||
	    !wait_state(c, VIRTIO_CONFIG_S_DRIVER_OK, &status))
		return false;
	if (status & BROKEN)
		return ck_skip(c, "the device does not resume: it needs a reset");
	return (status & STATE_BITS) == VIRTIO_CONFIG_S_DRIVER_OK ||
	       ck_error(c, "the device does not resume: the status is 0x%02x", status);
}

/* --- the status ------------------------------------------------------------------------------------ */

static void too_early(struct ck *c)
{
	static const u8 states[] = { RK_ACK, RK_DRIVER, RK_FEATURES_OK };
	u8 status;

	for (unsigned i = 0; i < ARRAY_SIZE(states); i++) {
		/* FEATURES_OK comes from a negotiation that has the feature in it. */
		if (!(states[i] == RK_FEATURES_OK ? ck_negotiate(c, SUSPEND)
						  : rk_go_to(c, states[i])) ||
		    !rk_set_status(c, states[i] | VIRTIO_CONFIG_S_SUSPEND) ||
		    !rk_status(c, &status))
			return;
		if (status & VIRTIO_CONFIG_S_SUSPEND) {
			ck_fail(c, TOO_EARLY, "SUSPEND is ignored before DRIVER_OK",
				"written in state 0x%02x it is shown: 0x%02x", states[i], status);
			return;
		}
	}
	/* In the last of them the way on must still be open. */
	if (!ck_queue_start(c, 0, NULL) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") ||
	    !rk_status(c, &status))
		return;
	if ((status & (STATE_BITS | BROKEN)) != VIRTIO_CONFIG_S_DRIVER_OK)
		ck_fail(c, TOO_EARLY, "DRIVER_OK, as if SUSPEND had not been written before",
			"the status is 0x%02x", status);
	else if (rk_knows_work(c))
		rk_work_or_fail(c, TOO_EARLY, "after SUSPEND was written too early");
}

CHECK(too_early, .id = "regs.suspend.too-early", .clauses = { TOO_EARLY },
      .stimulus =
	      "SUSPEND written to the status in the states ACKNOWLEDGE, DRIVER and FEATURES_OK, "
	      "then DRIVER_OK",
      .oracle = "SUSPEND is not shown, and the device comes up and serves a request where we know "
		"one",
      .features = SUSPEND, .run = too_early);

static void suspends(struct ck *c)
{
	u8 status;

	if (!start(c) || !rk_set_status(c, RK_DRIVER_OK | VIRTIO_CONFIG_S_SUSPEND) ||
	    !wait_state(c, VIRTIO_CONFIG_S_SUSPEND, &status))
		return;
	if (!(status & BROKEN) && (status & STATE_BITS) != VIRTIO_CONFIG_S_SUSPEND)
		ck_fail(c, SUSPENDS, "SUSPEND without DRIVER_OK, or DEVICE_NEEDS_RESET",
			"%u ms after SUSPEND was set the status is 0x%02x", c->tp->timeout_ms,
			status);
}

CHECK(suspends, .id = "regs.suspend.suspends", .clauses = { SUSPENDS },
      .stimulus = "SUSPEND set after DRIVER_OK",
      .oracle = "the status comes to SUSPEND without DRIVER_OK, or DEVICE_NEEDS_RESET",
      .features = SUSPEND, .run = suspends);

static void resumes(struct ck *c)
{
	u8 status;

	if (!start(c))
		return;
	/* DRIVER_OK set in what is read, and as the value that the device had before: both set it. */
	for (unsigned i = 0; i < 2; i++) {
		if (!suspend(c) ||
		    !rk_set_status(c, i ? RK_DRIVER_OK : SUSPENDED | VIRTIO_CONFIG_S_DRIVER_OK) ||
		    !wait_state(c, VIRTIO_CONFIG_S_DRIVER_OK, &status))
			return;
		if (status & BROKEN)
			return;
		if ((status & STATE_BITS) != VIRTIO_CONFIG_S_DRIVER_OK) {
			ck_fail(c, RESUMES, "DRIVER_OK without SUSPEND, or DEVICE_NEEDS_RESET",
				"%u ms after DRIVER_OK was set the status is 0x%02x",
				c->tp->timeout_ms, status);
			return;
		}
		if (rk_knows_work(c) && !rk_work_or_fail(c, RESUMES, "once the device resumed"))
			return;
	}
}

CHECK(resumes, .id = "regs.suspend.resumes", .clauses = { RESUMES },
      .stimulus = "a suspended device, and DRIVER_OK set; twice",
      .oracle = "the status comes to DRIVER_OK without SUSPEND, and a request is served where we "
		"know one; or DEVICE_NEEDS_RESET",
      .features = SUSPEND, .run = resumes);

/* --- queues ------------------------------------------------------------------------------------------ */

static void queues(struct ck *c)
{
	u64 before;

	if (!rk_can_work(c) || !start(c) || !rk_work(c) || !suspend(c) || !rk_offer(c))
		return;
	c->tp->ops->take_calls(c->tp, 0);
	before = rk_digest(c);
	if (!ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
		return;
	ck_quiet(c);
	if (rk_digest(c) != before) {
		ck_fail(c, UNTOUCHED, "rings and buffers are left alone while suspended",
			"they changed; the used index is %u", ck_used(c, 0));
		return;
	}
	if (c->tp->ops->take_calls(c->tp, 0)) {
		ck_fail(c, QUIET, "no notification while suspended", "one came");
		return;
	}
	/* Nothing is lost by it. */
	if (resume(c) && ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying") && !rk_served(c))
		ck_fail(c, RESUMES, "what is available is served once the device resumes",
			"it is not within %u ms", c->tp->timeout_ms);
}

CHECK(queues, .id = "regs.suspend.queues", .clauses = { QUIET, UNTOUCHED, RESUMES },
      .stimulus = "a request made available and notified while the device is suspended; then it "
		  "resumes",
      .oracle = "no change of rings and buffers and no notification; it is served afterwards",
      .features = SUSPEND, .run = queues);

/* --- configuration space ------------------------------------------------------------------------------ */

#define CONFIG_BYTES 64

static bool read_config(struct ck *c, u8 *to)
{
	u32 len = c->tp->config_len ? MIN(c->tp->config_len, CONFIG_BYTES) : 8;

	memset(to, 0, CONFIG_BYTES);
	return ck_must(c, c->tp->ops->read_config(c->tp, 0, to, len), "reading the configuration");
}

static void change(struct ck *c)
{
	u8 before[CONFIG_BYTES], during[CONFIG_BYTES], after[CONFIG_BYTES];
	const struct tp_ops *ops = c->tp->ops;

	if (!start(c) || !suspend(c) || !read_config(c, before) ||
	    !ck_must(c, ops->trigger_config(c->tp), "triggering a change"))
		return;
	if (ops->wait_config_event(c->tp, c->tp->quiet_ms)) {
		ck_fail(c, NO_EVENT, "no configuration change notification while suspended",
			"one came");
		return;
	}
	if (!read_config(c, during))
		return;
	if (memcmp(before, during, CONFIG_BYTES) != 0) {
		ck_fail(c, FIELDS, "the configuration as it was when the device was suspended",
			"a field has another value");
		return;
	}
	if (!resume(c))
		return;
	if (ops->wait_config_event(c->tp, c->tp->timeout_ms))
		return;
	if (!read_config(c, after))
		return;
	if (memcmp(before, after, CONFIG_BYTES) == 0)
		ck_skip(c, "the trigger changes nothing that is announced");
	else
		ck_fail(c, EVENT_LATER, "a configuration change notification on resuming",
			"the configuration is another one, and none came within %u ms",
			c->tp->timeout_ms);
}

CHECK(change, .id = "regs.suspend.config-change", .clauses = { FIELDS, NO_EVENT, EVENT_LATER },
      .stimulus = "the configuration changed from the outside while the device is suspended, which "
		  "then resumes",
      .oracle = "the same values and no notification while suspended, one afterwards",
      .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_TRIGGER | TP_CAP_CONFIG_EVENT, .features = SUSPEND,
      .run = change);

#define WRITEBACK 32

static void config_write(struct ck *c)
{
	const struct tp_ops *ops = c->tp->ops;
	u8 before, other, during, after;

	if (!ck_start(c, ck_ring_features() | SUSPEND | BIT_ULL(VIRTIO_BLK_F_FLUSH) |
				 BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE)) ||
	    !suspend(c) ||
	    !ck_must(c, ops->read_config(c->tp, WRITEBACK, &before, 1), "reading writeback"))
		return;
	other = !before;
	if (!ck_must(c, ops->write_config(c->tp, WRITEBACK, &other, 1), "writing writeback") ||
	    !ck_must(c, ops->read_config(c->tp, WRITEBACK, &during, 1), "reading writeback") ||
	    !resume(c) ||
	    !ck_must(c, ops->read_config(c->tp, WRITEBACK, &after, 1), "reading writeback"))
		return;
	if (during != before || after != before)
		ck_fail(c, WRITES, "a write while suspended is ignored",
			"writeback was %u, %u was written; it read %u then, and %u once resumed",
			before, other, during, after);
}

CHECK(config_write, .id = "regs.suspend.config-write", .clauses = { WRITES },
      .stimulus = "writeback written while the device is suspended",
      .oracle = "it reads as before, also after the device has resumed", .device = VIRTIO_ID_BLOCK,
      .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_WRITE,
      .features = SUSPEND | BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE), .run = config_write);

/* --- what is in flight ---------------------------------------------------------------------------------- */

/* LOAD requests are notified, and SUSPEND is set at once. */
static bool suspend_under_load(struct ck *c)
{
	if (!rk_can_work(c) || !start(c))
		return false;
	for (unsigned i = 0; i < LOAD; i++)
		if (!rk_offer(c))
			return false;
	return ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying") &&
	       rk_set_status(c, RK_DRIVER_OK | VIRTIO_CONFIG_S_SUSPEND);
}

/* A device with nothing in flight is suspended at once: then this says nothing, and nothing wrong. */
static void stops_taking(struct ck *c)
{
	u8 status;
	u16 used;

	if (!suspend_under_load(c) || !rk_status(c, &status))
		return;
	if ((status & STATE_BITS) == VIRTIO_CONFIG_S_SUSPEND) {
		ck_log(c, "  it was suspended before another request could be offered");
		return;
	}
	if (!rk_offer(c) || !ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying") ||
	    !wait_suspended(c))
		return;
	used = ck_used(c, 0);
	if (used > LOAD)
		ck_fail(c, STOPS_TAKING, "no buffer is taken once SUSPEND was set",
			"%u requests were available then, and %u are used", LOAD, used);
}

CHECK(stops_taking, .id = "regs.suspend.stops-taking", .clauses = { STOPS_TAKING },
      .stimulus = "four requests, SUSPEND set, and one more request while the status does not show "
		  "it yet",
      .oracle = "the one more is not used when the device is suspended", .features = SUSPEND,
      .run = stops_taking);

/*
 * Which requests had been taken shows where their data goes: the descriptors of all that are not used
 * point elsewhere from now on. No driver would do that, and a device that had taken nothing reads them
 * when it resumes.
 */
static void finishes(struct ck *c)
{
	struct vq *vq = &c->q[0].vq;
	struct tp_buf old[LOAD], new;
	struct vring_desc *desc;
	u16 used;

	if (!rk_can_work(c) || !start(c))
		return;
	for (unsigned i = 0; i < LOAD; i++)
		if (!rk_offer_in(c, &old[i]))
			return;
	if (!ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying") || !suspend(c))
		return;
	used = vq_used(vq);
	/* The address comes first in a descriptor of either layout. */
	desc = c->q[0].layout.desc_hva;
	ck_log(c, "  %u of %u requests are used", used, LOAD);
	if (used == LOAD)
		return;
	if (!ck_alloc(c, LOAD * old[0].len, 16, &new))
		return;
	for (unsigned i = 0; i < LOAD; i++) {
		/* What comes after the suspension is to be seen. */
		memset(old[i].hva, RK_UNTOUCHED, old[i].len);
		for (unsigned d = 0; d < vq_size(vq); d++)
			if (desc[d].addr == le64(old[i].gpa.v))
				desc[d].addr = le64(new.gpa.v + i *old[i].len);
	}
	if (!resume(c) || !ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
		return;
	if (!rk_served(c)) {
		ck_error(c, "requests are not used within %u ms once the device has resumed",
			 c->tp->timeout_ms);
		return;
	}
	for (unsigned i = used; i < LOAD; i++) {
		if (ck_not_value(old[i].hva, old[i].len, RK_UNTOUCHED) == old[i].len)
			continue;
		ck_fail(c, FINISHES, "what was being processed is used before the suspension shows",
			"request %u of %u was taken before, and used after the device resumed", i,
			LOAD);
		return;
	}
}

CHECK(finishes, .id = "regs.suspend.finishes", .clauses = { FINISHES },
      .stimulus =
	      "four requests, SUSPEND set; once the device is suspended the descriptors of those "
	      "that are not used point to other buffers, then it resumes",
      .oracle = "none of them was taken before the suspension: no data is in the first buffers",
      .features = SUSPEND, .run = finishes);

static void notifies(struct ck *c)
{
	u16 used;

	if (!suspend_under_load(c) || !wait_suspended(c))
		return;
	used = ck_used(c, 0);
	if (used && !c->tp->ops->take_calls(c->tp, 0))
		ck_fail(c, NOTIFIES,
			"notifications of what was used come before the suspension shows",
			"%u requests are used, and none came", used);
}

CHECK(notifies, .id = "regs.suspend.notified-first", .clauses = { NOTIFIES },
      .stimulus = "four requests, and SUSPEND set",
      .oracle = "once the device is suspended, the driver has been notified of what is used",
      .features = SUSPEND, .run = notifies);
