// SPDX-License-Identifier: BSD-3-Clause
#include "traces/stage/clock.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS   (1u << 20) /* of a guest */
#define STEPS	   100	      /* of the search for a rate */
#define MOST_PPM   200000u    /* that a guest may be wrong about its own clock */
#define MOST_WRONG 16	      /* times faster or slower, when all else fails */
#define LOOKS	   64	      /* at rates that would do, too, for the error */

/* What the guest says of a request, in ticks. */
struct asked {
	u64 submit, notify, handle, reap;
	u16 head;
	bool seen, notified, handled, reaped;
};

/* What the back-end says of one, in ns. */
struct served {
	u64 seq, fetch, done, publish;
	u16 head;
	bool fetched, finished, published;
};

struct clock_fit {
	double hz, host_hz, error_ppm;
	struct asked *asked;
	u64 first; /* number of the first */
	u32 count, room;
	u16 queue;
	u64 handle;
	bool handled; /* and nothing was reaped since */
	/* Where the guest's requests should be since the queue last began; and the last ones of all. */
	bool begun;
	u64 begin;
	struct served *placed, *last, *best;
	u64 last_seq;
	bool any;
	u32 best_matched;
};

struct clock_fit *clock_fit_new(u64 hz, u32 error_ppm, double host_hz)
{
	struct clock_fit *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->hz = (double)(hz ? hz : 1000000000);
	f->error_ppm = MIN(MAX(error_ppm, 1u), MOST_PPM);
	f->host_hz = host_hz;
	return f;
}

void clock_fit_free(struct clock_fit *f)
{
	if (!f)
		return;
	free(f->asked);
	free(f->placed);
	free(f->last);
	free(f->best);
	free(f);
}

/* --- the guest ---------------------------------------------------------------------------------------- */

static struct asked *asked_at(struct clock_fit *f, u64 seq)
{
	return f->count && seq - f->first < f->count && f->asked[seq - f->first].seen
		       ? &f->asked[seq - f->first]
		       : NULL;
}

