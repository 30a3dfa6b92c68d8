// SPDX-License-Identifier: BSD-3-Clause
/* Register accesses of a virtio PCI function, and its interrupts. */
#include "harness/transport/pci/pci.h"

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "harness/spec/virtio14.h"

#define COMMON(field) offsetof(struct virtio_pci_common_cfg, field)
/* Behind queue_used in newer headers: queue_notif_config_data, queue_reset. */
#define COMMON_NOTIFY_DATA 56
#define COMMON_QUEUE_RESET 58

static struct pci *of(struct regs *r)
{
	return (struct pci *)r;
}

static int rd(struct regs *r, u32 offset, unsigned size, u32 *value)
{
	return regs_read(r, of(r)->common + offset, size, value);
}

static int wr(struct regs *r, u32 offset, unsigned size, u32 value)
{
	return regs_write(r, of(r)->common + offset, size, value);
}

static int find(struct regs *r)
{
	int rc = of(r)->found ? TP_OK : pci_probe(of(r));

	r->tp.caps = TP_CAP_PCI;
	/* Vectors for the configuration and the first two queues in use: what two queues are asked about. */
	if (of(r)->vectors >= 3)
		r->tp.caps |= TP_CAP_OWN_CALL;
	return rc;
}

int pci_msix_program(struct pci *p, unsigned v, struct gpa addr, u32 data, bool masked)
{
	u64 entry = p->msix_table + (u64)v * PCI_MSIX_ENTRY_SIZE;
	int rc = regs_write(&p->r, entry + PCI_MSIX_ENTRY_LOWER_ADDR, 4, (u32)addr.v);

	if (rc == TP_OK)
		rc = regs_write(&p->r, entry + PCI_MSIX_ENTRY_UPPER_ADDR, 4, (u32)(addr.v >> 32));
	if (rc == TP_OK)
		rc = regs_write(&p->r, entry + PCI_MSIX_ENTRY_DATA, 4, data);
	if (rc == TP_OK)
		rc = regs_write(&p->r, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 4,
				masked ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0);
	return rc;
}

int pci_msix_point(struct pci *p, unsigned v)
{
	struct access *a = p->r.access;
	struct gpa addr = gpa_add(a->msi.gpa, 4 * (u64)v);
	u32 data = 0x51de0000u | v;

	if (a->ops->msi_message)
		a->ops->msi_message(a, v, &addr, &data);
	return pci_msix_program(p, v, addr, data, false);
}

unsigned pci_vector(const struct pci *p, int q)
{
	const unsigned first = p->r.tp.first_queue;
	const unsigned v = q < (int)first ? 0 : (unsigned)q - first + 1;

	return v < p->vectors ? v : p->vectors - 1;
}

/* Where vector `v` writes. */
static u32 *message(struct pci *p, unsigned v)
{
	return (u32 *)(p->r.access->msi.hva + 4 * v);
}

static int after_reset(struct regs *r)
{
	struct pci *p = of(r);
	int rc = TP_OK;

	for (unsigned v = 0; rc == TP_OK && v < p->vectors && v <= REGS_QUEUES; v++)
		rc = pci_msix_point(p, v);
	if (rc == TP_OK && p->vectors)
		rc = wr(r, COMMON(msix_config), 2, pci_vector(p, -1));
	return rc;
}

static int get_status(struct regs *r, u8 *status)
{
	u32 v;
	int rc = rd(r, COMMON(device_status), 1, &v);

	*status = (u8)v;
	return rc;
}

static int set_status(struct regs *r, u8 status)
{
	return wr(r, COMMON(device_status), 1, status);
}

static int get_features(struct regs *r, u32 word, u32 *bits)
{
	int rc = wr(r, COMMON(device_feature_select), 4, word);

	return rc == TP_OK ? rd(r, COMMON(device_feature), 4, bits) : rc;
}

static int set_features(struct regs *r, u32 word, u32 bits)
{
	int rc = wr(r, COMMON(guest_feature_select), 4, word);

	return rc == TP_OK ? wr(r, COMMON(guest_feature), 4, bits) : rc;
}

static int config_read(struct regs *r, u32 offset, unsigned size, u32 *value)
{
	if (!of(r)->config)
		return regs_error(r, TP_EUNSUPPORTED, "no device configuration capability");
	return regs_read(r, of(r)->config + offset, size, value);
}

static int config_write(struct regs *r, u32 offset, unsigned size, u32 value)
{
	if (!of(r)->config)
		return regs_error(r, TP_EUNSUPPORTED, "no device configuration capability");
	return regs_write(r, of(r)->config + offset, size, value);
}

static int generation(struct regs *r, u32 *value)
{
	return rd(r, COMMON(config_generation), 1, value);
}

static int queue_max(struct regs *r, unsigned q, u16 *size)
{
	u32 count = 0, v = 0;
	int rc = rd(r, COMMON(num_queues), 2, &count);

	*size = 0;
	if (rc != TP_OK || q >= count)
		return rc;
	rc = wr(r, COMMON(queue_select), 2, q);
	if (rc == TP_OK)
		rc = rd(r, COMMON(queue_size), 2, &v);
	*size = (u16)v;
	return rc;
}

