// SPDX-License-Identifier: BSD-3-Clause
/* Faults of queues in the register model: enabling, disabling, queue reset. */
#include "ref-backends/binding/registers/rreg.h"
#include "ref-backends/fault/fault.h"

/* What a fault remembers of a queue until it is enabled again, or the device reset. */
static struct {
	bool was_reset, was_enabled;
	struct dvq_split vq;
	u16 vector;
} memory[RREG_QUEUES_MAX];

static void remember(struct rreg_queue *q, const struct rreg_queue *was)
{
	memory[q->index].was_reset = true;
	memory[q->index].vq = was->vq;
	memory[q->index].vector = was->vector;
}

static void forget(struct rreg_queue *q)
{
	memory[q->index].was_reset = false;
	memory[q->index].was_enabled = true;
}

static void forget_all(struct rreg *r)
{
	for (unsigned i = 0; i < RREG_QUEUES_MAX; i++)
		memory[i].was_reset = false;
}

static struct rreg_queue *notified(struct rreg *r, unsigned reg, u32 value)
{
	u32 q = value & 0xffff;

	return reg == RREG_NOTIFY && q < r->num_queues && memory[q].was_reset ? &r->queues[q]
									      : NULL;
}

/* --- a queue that was reset -------------------------------------------------------------------------- */

static void keep_ring(struct rreg_queue *q, const struct rreg_queue *was)
{
	remember(q, was);
	q->vq = was->vq;
}

static bool run_after_reset(struct rreg_queue *q, bool allowed)
{
	return allowed || (memory[q->index].was_reset && !q->enabled && q->vq.desc);
}

static enum fault_action quiet_after_reset(struct rreg *r, int q)
{
	return q >= 0 && memory[q].was_reset ? FAULT_DONE : FAULT_PASS;
}

FAULT(reg_queue_reset_serves, .name = "reg-queue-reset-serves",
      .clause = "v14.basic.vq-reset.dev.1", .transport = "registers",
      .summary = "serves what is notified in a queue that was reset", .reg_queue_reset = keep_ring,
      .reg_queue_begin = forget, .reg_reset = forget_all, .reg_may_run = run_after_reset,
      .reg_interrupt = quiet_after_reset);

static void keep_vector(struct rreg_queue *q, const struct rreg_queue *was)
{
	remember(q, was);
	q->vector = was->vector;
}

static enum fault_action interrupt_after_reset(struct rreg *r, unsigned reg, u32 *value)
{
	struct rreg_queue *q = notified(r, reg, *value);

	if (q)
		r->face->interrupt(r, q->index);
	return FAULT_PASS;
}

FAULT(reg_queue_reset_interrupts, .name = "reg-queue-reset-interrupts",
      .clause = "v14.basic.vq-reset.dev.2", .transport = "registers",
      .summary = "interrupts for a queue that was reset", .reg_queue_reset = keep_vector,
      .reg_queue_begin = forget, .reg_reset = forget_all, .reg_write = interrupt_after_reset);

static void begin_where_it_was(struct rreg_queue *q)
{
	const struct dvq_split *was = &memory[q->index].vq;

	if (memory[q->index].was_reset)
		q->vq.last_avail = q->vq.avail_seen = was->last_avail;
	forget(q);
}

FAULT(reg_queue_reset_position, .name = "reg-queue-reset-position",
      .clause = "v14.basic.vq-reset.dev.3", .transport = "registers",
      .summary = "goes on at the old available index after a queue reset",
      .reg_queue_reset = remember, .reg_queue_begin = begin_where_it_was, .reg_reset = forget_all);

static void begin_in_old_ring(struct rreg_queue *q)
{
	if (memory[q->index].was_reset)
		q->vq = memory[q->index].vq;
	forget(q);
}

FAULT(reg_queue_reset_old_ring, .name = "reg-queue-reset-old-ring",
      .clause = "v14.basic.vq-reenable.dev.1", .transport = "registers",
      .summary = "uses the old ring when a queue is enabled again after its reset",
      .reg_queue_reset = remember, .reg_queue_begin = begin_in_old_ring, .reg_reset = forget_all);

static enum fault_action absent_breaks(struct rreg *r, unsigned reg, u32 *value)
{
	if (reg == RREG_NOTIFY && (*value & 0xffff) >= r->num_queues)
		rreg_needs_reset(r);
	return FAULT_PASS;
}

FAULT(reg_notify_absent, .name = "reg-notify-absent-breaks", .clause = "ROB.live.bad-request",
      .transport = "registers", .summary = "needs a reset when a queue is notified that it has not",
      .reg_write = absent_breaks);

