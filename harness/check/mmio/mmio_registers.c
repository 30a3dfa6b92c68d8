// SPDX-License-Identifier: BSD-3-Clause
/* The registers of virtio-mmio that PCI has no like of (4.2.2). */
#include <linux/virtio_mmio.h>

#include "harness/check/regs_kit.h"
#include "harness/transport/mmio/mmio.h"

#define MAGIC	   "v14.mmio.registers.dev.1"
#define VERSION	   "v14.mmio.registers.dev.2"
#define SET_TO_ACK "v14.mmio.registers.dev.3"
#define OTHERS_0   "v14.mmio.registers.dev.4"
#define RESET_IRQ  "v14.mmio.registers.dev.5"
#define GENERATION "v14.mmio.registers.dev.7"
#define SHM_NONE   "v14.mmio.registers-text.dev.1"
#define NOT_READY  "v14.mmio.registers.dev.8"

static bool rd(struct ck *c, u32 offset, u32 *value)
{
	return ck_must(c, regs_read(rk_regs(c), mmio_from_tp(c->tp)->base + offset, 4, value),
		       "reading a register");
}

static bool wr(struct ck *c, u32 offset, u32 value)
{
	return ck_must(c, regs_write(rk_regs(c), mmio_from_tp(c->tp)->base + offset, 4, value),
		       "writing a register");
}

static void identity(struct ck *c)
{
	u32 magic, version;

	if (!rd(c, VIRTIO_MMIO_MAGIC_VALUE, &magic) || !rd(c, VIRTIO_MMIO_VERSION, &version))
		return;
	if (magic != 0x74726976)
		ck_fail(c, MAGIC, "0x74726976", "MagicValue is 0x%08x", magic);
	else if (version != 2)
		ck_fail(c, VERSION, "2", "Version is %u", version);
}

CHECK(identity, .id = "mmio.identity", .clauses = { MAGIC, VERSION },
      .stimulus = "read MagicValue and Version", .oracle = "0x74726976 and 2", .run = identity);

/* --- interrupts ------------------------------------------------------------------------------------- */

static bool served(struct ck *c)
{
	u32 isr;

	if (!rk_can_work(c) || !ck_start(c, ck_ring_features()))
		return false;
	/* What was pending before is none of this. */
	if (!rd(c, VIRTIO_MMIO_INTERRUPT_STATUS, &isr) || !wr(c, VIRTIO_MMIO_INTERRUPT_ACK, isr))
		return false;
	return rk_work(c);
}

/* The bit may come a moment after the used index. */
static bool wait_bit(struct ck *c, u32 bit, u32 *isr)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);

	do {
		if (!rd(c, VIRTIO_MMIO_INTERRUPT_STATUS, isr))
			return false;
		c->tp->ops->relax(c->tp);
	} while (!(*isr & bit) && !tp_late(c->tp, deadline));
	return true;
}

static void until_ack(struct ck *c)
{
	u32 isr;

	if (!served(c) || !wait_bit(c, REGS_ISR_QUEUE, &isr))
		return;
	if (!(isr & REGS_ISR_QUEUE)) {
		ck_fail(c, SET_TO_ACK, "bit 0 of InterruptStatus",
			"a buffer was used, and it reads 0x%x", isr);
		return;
	}
	for (unsigned i = 0; i < 4; i++) {
		if (!rd(c, VIRTIO_MMIO_INTERRUPT_STATUS, &isr))
			return;
		if (isr & REGS_ISR_QUEUE)
			continue;
		ck_fail(c, SET_TO_ACK, "bit 0 stays until it is acknowledged",
			"InterruptStatus reads 0x%x the second time", isr);
		return;
	}
	if (!wr(c, VIRTIO_MMIO_INTERRUPT_ACK, REGS_ISR_CONFIG) ||
	    !rd(c, VIRTIO_MMIO_INTERRUPT_STATUS, &isr))
		return;
	if (!(isr & REGS_ISR_QUEUE)) {
		ck_fail(c, SET_TO_ACK, "bit 0 stays until it is acknowledged",
			"it is gone with the acknowledgement of bit 1");
		return;
	}
	if (!wr(c, VIRTIO_MMIO_INTERRUPT_ACK, REGS_ISR_QUEUE) ||
	    !rd(c, VIRTIO_MMIO_INTERRUPT_STATUS, &isr))
		return;
	if (isr & REGS_ISR_QUEUE)
		ck_fail(c, SET_TO_ACK, "0 after the acknowledgement", "InterruptStatus reads 0x%x",
			isr);
}