static int add_asked(struct clock_fit *f, const struct trace_event *e)
{
	u64 i;

	if (!f->count) {
		f->first = e->seq;
		f->queue = e->queue;
	}
	i = e->seq - f->first;
	if (e->queue != f->queue || i >= REQUESTS)
		return 0;
	if (i >= f->room) {
		u32 room = MAX(f->room, 1024u);
		struct asked *more;

		while (room <= i)
			room *= 2;
		more = realloc(f->asked, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		memset(more + f->room, 0, (room - f->room) * sizeof(*more));
		f->asked = more;
		f->room = room;
	}
	f->asked[i] = (struct asked){ .submit = e->ticks, .head = e->head, .seen = true };
	f->count = MAX(f->count, (u32)i + 1);
	return 0;
}

static void add_notify(struct clock_fit *f, const struct trace_event *e)
{
	for (u64 k = 0; k < MIN(e->len, f->count); k++) {
		struct asked *a = asked_at(f, e->seq - k);

		if (!a || a->notified)
			continue;
		a->notify = e->ticks;
		a->notified = true;
	}
}

int clock_fit_guest(struct clock_fit *f, const struct trace_event *e)
{
	struct asked *a;

	if (e->kind == TRACE_SUBMIT)
		return add_asked(f, e);
	if (!f->count || e->queue != f->queue)
		return 0;
	switch (e->kind) {
	case TRACE_NOTIFY:
		add_notify(f, e);
		break;
	case TRACE_HANDLE:
		f->handle = e->ticks;
		f->handled = true;
		break;
	case TRACE_REAP:
		a = asked_at(f, e->seq);
		if (!a || a->reaped)
			break;
		a->reap = e->ticks;
		a->reaped = true;
		/* Of those that are reaped together the first is the one that it was for. */
		a->handled = f->handled;
		a->handle = f->handle;
		f->handled = false;
		break;
	default:
		break;
	}
	return 0;
}

/* --- the back-end ------------------------------------------------------------------------------------- */

static void put(struct served *s, const struct trace_event *e, u64 ns)
{
	if (e->kind == TRACE_FETCH) {
		*s = (struct served){
			.seq = e->seq, .head = e->head, .fetch = ns, .fetched = true
		};
		return;
	}
	if (!s->fetched || s->seq != e->seq || s->head != e->head)
		return;
	if (e->kind == TRACE_SERVE_END && !s->finished) {
		s->done = ns;
		s->finished = true;
	} else if (e->kind == TRACE_PUBLISH && !s->published) {
		s->publish = ns;
		s->published = true;
	}
}

/* How many of the guest's requests are these; 0 when one is another one. */
static u32 matched(const struct clock_fit *f, const struct served *s)
{
	u32 n = 0;

	for (u32 i = 0; i < f->count; i++) {
		if (!f->asked[i].seen || !s[i].fetched)
			continue;
		if (s[i].head != f->asked[i].head)
			return 0;
		n += f->asked[i].reaped && s[i].finished;
	}
	return n;
}

/* The later one, where two would do. */
static void keep_better(struct clock_fit *f, const struct served *s)
{
	const u32 n = matched(f, s);

	if (!n || n < f->best_matched)
		return;
	memcpy(f->best, s, f->count * sizeof(*s));
	f->best_matched = n;
}

static int get_ready(struct clock_fit *f)
{
	if (f->placed)
		return 0;
	f->placed = calloc(f->count, sizeof(*f->placed));
	f->last = calloc(f->count, sizeof(*f->last));
	f->best = calloc(f->count, sizeof(*f->best));
	return f->placed && f->last && f->best ? 0 : -ENOMEM;
}

static void begin_queue(struct clock_fit *f, const struct trace_event *e)
{
	if (f->begun)
		keep_better(f, f->placed);
	memset(f->placed, 0, f->count * sizeof(*f->placed));
	f->begun = true;
	f->begin = e->seq;
}

int clock_fit_host(struct clock_fit *f, const struct trace_event *e, u64 ns)
{
	u64 at;

	if (!f->count || e->queue != f->queue || e->flags & TRACE_F_OUTSIDE)
		return 0;
	if (e->kind != TRACE_START && e->kind != TRACE_FETCH && e->kind != TRACE_SERVE_END &&
	    e->kind != TRACE_PUBLISH)
		return 0;
	if (get_ready(f))
		return -ENOMEM;
	if (e->kind == TRACE_START) {
		begin_queue(f, e);
		return 0;
	}
	at = e->seq - f->begin - f->first;
	if (f->begun && at < f->count)
		put(&f->placed[at], e, ns);
	put(&f->last[e->seq % f->count], e, ns);
	if (e->kind == TRACE_FETCH) {
		f->last_seq = e->seq;
		f->any = true;
	}
	return 0;
}

/* Nobody has said where the queue began: both ended with the same request. */
static int from_the_end(struct clock_fit *f)
{
	struct served *s = calloc(f->count, sizeof(*s));

	if (!s)
		return -ENOMEM;
	for (u32 i = 0; i < f->count; i++) {
		const u64 seq = f->last_seq - (f->count - 1 - i);
		const struct served *l = &f->last[seq % f->count];

		if (l->fetched && l->seq == seq)
			s[i] = *l;
	}
	keep_better(f, s);
	free(s);
	return 0;
}

/* --- the line through both ---------------------------------------------------------------------------- */

struct bounds {
	double low, high;	      /* of the offset at a rate, whatever both do */
	double close_low, close_high; /* … while both sleep */
};

struct fitting {
	const struct clock_fit *f;
	u64 t0, y0; /* what x and y count from */
	double x_end;
};

static double x_of(const struct fitting *g, u64 ticks)
{
	return (double)(int64_t)(ticks - g->t0) * 1e9 / g->f->hz;
}

static double y_of(const struct fitting *g, u64 ns)
{
	return (double)(int64_t)(ns - g->y0);
}

static struct bounds bounds_at(const struct fitting *g, double rate)
{
	struct bounds b = { -INFINITY, INFINITY, -INFINITY, INFINITY };

	for (u32 i = 0; i < g->f->count; i++) {
		const struct asked *a = &g->f->asked[i];
		const struct served *s = &g->f->best[i];

		if (!a->seen || !a->reaped || !s->fetched || !s->finished)
			continue;
		b.high = fmin(b.high, y_of(g, s->fetch) - rate * x_of(g, a->submit));
		b.low = fmax(b.low, y_of(g, s->done) - rate * x_of(g, a->reap));
		if (a->notified)
			b.close_high =
				fmin(b.close_high, y_of(g, s->fetch) - rate * x_of(g, a->notify));
		if (a->handled && s->published)
			b.close_low =
				fmax(b.close_low, y_of(g, s->publish) - rate * x_of(g, a->handle));
	}
	b.close_low = fmax(b.close_low, b.low);
	b.close_high = fmin(b.close_high, b.high);
	return b;
}

static double room_at(const struct fitting *g, double rate)
{
	const struct bounds b = bounds_at(g, rate);

	return b.high - b.low;
}

/* The rate that leaves most room: between the two ends there is but one top. */
static double best_rate(const struct fitting *g, double low, double high)
{
	for (int i = 0; i < STEPS; i++) {
		const double a = low + (high - low) / 3, b = high - (high - low) / 3;

		if (room_at(g, a) < room_at(g, b))
			low = a;
		else
			high = b;
	}
	return (low + high) / 2;
}

/* How far another rate, which would do as well, is away from this line at either end. */
static double error_by_rate(const struct fitting *g, double rate, double offset, double span)
{
	double error = 0;

	for (int i = 0; i <= LOOKS; i++) {
		const double other = rate + span * (2.0 * i / LOOKS - 1);
		const struct bounds b = bounds_at(g, other);

		if (b.low > b.high)
			continue;
		for (int end = 0; end < 2; end++) {
			const double x = end ? g->x_end : 0;

			error = fmax(error, fabs(b.low + other * x - (offset + rate * x)));
			error = fmax(error, fabs(b.high + other * x - (offset + rate * x)));
		}
	}
	return error;
}

/* Rates that leave room lie between two ends: one of them, seen from the best one. */
static double span_of_rates(const struct fitting *g, double rate, double most)
{
	double in = 0, out = most;

	for (int i = 0; i < STEPS / 2; i++) {
		const double middle = (in + out) / 2;

		if (room_at(g, rate + middle) >= 0 || room_at(g, rate - middle) >= 0)
			in = middle;
		else
			out = middle;
	}
	return out;
}

/* As far as it goes. */
static int64_t whole(double v)
{
	return v >= 9e18 ? INT64_MAX : v <= -9e18 ? INT64_MIN : (int64_t)v;
}

static const char *fit(struct fitting *g, struct guest_clock *out)
{
	const struct clock_fit *f = g->f;
	/* Even a machine that tells its frequency may be a little off. */
	const double most = fmax(f->error_ppm * 2, 200) / 1e6;
	const double as_host = f->host_hz > 0 ? f->hz / f->host_hz : 0;
	double rate = 1, offset, error;
	bool known = false;
	struct bounds b;

	/*
	 * The same counter, to all appearances: one that was not would not fit. Else what the guest thinks, or what
	 * fits best; on a busy host it may have measured its clock quite wrongly, and does not know.
	 */
	if (as_host > 0 && room_at(g, as_host) >= 0) {
		rate = as_host;
		known = true;
	} else if (f->error_ppm <= 1 && room_at(g, 1) >= 0) {
		known = true;
	} else {
		rate = best_rate(g, 1 - most, 1 + most);
		if (room_at(g, rate) < 0)
			rate = best_rate(g, 1.0 / MOST_WRONG, MOST_WRONG);
	}
	b = bounds_at(g, rate);
	if (b.low > b.high || fabs(b.low) > 1e18 || fabs(b.high) > 1e18)
		return "no offset and no rate keeps every cause before its effect";
	offset = b.close_low <= b.close_high ? (b.close_low + b.close_high) / 2
					     : (b.low + b.high) / 2;
	error = fmax(b.high - offset, offset - b.low);
	if (!known)
		error = fmax(error, error_by_rate(g, rate, offset, span_of_rates(g, rate, most)));
	*out = (struct guest_clock){
		.base_ticks = g->t0,
		.base_ns = g->y0 + (u64)whole(floor(offset)),
		.mult = (u64)(rate * 1e9 / f->hz * 4294967296.0),
		.error_ns = (u64)whole(ceil(fmin(error, 1e18))) + 1,
		.rate_ppm = (rate - 1) * 1e6,
		.requests = f->best_matched,
	};
	out->offset_ns = whole((double)out->base_ns - (double)g->t0 * 1e9 / f->hz);
	return NULL;
}

const char *clock_fit_end(struct clock_fit *f, struct guest_clock *out)
{
	struct fitting g = { .f = f };
	bool found = false;

	if (!f->count)
		return "the guest has written no request down";
	if (!f->any)
		return "the back-end has fetched nothing of the guest's queue";
	if (f->begun)
		keep_better(f, f->placed);
	if (!f->best_matched && from_the_end(f))
		return "out of memory";
	if (!f->best_matched)
		return "guest and back-end have no request in common";
	for (u32 i = 0; i < f->count; i++) {
		if (!f->asked[i].seen || !f->asked[i].reaped || !f->best[i].fetched)
			continue;
		if (!found) {
			g.t0 = f->asked[i].submit;
			g.y0 = f->best[i].fetch;
			found = true;
		}
		g.x_end = fmax(g.x_end, x_of(&g, f->asked[i].reap));
	}
	return fit(&g, out);
}