static int write_addr(struct regs *r, u32 low, struct gpa addr)
{
	int rc = wr(r, low, 4, (u32)addr.v);

	return rc == TP_OK ? wr(r, low + 4, 4, (u32)(addr.v >> 32)) : rc;
}

static int set_vector(struct regs *r, unsigned q, bool none)
{
	struct pci *p = of(r);
	u32 vector = none ? VIRTIO_MSI_NO_VECTOR : pci_vector(p, (int)q), back;
	int rc;

	if (!p->vectors)
		return TP_OK;
	rc = wr(r, COMMON(queue_msix_vector), 2, vector);
	if (rc == TP_OK)
		rc = rd(r, COMMON(queue_msix_vector), 2, &back);
	if (rc == TP_OK && back != vector)
		return regs_error(r, TP_EREFUSED, "queue_msix_vector does not read back");
	return rc;
}

static int queue_setup(struct regs *r, unsigned q, const struct tp_queue *cfg)
{
	int rc = wr(r, COMMON(queue_select), 2, q);

	if (rc == TP_OK)
		rc = wr(r, COMMON(queue_size), 2, cfg->size);
	if (rc == TP_OK)
		rc = set_vector(r, q, cfg->no_call);
	if (rc == TP_OK)
		rc = write_addr(r, COMMON(queue_desc_lo), cfg->desc);
	if (rc == TP_OK)
		rc = write_addr(r, COMMON(queue_avail_lo), cfg->driver);
	if (rc == TP_OK)
		rc = write_addr(r, COMMON(queue_used_lo), cfg->device);
	return rc == TP_OK ? wr(r, COMMON(queue_enable), 2, 1) : rc;
}

static int queue_field(struct regs *r, unsigned q, u32 offset, u32 *value)
{
	int rc = wr(r, COMMON(queue_select), 2, q);

	return rc == TP_OK ? rd(r, offset, 2, value) : rc;
}

static int queue_enabled(struct regs *r, unsigned q, u32 *value)
{
	return queue_field(r, q, COMMON(queue_enable), value);
}

static int queue_resetting(struct regs *r, unsigned q, u32 *value)
{
	return queue_field(r, q, COMMON_QUEUE_RESET, value);
}

static int queue_reset(struct regs *r, unsigned q)
{
	int rc = wr(r, COMMON(queue_select), 2, q);

	return rc == TP_OK ? wr(r, COMMON_QUEUE_RESET, 2, 1) : rc;
}

static int notify(struct regs *r, unsigned q)
{
	struct pci *p = of(r);
	u32 off, name = q, value;
	unsigned size;
	int rc = wr(r, COMMON(queue_select), 2, q);

	if (rc == TP_OK)
		rc = rd(r, COMMON(queue_notify_off), 2, &off);
	if (rc == TP_OK && r->features & BIT_ULL(VIRTIO_F_NOTIF_CONFIG_DATA))
		rc = rd(r, COMMON_NOTIFY_DATA, 2, &name);
	if (rc != TP_OK)
		return rc;
	value = regs_notification(r, q, name, &size);
	return regs_write(r, p->notify + (u64)off * p->notify_multiplier, size, value);
}

static bool take_message(struct pci *p, unsigned v)
{
	u32 *m = message(p, v);

	/*
	 * Written only when there is something to take: in an emulated machine of one processor an exchange
	 * is not atomic towards devices, and would wipe out a message that comes between its halves.
	 */
	return __atomic_load_n(m, __ATOMIC_ACQUIRE) &&
	       __atomic_exchange_n(m, 0, __ATOMIC_ACQ_REL) != 0;
}

static int take_irq(struct regs *r, unsigned q, bool *used, bool *config)
{
	struct pci *p = of(r);
	u32 isr;
	int rc;

	if (p->vectors) {
		const unsigned own = pci_vector(p, (int)q), other = pci_vector(p, -1);

		*used = take_message(p, own);
		*config = other == own ? *used : take_message(p, other);
		return TP_OK;
	}
	/* 4.1.4.5: reading the ISR status takes both bits; the line is shared by all queues. */
	rc = regs_read(r, p->isr, 1, &isr);
	if (rc != TP_OK)
		return rc;
	if (isr & REGS_ISR_QUEUE) {
		for (unsigned i = 0; i < r->queues && i < REGS_QUEUES; i++)
			r->used_pending[i] = i != q;
		*used = true;
	}
	*config = isr & REGS_ISR_CONFIG;
	return TP_OK;
}

static const struct regs_ops pci_regs = {
	.find = find,
	.after_reset = after_reset,
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

void pci_init(struct pci *p, struct access *a, u32 device_id)
{
	*p = (struct pci){ 0 };
	regs_init(&p->r, a, REGS_PCI, &pci_regs);
	p->r.device_id = device_id;
}
