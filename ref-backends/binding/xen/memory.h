/* SPDX-License-Identifier: BSD-3-Clause */
/* A domain's memory, mapped here as a privileged domain may: RAM from XEN_RAM_BASE on, and the channel. */
#ifndef REF_BACKENDS_BINDING_XEN_MEMORY_H
#define REF_BACKENDS_BINDING_XEN_MEMORY_H

#include <xenforeignmemory.h>

#include "ref-backends/binding/xen/guest_map.h"

struct xen_memory {
	xenforeignmemory_handle *fm;
	u32 domain;
	u8 *ram;
	u64 ram_size;
};

/* `fm` stays the caller's. 0, or -1 after a line on stderr. */
int xen_memory_map(struct xen_memory *m, xenforeignmemory_handle *fm, u32 domain, u64 ram_size);
void xen_memory_unmap(struct xen_memory *m);
/* Frames behind addresses have changed: map all of them again, at the same place. */
int xen_memory_renew(struct xen_memory *m);

/* Another piece, for instance the channel. NULL after a line on stderr. */
void *xen_memory_piece(xenforeignmemory_handle *fm, u32 domain, void *where, u64 gpa, u64 size);

static inline void *xen_memory_at(const struct xen_memory *m, u64 gpa, u64 *len)
{
	const u64 at = gpa - XEN_RAM_BASE; /* below it: far beyond the end */

	if (at >= m->ram_size)
		return NULL;
	*len = MIN(*len, m->ram_size - at);
	return m->ram + at;
}

#endif
