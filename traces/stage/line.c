// SPDX-License-Identifier: BSD-3-Clause
#include "traces/stage/line.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>

#include "harness/bench/hist.h"

#define BIT(point) ((u16)(1u << (point)))
#define BACK_END                                                                                   \
	(BIT(TRACE_FETCH) | BIT(TRACE_SERVE_BEGIN) | BIT(TRACE_SERVE_END) | BIT(TRACE_PUBLISH))
#define NOTIFICATION (BIT(TRACE_NOTIFY) | BIT(TRACE_EXIT) | BIT(TRACE_KICK))
#define CALLED	     (BIT(TRACE_CALL) | BIT(TRACE_INJECT))
#define HEADS	     65536
#define RESYNC	     8 /* requests in a row that all say so, until another distance is believed */

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

/* --- what comes of a request ------------------------------------------------------------------------ */

static void heap_down(struct line *heap, unsigned n, unsigned i)
{
	for (;;) {
		unsigned least = i;
		struct line l;

		for (unsigned c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++)
			if (line_ns(&heap[c]) < line_ns(&heap[least]))
				least = c;
		if (least == i)
			return;
		l = heap[i];
		heap[i] = heap[least];
		heap[least] = l;
		i = least;
	}
}

static void keep_slow(struct lines *s, const struct line *l)
{
	unsigned i;

	if (s->slows < s->o.slowest) {
		for (i = s->slows++; i && line_ns(&s->slow[(i - 1) / 2]) > line_ns(l);
		     i = (i - 1) / 2)
			s->slow[i] = s->slow[(i - 1) / 2];
		s->slow[i] = *l;
	} else if (s->o.slowest && line_ns(l) > line_ns(&s->slow[0])) {
		s->slow[0] = *l;
		heap_down(s->slow, s->slows, 0);
	}
}

/* Slices get twice as wide when the time no longer fits. */
static void warm(struct stage_heat *h, u64 end, u64 ns)
{
	unsigned octave = ns ? 63u - (unsigned)__builtin_clzll(ns) : 0;

	if (!h->slice_ns) {
		h->slice_ns = 1000000;
		h->begin_ns = end;
	}
	/* What ended before the first that was seen: queues are not in order among each other. */
	end = MAX(end, h->begin_ns);
	while ((end - h->begin_ns) / h->slice_ns >= STAGE_SLICES) {
		for (unsigned i = 0; i < STAGE_SLICES; i++) {
			for (unsigned k = 0; k < STAGE_OCTAVES; k++) {
				u32 two = i < STAGE_SLICES / 2
						  ? h->count[2 * i][k] + h->count[2 * i + 1][k]
						  : 0;

				h->count[i][k] = two;
			}
		}
		h->slice_ns *= 2;
	}
	h->count[(end - h->begin_ns) / h->slice_ns][MIN(octave, STAGE_OCTAVES - 1u)]++;
}

static void record(struct lines *s, unsigned from, unsigned to, u64 ns)
{
	struct hist **h = &s->stage[from][to];

	if (!*h) {
		*h = malloc(sizeof(**h));
		if (!*h) {
			s->no_memory = true;
			return;
		}
		hist_reset(*h);
	}
	hist_record(*h, ns);
}

/*
 * A notification counts where it can be the cause of what follows. One that was written while the other side had
 * begun already ends with that beginning.
 */
static void settle(const struct lane *lane, struct line *l)
{
	if (line_has(l, TRACE_FETCH)) {
		const u64 fetch = l->at[TRACE_FETCH];

		if (line_has(l, TRACE_NOTIFY) && l->at[TRACE_NOTIFY] > fetch)
			l->seen &= (u16)~NOTIFICATION;
		l->at[TRACE_KICK] = MIN(l->at[TRACE_KICK], fetch);
	}
	/* Whoever looks all the time sees what is published before the one who did it has written that down. */
	if (line_has(l, TRACE_REAP))
		l->at[TRACE_PUBLISH] = MIN(l->at[TRACE_PUBLISH], l->at[TRACE_REAP]);
	/* A driver that was woken before that was woken for something else. */
	if (line_has(l, TRACE_PUBLISH) && l->at[TRACE_HANDLE] < l->at[TRACE_PUBLISH])
		l->seen &= (u16)~BIT(TRACE_HANDLE);
	if (lane->driver && !line_has(l, TRACE_HANDLE)) {
		l->seen &= (u16)~CALLED;
	} else if (line_has(l, TRACE_HANDLE)) {
		l->at[TRACE_INJECT] = MIN(l->at[TRACE_INJECT], l->at[TRACE_HANDLE]);
		l->at[TRACE_CALL] = MIN(l->at[TRACE_CALL], l->at[TRACE_HANDLE]);
	}
	if (line_has(l, TRACE_INJECT))
		l->at[TRACE_CALL] = MIN(l->at[TRACE_CALL], l->at[TRACE_INJECT]);
}

