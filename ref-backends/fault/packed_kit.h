/* SPDX-License-Identifier: BSD-3-Clause */
/* What faults of packed rings share: a chain as it stands in the ring, and whose ring that is. */
#ifndef REF_BACKENDS_FAULT_PACKED_KIT_H
#define REF_BACKENDS_FAULT_PACKED_KIT_H

#include "ref-backends/binding/vhost_user/serve.h"
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/device/blk.h"
#include "ref-backends/virtqueue/packed.h"

/* Descriptor `i` of the chain that was taken last. */
static inline struct dvq_packed_desc fault_packed_desc(const struct dvq_packed *vq,
						       const struct dvq_chain *c, u32 i)
{
	const struct dvq_at first = dvq_packed_back(vq, vq->avail, c->slots);

	return dvq_packed_read(vq, dvq_packed_forward(vq, first, i).off);
}

/* NULL when some other binding serves it. */
static inline struct vub_ring *fault_packed_vub_ring(const struct dvq_packed *vq)
{
	return vq->ops == &vub_dvq_ops || vq->ops == &vub_dvq_ops_unlogged ? vq->ctx : NULL;
}

static inline bool fault_is_packed(const struct rblk *blk)
{
	return blk->features & BIT_ULL(VIRTIO_F_RING_PACKED);
}

#endif
