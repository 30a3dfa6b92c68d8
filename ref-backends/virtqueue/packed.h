/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device's half of a packed virtqueue (VIRTIO 1.4, 2.8), written apart from the driver's half.
 * Trust and ownership are as in virtqueue/split.h.
 *
 * Freestanding.
 */
#ifndef REF_BACKENDS_VIRTQUEUE_PACKED_H
#define REF_BACKENDS_VIRTQUEUE_PACKED_H

#include "ref-backends/virtqueue/split.h"

/* A place in the ring. */
struct dvq_at {
	u16 off;
	u16 wrap; /* 0 or 1 */
};

struct dvq_packed {
	struct vring_packed_desc *desc; /* NULL: no memory for this ring */
	struct vring_packed_desc_event *driver, *device;
	const struct dvq_ops *ops;
	void *ctx; /* of ops */
	u32 num;
	enum dvq_error broken; /* DVQ_OK, or why the ring is */
	struct dvq_at avail;   /* next descriptor to look at */
	struct dvq_at used;    /* next one to write as used */
	u32 unsignalled;       /* descriptors used since notification was last decided on */
	u16 queue;	       /* its number, for those who watch */
	bool event_idx, indirect;
};

/* What a chain takes, to be given back with it. */
struct dvq_packed_chain {
	u16 id;	   /* buffer id */
	u16 slots; /* descriptors in the ring */
};

/* The ring goes on at `avail` and `used`: {0, 1} both, when it is new. The rest of *vq is set. */
void dvq_packed_init(struct dvq_packed *vq, struct dvq_at avail, struct dvq_at used);

/*
 * The next chain, walked into `c` (whose segs and cap are set): DVQ_OK, DVQ_EMPTY, or what is wrong.
 * After an error of the chain p->slots says how far the ring goes on (p->id is then that of its last
 * descriptor). After an error of the ring nothing goes on. DVQ_E_SEGS takes nothing from the ring.
 */
enum dvq_error dvq_packed_fetch(struct dvq_packed *vq, struct dvq_packed_chain *p,
				struct dvq_chain *c);

/* Return a chain with `len` bytes written. */
void dvq_packed_push(struct dvq_packed *vq, struct dvq_packed_chain p, u32 len);

/* Is a used buffer notification due for what was pushed since the last call? */
bool dvq_packed_notify_due(struct dvq_packed *vq);

/* Available buffer notifications are not needed for now. */
void dvq_packed_kick_disable(struct dvq_packed *vq);
/* They are needed from here on. True when something is available already: look before sleeping. */
bool dvq_packed_kick_enable(struct dvq_packed *vq);

#endif
