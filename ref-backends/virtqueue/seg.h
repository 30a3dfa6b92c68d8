/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes of a chain's segments, which come in any pieces (VIRTIO 1.4, 2.7.4.1). Freestanding. */
#ifndef REF_BACKENDS_VIRTQUEUE_SEG_H
#define REF_BACKENDS_VIRTQUEUE_SEG_H

#include "ref-backends/virtqueue/split.h"

/* Up to `len` bytes of `n` segments into `to`; how many there were. */
u32 dvq_gather(const struct dvq_seg *segs, u32 n, void *to, u32 len);

/* The other way round, from byte `skip` of the segments on; how many bytes there was room for. */
u32 dvq_scatter(const struct dvq_seg *segs, u32 n, u32 skip, const void *from, u32 len);

/* Of a chain: its device-readable part, and its device-writable one. */
static inline u32 dvq_chain_gather(const struct dvq_chain *c, void *to, u32 len)
{
	return dvq_gather(c->segs, c->n_readable, to, len);
}

static inline u32 dvq_chain_scatter(const struct dvq_chain *c, u32 skip, const void *from, u32 len)
{
	return dvq_scatter(c->segs + c->n_readable, c->n_writable, skip, from, len);
}

#endif