static bool is_whole(const struct lane *lane, const struct line *l)
{
	u16 need = lane->driver ? BIT(TRACE_SUBMIT) | BIT(TRACE_REAP) : BACK_END;

	if (lane->inside)
		need |= BACK_END;
	return (l->seen & need) == need;
}

/* A line leaves the window. */
static void conclude(struct lines *s, const struct lane *lane, struct line *l)
{
	unsigned from;
	bool skewed = false;
	u64 raw;

	if (!l->seen)
		return;
	if (!is_whole(lane, l)) {
		s->unmatched += (unsigned)__builtin_popcount(l->seen);
		l->seen = 0;
		return;
	}
	settle(lane, l);
	from = line_first(l);
	raw = l->at[line_last(l)] - l->at[from];
	for (unsigned to = from + 1; to < TRACE_POINTS; to++) {
		if (!line_has(l, to))
			continue;
		/* Two clocks that disagree about what came first: nothing took less than no time. */
		if (l->at[to] < l->at[from]) {
			s->skew_max = MAX(s->skew_max, l->at[from] - l->at[to]);
			skewed = true;
			l->at[to] = l->at[from];
		}
		record(s, from, to, l->at[to] - l->at[from]);
		from = to;
	}
	s->requests++;
	s->skewed += skewed;
	/* The whole is what the two ends say; a last event before the first one took no time. */
	raw = (int64_t)raw < 0 ? 0 : raw;
	hist_record(&s->whole, raw);
	s->ends[0] |= BIT(line_first(l));
	s->ends[1] |= BIT(from);
	warm(&s->heat, l->at[from], line_ns(l));
	keep_slow(s, l);
	if (s->o.whole)
		s->o.whole(s->o.arg, l);
	l->seen = 0;
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

/* The line of a number, if it is there. */
static struct line *look(struct lane *lane, u64 seq)
{
	struct line *l = &lane->line[seq % LINE_WINDOW];

	return l->seen && l->seq == seq ? l : NULL;
}

/* A new one; what was in its place is concluded. NULL: it is one of long ago. */
static struct line *open_line(struct lines *s, struct lane *lane, const struct trace_event *e,
			      u64 seq)
{
	struct line *l = &lane->line[seq % LINE_WINDOW];

	if (l->seen && l->seq > seq)
		return NULL;
	conclude(s, lane, l);
	l->seq = seq;
	l->session = lane->session;
	l->queue = lane->queue;
	l->head = e->head;
	l->driver_cpu = l->back_cpu = LINE_NO_CPU;
	lane->next = MAX(lane->next, seq + 1);
	return l;
}

static bool put(struct line *l, unsigned point, u64 ns)
{
	if (line_has(l, point))
		return false;
	l->at[point] = ns;
	l->seen |= BIT(point);
	return true;
}

/* A back-end's event names a head: does what was made available with that say another distance? */
static struct line *find_by_head(struct lane *lane, const struct trace_event *e)
{
	const u64 seq = lane->by_head[e->head] - 1;
	struct line *l = lane->by_head[e->head] ? look(lane, seq) : NULL;

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
		l = look(lane, e->seq);
		return l ? l : open_line(s, lane, e, e->seq);
	}
	if (lane->distance_known) {
		l = look(lane, e->seq - lane->distance);
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

	if (!lane->driver || look(lane, e->seq))
		return false;
	l = open_line(s, lane, e, e->seq);
	if (!l)
		return false;
	lane->by_head[e->head] = e->seq + 1;
	l->driver_cpu = e->cpu;
	return put(l, TRACE_SUBMIT, ns);
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
		struct line *l = look(lane, seq);

		if (!l)
			continue;
		/* Was it fetched before, this is for nothing; while it was written, see settle(). */
		if (line_has(l, TRACE_FETCH) &&
		    (e->kind == TRACE_NOTIFY || !line_has(l, TRACE_NOTIFY) ||
		     (e->kind == TRACE_EXIT && ns > l->at[TRACE_FETCH])))
			continue;
		put(l, e->kind, ns);
	}
	return true;
}

