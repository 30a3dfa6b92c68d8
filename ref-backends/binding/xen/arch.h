/* SPDX-License-Identifier: BSD-3-Clause */
/* What making a domain takes that differs from architecture to architecture: arch_x86.c, arch_arm64.c. */
#ifndef REF_BACKENDS_BINDING_XEN_ARCH_H
#define REF_BACKENDS_BINDING_XEN_ARCH_H

#include <xenctrl.h>
#include <xenguest.h>

#include "ref-backends/binding/xen/domain.h"

/* Before the domain is there: what it is to be. */
void xen_arch_config(struct xen_domctl_createdomain *config, const struct xen_domain_opts *o);
/* Of the domain's processor, once it has one; `config` as the hypervisor has completed it. 0, or -1 after a line on
 * stderr, as for all of these. */
int xen_arch_processor(struct xen_domain *d, const struct xen_domain_opts *o,
		       const struct xen_domctl_createdomain *config);
/* How the guest learns of its memory and devices. What `image` refers to lives until xen_arch_undescribe(). */
int xen_arch_describe(struct xen_domain *d, const struct xen_domain_opts *o,
		      struct xc_dom_image *image);
void xen_arch_undescribe(struct xc_dom_image *image);

#endif
