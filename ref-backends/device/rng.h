/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The entropy device (VIRTIO 1.4, 5.4): fills every device-writable byte of a chain with random bytes
 * and reports all of them. Device-readable buffers, which a driver must not place, are not looked at.
 * Freestanding.
 */
#ifndef REF_BACKENDS_DEVICE_RNG_H
#define REF_BACKENDS_DEVICE_RNG_H

#include "ref-backends/device/device.h"

/* Random bytes; cannot fail. */
typedef void rrng_fill_fn(void *ctx, void *to, size_t len);

struct rrng {
	struct rdev dev;
	rrng_fill_fn *fill;
	void *ctx;
};

void rrng_init(struct rrng *rng, rrng_fill_fn *fill, void *ctx);

#endif
