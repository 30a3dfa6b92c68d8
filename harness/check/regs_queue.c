// SPDX-License-Identifier: BSD-3-Clause
/* Queues as registers show them: enabled, reset, absent (2.6.1, 4.1.4.3, 4.2.2). */
#include "harness/check/regs_kit.h"

#define PCI_DISABLED	"v14.pci.common-cfg.dev.9"
#define MMIO_DISABLED	"v14.mmio.registers.dev.6"
#define PCI_RR_ZERO	"v14.pci.common-cfg.dev.10"
#define MMIO_RR_ZERO	"v14.mmio.registers.dev.9"
#define PCI_RR_ENABLED	"v14.pci.common-cfg.dev.11"
#define MMIO_RR_ENABLED "v14.mmio.registers.dev.10"
#define PCI_RR_RESETS	"v14.pci.common-cfg.dev.12"
#define MMIO_RR_RESETS	"v14.mmio.registers.dev.11"
#define PCI_RR_BUSY	"v14.pci.common-cfg.dev.13"
#define MMIO_RR_BUSY	"v14.mmio.registers.dev.12"
#define PCI_RR_DONE	"v14.pci.common-cfg.dev.14"
#define MMIO_RR_DONE	"v14.mmio.registers.dev.13"
#define VQ_STOPS	"v14.basic.vq-reset.dev.1"
#define VQ_QUIET	"v14.basic.vq-reset.dev.2"
#define VQ_DEFAULTS	"v14.basic.vq-reset.dev.3"
#define VQ_REENABLE	"v14.basic.vq-reenable.dev.1"
#define ALIVE		"ROB.live.bad-request"
#define RING_RESET	BIT_ULL(VIRTIO_F_RING_RESET)

/* Queues in one check at most: more tell nothing new. */
#define QUEUES 4

/* --- device reset ----------------------------------------------------------------------------------- */

static bool start_some(struct ck *c, u64 want)
{
	if (!ck_negotiate(c, want))
		return false;
	for (unsigned q = 0; q < MIN(c->queues, QUEUES); q++)
		if (!ck_queue_start(c, q, NULL))
			return false;
	return ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK");
}

static void disabled_by_reset(struct ck *c)
{
	u32 on;
	u8 status;

	if (!start_some(c, ck_ring_features()))
		return;
	for (unsigned q = 0; q < MIN(c->queues, QUEUES); q++) {
		if (!rk_enabled(c, q, &on))
			return;
		if (!on)
			ck_log(c, "  queue %u does not read as enabled", q);
	}
	if (!rk_set_status(c, 0) || !rk_wait_reset(c, &status))
		return;
	for (unsigned q = 0; q < c->queues; q++) {
		if (!rk_enabled(c, q, &on))
			return;
		if (!on)
			continue;
		ck_fail(c, rk_clause(c, PCI_DISABLED, MMIO_DISABLED), "0 for every queue",
			"queue %u reads 0x%x after a reset", q, on);
		return;
	}
}

CHECK(disabled_by_reset, .id = "regs.queue.disabled-by-reset",
      .clauses = { PCI_DISABLED, MMIO_DISABLED },
      .stimulus = "up to four queues enabled, DRIVER_OK, then a reset",
      .oracle = "queue_enable (QueueReady) of every queue reads 0", .run = disabled_by_reset);

/* --- queues that are not there ----------------------------------------------------------------------- */

static void notify_absent(struct ck *c)
{
	const unsigned absent[] = { c->queues, c->queues + 1, 0x7fff, 0xffff };
	u8 status;

	if (!ck_start(c, ck_ring_features()))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(absent); i++) {
		const struct regs *r = rk_regs(c);
		u32 on;

		/* On PCI the number goes into queue 0's place: that is where it can be written. */
		if (!ck_must(c, r->reg->queue_enabled(rk_regs(c), absent[i], &on),
			     "selecting a queue") ||
		    !ck_must(c, c->tp->ops->notify(c->tp, absent[i]), "notifying"))
			return;
	}
	if (!rk_status(c, &status))
		return;
	if (!(status & VIRTIO_CONFIG_S_DRIVER_OK) || status & VIRTIO_CONFIG_S_NEEDS_RESET) {
		ck_fail(c, ALIVE, "the device goes on", "the status is 0x%02x", status);
		return;
	}
	if (rk_knows_work(c))
		rk_work_or_fail(c, ALIVE, "after notifications for queues that do not exist");
}

