/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device's half of a virtqueue of either layout, for bindings: they take chains, return them and
 * decide on notifications without asking which it is. One branch that always goes the same way tells
 * the two apart.
 *
 * A chain carries what it takes to be returned (head or buffer id, and places in the ring).
 *
 * The two begin with the same members, so that what is common (desc, num, broken, queue, features) may be
 * read through either: dvq.split of a packed ring says whether it has memory and is broken.
 *
 * Not thread-safe: one thread serves one ring. Freestanding.
 */
#ifndef REF_BACKENDS_VIRTQUEUE_RING_H
#define REF_BACKENDS_VIRTQUEUE_RING_H

#include "ref-backends/virtqueue/usual.h"

struct dvq {
	union {
		struct dvq_split split;
		struct dvq_packed packed;
	};
	bool is_packed;
};

#define DVQ_SAME(member)                                                                           \
	_Static_assert(offsetof(struct dvq_split, member) == offsetof(struct dvq_packed, member),  \
		       "a common beginning")
DVQ_SAME(desc);
DVQ_SAME(ops);
DVQ_SAME(ctx);
DVQ_SAME(num);
DVQ_SAME(broken);
DVQ_SAME(queue);
DVQ_SAME(event_idx);
DVQ_SAME(indirect);
DVQ_SAME(window);
_Static_assert(offsetof(struct dvq_split, avail) == offsetof(struct dvq_packed, driver) &&
		       offsetof(struct dvq_split, used) == offsetof(struct dvq_packed, device),
	       "a common beginning");

/* Where the parts of a ring lie, and how large they are; `driver` is the available ring, `device` the used
 * ring, or the two event suppression structures. */
struct dvq_shape {
	u64 desc, driver, device; /* bytes */
	u8 desc_align, driver_align, device_align;
};

static inline struct dvq_shape dvq_shape(bool packed, u32 num, bool event_idx)
{
	if (packed)
		return (struct dvq_shape){ dvq_packed_desc_bytes(num),
					   sizeof(struct vring_packed_desc_event),
					   sizeof(struct vring_packed_desc_event),
					   DVQ_PACKED_DESC_ALIGN,
					   DVQ_PACKED_EVENT_ALIGN,
					   DVQ_PACKED_EVENT_ALIGN };
	return (struct dvq_shape){ dvq_desc_bytes(num),
				   dvq_avail_bytes(num, event_idx),
				   dvq_used_bytes(num, event_idx),
				   VRING_DESC_ALIGN_SIZE,
				   VRING_AVAIL_ALIGN_SIZE,
				   VRING_USED_ALIGN_SIZE };
}

/* A split ring's size is a power of two. */
static inline bool dvq_size_valid(bool packed, u32 num)
{
	return num && num <= VIRTIO_QUEUE_SIZE_MAX && (packed || !(num & (num - 1)));
}

/*
 * Where a ring stands in one word, as vhost-user has it: the available index; or the next descriptor to
 * look at (bits 0-14) with its wrap counter (15), and the same of the next one to use (16-30, 31).
 */
#define DVQ_PACKED_BASE 0x80008000u /* of a new packed ring; of a split one it is 0 */

static inline struct dvq_at dvq_at_of(u32 half)
{
	return (struct dvq_at){ (u16)(half & 0x7fff), (u16)(half >> 15 & 1) };
}

static inline u32 dvq_ring_base(const struct dvq *vq)
{
	const struct dvq_packed *p = &vq->packed;

	if (!vq->is_packed)
		return vq->split.last_avail;
	return p->avail.off | (u32)p->avail.wrap << 15 | (u32)p->used.off << 16 |
	       (u32)p->used.wrap << 31;
}

/* Memory, size, features, ops and is_packed are set. */
static inline void dvq_ring_init(struct dvq *vq, u32 base)
{
	if (vq->is_packed)
		dvq_packed_init(&vq->packed, dvq_at_of(base & 0xffff), dvq_at_of(base >> 16));
	else
		dvq_init(&vq->split, (u16)base);
}

static inline bool dvq_ring_is_broken(const struct dvq *vq)
{
	return vq->split.broken != DVQ_OK;
}

/*
 * The next chain if it is a usual one: DVQ_OK, DVQ_EMPTY, or DVQ_UNUSUAL and nothing was taken. See usual.h
 * for what must be so. `packed` is vq->is_packed, for who asks once for many.
 */
static inline __attribute__((always_inline)) int dvq_ring_usual(struct dvq *vq, struct dvq_chain *c,
								bool packed)
{
	return packed ? dvq_packed_usual(&vq->packed, c) : dvq_split_usual(&vq->split, c);
}

/* The same as dvq_ring_next(), whatever the chain is. */
enum dvq_error dvq_ring_next_any(struct dvq *vq, struct dvq_chain *c);

