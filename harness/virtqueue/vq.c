// SPDX-License-Identifier: BSD-3-Clause
#include "harness/virtqueue/vq.h"

void vq_init(struct vq *vq, const struct vq_mode *mode, const struct vq_layout *layout,
	     struct vq_slot *slots)
{
	vq->ring = mode->ring;
	if (mode->ring == VQ_RING_PACKED) {
		vq_packed_init(&vq->packed, layout, slots, vq_packed_at((u16)mode->base),
			       mode->event_idx);
		vq->packed.used = vq_packed_at((u16)(mode->base >> 16));
		vq->packed.in_order = mode->in_order;
	} else {
		vq_split_init(&vq->split, layout, slots, (u16)mode->base, mode->event_idx);
		vq->split.in_order = mode->in_order;
	}
}

static u32 driver_at(u16 size)
{
	return (u32)ALIGN_UP(vq_desc_bytes(size), 4096);
}

static u32 device_at(enum vq_ring ring, u16 size)
{
	return (u32)ALIGN_UP(driver_at(size) + vq_driver_bytes(ring, size), 4096);
}

u32 vq_bytes(enum vq_ring ring, u16 size)
{
	return device_at(ring, size) + vq_device_bytes(ring, size);
}

void vq_lay_out(struct vq_layout *l, enum vq_ring ring, u16 size, void *hva, struct gpa gpa)
{
	const u32 driver = driver_at(size), device = device_at(ring, size);

	*l = (struct vq_layout){
		.size = size,
		.desc = gpa,
		.driver = gpa_add(gpa, driver),
		.device = gpa_add(gpa, device),
		.desc_hva = hva,
		.driver_hva = (u8 *)hva + driver,
		.device_hva = (u8 *)hva + device,
	};
}
