// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/stage_out.h"

json_t *stage_rows_json(const struct stage_table *t)
{
	json_t *rows = json_array();

	for (int i = 0; i < STAGE_COUNT; i++) {
		const struct stage_row *r = &t->row[i];

		json_array_append_new(
			rows, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "name", r->name, "p50_ns",
					(json_int_t)r->p50_ns, "p99_ns", (json_int_t)r->p99_ns,
					"mean_ns", (json_int_t)r->mean_ns, "max_ns",
					(json_int_t)r->max_ns, "count", (json_int_t)r->count));
	}
	return rows;
}

json_t *stage_trace_json(const struct stage_table *t, const char *dir, u64 discarded)
{
	json_t *o = json_pack(
		"{s:I, s:I, s:I, s:I, s:i}", "events", (json_int_t)t->events, "requests",
		(json_int_t)t->requests, "unmatched", (json_int_t)t->unmatched, "discarded",
		(json_int_t)MAX(t->discarded, discarded), "processes", (int)t->processes);
	json_t *name = json_string(dir);

	/* A path need not be UTF-8; it is left out then. */
	if (name)
		json_object_set_new(o, "dir", name);
	return o;
}

void stage_write_text(const struct stage_table *t, u64 discarded, FILE *f)
{
	u64 lost = MAX(t->discarded, discarded);

	fprintf(f, "%-10s %10s %10s %10s %10s %12s\n", "stage, us", "p50", "p99", "max", "mean",
		"requests");
	for (int i = 0; i < STAGE_COUNT; i++) {
		const struct stage_row *r = &t->row[i];

		if (r->count)
			fprintf(f, "%-10s %10.2f %10.2f %10.2f %10.2f %12llu\n", r->name,
				(double)r->p50_ns / 1000, (double)r->p99_ns / 1000,
				(double)r->max_ns / 1000, (double)r->mean_ns / 1000,
				(unsigned long long)r->count);
		else
			fprintf(f, "%-10s %10s %10s %10s %10s %12d\n", r->name, "-", "-", "-", "-",
				0);
	}
	fprintf(f, "%llu events of %llu whole requests", (unsigned long long)t->events,
		(unsigned long long)t->requests);
	if (t->processes > 1)
		fprintf(f, ", %u processes", t->processes);
	fputc('\n', f);
	if (lost)
		fprintf(f,
			"%llu events found no room in the tracer's buffers: the table has gaps\n",
			(unsigned long long)lost);
	if (t->unmatched)
		fprintf(f, "%llu events without their partner: lost, or outside the recording\n",
			(unsigned long long)t->unmatched);
}
