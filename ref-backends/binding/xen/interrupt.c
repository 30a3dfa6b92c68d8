// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/xen/interrupt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int xen_interrupt_open(struct xen_interrupt *i, enum xen_interrupt_kind kind,
		       const struct xen_domain *d, xendevicemodel_handle *dm, xenevtchn_handle *ev)
{
	xenevtchn_port_or_error_t port;

	*i = (struct xen_interrupt){
		.kind = kind, .dm = dm, .ev = ev, .domain = d->id, .vector = XEN_INTERRUPT_VECTOR
	};
	if (kind != XEN_UPCALL)
		return 0;
	port = xenevtchn_bind_interdomain(ev, d->id, d->upcall_port);
	if (port < 0) {
		fprintf(stderr, "ringside-xen: the event channel for interrupts: %s\n",
			strerror(errno));
		return -1;
	}
	i->port = (evtchn_port_t)port;
	return 0;
}

static int set_line(struct xen_interrupt *i, unsigned level)
{
#if defined(__aarch64__)
	return xendevicemodel_set_irq_level(i->dm, (domid_t)i->domain, XEN_INTERRUPT_LINE, level);
#else
	return xendevicemodel_set_isa_irq_level(i->dm, (domid_t)i->domain, XEN_INTERRUPT_LINE,
						level);
#endif
}

static int raise_it(struct xen_interrupt *i)
{
	i->count++;
	switch (i->kind) {
	case XEN_MSI:
		return xendevicemodel_inject_msi(i->dm, (domid_t)i->domain, XEN_MSI_ADDRESS,
						 i->vector);
	case XEN_UPCALL:
		return xenevtchn_notify(i->ev, i->port);
	case XEN_LINE:
		return set_line(i, 1);
	}
	return 0;
}

static int lower(struct xen_interrupt *i)
{
	return i->kind == XEN_LINE ? set_line(i, 0) : 0;
}

static void complain(int rc)
{
	if (rc)
		fprintf(stderr, "ringside-xen: an interrupt could not be sent: %s\n",
			strerror(errno));
}

void xen_interrupt_level(struct xen_interrupt *i, bool level)
{
	if (level == i->level)
		return;
	i->level = level;
	complain(level ? raise_it(i) : lower(i));
}

void xen_interrupt_pulse(struct xen_interrupt *i)
{
	complain(raise_it(i) || lower(i));
}
