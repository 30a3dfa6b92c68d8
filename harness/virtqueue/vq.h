/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a virtqueue of either layout: what checks, device halves and loads use when
 * they do not care which. Rules of ownership and trust are those of virtqueue/split.h.
 *
 * Freestanding.
 */
#ifndef HARNESS_VIRTQUEUE_VQ_H
#define HARNESS_VIRTQUEUE_VQ_H

#include "harness/virtqueue/packed.h"
#include "harness/virtqueue/split.h"

enum vq_ring {
	VQ_RING_SPLIT,
	VQ_RING_PACKED,
};

struct vq {
	enum vq_ring ring;
	union {
		struct vq_split split;
		struct vq_packed packed;
	};
};

/* How a ring is to be driven. */
struct vq_mode {
	enum vq_ring ring;
	bool event_idx, in_order; /* as negotiated */
	u32 base; /* where it begins: vq_start() unless a device was stopped elsewhere */
};

/*
 * Where both sides of a new ring are, as vhost-user's SET_VRING_BASE says it: of a split ring the
 * available index, of a packed one two places (vq_packed_base()).
 */
static inline u32 vq_start(enum vq_ring ring)
{
	return ring == VQ_RING_PACKED ? VQ_PACKED_START : 0;
}

/* `slots` has layout->size entries. */
void vq_init(struct vq *vq, const struct vq_mode *mode, const struct vq_layout *layout,
	     struct vq_slot *slots);

/* Bytes and alignments of the three parts (2.7, 2.8). */
static inline u32 vq_desc_bytes(u16 size)
{
	return vq_split_desc_bytes(size);
}

static inline u32 vq_driver_bytes(enum vq_ring ring, u16 size)
{
	return ring == VQ_RING_PACKED ? VQ_PACKED_EVENT_BYTES : vq_split_avail_bytes(size);
}

static inline u32 vq_device_bytes(enum vq_ring ring, u16 size)
{
	return ring == VQ_RING_PACKED ? VQ_PACKED_EVENT_BYTES : vq_split_used_bytes(size);
}

/* The three parts one after the other, each on a page of its own: bytes, and where they are. */
u32 vq_bytes(enum vq_ring ring, u16 size);
void vq_lay_out(struct vq_layout *l, enum vq_ring ring, u16 size, void *hva, struct gpa gpa);

static inline u16 vq_size(const struct vq *vq)
{
	return vq->ring == VQ_RING_PACKED ? vq->packed.size : vq->split.size;
}

static inline bool vq_event_idx(const struct vq *vq)
{
	return vq->ring == VQ_RING_PACKED ? vq->packed.event_idx : vq->split.event_idx;
}

/* Descriptors that are free. */
static inline u16 vq_room(const struct vq *vq)
{
	return vq->ring == VQ_RING_PACKED ? vq->packed.free_count : vq->split.free_count;
}

static inline int vq_add(struct vq *vq, const struct vq_sg *sg, unsigned out, unsigned in,
			 void *token)
{
	return vq->ring == VQ_RING_PACKED ? vq_packed_add(&vq->packed, sg, out, in, token)
					  : vq_split_add(&vq->split, sg, out, in, token);
}

/* Descriptors of an indirect table are of 16 bytes in both layouts. */
#define VQ_TABLE_ENTRY 16u

/* `table`: (out + in) * VQ_TABLE_ENTRY bytes, aligned to 16. */
static inline int vq_add_indirect(struct vq *vq, void *table, struct gpa table_addr,
				  const struct vq_sg *sg, unsigned out, unsigned in, void *token)
{
	return vq->ring == VQ_RING_PACKED
		       ? vq_packed_add_indirect(&vq->packed, table, table_addr, sg, out, in, token)
		       : vq_split_add_indirect(&vq->split, table, table_addr, sg, out, in, token);
}

static inline void vq_publish(struct vq *vq)
{
	if (vq->ring == VQ_RING_PACKED)
		vq_packed_publish(&vq->packed);
	else
		vq_split_publish(&vq->split);
}

static inline bool vq_kick_due(struct vq *vq)
{
	return vq->ring == VQ_RING_PACKED ? vq_packed_kick_due(&vq->packed)
					  : vq_split_kick_due(&vq->split);
}

/* Take the next used buffer: its id (>= 0), VQ_EMPTY or VQ_BADID (then *id is what was read). */
static inline int vq_reap(struct vq *vq, u32 *id, u32 *len, void **token)
{
	return vq->ring == VQ_RING_PACKED ? vq_packed_reap(&vq->packed, id, len, token)
					  : vq_split_reap(&vq->split, id, len, token);
}

/* Take up to `most`, at least 1: how many, or VQ_EMPTY, or VQ_BADID (then done->id is what was read). */
static inline int vq_reap_some(struct vq *vq, struct vq_done *done, unsigned most)
{
	return vq->ring == VQ_RING_PACKED ? vq_packed_reap_some(&vq->packed, done, most)
					  : vq_split_reap_some(&vq->split, done, most);
}

static inline bool vq_used_pending(const struct vq *vq)
{
	return vq->ring == VQ_RING_PACKED ? vq_packed_used_pending(&vq->packed)
					  : vq_split_used_pending(&vq->split);
}

/*
 * For who looks for a used buffer again and again: have what vq_reap() will read come near. The device writes the
 * element before the index, and it lies in another cache line; of a packed ring it is what is looked at.
 */
static inline void vq_used_expect(const struct vq *vq)
{
	const struct vq_split *s = &vq->split;

	if (vq->ring != VQ_RING_PACKED)
		__builtin_prefetch(&s->used->ring[s->used_idx & s->mask]);
}

static inline bool vq_enable_calls(struct vq *vq)
{
	return vq->ring == VQ_RING_PACKED ? vq_packed_enable_calls(&vq->packed)
					  : vq_split_enable_calls(&vq->split);
}

static inline void vq_disable_calls(struct vq *vq)
{
	if (vq->ring == VQ_RING_PACKED)
		vq_packed_disable_calls(&vq->packed);
	else
		vq_split_disable_calls(&vq->split);
}

/* How many buffers were added, and how many of them the device has used, both free running. */
static inline u16 vq_added(const struct vq *vq)
{
	return vq->ring == VQ_RING_PACKED ? vq->packed.added : vq->split.avail_idx;
}

static inline u16 vq_used(const struct vq *vq)
{
	return vq->ring == VQ_RING_PACKED ? vq_packed_used(&vq->packed)
					  : vq_split_raw_used_idx(&vq->split);
}

/* And taken by vq_reap(). */
static inline u16 vq_reaped(const struct vq *vq)
{
	return vq->ring == VQ_RING_PACKED ? vq->packed.reaped : vq->split.used_idx;
}

/*
 * Where a device is that has used all that was made available, and all of it was taken: as GET_VRING_BASE
 * tells, and SET_VRING_BASE wants it to go on.
 */
static inline u32 vq_where(const struct vq *vq)
{
	return vq->ring == VQ_RING_PACKED ? vq_packed_base(vq->packed.avail, vq->packed.used)
					  : vq->split.avail_idx;
}

/*
 * What a notification with VIRTIO_F_NOTIFICATION_DATA says of the ring (2.9): next_off and next_wrap,
 * or the available index of a split ring. Of what is published.
 */
static inline u16 vq_next(const struct vq *vq)
{
	return vq->ring == VQ_RING_PACKED
		       ? vq_packed_off_wrap(vq->packed.avail)
		       : le16(__atomic_load_n(&vq->split.avail->idx, __ATOMIC_RELAXED));
}

#endif