static bool add_step(struct lines *s, struct lane *lane, const struct trace_event *e, u64 ns)
{
	struct line *l = back_end_line(s, lane, e);

	lane->inside = true;
	s->instrumented = true;
	if (!l || !put(l, e->kind, ns))
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
		struct line *l = look(lane, lane->publish_seq[i % LINE_WINDOW]);

		if (l)
			put(l, TRACE_CALL, ns);
	}
	return e->len <= waiting;
}

/* For all that was published before it, as far as no other was for that and it is still waited for. */
static bool add_inject(struct lane *lane, u64 ns)
{
	bool any = false;

	lane->injected = MAX(lane->injected, lane->published - MIN(lane->published, LINE_WINDOW));
	for (; lane->injected < lane->published; lane->injected++) {
		struct line *l = look(lane, lane->publish_seq[lane->injected % LINE_WINDOW]);

		any |= l && !line_has(l, TRACE_REAP) && put(l, TRACE_INJECT, ns);
	}
	return any;
}

static bool add_reap(struct lane *lane, const struct trace_event *e, u64 ns)
{
	struct line *l = lane->driver ? look(lane, e->seq) : NULL;
	unsigned before;

	if (!l || l->head != e->head || line_has(l, TRACE_REAP))
		return false;
	before = line_last(l);
	/* The notification woke the driver for this if it came after all that is known of it. */
	if (lane->handled && lane->handle_ns <= ns &&
	    (before == TRACE_CALL || before == TRACE_INJECT || lane->handle_ns >= l->at[before]))
		put(l, TRACE_HANDLE, lane->handle_ns);
	put(l, TRACE_REAP, ns);
	while ((l = look(lane, lane->reaped)) != NULL && line_has(l, TRACE_REAP))
		lane->reaped++;
	return true;
}

/* --- seen from outside: only when, and of which queue -------------------------------------------------- */

/* That an event is of no request is nothing unusual there: a kick may be read in vain. */

/* The only request of a queue that the device may be busy with. */
static struct line *only_one(struct lane *lane)
{
	struct line *l = lane->next ? look(lane, lane->next - 1) : NULL;
	struct line *before = lane->next > 1 ? look(lane, lane->next - 2) : NULL;

	if (!l || line_has(l, TRACE_REAP) || (before && !line_has(before, TRACE_REAP)))
		return NULL;
	return l;
}

/* None of its requests is under way. */
static bool is_idle(struct lane *lane)
{
	struct line *l = lane->next ? look(lane, lane->next - 1) : NULL;

	return !l || line_has(l, TRACE_REAP);
}

/* Input and output: of whichever request is the only one of all the back-end's queues. NULL: nobody can tell. */
static struct line *only_one_of(struct lines *s, u32 session)
{
	struct line *found = NULL;

	for (unsigned i = 0; i < s->lanes; i++) {
		struct lane *lane = s->lane[i];

		if (lane->session != session || is_idle(lane))
			continue;
		if (found || lane->inside)
			return NULL;
		found = only_one(lane);
		if (!found)
			return NULL;
	}
	return found;
}

