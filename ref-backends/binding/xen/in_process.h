/* SPDX-License-Identifier: BSD-3-Clause */
/* The device linked into the ioreq server: its registers, its rings and itself in one process. */
#ifndef REF_BACKENDS_BINDING_XEN_IN_PROCESS_H
#define REF_BACKENDS_BINDING_XEN_IN_PROCESS_H

#include "ref-backends/binding/xen/monitor.h"
#include "ref-backends/binding/xen/registers.h"

/* The program's exit status. */
int xen_in_process(const struct xen_monitor_opts *o, const struct xen_device_opts *d);

#endif
