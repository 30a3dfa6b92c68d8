/* SPDX-License-Identifier: BSD-3-Clause */
/* The ways to interrupt a guest under Xen. */
#ifndef REF_BACKENDS_BINDING_XEN_INTERRUPT_H
#define REF_BACKENDS_BINDING_XEN_INTERRUPT_H

#include <xendevicemodel.h>
#include <xenevtchn.h>

#include "ref-backends/binding/xen/domain.h"

enum xen_interrupt_kind {
	XEN_MSI,    /* a message to the local APIC each time the line rises */
	XEN_UPCALL, /* an event channel; the guest says by which vector it learns of it */
	XEN_LINE, /* an input of the I/O APIC that follows the level, HVM only; of the GIC on arm64 */
};

/*
 * What the guest is told is XEN_INTERRUPT_LINE: the input of the I/O APIC or of the GIC. Where there is none, it
 * comes with the vector of the message (the probe's for all lines).
 */
#define XEN_INTERRUPT_VECTOR 0x21
#define XEN_MSI_ADDRESS	     0xfee00000ull /* physical, fixed, to the only processor */

struct xen_interrupt {
	enum xen_interrupt_kind kind;
	xendevicemodel_handle *dm;
	xenevtchn_handle *ev;
	u32 domain;
	evtchn_port_t port;
	u8 vector;
	bool level;
	u64 count; /* sent so far */
};

/* The handles stay the caller's. 0, or -1 after a line on stderr. */
int xen_interrupt_open(struct xen_interrupt *i, enum xen_interrupt_kind kind,
		       const struct xen_domain *d, xendevicemodel_handle *dm, xenevtchn_handle *ev);
void xen_interrupt_level(struct xen_interrupt *i, bool level);
/* One edge, whatever the level was. */
void xen_interrupt_pulse(struct xen_interrupt *i);

#endif
