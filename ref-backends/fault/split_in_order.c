// SPDX-License-Identifier: BSD-3-Clause
/* A fault of VIRTIO_F_IN_ORDER over vhost-user. */
#include "ref-backends/fault/fault.h"
#include "ref-backends/fault/vub_ring.h"

/* One of two waits for the other. */
static struct {
	const struct dvq_split *ring; /* NULL: none waits */
	u32 id, len;
	bool passing;
} first;

static void begin(struct vub_session *s)
{
	first.ring = NULL;
}

static enum fault_action hold(struct dvq_split *vq, u32 *id, u32 *len)
{
	const struct vub_ring *r = fault_vub_ring(vq);

	if (!r || !r->in_order || first.ring || first.passing)
		return FAULT_PASS;
	first.ring = vq;
	first.id = *id;
	first.len = *len;
	return FAULT_DONE;
}

static void let_go(struct dvq_split *vq, u32 id, u32 len)
{
	if (first.ring != vq)
		return;
	first.ring = NULL;
	/* While it is published it is nobody's turn to wait. */
	first.passing = true;
	dvq_push(vq, (u16)first.id, first.len);
	first.passing = false;
}

FAULT(in_order_swapped, .name = "in-order-swapped", .clause = "v14.reserved-features.bits.dev.5",
      .summary = "with IN_ORDER uses the second of two buffers first", .session_start = begin,
      .used = hold, .after_used = let_go);
