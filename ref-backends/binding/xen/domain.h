/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A Xen domain of our own: one processor, memory from XEN_RAM_BASE on, a kernel that is entered as PVH says, or as
 * Linux's boot protocol for arm64 does, and no device model but us. It is made through libxenctrl and libxenguest,
 * without the toolstack's daemon or xenstore, and is gone when its maker closes it.
 */
#ifndef REF_BACKENDS_BINDING_XEN_DOMAIN_H
#define REF_BACKENDS_BINDING_XEN_DOMAIN_H

#include <xenctrl.h>

#include "ref-backends/binding/xen/guest_map.h"

/* Of x86; another architecture has one. */
enum xen_platform {
	XEN_PVH, /* a local APIC, and nothing else */
	XEN_HVM, /* also Xen's own I/O APIC, 8259s and timers */
};

struct xen_domain_opts {
	enum xen_platform platform;
	const char *kernel;
	const char *words; /* command line; `%u` of an event channel is added behind it */
	u64 ram_size;	   /* a multiple of 1 MiB */
	u64 channel_size;  /* bytes at xen_channel_base(), a multiple of the page size; 0: none */
	bool upcall; /* an event channel for interrupts: "xen.upcall=PORT" is added to the words */
	bool emulated_tsc; /* RDTSC is an exit: where the counter cannot be trusted */
};

struct xen_domain {
	xc_interface *xch;
	struct xentoollog_logger *log;
	u32 id; /* 0: none */
	u64 ram_size;
	u32 upcall_port;      /* the guest's */
	unsigned gic_version; /* of arm64 */
};

/* Paused. 0, or -1 after a line on stderr; what was made so far is gone then. */
int xen_domain_create(struct xen_domain *d, const struct xen_domain_opts *o);
int xen_domain_unpause(struct xen_domain *d);
void xen_domain_destroy(struct xen_domain *d);

enum xen_domain_state {
	XEN_DOMAIN_RUNS,
	XEN_DOMAIN_OFF,	    /* it powered itself off */
	XEN_DOMAIN_REBOOTS, /* it asked to be booted again; a triple fault looks the same */
	XEN_DOMAIN_CRASHED, /* the hypervisor ended it, or it said that it had crashed */
	XEN_DOMAIN_GONE,    /* somebody else destroyed it */
};

enum xen_domain_state xen_domain_look(const struct xen_domain *d);

#endif
