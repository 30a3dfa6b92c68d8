/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An ioreq server: Xen hands the accesses of a guest to address ranges that were claimed to us, one at a
 * time for its one processor, through a page that is shared with the hypervisor and an event channel.
 * What it says of an access is the hypervisor's, but addresses and counts in it are the guest's.
 */
#ifndef REF_BACKENDS_BINDING_XEN_IOREQ_H
#define REF_BACKENDS_BINDING_XEN_IOREQ_H

#include <xendevicemodel.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>

#include "harness/spec/types.h"

struct ioreq;

struct xen_ioreq_ops {
	u64 (*read)(void *ctx, bool port, u64 addr, unsigned size);
	void (*write)(void *ctx, bool port, u64 addr, unsigned size, u64 value);
	/* Guest memory, for string instructions; NULL: there is none. */
	void *(*memory)(void *ctx, u64 gpa, u64 *len);
	/* The guest changed what is where in its memory. */
	void (*remapped)(void *ctx);
};

struct xen_ioreq {
	const struct xen_ioreq_ops *ops;
	void *ctx;
	xendevicemodel_handle *dm;
	xenforeignmemory_handle *fm;
	xenevtchn_handle *ev;
	u32 domain;
	ioservid_t id;
	bool created;
	xenforeignmemory_resource_handle *resource;
	volatile struct ioreq *page;
	evtchn_port_t port;
	u64 requests; /* so far */
	bool hold; /* set by an operation: this access is not answered, so the guest stands still */
};

/* 0, or -1 after a line on stderr. ops and ctx are set before. */
int xen_ioreq_open(struct xen_ioreq *s, u32 domain);
void xen_ioreq_close(struct xen_ioreq *s);
/* Claim addresses [first, last] of memory, or of ports. */
int xen_ioreq_claim(struct xen_ioreq *s, bool port, u64 first, u64 last);
/* From here on the guest's accesses come. */
int xen_ioreq_enable(struct xen_ioreq *s);

/* Poll this for reading. */
static inline int xen_ioreq_fd(const struct xen_ioreq *s)
{
	return xenevtchn_fd(s->ev);
}

/* The descriptor was readable: answers what is to be answered. -1: the channel is gone. */
int xen_ioreq_serve(struct xen_ioreq *s);

#endif