CHECK(notify_absent, .id = "regs.queue.notify-absent", .clauses = { ALIVE },
      .stimulus = "the queues from num_queues on, 0x7fff and 0xffff selected and notified",
      .oracle = "the status is what it was, and a request is served where we know one",
      .run = notify_absent);

/* --- a queue that comes late -------------------------------------------------------------------------- */

static bool alive(struct ck *c, int rc, const char *when)
{
	return rc == TP_OK || ck_fail(c, ALIVE, "the device goes on", "%s: %s", when,
				      c->tp->error[0] ? c->tp->error : tp_result_text(rc));
}

/* All queues are to be there at DRIVER_OK (3.1.1). A device need not serve this one, but has to live. */
static void enabled_late(struct ck *c)
{
	struct regs *r = rk_regs(c);
	u8 status;

	if (!ck_start(c, ck_ring_features()) || !ck_queue_start(c, 1, NULL) ||
	    !alive(c, c->tp->ops->notify(c->tp, 1), "a queue enabled after DRIVER_OK is notified"))
		return;
	ck_quiet(c);
	if (!alive(c, r->reg->get_status(r, &status), "after a queue was enabled late"))
		return;
	if (!(status & VIRTIO_CONFIG_S_NEEDS_RESET) &&
	    (c->device == VIRTIO_ID_BLOCK || c->device == VIRTIO_ID_RNG) &&
	    !rk_work_or_fail(c, ALIVE, "with another queue enabled late"))
		return;
	if (!alive(c, r->reg->set_status(r, 0), "a reset after a queue was enabled late") ||
	    !alive(c, r->reg->get_status(r, &status), "after that reset") || !ck_open(c) ||
	    !ck_start(c, ck_ring_features()))
		return;
	if (c->device == VIRTIO_ID_BLOCK || c->device == VIRTIO_ID_RNG)
		rk_work_or_fail(c, ALIVE, "after a reset of a device with a queue enabled late");
}

CHECK(enabled_late, .id = "regs.queue.enabled-late", .clauses = { ALIVE },
      .stimulus = "queue 1 enabled and notified after DRIVER_OK; a reset, and a new session",
      .oracle =
	      "the device lives, and queue 0 is served, where we know a request: before the reset "
	      "(unless it is asked for) and after it",
      .queues = 2, .fresh = true, .disturbs = true, .run = enabled_late);

/* --- queue reset ------------------------------------------------------------------------------------- */

static bool resetting(struct ck *c, unsigned q, u32 *value)
{
	struct regs *r = rk_regs(c);

	return ck_must(c, r->reg->queue_resetting(r, q, value), "reading whether a queue is reset");
}

static void ring_reset_reads(struct ck *c)
{
	u32 value;

	for (unsigned q = 0; q < c->queues; q++) {
		if (!resetting(c, q, &value))
			return;
		if (value) {
			ck_fail(c, rk_clause(c, PCI_RR_ZERO, MMIO_RR_ZERO), "0",
				"queue %u reads 0x%x after a reset", q, value);
			return;
		}
	}
	if (!start_some(c, ck_ring_features() | RING_RESET))
		return;
	for (unsigned q = 0; q < MIN(c->queues, QUEUES); q++) {
		if (!resetting(c, q, &value))
			return;
		if (value) {
			ck_fail(c, rk_clause(c, PCI_RR_ENABLED, MMIO_RR_ENABLED), "0",
				"queue %u reads 0x%x once enabled", q, value);
			return;
		}
	}
}

