// SPDX-License-Identifier: BSD-3-Clause
#include "harness/transport/mmio/mmio.h"

#include <linux/virtio_mmio.h>

#define MAGIC  0x74726976u /* "virt" */
#define MAX_ID 64	   /* no device type has such a number */

#ifndef VIRTIO_MMIO_QUEUE_RESET
#define VIRTIO_MMIO_QUEUE_RESET 0x0c0
#endif

static struct mmio *of(struct regs *r)
{
	return (struct mmio *)r;
}

static int rd(struct regs *r, u32 offset, u32 *value)
{
	return regs_read(r, of(r)->base + offset, 4, value);
}

static int wr(struct regs *r, u32 offset, u32 value)
{
	return regs_write(r, of(r)->base + offset, 4, value);
}

/* What a window says of itself. 4.2.3.1.1: with device id 0 nothing else is touched. */
static int look(struct regs *r, unsigned window, u32 *magic, u32 *id)
{
	struct mmio *m = of(r);
	int rc;

	m->base = r->access->mmio_base + (u64)window * r->access->mmio_stride;
	rc = rd(r, VIRTIO_MMIO_MAGIC_VALUE, magic);
	if (rc == TP_OK)
		rc = rd(r, VIRTIO_MMIO_VERSION, &m->version);
	if (rc == TP_OK)
		rc = rd(r, VIRTIO_MMIO_DEVICE_ID, id);
	return rc;
}

static int find(struct regs *r)
{
	struct mmio *m = of(r);
	bool legacy = false;

	r->tp.caps = TP_CAP_MMIO;
	if (m->base)
		return TP_OK;
	/*
	 * The second time anything counts that has the id of a device, whatever its magic number and
	 * version: that they are wrong is for checks to say.
	 */
	for (unsigned i = 0; i < 2 * r->access->mmio_count; i++) {
		const bool strict = i < r->access->mmio_count;
		u32 magic = 0, id = 0;
		int rc = look(r, i % r->access->mmio_count, &magic, &id);

		if (rc != TP_OK) {
			m->base = 0;
			return rc;
		}
		if (id == 0 || id >= MAX_ID || (r->device_id && r->device_id != id))
			continue;
		legacy |= magic == MAGIC && m->version == 1;
		if (strict ? magic != MAGIC || m->version != 2 : m->version == 1)
			continue;
		r->device_id = id;
		return TP_OK;
	}
	m->base = 0;
	return regs_error(r, TP_EUNSUPPORTED,
			  legacy ? "the device is a legacy one (version 1): its machine needs "
				   "virtio-mmio.force-legacy=off"
				 : "no virtio-mmio window has such a device");
}

static int get_status(struct regs *r, u8 *status)
{
	u32 v;
	int rc = rd(r, VIRTIO_MMIO_STATUS, &v);

	*status = (u8)v;
	return rc;
}

static int set_status(struct regs *r, u8 status)
{
	return wr(r, VIRTIO_MMIO_STATUS, status);
}

static int get_features(struct regs *r, u32 word, u32 *bits)
{
	int rc = wr(r, VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);

	return rc == TP_OK ? rd(r, VIRTIO_MMIO_DEVICE_FEATURES, bits) : rc;
}

static int set_features(struct regs *r, u32 word, u32 bits)
{
	int rc = wr(r, VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);

	return rc == TP_OK ? wr(r, VIRTIO_MMIO_DRIVER_FEATURES, bits) : rc;
}

static int config_read(struct regs *r, u32 offset, unsigned size, u32 *value)
{
	return regs_read(r, of(r)->base + VIRTIO_MMIO_CONFIG + offset, size, value);
}

static int config_write(struct regs *r, u32 offset, unsigned size, u32 value)
{
	return regs_write(r, of(r)->base + VIRTIO_MMIO_CONFIG + offset, size, value);
}

static int generation(struct regs *r, u32 *value)
{
	return rd(r, VIRTIO_MMIO_CONFIG_GENERATION, value);
}

