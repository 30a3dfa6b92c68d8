// SPDX-License-Identifier: BSD-3-Clause
/*
 * The guest's notification is an event inside dom0's kernel, and the device's interrupt another one. This
 * process answers accesses to registers on one thread, and serves the device on a second one.
 */
#include "ref-backends/binding/xen/events.h"

#include <errno.h>
#include <linux/virtio_mmio.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ref-backends/binding/xen/eventfds.h"
#include "ref-backends/device/host/measure.h"
#include "ref-backends/device/host/reactor.h"

/* The kernel adds the offset of QueueNotify itself. */
#define CALIBRATION_WINDOW (XEN_WINDOW + XEN_CAL_EVENT - VIRTIO_MMIO_QUEUE_NOTIFY)

struct state {
	struct xen_monitor m;
	struct xen_registers regs;
	struct reactor reactor; /* what devices ask for; all is done at once */
	struct eventfds eventfds;
	u16 queues;
	pthread_mutex_t lock; /* everything of the device is under this */
	pthread_t thread;
	bool has_thread, has_irq, has_nobody;
	int irq, stop, nobody;
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

	pthread_mutex_lock(&s->lock);
	value = rmmio_read(&s->regs.mmio, offset, size);
	pthread_mutex_unlock(&s->lock);
	return value;
}

static void on_write(void *ctx, u32 offset, unsigned size, u64 value)
{
	struct state *s = ctx;

	pthread_mutex_lock(&s->lock);
	rmmio_write(&s->regs.mmio, offset, size, value);
	/* The guest stands still meanwhile: this ends. */
	while (rreg_pending(&s->regs.mmio.r))
		rreg_run(&s->regs.mmio.r);
	pthread_mutex_unlock(&s->lock);
}

static int on_fd(void *ctx)
{
	return -1;
}

static const struct xen_monitor_ops monitor_ops = { .read = on_read,
						    .write = on_write,
						    .fd = on_fd };

static void serve(struct state *s, u16 queue)
{
	u64 value;

	if (read(s->kick[queue], &value, sizeof(value)) < 0)
		return;
	pthread_mutex_lock(&s->lock);
	rreg_kick(&s->regs.mmio.r, queue);
	while (rreg_pending(&s->regs.mmio.r)) {
		/* Others may have their turn: the guest runs meanwhile, and may go on adding. */
		pthread_mutex_unlock(&s->lock);
		pthread_mutex_lock(&s->lock);
		rreg_run(&s->regs.mmio.r);
	}
	pthread_mutex_unlock(&s->lock);
}

static void *serve_events(void *arg)
{
	struct state *s = arg;
	struct pollfd p[257];

	for (u16 i = 0; i < s->queues; i++)
		p[i] = (struct pollfd){ .fd = s->kick[i], .events = POLLIN };
	p[s->queues] = (struct pollfd){ .fd = s->stop, .events = POLLIN };
	for (;;) {
		if (poll(p, s->queues + 1u, -1) < 0 && errno != EINTR)
			return NULL;
		if (p[s->queues].revents)
			return NULL;
		for (u16 i = 0; i < s->queues; i++)
			if (p[i].revents)
				serve(s, i);
	}
}

static int open_events(struct state *s)
{
	s->kick = malloc(s->queues * sizeof(*s->kick));
	for (u16 i = 0; s->kick && i < s->queues; i++)
		s->kick[i] = -1;
	s->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!s->kick || s->irq < 0 || s->stop < 0)
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
	/* Signals are for the other thread: it has blocked them already. */
	s->has_thread = pthread_create(&s->thread, NULL, serve_events, s) == 0;
	return s->has_thread ? 0 : failed("a thread");
}

static void close_events(struct state *s)
{
	const u64 one = 1;

	if (s->has_thread && write(s->stop, &one, sizeof(one)) == sizeof(one))
		pthread_join(s->thread, NULL);
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
	if (s->stop >= 0)
		close(s->stop);
	if (s->nobody >= 0)
		close(s->nobody);
	eventfds_close(&s->eventfds);
}

static int open_device(struct state *s, const struct xen_device_opts *d)
{
	s->queues = d->dev->num_queues;
	if (reactor_init_plain(&s->reactor))
		return failed("the reactor");
	if (xen_registers_open(&s->regs, d, &device_ops, s))
		return -1;
	for (u16 q = 0; q < s->queues; q++)
		if (d->dev->ops->queue_open(d->dev, q, &s->reactor))
			return failed("the device's queue");
	return 0;
}

int xen_events(const struct xen_monitor_opts *o, const struct xen_device_opts *d)
{
	static struct state s;
	int status = XEN_STATUS_FAILED;

	memset(&s, 0, sizeof(s));
	s.irq = s.stop = s.nobody = s.eventfds.privcmd = -1;
	pthread_mutex_init(&s.lock, NULL);
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
	reactor_exit(&s.reactor);
	xen_registers_close(&s.regs);
	return status;
}
