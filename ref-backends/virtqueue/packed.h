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

/* What is above `avail` is laid out as in struct dvq_split: see ring.h. */
struct dvq_packed {
	struct vring_packed_desc *desc; /* NULL: no memory for this ring */
	struct vring_packed_desc_event *driver, *device;
	const struct dvq_ops *ops;
	void *ctx;	       /* of ops */
	u32 num;	       /* up to 32768, any number */
	enum dvq_error broken; /* DVQ_OK, or why the ring is */
	u16 queue;	       /* its number, for those who watch */
	bool event_idx, indirect;
	struct dvq_window window;
	struct dvq_at avail; /* next descriptor to look at */
	struct dvq_at used;  /* next one to write as used */
	u32 unsignalled;     /* descriptors used since notification was last decided on */
	bool staged;	     /* used descriptors wait for the first of them, which is: */
	u16 staged_off, staged_id, staged_flags;
	u32 staged_len;
};

/* What a chain takes, to be given back with it. */
struct dvq_packed_chain {
	u16 id;	   /* buffer id */
	u16 slots; /* descriptors in the ring */
};

/* A descriptor in private memory and the host's byte order. */
struct dvq_packed_desc {
	u64 addr;
	u32 len;
	u16 id, flags;
};

/* A used descriptor about to be written, for those who watch. */
struct dvq_packed_used {
	struct dvq_at at; /* where */
	u32 len;
	u16 id, flags;
	u16 slots; /* how far the ring goes on behind it */
};

/* Bytes and alignment of the parts (2.8, 2.8.10). */
static inline u64 dvq_packed_desc_bytes(u32 num)
{
	return (u64)num * sizeof(struct vring_packed_desc);
}
#define DVQ_PACKED_DESC_ALIGN  16
#define DVQ_PACKED_EVENT_ALIGN 4

/* The ring goes on at `avail` and `used`: {0, 1} both, when it is new. The rest of *vq is set. */
void dvq_packed_init(struct dvq_packed *vq, struct dvq_at avail, struct dvq_at used);

/* `n` descriptors, at most `num`, on from there; or back. */
static inline void dvq_packed_advance(const struct dvq_packed *vq, struct dvq_at *at, u32 n)
{
	const u32 off = at->off + n;

	at->off = (u16)off;
	if (__builtin_expect(off >= vq->num, 0))
		*at = (struct dvq_at){ (u16)(off - vq->num), at->wrap ^ 1 };
}
static inline struct dvq_at dvq_packed_forward(const struct dvq_packed *vq, struct dvq_at at, u32 n)
{
	dvq_packed_advance(vq, &at, n);
	return at;
}
struct dvq_at dvq_packed_back(const struct dvq_packed *vq, struct dvq_at at, u32 n);

/*
 * The next chain, walked into `c` (whose segs and cap are set): DVQ_OK, DVQ_EMPTY, or what is wrong.
 * After an error of the chain p->slots says how far the ring goes on (p->id is then that of its last
 * descriptor). After an error of the ring nothing goes on. DVQ_E_SEGS takes nothing from the ring.
 */
enum dvq_error dvq_packed_fetch(struct dvq_packed *vq, struct dvq_packed_chain *p,
				struct dvq_chain *c);

/* The descriptor at offset `off`, as it is now. */
struct dvq_packed_desc dvq_packed_read(const struct dvq_packed *vq, u16 off);

/* Walk a chain of descriptors that were kept elsewhere. */
enum dvq_error dvq_packed_walk(struct dvq_packed *vq, const struct dvq_packed_desc *descs, u32 n,
			       struct dvq_chain *c);

/* Return a chain with `len` bytes written. False: a fault held it back. */
bool dvq_packed_push(struct dvq_packed *vq, struct dvq_packed_chain p, u32 len);

/*
 * The same in two steps: used descriptors are written one by one, and one store of the flags of the first
 * shows them all: a driver that goes through them in order sees none before that one. With a fault each
 * is shown at once.
 */
bool dvq_packed_stage(struct dvq_packed *vq, struct dvq_packed_chain p, u32 len);
void dvq_packed_flush(struct dvq_packed *vq);

/* Its steps: what is to be written, and writing it. */
static inline struct dvq_packed_used dvq_packed_used_of(const struct dvq_packed *vq,
							struct dvq_packed_chain p, u32 len)
{
	const u16 lap = 1 << VRING_PACKED_DESC_F_AVAIL | 1 << VRING_PACKED_DESC_F_USED;

	/* 2.8.5: the length counts only with WRITE. */
	return (struct dvq_packed_used){
		.at = vq->used,
		.len = len,
		.id = p.id,
		.slots = p.slots,
		.flags = (u16)((-vq->used.wrap & lap) | (len ? VRING_DESC_F_WRITE : 0)),
	};
}

/*
 * The first since the last flush is kept back whole: a driver that polls it would take its cache line away
 * between its parts.
 */
static inline void dvq_packed_write_used(struct dvq_packed *vq, const struct dvq_packed_used *u)
{
	if (vq->staged) {
		struct vring_packed_desc *d = &vq->desc[u->at.off];

		__atomic_store_n(&d->id, le16(u->id), __ATOMIC_RELAXED);
		__atomic_store_n(&d->len, le32(u->len), __ATOMIC_RELAXED);
		/* Nobody looks here before the first of them is shown. */
		__atomic_store_n(&d->flags, le16(u->flags), __ATOMIC_RELAXED);
	} else {
		vq->staged = true;
		vq->staged_off = u->at.off;
		vq->staged_id = u->id;
		vq->staged_len = u->len;
		vq->staged_flags = u->flags;
	}
	dvq_packed_advance(vq, &vq->used, u->slots);
	vq->unsignalled += u->slots;
}

/* For who has neither faults nor a log. */
static inline void dvq_packed_write(struct dvq_packed *vq, struct dvq_packed_chain p, u32 len)
{
	const struct dvq_packed_used u = dvq_packed_used_of(vq, p, len);

	dvq_packed_write_used(vq, &u);
}

/* Is a used buffer notification due for what was pushed since the last call? */
bool dvq_packed_notify_due(struct dvq_packed *vq);

/* Available buffer notifications are not needed for now. */
void dvq_packed_kick_disable(struct dvq_packed *vq);
/* They are needed from here on. True when something is available already: look before sleeping. */
bool dvq_packed_kick_enable(struct dvq_packed *vq);

#endif
