// SPDX-License-Identifier: BSD-3-Clause
#include "traces/stage/line.h"

#include <errno.h>
#include <stdlib.h>

#include "traces/stage/lane.h"

#define HEADS  65536
#define RESYNC 8 /* requests in a row that all say so, until another distance is believed */

struct lines *lines_new(const struct lines_options *o)
{
	struct lines *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->o = *o;
	hist_reset(&s->whole);
	if (o->slowest) {
		s->slow = calloc(o->slowest, sizeof(*s->slow));
		if (!s->slow) {
			free(s);
			return NULL;
		}
	}
	return s;
}

void lines_free(struct lines *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->lanes; i++) {
		free(s->lane[i]->by_head);
		free(s->lane[i]);
	}
	for (unsigned i = 0; i < TRACE_POINTS; i++)
		for (unsigned k = 0; k < TRACE_POINTS; k++)
			free(s->stage[i][k]);
	free(s->slow);
	free(s);
}

void lines_expect_driver(struct lines *s, u32 session)
{
	if (s->with_drivers < LINE_LANES)
		s->with_driver[s->with_drivers++] = session;
}

/* --- finding the line ------------------------------------------------------------------------------- */

static bool is_lane(const struct lane *l, u32 session, u16 queue)
{
	return l && l->queue == queue && l->session == session;
}

static struct lane *look_for_lane(struct lines *s, u32 session, u16 queue)
{
	if (is_lane(s->last, session, queue))
		return s->last;
	for (unsigned i = 0; i < s->lanes; i++)
		if (is_lane(s->lane[i], session, queue))
			return s->last = s->lane[i];
	return NULL;
}

static struct lane *find_lane(struct lines *s, u32 session, u16 queue)
{
	struct lane *l = look_for_lane(s, session, queue);

	if (l || s->lanes == LINE_LANES)
		return l;
	l = calloc(1, sizeof(*l));
	if (!l) {
		s->no_memory = true;
		return NULL;
	}
	l->session = session;
	l->queue = queue;
	for (unsigned i = 0; i < s->with_drivers; i++)
		l->driver |= s->with_driver[i] == session;
	if (l->driver) {
		l->by_head = calloc(HEADS, sizeof(*l->by_head));
		if (!l->by_head) {
			s->no_memory = true;
			free(l);
			return NULL;
		}
	}
	s->lane[s->lanes++] = l;
	return s->last = l;
}

/* A new one; what was in its place is concluded. NULL: it is one of long ago. */
static struct line *open_line(struct lines *s, struct lane *lane, const struct trace_event *e,
			      u64 seq)
{
	struct line *l = &lane->line[seq % LINE_WINDOW];

	if (l->seen && l->seq > seq)
		return NULL;
	lines_conclude(s, lane, l);
	l->seq = seq;
	l->session = lane->session;
	l->queue = lane->queue;
	l->head = e->head;
	l->driver_cpu = l->back_cpu = LINE_NO_CPU;
	lane->next = MAX(lane->next, seq + 1);
	return l;
}

/* A back-end's event names a head: does what was made available with that say another distance? */
static struct line *find_by_head(struct lane *lane, const struct trace_event *e)
{
	const u64 seq = lane->by_head[e->head] - 1;
	struct line *l = lane->by_head[e->head] ? lane_look(lane, seq) : NULL;

	if (!l || l->head != e->head || e->kind != TRACE_FETCH || line_has(l, TRACE_FETCH))
		return NULL;
	if (!lane->distance_known) {
		lane->distance = e->seq - seq;
		lane->distance_known = true;
		return l;
	}
	lane->others = e->seq - seq == lane->other_distance ? lane->others + 1 : 1;
	lane->other_distance = e->seq - seq;
	if (lane->others < RESYNC)
		return NULL;
	lane->distance = lane->other_distance;
	lane->others = 0;
	return l;
}

/* The line that a back-end's event belongs to. */
static struct line *back_end_line(struct lines *s, struct lane *lane, const struct trace_event *e)
{
	struct line *l;

	if (!lane->driver) {
		l = lane_look(lane, e->seq);
		return l ? l : open_line(s, lane, e, e->seq);
	}
	if (lane->distance_known) {
		l = lane_look(lane, e->seq - lane->distance);
		if (l && l->head == e->head) {
			lane->others = 0;
			return l;
		}
	}
	return find_by_head(lane, e);
}

/* --- events ----------------------------------------------------------------------------------------- */

static bool add_submit(struct lines *s, struct lane *lane, const struct trace_event *e, u64 ns)
{
	struct line *l;

	if (!lane->driver || lane_look(lane, e->seq))
		return false;
	l = open_line(s, lane, e, e->seq);
	if (!l)
		return false;
	lane->by_head[e->head] = e->seq + 1;
	l->driver_cpu = e->cpu;
	return line_put(l, TRACE_SUBMIT, ns);
}

