// SPDX-License-Identifier: BSD-3-Clause
/* What firmware and a driver's probe do: find the function, place its windows, read its capabilities. */
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "harness/transport/pci/pci.h"

#define VENDOR_REDHAT	  0x1af4
#define DEVICE_MODERN	  0x1040
#define DEVICE_LEGACY_LOW 0x1000
#define DEVICE_LEGACY_END 0x1040

int pci_cfg_read(struct pci *p, u16 offset, unsigned size, u32 *value)
{
	struct access *a = p->r.access;
	int rc = a->ops->cfg_read(a, p->devfn, offset, size, value);

	return rc == TP_OK ? TP_OK : regs_failed(&p->r, rc);
}

int pci_cfg_write(struct pci *p, u16 offset, unsigned size, u32 value)
{
	struct access *a = p->r.access;
	int rc = a->ops->cfg_write(a, p->devfn, offset, size, value);

	return rc == TP_OK ? TP_OK : regs_failed(&p->r, rc);
}

/* Is the function at p->devfn the one we want? */
static int match(struct pci *p, bool *yes)
{
	u32 id, subsystem, revision, type;
	int rc = pci_cfg_read(p, PCI_VENDOR_ID, 4, &id);

	*yes = false;
	if (rc != TP_OK)
		return rc;
	p->vendor = (u16)id;
	p->device = (u16)(id >> 16);
	if (p->vendor != VENDOR_REDHAT || p->device < DEVICE_LEGACY_LOW || p->device > 0x107f)
		return TP_OK;
	rc = pci_cfg_read(p, PCI_SUBSYSTEM_ID, 2, &subsystem);
	if (rc == TP_OK)
		rc = pci_cfg_read(p, PCI_REVISION_ID, 1, &revision);
	if (rc != TP_OK)
		return rc;
	p->revision = (u8)revision;
	p->transitional = p->device < DEVICE_LEGACY_END;
	/* 4.1.2: a transitional device's type is its subsystem id. */
	type = p->transitional ? subsystem : (u32)p->device - DEVICE_MODERN;
	if (p->r.device_id && p->r.device_id != type)
		return TP_OK;
	p->r.device_id = type;
	*yes = true;
	return TP_OK;
}

