// SPDX-License-Identifier: BSD-3-Clause
/* What a guest says of a bench: its figures, and what they were made of. */
#include <stdlib.h>

#include "harness/run/collect_take.h"

static void take_figures(struct bench_figures *f, const struct wire_bench *m)
{
	f->requests = m->requests;
	f->errors = m->errors;
	f->first_bad = m->first_bad;
	f->elapsed_ns = m->elapsed_ns;
	f->kicks = m->kicks;
	f->calls = m->calls;
	f->latency->sum = m->sum;
	f->latency->min = m->min;
	f->latency->max = m->max;
	f->latency->clamped = m->clamped;
}

bool collect_take_bench(struct collect *c)
{
	struct collect_job *j = collect_current_of(c, WIRE_JOB_BENCH);
	struct wire_bench m;

	if (!wire_bench(&c->wire, &m) || !j || j->has_figures)
		return collect_out_of_order(c, "figures");
	if (m.hz == 0)
		return collect_out_of_order(c, "figures without a clock");
	j->has_figures = true;
	j->opts = (struct bench_opts){
		.type = m.type,
		.block_size = m.block_size,
		.depth = m.depth,
		.poll = m.poll,
		.sequential = m.sequential,
		.event_idx = m.event_idx,
		.packed = m.packed,
		.in_order = m.in_order,
		.notification_data = m.notification_data,
		.indirect = m.indirect,
		.batch = m.batch,
		.queues = 1,
		.rate = m.rate,
		.requests = m.requests,
	};
	take_figures(&j->figures, &m);
	j->clock = clock_of_counter(m.hz);
	j->clock.error_ppm = m.error_ppm;
	j->clock.source = c->guest.clock;
	return true;
}

bool collect_take_untraced(struct collect *c)
{
	struct collect_job *j = collect_current_of(c, WIRE_JOB_BENCH);
	struct wire_bench m;

	if (!wire_bench(&c->wire, &m) || !j || j->has_figures || j->has_untraced)
		return collect_out_of_order(c, "figures without a trace");
	j->untraced.latency = calloc(1, sizeof(*j->untraced.latency));
	if (!j->untraced.latency)
		return collect_broken(c, "out of memory");
	j->has_untraced = true;
	take_figures(&j->untraced, &m);
	return true;
}

bool collect_take_hist(struct collect *c)
{
	struct collect_job *j = collect_current_of(c, WIRE_JOB_BENCH);
	struct bench_figures *f = j && j->has_figures ? &j->figures : j ? &j->untraced : NULL;
	static struct wire_hist m;

	if (!wire_hist(&c->wire, &m) || !j || !(j->has_figures || j->has_untraced))
		return collect_out_of_order(c, "a histogram");
	for (u32 i = 0; i < m.count; i++) {
		if (m.bucket[i] >= HIST_BUCKETS || f->latency->bucket[m.bucket[i]] ||
		    m.value[i] > f->requests - f->latency->count)
			return collect_out_of_order(c, "a bucket");
		f->latency->bucket[m.bucket[i]] = m.value[i];
		f->latency->count += m.value[i];
	}
	j->in_hist = j->figures.latency->count;
	return true;
}

bool collect_take_trace(struct collect *c)
{
	struct collect_job *j = collect_current_of(c, WIRE_JOB_BENCH);
	struct wire_trace m;

	if (!wire_trace(&c->wire, &m) || !j || !j->has_figures || j->has_trace ||
	    m.events > COLLECT_EVENTS || !m.hz)
		return collect_out_of_order(c, "a trace");
	j->event = calloc(m.events + 1u, sizeof(*j->event));
	if (!j->event)
		return collect_broken(c, "out of memory");
	j->has_trace = true;
	j->trace = m;
	return true;
}

bool collect_take_events(struct collect *c)
{
	struct collect_job *j = collect_current_of(c, WIRE_JOB_BENCH);
	static struct wire_events m;

	if (!wire_events(&c->wire, &m) || !j || !j->has_trace ||
	    m.count > j->trace.events - j->event_count)
		return collect_out_of_order(c, "events");
	for (u32 i = 0; i < m.count; i++)
		j->event[j->event_count++] = wire_events_get(&m, i);
	return true;
}

bool collect_take_raw(struct collect *c)
{
	struct collect_job *j = collect_current_of(c, WIRE_JOB_BENCH);
	static struct wire_raw m;
	struct load_stamp *raw;

	if (!wire_raw(&c->wire, &m) || !j || !j->has_figures ||
	    j->raw_count + m.count > j->figures.requests)
		return collect_out_of_order(c, "time stamps");
	raw = realloc(j->raw, (j->raw_count + m.count + 1) * sizeof(*raw));
	if (!raw)
		return collect_broken(c, "out of memory");
	j->raw = raw;
	for (u32 i = 0; i < m.count; i++)
		raw[j->raw_count++] =
			(struct load_stamp){ m.start[i], m.end[i], m.kicked[i], m.woken[i] };
	return true;
}

bool collect_bench_whole(struct collect *c, const struct collect_job *j)
{
	if (!j->has_figures || j->in_hist != j->figures.requests)
		return collect_broken(c, "the histogram has %llu requests, the figures %llu",
				      (unsigned long long)j->in_hist,
				      (unsigned long long)j->figures.requests);
	if (j->has_untraced && j->untraced.latency->count != j->untraced.requests)
		return collect_broken(
			c, "the histogram without a trace has %llu requests, the figures %llu",
			(unsigned long long)j->untraced.latency->count,
			(unsigned long long)j->untraced.requests);
	if (j->event_count != j->trace.events)
		return collect_broken(c, "%u events of %u have come", j->event_count,
				      j->trace.events);
	return true;
}
