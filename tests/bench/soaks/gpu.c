// SPDX-License-Identifier: BSD-3-Clause
/* What displays there are, and a resource that is not there is taken away; each with a fence. */
#include "harness/device/gpu.h"
#include "tests/bench/soaks/soak.h"

#define INFO ((u32)sizeof(struct virtio_gpu_resp_display_info))
#define HEAD ((u32)sizeof(struct virtio_gpu_ctrl_hdr))

static void request(struct soak *s, struct soak_req *r)
{
	gpu_vehicle.fill(r->out.hva, r->n);
	r->out.len = gpu_vehicle.readable;
	r->in.len = gpu_vehicle.writable;
	r->in.hva[0] = 0xa5;
	if (r->n % 2)
		return;
	gpu_write_head(r->out.hva, &(struct gpu_head){ VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
						       VIRTIO_GPU_FLAG_FENCE, r->n + 1 });
	r->out.len = HEAD;
	r->in.len = INFO;
}

static bool good(struct soak *s, const struct soak_req *r)
{
	const struct gpu_head h = gpu_read_head(r->in.hva);
	const u32 want = r->n % 2 ? HEAD : INFO;
	const bool right =
		r->n % 2 ? gpu_is_error(h.type) : h.type == VIRTIO_GPU_RESP_OK_DISPLAY_INFO;

	return (r->used_len == want && right && h.fence == r->n + 1) ||
	       soak_wrong(s, "length %u, type 0x%x, fence %llu", r->used_len, h.type,
			  (unsigned long long)h.fence);
}

const struct soak_device soak_gpu = {
	.name = "gpu", .queues = 2, .request = request, .good = good
};
