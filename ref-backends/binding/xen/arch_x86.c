// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/xen/arch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define E820_RAM     1
#define E820_RSVD    2
#define SPECIAL_BASE 0xfc000000ull /* where libxenguest puts pages of its own */
#define SPECIAL_SIZE 0x01000000ull

static struct e820entry map[2];

static int failed(const char *what)
{
	fprintf(stderr, "ringside-xen: %s: %s\n", what, strerror(errno));
	return -1;
}

void xen_arch_config(struct xen_domctl_createdomain *config, const struct xen_domain_opts *o)
{
	/* These are all that Xen accepts for a guest: the bare minimum, or everything but vPCI. */
	config->arch.emulation_flags =
		o->platform == XEN_HVM ? XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI : XEN_X86_EMU_LAPIC;
}

int xen_arch_processor(struct xen_domain *d, const struct xen_domain_opts *o,
		       const struct xen_domctl_createdomain *config)
{
	if (xc_domain_set_tsc_info(d->xch, d->id, o->emulated_tsc ? 1 : 2, 0, 0, 0))
		return failed("the domain's time stamp counter");
	if (xc_cpuid_apply_policy(d->xch, d->id, false, NULL, 0, true, false, false, NULL, NULL))
		return failed("the domain's CPUID");
	return 0;
}

int xen_arch_describe(struct xen_domain *d, const struct xen_domain_opts *o,
		      struct xc_dom_image *image)
{
	map[0] = (struct e820entry){ XEN_RAM_BASE, d->ram_size, E820_RAM };
	map[1] = (struct e820entry){ SPECIAL_BASE, SPECIAL_SIZE, E820_RSVD };
	image->lowmem_end = d->ram_size;
	image->mmio_start = 0xf0000000;
	image->mmio_size = 0x10000000;
	image->e820 = map;
	image->e820_entries = ARRAY_SIZE(map);
	if (xc_domain_set_memory_map(d->xch, d->id, map, ARRAY_SIZE(map)))
		return failed("the domain's memory map");
	return 0;
}

void xen_arch_undescribe(struct xc_dom_image *image)
{
	image->e820 = NULL; /* ours */
}
