// SPDX-License-Identifier: BSD-3-Clause
#include "harness/transport/host/clock.h"

#include <sched.h>
#include <time.h>

#define YIELDS	     200
#define STEP_NS	     20000
#define SLEEP_MAX_NS 500000
/* Who comes back later than this has done something else: another wait begins. */
#define NEW_WAIT_NS 2000000

u64 host_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

void host_relax(struct host_pace *p)
{
	p->turns = host_now_ns() - p->last > NEW_WAIT_NS ? 0 : p->turns + 1;
	if (p->turns < YIELDS) {
		sched_yield();
	} else {
		u64 ns = (u64)(p->turns - YIELDS + 1) * STEP_NS;

		nanosleep(&(struct timespec){ .tv_nsec = (long)MIN(ns, (u64)SLEEP_MAX_NS) }, NULL);
	}
	p->last = host_now_ns();
}
