// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/xen/ioreq.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <xen/hvm/ioreq.h>
#include <xen/memory.h>

static int failed(const char *what)
{
	fprintf(stderr, "ringside-xen: %s: %s\n", what, strerror(errno));
	return -1;
}

int xen_ioreq_open(struct xen_ioreq *s, u32 domain)
{
	void *page = NULL;

	s->domain = domain;
	s->dm = xendevicemodel_open(NULL, 0);
	s->fm = xenforeignmemory_open(NULL, 0);
	s->ev = xenevtchn_open(NULL, 0);
	if (!s->dm || !s->fm || !s->ev)
		return failed("/dev/xen/*");
	if (xendevicemodel_create_ioreq_server(s->dm, (domid_t)domain, HVM_IOREQSRV_BUFIOREQ_OFF,
					       &s->id))
		return failed("the hypervisor gives no ioreq server");
	s->created = true;
	s->resource = xenforeignmemory_map_resource(
		s->fm, (domid_t)domain, XENMEM_resource_ioreq_server, s->id,
		XENMEM_resource_ioreq_server_frame_ioreq(0), 1, &page, PROT_READ | PROT_WRITE, 0);
	if (!s->resource)
		return failed("the page of requests");
	s->page = ((struct shared_iopage *)page)->vcpu_ioreq;
	return 0;
}

int xen_ioreq_claim(struct xen_ioreq *s, bool port, u64 first, u64 last)
{
	if (xendevicemodel_map_io_range_to_ioreq_server(s->dm, (domid_t)s->domain, s->id, !port,
							first, last))
		return failed("a range of addresses");
	return 0;
}

int xen_ioreq_enable(struct xen_ioreq *s)
{
	xenevtchn_port_or_error_t port;

	if (xendevicemodel_set_ioreq_server_state(s->dm, (domid_t)s->domain, s->id, 1))
		return failed("the ioreq server does not start");
	/* Said by the hypervisor when the server starts. */
	port = xenevtchn_bind_interdomain(s->ev, s->domain, s->page[0].vp_eport);
	if (port < 0)
		return failed("the event channel of requests");
	s->port = (evtchn_port_t)port;
	return 0;
}

void xen_ioreq_close(struct xen_ioreq *s)
{
	if (s->resource)
		xenforeignmemory_unmap_resource(s->fm, s->resource);
	if (s->created)
		xendevicemodel_destroy_ioreq_server(s->dm, (domid_t)s->domain, s->id);
	if (s->ev)
		xenevtchn_close(s->ev);
	if (s->fm)
		xenforeignmemory_close(s->fm);
	if (s->dm)
		xendevicemodel_close(s->dm);
	memset(s, 0, sizeof(*s));
}

static u64 mask(unsigned size)
{
	return ~0ull >> (64 - 8 * size);
}

/* A string instruction: element `i` of guest memory at `data`, that may cross regions. */
static void copy(struct xen_ioreq *s, u64 gpa, void *value, unsigned size, bool to_guest)
{
	for (unsigned i = 0; i < size; i++) {
		u64 len = 1;
		u8 *at = s->ops->memory(s->ctx, gpa + i, &len);

		if (at && len && to_guest)
			*at = ((u8 *)value)[i];
		else if (!to_guest)
			((u8 *)value)[i] = at && len ? *at : 0xff;
	}
}

static void one_access(struct xen_ioreq *s, struct ioreq *q, bool port, u32 i)
{
	const u64 step = (u64)i * q->size, at = q->df ? 0 - step : step;
	/* Ports stay where they are; memory goes on. */
	const u64 addr = port ? q->addr : q->addr + at;
	u64 value = 0;

	if (q->dir == IOREQ_READ) {
		value = s->ops->read(s->ctx, port, addr, q->size) & mask(q->size);
		if (q->data_is_ptr)
			copy(s, q->data + at, &value, q->size, true);
		else
			q->data = value;
		return;
	}
	value = q->data;
	if (q->data_is_ptr)
		copy(s, q->data + at, &value, q->size, false);
	s->ops->write(s->ctx, port, addr, q->size, value & mask(q->size));
}

static void answer(struct xen_ioreq *s, struct ioreq *q)
{
	const bool port = q->type == IOREQ_TYPE_PIO;

	if (q->type == IOREQ_TYPE_INVALIDATE)
		s->ops->remapped(s->ctx);
	if (!port && q->type != IOREQ_TYPE_COPY)
		return;
	if (q->size != 1 && q->size != 2 && q->size != 4 && q->size != 8)
		return;
	/* Without memory behind it there is one element, and with it no more than in a page. */
	for (u32 i = 0; i < MIN(q->count, q->data_is_ptr ? 4096u : 1u); i++)
		one_access(s, q, port, i);
}

int xen_ioreq_serve(struct xen_ioreq *s)
{
	xenevtchn_port_or_error_t port = xenevtchn_pending(s->ev);
	struct ioreq q;

	if (port < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : failed("event channels");
	/* Before the look: a request that comes after it makes the descriptor readable again. */
	if (xenevtchn_unmask(s->ev, (evtchn_port_t)port))
		return failed("event channels");
	if (s->page[0].state != STATE_IOREQ_READY)
		return 0;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	s->page[0].state = STATE_IOREQ_INPROCESS;
	memcpy(&q, (const void *)&s->page[0], sizeof(q));
	answer(s, &q);
	s->requests++;
	if (s->hold)
		return 0;
	s->page[0].data = q.data;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	s->page[0].state = STATE_IORESP_READY;
	if (xenevtchn_notify(s->ev, s->port))
		return failed("event channels");
	return 0;
}
