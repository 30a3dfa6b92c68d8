/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the driver's halves of all ring layouts have in common: where a ring lies, the pieces of a
 * buffer, the driver's own record of what is outstanding.
 *
 * Freestanding.
 */
#ifndef HARNESS_VIRTQUEUE_LAYOUT_H
#define HARNESS_VIRTQUEUE_LAYOUT_H

#include <linux/virtio_ring.h>

#include "harness/spec/types.h"

/* One piece of a buffer, as a descriptor will name it. */
struct vq_sg {
	struct gpa addr;
	u32 len;
};

/*
 * Where the three parts of a ring lie (2.6): the descriptor area, and what the driver and the device
 * write beside it. Of a split ring those are the available and the used ring, of a packed one the two
 * event suppression structures. A split ring's size is a power of two; neither exceeds 32768.
 */
struct vq_layout {
	u16 size;
	struct gpa desc, driver, device;
	void *desc_hva, *driver_hva, *device_hva;
};

/* The driver's own record of a buffer: of a descriptor table slot, or of a buffer id. */
struct vq_slot {
	void *token; /* of the buffer; NULL when not outstanding */
	u16 next;    /* free list, or the chain */
	u16 count;   /* descriptors that the buffer takes */
	u32 room;    /* device-writable bytes; kept with IN_ORDER only */
};

/* A buffer that the device has used. */
struct vq_done {
	void *token;
	u32 id, len; /* its name in the ring, and what the device says to have written */
};

enum vq_error {
	VQ_EMPTY = -1, /* nothing was used, or there is no room */
	VQ_BADID = -2, /* what is used names no outstanding buffer */
};

#endif