CHECK(until_ack, .id = "mmio.interrupt.until-acknowledged", .clauses = { SET_TO_ACK },
      .stimulus = "one request; InterruptStatus read several times, bit 1 acknowledged, then bit 0",
      .oracle = "bit 0 is set until bit 0 is acknowledged", .run = until_ack);

static bool queue_alone(struct ck *c)
{
	u32 isr;

	/* Where no request is known the other half still says something. */
	if (!rk_knows_work(c))
		return true;
	if (!served(c) || !wait_bit(c, REGS_ISR_QUEUE, &isr))
		return false;
	if (isr & ~REGS_ISR_QUEUE)
		return ck_fail(c, OTHERS_0, "bit 0 alone",
			       "a buffer was used and the configuration did not change; "
			       "InterruptStatus is 0x%x",
			       isr);
	return ck_open(c);
}

static void alone(struct ck *c)
{
	u32 isr;

	if (!queue_alone(c) || !ck_start(c, ck_ring_features()) ||
	    !rd(c, VIRTIO_MMIO_INTERRUPT_STATUS, &isr) || !wr(c, VIRTIO_MMIO_INTERRUPT_ACK, isr) ||
	    !rk_break(c) || !wait_bit(c, REGS_ISR_CONFIG, &isr))
		return;
	if (!(isr & REGS_ISR_CONFIG))
		ck_skip(c, "no interrupt comes with DEVICE_NEEDS_RESET");
	else if (isr & ~REGS_ISR_CONFIG)
		ck_fail(c, OTHERS_0, "bit 1 alone",
			"DEVICE_NEEDS_RESET was announced and no buffer used; InterruptStatus is "
			"0x%x",
			isr);
}

CHECK(alone, .id = "mmio.interrupt.alone", .clauses = { OTHERS_0 },
      .stimulus = "one request; in another session an available index too far ahead, so that "
		  "DEVICE_NEEDS_RESET is announced",
      .oracle = "InterruptStatus has bit 0 and no other; then bit 1 and no other", .run = alone);

static void reset_clears(struct ck *c)
{
	u32 isr;
	u8 status;

	if (!served(c) || !wait_bit(c, REGS_ISR_QUEUE, &isr) || !rk_set_status(c, 0) ||
	    !rk_wait_reset(c, &status) || !rd(c, VIRTIO_MMIO_INTERRUPT_STATUS, &isr))
		return;
	if (isr)
		ck_fail(c, RESET_IRQ, "0", "InterruptStatus is 0x%x after a reset", isr);
}

CHECK(reset_clears, .id = "mmio.interrupt.reset", .clauses = { RESET_IRQ },
      .stimulus = "one request that is not acknowledged, then a reset",
      .oracle = "InterruptStatus is 0", .run = reset_clears);

/* --- queues ----------------------------------------------------------------------------------------- */

