// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/registers/mmio.h"

#include <linux/virtio_mmio.h>

#include "ref-backends/fault/fault.h"

#define MAGIC	  0x74726976u /* "virt" */
#define VERSION	  2u
#define VENDOR_ID 0x52494e47u /* "RING" */

/* Newer than some headers. */
#define QUEUE_RESET 0x0c0

enum {
	R = 1,
	W = 2,
};

static const struct {
	u16 offset;
	u8 access;
	u8 reg; /* enum rreg_id */
} map[] = {
	{ VIRTIO_MMIO_MAGIC_VALUE, R, RREG_MAGIC },
	{ VIRTIO_MMIO_VERSION, R, RREG_VERSION },
	{ VIRTIO_MMIO_DEVICE_ID, R, RREG_DEVICE_ID },
	{ VIRTIO_MMIO_VENDOR_ID, R, RREG_VENDOR_ID },
	{ VIRTIO_MMIO_DEVICE_FEATURES, R, RREG_DEVICE_FEATURES },
	{ VIRTIO_MMIO_DEVICE_FEATURES_SEL, W, RREG_DEVICE_FEATURES_SEL },
	{ VIRTIO_MMIO_DRIVER_FEATURES, W, RREG_DRIVER_FEATURES },
	{ VIRTIO_MMIO_DRIVER_FEATURES_SEL, W, RREG_DRIVER_FEATURES_SEL },
	{ VIRTIO_MMIO_QUEUE_SEL, W, RREG_QUEUE_SEL },
	{ VIRTIO_MMIO_QUEUE_NUM_MAX, R, RREG_QUEUE_SIZE_MAX },
	{ VIRTIO_MMIO_QUEUE_NUM, W, RREG_QUEUE_SIZE },
	{ VIRTIO_MMIO_QUEUE_READY, R | W, RREG_QUEUE_ENABLE },
	{ VIRTIO_MMIO_QUEUE_NOTIFY, W, RREG_NOTIFY },
	{ VIRTIO_MMIO_INTERRUPT_STATUS, R, RREG_ISR },
	{ VIRTIO_MMIO_INTERRUPT_ACK, W, RREG_ISR_ACK },
	{ VIRTIO_MMIO_STATUS, R | W, RREG_STATUS },
	{ VIRTIO_MMIO_QUEUE_DESC_LOW, W, RREG_DESC_LO },
	{ VIRTIO_MMIO_QUEUE_DESC_HIGH, W, RREG_DESC_HI },
	{ VIRTIO_MMIO_QUEUE_AVAIL_LOW, W, RREG_AVAIL_LO },
	{ VIRTIO_MMIO_QUEUE_AVAIL_HIGH, W, RREG_AVAIL_HI },
	{ VIRTIO_MMIO_QUEUE_USED_LOW, W, RREG_USED_LO },
	{ VIRTIO_MMIO_QUEUE_USED_HIGH, W, RREG_USED_HI },
	{ VIRTIO_MMIO_SHM_SEL, W, RREG_SHM_SEL },
	{ VIRTIO_MMIO_SHM_LEN_LOW, R, RREG_SHM_LEN_LO },
	{ VIRTIO_MMIO_SHM_LEN_HIGH, R, RREG_SHM_LEN_HI },
	{ VIRTIO_MMIO_SHM_BASE_LOW, R, RREG_SHM_BASE_LO },
	{ VIRTIO_MMIO_SHM_BASE_HIGH, R, RREG_SHM_BASE_HI },
	{ QUEUE_RESET, R | W, RREG_QUEUE_RESET },
	{ VIRTIO_MMIO_CONFIG_GENERATION, R, RREG_GENERATION },
};

static enum rreg_id lookup(u32 offset, unsigned size, u8 access)
{
	if (size != 4)
		return RREG_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (map[i].offset == offset && map[i].access & access)
			return map[i].reg;
	return RREG_NONE;
}

static u32 constant(enum rreg_id reg)
{
	return reg == RREG_MAGIC ? MAGIC : reg == RREG_VERSION ? VERSION : VENDOR_ID;
}

u64 rmmio_read(struct rmmio *m, u32 offset, unsigned size)
{
	enum rreg_id reg;
	u32 value;

	if (offset >= VIRTIO_MMIO_CONFIG)
		return rreg_config_read(&m->r, offset - VIRTIO_MMIO_CONFIG, size);
	reg = lookup(offset, size, R);
	switch (reg) {
	case RREG_NONE:
		return 0;
	case RREG_MAGIC:
	case RREG_VERSION:
	case RREG_VENDOR_ID:
		value = constant(reg);
		if (fault_active && fault_active->reg_read)
			value = fault_active->reg_read(&m->r, reg, value);
		return value;
	default:
		return rreg_read(&m->r, reg);
	}
}

void rmmio_write(struct rmmio *m, u32 offset, unsigned size, u64 value)
{
	enum rreg_id reg = lookup(offset, size, W);

	if (offset >= VIRTIO_MMIO_CONFIG)
		rreg_config_write(&m->r, offset - VIRTIO_MMIO_CONFIG, size, value);
	else if (reg != RREG_NONE)
		rreg_write(&m->r, reg, (u32)value);
}

static void interrupt(struct rreg *r, int q)
{
	if (fault_active && fault_active->reg_interrupt &&
	    fault_active->reg_interrupt(r, q) == FAULT_DONE)
		return;
	r->isr |= q < 0 ? RREG_ISR_CONFIG : RREG_ISR_QUEUE;
	rreg_set_line(r, true);
}

static void reset(struct rreg *r)
{
	rreg_set_line(r, false);
}

static const struct rreg_face face = { .interrupt = interrupt, .reset = reset };

void rmmio_init(struct rmmio *m, const struct rreg_opts *o, void *memory)
{
	rreg_init(&m->r, o, &face, memory);
}
