/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device with registers whose accesses come on a thread of somebody else's, a guest's processor: one lock around
 * all of the device, and a thread of its own for what comes otherwise: events that are a queue's notifications, and
 * whatever the device watches, a timer, a terminal, a network.
 *
 * What devices ask for is done at once, without io_uring. The thread sleeps without the lock. It costs an access no
 * system call, unless that makes the device watch something that it did not before.
 */
#ifndef REF_BACKENDS_BINDING_LOOP_LOOP_H
#define REF_BACKENDS_BINDING_LOOP_LOOP_H

#include <pthread.h>

#include "ref-backends/binding/registers/rreg.h"
#include "ref-backends/device/host/reactor.h"

struct rloop {
	struct rreg *regs;
	struct reactor reactor; /* for queue_open() */
	pthread_mutex_t lock;
	pthread_t thread;
	bool open, runs;
	bool quit;	 /* under the lock */
	const int *kick; /* an eventfd for each of the first queues */
	u16 num_kicks;
	u64 kicks; /* notifications that came as an event; atomic */
};

/* 0, or -1 with errno. */
int rloop_open(struct rloop *l, struct rreg *regs);
/* Also of one that is not open, or all zeroes. */
void rloop_close(struct rloop *l);

/*
 * The queues are open. Without events of queues and a device that watches nothing there is no thread. It takes no
 * signals. 0, or -1 with errno.
 */
int rloop_start(struct rloop *l, const int *kick, u16 num_kicks);
/* The thread has ended when this returns. Also of one that has none. */
void rloop_stop(struct rloop *l);

/*
 * Around whatever is done with the device: what that leaves to be done is done before the lock is let go of. What
 * only reads registers may have the lock alone.
 */
void rloop_enter(struct rloop *l);
void rloop_leave(struct rloop *l);

/* From any thread without the lock: the outside of the device changed. */
void rloop_resized(struct rloop *l);

#endif
