// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/xen/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_mmio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "harness/spec/virtio14.h"
#include "ref-backends/binding/front/bounce.h"
#include "ref-backends/binding/front/remote.h"
#include "ref-backends/binding/xen/registers.h"
#include "traces/trace.h"

#define SOCKET_EVENT 0xffffu /* beside the numbers of queues */
#define ERROR_EVENT  0xfffeu
#define OWN_EVENT    0xfffdu

/* Where the guest's memory is, as granted. */
#define GRANTED_AT (VU_XEN_GRANT_ADDR | (u64)XEN_GRANTS_FIRST << 12)

struct shim {
	struct xen_monitor m;
	const struct xen_shim_opts *o;
	struct xen_registers regs;
	/* foreign, grants; bounce */
	struct remote remote;
	struct bounce bounce;
	struct rdev *dev;
	int epoll, fd; /* privcmd, gntdev */
};

static bool bounces(const struct shim *s)
{
	return s->o->share == XEN_SHARE_BOUNCE;
}

static bool granted(const struct shim *s)
{
	return s->o->share == XEN_SHARE_GRANTS;
}

static int failed(const char *what)
{
	fprintf(stderr, "ringside-xen: %s: %s\n", what, strerror(errno));
	return -1;
}

/* --- between the registers and the back-end -------------------------------------------------------------- */

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	struct shim *s = ctx;

	/* Without the feature the driver gives addresses that no grant stands behind. */
	if (granted(s)) {
		if (gpa < GRANTED_AT)
			return NULL;
		gpa -= GRANTED_AT;
	}
	return xen_memory_at(&s->m.memory, gpa, len);
}

static void line(void *ctx, bool level)
{
	struct shim *s = ctx;

	xen_interrupt_level(&s->m.interrupt, level);
}

/* Rings are served here, and each request is given to the back-end. */
static const struct rreg_ops bounce_ops = { .translate = translate, .line = line, .injects = true };

static const struct rreg_ops mapped_ops = {
	.translate = translate,
	.line = line,
	.queue_start = remote_queue_start,
	.queue_kick = remote_queue_kick,
	.queue_stop = remote_queue_stop,
};

/* --- the guest ------------------------------------------------------------------------------------------------ */

static int call_fd(const struct shim *s, u32 queue)
{
	return bounces(s) ? s->bounce.queues[queue].call : s->remote.queues[queue].call;
}

/* The back-end decides whether there is to be an interrupt, and each of its calls is one. */
static void called(struct shim *s, u32 queue)
{
	struct rreg *r = &s->regs.mmio.r;
	u64 value;

	if (read(call_fd(s, queue), &value, sizeof(value)) != sizeof(value))
		return;
	if (bounces(s)) {
		bounce_called(&s->bounce, (u16)queue);
		return;
	}
	r->face->interrupt(r, (int)queue);
	trace_inject((u16)queue, 0, 0, 0);
}

static struct front *front_of(struct shim *s)
{
	return bounces(s) ? &s->bounce.front : &s->remote.front;
}

static void read_channel(struct shim *s)
{
	if (bounces(s))
		bounce_channel(&s->bounce, &s->regs.mmio.r);
	else
		remote_channel(&s->remote, &s->regs.mmio.r);
}

/* What the back-end said of itself while something else was asked of it. */
static void settle(struct shim *s)
{
	if (front_of(s)->channel.changed)
		read_channel(s);
}

static void on_channel(struct shim *s)
{
	const struct front *f = front_of(s);

	read_channel(s);
	/* Nothing comes of one that was closed, or of a session that is broken. */
	if (f->channel.over || f->broken)
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, f->channel.sock, NULL);
}

static u64 on_read(void *ctx, u32 offset, unsigned size)
{
	struct shim *s = ctx;
	u64 value;

	/* What was called before is seen now, though nobody has polled since. */
	for (u16 q = 0; offset == VIRTIO_MMIO_INTERRUPT_STATUS && q < s->dev->num_queues; q++)
		called(s, q);
	value = rmmio_read(&s->regs.mmio, offset, size);
	settle(s);
	return value;
}

static void on_write(void *ctx, u32 offset, unsigned size, u64 value)
{
	struct shim *s = ctx;

	rmmio_write(&s->regs.mmio, offset, size, value);
	settle(s);
	/* The back-end was told on the way. */
	if (offset == VIRTIO_MMIO_QUEUE_NOTIFY && !bounces(s))
		trace_kick((u16)value, 0, 0, 0);
}

static unsigned on_listen(void *ctx, struct pollfd *p)
{
	*p = (struct pollfd){ .fd = ((struct shim *)ctx)->epoll, .events = POLLIN };
	return 1;
}

static void on_ready(void *ctx)
{
	struct shim *s = ctx;
	struct epoll_event e[16];
	const int n = epoll_wait(s->epoll, e, ARRAY_SIZE(e), 0);

	for (int i = 0; i < n; i++) {
		if (e[i].data.u32 == ERROR_EVENT) {
			remote_failed(&s->remote, &s->regs.mmio.r);
			continue;
		}
		if (e[i].data.u32 == OWN_EVENT) {
			on_channel(s);
			continue;
		}
		if (e[i].data.u32 != SOCKET_EVENT) {
			called(s, e[i].data.u32);
			continue;
		}
		fputs("ringside-xen: the back-end went away\n", stderr);
		xen_monitor_stop(&s->m, XEN_STATUS_GONE);
	}
}

