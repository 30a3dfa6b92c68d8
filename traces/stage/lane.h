/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What line.h hides, for those who share the work: line.c finds the line that an event is of, outside.c does so for
 * what was seen from outside, and whole.c makes the table of lines that are whole.
 */
#ifndef TRACES_STAGE_LANE_H
#define TRACES_STAGE_LANE_H

#include "harness/bench/hist.h"
#include "traces/stage/line.h"

#define BIT(point) ((u16)(1u << (point)))

/* One queue of one session. */
struct lane {
	u32 session;
	u16 queue;
	bool driver; /* its events are there, too: lines are numbered as it does */
	bool inside; /* the back-end has tracepoints */
	/* What a back-end's number is ahead of the driver's. */
	bool distance_known;
	u64 distance, other_distance;
	unsigned others;	    /* requests in a row that speak for other_distance */
	u64 next;		    /* after the highest number seen */
	u64 fetched;		    /* seen from outside: all before this are fetched */
	u64 notify_from, notify_to; /* what the last notify was for */
	u64 published;		    /* how many publish events so far … */
	u64 called;		    /* … of which this many belong to a call, or never will */
	u64 injected;		    /* … for this many the guest was interrupted */
	u64 handle_ns;		    /* when the driver last was notified */
	bool handled;
	u64 reaped;		    /* all before this are */
	u64 called_ns, injected_ns; /* seen from outside: the last call, and interrupt */
	bool heads;		    /* … and what is known by its head */
	u64 giving;		    /* … of which this is being given back */
	struct line line[LINE_WINDOW];
	u64 publish_seq[LINE_WINDOW]; /* by number of the publish event, modulo the window */
	u64 *by_head; /* number of what was last made available with this head, + 1 */
};

struct lines {
	struct lines_options o;
	struct lane *lane[LINE_LANES];
	unsigned lanes;
	struct lane *last; /* most events are of the same queue as the one before */
	u32 with_driver[LINE_LANES];
	unsigned with_drivers;
	bool no_memory;
	u64 events, requests, unmatched, unassigned, skewed, skew_max;
	struct hist *stage[TRACE_POINTS][TRACE_POINTS];
	struct hist whole;
	u16 ends[2]; /* all first and last points that were seen */
	bool instrumented;
	struct stage_heat heat;
	struct line *slow; /* a heap whose root is the fastest of the slowest */
	unsigned slows;
};

/* The line of a number, if it is there. */
static inline struct line *lane_look(struct lane *lane, u64 seq)
{
	struct line *l = &lane->line[seq % LINE_WINDOW];

	return l->seen && l->seq == seq ? l : NULL;
}

/* False: it has that point already. */
static inline bool line_put(struct line *l, unsigned point, u64 ns)
{
	if (line_has(l, point))
		return false;
	l->at[point] = ns;
	l->seen |= BIT(point);
	return true;
}

/* A line leaves the window. */
void lines_conclude(struct lines *s, const struct lane *lane, struct line *l);

/*
 * Events that were seen from outside tell only when, and of which queue; input and output not even that. False: it is
 * of no request, or nobody can tell of which.
 */
bool lines_add_outside(struct lane *lane, const struct trace_event *e, u64 ns);
bool lines_add_io(struct lines *s, u32 session, const struct trace_event *e, u64 ns);

#endif
