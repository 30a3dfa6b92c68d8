// SPDX-License-Identifier: BSD-3-Clause
/* A fault of VIRTIO_F_IN_ORDER in the register model. */
#include "ref-backends/binding/registers/rreg.h"
#include "ref-backends/fault/fault.h"

/* One of two waits for the other. */
static struct {
	bool wanted, waits;
	u32 id, len;
} first;

static enum fault_action note(struct rreg *r, unsigned reg, u32 *value)
{
	if (reg == RREG_STATUS)
		first.waits = false;
	first.wanted = rreg_negotiated(r, VIRTIO_F_IN_ORDER);
	return FAULT_PASS;
}

static enum fault_action hold(struct dvq_split *vq, u32 *id, u32 *len)
{
	if (!first.wanted || first.waits)
		return FAULT_PASS;
	first.waits = true;
	first.id = *id;
	first.len = *len;
	return FAULT_DONE;
}

static void let_go(struct dvq_split *vq, u32 id, u32 len)
{
	if (!first.waits)
		return;
	/* While it is published it is nobody's turn to wait. */
	first.wanted = first.waits = false;
	dvq_push(vq, (u16)first.id, first.len);
	first.wanted = true;
}

FAULT(reg_in_order_swapped, .name = "reg-in-order-swapped",
      .clause = "v14.reserved-features.bits.dev.5", .transport = "registers",
      .summary = "with IN_ORDER uses the second of two buffers first", .reg_write = note,
      .used = hold, .after_used = let_go);
