// SPDX-License-Identifier: BSD-3-Clause
/*
 * Seen from outside: only when, and of which queue. That an event is of no request is nothing unusual there: a kick may
 * be read in vain.
 */
#include "traces/stage/lane.h"

/* The only request of a queue that the device may be busy with. */
static struct line *only_one(struct lane *lane)
{
	struct line *l = lane->next ? lane_look(lane, lane->next - 1) : NULL;
	struct line *before = lane->next > 1 ? lane_look(lane, lane->next - 2) : NULL;

	if (!l || line_has(l, TRACE_REAP) || (before && !line_has(before, TRACE_REAP)))
		return NULL;
	return l;
}

/* None of its requests is under way. */
static bool is_idle(struct lane *lane)
{
	struct line *l = lane->next ? lane_look(lane, lane->next - 1) : NULL;

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

bool lines_add_io(struct lines *s, u32 session, const struct trace_event *e, u64 ns)
{
	struct line *l = only_one_of(s, session);

	/* What it had begun before it had the request is for something else. */
	if (!l || (line_has(l, TRACE_FETCH) && ns < l->at[TRACE_FETCH]))
		return false;
	if (e->kind == TRACE_SERVE_BEGIN)
		return line_has(l, TRACE_SERVE_BEGIN) ||
		       (line_has(l, TRACE_FETCH) && line_put(l, TRACE_SERVE_BEGIN, ns));
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
	struct line *l =
		lane->by_head[e->head] ? lane_look(lane, lane->by_head[e->head] - 1) : NULL;

	/* The driver may have it, and have made it available again, before whoever gave it back goes on. */
	if (e->kind == TRACE_PUBLISH)
		l = lane_look(lane, lane->giving);
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
		struct line *l = lane_look(lane, lane->fetched);

		if (!l || l->at[TRACE_SUBMIT] > ns || line_has(l, TRACE_REAP) ||
		    line_has(l, TRACE_CALL) || !line_has(l, TRACE_NOTIFY))
			continue;
		l->back_cpu = e->cpu;
		line_put(l, TRACE_FETCH, ns);
	}
}

/* From which request on not all had been reaped at that time. */
static u64 first_unreaped(struct lane *lane, u64 ns)
{
	u64 seq = lane->reaped = MAX(lane->reaped, lane->next - MIN(lane->next, LINE_WINDOW));

	for (; seq && lane->reaped - seq < 256; seq--) {
		const struct line *l = lane_look(lane, seq - 1);

		if (!l || !line_has(l, TRACE_REAP) || l->at[TRACE_REAP] < ns)
			break;
	}
	return seq;
}

/* For what is reaped after it was begun, and before the next. */
static void add_called(struct lane *lane, u64 ns, u64 began)
{
	for (u64 seq = first_unreaped(lane, began); seq < lane->next; seq++) {
		struct line *l = lane_look(lane, seq);

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
			line_put(l, TRACE_INJECT, lane->injected_ns);
	}
	lane->called_ns = ns;
}

/* The guest's interrupt became pending: for what the last call was for. */
static void add_injected(struct lane *lane, u64 ns)
{
	lane->injected_ns = ns;
	for (u64 seq = first_unreaped(lane, ns); seq < lane->next; seq++) {
		struct line *l = lane_look(lane, seq);

		if (l && line_has(l, TRACE_CALL) && l->at[TRACE_CALL] == lane->called_ns)
			line_put(l, TRACE_INJECT, ns);
	}
}

bool lines_add_outside(struct lane *lane, const struct trace_event *e, u64 ns)
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
