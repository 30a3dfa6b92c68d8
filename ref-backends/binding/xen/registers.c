// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/xen/registers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int xen_registers_open(struct xen_registers *r, const struct xen_device_opts *d,
		       const struct rreg_ops *ops, void *ctx)
{
	struct rreg_opts o = { .dev = d->dev,
			       .queue_size = d->queue_size,
			       .hidden = d->hidden,
			       .ops = ops,
			       .ctx = ctx };
	const size_t size = ALIGN_UP(rreg_memory(&o), 64);

	r->memory = aligned_alloc(64, size);
	if (!r->memory) {
		fprintf(stderr, "ringside-xen: memory: %s\n", strerror(errno));
		return -1;
	}
	memset(r->memory, 0, size);
	rmmio_init(&r->mmio, &o, r->memory);
	return 0;
}

void xen_registers_close(struct xen_registers *r)
{
	free(r->memory);
	r->memory = NULL;
}
