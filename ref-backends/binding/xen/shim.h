/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A shim: the window's registers are here, the queues are served by an unchanged vhost-user back-end, which
 * maps the guest's memory itself (VHOST_USER_PROTOCOL_F_XEN_MMAP) or gets copies of what it needs.
 */
#ifndef REF_BACKENDS_BINDING_XEN_SHIM_H
#define REF_BACKENDS_BINDING_XEN_SHIM_H

#include "ref-backends/binding/xen/monitor.h"

enum xen_share {
	XEN_SHARE_FOREIGN, /* the back-end maps the domain's frames through privcmd */
	XEN_SHARE_BOUNCE,  /* rings and buffers are copied to and from a memory file: bounce.h */
};

struct xen_shim_opts {
	const char *socket_path;
	u32 device_id; /* what device the driver is to see */
	u16 num_queues, queue_size;
	enum xen_share share;
};

/* The program's exit status. */
int xen_shim(const struct xen_monitor_opts *o, const struct xen_shim_opts *so);

#endif
