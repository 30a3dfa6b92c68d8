/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's clock, and how to wait on it. */
#ifndef HARNESS_TRANSPORT_HOST_CLOCK_H
#define HARNESS_TRANSPORT_HOST_CLOCK_H

#include "harness/spec/types.h"

/* CLOCK_MONOTONIC. */
u64 host_now_ns(void);

/* Whether the other side has gone: all zeroes at first, and again with each new other side. */
struct host_gone {
	u64 asked, since;
	bool over;
};

/* What the other side did just before it went may need this long to show. */
#define HOST_GONE_MS 100

/*
 * For struct tp_ops' gone(), in loops of any speed: `ask` says whether it is gone at this moment. It is
 * asked every few milliseconds, and believed once it has said so for HOST_GONE_MS.
 */
bool host_gone(struct host_gone *g, bool (*ask)(void *arg), void *arg);

/* Where a wait stands. All zeroes at first; one per target, not per wait. */
struct host_pace {
	u64 last; /* when host_relax() returned */
	unsigned turns;
};

/*
 * Give up the processor in a loop that waits for memory to change. A wait that has just begun only
 * yields, since the target is likely about to act and may need this very processor. One that goes on
 * sleeps, up to half a millisecond a turn: most of what a suite spends is waits for nothing to happen, and
 * other runs want the processor meanwhile.
 */
void host_relax(struct host_pace *p);

#endif
