/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel saw, as the BPF programs (record.bpf.c) write it down and a recording holds it (file.h). The
 * same for both, so only types of a fixed size.
 */
#ifndef TRACES_BPF_EVENT_H
#define TRACES_BPF_EVENT_H

#include "harness/spec/types.h"

enum kernel_kind {
	KERNEL_CALL, /* a system call has returned. what: enum kernel_call, a: its first argument, b: ns it took,
			     c: what it returned */
	KERNEL_WAKEUP, /* a: the thread that may run again, b: its process */
	KERNEL_SWITCH, /* what: 0: who left could have gone on; a: the thread that runs now, b and c: its name */
	KERNEL_EXIT,	    /* a guest's processor has left the guest */
	KERNEL_MMIO,	    /* what: 2: written by a guest; a: bytes, b: guest address, c: value */
	KERNEL_FAST_MMIO,   /* b: guest address; the value was not looked at */
	KERNEL_IRQ,	    /* an interrupt of a guest became pending */
	KERNEL_IO_BEGIN,    /* io_uring has a request. what: its operation, b: which */
	KERNEL_IO_END,	    /* … and its result */
	KERNEL_BLOCK_BEGIN, /* a disk has a request of a process that is recorded. b: which */
	KERNEL_BLOCK_END,   /* … and has carried it out; by then any process may run */
	KERNEL_PROBE, /* a function of the back-end. what: enum kernel_probe, a: head or queue, b: the queue's address */
	KERNEL_KINDS,
};

/* System calls that are told apart. Their numbers differ between machines. */
enum kernel_call {
	KERNEL_OTHER,
	KERNEL_READ,
	KERNEL_WRITE,
	KERNEL_READV,
	KERNEL_WRITEV,
	KERNEL_PREAD,
	KERNEL_PWRITE,
	KERNEL_PREADV,
	KERNEL_PWRITEV,
	KERNEL_FSYNC,
	KERNEL_FDATASYNC,
	KERNEL_FALLOCATE,
	KERNEL_IO_SUBMIT,
	KERNEL_IO_GETEVENTS,
	KERNEL_IO_URING_ENTER,
	KERNEL_POLL,
	KERNEL_PPOLL,
	KERNEL_EPOLL_WAIT,
	KERNEL_SELECT,
	KERNEL_IOCTL,
	KERNEL_FUTEX,
	KERNEL_SENDMSG,
	KERNEL_RECVMSG,
	KERNEL_MADVISE,
	KERNEL_NANOSLEEP,
	KERNEL_YIELD,
	KERNEL_CALLS,
	KERNEL_TRACER = 0xff, /* made by the tracer itself: not recorded */
};

/* Functions of back-ends that are not ours, where they have these in their symbols. */
enum kernel_probe {
	KERNEL_POP,    /* a chain was taken from the ring; a: its head */
	KERNEL_PUSH,   /* it is about to be made used; a: its head */
	KERNEL_PUSHED, /* … and was */
	KERNEL_PROBES,
};

struct kernel_event {
	u64 ns;	      /* CLOCK_MONOTONIC */
	u32 pid, tid; /* who ran then */
	u16 cpu;
	u8 kind; /* enum kernel_kind */
	u8 what;
	u32 a;
	u64 b, c;
};

_Static_assert(sizeof(struct kernel_event) == 40, "it stands in files");

#define KERNEL_NAME 16 /* bytes of a thread's name, in b and c */

/* What a process is to the recording; several may hold. */
#define KERNEL_BACK_END 1u /* system calls, I/O, its threads */
#define KERNEL_FRONT_END                                                                           \
	2u		 /* what it reads and writes, its threads, and what happens to its guests */
#define KERNEL_DRIVER 4u /* its threads */
#define KERNEL_INSIDE 8u /* it has tracepoints of ours, which are recorded, too */

#define KERNEL_PROCESSES 8

/* How many numbers of system calls are told apart at most. */
#define KERNEL_NUMBERS 512

#endif
