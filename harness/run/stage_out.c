// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/stage_out.h"

#include <string.h>

#include "harness/run/kernel_out.h"

static json_t *row_json(const struct stage_row *r)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "name", r->name, "from",
			 stage_point_name(r->from), "to", stage_point_name(r->to), "p50_ns",
			 (json_int_t)r->p50_ns, "p99_ns", (json_int_t)r->p99_ns, "mean_ns",
			 (json_int_t)r->mean_ns, "max_ns", (json_int_t)r->max_ns, "sum_ns",
			 (json_int_t)r->sum_ns, "count", (json_int_t)r->count);
}

json_t *stage_rows_json(const struct stage_table *t)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < t->rows; i++)
		json_array_append_new(rows, row_json(&t->row[i]));
	return rows;
}

/* {slice_ns, octaves: [2^k ns, …], counts: [[…], …]}, without what is empty at the edges. */
static json_t *heat_json(const struct stage_heat *h)
{
	unsigned low = STAGE_OCTAVES, high = 0, slices = 0;
	json_t *counts = json_array();

	for (unsigned i = 0; i < STAGE_SLICES; i++) {
		for (unsigned k = 0; k < STAGE_OCTAVES; k++) {
			if (!h->count[i][k])
				continue;
			low = MIN(low, k);
			high = MAX(high, k + 1);
			slices = i + 1;
		}
	}
	for (unsigned i = 0; i < slices; i++) {
		json_t *slice = json_array();

		for (unsigned k = low; k < high; k++)
			json_array_append_new(slice, json_integer(h->count[i][k]));
		json_array_append_new(counts, slice);
	}
	return json_pack("{s:I, s:I, s:o}", "slice_ns", (json_int_t)h->slice_ns, "least_ns",
			 slices ? (json_int_t)1 << low : 0, "counts", counts);
}

/* How a guest's clock stands to ours; NULL: there is none. */
static json_t *guest_json_of(const struct stage_guest *g)
{
	if (g->known)
		return json_pack("{s:s}", "how", "told");
	if (!g->related)
		return NULL;
	return json_pack("{s:s, s:I, s:I, s:f, s:I}", "how", "measured", "offset_ns",
			 (json_int_t)g->offset_ns, "error_ns", (json_int_t)g->error_ns, "rate_ppm",
			 g->rate_ppm, "requests", (json_int_t)g->requests);
}

/* As ringside trace outliers has them. */
static json_t *slow_json(const struct stage_request *r)
{
	const unsigned first = (unsigned)__builtin_ctz(r->seen),
		       last = 31u - (unsigned)__builtin_clz(r->seen);
	json_t *points = json_array();

	for (unsigned p = first; p <= last; p++)
		if (r->seen >> p & 1)
			json_array_append_new(
				points, json_pack("{s:s, s:I}", "point", stage_point_name(p), "ns",
						  (json_int_t)(r->at[p] - r->at[first])));
	return json_pack("{s:I, s:i, s:i, s:I, s:I, s:o}", "seq", (json_int_t)r->seq, "queue",
			 (int)r->queue, "head", (int)r->head, "begin_ns", (json_int_t)r->at[first],
			 "latency_ns", (json_int_t)(r->at[last] - r->at[first]), "points", points);
}

