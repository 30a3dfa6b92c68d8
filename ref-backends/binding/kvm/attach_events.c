// SPDX-License-Identifier: BSD-3-Clause
/*
 * The device model on a thread of its own, in the same process. The guest's notification becomes an event
 * inside the kernel (ioeventfd), and the device's interrupt another one (irqfd): the processor's thread
 * leaves the kernel for registers only.
 */
#include <errno.h>
#include <linux/virtio_mmio.h>
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
	if (!a->kick || a->irq < 0)
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
	if (open_events(a))
		return -1;
	return rloop_start(&a->loop, a->kick, a->dev->num_queues) ? vm_failed("a thread") : 0;
}

void attach_events_close(struct attach *a)
{
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
	a->irq = -1;
}
