// SPDX-License-Identifier: BSD-3-Clause
/*
 * The device model on a thread of its own, in the same process. The guest's notification becomes an event
 * inside the kernel (ioeventfd), and the device's interrupt another one (irqfd): the processor's thread
 * leaves the kernel for registers only.
 */
#include <errno.h>
#include <linux/virtio_mmio.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ref-backends/binding/kvm/attach.h"
#include "ref-backends/device/host/measure.h"

static void event_line(void *ctx, bool level)
{
	struct attach *a = ctx;
	const u64 one = 1;

	/* An edge: the kernel lets the line fall by itself. */
	if (level && write(a->irq, &one, sizeof(one)) == sizeof(one))
		measure_call();
}

/* The vector whose message it is. A message that a vector has for the first time, or anew, is told to KVM. */
static void event_msi(void *ctx, u64 addr, u32 data)
{
	struct attach *a = ctx;
	const u64 one = 1;

	for (u16 v = 0; v < a->regs.vectors; v++) {
		const struct rpci_vector *e = &a->pci.vector[v];

		if (((u64)e->addr_hi << 32 | e->addr_lo) != addr || e->data != data)
			continue;
		if (vm_msi_route(a->v, VM_GSI_MSI + v, addr, data))
			fprintf(stderr, "ringside-vmm: %s\n", vm_error);
		else if (write(a->msi[v], &one, sizeof(one)) == sizeof(one))
			measure_call();
		return;
	}
}

const struct rreg_ops attach_event_ops = {
	.translate = attach_translate,
	.line = event_line,
	.msi = event_msi,
};

static void serve(struct attach *a, unsigned queue)
{
	u64 value;

	if (read(a->kick[queue], &value, sizeof(value)) < 0)
		return;
	pthread_mutex_lock(&a->lock);
	a->kicks++;
	rreg_kick(&a->regs, queue);
	while (rreg_pending(&a->regs)) {
		/* Others may have their turn: the guest runs meanwhile, and may go on adding. */
		pthread_mutex_unlock(&a->lock);
		pthread_mutex_lock(&a->lock);
		rreg_run(&a->regs);
	}
	pthread_mutex_unlock(&a->lock);
}

/* With one queue, which most devices have, a read is all; else one look tells which. */
static void *events_thread(void *arg)
{
	struct attach *a = arg;
	const unsigned n = a->dev->num_queues;
	struct pollfd *p = calloc(n + 1, sizeof(*p));

	if (!p)
		abort();
	for (unsigned i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = a->kick[i], .events = POLLIN };
	p[n] = (struct pollfd){ .fd = a->stop, .events = POLLIN };
	for (;;) {
		if (poll(p, n + 1, -1) < 0 && errno != EINTR)
			break;
		if (p[n].revents)
			break;
		for (unsigned i = 0; i < n; i++)
			if (p[i].revents)
				serve(a, i);
	}
	free(p);
	return NULL;
}

static int open_vectors(struct attach *a)
{
	const u16 n = a->regs.vectors;

	if (n > VM_MSIS) {
		errno = ENOSPC;
		return vm_failed("a message for each queue");
	}
	a->msi = malloc(n * sizeof(*a->msi));
	if (!a->msi)
		return vm_failed("memory");
	for (u16 v = 0; v < n; v++)
		a->msi[v] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (u16 v = 0; v < n; v++)
		if (a->msi[v] < 0 || vm_irqfd(a->v, VM_GSI_MSI + v, a->msi[v], true))
			return vm_failed("a message's event");
	return 0;
}

void attach_events_moved(struct attach *a, u64 notify)
{
	for (u16 q = 0; a->kick && q < a->dev->num_queues; q++) {
		const u64 at = (u64)q * RPCI_NOTIFY_MULTIPLIER;

		if ((a->notify && vm_ioeventfd_any(a->v, a->notify + at, a->kick[q], false)) ||
		    (notify && vm_ioeventfd_any(a->v, notify + at, a->kick[q], true)))
			fprintf(stderr, "ringside-vmm: %s\n", vm_error);
	}
	a->notify = notify;
}

static int open_events(struct attach *a)
{
	const unsigned n = a->dev->num_queues;

	a->kick = calloc(n, sizeof(*a->kick));
	a->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	a->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!a->kick || a->irq < 0 || a->stop < 0)
		return vm_failed("eventfd");
	for (unsigned i = 0; i < n; i++) {
		a->kick[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (a->kick[i] < 0)
			return vm_failed("eventfd");
		if (!a->o->pci && vm_ioeventfd(a->v, KVM_WINDOW + VIRTIO_MMIO_QUEUE_NOTIFY, true, i,
					       a->kick[i], true))
			return -1;
	}
	if (a->o->pci && open_vectors(a))
		return -1;
	return vm_irqfd(a->v, KVM_WINDOW_LINE, a->irq, true);
}

int attach_events_open(struct attach *a)
{
	sigset_t all, old;

	if (open_events(a))
		return -1;
	/* Signals are for the processor's thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	a->has_thread = pthread_create(&a->thread, NULL, events_thread, a) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return a->has_thread ? 0 : vm_failed("a thread");
}

void attach_events_close(struct attach *a)
{
	const u64 one = 1;

	if (a->has_thread && write(a->stop, &one, sizeof(one)) == sizeof(one))
		pthread_join(a->thread, NULL);
	a->has_thread = false;
	for (unsigned i = 0; a->kick && i < a->dev->num_queues; i++)
		close(a->kick[i]);
	free(a->kick);
	a->kick = NULL;
	for (u16 v = 0; a->msi && v < a->regs.vectors; v++)
		if (a->msi[v] >= 0)
			close(a->msi[v]);
	free(a->msi);
	a->msi = NULL;
	if (a->irq >= 0)
		close(a->irq);
	if (a->stop >= 0)
		close(a->stop);
	a->irq = a->stop = -1;
}
