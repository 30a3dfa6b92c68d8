/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small KVM monitor: one processor, memory in a memfd, the kernel's interrupt controllers, one device on
 * virtio-mmio or on PCI, and what the probe needs of a PC: port 0xe9 to say things, port 0xf4 to end.
 *
 * A device is connected in one of three ways (enum kvm_mode). Guests are x86_64 ELF files with a PVH entry.
 */
#ifndef REF_BACKENDS_BINDING_KVM_KVM_H
#define REF_BACKENDS_BINDING_KVM_KVM_H

#include "ref-backends/device/device.h"

/* Where the window is, and the I/O APIC's pin of its line: as microvm has it. */
#define KVM_WINDOW	0xfeb00000u
#define KVM_WINDOW_SIZE 0x200u
#define KVM_WINDOW_LINE 5u
/* For calibration: a register that exits and nothing else, one that is an ioeventfd which nobody waits
 * for, and one at which a thread raises line 6. */
#define KVM_CAL_EXIT   0xfeb01000u
#define KVM_CAL_EVENT  0xfeb02000u
#define KVM_CAL_INJECT 0xfeb03000u
#define KVM_CAL_LINE   6u

enum kvm_mode {
	KVM_LIBRARY,	/* the device model serves where the guest's access exits to */
	KVM_EVENTFD,	/* the device model on a thread of its own, behind ioeventfd and irqfd */
	KVM_VHOST_USER, /* a vhost-user back-end behind ioeventfd and irqfd */
};

struct kvm_opts {
	const char *kernel, *append;
	u64 ram;
	enum kvm_mode mode;
	bool pci; /* the device is a PCI function, 00:01.0; not with KVM_VHOST_USER */
	/* library, eventfd: the device. */
	struct rdev *dev;
	u16 queue_size;
	/* vhost-user: the socket, and what device the driver is to see. */
	const char *socket_path;
	u32 device_id;
	u16 num_queues;
	/* What the guest writes to port 0xe9; -1: nowhere. */
	int stream;
	/* Figures between two marks of the guest's: a file, or NULL. */
	const char *counts;
	bool stamps; /* the guest's counter is the host's */
};

/* How it ended, and the exit status. What a guest writes to port 0xf4 ends as from QEMU's isa-debug-exit. */
enum kvm_end {
	KVM_END_OK = 0,	     /* powered off or reset without a word */
	KVM_END_FAILED = 1,  /* something could not be opened */
	KVM_END_GONE = 3,    /* the back-end went away */
	KVM_END_REFUSED = 4, /* KVM is not there, or cannot run the guest */
	KVM_END_CRASHED = 5, /* a fault that the guest could not take */
};

/* Run the guest until it ends, or SIGTERM. The exit status, after a line on stderr if it is 1, 3, 4 or 5. */
int kvm_run(const struct kvm_opts *o);

/* Run a tiny guest, against the clock. NULL when KVM runs ordinary guests, else why not. */
const char *kvm_check(void);

#endif
