// SPDX-License-Identifier: BSD-3-Clause
/*
 * A shim: the window's registers are here, the queues are served by an unchanged vhost-user back-end. Its
 * kick is the ioeventfd, its call is the irqfd, guest memory is a memfd that it maps.
 */
#include <errno.h>
#include <linux/virtio_mmio.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ref-backends/binding/kvm/attach.h"

/* Of the configuration alone; interrupts of queues are the back-end's. */
static void shim_line(void *ctx, bool level)
{
	struct attach *a = ctx;
	const u64 one = 1;

	if (level && write(a->irq, &one, sizeof(one)) < 0)
		perror("ringside-vmm: irqfd");
}

const struct rreg_ops attach_shim_ops = {
	.translate = attach_translate,
	.line = shim_line,
	.queue_start = remote_queue_start,
	.queue_kick = remote_queue_kick,
	.queue_stop = remote_queue_stop,
};

/* Events take the short way only while the queue runs: before and after, the registers' file decides. */
static void changed(void *ctx, u16 queue, bool running)
{
	struct attach *a = ctx;
	struct remote_queue *rq = &a->remote.queues[queue];

	if (vm_ioeventfd(a->v, KVM_WINDOW + VIRTIO_MMIO_QUEUE_NOTIFY, true, queue, rq->kick,
			 running) ||
	    vm_irqfd(a->v, KVM_WINDOW_LINE, rq->call, running))
		fprintf(stderr, "ringside-vmm: %s\n", vm_error);
}

struct rdev *attach_shim_open(struct attach *a)
{
	const struct front_region ram = {
		.size = a->v->ram_size,
		.hva = (u64)(uintptr_t)a->v->ram,
		.fd = a->v->ram_fd,
	};
	struct front front;

	if (front_open(&front, a->o->socket_path, 0) || front_memory(&front, &ram, 1)) {
		snprintf(vm_error, sizeof(vm_error), "%s", front.error);
		front_close(&front);
		return NULL;
	}
	if (remote_init(&a->remote, &front, a->o->device_id, a->o->num_queues)) {
		vm_failed("the back-end's queues");
		return NULL;
	}
	a->has_remote = true;
	a->remote.changed = changed;
	a->remote.ctx = a;
	return &a->remote.dev;
}

/* Whoever waits for a back-end that is gone waits for ever, and so does who waits for a ring that it gave up. */
static void *watch_thread(void *arg)
{
	struct attach *a = arg;
	struct pollfd p[] = {
		{ .fd = a->remote.front.sock, .events = POLLRDHUP },
		{ .fd = a->stop, .events = POLLIN },
		{ .fd = a->remote.err, .events = POLLIN },
		{ .fd = a->remote.front.channel.sock, .events = POLLIN },
	};

	for (;;) {
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno == EINTR)
			continue;
		if (p[1].revents)
			return NULL;
		if (p[0].revents)
			break;
		rloop_enter(&a->loop);
		if (p[2].revents)
			remote_failed(&a->remote, &a->regs);
		if (p[3].revents)
			remote_channel(&a->remote, &a->regs);
		/* Nothing comes of one that was closed, or of a session that is broken. */
		if (a->remote.front.channel.over || a->remote.front.broken)
			p[3].fd = -1;
		rloop_leave(&a->loop);
	}
	a->gone(a->ctx);
	return NULL;
}

int attach_shim_start(struct attach *a)
{
	sigset_t all, old;

	a->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	a->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->irq < 0 || a->stop < 0)
		return vm_failed("eventfd");
	if (vm_irqfd(a->v, KVM_WINDOW_LINE, a->irq, true))
		return -1;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	a->watches = pthread_create(&a->watcher, NULL, watch_thread, a) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return a->watches ? 0 : vm_failed("a thread");
}

void attach_shim_close(struct attach *a)
{
	const u64 one = 1;

	if (a->watches && write(a->stop, &one, sizeof(one)) == sizeof(one))
		pthread_join(a->watcher, NULL);
	a->watches = false;
	if (a->stop >= 0)
		close(a->stop);
	a->stop = -1;
	if (!a->has_remote)
		return;
	remote_exit(&a->remote);
	a->has_remote = false;
}