static bool add_io(struct lines *s, u32 session, const struct trace_event *e, u64 ns)
{
	struct line *l = only_one_of(s, session);

	/* What it had begun before it had the request is for something else. */
	if (!l || (line_has(l, TRACE_FETCH) && ns < l->at[TRACE_FETCH]))
		return false;
	if (e->kind == TRACE_SERVE_BEGIN)
		return line_has(l, TRACE_SERVE_BEGIN) ||
		       (line_has(l, TRACE_FETCH) && put(l, TRACE_SERVE_BEGIN, ns));
	/* The last ends it. */
	if (!line_has(l, TRACE_SERVE_BEGIN) || line_has(l, TRACE_PUBLISH) ||
	    line_has(l, TRACE_CALL))
		return false;
	l->at[TRACE_SERVE_END] = ns;
	l->seen |= BIT(TRACE_SERVE_END);
	return true;
}

/* What is known by its head: of the request that was last made available with that. */
static bool add_by_head(struct lane *lane, const struct trace_event *e, u64 ns)
{
	struct line *l = lane->by_head[e->head] ? look(lane, lane->by_head[e->head] - 1) : NULL;

	/* The driver may have it, and have made it available again, before whoever gave it back goes on. */
	if (e->kind == TRACE_PUBLISH)
		l = look(lane, lane->giving);
	if (!l || l->head != e->head || l->at[TRACE_SUBMIT] > ns ||
	    (line_has(l, e->kind) && e->kind != TRACE_SERVE_END) ||
	    (line_has(l, TRACE_REAP) && e->kind != TRACE_PUBLISH) ||
	    (e->kind != TRACE_FETCH && !line_has(l, TRACE_FETCH)))
		return false;
	lane->heads = true;
	if (e->kind == TRACE_SERVE_END)
		lane->giving = l->seq;
	if (e->kind == TRACE_FETCH)
		l->back_cpu = e->cpu;
	l->at[e->kind] = ns;
	l->seen |= BIT(e->kind);
	return true;
}

/* The kick was read: for all that the driver notified it of before. What it took without that, nobody saw. */
static void add_kick_read(struct lane *lane, const struct trace_event *e, u64 ns)
{
	lane->fetched = MAX(lane->fetched, lane->next - MIN(lane->next, LINE_WINDOW));
	for (; lane->fetched < lane->next; lane->fetched++) {
		struct line *l = look(lane, lane->fetched);

		if (!l || l->at[TRACE_SUBMIT] > ns || line_has(l, TRACE_REAP) ||
		    line_has(l, TRACE_CALL) || !line_has(l, TRACE_NOTIFY))
			continue;
		l->back_cpu = e->cpu;
		put(l, TRACE_FETCH, ns);
	}
}

/* From which request on not all had been reaped at that time. */
static u64 first_unreaped(struct lane *lane, u64 ns)
{
	u64 seq = lane->reaped = MAX(lane->reaped, lane->next - MIN(lane->next, LINE_WINDOW));

	for (; seq && lane->reaped - seq < 256; seq--) {
		const struct line *l = look(lane, seq - 1);

		if (!l || !line_has(l, TRACE_REAP) || l->at[TRACE_REAP] < ns)
			break;
	}
	return seq;
}

/* For what is reaped after it was begun, and before the next. */
static void add_called(struct lane *lane, u64 ns, u64 began)
{
	for (u64 seq = first_unreaped(lane, began); seq < lane->next; seq++) {
		struct line *l = look(lane, seq);

		if (!l || !line_has(l, TRACE_FETCH) || l->at[TRACE_FETCH] > began ||
		    (line_has(l, TRACE_REAP) && l->at[TRACE_REAP] < began))
			continue;
		if (lane->heads && (!line_has(l, TRACE_PUBLISH) || line_has(l, TRACE_CALL)))
			continue;
		l->at[TRACE_CALL] = ns;
		l->seen |= BIT(TRACE_CALL);
		l->seen &= (u16)~BIT(TRACE_INJECT);
		/* The other side read it before this one was back from the write. */
		if (lane->injected_ns >= began && lane->injected_ns)
			put(l, TRACE_INJECT, lane->injected_ns);
	}
	lane->called_ns = ns;
}

/* The guest's interrupt became pending: for what the last call was for. */
static void add_injected(struct lane *lane, u64 ns)
{
	lane->injected_ns = ns;
	for (u64 seq = first_unreaped(lane, ns); seq < lane->next; seq++) {
		struct line *l = look(lane, seq);

		if (l && line_has(l, TRACE_CALL) && l->at[TRACE_CALL] == lane->called_ns)
			put(l, TRACE_INJECT, ns);
	}
}

