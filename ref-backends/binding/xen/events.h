/* SPDX-License-Identifier: BSD-3-Clause */
/* The device in this process, on a thread of its own, behind eventfds of the kernel. */
#ifndef REF_BACKENDS_BINDING_XEN_EVENTS_H
#define REF_BACKENDS_BINDING_XEN_EVENTS_H

#include "ref-backends/binding/xen/monitor.h"
#include "ref-backends/binding/xen/registers.h"

/* The program's exit status. */
int xen_events(const struct xen_monitor_opts *o, const struct xen_device_opts *d);

#endif