static bool on_work(void *ctx)
{
	struct shim *s = ctx;

	if (rreg_pending(&s->regs.mmio.r))
		rreg_run(&s->regs.mmio.r);
	return rreg_pending(&s->regs.mmio.r);
}

static const struct xen_monitor_ops monitor_ops = {
	.read = on_read,
	.write = on_write,
	.listen = on_listen,
	.ready = on_ready,
	.work = on_work,
};

/* --- the back-end ---------------------------------------------------------------------------------------------- */

static int watch(struct shim *s, int fd, u32 events, u32 what)
{
	struct epoll_event e = { .events = events, .data.u32 = what };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) ? failed("epoll") : 0;
}

static int backend_failed(struct front *f)
{
	fprintf(stderr, "ringside-xen: vhost-user: %s\n", f->error);
	front_close(f);
	return -1;
}

static int share_memory(const struct shim *s, struct front *f)
{
	const struct front_region ram = {
		.gpa = granted(s) ? GRANTED_AT : XEN_RAM_BASE,
		.size = s->m.domain.ram_size,
		.hva = (u64)(uintptr_t)s->m.memory.ram,
		.fd = s->fd,
		.xen = granted(s) ? VU_XEN_GRANT : VU_XEN_FOREIGN,
		.domain = s->m.domain.id,
	};

	return front_memory(f, &ram, 1);
}

static int share_grants(void *ctx)
{
	struct shim *s = ctx;

	return share_memory(s, &s->remote.front);
}

static int open_mapped(struct shim *s, struct front *f)
{
	if (!(f->protocol & BIT_ULL(VU_PF_XEN_MMAP))) {
		fputs("ringside-xen: the back-end cannot map a guest of Xen's (XEN_MMAP): "
		      "--share bounce does without\n",
		      stderr);
		front_close(f);
		return -1;
	}
	if (!granted(s) && share_memory(s, f))
		return backend_failed(f);
	if (remote_init(&s->remote, f, s->o->device_id, s->o->num_queues))
		return failed("the back-end's queues");
	if (granted(s)) {
		s->remote.own = BIT_ULL(VIRTIO_F_ACCESS_PLATFORM);
		s->remote.share = share_grants;
		s->remote.ctx = s;
	}
	s->dev = &s->remote.dev;
	return 0;
}

static int open_bounce(struct shim *s, struct front *f)
{
	if (bounce_init(&s->bounce, f, s->o->device_id,
			remote_config_size(s->o->device_id, f->offered), s->o->num_queues))
		return -1;
	s->dev = &s->bounce.dev;
	return 0;
}

static int open_backend(struct shim *s)
{
	const char *const path = granted(s) ? "/dev/xen/gntdev" : "/dev/xen/privcmd";
	struct front front;

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->fd = open(path, O_RDWR | O_CLOEXEC);
	if (s->epoll < 0 || s->fd < 0)
		return failed(path);
	if (front_open(&front, s->o->socket_path, bounces(s) ? 0 : BIT_ULL(VU_PF_XEN_MMAP)))
		return backend_failed(&front);
	if (bounces(s) ? open_bounce(s, &front) : open_mapped(s, &front))
		return -1;
	for (u16 q = 0; q < s->dev->num_queues; q++)
		if (watch(s, call_fd(s, q), EPOLLIN, q))
			return -1;
	if (!bounces(s) && watch(s, s->remote.err, EPOLLIN, ERROR_EVENT))
		return -1;
	if (front.channel.sock >= 0 && watch(s, front.channel.sock, EPOLLIN, OWN_EVENT))
		return -1;
	return watch(s, front.sock, EPOLLRDHUP, SOCKET_EVENT);
}

static int open_registers(struct shim *s)
{
	const struct xen_device_opts d = {
		.dev = s->dev,
		.queue_size = s->o->queue_size,
		/* What another program serves has the features that it offers, and no more. */
		.hidden = bounces(s) ? 0 : ~s->dev->ops->features(s->dev),
	};

	return xen_registers_open(&s->regs, &d, bounces(s) ? &bounce_ops : &mapped_ops, s);
}

int xen_shim(const struct xen_monitor_opts *o, const struct xen_shim_opts *so)
{
	static struct shim s;
	int status = XEN_STATUS_FAILED;

	s.o = so;
	s.epoll = s.fd = -1;
	if (xen_monitor_open(&s.m, o))
		return XEN_STATUS_REFUSED;
	if (open_backend(&s) == 0 && open_registers(&s) == 0)
		status = xen_monitor_run(&s.m, &monitor_ops, &s);
	if (s.dev == &s.remote.dev)
		remote_exit(&s.remote);
	else if (s.dev)
		bounce_exit(&s.bounce);
	xen_monitor_close(&s.m);
	xen_registers_close(&s.regs);
	if (s.epoll >= 0)
		close(s.epoll);
	if (s.fd >= 0)
		close(s.fd);
	return status;
}
