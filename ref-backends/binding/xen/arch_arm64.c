// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/xen/arch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ref-backends/binding/tree/tree.h"
#include "ref-backends/binding/xen/monitor.h"

#define TREE_MAX 8192 /* the command line is the most of it */
#define SPIS	 32   /* shared interrupts, from 32 on: a multiple of 32 */

static int failed(const char *what)
{
	fprintf(stderr, "ringside-xen: %s: %s\n", what, strerror(errno));
	return -1;
}

void xen_arch_config(struct xen_domctl_createdomain *config, const struct xen_domain_opts *o)
{
	/* What the machine has: Xen emulates no other one. */
	config->arch.gic_version = XEN_DOMCTL_CONFIG_GIC_NATIVE;
	config->arch.nr_spis = SPIS;
}

int xen_arch_processor(struct xen_domain *d, const struct xen_domain_opts *o,
		       const struct xen_domctl_createdomain *config)
{
	d->gic_version = config->arch.gic_version == XEN_DOMCTL_CONFIG_GIC_V2 ? 2 : 3;
	return 0;
}

int xen_arch_describe(struct xen_domain *d, const struct xen_domain_opts *o,
		      struct xc_dom_image *image)
{
	static const struct tree_range gic[][2] = {
		[2] = { { GUEST_GICD_BASE, GUEST_GICD_SIZE },
			{ GUEST_GICC_BASE, GUEST_GICC_SIZE } },
		[3] = { { GUEST_GICV3_GICD_BASE, GUEST_GICV3_GICD_SIZE },
			{ GUEST_GICV3_GICR0_BASE, GUEST_GICV3_GICR0_SIZE } },
	};
	const struct tree_opts opts = {
		.model = "ringside-xen",
		.words = image->cmdline,
		.ram = { XEN_RAM_BASE, d->ram_size + o->channel_size },
		.reserved = { xen_channel_base(d->ram_size), o->channel_size },
		.window = { XEN_WINDOW, XEN_WINDOW_SIZE },
		.interrupt = XEN_INTERRUPT_LINE,
		.gic_version = d->gic_version,
		.gic = { gic[d->gic_version][0], gic[d->gic_version][1] },
	};
	static u8 tree[TREE_MAX];
	const size_t size = tree_build(tree, sizeof(tree), &opts);

	if (!size) {
		errno = E2BIG;
		return failed("the guest's device tree");
	}
	if (xc_dom_rambase_init(image, XEN_RAM_BASE) || xc_dom_devicetree_mem(image, tree, size))
		return failed("the guest's device tree");
	return 0;
}

void xen_arch_undescribe(struct xc_dom_image *image)
{
	/* libxenguest has a copy. */
	(void)image;
}
