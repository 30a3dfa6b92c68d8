/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A shim: the window's registers are here, the queues are served by an unchanged vhost-user back-end, which
 * maps the guest's memory itself (VHOST_USER_PROTOCOL_F_XEN_MMAP) or gets copies of what it needs.
 *
 * Grants: the guest grants page n of its memory by the reference n + XEN_GRANTS_FIRST, is told so by the word
 * xen.grants=, and gives addresses of grants (bit 63, reference, offset), for which the shim offers
 * VIRTIO_F_ACCESS_PLATFORM. They exist once the guest runs, so the back-end gets its memory when the first
 * queue starts. What was not granted it cannot map.
 */
#ifndef REF_BACKENDS_BINDING_XEN_SHIM_H
#define REF_BACKENDS_BINDING_XEN_SHIM_H

#include "ref-backends/binding/xen/monitor.h"

#define XEN_GRANTS_FIRST 16u /* below are references of the hypervisor's and the toolstack's */

enum xen_share {
	XEN_SHARE_FOREIGN, /* the back-end maps the domain's frames through privcmd */
	XEN_SHARE_GRANTS,  /* it maps what the guest has granted, through gntdev */
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
