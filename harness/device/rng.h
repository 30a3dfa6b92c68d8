/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of an entropy device (VIRTIO 1.4, 5.4): one queue, buffers that the device fills.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_RNG_H
#define HARNESS_DEVICE_RNG_H

#include "harness/transport/transport.h"
#include "harness/virtqueue/split.h"

/* What a buffer holds until the device writes to it. */
#define RNG_UNSET 0xa5

struct rng_req {
	struct tp_buf buf;
	unsigned parts; /* descriptors it is cut into, at most RNG_PARTS */
};

#define RNG_PARTS 16

/*
 * Fill the buffer with RNG_UNSET, and cut it. Returns the number of pieces, all device-writable: none
 * of an empty buffer.
 */
unsigned rng_prepare(const struct rng_req *r, struct vq_sg sg[RNG_PARTS]);

/* Length of the tail that still holds RNG_UNSET: at least len - this many bytes were written. */
u32 rng_untouched(const struct rng_req *r);

#endif
