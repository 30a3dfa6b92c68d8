// SPDX-License-Identifier: BSD-3-Clause
/* Interrupts of a PCI function: MSI-X with its table and pending bits, or the line and ISR status. */
#include <linux/pci_regs.h>

#include "ref-backends/binding/registers/pci.h"
#include "ref-backends/fault/fault.h"

#define PBA 0x1800

static u32 command(const struct rpci *p)
{
	return rpci_get(p->config + PCI_COMMAND, 2);
}

static u32 flags(const struct rpci *p)
{
	return rpci_get(p->config + RPCI_CAP_MSIX + PCI_MSIX_FLAGS, 2);
}

bool rpci_msix_enabled(const struct rpci *p)
{
	return flags(p) & PCI_MSIX_FLAGS_ENABLE;
}

/* --- the line -------------------------------------------------------------------------------------------- */

void rpci_intx_update(struct rpci *p)
{
	bool due = p->r.isr && !rpci_msix_enabled(p);

	/* 4.1.4.5.1: Interrupt Status is the OR of the ISR bits, whether or not the line is used. */
	p->config[PCI_STATUS] &= (u8)~PCI_STATUS_INTERRUPT;
	if (due)
		p->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	rreg_set_line(&p->r, due && !(command(p) & PCI_COMMAND_INTX_DISABLE));
}

/* --- messages ---------------------------------------------------------------------------------------------- */

static void send(struct rpci *p, unsigned v)
{
	struct rpci_vector *e = &p->vector[v];
	bool allowed = rpci_msix_enabled(p) && !(flags(p) & PCI_MSIX_FLAGS_MASKALL) &&
		       !(e->control & PCI_MSIX_ENTRY_CTRL_MASKBIT) &&
		       command(p) & PCI_COMMAND_MASTER;

	if (fault_active && fault_active->pci_msix)
		allowed = fault_active->pci_msix(p, v, allowed);
	e->pending = !allowed;
	if (allowed)
		p->r.ops->msi(p->r.ctx, (u64)e->addr_hi << 32 | e->addr_lo, e->data);
}

void rpci_msix_update(struct rpci *p)
{
	for (unsigned v = 0; v < p->r.vectors; v++)
		if (p->vector[v].pending)
			send(p, v);
}

u64 rpci_msix_read(struct rpci *p, u64 offset, unsigned size)
{
	u64 bits = 0;

	if (size == 8)
		return rpci_msix_read(p, offset, 4) | rpci_msix_read(p, offset + 4, 4) << 32;
	if (offset % 4 || size != 4)
		return 0;
	if (offset < p->r.vectors * (u64)PCI_MSIX_ENTRY_SIZE) {
		const struct rpci_vector *e = &p->vector[offset / PCI_MSIX_ENTRY_SIZE];
		const u32 words[] = { e->addr_lo, e->addr_hi, e->data, e->control };

		return words[offset / 4 % 4];
	}
	if (offset < PBA)
		return 0;
	for (unsigned i = 0; i < 32; i++) {
		u64 v = (offset - PBA) * 8 + i;

		if (v < p->r.vectors && p->vector[v].pending)
			bits |= 1u << i;
	}
	return bits;
}

void rpci_msix_write(struct rpci *p, u64 offset, unsigned size, u64 value)
{
	struct rpci_vector *e;

	if (size == 8) {
		rpci_msix_write(p, offset, 4, (u32)value);
		rpci_msix_write(p, offset + 4, 4, value >> 32);
		return;
	}
	/* Pending bits cannot be written. */
	if (offset % 4 || size != 4 || offset >= p->r.vectors * (u64)PCI_MSIX_ENTRY_SIZE)
		return;
	e = &p->vector[offset / PCI_MSIX_ENTRY_SIZE];
	switch (offset / 4 % 4) {
	case 0:
		e->addr_lo = (u32)value & ~3u;
		break;
	case 1:
		e->addr_hi = (u32)value;
		break;
	case 2:
		e->data = (u32)value;
		break;
	default:
		e->control = (u32)value & PCI_MSIX_ENTRY_CTRL_MASKBIT;
		if (e->pending)
			send(p, (unsigned)(offset / PCI_MSIX_ENTRY_SIZE));
		break;
	}
}

/* --- the face ------------------------------------------------------------------------------------------------- */

static void interrupt(struct rreg *r, int q)
{
	struct rpci *p = rpci_of(r);
	u16 v = q < 0 ? r->config_vector : r->queues[q].vector;

	if (fault_active && fault_active->reg_interrupt &&
	    fault_active->reg_interrupt(r, q) == FAULT_DONE)
		return;
	/* 4.1.4.5.1: the configuration's bit is set with MSI-X, too; a queue's is for the line. */
	if (q < 0)
		r->isr |= RREG_ISR_CONFIG;
	else if (!rpci_msix_enabled(p))
		r->isr |= RREG_ISR_QUEUE;
	if (!rpci_msix_enabled(p))
		rpci_intx_update(p);
	else if (v < r->vectors)
		send(p, v);
}

/* The table stays as it is: it belongs to the function. What is pending was of before the reset. */
static void reset(struct rreg *r)
{
	struct rpci *p = rpci_of(r);

	for (unsigned v = 0; v < RPCI_VECTORS_MAX; v++)
		p->vector[v].pending = false;
	rpci_intx_update(p);
}

static bool dma(const struct rreg *r)
{
	return command((const struct rpci *)r) & PCI_COMMAND_MASTER;
}

const struct rreg_face rpci_face = {
	.pci = true, .interrupt = interrupt, .reset = reset, .dma = dma
};
