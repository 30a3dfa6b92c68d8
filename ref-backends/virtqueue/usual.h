/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The usual chain, without a call: some descriptors in the ring, none indirect, none empty, all of them in
 * the window. Anything else, everything that is wrong, and every fault is left to the general way, which
 * begins anew: nothing is taken here before all of it was looked at, and what is used is what was looked at.
 *
 * Internal to ring.h. Freestanding.
 */
#ifndef REF_BACKENDS_VIRTQUEUE_USUAL_H
#define REF_BACKENDS_VIRTQUEUE_USUAL_H

#include "ref-backends/fault/fault.h"
#include "ref-backends/virtqueue/packed.h"

#define DVQ_UNUSUAL	(-1)
#define DVQ_USUAL_DESCS 8

/* What becomes of a chain, in registers. */
struct dvq_usual {
	struct dvq_seg *seg; /* the next one */
	u32 n_readable;
	u64 readable, writable;
};

static inline struct dvq_usual dvq_usual_begin(const struct dvq_chain *c)
{
	return (struct dvq_usual){ .seg = c->segs };
}

/* Does a buffer with bytes lie in the window? Of one without the address is not looked at. */
static inline bool dvq_usual_inside(const struct dvq_window *w, u64 off, u32 len)
{
	return off < w->size && (u64)len - 1 < w->size - off;
}

/* A chain of one descriptor, but for its name: false when it is unusual. */
static inline __attribute__((always_inline)) bool
dvq_usual_one(const struct dvq_window *w, struct dvq_chain *c, u64 addr, u32 len, u16 flags)
{
	const u64 off = addr - w->gpa;
	/* 0 or 1, and no branch: a device may be given one of each in turn. */
	const u32 writes = flags / VRING_DESC_F_WRITE & 1;

	if (flags & VRING_DESC_F_INDIRECT || !dvq_usual_inside(w, off, len))
		return false;
	c->segs[0] = (struct dvq_seg){ w->at + off, len };
	c->n_readable = 1 - writes;
	c->n_writable = writes;
	c->writable = len & -(u64)writes;
	c->readable = len - c->writable;
	c->descs = 1;
	c->slots = 1;
	return true;
}

/* One more buffer of several: false when it is unusual. */
static inline __attribute__((always_inline)) bool
dvq_usual_add(const struct dvq_window *w, struct dvq_usual *u, u64 addr, u32 len, u16 flags)
{
	const u64 off = addr - w->gpa;

	if (flags & VRING_DESC_F_INDIRECT || !dvq_usual_inside(w, off, len))
		return false;
	if (flags & VRING_DESC_F_WRITE) {
		u->writable += len;
	} else {
		if (u->writable)
			return false;
		u->readable += len;
		u->n_readable++;
	}
	*u->seg++ = (struct dvq_seg){ w->at + off, len };
	return true;
}

static inline __attribute__((always_inline)) bool
dvq_usual_end(const struct dvq_usual *u, struct dvq_chain *c, u16 name, u16 slots)
{
	const u32 n = (u32)(u->seg - c->segs);

	if (u->readable + u->writable > 1ull << 32)
		return false;
	c->n_readable = u->n_readable;
	c->n_writable = n - u->n_readable;
	c->readable = u->readable;
	c->writable = u->writable;
	c->descs = n;
	c->head = name;
	c->slots = slots;
	return true;
}

/* What a chain of several is, which begins at `head`. */
static inline int dvq_split_usual_list(struct dvq_split *vq, struct dvq_chain *c, u16 head)
{
	struct dvq_usual u = dvq_usual_begin(c);
	const u32 most = MIN(vq->num, (u32)DVQ_USUAL_DESCS);
	u32 i = head;

	for (u32 n = 1; n <= most && i < vq->num; n++) {
		const struct vring_desc *d = &vq->desc[i];
		const u64 addr = le64(__atomic_load_n(&d->addr, __ATOMIC_RELAXED));
		const u32 len = le32(__atomic_load_n(&d->len, __ATOMIC_RELAXED));
		const u16 flags = le16(__atomic_load_n(&d->flags, __ATOMIC_RELAXED));

		if (!dvq_usual_add(&vq->window, &u, addr, len, flags))
			return DVQ_UNUSUAL;
		if (!(flags & VRING_DESC_F_NEXT)) {
			if (!dvq_usual_end(&u, c, head, 1))
				return DVQ_UNUSUAL;
			vq->last_avail++;
			return DVQ_OK;
		}
		i = le16(__atomic_load_n(&d->next, __ATOMIC_RELAXED));
	}
	return DVQ_UNUSUAL;
}

/* Have the line at an address, whatever that is, come near to be read or written: a store to a line that another
 * processor has waits for it, and all stores behind it wait, too. */
static inline void dvq_touch(uintptr_t at, bool writes)
{
#if defined(__x86_64__)
	/* __builtin_prefetch() is for reading here, unless the compiler is told of a newer processor. */
	if (writes) {
		__asm__ volatile("prefetchw (%0)" : : "r"(at));
		return;
	}
#endif
	__builtin_prefetch((const void *)at, 0);
}

/* Chains: the lines of a buffer take about as long to come as so many small requests to be served. */
#define DVQ_AHEAD 4
#define DVQ_LINE  64

/*
 * While one chain is served, the first buffer of a later one comes near. Only where it is known to be available:
 * to look for that in a packed ring would take the line from the driver that is about to write it. What is wrong
 * with a descriptor does not matter here: nowhere is nothing to be fetched from.
 */
