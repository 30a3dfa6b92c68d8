/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * virtio over PCI, modern interface (VIRTIO 1.4, 4.1): capabilities, common configuration,
 * notifications, ISR, MSI-X, device configuration. We are firmware too: base addresses are ours to
 * assign.
 *
 * Freestanding.
 */
#ifndef HARNESS_TRANSPORT_PCI_PCI_H
#define HARNESS_TRANSPORT_PCI_PCI_H

#include "harness/transport/regs/regs.h"

#define PCI_BARS 6
#define PCI_CAPS 24

/* A virtio capability as it stands in configuration space (4.1.4). */
struct pci_vcap {
	u8 at; /* offset in configuration space */
	u8 cap_len;
	u8 cfg_type; /* VIRTIO_PCI_CAP_* */
	u8 bar;
	u8 id;
	u32 offset, length;
};

struct pci_bar {
	u64 addr; /* as assigned; 0: none */
	u64 size;
	bool is_io, is_64, prefetchable;
};

struct pci {
	struct regs r; /* first */
	bool found;
	u8 devfn;
	u16 vendor, device;
	u8 revision;
	bool transitional;
	struct pci_bar bar[PCI_BARS];
	struct pci_vcap cap[PCI_CAPS];
	unsigned cap_count;

	/* Addresses of the structures, 0: the capability is missing. */
	u64 common, isr, config, notify;
	u32 notify_multiplier;
	u32 config_length;

	u8 msix_at;	  /* offset of the MSI-X capability, 0: none */
	unsigned vectors; /* of its table; 0: INTx and the ISR status */
	u64 msix_table;	  /* address */
};

static inline struct pci *pci_from_tp(struct tp *t)
{
	return (struct pci *)t;
}

/* For the first virtio function of this device id (0: any) on bus 0. */
void pci_init(struct pci *p, struct access *a, u32 device_id);

/* Scan, assign base addresses, read the capabilities, enable. pci_probe.c; kept until pci_init(). */
int pci_probe(struct pci *p);

/* The capability of a type, the first that counts (4.1.4.1); NULL: none. */
const struct pci_vcap *pci_cap(const struct pci *p, u8 cfg_type);

/* Behind pci_probe(): do without messages, as if the function had no MSI-X. Its interrupt is a line then. */
int pci_use_line(struct pci *p);

/* Program MSI-X vector `v` to write `data` to `addr`. */
int pci_msix_program(struct pci *p, unsigned v, struct gpa addr, u32 data, bool masked);
/* The same, so that word `v` of the access's message area tells that it came. */
int pci_msix_point(struct pci *p, unsigned v);
/*
 * The vector that the device's queue `q`, or the configuration (q < 0), uses. The queues before `first_queue` share
 * that of the configuration: the others have all that are left.
 */
unsigned pci_vector(const struct pci *p, int q);

/* Configuration space accesses that leave the reason in tp.error. */
int pci_cfg_read(struct pci *p, u16 offset, unsigned size, u32 *value);
int pci_cfg_write(struct pci *p, u16 offset, unsigned size, u32 value);

#endif
