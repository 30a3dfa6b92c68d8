/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a GPU's control queue (VIRTIO 1.4, 5.7.6): commands with a header, which answers have,
 * too.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_GPU_H
#define HARNESS_DEVICE_GPU_H

#include <linux/virtio_gpu.h>

#include "harness/device/vehicle.h"

#define GPU_CONTROLQ 0

/* A header in the host's byte order. */
struct gpu_head {
	u32 type, flags;
	u64 fence;
};

void gpu_write_head(u8 *to, const struct gpu_head *h);
struct gpu_head gpu_read_head(const u8 *from);

/* An answer that reports success, or one that reports an error (5.7.6.7). */
static inline bool gpu_is_ok(u32 type)
{
	return type >= VIRTIO_GPU_RESP_OK_NODATA && type < 0x1200;
}

static inline bool gpu_is_error(u32 type)
{
	return type >= VIRTIO_GPU_RESP_ERR_UNSPEC && type <= VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
}

#endif