/* All queues are there at DRIVER_OK; one that comes later was not thought of. */
static bool late;

static void note_late(struct rreg_queue *q)
{
	late |= q->index && q->r->status & VIRTIO_CONFIG_S_DRIVER_OK && !memory[q->index].was_reset;
}

static bool stuck_when_late(struct rreg_queue *q, bool allowed)
{
	return allowed && !late;
}

FAULT(reg_late_queue, .name = "reg-late-queue-stuck", .clause = "ROB.live.bad-request",
      .transport = "registers",
      .summary = "serves nothing any more once another queue was enabled after DRIVER_OK",
      .reg_queue_reset = remember, .reg_queue_begin = note_late, .reg_may_run = stuck_when_late);

/* --- the same rule in both transports' chapters ------------------------------------------------------------ */

static enum fault_action only_disable(struct rreg *r, unsigned reg, u32 *value)
{
	struct rreg_queue *q = rreg_selected(r);

	if (reg != RREG_QUEUE_RESET || *value != 1 || !q || !q->enabled)
		return FAULT_PASS;
	remember(q, q);
	q->enabled = false;
	q->size = r->queue_max;
	q->desc = q->avail = q->used = 0;
	return FAULT_DONE;
}

static u32 enabled_after_queue_reset(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_QUEUE_ENABLE && rreg_selected(r) && memory[r->queue_sel].was_reset
		       ? 1
		       : value;
}

static u32 resetting_at_first(struct rreg *r, unsigned reg, u32 value)
{
	const struct rreg_queue *q = rreg_selected(r);

	return reg == RREG_QUEUE_RESET && q && !q->enabled &&
			       !(r->status & VIRTIO_CONFIG_S_DRIVER_OK)
		       ? 1
		       : value;
}

static u32 resetting_when_enabled(struct rreg *r, unsigned reg, u32 value)
{
	const struct rreg_queue *q = rreg_selected(r);

	return reg == RREG_QUEUE_RESET && q && q->enabled ? 1 : value;
}

static u32 enabled_after_reset(struct rreg *r, unsigned reg, u32 value)
{
	return reg == RREG_QUEUE_ENABLE && rreg_selected(r) && memory[r->queue_sel].was_enabled &&
			       !(r->status & VIRTIO_CONFIG_S_FEATURES_OK)
		       ? 1
		       : value;
}

#define BOTH(ident, what, pci_clause, mmio_clause, summary_, ...)                                  \
	FAULT(pci_##ident, .name = "pci-" what, .clause = "v14.pci.common-cfg." pci_clause,        \
	      .transport = "pci", .summary = summary_, __VA_ARGS__);                               \
	FAULT(mmio_##ident, .name = "mmio-" what, .clause = "v14.mmio.registers." mmio_clause,     \
	      .transport = "mmio", .summary = summary_, __VA_ARGS__)

BOTH(queue_reset_disables, "queue-reset-only-disables", "dev.12", "dev.11",
     "takes a queue reset for a change of what queue_enable reads as", .reg_write = only_disable,
     .reg_queue_begin = forget, .reg_reset = forget_all, .reg_may_run = run_after_reset);

BOTH(queue_reset_enabled, "queue-reset-stays-enabled", "dev.14", "dev.13",
     "shows a queue as enabled after its reset", .reg_read = enabled_after_queue_reset,
     .reg_queue_reset = remember, .reg_queue_begin = forget, .reg_reset = forget_all);

static u32 resetting_hidden(struct rreg *r, unsigned reg, u32 value)
{
	const struct rreg_queue *q = rreg_selected(r);

	return q && q->stop == RREG_RESETS && (reg == RREG_QUEUE_RESET || reg == RREG_QUEUE_ENABLE)
		       ? 0
		       : value;
}

BOTH(queue_reset_hidden, "queue-reset-hidden", "dev.13", "dev.12",
     "shows a queue reset as finished while requests are in flight", .reg_read = resetting_hidden);

BOTH(queue_reset_initial, "queue-reset-one-at-first", "dev.10", "dev.9",
     "shows a queue reset in progress before the driver has begun", .reg_read = resetting_at_first);

BOTH(queue_reset_when_enabled, "queue-reset-one-when-enabled", "dev.11", "dev.10",
     "shows a queue reset in progress once the queue is enabled",
     .reg_read = resetting_when_enabled);

BOTH(reset_enabled, "reset-leaves-enabled", "dev.9", "dev.6",
     "shows queues as enabled after a reset of the device", .reg_read = enabled_after_reset,
     .reg_queue_begin = forget);
