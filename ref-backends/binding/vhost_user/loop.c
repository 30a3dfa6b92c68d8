// SPDX-License-Identifier: BSD-3-Clause
/*
 * A ring's thread: whose turn it is, and when there is nothing to do. What is done in a turn is serve.c.
 */
#include "ref-backends/binding/vhost_user/serve.h"

#include <time.h>
#include <unistd.h>

#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/fault/fault.h"
#include "traces/trace.h"

#define LOOKS 64 /* into a polled ring, before all else is looked at */
/* Into another one before sleeping, with a rest after each: some microseconds. Counted, not timed: where
 * instructions are what is measured, they are the same each time. */
#define LOOKS_AWAKE 128
#define SPIN_NS	    200000 /* a polled ring spins so long after its last request … */
#define DOZE_US	    100	   /* … and then looks this often */
#define FAULT_US    1000   /* a fault that lets a ring run is asked again after this */

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static void run_call(struct vub_ring *r)
{
	vub_ring_fn *fn = __atomic_load_n(&r->call, __ATOMIC_ACQUIRE);

	if (!fn || !fn(r, r->call_arg))
		return;
	__atomic_store_n(&r->call, NULL, __ATOMIC_RELEASE);
	vub_signal(r->call_done, false);
}

/* Let the processor's other half work for some cycles. */
static void rest(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* The lead of the rings that this thread serves. */
static __thread struct vub_ring *own;
/* Something happened to a ring of this thread that may have been looked at already. */
static __thread bool again;
static __thread long processors;

void vub_serve_wake(struct vub_ring *r)
{
	if (r->lead == own)
		again = true;
	else
		reactor_wake(&r->lead->reactor);
}

/* Nothing to do for this ring now. How long its thread may sleep, in microseconds; -1: until something
 * happens; 0: not at all. */
static int idle_us(struct vub_ring *r)
{
	bool run = vub_ring_may_run(r) && !r->held && !vub_iotlb_waits(r);

	if (fault_active && fault_active->may_run)
		return FAULT_US;
	if (run && r->s->poll)
		return 0;
	if (run && r->polled)
		return now_ns() < r->spin_until ? 0 : DOZE_US;
	/*
	 * Without a free slot, or for the large one, a completion has to come first; and the device
	 * says when it is ready (rdev_wake, or its part of the reactor).
	 */
	if (run && r->free && !r->big_busy && rdev_ready(r->s->dev, r->index)) {
		r->listens = true;
		if (dvq_ring_kick_enable(&r->ring))
			return 0;
		r->fresh = true;
	}
	return -1;
}

/*
 * A ring that is alone on its thread and waits for nothing but the driver is looked at some times before
 * everything else is; when polling, what is found there is served at once. True: there is something, in the
 * ring or for the thread.
 */
static bool look(struct vub_ring *r, unsigned looks, bool polling)
{
	/* Whether somebody traces is asked here, not for each request. */
	if (!r->take_plain || trace_on() || r->next || r->in_flight || r->held ||
	    !vub_ring_may_run(r))
		return false;
	for (unsigned i = 0; i < looks; i++) {
		if (__atomic_load_n(&r->call, __ATOMIC_RELAXED))
			return true;
		if (dvq_ring_pending(&r->ring)) {
			if (!polling || !vub_serve_short(r))
				return true;
		} else if (polling) {
			dvq_ring_expect(&r->ring);
		} else {
			rest();
		}
	}
	return false;
}

/* `worked`: the turn before this one had something to do. */
static void idle(struct vub_ring *lead, bool worked)
{
	int us = -1;

	/*
	 * A driver that polls is back sooner than anybody can fall asleep and be woken, as long as it has a
	 * processor of its own.
	 */
	if (worked && !lead->s->poll && processors > 1 && look(lead, LOOKS_AWAKE, false))
		return;
	for (struct vub_ring *r = lead; r && us; r = r->next) {
		int mine = idle_us(r);

		if (mine >= 0 && (us < 0 || mine < us))
			us = mine;
	}
	if (us && !again) {
		reactor_wait(&lead->reactor, us);
		return;
	}
	if (lead->s->poll) {
		if (look(lead, LOOKS, true))
			return;
		rest();
	}
	reactor_poll(&lead->reactor);
}

bool vub_serve_once(struct vub_ring *r)
{
	bool busy = vub_ring_may_run(r) && vub_serve_batch(r);

	if (busy) {
		if (!r->lead->next)
			reactor_poll(&r->lead->reactor);
		if (r->polled && !r->s->poll)
			r->spin_until = now_ns() + SPIN_NS;
	}
	if (r->vq.desc)
		vub_serve_notify(r);
	return busy;
}

void *vub_serve_main(void *arg)
{
	struct vub_ring *lead = arg;
	bool worked = false;

	own = lead;
	processors = sysconf(_SC_NPROCESSORS_ONLN);
	while (!lead->quit) {
		bool busy = false;

		again = false;
		for (struct vub_ring *r = lead; r && !lead->quit; r = r->next) {
			run_call(r);
			if (!lead->quit)
				busy |= vub_serve_once(r);
		}
		if (lead->quit)
			break;
		if (busy && lead->next)
			reactor_poll(&lead->reactor);
		else if (!busy)
			idle(lead, worked);
		worked = busy;
		/* What was completed meanwhile. */
		for (struct vub_ring *r = lead; r; r = r->next)
			vub_serve_flush(r);
	}
	return NULL;
}
