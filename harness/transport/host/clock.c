// SPDX-License-Identifier: BSD-3-Clause
#include "harness/transport/host/clock.h"

#include <sched.h>
#include <time.h>

#define ASK_NS	     5000000
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

bool host_gone(struct host_gone *g, bool (*ask)(void *arg), void *arg)
{
	u64 now = host_now_ns();

	if (g->over || now - g->asked < ASK_NS)
		return g->over;
	g->asked = now;
	if (!ask(arg))
		g->since = 0;
	else if (!g->since)
		g->since = now;
	g->over = g->since && now - g->since >= HOST_GONE_MS * 1000000ull;
	return g->over;
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