static int size_bar(struct pci *p, unsigned i, u32 *low_mask, u32 *high_mask)
{
	u16 at = (u16)(PCI_BASE_ADDRESS_0 + 4 * i);
	u32 old;
	int rc = pci_cfg_read(p, at, 4, &old);

	if (rc == TP_OK)
		rc = pci_cfg_write(p, at, 4, 0xffffffff);
	if (rc == TP_OK)
		rc = pci_cfg_read(p, at, 4, low_mask);
	if (rc == TP_OK)
		rc = pci_cfg_write(p, at, 4, old);
	*high_mask = 0xffffffff;
	if (rc == TP_OK && i + 1 < PCI_BARS && !(*low_mask & PCI_BASE_ADDRESS_SPACE_IO) &&
	    (*low_mask & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64) {
		rc = pci_cfg_write(p, (u16)(at + 4), 4, 0xffffffff);
		if (rc == TP_OK)
			rc = pci_cfg_read(p, (u16)(at + 4), 4, high_mask);
	}
	return rc;
}

/* Place all memory windows, naturally aligned, 64-bit ones above 4 GiB where the machine has room there. */
static int place_bars(struct pci *p)
{
	u64 next = p->r.access->bar_base, next64 = p->r.access->bar_base64;

	for (unsigned i = 0; i < PCI_BARS; i++) {
		struct pci_bar *b = &p->bar[i];
		u16 at = (u16)(PCI_BASE_ADDRESS_0 + 4 * i);
		u32 low, high;
		u64 *cursor;
		int rc = size_bar(p, i, &low, &high);

		*b = (struct pci_bar){ 0 };
		if (rc != TP_OK)
			return rc;
		b->is_io = low & PCI_BASE_ADDRESS_SPACE_IO;
		if (b->is_io || !(low & (u32)PCI_BASE_ADDRESS_MEM_MASK))
			continue;
		b->is_64 = (low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
		b->prefetchable = low & PCI_BASE_ADDRESS_MEM_PREFETCH;
		b->size = ~((u64)high << 32 | (low & (u32)PCI_BASE_ADDRESS_MEM_MASK)) + 1;
		cursor = b->is_64 && next64 ? &next64 : &next;
		*cursor = ALIGN_UP(*cursor, b->size);
		b->addr = *cursor;
		*cursor += b->size;
		rc = pci_cfg_write(p, at, 4, (u32)b->addr);
		if (rc == TP_OK && b->is_64) {
			rc = pci_cfg_write(p, (u16)(at + 4), 4, (u32)(b->addr >> 32));
			i++;
		}
		if (rc != TP_OK)
			return rc;
	}
	return pci_cfg_write(p, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static int read_vcap(struct pci *p, u8 at)
{
	struct pci_vcap *c = &p->cap[p->cap_count];
	u32 head, where, offset, length;
	int rc = pci_cfg_read(p, at, 4, &head);

	if (rc == TP_OK)
		rc = pci_cfg_read(p, at + 4u, 4, &where);
	if (rc == TP_OK)
		rc = pci_cfg_read(p, at + 8u, 4, &offset);
	if (rc == TP_OK)
		rc = pci_cfg_read(p, at + 12u, 4, &length);
	if (rc != TP_OK || p->cap_count == PCI_CAPS)
		return rc;
	*c = (struct pci_vcap){
		.at = at,
		.cap_len = (u8)(head >> 16),
		.cfg_type = (u8)(head >> 24),
		.bar = (u8)where,
		.id = (u8)(where >> 8),
		.offset = offset,
		.length = length,
	};
	p->cap_count++;
	return TP_OK;
}

static int read_msix(struct pci *p, u8 at)
{
	u32 control, table;
	int rc = pci_cfg_read(p, at + PCI_MSIX_FLAGS, 2, &control);

	if (rc == TP_OK)
		rc = pci_cfg_read(p, at + PCI_MSIX_TABLE, 4, &table);
	if (rc != TP_OK)
		return rc;
	if ((table & PCI_MSIX_TABLE_BIR) >= PCI_BARS || !p->bar[table & PCI_MSIX_TABLE_BIR].addr)
		return TP_OK;
	p->msix_at = at;
	p->vectors = (control & PCI_MSIX_FLAGS_QSIZE) + 1;
	p->msix_table = p->bar[table & PCI_MSIX_TABLE_BIR].addr + (table & PCI_MSIX_TABLE_OFFSET);
	return pci_cfg_write(p, at + PCI_MSIX_FLAGS, 2, control | PCI_MSIX_FLAGS_ENABLE);
}

int pci_use_line(struct pci *p)
{
	u32 control, command;
	int rc = pci_cfg_read(p, PCI_COMMAND, 2, &command);

	if (rc == TP_OK)
		rc = pci_cfg_write(p, PCI_COMMAND, 2, command & ~(u32)PCI_COMMAND_INTX_DISABLE);
	if (rc != TP_OK || !p->vectors)
		return rc;
	p->vectors = 0;
	rc = pci_cfg_read(p, p->msix_at + PCI_MSIX_FLAGS, 2, &control);
	return rc == TP_OK ? pci_cfg_write(p, p->msix_at + PCI_MSIX_FLAGS, 2,
					   control & ~(u32)PCI_MSIX_FLAGS_ENABLE)
			   : rc;
}

static int walk_caps(struct pci *p)
{
	u32 status, at, id_next;
	int rc = pci_cfg_read(p, PCI_STATUS, 2, &status);

	if (rc == TP_OK)
		rc = pci_cfg_read(p, PCI_CAPABILITY_LIST, 1, &at);
	if (rc != TP_OK || !(status & PCI_STATUS_CAP_LIST))
		return rc;
	/* A list that runs in a circle ends here: there is room for 48 in the whole space. */
	for (unsigned n = 0; at >= 0x40 && n < 48; n++) {
		at &= 0xfc;
		rc = pci_cfg_read(p, (u16)at, 2, &id_next);
		if (rc == TP_OK && (id_next & 0xff) == PCI_CAP_ID_VNDR)
			rc = read_vcap(p, (u8)at);
		if (rc == TP_OK && (id_next & 0xff) == PCI_CAP_ID_MSIX)
			rc = read_msix(p, (u8)at);
		if (rc != TP_OK)
			return rc;
		at = id_next >> 8;
	}
	return TP_OK;
}

const struct pci_vcap *pci_cap(const struct pci *p, u8 cfg_type)
{
	for (unsigned i = 0; i < p->cap_count; i++) {
		const struct pci_vcap *c = &p->cap[i];

		/* 4.1.4.1: reserved BAR values are ignored; so is what we could not place. */
		if (c->cfg_type != cfg_type)
			continue;
		if (cfg_type == VIRTIO_PCI_CAP_PCI_CFG ||
		    (c->bar < PCI_BARS && p->bar[c->bar].addr))
			return c;
	}
	return NULL;
}

static u64 structure(const struct pci *p, u8 cfg_type)
{
	const struct pci_vcap *c = pci_cap(p, cfg_type);

	return c ? p->bar[c->bar].addr + c->offset : 0;
}

static int locate(struct pci *p)
{
	const struct pci_vcap *notify = pci_cap(p, VIRTIO_PCI_CAP_NOTIFY_CFG);
	const struct pci_vcap *config = pci_cap(p, VIRTIO_PCI_CAP_DEVICE_CFG);

	p->common = structure(p, VIRTIO_PCI_CAP_COMMON_CFG);
	p->isr = structure(p, VIRTIO_PCI_CAP_ISR_CFG);
	p->notify = structure(p, VIRTIO_PCI_CAP_NOTIFY_CFG);
	p->config = structure(p, VIRTIO_PCI_CAP_DEVICE_CFG);
	p->config_length = config ? config->length : 0;
	p->r.tp.config_len = p->config_length;
	if (!p->common || !p->notify || !p->isr)
		return regs_error(&p->r, TP_EPROTO,
				  "a capability for the common configuration, notifications or ISR "
				  "is missing");
	return pci_cfg_read(p, notify->at + (u16)sizeof(struct virtio_pci_cap), 4,
			    &p->notify_multiplier);
}

int pci_probe(struct pci *p)
{
	bool yes = false;
	int rc = TP_OK;

	if (!p->r.access->ops->cfg_read)
		return regs_error(&p->r, TP_EUNSUPPORTED, "the machine has no PCI");
	for (unsigned slot = 0; slot < 32 && !yes; slot++) {
		p->devfn = (u8)(slot << 3);
		rc = match(p, &yes);
		if (rc != TP_OK)
			return rc;
	}
	if (!yes)
		return regs_error(&p->r, TP_EUNSUPPORTED, "no such virtio function on PCI bus 0");
	rc = place_bars(p);
	if (rc == TP_OK)
		rc = walk_caps(p);
	if (rc == TP_OK)
		rc = locate(p);
	p->found = rc == TP_OK;
	return rc;
}
