/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One thing that happened to a request, as whoever saw it writes it down: the driver (on a host or in a guest),
 * the back-end, the kernel. traces/stages.md says what each point is.
 */
#ifndef HARNESS_SPEC_TRACE_EVENT_H
#define HARNESS_SPEC_TRACE_EVENT_H

#include "harness/spec/types.h"

/* In the order a request goes through them: between one and the next lies a stage. */
enum trace_point {
	TRACE_SUBMIT,
	TRACE_NOTIFY,
	TRACE_EXIT,
	TRACE_KICK,
	TRACE_FETCH,
	TRACE_SERVE_BEGIN,
	TRACE_SERVE_END,
	TRACE_PUBLISH,
	TRACE_CALL,
	TRACE_INJECT,
	TRACE_HANDLE,
	TRACE_REAP,
	TRACE_POINTS,
	/* No point of a request: a back-end begins with a queue. `seq` is of the first chain that it will fetch. */
	TRACE_START = TRACE_POINTS,
	TRACE_KINDS,
};

/*
 * `seq` and `head` are not known: seen from outside, where a queue is known by its descriptors. `len` is then how
 * many nanoseconds it took.
 */
#define TRACE_F_OUTSIDE 1u
/* … but the head is. */
#define TRACE_F_HEAD 2u

/* 32 bytes, the same on every machine that both sides of a buffer run on. */
struct trace_event {
	u64 ticks; /* of the clock that whoever wrote it names */
	u64 seq;   /* counts requests of a queue, see below */
	u32 len;
	u16 queue;
	u16 head;
	u8 kind; /* enum trace_point */
	u8 flags;
	u16 cpu;
	u32 tid;
};

/*
 * A driver's `seq` counts the requests it made available on a queue, a back-end's the chains it fetched from it;
 * both from 0, and over everything that happens to the queue while the process lives. A ring is served in
 * order, so the two differ by what was fetched before, which never changes in a session.
 *
 * `len` of notify and kick: how many requests it is for, the last of which is `seq`; of call likewise.
 */

/* Both ends of a buffer, in memory that writer and reader share; each has a cache line of its own. */
struct trace_ends {
	u64 head; /* the writer's: events written so far */
	u64 lost; /* … and those that found no room */
	u64 pad[6];
	u64 tail; /* the reader's: events taken so far */
	u64 pad2[7];
};

/*
 * Where a loop that must not wait or allocate puts its events: one writer, one reader at most. What finds no
 * room is counted.
 */
struct trace_sink {
	struct trace_event *event;
	u64 room; /* a power of two */
	struct trace_ends *ends;
	u64 head, tail; /* as far as the writer knows */
};

static inline void trace_sink_add(struct trace_sink *s, const struct trace_event *e)
{
	if (s->head - s->tail >= s->room) {
		s->tail = __atomic_load_n(&s->ends->tail, __ATOMIC_ACQUIRE);
		if (s->head - s->tail >= s->room) {
			__atomic_store_n(&s->ends->lost, s->ends->lost + 1, __ATOMIC_RELAXED);
			return;
		}
	}
	s->event[s->head & (s->room - 1)] = *e;
	__atomic_store_n(&s->ends->head, ++s->head, __ATOMIC_RELEASE);
	/* By the time the next two come their place is in the cache, though nobody was there for long. */
	__builtin_prefetch(&s->event[(s->head + 2) & (s->room - 1)], 1);
}

#endif
