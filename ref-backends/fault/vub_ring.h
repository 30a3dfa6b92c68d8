/* SPDX-License-Identifier: BSD-3-Clause */
/* From a virtqueue to its vhost-user ring, for faults that hooks of the ring alone cannot show. */
#ifndef REF_BACKENDS_FAULT_VUB_RING_H
#define REF_BACKENDS_FAULT_VUB_RING_H

#include "ref-backends/binding/vhost_user/serve.h"
#include "ref-backends/binding/vhost_user/session.h"

/* NULL when some other binding serves it. */
static inline struct vub_ring *fault_vub_ring(const struct dvq_split *vq)
{
	return vq->ops == &vub_dvq_ops || vq->ops == &vub_dvq_ops_unlogged ? vq->ctx : NULL;
}

#endif
