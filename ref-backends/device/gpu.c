// SPDX-License-Identifier: BSD-3-Clause
/*
 * A GPU (VIRTIO 1.4, 5.7) with one display and no memory: GET_DISPLAY_INFO is answered, and whatever names a
 * resource names one that is not there.
 */
#include <linux/virtio_gpu.h>
#include <string.h>

#include "ref-backends/device/message.h"
#include "ref-backends/device/plain.h"

enum {
	CONTROLQ,
	CURSORQ,
	QUEUES
};

static u32 carry_out(u32 type, u32 len, u8 *answer, u32 room, u32 *back)
{
	struct virtio_gpu_resp_display_info info = {
		.pmodes = { { .r = { .width = le32(1024), .height = le32(768) },
			      .enabled = le32(1) } },
	};

	*back = VIRTIO_GPU_RESP_ERR_UNSPEC;
	if (type == VIRTIO_GPU_CMD_GET_DISPLAY_INFO && room >= sizeof(info)) {
		memcpy(answer, &info, sizeof(info));
		*back = VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
		return sizeof(info);
	}
	if (type == VIRTIO_GPU_CMD_RESOURCE_UNREF)
		*back = len < sizeof(struct virtio_gpu_resource_unref)
				? VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER
				: VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	return sizeof(struct virtio_gpu_ctrl_hdr);
}

static u32 answer(struct rmessage *m, u16 queue, const u8 *request, u32 len, u8 *answer, u32 room)
{
	struct virtio_gpu_ctrl_hdr hdr, back = { 0 };
	u32 type, n;

	/* Cursors move without an answer. */
	if (queue == CURSORQ || len < sizeof(hdr) || room < sizeof(hdr))
		return 0;
	memcpy(&hdr, request, sizeof(hdr));
	n = carry_out(le32(hdr.type), len, answer, room, &type);
	back.type = le32(type);
	if (le32(hdr.flags) & VIRTIO_GPU_FLAG_FENCE) {
		back.flags = le32(VIRTIO_GPU_FLAG_FENCE);
		back.fence_id = hdr.fence_id;
		back.ctx_id = hdr.ctx_id;
	}
	memcpy(answer, &back, sizeof(back));
	return n;
}

static void config(struct rmessage *m, u8 *image)
{
	message_put32(image + 8, 1); /* num_scanouts */
}

const struct message_ops gpu_message = { .answer = answer, .config = config };

const struct rdev_ops gpu_ops = {
	.name = "gpu",
	.id = VIRTIO_ID_GPU,
	.config_size = 16,
	.features = message_no_features,
	.config_write = plain_config_write,
	MESSAGE_OPS,
};
