// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/gpu.h"

#include <string.h>

#include "harness/spec/virtio14.h"

void gpu_write_head(u8 *to, const struct gpu_head *h)
{
	const struct virtio_gpu_ctrl_hdr hdr = {
		.type = le32(h->type),
		.flags = le32(h->flags),
		.fence_id = le64(h->fence),
	};

	memcpy(to, &hdr, sizeof(hdr));
}

struct gpu_head gpu_read_head(const u8 *from)
{
	return (struct gpu_head){ vehicle_u32(from), vehicle_u32(from + 4), vehicle_u64(from + 8) };
}

/*
 * --- the vehicle: a resource that does not exist is taken away -----------------------------------------------
 *
 * Whoever asks for what the display is like may ask a program beside the back-end, which is not there.
 */

#define NO_RESOURCE 0x5eadbeef

static void fill(u8 *readable, u64 n)
{
	const u32 resource = le32(NO_RESOURCE);

	gpu_write_head(readable, &(struct gpu_head){ VIRTIO_GPU_CMD_RESOURCE_UNREF,
						     VIRTIO_GPU_FLAG_FENCE, n + 1 });
	memcpy(readable + sizeof(struct virtio_gpu_ctrl_hdr), &resource, sizeof(resource));
}

static bool answered(const u8 *readable, const u8 *writable)
{
	const u32 type = gpu_read_head(writable).type;

	return gpu_is_ok(type) || gpu_is_error(type);
}

const struct vehicle gpu_vehicle = {
	.device = VIRTIO_ID_GPU,
	.name = "RESOURCE_UNREF",
	.queue = GPU_CONTROLQ,
	.queues = 1,
	.readable = sizeof(struct virtio_gpu_resource_unref),
	.writable = sizeof(struct virtio_gpu_ctrl_hdr),
	.fill = fill,
	.answered = answered,
};
