/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a packed virtqueue (VIRTIO 1.4, 2.8).
 *
 * One ring of descriptors that both sides write: the driver makes a run of them available, the device
 * writes one used descriptor where the run began and skips the rest. Which of the two a descriptor is,
 * is told by its AVAIL and USED bits against the wrap counter of the lap. Rules of ownership and trust are
 * those of virtqueue/split.h, and so are the two layers.
 *
 * Freestanding.
 */
#ifndef HARNESS_VIRTQUEUE_PACKED_H
#define HARNESS_VIRTQUEUE_PACKED_H

#include "harness/virtqueue/layout.h"

/* A place in the ring: offset and wrap counter, as in the low and high bits of off_wrap. */
struct vq_packed_at {
	u16 off;
	bool wrap;
};

static inline u16 vq_packed_off_wrap(struct vq_packed_at at)
{
	return (u16)(at.off | (at.wrap ? 1u << VRING_PACKED_EVENT_F_WRAP_CTR : 0));
}

static inline struct vq_packed_at vq_packed_at(u16 off_wrap)
{
	const u16 wrap = 1u << VRING_PACKED_EVENT_F_WRAP_CTR;

	return (struct vq_packed_at){ off_wrap & (wrap - 1), off_wrap & wrap };
}

/*
 * Where a device is, as vhost-user's GET_ and SET_VRING_BASE say it: the next available descriptor in the
 * low half, the place of the next used one in the high half. A new ring begins at VQ_PACKED_START.
 */
#define VQ_PACKED_START 0x80008000u

static inline u32 vq_packed_base(struct vq_packed_at avail, struct vq_packed_at used)
{
	return (u32)vq_packed_off_wrap(used) << 16 | vq_packed_off_wrap(avail);
}

struct vq_packed {
	/* Read by every operation. */
	struct vring_packed_desc *desc;
	struct vring_packed_desc_event *driver, *device;
	struct vq_slot *slots;
	u16 size;
	bool event_idx;
	bool in_order; /* VIRTIO_F_IN_ORDER was negotiated: set after vq_packed_init() */

	/* The submitting side. */
	struct vq_packed_at avail;	       /* next descriptor to write */
	struct vq_packed_at unshown;	       /* first descriptor since vq_packed_publish() */
	struct vring_packed_desc unshown_desc; /* what it will be */
	u16 unkicked; /* descriptors shown since vq_packed_kick_due() last looked */
	u16 written;  /* descriptors since vq_packed_publish() */
	u16 free_id;
	u16 added;	/* buffers so far, free running */
	u16 free_count; /* descriptors */

	/* The reaping side. */
	struct vq_packed_at used;
	u16 reaped;    /* buffers so far, free running */
	u16 oldest;    /* with IN_ORDER: id of the buffer that is used next */
	u16 batch;     /* with IN_ORDER: buffers of a used batch that are not taken yet */
	u32 batch_len; /* the length that is told of its last */
};

/* Bytes and alignments of the three parts (2.8, 2.8.10). The size need not be a power of two. */
static inline u32 vq_packed_desc_bytes(u16 size)
{
	return 16u * size;
}
#define VQ_PACKED_EVENT_BYTES 4u
#define VQ_PACKED_DESC_ALIGN  16u
#define VQ_PACKED_EVENT_ALIGN 4u

/*
 * Clears the ring. `slots` has one entry per descriptor. The ring begins at `start`, where both sides
 * are: {0, true} unless a device was stopped elsewhere.
 */
void vq_packed_init(struct vq_packed *vq, const struct vq_layout *layout, struct vq_slot *slots,
		    struct vq_packed_at start, bool event_idx);

/*
 * Write a buffer of out + in pieces into the ring, device-readable ones first. Its id (>= 0), or
 * VQ_EMPTY when it does not fit. The device sees it at vq_packed_publish(). `token` is not NULL.
 */
int vq_packed_add(struct vq_packed *vq, const struct vq_sg *sg, unsigned out, unsigned in,
		  void *token);

/* The same as one descriptor and a table of out + in, which is the device's until it is used. */
int vq_packed_add_indirect(struct vq_packed *vq, struct vring_packed_desc *table,
			   struct gpa table_addr, const struct vq_sg *sg, unsigned out, unsigned in,
			   void *token);

/* Show all that was added to the device: one store. */
void vq_packed_publish(struct vq_packed *vq);

/* After vq_packed_publish(): does the device want to be notified (2.8.10)? */
bool vq_packed_kick_due(struct vq_packed *vq);

/*
 * Take the next used descriptor: its id, with *len and *token. VQ_EMPTY: there is none. VQ_BADID: it
 * names no outstanding buffer, *id says what it names; the ring cannot be followed any further.
 * Of a batch that is used by one descriptor (2.8.9) the buffers are taken one by one, as in split.h.
 */
int vq_packed_reap(struct vq_packed *vq, u32 *id, u32 *len, void **token);

/* Take up to `most`, at least 1: how many, or VQ_EMPTY or VQ_BADID, as vq_split_reap_some(). */
int vq_packed_reap_some(struct vq_packed *vq, struct vq_done *done, unsigned most);

/* Is there a used descriptor to take? */
bool vq_packed_used_pending(const struct vq_packed *vq);

/*
 * How many buffers the device has used so far, free running: those taken, and those that lie in the ring.
 * One that names no outstanding buffer counts, and nothing behind it.
 */
u16 vq_packed_used(const struct vq_packed *vq);

/* Ask for, or against, used buffer notifications (2.8.7). True: one may have been missed. */
bool vq_packed_enable_calls(struct vq_packed *vq);
void vq_packed_disable_calls(struct vq_packed *vq);
/* With EVENT_IDX: ask for a notification when the descriptor at `event` is written as used. */
void vq_packed_set_used_event(struct vq_packed *vq, struct vq_packed_at event);

/* Raw access, for what a correct driver would never do. `flags` goes in as it is. */
void vq_packed_raw_desc(struct vq_packed *vq, u16 i, u64 addr, u32 len, u16 id, u16 flags);
/* The AVAIL and USED bits of a descriptor that is available, or used, in a lap with this counter. */
u16 vq_packed_avail_bits(bool wrap);
u16 vq_packed_used_bits(bool wrap);
/* `n` descriptors on from `at`, n at most the queue's size. */
struct vq_packed_at vq_packed_forward(const struct vq_packed *vq, struct vq_packed_at at, u16 n);

#endif