static inline __attribute__((always_inline)) void dvq_split_ahead(const struct dvq_split *vq)
{
	const u32 mask = vq->num - 1;
	const struct vring_desc *d;
	uintptr_t at;
	bool writes;

	if ((u16)(vq->avail_seen - vq->last_avail) <= DVQ_AHEAD)
		return;
	d = &vq->desc[le16(__atomic_load_n(&vq->avail->ring[(vq->last_avail + DVQ_AHEAD) & mask],
					   __ATOMIC_RELAXED)) &
		      mask];
	at = (uintptr_t)vq->window.at +
	     (le64(__atomic_load_n(&d->addr, __ATOMIC_RELAXED)) - vq->window.gpa);
	writes = le16(__atomic_load_n(&d->flags, __ATOMIC_RELAXED)) & VRING_DESC_F_WRITE;
	dvq_touch(at, writes);
	if (le32(__atomic_load_n(&d->len, __ATOMIC_RELAXED)) > DVQ_LINE)
		dvq_touch(at + DVQ_LINE, writes);
}

/* DVQ_OK, DVQ_EMPTY or DVQ_UNUSUAL. There is no fault, the ring is not broken, and c->cap is at least
 * DVQ_USUAL_DESCS. */
static inline __attribute__((always_inline)) int dvq_split_usual(struct dvq_split *vq,
								 struct dvq_chain *c)
{
	const u32 mask = vq->num - 1;
	const struct vring_desc *d;
	u16 head, flags;

	if (vq->last_avail == vq->avail_seen) {
		/* Pairs with the driver's barrier between ring entries and index. */
		u16 idx = le16(__atomic_load_n(&vq->avail->idx, __ATOMIC_ACQUIRE));

		if (idx == vq->last_avail)
			return DVQ_EMPTY;
		if ((u16)(idx - vq->last_avail) > vq->num)
			return DVQ_UNUSUAL;
		vq->avail_seen = idx;
	}
	dvq_split_ahead(vq);
	head = le16(__atomic_load_n(&vq->avail->ring[vq->last_avail & mask], __ATOMIC_RELAXED));
	if (head > mask)
		return DVQ_UNUSUAL;
	d = &vq->desc[head];
	flags = le16(__atomic_load_n(&d->flags, __ATOMIC_RELAXED));
	if (flags & VRING_DESC_F_NEXT)
		return dvq_split_usual_list(vq, c, head);
	if (!dvq_usual_one(&vq->window, c, le64(__atomic_load_n(&d->addr, __ATOMIC_RELAXED)),
			   le32(__atomic_load_n(&d->len, __ATOMIC_RELAXED)), flags))
		return DVQ_UNUSUAL;
	c->head = head;
	vq->last_avail++;
	return DVQ_OK;
}

/* 2.8.1: available when AVAIL is the lap's counter and USED is not. */
static inline bool dvq_packed_is_new(u16 flags, u16 wrap)
{
	return (flags & (1 << VRING_PACKED_DESC_F_AVAIL | 1 << VRING_PACKED_DESC_F_USED)) ==
	       (wrap ? 1 << VRING_PACKED_DESC_F_AVAIL : 1 << VRING_PACKED_DESC_F_USED);
}

static inline int dvq_packed_usual_list(struct dvq_packed *vq, struct dvq_chain *c)
{
	struct dvq_usual u = dvq_usual_begin(c);
	const u32 most = MIN(vq->num, (u32)DVQ_USUAL_DESCS);
	struct dvq_at at = vq->avail;

	for (u32 n = 1; n <= most; n++) {
		const struct vring_packed_desc *d = &vq->desc[at.off];
		const u16 flags = le16(__atomic_load_n(&d->flags, __ATOMIC_ACQUIRE));
		const u64 addr = le64(__atomic_load_n(&d->addr, __ATOMIC_RELAXED));
		const u32 len = le32(__atomic_load_n(&d->len, __ATOMIC_RELAXED));

		if (!dvq_packed_is_new(flags, at.wrap) ||
		    !dvq_usual_add(&vq->window, &u, addr, len, flags))
			return DVQ_UNUSUAL;
		at = dvq_packed_forward(vq, at, 1);
		if (!(flags & VRING_DESC_F_NEXT)) {
			const u16 id = le16(__atomic_load_n(&d->id, __ATOMIC_RELAXED));

			if (!dvq_usual_end(&u, c, id, (u16)n))
				return DVQ_UNUSUAL;
			vq->avail = at;
			return DVQ_OK;
		}
	}
	return DVQ_UNUSUAL;
}

static inline __attribute__((always_inline)) int dvq_packed_usual(struct dvq_packed *vq,
								  struct dvq_chain *c)
{
	const struct vring_packed_desc *d = &vq->desc[vq->avail.off];
	/* Pairs with the driver's barrier between a descriptor and its flags. */
	const u16 flags = le16(__atomic_load_n(&d->flags, __ATOMIC_ACQUIRE));

	if (!dvq_packed_is_new(flags, vq->avail.wrap))
		return DVQ_EMPTY;
	if (flags & VRING_DESC_F_NEXT)
		return dvq_packed_usual_list(vq, c);
	if (!dvq_usual_one(&vq->window, c, le64(__atomic_load_n(&d->addr, __ATOMIC_RELAXED)),
			   le32(__atomic_load_n(&d->len, __ATOMIC_RELAXED)), flags))
		return DVQ_UNUSUAL;
	c->head = le16(__atomic_load_n(&d->id, __ATOMIC_RELAXED));
	dvq_packed_advance(vq, &vq->avail, 1);
	return DVQ_OK;
}

#endif
