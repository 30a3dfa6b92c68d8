// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdlib.h>

#include "traces/export/export.h"
#include "traces/stage/read.h"

#define TRACKS 4096 /* requests at once */

enum actor {
	DRIVER = 1,
	HYPERVISOR,
	BACK_END,
	ACTORS,
};

/* Whose time a stage is: of whom brings it to its end. */
static enum actor actor_of(unsigned from, unsigned to)
{
	if (from >= TRACE_FETCH && to <= TRACE_CALL)
		return BACK_END;
	if (to == TRACE_FETCH)
		return from >= TRACE_KICK || from < TRACE_NOTIFY ? BACK_END : HYPERVISOR;
	if (to <= TRACE_NOTIFY || from >= TRACE_INJECT)
		return DRIVER;
	if (to >= TRACE_HANDLE)
		return from >= TRACE_CALL ? HYPERVISOR : BACK_END;
	return HYPERVISOR;
}

struct writer {
	FILE *f;
	u64 left;
	bool any, first_known;
	u64 first; /* of all times: a double holds the rest to the nanosecond */
	/* A request takes the first track of its queue that is free. */
	struct track {
		u32 session;
		u16 queue;
		u64 free_at;
	} track[TRACKS];
	unsigned tracks;
	u64 flow;
};

static void comma(struct writer *w)
{
	fputs(w->any ? ",\n" : "\n", w->f);
	w->any = true;
}

static double us(struct writer *w, u64 ns)
{
	if (!w->first_known) {
		w->first_known = true;
		w->first = ns;
	}
	return (double)(int64_t)(ns - w->first) / 1000;
}

static unsigned find_track(struct writer *w, const struct line *l)
{
	const u64 begin = l->at[line_first(l)], end = l->at[line_last(l)];

	for (unsigned i = 0; i < w->tracks; i++) {
		struct track *t = &w->track[i];

		if (t->session == l->session && t->queue == l->queue && t->free_at <= begin) {
			t->free_at = end;
			return i;
		}
	}
	if (w->tracks == TRACKS)
		return TRACKS;
	w->track[w->tracks] = (struct track){ l->session, l->queue, end };
	for (int a = DRIVER; a <= BACK_END; a++) {
		comma(w);
		fprintf(w->f,
			"{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%d,\"tid\":%u,"
			"\"args\":{\"name\":\"process %u queue %u\"}}",
			a, w->tracks + 1, l->session, l->queue);
	}
	return w->tracks++;
}

static void arrow(struct writer *w, const char *ph, enum actor a, unsigned track, u64 ns)
{
	comma(w);
	fprintf(w->f,
		"{\"ph\":\"%s\",\"name\":\"request\",\"cat\":\"request\",\"id\":%" PRIu64
		",\"pid\":%d,\"tid\":%u,\"ts\":%.3f%s}",
		ph, w->flow, a, track + 1, us(w, ns), *ph == 's' ? "" : ",\"bp\":\"e\"");
}

static void on_line(void *arg, const struct line *l)
{
	struct writer *w = arg;
	unsigned track, from = line_first(l);
	enum actor last = ACTORS;

	if (!w->left)
		return;
	track = find_track(w, l);
	if (track == TRACKS)
		return;
	w->left--;
	w->flow++;
	for (unsigned to = from + 1; to < TRACE_POINTS; to++) {
		char name[80];
		enum actor a;

		if (!line_has(l, to))
			continue;
		a = actor_of(from, to);
		stage_join(name, sizeof(name), from, to);
		comma(w);
		fprintf(w->f,
			"{\"ph\":\"X\",\"name\":\"%s\",\"cat\":\"stage\",\"pid\":%d,\"tid\":%u,\"ts\":%.3f,"
			"\"dur\":%.3f,\"args\":{\"seq\":%" PRIu64 ",\"head\":%u,\"from\":\"%s\","
			"\"to\":\"%s\"}}",
			name, a, track + 1, us(w, l->at[from]),
			(double)(l->at[to] - l->at[from]) / 1000, l->seq, l->head,
			stage_point_name(from), stage_point_name(to));
		if (a != last)
			arrow(w, last == ACTORS ? "s" : "t", a, track, l->at[from]);
		last = a;
		from = to;
	}
	if (last != ACTORS)
		arrow(w, "f", last, track, l->at[from]);
}

int export_perfetto(const char *path, FILE *f, u64 requests, char *err, size_t len)
{
	static const char *const names[ACTORS] = {
		[DRIVER] = "driver",
		[HYPERVISOR] = "notification",
		[BACK_END] = "back-end",
	};
	struct writer *w = calloc(1, sizeof(*w));
	struct lines_options o = { .whole = on_line, .arg = w };
	struct stage_table table;
	int rc;

	if (!w) {
		snprintf(err, len, "out of memory");
		return -1;
	}
	w->f = f;
	w->left = requests;
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", f);
	for (int a = DRIVER; a < ACTORS; a++) {
		comma(w);
		fprintf(f,
			"{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%d,\"args\":{\"name\":\"%s\"}}",
			a, names[a]);
		comma(w);
		fprintf(f,
			"{\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":%d,\"args\":{\"sort_index\":%d}}",
			a, a);
	}
	rc = stage_read_lines(path, &o, &table, NULL, err, len);
	fputs("\n]}\n", f);
	free(w);
	return rc;
}
