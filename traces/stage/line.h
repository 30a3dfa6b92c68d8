/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events in, one timeline per request out, and from those the table of stages: in a bounded amount of memory,
 * however long the trace is. stages.md beside this folder defines points and stages.
 *
 * Nothing in an event is trusted.
 */
#ifndef TRACES_STAGE_LINE_H
#define TRACES_STAGE_LINE_H

#include "harness/spec/trace_event.h"
#include "traces/stage.h"

/*
 * How far apart, in requests of one queue, the oldest in flight and the newest may be. One that is left behind
 * further than that counts as incomplete.
 */
#define LINE_WINDOW 8192

/* Queues of all sessions together; about 1.3 MiB each. Events of more are unmatched. */
#define LINE_LANES 256

struct line {
	u64 at[TRACE_POINTS]; /* ns */
	u64 seq;
	u32 session;
	u16 queue, head;
	u16 seen;		  /* 1 << enum trace_point: which of at[] hold */
	u16 driver_cpu, back_cpu; /* LINE_NO_CPU: not known */
};

#define LINE_NO_CPU 0xffff

static inline bool line_has(const struct line *l, unsigned point)
{
	return l->seen >> point & 1;
}

/* First and last point; a line that lines_whole gives out has two at least. */
static inline unsigned line_first(const struct line *l)
{
	return (unsigned)__builtin_ctz(l->seen);
}

static inline unsigned line_last(const struct line *l)
{
	return 31u - (unsigned)__builtin_clz(l->seen);
}

static inline u64 line_ns(const struct line *l)
{
	return l->at[line_last(l)] - l->at[line_first(l)];
}

typedef void line_fn(void *arg, const struct line *l);

struct lines;

struct lines_options {
	line_fn *
		whole; /* each whole request, in the order of a queue's requests; NULL: not wanted */
	void *arg;
	unsigned slowest; /* how many of the slowest are kept */
	u64 counter_hz;	  /* of the host's counter, for a reader of files; 0: as they say */
};

/* NULL when there is no memory. */
struct lines *lines_new(const struct lines_options *o);
void lines_free(struct lines *s);

/*
 * The events of a driver will come for this session, too, so a request is whole from its submission until it is
 * reaped. Before the first event of the session.
 */
void lines_expect_driver(struct lines *s, u32 session);

/*
 * One event of a session (any number that tells back-ends apart), its time in ns of the one clock. In the order
 * of their times as far as that is known. 0 or -ENOMEM.
 */
int lines_add(struct lines *s, u32 session, const struct trace_event *e, u64 ns);

/* No more events: what is still in the window is counted. 0 or -ENOMEM. */
int lines_end(struct lines *s);

/* After lines_end(): fills in all but what only a reader knows (discarded, processes, clock error). */
void lines_table(const struct lines *s, struct stage_table *table);

/* After lines_end(): the slowest whole requests, the slowest first. How many; `out` lives as long as `s`. */
unsigned lines_slowest(struct lines *s, const struct line **out);

#endif