/* notify, exit, kick: for the requests up to `seq`, `len` of them; from outside, for those of the last notify. */
static bool add_notification(struct lane *lane, const struct trace_event *e, u64 ns)
{
	const bool outside = e->flags & TRACE_F_OUTSIDE;
	u64 to = outside ? lane->notify_to : e->seq + 1;
	u64 n = outside ? to - lane->notify_from : e->len;
	u64 from;

	if (!lane->driver || to > lane->next)
		return false;
	n = MIN(MIN(n, LINE_WINDOW), to);
	from = to - n;
	if (e->kind == TRACE_NOTIFY) {
		lane->notify_from = from;
		lane->notify_to = to;
	}
	for (u64 seq = from; seq < to; seq++) {
		struct line *l = lane_look(lane, seq);

		if (!l)
			continue;
		/* Was it fetched before, this is for nothing; while it was written, see settle(). */
		if (line_has(l, TRACE_FETCH) &&
		    (e->kind == TRACE_NOTIFY || !line_has(l, TRACE_NOTIFY) ||
		     (e->kind == TRACE_EXIT && ns > l->at[TRACE_FETCH])))
			continue;
		line_put(l, e->kind, ns);
	}
	return true;
}

static bool add_step(struct lines *s, struct lane *lane, const struct trace_event *e, u64 ns)
{
	struct line *l = back_end_line(s, lane, e);

	lane->inside = true;
	s->instrumented = true;
	if (!l || !line_put(l, e->kind, ns))
		return false;
	if (e->kind == TRACE_FETCH)
		l->back_cpu = e->cpu;
	if (e->kind == TRACE_PUBLISH)
		lane->publish_seq[lane->published++ % LINE_WINDOW] = l->seq;
	return true;
}

/* A call belongs to the last `len` requests published, as far as no call before it did. */
static bool add_call(struct lane *lane, const struct trace_event *e, u64 ns)
{
	u64 waiting = lane->published - lane->called;
	u64 covered = e->len ? MIN(e->len, waiting) : waiting;

	covered = MIN(covered, LINE_WINDOW);
	lane->called = lane->published;
	for (u64 i = lane->published - covered; i < lane->published; i++) {
		struct line *l = lane_look(lane, lane->publish_seq[i % LINE_WINDOW]);

		if (l)
			line_put(l, TRACE_CALL, ns);
	}
	return e->len <= waiting;
}

/* For all that was published before it, as far as no other was for that and it is still waited for. */
static bool add_inject(struct lane *lane, u64 ns)
{
	bool any = false;

	lane->injected = MAX(lane->injected, lane->published - MIN(lane->published, LINE_WINDOW));
	for (; lane->injected < lane->published; lane->injected++) {
		struct line *l = lane_look(lane, lane->publish_seq[lane->injected % LINE_WINDOW]);

		any |= l && !line_has(l, TRACE_REAP) && line_put(l, TRACE_INJECT, ns);
	}
	return any;
}

static bool add_reap(struct lane *lane, const struct trace_event *e, u64 ns)
{
	struct line *l = lane->driver ? lane_look(lane, e->seq) : NULL;
	unsigned before;

	if (!l || l->head != e->head || line_has(l, TRACE_REAP))
		return false;
	before = line_last(l);
	/* The notification woke the driver for this if it came after all that is known of it. */
	if (lane->handled && lane->handle_ns <= ns &&
	    (before == TRACE_CALL || before == TRACE_INJECT || lane->handle_ns >= l->at[before]))
		line_put(l, TRACE_HANDLE, lane->handle_ns);
	line_put(l, TRACE_REAP, ns);
	while ((l = lane_look(lane, lane->reaped)) != NULL && line_has(l, TRACE_REAP))
		lane->reaped++;
	return true;
}

static bool add_known(struct lines *s, struct lane *lane, const struct trace_event *e, u64 ns)
{
	switch (e->kind) {
	case TRACE_SUBMIT:
		return add_submit(s, lane, e, ns);
	case TRACE_NOTIFY:
	case TRACE_EXIT:
	case TRACE_KICK:
		return add_notification(lane, e, ns);
	case TRACE_INJECT:
		if (e->flags & TRACE_F_OUTSIDE && !lane->inside)
			return lines_add_outside(lane, e, ns);
		return add_inject(lane, ns);
	case TRACE_HANDLE:
		lane->handle_ns = ns;
		lane->handled = true;
		return lane->driver;
	case TRACE_REAP:
		return add_reap(lane, e, ns);
	case TRACE_CALL:
		if (!(e->flags & TRACE_F_OUTSIDE))
			return add_call(lane, e, ns);
		return lines_add_outside(lane, e, ns);
	default: /* of the back-end */
		if (e->flags & TRACE_F_OUTSIDE)
			return lines_add_outside(lane, e, ns);
		return add_step(s, lane, e, ns);
	}
}

int lines_add(struct lines *s, u32 session, const struct trace_event *e, u64 ns)
{
	struct lane *lane;

	if (e->kind >= TRACE_POINTS)
		return 0;
	s->events++;
	/* Who looks from outside sees no request that nobody made. */
	if (e->flags & TRACE_F_OUTSIDE && !s->with_drivers)
		return 0;
	if (e->flags & TRACE_F_OUTSIDE &&
	    (e->kind == TRACE_SERVE_BEGIN || e->kind == TRACE_SERVE_END) &&
	    !(e->flags & TRACE_F_HEAD)) {
		s->unassigned += !lines_add_io(s, session, e, ns);
		return 0;
	}
	/* Who looks from outside may see queues that nobody else speaks of. */
	lane = e->flags & TRACE_F_OUTSIDE ? look_for_lane(s, session, e->queue)
					  : find_lane(s, session, e->queue);
	if (!lane || !add_known(s, lane, e, ns))
		s->unmatched++;
	return s->no_memory ? -ENOMEM : 0;
}
