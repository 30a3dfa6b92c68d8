/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest's counter beside ours. Xen gives each domain a time stamp counter of its own, the processor's
 * plus an offset; stamps of both sides compare only when the offset is known. The hypervisor tells it on its
 * console, in the dump of its control structures (debug key 'v'), and nowhere else.
 */
#ifndef REF_BACKENDS_BINDING_XEN_COUNTER_H
#define REF_BACKENDS_BINDING_XEN_COUNTER_H

#include "ref-backends/binding/xen/domain.h"

/* What the guest's counter is ahead of ours, modulo 2^64. 0, or -1 after a line on stderr. */
int xen_counter_offset(const struct xen_domain *d, u64 *offset);

#endif
