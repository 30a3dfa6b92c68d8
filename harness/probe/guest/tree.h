/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine that describes itself by a device tree.
 *
 * Freestanding.
 */
#ifndef HARNESS_PROBE_GUEST_TREE_H
#define HARNESS_PROBE_GUEST_TREE_H

#include "harness/probe/fdt/fdt.h"
#include "harness/probe/guest/guest.h"

/*
 * Fill in the machine: RAM, command line, virtio-mmio windows, PCI, fw_cfg. `line` makes the number of
 * an interrupt line out of an `interrupts` property. False: no device tree at `blob`.
 */
bool tree_read(struct fdt *t, const void *blob, int (*line)(const struct fdt_prop *p));

/* The i-th address of the first node that is compatible; 0: there is none. */
u64 tree_address(const struct fdt *t, const char *compatible, unsigned i);
/* That node itself. */
bool tree_find(const struct fdt *t, const char *compatible, struct fdt_node *n);

/* fw_cfg with registers in memory. */
bool tree_fw_cfg_select(u16 key);
u8 tree_fw_cfg_byte(void);

/* Configuration space by ports: there is none. */
#define TREE_NO_PCI_PORTS                                                                          \
	u32 (*const arch_pci_read)(u8, u16, unsigned) = NULL;                                      \
	void (*const arch_pci_write)(u8, u16, unsigned, u32) = NULL

#endif
