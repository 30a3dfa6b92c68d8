// SPDX-License-Identifier: BSD-3-Clause
/*
 * The guest's notification is an event inside dom0's kernel, and the device's interrupt another one. This
 * process answers accesses to registers on one thread, and serves the device on a second one.
 */
#include "ref-backends/binding/xen/events.h"

#include <errno.h>
#include <linux/virtio_mmio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ref-backends/binding/loop/loop.h"
#include "ref-backends/binding/xen/eventfds.h"
#include "ref-backends/device/host/measure.h"

/* The kernel adds the offset of QueueNotify itself. */
#define CALIBRATION_WINDOW (XEN_WINDOW + XEN_CAL_EVENT - VIRTIO_MMIO_QUEUE_NOTIFY)

struct state {
	struct xen_monitor m;
	struct xen_registers regs;
	struct rloop loop; /* everything of the device is under its lock */
	struct eventfds eventfds;
	u16 queues;
	bool has_irq, has_nobody;
	int irq, nobody;
	int *kick;	   /* one for each queue, or -1 */
	u16 kicks_claimed; /* of them, those that the kernel knows */
};

static int failed(const char *what)
{
	fprintf(stderr, "ringside-xen: %s: %s\n", what, strerror(errno));
	return -1;
}

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	struct state *s = ctx;

	return xen_memory_at(&s->m.memory, gpa, len);
}

/* An edge: a message each time the line rises. */
static void line(void *ctx, bool level)
{
	struct state *s = ctx;
	const u64 one = 1;

	if (!level)
		return;
	__atomic_fetch_add(&s->m.interrupt.count, 1, __ATOMIC_RELAXED);
	if (write(s->irq, &one, sizeof(one)) == sizeof(one))
		measure_call();
}

static const struct rreg_ops device_ops = { .translate = translate, .line = line };

static u64 on_read(void *ctx, u32 offset, unsigned size)
{
	struct state *s = ctx;
	u64 value;

	pthread_mutex_lock(&s->loop.lock);
	value = rmmio_read(&s->regs.mmio, offset, size);
	pthread_mutex_unlock(&s->loop.lock);
	return value;
}

static void on_write(void *ctx, u32 offset, unsigned size, u64 value)
{
	struct state *s = ctx;

	rloop_enter(&s->loop);
	rmmio_write(&s->regs.mmio, offset, size, value);
	rloop_leave(&s->loop);
}

/* The device's thread reads and writes there whenever it has the lock. */
static void on_hold(void *ctx, bool on)
{
	struct state *s = ctx;

	if (on)
		pthread_mutex_lock(&s->loop.lock);
	else
		pthread_mutex_unlock(&s->loop.lock);
}

static void on_resized(void *ctx)
{
	struct state *s = ctx;

	rloop_resized(&s->loop);
}

static const struct xen_monitor_ops monitor_ops = {
	.read = on_read, .write = on_write, .hold = on_hold, .resized = on_resized
};

static int open_events(struct state *s)
{
	s->kick = malloc(s->queues * sizeof(*s->kick));
	for (u16 i = 0; s->kick && i < s->queues; i++)
		s->kick[i] = -1;
	s->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!s->kick || s->irq < 0)
		return failed("eventfd");
	if (eventfds_open(&s->eventfds, &s->m.ioreq) ||
	    eventfds_msi(&s->eventfds, XEN_INTERRUPT_VECTOR, s->irq, true))
		return -1;
	s->has_irq = true;
	for (u16 i = 0; i < s->queues; i++) {
		s->kick[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (s->kick[i] < 0)
			return failed("eventfd");
		if (eventfds_kick(&s->eventfds, XEN_WINDOW, i, s->kick[i], true))
			return -1;
		s->kicks_claimed++;
	}
	s->nobody = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->nobody < 0)
		return failed("eventfd");
	if (eventfds_kick(&s->eventfds, CALIBRATION_WINDOW, 0, s->nobody, true))
		return -1;
	s->has_nobody = true;
	return rloop_start(&s->loop, s->kick, s->queues) ? failed("a thread") : 0;
}

static void close_events(struct state *s)
{
	rloop_stop(&s->loop);
	/* The kernel looks into the page of requests until it is told that nobody listens. */
	for (u16 i = 0; i < s->kicks_claimed; i++)
		eventfds_kick(&s->eventfds, XEN_WINDOW, i, s->kick[i], false);
	if (s->has_nobody)
		eventfds_kick(&s->eventfds, CALIBRATION_WINDOW, 0, s->nobody, false);
	if (s->has_irq)
		eventfds_msi(&s->eventfds, XEN_INTERRUPT_VECTOR, s->irq, false);
	for (u16 i = 0; s->kick && i < s->queues; i++)
		if (s->kick[i] >= 0)
			close(s->kick[i]);
	free(s->kick);
	if (s->irq >= 0)
		close(s->irq);
	if (s->nobody >= 0)
		close(s->nobody);
	eventfds_close(&s->eventfds);
}

static int open_device(struct state *s, const struct xen_device_opts *d)
{
	s->queues = d->dev->num_queues;
	if (rloop_open(&s->loop, &s->regs.mmio.r))
		return failed("the reactor");
	if (xen_registers_open(&s->regs, d, &device_ops, s))
		return -1;
	for (u16 q = 0; q < s->queues; q++)
		if (d->dev->ops->queue_open(d->dev, q, &s->loop.reactor))
			return failed("the device's queue");
	return 0;
}

int xen_events(const struct xen_monitor_opts *o, const struct xen_device_opts *d)
{
	static struct state s;
	int status = XEN_STATUS_FAILED;

	memset(&s, 0, sizeof(s));
	s.irq = s.nobody = s.eventfds.privcmd = -1;
	if (open_device(&s, d) == 0) {
		status = XEN_STATUS_REFUSED;
		if (xen_monitor_open(&s.m, o) == 0) {
			if (open_events(&s) == 0)
				status = xen_monitor_run(&s.m, &monitor_ops, &s);
			close_events(&s);
			xen_monitor_close(&s.m);
		}
	}
	for (u16 q = 0; q < s.queues; q++)
		d->dev->ops->queue_close(d->dev, q);
	rloop_close(&s.loop);
	xen_registers_close(&s.regs);
	return status;
}
