/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device in the window, or a PCI function: registers whose accesses exit to here, connected in one of the three
 * ways.
 */
#ifndef REF_BACKENDS_BINDING_KVM_ATTACH_H
#define REF_BACKENDS_BINDING_KVM_ATTACH_H

#include "ref-backends/binding/front/remote.h"
#include "ref-backends/binding/kvm/vm.h"
#include "ref-backends/binding/loop/loop.h"
#include "ref-backends/binding/registers/mmio.h"
#include "ref-backends/binding/registers/pci.h"

struct attach {
	const struct kvm_opts *o;
	struct vm *v;
	union {
		struct rreg regs; /* of either */
		struct rmmio mmio;
		struct rpci pci;
	};
	u32 pci_address; /* what port 0xcf8 was told */
	u64 notify;	 /* PCI, eventfd: where notifications are events now; 0: nowhere */
	void *memory;
	struct rdev *dev;
	struct remote remote;
	bool has_remote;
	struct rloop loop; /* everything of the device is under its lock */
	int irq;	   /* irqfd */
	int *msi;	   /* PCI: one for each vector, or -1 */
	int *kick;	   /* eventfd: one for each queue */
	/* vhost-user: the thread that watches the back-end, and what ends it. */
	pthread_t watcher;
	bool watches;
	int stop;
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

/* attach_pci.c: ports of configuration space, and addresses that may be the function's; false: not its. */
bool attach_port_read(struct attach *a, u16 port, unsigned size, u32 *value);
bool attach_port_write(struct attach *a, u16 port, unsigned size, u32 value);
bool attach_bar_read(struct attach *a, u64 addr, unsigned size, u64 *value);
bool attach_bar_write(struct attach *a, u64 addr, unsigned size, u64 value);
/* From the processor's thread: the outside of the device changed. */
void attach_resized(struct attach *a);
/* Notifications so far that came as an event. */
u64 attach_kicks(const struct attach *a);

/* attach_events.c: the device behind events. */
int attach_events_open(struct attach *a);
void attach_events_close(struct attach *a);
/* PCI: notifications are events where the function's BAR is. */
void attach_events_moved(struct attach *a, u64 notify);

/* attach_shim.c: a vhost-user back-end. Returns the device, or NULL with vm_error. */
struct rdev *attach_shim_open(struct attach *a);
int attach_shim_start(struct attach *a);
void attach_shim_close(struct attach *a);

extern const struct rreg_ops attach_event_ops, attach_shim_ops;
void *attach_translate(void *ctx, u64 gpa, u64 *len);

#endif
