// SPDX-License-Identifier: BSD-3-Clause
/* What is behind the base address registers. */
#include <linux/virtio_pci.h>
#include <string.h>

#include "ref-backends/binding/registers/pci.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

#define COMMON(field) offsetof(struct virtio_pci_common_cfg, field)
/* Behind queue_used in newer headers. */
#define COMMON_NOTIFY_DATA 56
#define COMMON_QUEUE_RESET 58

enum {
	RO,
	RW,
};

/* The common configuration structure (4.1.4.3). */
static const struct {
	u8 offset, width, access;
	u8 reg; /* enum rreg_id */
} map[] = {
	{ COMMON(device_feature_select), 4, RW, RREG_DEVICE_FEATURES_SEL },
	{ COMMON(device_feature), 4, RO, RREG_DEVICE_FEATURES },
	{ COMMON(guest_feature_select), 4, RW, RREG_DRIVER_FEATURES_SEL },
	{ COMMON(guest_feature), 4, RW, RREG_DRIVER_FEATURES },
	{ COMMON(msix_config), 2, RW, RREG_CONFIG_VECTOR },
	{ COMMON(num_queues), 2, RO, RREG_NUM_QUEUES },
	{ COMMON(device_status), 1, RW, RREG_STATUS },
	{ COMMON(config_generation), 1, RO, RREG_GENERATION },
	{ COMMON(queue_select), 2, RW, RREG_QUEUE_SEL },
	{ COMMON(queue_size), 2, RW, RREG_QUEUE_SIZE },
	{ COMMON(queue_msix_vector), 2, RW, RREG_QUEUE_VECTOR },
	{ COMMON(queue_enable), 2, RW, RREG_QUEUE_ENABLE },
	{ COMMON(queue_notify_off), 2, RO, RREG_QUEUE_NOTIFY_OFF },
	{ COMMON(queue_desc_lo), 4, RW, RREG_DESC_LO },
	{ COMMON(queue_desc_hi), 4, RW, RREG_DESC_HI },
	{ COMMON(queue_avail_lo), 4, RW, RREG_AVAIL_LO },
	{ COMMON(queue_avail_hi), 4, RW, RREG_AVAIL_HI },
	{ COMMON(queue_used_lo), 4, RW, RREG_USED_LO },
	{ COMMON(queue_used_hi), 4, RW, RREG_USED_HI },
	{ COMMON_NOTIFY_DATA, 2, RO, RREG_QUEUE_NOTIFY_DATA },
	{ COMMON_QUEUE_RESET, 2, RW, RREG_QUEUE_RESET },
};

/* A field of any part of which something is read: fields have no side effects here. */
static u8 common_byte(struct rpci *p, u32 offset)
{
	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (offset >= map[i].offset && offset < (u32)map[i].offset + map[i].width)
			return (u8)(rreg_read(&p->r, map[i].reg) >> (8 * (offset - map[i].offset)));
	return 0;
}

static u64 common_read(struct rpci *p, u32 offset, unsigned size)
{
	u64 value = 0;

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (map[i].offset == offset && map[i].width == size)
			return rreg_read(&p->r, map[i].reg);
	for (unsigned i = 0; i < size; i++)
		value |= (u64)common_byte(p, offset + i) << (8 * i);
	return value;
}

/* 4.1.3.1: fields are written as wide as they are, 64-bit ones in halves. What is not is ignored. */
static void common_write(struct rpci *p, u32 offset, unsigned size, u64 value)
{
	if (size == 8) {
		common_write(p, offset, 4, (u32)value);
		common_write(p, offset + 4, 4, value >> 32);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (map[i].offset == offset && map[i].width == size && map[i].access == RW)
			rreg_write(&p->r, map[i].reg, (u32)value);
}

static u64 isr_read(struct rpci *p, u32 offset)
{
	u8 value = p->r.isr;

	if (offset != 0)
		return 0;
	/* 4.1.4.5: reading takes the bits and the interrupt. */
	p->r.isr = 0;
	if (fault_active && fault_active->pci_isr)
		value = fault_active->pci_isr(p, value);
	rpci_intx_update(p);
	return value;
}

static void notify_write(struct rpci *p, u32 offset, unsigned size, u64 value)
{
	if (judge_active)
		judge_active->pci_notify(&p->r, offset, size, (u32)value);
	/* Each queue has an address of its own; the value says the same. */
	if (size == 2 || size == 4)
		rreg_write(&p->r, RREG_NOTIFY, (u32)value);
}

/* Is it in the structure that this capability describes, each of which has 4 KiB? Where? */
static bool inside(const struct rpci *p, u8 cap, u64 offset, u32 *in)
{
	u64 begin = rpci_get(p->config + cap + VIRTIO_PCI_CAP_OFFSET, 4);

	*in = (u32)(offset - begin);
	return offset >= begin && offset < (begin | 0xfff) + 1;
}

static u64 virtio_read(struct rpci *p, u64 offset, unsigned size)
{
	u32 in;

	if (inside(p, RPCI_CAP_COMMON, offset, &in))
		return common_read(p, in, size);
	if (inside(p, RPCI_CAP_ISR, offset, &in))
		return isr_read(p, in);
	if (p->r.dev->ops->config_size && inside(p, RPCI_CAP_DEVICE, offset, &in))
		return rreg_config_read(&p->r, in, size);
	return 0;
}

static void virtio_write(struct rpci *p, u64 offset, unsigned size, u64 value)
{
	u32 in;

	if (inside(p, RPCI_CAP_COMMON, offset, &in))
		common_write(p, in, size, value);
	else if (inside(p, RPCI_CAP_NOTIFY, offset, &in))
		notify_write(p, in, size, value);
	else if (p->r.dev->ops->config_size && inside(p, RPCI_CAP_DEVICE, offset, &in))
		rreg_config_write(&p->r, in, size, value);
}

/* A shared memory region's bytes, or NULL. */
static u8 *shm_at(const struct rpci *p, u64 offset, unsigned size)
{
	for (unsigned id = 0; id < RREG_SHM_MAX; id++) {
		const struct rreg_shm *shm = &p->r.shm[id];

		if (offset < shm->len)
			return offset + size <= shm->len ? shm->mem + offset : NULL;
		offset -= shm->len;
	}
	return NULL;
}

u64 rpci_bar_read(struct rpci *p, unsigned bar, u64 offset, unsigned size)
{
	u64 value = 0;
	u8 *shm;

	switch (bar) {
	case 1:
		return rpci_msix_read(p, offset, size);
	case 2:
		shm = shm_at(p, offset, size);
		if (shm)
			memcpy(&value, shm, size);
		return value;
	default:
		return virtio_read(p, offset, size);
	}
}

void rpci_bar_write(struct rpci *p, unsigned bar, u64 offset, unsigned size, u64 value)
{
	u8 *shm;

	switch (bar) {
	case 1:
		rpci_msix_write(p, offset, size, value);
		break;
	case 2:
		shm = shm_at(p, offset, size);
		if (shm)
			memcpy(shm, &value, size);
		break;
	default:
		virtio_write(p, offset, size, value);
		break;
	}
}
