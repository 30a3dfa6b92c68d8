// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/xen/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096u

void *xen_memory_piece(xenforeignmemory_handle *fm, u32 domain, void *where, u64 gpa, u64 size)
{
	const size_t n = size / PAGE;
	xen_pfn_t *frames = malloc(n * sizeof(*frames));
	int *errors = calloc(n, sizeof(*errors));
	void *at = NULL;
	size_t bad = 0;

	for (size_t i = 0; frames && i < n; i++)
		frames[i] = gpa / PAGE + i;
	if (frames && errors)
		at = xenforeignmemory_map2(fm, domain, where, PROT_READ | PROT_WRITE,
					   where ? MAP_FIXED | MAP_SHARED : MAP_SHARED, n, frames,
					   errors);
	if (!at)
		fprintf(stderr, "ringside-xen: mapping %zu pages of the guest: %s\n", n,
			strerror(errno));
	for (size_t i = 0; at && i < n; i++)
		bad += errors[i] != 0;
	/* Where nothing is: an access there is a SIGBUS, so there may be no hole. */
	if (bad) {
		fprintf(stderr, "ringside-xen: %zu of %zu pages of the guest cannot be mapped\n",
			bad, n);
		xenforeignmemory_unmap(fm, at, n);
		at = NULL;
	}
	free(frames);
	free(errors);
	return at;
}

int xen_memory_map(struct xen_memory *m, xenforeignmemory_handle *fm, u32 domain, u64 ram_size)
{
	*m = (struct xen_memory){ .fm = fm, .domain = domain, .ram_size = ram_size };
	m->ram = xen_memory_piece(fm, domain, NULL, XEN_RAM_BASE, ram_size);
	return m->ram ? 0 : -1;
}

int xen_memory_renew(struct xen_memory *m)
{
	return xen_memory_piece(m->fm, m->domain, m->ram, XEN_RAM_BASE, m->ram_size) ? 0 : -1;
}

void xen_memory_unmap(struct xen_memory *m)
{
	if (m->ram)
		xenforeignmemory_unmap(m->fm, m->ram, m->ram_size / PAGE);
	m->ram = NULL;
}
