// SPDX-License-Identifier: BSD-3-Clause
/* A device tree that is anything: the walk stays inside the blob, and ends. */
#include <stdlib.h>
#include <string.h>

#include "harness/probe/fdt/fdt.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	/* Of its very size, so that a read behind it is seen. */
	u8 *blob = malloc(size ? size : 1);
	struct fdt_node n = { 0 };
	struct fdt_prop p;
	u64 addr, len, sum = 0;
	struct fdt t;

	if (size)
		memcpy(blob, data, size);
	if (fdt_open(&t, blob, size)) {
		for (size_t nodes = 0; fdt_next(&t, &n); nodes++) {
			const char *text = fdt_text(&t, &n, "model");

			if (nodes > size)
				abort();
			sum += strlen(n.name) + (text ? strlen(text) : 0);
			sum += fdt_compatible(&t, &n, "virtio,mmio");
			for (unsigned i = 0; fdt_reg(&t, &n, i, &addr, &len); i++)
				sum += addr ^ len;
			if (fdt_prop(&t, &n, "interrupts", &p))
				sum += fdt_cell(&p, p.len / 4) + fdt_cell(&p, 0);
		}
	}
	free(blob);
	__asm__ volatile("" ::"r"(sum));
	return 0;
}
