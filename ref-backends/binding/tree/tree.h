/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device tree for a guest of ours (Devicetree Specification 0.4, chapter 5): one processor of ARM's 64-bit
 * architecture, memory, the interrupt controller and the timers that a hypervisor provides, and one virtio-mmio
 * window. Linux and the probe are content with it.
 *
 * Freestanding.
 */
#ifndef REF_BACKENDS_BINDING_TREE_TREE_H
#define REF_BACKENDS_BINDING_TREE_TREE_H

#include "harness/spec/types.h"

struct tree_range {
	u64 base, size;
};

struct tree_opts {
	const char *model;
	const char *words; /* the command line */
	struct tree_range ram;
	struct tree_range reserved; /* a piece of it that is not the guest's; size 0: none */
	struct tree_range window;
	u32 interrupt; /* of the window: a shared peripheral interrupt, from 32 on; an edge */
	/* GICv3: distributor and redistributors; GICv2: distributor and processor interface. */
	unsigned gic_version;
	struct tree_range gic[2];
};

/* Its size in bytes, or 0: there is no room for it. */
size_t tree_build(u8 *out, size_t room, const struct tree_opts *o);

#endif
