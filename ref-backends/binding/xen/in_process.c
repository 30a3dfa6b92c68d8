// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/xen/in_process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref-backends/binding/registers/mmio.h"
#include "ref-backends/device/host/reactor.h"

struct state {
	struct xen_monitor m;
	struct rmmio mmio;
	struct reactor reactor;
	void *memory;
};

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	struct state *s = ctx;

	return xen_memory_at(&s->m.memory, gpa, len);
}

static void line(void *ctx, bool level)
{
	struct state *s = ctx;

	xen_interrupt_level(&s->m.interrupt, level);
}

static const struct rreg_ops device_ops = { .translate = translate, .line = line };

static u64 on_read(void *ctx, u32 offset, unsigned size)
{
	struct state *s = ctx;

	return rmmio_read(&s->mmio, offset, size);
}

static void on_write(void *ctx, u32 offset, unsigned size, u64 value)
{
	struct state *s = ctx;

	rmmio_write(&s->mmio, offset, size, value);
}

static int on_fd(void *ctx)
{
	struct state *s = ctx;

	return reactor_has_uring(&s->reactor) ? s->reactor.uring.ring_fd : -1;
}

static bool on_work(void *ctx)
{
	struct state *s = ctx;

	/* Completions may queue further operations, and free slots for chains that wait. */
	do {
		reactor_poll(&s->reactor);
		if (rreg_pending(&s->mmio.r))
			rreg_run(&s->mmio.r);
	} while (reactor_has_uring(&s->reactor) && io_uring_sq_ready(&s->reactor.uring));
	return rreg_pending(&s->mmio.r);
}

static const struct xen_monitor_ops monitor_ops = {
	.read = on_read,
	.write = on_write,
	.fd = on_fd,
	.work = on_work,
};

static int open_device(struct state *s, const struct xen_device_opts *d)
{
	struct rreg_opts o = { .dev = d->dev,
			       .queue_size = d->queue_size,
			       .hidden = d->hidden,
			       .ops = &device_ops,
			       .ctx = s };
	const size_t size = ALIGN_UP(rreg_memory(&o), 64);

	s->memory = aligned_alloc(64, size);
	if (!s->memory) {
		fprintf(stderr, "ringside-xen: memory: %s\n", strerror(errno));
		return -1;
	}
	memset(s->memory, 0, size);
	rmmio_init(&s->mmio, &o, s->memory);
	for (u16 q = 0; q < d->dev->num_queues; q++)
		if (d->dev->ops->queue_open(d->dev, q, &s->reactor))
			return -1;
	return 0;
}

int xen_in_process(const struct xen_monitor_opts *o, const struct xen_device_opts *d)
{
	static struct state s;
	int status = XEN_STATUS_FAILED;

	if (reactor_init(&s.reactor, 128)) {
		fprintf(stderr, "ringside-xen: io_uring: %s\n", strerror(errno));
		return status;
	}
	if (open_device(&s, d) == 0 && xen_monitor_open(&s.m, o) == 0) {
		status = xen_monitor_run(&s.m, &monitor_ops, &s);
		xen_monitor_close(&s.m);
	}
	for (u16 q = 0; q < d->dev->num_queues; q++)
		d->dev->ops->queue_close(d->dev, q);
	reactor_exit(&s.reactor);
	free(s.memory);
	return status;
}
