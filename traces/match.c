// SPDX-License-Identifier: BSD-3-Clause
#include "traces/match.h"

#include <errno.h>
#include <stdlib.h>

#include "harness/bench/hist.h"

/* Which event of a request was seen last; 0 in a slot that was never used. */
#define SEEN(kind) ((u8)((kind) + 1))

struct slot {
	u64 seq;
	u64 ns; /* of the last event */
	u8 seen;
	bool whole; /* every event since the fetch was there */
};

/* One queue of one process. */
struct lane {
	u32 process;
	u16 queue;
	u64 published; /* how many publish events so far */
	u64 called;    /* ... of which this many belong to a call already, or never will */
	struct slot slot[MATCH_WINDOW];
	u64 publish_ns[MATCH_WINDOW]; /* by number of the publish event, modulo the window */
};

struct matcher {
	struct lane *lane[MATCH_LANES];
	unsigned lanes;
	struct lane *last; /* most events are of the same queue as the one before */
	u64 events, requests, unmatched;
	struct hist stage[STAGE_COUNT];
};

struct matcher *match_new(void)
{
	struct matcher *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	for (int i = 0; i < STAGE_COUNT; i++)
		hist_reset(&m->stage[i]);
	return m;
}

void match_free(struct matcher *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < m->lanes; i++)
		free(m->lane[i]);
	free(m);
}

static bool is_lane(const struct lane *l, const struct match_event *e)
{
	return l && l->queue == e->queue && l->process == e->process;
}

/* NULL and errno 0 when there are too many already. */
static struct lane *find_lane(struct matcher *m, const struct match_event *e)
{
	struct lane *l;

	if (is_lane(m->last, e))
		return m->last;
	for (unsigned i = 0; i < m->lanes; i++)
		if (is_lane(m->lane[i], e))
			return m->last = m->lane[i];
	errno = 0;
	if (m->lanes == MATCH_LANES)
		return NULL;
	l = calloc(1, sizeof(*l));
	if (!l) {
		errno = ENOMEM;
		return NULL;
	}
	l->process = e->process;
	l->queue = e->queue;
	m->lane[m->lanes++] = l;
	return m->last = l;
}

/* fetch, serve_begin, serve_end, publish: once each per request. */
static void add_step(struct matcher *m, struct lane *l, const struct match_event *e)
{
	struct slot *s = &l->slot[e->seq % MATCH_WINDOW];
	bool same = s->seen && s->seq == e->seq;
	bool follows = same && s->seen == e->kind;

	if (same && s->seen >= SEEN(e->kind)) {
		m->unmatched++; /* a second one, or one that comes after its successor */
		return;
	}
	if (!same && s->seen && s->seen != SEEN(MATCH_PUBLISH))
		m->unmatched++; /* what was here never got to its publish */
	if (follows)
		hist_record(&m->stage[e->kind - 1], e->ns - s->ns);
	else if (e->kind != MATCH_FETCH)
		m->unmatched++;
	s->whole = e->kind == MATCH_FETCH || (follows && s->whole);
	s->seq = e->seq;
	s->ns = e->ns;
	s->seen = SEEN(e->kind);
	if (e->kind == MATCH_PUBLISH) {
		m->requests += s->whole;
		l->publish_ns[l->published++ % MATCH_WINDOW] = e->ns;
	}
}

/* A call belongs to the last `len` requests published, as far as no call before it did. */
static void add_call(struct matcher *m, struct lane *l, const struct match_event *e)
{
	u64 waiting = l->published - l->called;
	u64 covered = e->len ? MIN(e->len, waiting) : waiting;

	if (e->len > waiting)
		m->unmatched++;
	covered = MIN(covered, MATCH_WINDOW);
	for (u64 i = l->published - covered; i < l->published; i++)
		hist_record(&m->stage[STAGE_CALL], e->ns - l->publish_ns[i % MATCH_WINDOW]);
	l->called = l->published;
}

int match_add(struct matcher *m, const struct match_event *e)
{
	struct lane *l = find_lane(m, e);

	m->events++;
	if (!l) {
		m->unmatched++;
		return -errno;
	}
	if (e->kind == MATCH_CALL)
		add_call(m, l, e);
	else
		add_step(m, l, e);
	return 0;
}

void match_table(struct matcher *m, struct stage_table *table)
{
	static const char *const names[STAGE_COUNT] = {
		[STAGE_FETCH] = "fetch",
		[STAGE_SERVE] = "serve",
		[STAGE_PUBLISH] = "publish",
		[STAGE_CALL] = "call",
	};

	for (int i = 0; i < STAGE_COUNT; i++) {
		const struct hist *h = &m->stage[i];

		table->row[i] = (struct stage_row){
			.name = names[i],
			.count = h->count,
			.p50_ns = hist_quantile(h, 500000),
			.p99_ns = hist_quantile(h, 990000),
			.max_ns = h->max,
			.mean_ns = hist_mean(h),
		};
	}
	table->events = m->events;
	table->requests = m->requests;
	table->unmatched = m->unmatched;
}
