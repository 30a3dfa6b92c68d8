// SPDX-License-Identifier: BSD-3-Clause
/* GPU: what comes back with a fence (5.7.6.7). */
#include "harness/check/message_kit.h"
#include "harness/device/gpu.h"

#define FLAG "v14.gpu.header-info.dev.1a"
#define ID   "v14.gpu.header-info.dev.1b"

static void fence(struct ck *c)
{
	static const u64 ids[] = { 1, 0x123456789abcdef0ull, ~0ull };
	struct mk m;

	if (!mk_start(c, &m, 0))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
		struct gpu_head h;

		gpu_vehicle.fill(m.out.hva, ids[i] - 1);
		if (!mk_ask(c, &m, gpu_vehicle.readable, gpu_vehicle.writable))
			return;
		h = gpu_read_head(m.in.hva);
		if (!(h.flags & VIRTIO_GPU_FLAG_FENCE)) {
			ck_fail(c, FLAG, "flag FENCE in the answer", "flags 0x%x, type 0x%x",
				h.flags, h.type);
			return;
		}
		if (h.fence != ids[i]) {
			ck_fail(c, ID, "the fence_id of the command", "0x%llx for 0x%llx",
				(unsigned long long)h.fence, (unsigned long long)ids[i]);
			return;
		}
	}
}

CHECK(fence, .id = "gpu.fence", .clauses = { FLAG, ID },
      .stimulus = "RESOURCE_UNREF of what is not there, with flag FENCE and three ids",
      .oracle = "the answer has the flag and the id", .device = VIRTIO_ID_GPU, .run = fence);