static bool add_outside(struct lines *s, struct lane *lane, const struct trace_event *e, u64 ns)
{
	const bool by_head = e->flags & TRACE_F_HEAD;

	if (!lane->driver)
		return false;
	/* It tells the same, and more of it. */
	if (lane->inside)
		return true;
	if (by_head && e->kind >= TRACE_FETCH && e->kind <= TRACE_PUBLISH)
		return add_by_head(lane, e, ns);
	switch (e->kind) {
	case TRACE_FETCH:
		add_kick_read(lane, e, ns);
		return true;
	case TRACE_CALL:
		add_called(lane, ns, ns - MIN(e->len, ns));
		return true;
	case TRACE_INJECT:
		add_injected(lane, ns);
		return true;
	default:
		return false;
	}
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
			return add_outside(s, lane, e, ns);
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
		return add_outside(s, lane, e, ns);
	default: /* of the back-end */
		if (e->flags & TRACE_F_OUTSIDE)
			return add_outside(s, lane, e, ns);
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
		s->unassigned += !add_io(s, session, e, ns);
		return 0;
	}
	/* Who looks from outside may see queues that nobody else speaks of. */
	lane = e->flags & TRACE_F_OUTSIDE ? look_for_lane(s, session, e->queue)
					  : find_lane(s, session, e->queue);
	if (!lane || !add_known(s, lane, e, ns))
		s->unmatched++;
	return s->no_memory ? -ENOMEM : 0;
}

int lines_end(struct lines *s)
{
	for (unsigned i = 0; i < s->lanes; i++) {
		struct lane *lane = s->lane[i];

		for (u64 k = 0; k < LINE_WINDOW; k++)
			conclude(s, lane, &lane->line[(lane->next + k) % LINE_WINDOW]);
	}
	/* The heap becomes a list, the slowest first. */
	for (unsigned n = s->slows; n > 1; n--) {
		struct line l = s->slow[0];

		s->slow[0] = s->slow[n - 1];
		s->slow[n - 1] = l;
		heap_down(s->slow, n - 1, 0);
	}
	return s->no_memory ? -ENOMEM : 0;
}

static void fill_row(struct stage_row *row, const struct hist *h, unsigned from, unsigned to)
{
	*row = (struct stage_row){ .from = (u8)from, .to = (u8)to };
	stage_join(row->name, sizeof(row->name), from, to);
	if (!h)
		return;
	row->count = h->count;
	row->p50_ns = hist_quantile(h, 500000);
	row->p99_ns = hist_quantile(h, 990000);
	row->max_ns = h->max;
	row->mean_ns = hist_mean(h);
	row->sum_ns = h->sum;
}

void lines_table(const struct lines *s, struct stage_table *t)
{
	u64 sum = 0;

	t->rows = 0;
	for (unsigned from = 0; from < TRACE_POINTS; from++) {
		for (unsigned to = from + 1; to < TRACE_POINTS; to++) {
			/* A back-end's own four always have a line: that one did not happen tells something. */
			bool own = s->instrumented && to == from + 1 && from >= TRACE_FETCH &&
				   from <= TRACE_PUBLISH;

			if (s->stage[from][to] || own)
				fill_row(&t->row[t->rows++], s->stage[from][to], from, to);
			sum += s->stage[from][to] ? s->stage[from][to]->sum : 0;
		}
	}
	fill_row(&t->whole, &s->whole, s->ends[0] ? (unsigned)__builtin_ctz(s->ends[0]) : 0,
		 s->ends[1] ? 31u - (unsigned)__builtin_clz(s->ends[1]) : 0);
	snprintf(t->whole.name, sizeof(t->whole.name), "end to end");
	t->events = s->events;
	t->requests = s->requests;
	t->unmatched = s->unmatched;
	t->unassigned = s->unassigned;
	t->sum_excess_ns = sum - s->whole.sum;
	t->skewed = s->skewed;
	t->skew_max_ns = s->skew_max;
	t->heat = s->heat;
}

unsigned lines_slowest(struct lines *s, const struct line **out)
{
	*out = s->slow;
	return s->slows;
}
