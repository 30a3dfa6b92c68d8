// SPDX-License-Identifier: BSD-3-Clause
/* Bus 0 of a small PC: a host bridge, and the device. Configuration space is reached by two ports. */
#include <linux/pci_regs.h>

#include "ref-backends/binding/kvm/attach.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA    0xcfc
#define ENABLE	     0x80000000u
#define BRIDGE	     0x00081b36u /* a generic one of PCI Express */
#define BRIDGE_CLASS 0x06000000u
#define NOBODY	     0xffffffffu
#define DEVFN	     8 /* 00:01.0 */

static u32 bridge_read(u16 offset, unsigned size)
{
	const u32 word = (offset & ~3) == PCI_VENDOR_ID	       ? BRIDGE
			 : (offset & ~3) == PCI_CLASS_REVISION ? BRIDGE_CLASS
							       : 0;

	return size == 4 ? word : (word >> 8 * (offset % 4)) & ((1u << 8 * size) - 1);
}

/* What the address register and the byte within the data register select; false: no function of bus 0. */
static bool selected(const struct attach *a, u16 port, unsigned size, u32 *devfn, u16 *offset)
{
	*devfn = a->pci_address >> 8 & 0xff;
	*offset = (u16)((a->pci_address & 0xfc) + (port - PORT_DATA));
	return a->pci_address & ENABLE && !(a->pci_address & 0x7fff0000u) &&
	       port - PORT_DATA + size <= 4;
}

/* Where the first queue's notifications are, when the function decodes its addresses. */
static u64 notify_at(const struct attach *a)
{
	const u8 *c = a->pci.config;
	const u64 base = (u64)rpci_get(c + PCI_BASE_ADDRESS_5, 4) << 32 |
			 (rpci_get(c + PCI_BASE_ADDRESS_4, 4) & ~15u);

	return base && rpci_get(c + PCI_COMMAND, 2) & PCI_COMMAND_MEMORY ? base + RPCI_NOTIFY : 0;
}

static void config_write(struct attach *a, u16 offset, unsigned size, u32 value)
{
	u64 notify;

	rloop_enter(&a->loop);
	rpci_config_write(&a->pci, offset, size, value);
	notify = notify_at(a);
	if (a->o->mode == KVM_EVENTFD && notify != a->notify)
		attach_events_moved(a, notify);
	rloop_leave(&a->loop);
}

bool attach_port_read(struct attach *a, u16 port, unsigned size, u32 *value)
{
	u32 devfn;
	u16 offset;

	if (!a->o->pci || port < PORT_ADDRESS || port > PORT_DATA + 3)
		return false;
	*value = NOBODY;
	if (port < PORT_DATA) {
		*value = port == PORT_ADDRESS && size == 4 ? a->pci_address : NOBODY;
		return true;
	}
	if (!selected(a, port, size, &devfn, &offset))
		return true;
	pthread_mutex_lock(&a->loop.lock);
	if (devfn == 0)
		*value = bridge_read(offset, size);
	else if (devfn == DEVFN)
		*value = rpci_config_read(&a->pci, offset, size);
	pthread_mutex_unlock(&a->loop.lock);
	return true;
}

bool attach_port_write(struct attach *a, u16 port, unsigned size, u32 value)
{
	u32 devfn;
	u16 offset;

	if (!a->o->pci || port < PORT_ADDRESS || port > PORT_DATA + 3)
		return false;
	if (port == PORT_ADDRESS && size == 4)
		a->pci_address = value;
	else if (port >= PORT_DATA && selected(a, port, size, &devfn, &offset) && devfn == DEVFN)
		config_write(a, offset, size, value);
	return true;
}

bool attach_bar_read(struct attach *a, u64 addr, unsigned size, u64 *value)
{
	unsigned bar;
	u64 offset;
	bool hit;

	if (!a->o->pci)
		return false;
	pthread_mutex_lock(&a->loop.lock);
	hit = rpci_hit(&a->pci, addr, &bar, &offset);
	if (hit)
		*value = rpci_bar_read(&a->pci, bar, offset, size);
	pthread_mutex_unlock(&a->loop.lock);
	return hit;
}

bool attach_bar_write(struct attach *a, u64 addr, unsigned size, u64 value)
{
	unsigned bar;
	u64 offset;
	bool hit;

	if (!a->o->pci)
		return false;
	rloop_enter(&a->loop);
	hit = rpci_hit(&a->pci, addr, &bar, &offset);
	if (hit)
		rpci_bar_write(&a->pci, bar, offset, size, value);
	rloop_leave(&a->loop);
	return hit;
}
