/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtio PCI function, modern interface (VIRTIO 1.4, 4.1), over a struct rreg: configuration space
 * with its capabilities, base address registers, MSI-X and INTx. The binding passes on configuration
 * accesses of the function, and memory accesses that rpci_hit() says are its.
 *
 *	BAR 1		32 bit: MSI-X table and pending bits
 *	BAR 2 and 3	64 bit, prefetchable: shared memory regions, when there are any
 *	BAR 4 and 5	64 bit: common configuration, ISR, device configuration, notifications
 *
 * Freestanding.
 */
#ifndef REF_BACKENDS_BINDING_REGISTERS_PCI_H
#define REF_BACKENDS_BINDING_REGISTERS_PCI_H

#include "ref-backends/binding/registers/rreg.h"

#define RPCI_CONFIG_SIZE 256
#define RPCI_BARS	 6
#define RPCI_VECTORS_MAX (RREG_QUEUES_MAX + 1)

/* Where the structures are in BAR 4. */
#define RPCI_COMMON	       0x0000
#define RPCI_COMMON_LEN	       60
#define RPCI_ISR	       0x1000
#define RPCI_ISR_LEN	       4
#define RPCI_DEVICE	       0x2000
#define RPCI_NOTIFY	       0x3000
#define RPCI_NOTIFY_MULTIPLIER 4
#define RPCI_BAR_SIZE	       0x4000

/* Capabilities in configuration space; each has its place whether it is there or not. */
#define RPCI_CAP_MSIX	0x40
#define RPCI_CAP_COMMON 0x4c
#define RPCI_CAP_NOTIFY 0x5c
#define RPCI_CAP_ISR	0x70
#define RPCI_CAP_WINDOW 0x80
#define RPCI_CAP_DEVICE 0x94
#define RPCI_CAP_SHM	0xa4 /* and the next at 0xbc */
#define RPCI_CAP_VENDOR 0xd4

struct rpci_vector {
	u32 addr_lo, addr_hi, data, control;
	bool pending;
};

struct rpci {
	struct rreg r; /* first */
	u8 config[RPCI_CONFIG_SIZE];
	u8 writable[RPCI_CONFIG_SIZE]; /* mask of bits that a write changes */
	u64 bar_size[RPCI_BARS];       /* 0: none, or the upper half of the one before */
	bool bar_64[RPCI_BARS];
	struct rpci_vector vector[RPCI_VECTORS_MAX];
};

/* `vendor_data`: also a vendor data capability (4.1.4.8). `memory` as rreg_memory() says. */
void rpci_init(struct rpci *p, const struct rreg_opts *o, bool vendor_data, void *memory);

/* Configuration space; `size` is 1, 2 or 4, and the access does not cross a multiple of 4. */
u32 rpci_config_read(struct rpci *p, u16 offset, unsigned size);
void rpci_config_write(struct rpci *p, u16 offset, unsigned size, u32 value);

/* Does the function decode this address now? Which BAR, and where in it? */
bool rpci_hit(const struct rpci *p, u64 addr, unsigned *bar, u64 *offset);
u64 rpci_bar_read(struct rpci *p, unsigned bar, u64 offset, unsigned size);
void rpci_bar_write(struct rpci *p, unsigned bar, u64 offset, unsigned size, u64 value);

/* --- between pci.c and pci_msix.c, pci_bar.c ------------------------------------------------------------ */

extern const struct rreg_face rpci_face;

bool rpci_msix_enabled(const struct rpci *p);
u64 rpci_msix_read(struct rpci *p, u64 offset, unsigned size);
void rpci_msix_write(struct rpci *p, u64 offset, unsigned size, u64 value);
/* Enable or mask bits may have changed: send what is pending and may go. */
void rpci_msix_update(struct rpci *p);
/* The line and the Interrupt Status bit follow the ISR status. */
void rpci_intx_update(struct rpci *p);

/* The size of the region of shared memory in BAR 2 before region `id`. */
u64 rpci_shm_offset(const struct rpci *p, unsigned id);

static inline struct rpci *rpci_of(struct rreg *r)
{
	return (struct rpci *)r;
}

static inline u32 rpci_get(const u8 *at, unsigned size)
{
	u32 v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (u32)at[i] << (8 * i);
	return v;
}

static inline void rpci_put(u8 *at, unsigned size, u64 value)
{
	for (unsigned i = 0; i < size; i++)
		at[i] = (u8)(value >> (8 * i));
}

#endif
