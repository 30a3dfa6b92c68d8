// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/virtqueue/ring.h"

enum dvq_error dvq_ring_next_any(struct dvq *vq, struct dvq_chain *c)
{
	enum dvq_error e;
	u16 head;

	if (vq->is_packed) {
		struct dvq_packed_chain p;

		return dvq_packed_fetch(&vq->packed, &p, c);
	}
	e = dvq_fetch(&vq->split, &head);
	if (e)
		return e;
	e = dvq_walk(&vq->split, head, c);
	if (e == DVQ_E_SEGS)
		dvq_unfetch(&vq->split);
	return e;
}

enum fault_action dvq_ring_fault_chain(struct dvq *vq, struct dvq_chain *c)
{
	if (vq->is_packed)
		return fault_active->packed_chain ? fault_active->packed_chain(&vq->packed, c)
						  : FAULT_PASS;
	return fault_active->chain ? fault_active->chain(&vq->split, c) : FAULT_PASS;
}

enum fault_action dvq_ring_fault_bad(struct dvq *vq, struct dvq_chain *c, enum dvq_error e)
{
	if (vq->is_packed)
		return fault_active->packed_bad_chain
			       ? fault_active->packed_bad_chain(&vq->packed, c, (int)e)
			       : FAULT_PASS;
	return fault_active->bad_chain ? fault_active->bad_chain(&vq->split, c->head, (int)e)
				       : FAULT_PASS;
}

enum dvq_error dvq_ring_refuse(struct dvq *vq, struct dvq_chain *c)
{
	enum dvq_error e;

	if (vq->is_packed) {
		vq->packed.broken = DVQ_E_LONG;
		return DVQ_E_LONG;
	}
	e = dvq_fetch(&vq->split, &c->head);
	c->slots = 1;
	return e ? e : DVQ_E_LONG;
}
