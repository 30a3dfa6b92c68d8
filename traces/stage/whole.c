// SPDX-License-Identifier: BSD-3-Clause
/* What comes of a request: its stages, when it is whole, and the table of them all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "traces/stage/lane.h"

#define BACK_END                                                                                   \
	(BIT(TRACE_FETCH) | BIT(TRACE_SERVE_BEGIN) | BIT(TRACE_SERVE_END) | BIT(TRACE_PUBLISH))
#define NOTIFICATION (BIT(TRACE_NOTIFY) | BIT(TRACE_EXIT) | BIT(TRACE_KICK))
#define CALLED	     (BIT(TRACE_CALL) | BIT(TRACE_INJECT))

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

void lines_conclude(struct lines *s, const struct lane *lane, struct line *l)
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

int lines_end(struct lines *s)
{
	for (unsigned i = 0; i < s->lanes; i++) {
		struct lane *lane = s->lane[i];

		for (u64 k = 0; k < LINE_WINDOW; k++)
			lines_conclude(s, lane, &lane->line[(lane->next + k) % LINE_WINDOW]);
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
