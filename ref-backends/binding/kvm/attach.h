/* SPDX-License-Identifier: BSD-3-Clause */
/* A device in the window: registers whose accesses exit to here, connected in one of the three ways. */
#ifndef REF_BACKENDS_BINDING_KVM_ATTACH_H
#define REF_BACKENDS_BINDING_KVM_ATTACH_H

#include "ref-backends/binding/front/remote.h"
#include "ref-backends/binding/kvm/vm.h"
#include "ref-backends/binding/registers/mmio.h"
#include "ref-backends/device/host/reactor.h"

struct attach {
	const struct kvm_opts *o;
	struct vm *v;
	struct rmmio mmio;
	void *memory;
	struct rdev *dev;
	struct remote remote;
	bool has_remote;
	struct reactor
		reactor; /* what devices ask for: without a ring, so that all is done at once */
	/* eventfd: everything of the device is under this. */
	pthread_mutex_t lock;
	pthread_t thread;
	bool has_thread;
	int irq;   /* irqfd */
	int stop;  /* ends the thread */
	int *kick; /* one for each queue */
	u64 kicks; /* notifications that came as an event */
	/* The back-end went away: called on another thread. */
	void (*gone)(void *ctx);
	void *ctx;
};

/* 0, or -1 with one line in vm_error. */
int attach_open(struct attach *a, const struct kvm_opts *o, struct vm *v);
void attach_close(struct attach *a);

/* What the guest does in the window. */
u64 attach_read(struct attach *a, u32 offset, unsigned size);
void attach_write(struct attach *a, u32 offset, unsigned size, u64 value);

/* attach_events.c: the device on a thread of its own. */
int attach_events_open(struct attach *a);
void attach_events_close(struct attach *a);

/* attach_shim.c: a vhost-user back-end. Returns the device, or NULL with vm_error. */
struct rdev *attach_shim_open(struct attach *a);
int attach_shim_start(struct attach *a);
void attach_shim_close(struct attach *a);

extern const struct rreg_ops attach_event_ops, attach_shim_ops;
void *attach_translate(void *ctx, u64 gpa, u64 *len);

#endif
