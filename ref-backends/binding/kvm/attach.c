// SPDX-License-Identifier: BSD-3-Clause
/* What the three ways have in common, and the first of them: what the guest asks for is done on the processor's thread. */
#include "ref-backends/binding/kvm/attach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ref-backends/device/host/measure.h"

void *attach_translate(void *ctx, u64 gpa, u64 *len)
{
	const struct attach *a = ctx;

	if (gpa >= a->v->ram_size)
		return NULL;
	*len = MIN(*len, a->v->ram_size - gpa);
	return a->v->ram + gpa;
}

/* A message to nowhere is the guest's doing. */
static void complain_once(void)
{
	static bool said;

	if (!said)
		fprintf(stderr, "ringside-vmm: %s\n", vm_error);
	said = true;
}

static void library_line(void *ctx, bool level)
{
	struct attach *a = ctx;

	vm_line(a->v, KVM_WINDOW_LINE, level);
	if (level)
		measure_call();
}

static void library_msi(void *ctx, u64 addr, u32 data)
{
	struct attach *a = ctx;

	if (vm_msi(a->v, addr, data))
		complain_once();
	else
		measure_call();
}

static const struct rreg_ops library_ops = {
	.translate = attach_translate,
	.line = library_line,
	.msi = library_msi,
	.injects = true,
};

static const struct rreg_ops *const ops_of[] = {
	[KVM_LIBRARY] = &library_ops,
	[KVM_EVENTFD] = &attach_event_ops,
	[KVM_VHOST_USER] = &attach_shim_ops,
};

static int open_registers(struct attach *a)
{
	struct rreg_opts opts = {
		.dev = a->dev, .queue_size = a->o->queue_size, .ops = ops_of[a->o->mode], .ctx = a
	};
	size_t size;

	/* What another program serves has the features that it offers, and no more. */
	if (a->o->mode == KVM_VHOST_USER)
		opts.hidden = ~a->dev->ops->features(a->dev);
	size = ALIGN_UP(rreg_memory(&opts), 64);
	a->memory = aligned_alloc(64, size);
	if (!a->memory)
		return vm_failed("memory");
	memset(a->memory, 0, size);
	if (a->o->pci)
		rpci_init(&a->pci, &opts, false, a->memory);
	else
		rmmio_init(&a->mmio, &opts, a->memory);
	for (u16 q = 0; q < a->dev->num_queues; q++)
		if (a->dev->ops->queue_open(a->dev, q, &a->loop.reactor))
			return vm_failed("the device's queue");
	return 0;
}

int attach_open(struct attach *a, const struct kvm_opts *o, struct vm *v)
{
	a->o = o;
	a->v = v;
	a->dev = o->dev;
	a->irq = a->stop = -1;
	if (rloop_open(&a->loop, &a->regs))
		return vm_failed("the reactor");
	if (o->mode == KVM_VHOST_USER)
		a->dev = attach_shim_open(a);
	if (!a->dev || open_registers(a))
		return -1;
	switch (o->mode) {
	case KVM_EVENTFD:
		return attach_events_open(a);
	case KVM_VHOST_USER:
		return attach_shim_start(a);
	default:
		return rloop_start(&a->loop, NULL, 0) ? vm_failed("a thread") : 0;
	}
}

void attach_close(struct attach *a)
{
	rloop_stop(&a->loop);
	attach_shim_close(a);
	attach_events_close(a);
	for (u16 q = 0; a->memory && q < a->dev->num_queues; q++)
		a->dev->ops->queue_close(a->dev, q);
	rloop_close(&a->loop);
	free(a->memory);
	a->memory = NULL;
}

/* What the back-end said of itself meanwhile. */
static void settle(struct attach *a)
{
	if (a->has_remote && a->remote.front.channel.changed)
		remote_channel(&a->remote, &a->regs);
}

u64 attach_read(struct attach *a, u32 offset, unsigned size)
{
	u64 value;

	pthread_mutex_lock(&a->loop.lock);
	if (a->has_remote)
		remote_look(&a->remote, &a->regs);
	value = rmmio_read(&a->mmio, offset, size);
	settle(a);
	pthread_mutex_unlock(&a->loop.lock);
	return value;
}

void attach_write(struct attach *a, u32 offset, unsigned size, u64 value)
{
	rloop_enter(&a->loop);
	rmmio_write(&a->mmio, offset, size, value);
	settle(a);
	rloop_leave(&a->loop);
}

void attach_resized(struct attach *a)
{
	rloop_resized(&a->loop);
}

u64 attach_kicks(const struct attach *a)
{
	return __atomic_load_n(&a->loop.kicks, __ATOMIC_RELAXED);
}
