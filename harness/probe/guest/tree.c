// SPDX-License-Identifier: BSD-3-Clause
#include "harness/probe/guest/tree.h"

#include <string.h>

#include "harness/run/core/text.h"

#define BLOB_MAX (2u << 20)

#define RANGE_MEMORY 0x02000000u /* of a PCI address: 32-bit memory space */
#define RANGE_KIND   0x03000000u

static u64 fw_cfg;

/* The RAM that we stand in. */
static void take_memory(const struct fdt *t, const struct fdt_node *n)
{
	const u64 here = (u64)(uintptr_t)image_start;
	u64 addr, size;

	for (unsigned i = 0; fdt_reg(t, n, i, &addr, &size); i++) {
		if (here < addr || here - addr >= size)
			continue;
		machine.ram_base = addr;
		machine.ram_end = addr + size;
	}
}

static void take_window(const struct fdt *t, const struct fdt_node *n,
			int (*line)(const struct fdt_prop *p))
{
	struct fdt_prop p;
	u64 addr, size;

	if (machine.windows == MACHINE_WINDOWS || !fdt_reg(t, n, 0, &addr, &size))
		return;
	machine.window[machine.windows++] =
		(struct window){ addr, fdt_prop(t, n, "interrupts", &p) ? line(&p) : -1 };
}

static bool find_phandle(const struct fdt *t, u32 phandle, struct fdt_node *n)
{
	struct fdt_prop p;

	*n = (struct fdt_node){ 0 };
	while (fdt_next(t, n))
		if (fdt_prop(t, n, "phandle", &p) && p.len == 4 && fdt_cell(&p, 0) == phandle)
			return true;
	return false;
}

static u32 cells(const struct fdt *t, const struct fdt_node *n, const char *name)
{
	struct fdt_prop p;

	return fdt_prop(t, n, name, &p) && p.len == 4 ? fdt_cell(&p, 0) : 0;
}

/*
 * `interrupt-map`: <function 0 0 pin controller address… interrupt…>, where the controller says how many
 * cells its address and interrupt have.
 */
static void take_pci_lines(const struct fdt *t, const struct fdt_node *n,
			   int (*line)(const struct fdt_prop *p))
{
	struct fdt_prop map, mask;

	if (!fdt_prop(t, n, "interrupt-map", &map) ||
	    !fdt_prop(t, n, "interrupt-map-mask", &mask) || mask.len != 16)
		return;
	machine.pci_line_mask = (u8)(fdt_cell(&mask, 0) >> 8);
	for (u32 at = 0; (at + 5) * 4 <= map.len && machine.pci_lines < MACHINE_PCI_LINES;) {
		struct fdt_node controller;
		struct fdt_prop interrupt;
		u32 skip, count;

		if (!find_phandle(t, fdt_cell(&map, at + 4), &controller))
			return;
		skip = cells(t, &controller, "#address-cells");
		count = cells(t, &controller, "#interrupt-cells");
		if (skip > 4 || count < 1 || count > 4 || (at + 5 + skip + count) * 4 > map.len)
			return;
		interrupt = (struct fdt_prop){ map.data + (at + 5 + skip) * 4, count * 4 };
		machine.pci_line[machine.pci_lines++] =
			(struct pci_line){ (u8)(fdt_cell(&map, at) >> 8),
					   (u8)fdt_cell(&map, at + 3), line(&interrupt) };
		at += 5 + skip + count;
	}
}

/* Of `ranges` the 32-bit memory space, when it is seen where PCI has it. */
static void take_pci(const struct fdt *t, const struct fdt_node *n)
{
	struct fdt_prop p;
	const unsigned parent = n->depth ? n->address_cells[n->depth - 1] : 2;
	const unsigned entry = 3 + parent + 2;
	u64 size;

	if (machine.ecam || !fdt_reg(t, n, 0, &machine.ecam, &size) ||
	    !fdt_prop(t, n, "ranges", &p))
		return;
	for (unsigned at = 0; parent == 2 && (at + entry) * 4 <= p.len; at += entry) {
		const u64 pci = (u64)fdt_cell(&p, at + 1) << 32 | fdt_cell(&p, at + 2);
		const u64 cpu = (u64)fdt_cell(&p, at + 3) << 32 | fdt_cell(&p, at + 4);

		if ((fdt_cell(&p, at) & RANGE_KIND) == RANGE_MEMORY && pci == cpu)
			machine.bar_base = pci;
	}
}

bool tree_read(struct fdt *t, const void *blob, int (*line)(const struct fdt_prop *p))
{
	struct fdt_node n = { 0 };
	const char *text;
	u64 size;

	if (!fdt_open(t, blob, BLOB_MAX))
		return false;
	while (fdt_next(t, &n)) {
		if (n.depth == 0) {
			text = fdt_text(t, &n, "model");
			text_copy(machine.name, sizeof(machine.name), text ? text : "");
		} else if (n.depth == 1 && text_same(n.name, "chosen")) {
			text = fdt_text(t, &n, "bootargs");
			text_copy(machine.text, sizeof(machine.text), text ? text : "");
		} else if (n.depth == 1 && strncmp(n.name, "memory", 6) == 0) {
			take_memory(t, &n);
		} else if (fdt_compatible(t, &n, "virtio,mmio")) {
			take_window(t, &n, line);
		} else if (fdt_compatible(t, &n, "pci-host-ecam-generic")) {
			take_pci(t, &n);
			take_pci_lines(t, &n, line);
		} else if (fdt_compatible(t, &n, "qemu,fw-cfg-mmio")) {
			fdt_reg(t, &n, 0, &fw_cfg, &size);
		}
	}
	windows_of_text(machine.text);
	return true;
}

bool tree_find(const struct fdt *t, const char *compatible, struct fdt_node *n)
{
	*n = (struct fdt_node){ 0 };
	while (fdt_next(t, n))
		if (fdt_compatible(t, n, compatible))
			return true;
	return false;
}

u64 tree_address(const struct fdt *t, const char *compatible, unsigned i)
{
	struct fdt_node n;
	u64 addr, size;

	return tree_find(t, compatible, &n) && fdt_reg(t, &n, i, &addr, &size) ? addr : 0;
}

bool tree_fw_cfg_select(u16 key)
{
	if (fw_cfg)
		*(volatile u16 *)(uintptr_t)(fw_cfg + 8) = __builtin_bswap16(key);
	return fw_cfg != 0;
}

u8 tree_fw_cfg_byte(void)
{
	return *(volatile u8 *)(uintptr_t)fw_cfg;
}
