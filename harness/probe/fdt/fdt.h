/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading a flattened device tree (Devicetree Specification 0.4, chapter 5): enough to find a machine's
 * devices. libfdt is packaged for hosts only, and needs more of a C library than there is here. Nothing
 * in the blob is trusted: an offset that leads out of it ends the walk.
 *
 * Freestanding.
 */
#ifndef HARNESS_PROBE_FDT_FDT_H
#define HARNESS_PROBE_FDT_FDT_H

#include "harness/spec/types.h"

#define FDT_DEPTH 16

struct fdt {
	const u8 *blob;
	u32 size;
	u32 nodes, nodes_end;	  /* the structure block */
	u32 strings, strings_end; /* the strings block */
};

/* One node of a walk, and where the walk stands. */
struct fdt_node {
	const char *name; /* with its unit address: "pl011@9000000" */
	unsigned depth;	  /* of the root: 0 */
	u32 props;	  /* where its properties begin */
	u32 next;
	/* Cells of an address and a size in `reg` of the children of the node at each depth. */
	u8 address_cells[FDT_DEPTH], size_cells[FDT_DEPTH];
};

struct fdt_prop {
	const u8 *data;
	u32 len;
};

/* `max`: how many bytes may be looked at. False: no device tree. */
bool fdt_open(struct fdt *t, const void *blob, size_t max);

/* Begin with an `*n` of zeroes. False: there are no more. Parents come before their children. */
bool fdt_next(const struct fdt *t, struct fdt_node *n);

bool fdt_prop(const struct fdt *t, const struct fdt_node *n, const char *name, struct fdt_prop *p);
/* The text of a property, NULL when it has none that ends. */
const char *fdt_text(const struct fdt *t, const struct fdt_node *n, const char *name);
/* Is this one of the texts in its `compatible`? */
bool fdt_compatible(const struct fdt *t, const struct fdt_node *n, const char *name);
/* The i-th address and size of `reg`, as the parent counts; addresses are not translated. */
bool fdt_reg(const struct fdt *t, const struct fdt_node *n, unsigned i, u64 *addr, u64 *size);

/* The i-th cell, 0 behind the end. */
u32 fdt_cell(const struct fdt_prop *p, unsigned i);

#endif
