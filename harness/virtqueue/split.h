/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a split virtqueue (VIRTIO 1.4, 2.7).
 *
 * One thread owns a queue. Nothing here allocates: the ring lies in memory that the device can
 * reach, the driver's own bookkeeping in memory the caller gives. What the device writes is never
 * trusted: a used element that names no outstanding head is reported, not followed.
 *
 * Two layers: vq_split_add() and friends are a correct driver; the vq_split_raw_*() calls write
 * whatever a hostile check wants into the same rings.
 *
 * Freestanding.
 */
#ifndef HARNESS_VIRTQUEUE_SPLIT_H
#define HARNESS_VIRTQUEUE_SPLIT_H

#include "harness/virtqueue/layout.h"

struct vq_split {
	/* Read by every operation. */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct vq_slot *slots;
	u16 size, mask;
	bool event_idx;
	bool in_order; /* VIRTIO_F_IN_ORDER was negotiated: set after vq_split_init() */

	/* The submitting side. */
	u16 free_head;
	u16 avail_idx;	/* next index to fill */
	u16 kicked_idx; /* avail_idx when vq_split_kick_due() last looked */
	u16 free_count;

	/* The reaping side. */
	u16 used_idx;
	u16 oldest;    /* with IN_ORDER: head of the buffer that is used next */
	u16 batch;     /* with IN_ORDER: buffers of a used batch that are not taken yet */
	u32 batch_len; /* the length that is told of its last */
};

/* Bytes and alignments of the three parts (2.7, "Virtqueue Part" table). */
static inline u32 vq_split_desc_bytes(u16 size)
{
	return 16u * size;
}
static inline u32 vq_split_avail_bytes(u16 size)
{
	return 6u + 2u * size;
}
static inline u32 vq_split_used_bytes(u16 size)
{
	return 6u + 8u * size;
}
#define VQ_DESC_ALIGN  16u
#define VQ_AVAIL_ALIGN 2u
#define VQ_USED_ALIGN  4u

/*
 * Take over a ring: clears the three parts and starts at index `base` on both sides.
 * `slots` has layout->size entries.
 */
void vq_split_init(struct vq_split *vq, const struct vq_layout *layout, struct vq_slot *slots,
		   u16 base, bool event_idx);

/*
 * Put a chain of `out` device-readable pieces followed by `in` device-writable ones into the
 * descriptor table and its head into the available ring, without showing it to the device yet.
 * Returns the head or VQ_EMPTY. `token` is not NULL.
 */
int vq_split_add(struct vq_split *vq, const struct vq_sg *sg, unsigned out, unsigned in,
		 void *token);

/*
 * The same with the chain in an indirect table (VIRTIO_F_INDIRECT_DESC): `table` has out + in
 * entries, and the device reaches it at `table_addr`.
 */
int vq_split_add_indirect(struct vq_split *vq, struct vring_desc *table, struct gpa table_addr,
			  const struct vq_sg *sg, unsigned out, unsigned in, void *token);

/* Show all that was added to the device. */
void vq_split_publish(struct vq_split *vq);

/* After vq_split_publish(): does the device want to be notified (2.7.10)? */
bool vq_split_kick_due(struct vq_split *vq);

/*
 * Take the next used element. Of a batch that is used by one element (2.7.9) its buffers are taken one
 * by one; the length of all but the last is not told, and *len is what they have room for.
 * Returns the head, VQ_EMPTY or VQ_BADID (then *id is what was read).
 * *len is what the device reported; *token what was added with the head.
 */
int vq_split_reap(struct vq_split *vq, u32 *id, u32 *len, void **token);

/*
 * Take up to `most`, at least 1, with one look at the used index: how many, or VQ_EMPTY or VQ_BADID (then
 * done->id is what was read) where the first cannot be had. Before one that names no outstanding buffer it ends.
 */
int vq_split_reap_some(struct vq_split *vq, struct vq_done *done, unsigned most);

/* Is there a used element to take? */
static inline bool vq_split_used_pending(const struct vq_split *vq)
{
	return __atomic_load_n(&vq->used->idx, __ATOMIC_ACQUIRE) != le16(vq->used_idx);
}

/* Ask for, or against, used buffer notifications (2.7.7). True: one may have been missed. */
bool vq_split_enable_calls(struct vq_split *vq);
void vq_split_disable_calls(struct vq_split *vq);
/* With EVENT_IDX: ask for a notification when the element at used index `event` is written. */
void vq_split_set_used_event(struct vq_split *vq, u16 event);

/* Raw access, for what a correct driver would never do. */
void vq_split_raw_desc(struct vq_split *vq, u16 i, u64 addr, u32 len, u16 flags, u16 next);
/* Write `head` into the available ring at `index` (free running). */
void vq_split_raw_avail(struct vq_split *vq, u16 index, u16 head);
/* Store avail->idx. */
void vq_split_raw_publish(struct vq_split *vq, u16 idx);
u16 vq_split_raw_used_idx(const struct vq_split *vq);

static inline u16 *vq_split_used_event(struct vq_split *vq)
{
	return &vq->avail->ring[vq->size];
}

static inline u16 *vq_split_avail_event(struct vq_split *vq)
{
	return (u16 *)&vq->used->ring[vq->size];
}

#endif