json_t *stage_trace_json(const struct stage_table *t, const char *dir, u64 discarded)
{
	json_t *o = json_pack(
		"{s:I, s:I, s:I, s:I, s:i, s:i, s:I, s:I, s:I, s:b}", "events",
		(json_int_t)t->events, "requests", (json_int_t)t->requests, "unmatched",
		(json_int_t)t->unmatched, "discarded", (json_int_t)MAX(t->discarded, discarded),
		"processes", (int)t->processes, "torn", (int)t->torn, "clock_error_ns",
		(json_int_t)t->clock_error_ns, "skewed", (json_int_t)t->skewed, "skew_max_ns",
		(json_int_t)t->skew_max_ns, "adds_up", stage_adds_up(t));
	json_t *name = json_string(dir), *guest = guest_json_of(&t->guest), *slow = json_array();
	json_t *kernel = kernel_json(t);

	json_object_set_new(o, "end_to_end", row_json(&t->whole));
	json_object_set_new(o, "heat", heat_json(&t->heat));
	if (kernel)
		json_object_set_new(o, "kernel", kernel);
	for (unsigned i = 0; i < t->slows; i++)
		json_array_append_new(slow, slow_json(&t->slow[i]));
	json_object_set_new(o, "outliers", slow);
	if (guest)
		json_object_set_new(o, "guest_clock", guest);
	/* A path need not be UTF-8; it is left out then. */
	if (name)
		json_object_set_new(o, "dir", name);
	return o;
}

static void row_text(const struct stage_row *r, int width, FILE *f)
{
	if (r->count)
		fprintf(f, "%-*s %10.2f %10.2f %10.2f %10.2f %12llu\n", width, r->name,
			(double)r->p50_ns / 1000, (double)r->p99_ns / 1000,
			(double)r->max_ns / 1000, (double)r->mean_ns / 1000,
			(unsigned long long)r->count);
	else
		fprintf(f, "%-*s %10s %10s %10s %10s %12d\n", width, r->name, "-", "-", "-", "-",
			0);
}

/* The sums, not the means: those are rounded. */
static void sum_text(const struct stage_table *t, FILE *f)
{
	const double n = (double)t->requests * 1000;
	u64 sum = 0;

	if (!t->requests)
		return;
	for (unsigned i = 0; i < t->rows; i++)
		sum += t->row[i].sum_ns;
	fprintf(f, "the stages add up to %.3f us of %.3f us", (double)sum / n,
		(double)t->whole.sum_ns / n);
	if (t->clock_error_ns)
		fprintf(f, "; clocks apart by %.3f us at most", (double)t->clock_error_ns / 1000);
	fputc('\n', f);
	if (!stage_adds_up(t))
		fprintf(f,
			"they should add up to the whole: %llu requests have an event up to %.3f us before "
			"its cause\n",
			(unsigned long long)t->skewed, (double)t->skew_max_ns / 1000);
}

static void guest_text(const struct stage_guest *g, FILE *f)
{
	if (g->related)
		fprintf(f,
			"the guest's clock: %.3f us behind ours, off by %.3f us at most, %+.2f ppm, from "
			"%llu requests\n",
			(double)g->offset_ns / 1000, (double)g->error_ns / 1000, g->rate_ppm,
			(unsigned long long)g->requests);
}

void stage_write_text(const struct stage_table *t, u64 discarded, FILE *f)
{
	u64 lost = MAX(t->discarded, discarded);
	int width = 10;

	for (unsigned i = 0; i < t->rows; i++)
		width = MAX(width, (int)strlen(t->row[i].name));
	fprintf(f, "%-*s %10s %10s %10s %10s %12s\n", width, "stage, us", "p50", "p99", "max",
		"mean", "requests");
	for (unsigned i = 0; i < t->rows; i++)
		row_text(&t->row[i], width, f);
	row_text(&t->whole, width, f);
	fprintf(f, "%llu events of %llu whole requests", (unsigned long long)t->events,
		(unsigned long long)t->requests);
	if (t->processes > 1)
		fprintf(f, ", %u processes", t->processes);
	fputc('\n', f);
	sum_text(t, f);
	guest_text(&t->guest, f);
	kernel_write_text(t, f);
	if (lost)
		fprintf(f,
			"%llu events found no room in the tracer's buffers: the table has gaps\n",
			(unsigned long long)lost);
	if (t->torn)
		fprintf(f, "%u files of the recording are cut off: read up to there\n", t->torn);
	if (t->unmatched)
		fprintf(f, "%llu events without their partner: lost, or outside the recording\n",
			(unsigned long long)t->unmatched);
}