/*
 * The next chain, walked into `c` (whose segs and cap are set). DVQ_OK; DVQ_EMPTY; DVQ_E_SEGS, which takes
 * nothing from the ring; any other is an error of the ring if that is broken then, or else of the chain,
 * which is to be returned all the same.
 */
static inline enum dvq_error dvq_ring_next(struct dvq *vq, struct dvq_chain *c)
{
	int usual = fault_active || dvq_ring_is_broken(vq) || c->cap < DVQ_USUAL_DESCS
			    ? DVQ_UNUSUAL
			    : dvq_ring_usual(vq, c, vq->is_packed);

	return usual >= 0 ? (enum dvq_error)usual : dvq_ring_next_any(vq, c);
}

/* Is something available? Of a ring that is not broken, and without a fault; nothing is taken. */
static inline bool dvq_ring_pending(const struct dvq *vq)
{
	const struct dvq_packed *p = &vq->packed;
	const struct dvq_split *s = &vq->split;

	if (vq->is_packed)
		return dvq_packed_is_new(
			le16(__atomic_load_n(&p->desc[p->avail.off].flags, __ATOMIC_RELAXED)),
			p->avail.wrap);
	return le16(__atomic_load_n(&s->avail->idx, __ATOMIC_RELAXED)) != s->last_avail;
}

/*
 * For who looks at an empty ring again and again: have what the next chain will be read from come near, as far as
 * that can be guessed. A driver puts a buffer often where the one before it in this place of the ring was.
 */
static inline void dvq_ring_expect(const struct dvq *vq)
{
	const struct dvq_split *s = &vq->split;
	u16 head;

	/* Of a packed ring it is what is looked at. */
	if (vq->is_packed)
		return;
	head = le16(
		__atomic_load_n(&s->avail->ring[s->last_avail & (s->num - 1)], __ATOMIC_RELAXED));
	__builtin_prefetch(&s->desc[head & (s->num - 1)]);
}

/* Put back the chain that was taken last, and is not returned. Then the one before it, and so on. */
static inline void dvq_ring_undo(struct dvq *vq, const struct dvq_chain *c)
{
	if (vq->is_packed)
		vq->packed.avail = dvq_packed_back(&vq->packed, vq->packed.avail, c->slots);
	else
		dvq_unfetch(&vq->split);
}

/* Return a chain with `len` bytes written; the driver sees it after dvq_ring_flush(). False: a fault held
 * it back. */
static inline bool dvq_ring_stage(struct dvq *vq, const struct dvq_chain *c, u32 len)
{
	if (vq->is_packed)
		return dvq_packed_stage(&vq->packed, (struct dvq_packed_chain){ c->head, c->slots },
					len);
	return dvq_stage(&vq->split, c->head, len);
}

/* The same where there is neither a fault nor a log (dvq_ops.used_written); `packed` as above. */
static inline __attribute__((always_inline)) void
dvq_ring_write(struct dvq *vq, const struct dvq_chain *c, u32 len, bool packed)
{
	if (packed)
		dvq_packed_write(&vq->packed, (struct dvq_packed_chain){ c->head, c->slots }, len);
	else
		dvq_write_element(&vq->split, c->head, len);
}

static inline void dvq_ring_flush(struct dvq *vq)
{
	if (vq->is_packed)
		dvq_packed_flush(&vq->packed);
	else
		dvq_flush(&vq->split);
}

static inline bool dvq_ring_push(struct dvq *vq, const struct dvq_chain *c, u32 len)
{
	bool pushed = dvq_ring_stage(vq, c, len);

	dvq_ring_flush(vq);
	return pushed;
}

static inline bool dvq_ring_notify_due(struct dvq *vq)
{
	return vq->is_packed ? dvq_packed_notify_due(&vq->packed) : dvq_notify_due(&vq->split);
}

static inline void dvq_ring_kick_disable(struct dvq *vq)
{
	if (vq->is_packed)
		dvq_packed_kick_disable(&vq->packed);
	else
		dvq_kick_disable(&vq->split);
}

static inline bool dvq_ring_kick_enable(struct dvq *vq)
{
	return vq->is_packed ? dvq_packed_kick_enable(&vq->packed) : dvq_kick_enable(&vq->split);
}

/* After DVQ_E_SEGS, with nothing larger to offer: take the chain as malformed. Where it ends a packed ring
 * does not know then, which breaks that. */
enum dvq_error dvq_ring_refuse(struct dvq *vq, struct dvq_chain *c);

/* With a fault: of its hooks for a chain, the one of this layout. */
enum fault_action dvq_ring_fault_chain(struct dvq *vq, struct dvq_chain *c);
enum fault_action dvq_ring_fault_bad(struct dvq *vq, struct dvq_chain *c, enum dvq_error e);

#endif
