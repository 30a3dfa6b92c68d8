/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine for tests of the register model: 64 KiB of memory, a device that completes requests when it
 * is told to, and a driver's steps over virtio-mmio.
 */
#ifndef TESTS_UNIT_RREG_MACHINE_H
#define TESTS_UNIT_RREG_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/pci_regs.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_pci.h>

#include "ref-backends/binding/registers/mmio.h"
#include "ref-backends/binding/registers/pci.h"

#define RAM   0x10000
#define DESC  0x1000
#define AVAIL 0x2000
#define USED  0x3000
#define NUM   8

#define FEATURES_OK (1 | 2 | 8)
#define LIVE	    (FEATURES_OK | 4)

/* --- a device that completes when it is told to ---------------------------------------------------------- */

static struct {
	struct rdev dev;
	struct rdev_req *waiting[4];
	unsigned count, resets;
	bool waits, changed;
	bool pulls;	/* takes buffers only for what has arrived */
	unsigned ready; /* that much has */
	u8 config;
	u64 features;
} d;

static inline u64 dev_features(struct rdev *dev)
{
	return 1;
}

static inline void dev_negotiated(struct rdev *dev, u64 features)
{
	d.features = features;
}

static inline void dev_reset(struct rdev *dev)
{
	d.resets++;
}

static inline void dev_config(struct rdev *dev, u8 *image)
{
	image[0] = d.config;
}

static inline bool dev_config_write(struct rdev *dev, u32 off, const u8 *data, u32 len,
				    bool migration)
{
	d.config = data[0];
	return true;
}

static inline bool dev_resized(struct rdev *dev)
{
	return d.changed;
}

static inline void finish(struct rdev_req *req)
{
	req->used_len = 7;
	req->done(req);
}

static inline void dev_serve(struct rdev *dev, struct rdev_req *req)
{
	if (d.pulls)
		d.ready--;
	if (d.waits)
		d.waiting[d.count++] = req;
	else
		finish(req);
}

static inline bool dev_ready(struct rdev *dev, u16 queue)
{
	return !d.pulls || d.ready;
}

static const struct rdev_ops dev_ops = {
	.name = "test",
	.id = 2,
	.config_size = 4,
	.req_size = sizeof(struct rdev_req),
	.features = dev_features,
	.negotiated = dev_negotiated,
	.reset = dev_reset,
	.config = dev_config,
	.config_write = dev_config_write,
	.resized = dev_resized,
	.serve = dev_serve,
	.ready = dev_ready,
};

/* --- the machine ----------------------------------------------------------------------------------------------- */

static struct {
	_Alignas(16) u8 ram[RAM];
	bool line;
	unsigned messages;
	u64 msi_addr;
	u32 msi_data;
	void *memory;
} m;

static struct rmmio mmio;
static struct rpci pci;

static inline void *translate(void *ctx, u64 gpa, u64 *len)
{
	if (gpa >= RAM)
		return NULL;
	*len = MIN(*len, RAM - gpa);
	return m.ram + gpa;
}

static inline void line(void *ctx, bool level)
{
	m.line = level;
}

static inline void msi(void *ctx, u64 addr, u32 data)
{
	m.messages++;
	m.msi_addr = addr;
	m.msi_data = data;
}

static const struct rreg_ops ops = { .translate = translate, .line = line, .msi = msi };

static inline struct rreg_opts begin(void)
{
	struct rreg_opts o = { .dev = &d.dev, .queue_size = 64, .ops = &ops };

	free(m.memory);
	memset(&m, 0, sizeof(m));
	memset(&d, 0, sizeof(d));
	d.dev = (struct rdev){ .ops = &dev_ops, .num_queues = 2 };
	m.memory = aligned_alloc(64, ALIGN_UP(rreg_memory(&o), 64));
	memset(m.memory, 0, ALIGN_UP(rreg_memory(&o), 64));
	return o;
}

static inline int setup_mmio(void **state)
{
	struct rreg_opts o = begin();

	rmmio_init(&mmio, &o, m.memory);
	return 0;
}

static inline int setup_pci(void **state)
{
	struct rreg_opts o = begin();

	rpci_init(&pci, &o, false, m.memory);
	return 0;
}

static inline int teardown(void **state)
{
	free(m.memory);
	m.memory = NULL;
	return 0;
}

static inline u32 rd(u32 offset)
{
	return (u32)rmmio_read(&mmio, offset, 4);
}

static inline void wr(u32 offset, u32 value)
{
	rmmio_write(&mmio, offset, 4, value);
}

static void put16(u32 at, u16 value)
{
	memcpy(m.ram + at, &value, 2);
}

static u16 get16(u32 at)
{
	u16 value;

	memcpy(&value, m.ram + at, 2);
	return value;
}

/* One more chain of one writable buffer is available. */
static inline void add(void)
{
	struct vring_desc desc = { .addr = 0x8000, .len = 16, .flags = VRING_DESC_F_WRITE };
	u16 idx = get16(AVAIL + 2);

	memcpy(m.ram + DESC, &desc, sizeof(desc));
	put16(AVAIL + 4 + 2 * (idx % NUM), 0);
	put16(AVAIL + 2, (u16)(idx + 1));
}

static inline void negotiate(u64 features)
{
	wr(VIRTIO_MMIO_STATUS, 1);
	wr(VIRTIO_MMIO_STATUS, 3);
	wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	wr(VIRTIO_MMIO_DRIVER_FEATURES, (u32)features);
	wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	wr(VIRTIO_MMIO_DRIVER_FEATURES, (u32)(features >> 32));
	wr(VIRTIO_MMIO_STATUS, FEATURES_OK);
}

static inline void enable(u32 desc)
{
	wr(VIRTIO_MMIO_QUEUE_SEL, 0);
	wr(VIRTIO_MMIO_QUEUE_NUM, NUM);
	wr(VIRTIO_MMIO_QUEUE_DESC_LOW, desc);
	wr(VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL);
	wr(VIRTIO_MMIO_QUEUE_USED_LOW, USED);
	wr(VIRTIO_MMIO_QUEUE_READY, 1);
}

static inline void go_live(void)
{
	negotiate(BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_F_RING_RESET));
	enable(DESC);
	wr(VIRTIO_MMIO_STATUS, LIVE);
}

#endif