CHECK(ring_reset_reads, .id = "regs.queue-reset.reads-zero",
      .clauses = { PCI_RR_ZERO, MMIO_RR_ZERO, PCI_RR_ENABLED, MMIO_RR_ENABLED },
      .stimulus = "queue_reset (QueueReset) after a reset, and once queues are enabled",
      .oracle = "0", .features = RING_RESET, .run = ring_reset_reads);

/* Reset queue 0; the device says that it is done, and the queue disabled. */
static bool reset_queue(struct ck *c)
{
	const char *done = rk_clause(c, PCI_RR_DONE, MMIO_RR_DONE);
	struct regs *r = rk_regs(c);
	u32 base;
	u32 on;
	int rc = c->tp->ops->queue_stop(c->tp, 0, &base);

	if (rc == TP_ETIMEOUT)
		return ck_fail(c, done, "0 once the queue is reset", "%s", c->tp->error);
	if (!ck_must(c, rc, "resetting a queue") ||
	    !ck_must(c, r->reg->queue_enabled(r, 0, &on), "reading whether a queue is enabled"))
		return false;
	return !on || ck_fail(c, done, "queue_enable (QueueReady) is 0 with a queue reset finished",
			      "it still reads 0x%x", on);
}

static void ring_reset_done(struct ck *c)
{
	if (start_some(c, ck_ring_features() | RING_RESET))
		reset_queue(c);
}

CHECK(ring_reset_done, .id = "regs.queue-reset.done", .clauses = { PCI_RR_DONE, MMIO_RR_DONE },
      .stimulus = "1 written to queue_reset (QueueReset) of a queue that runs",
      .oracle = "it becomes 0, and queue_enable (QueueReady) is 0 then", .features = RING_RESET,
      .run = ring_reset_done);

/* Requests in flight, where the device takes its time for them: with none the reset is over at once. */
#define LOAD 16
/* Descriptors that one takes at most: a queue of 8, as QEMU's entropy device has, holds fewer. */
#define LARGE_DESCS 3

/* Until it reads 0: how often it read 1 before, or -1 and why has been recorded. */
static int reset_takes(struct ck *c)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);
	u32 value;

	for (int n = 0;; n++) {
		if (!resetting(c, 0, &value))
			return -1;
		if (value == 0)
			return n;
		if (value != 1) {
			ck_fail(c, rk_clause(c, PCI_RR_BUSY, MMIO_RR_BUSY), "1, then 0",
				"0x%x while the queue is being reset", value);
			return -1;
		}
		if (tp_late(c->tp, deadline)) {
			ck_fail(c, rk_clause(c, PCI_RR_DONE, MMIO_RR_DONE), "0 once it is reset",
				"1 for %u ms", c->tp->timeout_ms);
			return -1;
		}
		c->tp->ops->relax(c->tp);
	}
}

static void ring_reset_busy(struct ck *c)
{
	struct regs *r = rk_regs(c);
	u64 before;
	u16 used;
	u32 on;
	unsigned load = 0;
	int n;

	if (!rk_can_work(c) || !ck_start(c, ck_ring_features() | RING_RESET))
		return;
	for (; load < LOAD && vq_room(&c->q[0].vq) >= LARGE_DESCS; load++)
		if (!rk_offer_large(c))
			return;
	if (!ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying") ||
	    !ck_must(c, r->reg->queue_reset(r, 0), "resetting a queue"))
		return;
	n = reset_takes(c);
	if (n < 0 ||
	    !ck_must(c, r->reg->queue_enabled(r, 0, &on), "reading whether a queue is enabled"))
		return;
	if (on) {
		ck_fail(c, rk_clause(c, PCI_RR_DONE, MMIO_RR_DONE),
			"queue_enable (QueueReady) is 0 with a queue reset finished",
			"it still reads 0x%x", on);
		return;
	}
	used = ck_used(c, 0);
	before = rk_digest(c);
	ck_log(c, "  1 was read %d times, and %u of %u requests are used", n, used, load);
	ck_quiet(c);
	if (rk_digest(c) != before)
		ck_fail(c, rk_clause(c, PCI_RR_BUSY, MMIO_RR_BUSY),
			"1 as long as the queue is being reset",
			"it reads 0, and rings and buffers change afterwards; the used index was "
			"%u, is %u",
			used, ck_used(c, 0));
}

