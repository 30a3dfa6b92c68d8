/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registers of virtio-mmio, version 2 (VIRTIO 1.4, 4.2), over a struct rreg. The binding says where
 * the window is; this takes offsets into it.
 *
 * Registers are 32 bits wide and aligned, the configuration space takes any size. Other accesses read
 * as 0 and write nothing, as do registers that cannot be read or written.
 *
 * Freestanding.
 */
#ifndef REF_BACKENDS_BINDING_REGISTERS_MMIO_H
#define REF_BACKENDS_BINDING_REGISTERS_MMIO_H

#include "ref-backends/binding/registers/rreg.h"

#define RMMIO_WINDOW 0x200

struct rmmio {
	struct rreg r; /* first */
};

/* `memory` as rreg_memory() says. */
void rmmio_init(struct rmmio *m, const struct rreg_opts *o, void *memory);

/* Offsets below RMMIO_WINDOW; `size` is 1, 2, 4 or 8. */
u64 rmmio_read(struct rmmio *m, u32 offset, unsigned size);
void rmmio_write(struct rmmio *m, u32 offset, unsigned size, u64 value);

#endif