static bool never_ready(struct ck *c)
{
	const struct ck_queue_opts lay_out = { .not_start = true };
	const struct ck_queue *q = &c->q[0];

	if (!rk_can_work(c) || !ck_negotiate(c, ck_ring_features()) ||
	    !ck_queue_start(c, 0, &lay_out) || !wr(c, VIRTIO_MMIO_QUEUE_SEL, 0) ||
	    !wr(c, VIRTIO_MMIO_QUEUE_NUM, q->layout.size) ||
	    !wr(c, VIRTIO_MMIO_QUEUE_DESC_LOW, (u32)q->layout.desc.v) ||
	    !wr(c, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (u32)q->layout.driver.v) ||
	    !wr(c, VIRTIO_MMIO_QUEUE_USED_LOW, (u32)q->layout.device.v) ||
	    !wr(c, VIRTIO_MMIO_QUEUE_DESC_HIGH, (u32)(q->layout.desc.v >> 32)) ||
	    !wr(c, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, (u32)(q->layout.driver.v >> 32)) ||
	    !wr(c, VIRTIO_MMIO_QUEUE_USED_HIGH, (u32)(q->layout.device.v >> 32)) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") || !rk_offer(c) ||
	    !ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
		return false;
	ck_quiet(c);
	return !vq_used(&q->vq) || ck_fail(c, NOT_READY, "a queue with QueueReady 0 is left alone",
					   "a request in it was used");
}

/* Without queue reset there is no other way to stop one; what is in flight may still come back. */
static void not_ready(struct ck *c)
{
	struct vq *vq = &c->q[0].vq;
	u32 ready;

	/* 4.2.2.2: a driver reads the 0 back before it relies on it. */
	if (!never_ready(c) || !ck_open(c) || !ck_start(c, ck_ring_features()) || !rk_work(c) ||
	    !wr(c, VIRTIO_MMIO_QUEUE_SEL, 0) || !wr(c, VIRTIO_MMIO_QUEUE_READY, 0) ||
	    !rd(c, VIRTIO_MMIO_QUEUE_READY, &ready) || !rk_offer(c) ||
	    !ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
		return;
	ck_quiet(c);
	if (vq_used(vq) != 1)
		ck_fail(c, NOT_READY, "a queue with QueueReady 0 is left alone",
			"a request made available after 0 was written to QueueReady was used");
}

CHECK(not_ready, .id = "mmio.queue.not-ready", .clauses = { NOT_READY },
      .stimulus = "a request in a queue whose QueueReady was never written; in another session one "
		  "in a queue that served a request and had 0 written to QueueReady, read back",
      .oracle = "neither is used", .run = not_ready);

/* --- generation -------------------------------------------------------------------------------------- */

static void generation(struct ck *c)
{
	u32 before, after;
	u8 byte;

	if (!ck_start(c, ck_ring_features()) ||
	    !ck_must(c, c->tp->ops->read_config(c->tp, 0, &byte, 1), "reading the configuration") ||
	    !rd(c, VIRTIO_MMIO_CONFIG_GENERATION, &before) ||
	    !ck_must(c, c->tp->ops->trigger_config(c->tp), "triggering a change"))
		return;
	if (!c->tp->ops->wait_config_event(c->tp, c->tp->timeout_ms)) {
		ck_skip(c, "the trigger changes nothing that is announced");
		return;
	}
	if (rd(c, VIRTIO_MMIO_CONFIG_GENERATION, &after) && before == after)
		ck_fail(c, GENERATION, "another value than before the change",
			"ConfigGeneration is %u before and after it", before);
}

CHECK(generation, .id = "mmio.generation", .clauses = { GENERATION },
      .stimulus = "ConfigGeneration before and after a change of the configuration",
      .oracle = "it differs", .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_TRIGGER, .run = generation);

/* --- shared memory ------------------------------------------------------------------------------------ */

static bool read_pair(struct ck *c, u32 low, u64 *value)
{
	u32 lo, hi;

	if (!rd(c, low, &lo) || !rd(c, low + 4, &hi))
		return false;
	*value = (u64)hi << 32 | lo;
	return true;
}

static void shared_memory(struct ck *c)
{
	static const u32 ids[] = { 0, 1, 2, 3, 4, 5, 6, 7, 0xff, 0xffffffff };
	unsigned regions = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
		u64 len, base;

		if (!wr(c, VIRTIO_MMIO_SHM_SEL, ids[i]) ||
		    !read_pair(c, VIRTIO_MMIO_SHM_LEN_LOW, &len) ||
		    !read_pair(c, VIRTIO_MMIO_SHM_BASE_LOW, &base))
			return;
		if (len == ~0ull && base == ~0ull)
			continue;
		if (len == ~0ull) {
			/* A driver that looks at the length, as it should first, knows enough. */
			ck_info(c, SHM_NONE,
				"of region %u SHMLen has all bits set, SHMBase is 0x%llx", ids[i],
				(unsigned long long)base);
			continue;
		}
		regions++;
		ck_log(c, "  region %u: 0x%llx bytes at 0x%llx", ids[i], (unsigned long long)len,
		       (unsigned long long)base);
		if (len == 0 || base == ~0ull || base + len < base) {
			ck_fail(c, SHM_NONE, "a region, or all bits set in length and base",
				"region %u has 0x%llx bytes at 0x%llx", ids[i],
				(unsigned long long)len, (unsigned long long)base);
			return;
		}
	}
	ck_log(c, "  %u regions", regions);
}

CHECK(shared_memory, .id = "mmio.shared-memory", .clauses = { SHM_NONE },
      .stimulus = "SHMLen and SHMBase of the shared memory ids 0 to 7, 255 and 2^32 - 1",
      .oracle =
	      "a region that has a size and does not wrap, or all bits set in both; a base alone that "
	      "has not is noted",
      .run = shared_memory);
