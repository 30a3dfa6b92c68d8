/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One guest in a domain of its own, and one device for it: what all ways of connecting the device have in
 * common. The device is a virtio-mmio window at XEN_WINDOW, whose registers are served by the
 * monitor's user; the guest ends by a write to port XEN_EXIT_PORT, as with QEMU's isa-debug-exit, or to
 * XEN_CAL_END of the window.
 */
#ifndef REF_BACKENDS_BINDING_XEN_MONITOR_H
#define REF_BACKENDS_BINDING_XEN_MONITOR_H

#include "ref-backends/binding/xen/domain.h"
#include "ref-backends/binding/xen/interrupt.h"
#include "ref-backends/binding/xen/ioreq.h"
#include "ref-backends/binding/xen/memory.h"
#include "ref-backends/device/host/reactor.h"

#define XEN_WINDOW_SIZE 0x1000u
#define XEN_EXIT_PORT	0x501u
/*
 * For calibration, in the same page behind the registers: a word that is answered and nothing else, and one
 * at which the interrupt is sent. Where there are no ports, what would be written to one comes here as well.
 */
#define XEN_CAL_EXIT   0x800u
#define XEN_CAL_INJECT 0x804u
#define XEN_CAL_MARK   0x808u
#define XEN_CAL_END    0x80cu
#define XEN_CAL_EVENT  0x860u /* an event in dom0's kernel that nobody waits for (--mode eventfd) */
/* 1: what is counted begins, 2: it ends. */
#define XEN_MARK_PORT 0xeau
/*
 * The last word of the channel's memory, for a guest that has the word xen.counter=: what it adds to its counter. On
 * arm64, where no guest can set its counter, it says there how far that is behind the processor's.
 */
#define XEN_COUNTER_AT(ram, size) (xen_channel_base(ram) + (size)-8)

/* How xen_monitor_run() ended, where it was not the guest that said so. */
#define XEN_STATUS_FAILED  1 /* ours */
#define XEN_STATUS_GONE	   3 /* the back-end went away */
#define XEN_STATUS_REFUSED 4 /* there is no Xen, or it does not give what is needed */
#define XEN_STATUS_CRASHED 5 /* the guest is gone and has not said why */
#define XEN_STATUS_SILENT  6 /* nothing happened for as long as was allowed */

struct xen_monitor_opts {
	struct xen_domain_opts domain;
	enum xen_interrupt_kind interrupt;
	const char *stream; /* file that gets what the guest found, behind what is in it */
	const char *counts; /* figures between the guest's two marks: a file, or NULL */
	bool same_counter;  /* the guest's time stamp counter is to be ours; it has to help */
	/* How far the guest's counter is behind the processor's goes to this file when the guest tells; or NULL. */
	const char *guest_counter;
	unsigned silence_s; /* give up when the guest asks for nothing for so long; 0: never */
};

struct xen_monitor;

struct xen_monitor_ops {
	u64 (*read)(void *ctx, u32 offset, unsigned size);
	void (*write)(void *ctx, u32 offset, unsigned size, u64 value);
	/* Descriptors to poll beside the guest, at most REACTOR_WATCHES_MAX. May be NULL: none. */
	unsigned (*listen)(void *ctx, struct pollfd *p);
	/* There was something at one of them. May be NULL. */
	void (*ready)(void *ctx);
	/* Do what is due; true: call again without waiting. Called before each wait. May be NULL. */
	bool (*work)(void *ctx);
	/* Around a renewal of the guest's memory, during which nobody may touch it. May be NULL: nobody else would. */
	void (*hold)(void *ctx, bool on);
	/* SIGUSR1: the outside of the device changed. May be NULL. */
	void (*resized)(void *ctx);
};

struct xen_monitor {
	const struct xen_monitor_opts *o;
	const struct xen_monitor_ops *ops;
	void *ctx;
	struct xen_domain domain;
	struct xen_ioreq ioreq;
	struct xen_memory memory;
	struct xen_interrupt interrupt;
	u8 *channel;
	u64 channel_done; /* bytes of it that are in the file */
	int stream_fd;
	struct {
		u64 accesses, interrupts;
	} before; /* at the first mark */
	int signal_fd;
	int status; /* -1: goes on */
};

/* The domain is there, and paused. 0, or -1 after a line on stderr. */
int xen_monitor_open(struct xen_monitor *m, const struct xen_monitor_opts *o);
/* Until the guest, the device's user or a signal ends it; the exit status. */
int xen_monitor_run(struct xen_monitor *m, const struct xen_monitor_ops *ops, void *ctx);
/* From operations: end with this status. */
void xen_monitor_stop(struct xen_monitor *m, int status);
void xen_monitor_close(struct xen_monitor *m);

#endif
