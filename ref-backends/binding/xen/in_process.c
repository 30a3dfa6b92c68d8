// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/xen/in_process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ref-backends/device/host/measure.h"
#include "ref-backends/device/host/reactor.h"

struct state {
	struct xen_monitor m;
	struct xen_registers regs;
	struct reactor reactor;
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
	if (level)
		measure_call();
}

static const struct rreg_ops device_ops = { .translate = translate, .line = line, .injects = true };

static u64 on_read(void *ctx, u32 offset, unsigned size)
{
	struct state *s = ctx;

	return rmmio_read(&s->regs.mmio, offset, size);
}

static void on_write(void *ctx, u32 offset, unsigned size, u64 value)
{
	struct state *s = ctx;

	rmmio_write(&s->regs.mmio, offset, size, value);
}

static unsigned on_listen(void *ctx, struct pollfd *p)
{
	struct state *s = ctx;

	return reactor_listen(&s->reactor, p);
}

static void on_resized(void *ctx)
{
	struct state *s = ctx;

	rreg_resized(&s->regs.mmio.r);
}

static bool on_work(void *ctx)
{
	struct state *s = ctx;

	/* Completions may queue further operations, and free slots for chains that wait. */
	do {
		reactor_poll(&s->reactor);
		if (rreg_pending(&s->regs.mmio.r))
			rreg_run(&s->regs.mmio.r);
	} while (reactor_has_uring(&s->reactor) && io_uring_sq_ready(&s->reactor.uring));
	return rreg_pending(&s->regs.mmio.r);
}

static const struct xen_monitor_ops monitor_ops = {
	.read = on_read,
	.write = on_write,
	.listen = on_listen,
	.work = on_work,
	.resized = on_resized,
};

static int open_device(struct state *s, const struct xen_device_opts *d)
{
	if (xen_registers_open(&s->regs, d, &device_ops, s))
		return -1;
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
	if (open_device(&s, d) == 0) {
		status = XEN_STATUS_REFUSED;
		if (xen_monitor_open(&s.m, o) == 0) {
			status = xen_monitor_run(&s.m, &monitor_ops, &s);
			xen_monitor_close(&s.m);
		}
	}
	for (u16 q = 0; q < d->dev->num_queues; q++)
		d->dev->ops->queue_close(d->dev, q);
	reactor_exit(&s.reactor);
	xen_registers_close(&s.regs);
	return status;
}
