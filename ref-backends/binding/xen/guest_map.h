/* SPDX-License-Identifier: BSD-3-Clause */
/* Where things are for a guest, and which interrupt is the device's: as an architecture has it. */
#ifndef REF_BACKENDS_BINDING_XEN_GUEST_MAP_H
#define REF_BACKENDS_BINDING_XEN_GUEST_MAP_H

#include "harness/spec/types.h"

#if defined(__aarch64__)
/* xen/arch-arm.h: Xen decides on memory and on its own controllers, and leaves the rest. */
#define XEN_RAM_BASE	   0x40000000ull
#define XEN_WINDOW	   0x02000000ull
#define XEN_INTERRUPT_LINE 33u /* the first that is meant for virtio-mmio */
#define XEN_HAS_PORTS	   0
#define XEN_HAS_MESSAGES   0 /* and no event channel as an interrupt */
#define XEN_HAS_GRANTS	   0 /* of the probe */
#define XEN_SHARES_COUNTER 0
#else
#define XEN_RAM_BASE	   0ull
#define XEN_WINDOW	   0xd0000000ull
#define XEN_INTERRUPT_LINE 5u
#define XEN_HAS_PORTS	   1
#define XEN_HAS_MESSAGES   1
#define XEN_HAS_GRANTS	   1
#define XEN_SHARES_COUNTER 1
#endif

/*
 * Where the guest writes what it found: behind its RAM and in no memory map, or, where a guest maps memory and
 * devices differently, the end of what it takes for RAM.
 */
static inline u64 xen_channel_base(u64 ram_size)
{
	return XEN_RAM_BASE ? XEN_RAM_BASE + ram_size : 0xe0000000ull;
}

#endif