CHECK(ring_reset_busy, .id = "regs.queue-reset.in-progress",
      .clauses = { PCI_RR_BUSY, MMIO_RR_BUSY, PCI_RR_DONE, MMIO_RR_DONE },
      .stimulus = "up to 16 requests of 64 KiB, and at once 1 written to queue_reset (QueueReset)",
      .oracle = "1, then 0 for good: rings and buffers do not change once it reads 0",
      .features = RING_RESET, .run = ring_reset_busy);

static void ring_reset_stops(struct ck *c)
{
	struct vq *vq = &c->q[0].vq;
	u16 used;

	if (!rk_can_work(c) || !ck_start(c, ck_ring_features() | RING_RESET) || !rk_work(c) ||
	    !reset_queue(c))
		return;
	used = vq_used(vq);
	c->tp->ops->take_calls(c->tp, 0);
	if (!rk_offer(c) || !ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
		return;
	ck_quiet(c);
	if (vq_used(vq) != used)
		ck_fail(c, VQ_STOPS, "a queue that was reset executes nothing",
			"a request made available after it was served");
	else if (c->tp->ops->take_calls(c->tp, 0))
		ck_fail(c, VQ_QUIET, "a queue that was reset notifies nobody",
			"a notification came after the reset");
}

CHECK(ring_reset_stops, .id = "regs.queue-reset.stops",
      .clauses = { VQ_STOPS, VQ_QUIET, PCI_RR_RESETS, MMIO_RR_RESETS, PCI_RR_DONE, MMIO_RR_DONE },
      .stimulus = "a queue reset, then a request made available and notified",
      .oracle = "it is not served, and no notification comes", .features = RING_RESET,
      .run = ring_reset_stops);

static void ring_reset_reenable(struct ck *c)
{
	struct ck_queue_opts half = { 0 };
	struct regs *r = rk_regs(c);
	u16 before, after;

	if (!ck_must(c, r->reg->queue_max(r, 0, &before), "reading a queue's size") ||
	    !rk_can_work(c) || !ck_start(c, ck_ring_features() | RING_RESET))
		return;
	for (unsigned i = 0; i < 3; i++)
		if (!rk_work(c))
			return;
	if (!reset_queue(c) ||
	    !ck_must(c, r->reg->queue_max(r, 0, &after), "reading a queue's size"))
		return;
	if (after != before) {
		ck_fail(c, VQ_DEFAULTS, "the queue's size is the largest again", "it was %u, is %u",
			before, after);
		return;
	}
	/* Elsewhere, smaller, and both sides at index 0. */
	half.size = c->q[0].layout.size / 2;
	if (!ck_queue_start(c, 0, &half) || !rk_offer(c) ||
	    !ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
		return;
	if (!ck_wait_used(c, 0, 1)) {
		const u16 used = ck_used(c, 0);

		ck_fail(c, used ? VQ_DEFAULTS : VQ_REENABLE,
			"a request is served in the new ring, at index 0",
			"the used index is %u after %u ms", used, c->tp->timeout_ms);
	}
}

CHECK(ring_reset_reenable, .id = "regs.queue-reset.re-enable",
      .clauses = { VQ_DEFAULTS, VQ_REENABLE, PCI_RR_RESETS, MMIO_RR_RESETS, PCI_RR_DONE,
		   MMIO_RR_DONE },
      .stimulus = "three requests, a queue reset, the queue enabled again elsewhere with half the "
		  "size, one request",
      .oracle =
	      "the size is the largest in between, and the request is served in the new ring from "
	      "index 0",
      .features = RING_RESET, .run = ring_reset_reenable);