static int queue_max(struct regs *r, unsigned q, u16 *size)
{
	u32 v = 0;
	int rc = wr(r, VIRTIO_MMIO_QUEUE_SEL, q);

	if (rc == TP_OK)
		rc = rd(r, VIRTIO_MMIO_QUEUE_NUM_MAX, &v);
	*size = (u16)MIN(v, 32768u);
	return rc;
}

static int write_addr(struct regs *r, u32 low, struct gpa addr)
{
	int rc = wr(r, low, (u32)addr.v);

	return rc == TP_OK ? wr(r, low + 4, (u32)(addr.v >> 32)) : rc;
}

static int queue_setup(struct regs *r, unsigned q, const struct tp_queue *cfg)
{
	int rc = wr(r, VIRTIO_MMIO_QUEUE_SEL, q);

	if (rc == TP_OK)
		rc = wr(r, VIRTIO_MMIO_QUEUE_NUM, cfg->size);
	if (rc == TP_OK)
		rc = write_addr(r, VIRTIO_MMIO_QUEUE_DESC_LOW, cfg->desc);
	if (rc == TP_OK)
		rc = write_addr(r, VIRTIO_MMIO_QUEUE_AVAIL_LOW, cfg->driver);
	if (rc == TP_OK)
		rc = write_addr(r, VIRTIO_MMIO_QUEUE_USED_LOW, cfg->device);
	return rc == TP_OK ? wr(r, VIRTIO_MMIO_QUEUE_READY, 1) : rc;
}

static int queue_field(struct regs *r, unsigned q, u32 offset, u32 *value)
{
	int rc = wr(r, VIRTIO_MMIO_QUEUE_SEL, q);

	return rc == TP_OK ? rd(r, offset, value) : rc;
}

static int queue_enabled(struct regs *r, unsigned q, u32 *value)
{
	return queue_field(r, q, VIRTIO_MMIO_QUEUE_READY, value);
}

static int queue_resetting(struct regs *r, unsigned q, u32 *value)
{
	return queue_field(r, q, VIRTIO_MMIO_QUEUE_RESET, value);
}

static int queue_reset(struct regs *r, unsigned q)
{
	int rc = wr(r, VIRTIO_MMIO_QUEUE_SEL, q);

	return rc == TP_OK ? wr(r, VIRTIO_MMIO_QUEUE_RESET, 1) : rc;
}

static int notify(struct regs *r, unsigned q)
{
	unsigned size;

	return wr(r, VIRTIO_MMIO_QUEUE_NOTIFY, regs_notification(r, q, q, &size));
}

static int take_irq(struct regs *r, unsigned q, bool *used, bool *config)
{
	u32 isr;
	int rc = rd(r, VIRTIO_MMIO_INTERRUPT_STATUS, &isr);

	if (rc != TP_OK || !isr)
		return rc;
	rc = wr(r, VIRTIO_MMIO_INTERRUPT_ACK, isr);
	/* One line for all queues: whoever looks next may be meant. */
	if (isr & REGS_ISR_QUEUE) {
		for (unsigned i = 0; i < r->queues && i < REGS_QUEUES; i++)
			r->used_pending[i] = i != q;
		*used = true;
	}
	*config |= (isr & REGS_ISR_CONFIG) != 0;
	return rc;
}

static const struct regs_ops mmio_regs = {
	.find = find,
	.get_status = get_status,
	.set_status = set_status,
	.get_features = get_features,
	.set_features = set_features,
	.config_read = config_read,
	.config_write = config_write,
	.generation = generation,
	.queue_max = queue_max,
	.queue_setup = queue_setup,
	.queue_enabled = queue_enabled,
	.queue_resetting = queue_resetting,
	.queue_reset = queue_reset,
	.notify = notify,
	.take_irq = take_irq,
};

void mmio_init(struct mmio *m, struct access *a, u32 device_id)
{
	regs_init(&m->r, a, REGS_MMIO, &mmio_regs);
	m->r.device_id = device_id;
	m->base = 0;
	m->version = 0;
}
