// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/bench_result.h"

#include <jansson.h>
#include <string.h>

#include "harness/bench/host/spoil.h"
#include "harness/run/host.h"
#include "harness/run/stage_out.h"
#include "harness/spec/version.h"
#include "traces/tracer.h"

static const struct {
	const char *name, *label;
	u32 ppm;
} quantiles[] = {
	{ "p50", "p50", 500000 },
	{ "p90", "p90", 900000 },
	{ "p99", "p99", 990000 },
	{ "p999", "p99.9", 999000 },
};

static double per_second(const struct bench_figures *f)
{
	return f->elapsed_ns ? (double)f->requests * 1e9 / (double)f->elapsed_ns : 0;
}

static double per_request(const struct bench_figures *f, u64 n)
{
	return f->requests ? (double)n / (double)f->requests : 0;
}

/* The floor that a latency is judged by: what one hand-over and back costs at the median. */
static double floor_ratio(const struct bench_result *r)
{
	u64 p50 = hist_quantile(r->figures.latency, 500000);

	return r->floor.round_trip_p50 ? (double)p50 / (double)r->floor.round_trip_p50 : 0;
}

static double cost_ratio(const struct bench_result *r)
{
	u64 untraced = hist_quantile(r->untraced.latency, 500000);

	return untraced ? (double)hist_quantile(r->figures.latency, 500000) / (double)untraced : 0;
}

static json_t *latency(const struct hist *h)
{
	json_t *o = json_object();

	json_object_set_new(o, "min", json_integer((json_int_t)hist_min(h)));
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
		json_object_set_new(o, quantiles[i].name,
				    json_integer((json_int_t)hist_quantile(h, quantiles[i].ppm)));
	json_object_set_new(o, "max", json_integer((json_int_t)h->max));
	json_object_set_new(o, "mean", json_integer((json_int_t)hist_mean(h)));
	return o;
}

static json_t *histogram(const struct hist *h)
{
	json_t *a = json_array();
	u64 upper, count;
	u32 index = 0;

	while (hist_next(h, &index, &upper, &count))
		json_array_append_new(a, json_pack("[I, I]", (json_int_t)upper, (json_int_t)count));
	return a;
}

static const char *device(const struct bench_result *r)
{
	return r->device		    ? r->device
	       : r->opts->type == LOAD_NULL ? "null"
	       : r->opts->type == LOAD_FILL ? "rng"
					    : "blk";
}

/* Bytes of a request. */
static u32 request_bytes(const struct bench_result *r)
{
	const struct load_ask *a = r->opts->ask;

	return a ? a->out_len + a->in[0] + a->in[1] : r->opts->block_size;
}

static json_t *target(const struct bench_result *r)
{
	json_t *o = json_pack("{s:o, s:o, s:s, s:s, s:o, s:o}", "uri", json_any(r->uri), "name",
			      json_any(r->name ? r->name : r->uri), "device", device(r),
			      "transport", r->transport ? r->transport : "vhost-user", "features",
			      json_hex(r->features), "protocol_features",
			      json_hex(r->protocol_features));

	if (r->command)
		json_object_set_new(o, "command", json_any(r->command));
	return o;
}

static json_t *workload(const struct bench_result *r)
{
	const struct bench_opts *b = r->opts;

	json_t *pins = json_array(), *o;

	for (unsigned i = 0; i < b->pins; i++)
		json_array_append_new(pins, json_integer(b->pin[i]));
	o = json_pack("{s:s, s:s, s:i, s:b, s:i, s:i, s:I, s:s, s:s, s:s, s:I, s:f, s:s}", "device",
		      device(r), "op", r->op, "batch", (int)MAX(b->batch, 1u), "indirect",
		      b->indirect, "block_size", (int)request_bytes(r), "queue_depth",
		      (int)b->depth, "rate", (json_int_t)b->rate, "loop",
		      b->rate ? "open" : "closed", "wait", b->poll ? "poll" : "event", "ring",
		      b->packed ? "packed" : "split", "requests", (json_int_t)r->figures.requests,
		      "duration_s", (double)r->figures.elapsed_ns / 1e9, "pattern",
		      b->sequential ? "sequential" : "random");
	json_object_set_new(o, "in_order", json_boolean(b->in_order));
	json_object_set_new(o, "notification_data", json_boolean(b->notification_data));
	json_object_set_new(o, "queues", json_integer((json_int_t)MAX(b->queues, 1u)));
	json_object_set_new(o, "memory", json_string(bench_memory_name(b->memory)));
	json_object_set_new(o, "pin", pins);
	return o;
}

static json_t *floor_json(const struct bench_result *r)
{
	const struct floor_result *floor = &r->floor;
	json_t *o = json_pack("{s:s, s:I, s:I, s:f, s:[i, i]}", "kind",
			      floor_kind_name(floor->kind), "ns", (json_int_t)floor->round_trip_p50,
			      "p99_ns", (json_int_t)floor->round_trip_p99, "ratio", floor_ratio(r),
			      "cpus", floor->cpu[0], floor->cpu[1]);

	if (floor->note[0])
		json_object_set_new(o, "note", json_string(floor->note));
	return o;
}

/* The recording, and the run without it that tells what it cost. */
static json_t *trace(const struct bench_result *r)
{
	json_t *o = stage_trace_json(&r->stages, r->trace_dir, r->discarded);
	json_t *untraced = latency(r->untraced.latency);
	json_t *tracers = json_array();

	for (unsigned i = TRACER_BUFFER; i <= TRACER_LAST; i <<= 1)
		if (r->tracers & i)
			json_array_append_new(tracers,
					      json_string(tracer_name((enum tracer_source)i)));
	json_object_set_new(o, "tracers", tracers);
	json_object_set_new(untraced, "requests_per_s", json_real(per_second(&r->untraced)));
	json_object_set_new(untraced, "histogram", histogram(r->untraced.latency));
	json_object_set_new(o, "untraced", untraced);
	json_object_set_new(o, "cost_ratio", json_real(cost_ratio(r)));
	return o;
}

void bench_write_json(const struct bench_result *r, FILE *f)
{
	const struct bench_figures *g = &r->figures;
	json_t *warnings = json_array();
	json_t *o = json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:f, s:I, s:I, s:f, s:{s:f, s:f}}", "schema",
		"ringside.bench/1", "ringside", ringside_version, "created", host_timestamp(),
		"target", target(r), "host", host_fingerprint(), "workload", workload(r),
		"latency_ns", latency(g->latency), "requests_per_s", per_second(g), "requests",
		(json_int_t)g->requests, "errors", (json_int_t)g->errors, "syscalls_per_request",
		per_request(g, g->syscalls), "notifications_per_request", "kicks",
		per_request(g, g->kicks), "calls", per_request(g, g->calls));

	json_object_set_new(o, "clock",
			    json_pack("{s:s, s:I, s:i}", "source", r->clock.source, "hz",
				      (json_int_t)r->clock.hz, "error_ppm",
				      (int)r->clock.error_ppm));
	if (r->guest)
		json_object_set_new(o, "guest", guest_json(r->guest));
	if (r->has_floor)
		json_object_set_new(o, "floor", floor_json(r));
	if (r->trace_dir) {
		json_object_set_new(o, "stages", stage_rows_json(&r->stages));
		json_object_set_new(o, "trace", trace(r));
	}
	json_object_set_new(o, "histogram", histogram(g->latency));
	for (unsigned i = 0; i < r->warning_count; i++)
		json_array_append_new(warnings, json_string(r->warnings[i]));
	json_object_set_new(o, "warnings", warnings);
	json_dumpf(o, f, JSON_INDENT(1) | JSON_REAL_PRECISION(8));
	fputc('\n', f);
	json_decref(o);
}

static void time_text(FILE *f, const char *label, u64 ns)
{
	if (ns < 100000)
		fprintf(f, "  %s %.2f us", label, (double)ns / 1e3);
	else
		fprintf(f, "  %s %.3f ms", label, (double)ns / 1e6);
}

static void latency_line(FILE *f, const char *what, const struct hist *h)
{
	fprintf(f, "%-9s", what);
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
		time_text(f, quantiles[i].label, hist_quantile(h, quantiles[i].ppm));
	time_text(f, "max", h->max);
	fputc('\n', f);
}

void bench_write_text(const struct bench_result *r, FILE *f)
{
	const struct bench_figures *g = &r->figures;
	const struct bench_opts *b = r->opts;

	fprintf(f, "%s: %s %s %u bytes, depth %u, wait %s, %s ring%s%s, ",
		r->name ? r->name : r->uri, device(r), r->op, request_bytes(r), b->depth,
		b->poll ? "poll" : "event", b->packed ? "packed" : "split",
		b->in_order ? " in order" : "", b->indirect ? " with tables" : "");
	if (b->notification_data)
		fputs("notifications with data, ", f);
	if (b->queues > 1)
		fprintf(f, "%u queues, ", b->queues);
	if (b->memory != BENCH_DIRECT)
		fprintf(f, "memory %s, ", bench_memory_name(b->memory));
	if (b->rate)
		fprintf(f, "open loop at %llu/s\n", (unsigned long long)b->rate);
	else
		fputs("closed loop\n", f);
	latency_line(f, "latency", g->latency);
	if (r->trace_dir)
		latency_line(f, "untraced", r->untraced.latency);
	fprintf(f, "rate       %.0f requests/s, %llu requests in %.2f s, %llu errors\n",
		per_second(g), (unsigned long long)g->requests, (double)g->elapsed_ns / 1e9,
		(unsigned long long)g->errors);
	fprintf(f, "per req    %.2f system calls of the driver, %.2f kicks, %.2f calls\n",
		per_request(g, g->syscalls), per_request(g, g->kicks), per_request(g, g->calls));
	if (r->has_floor)
		fprintf(f, "floor      %s ping-pong %llu ns round trip: p50 is %.2f times that\n",
			floor_kind_name(r->floor.kind), (unsigned long long)r->floor.round_trip_p50,
			floor_ratio(r));
	if (r->trace_dir) {
		fprintf(f, "trace      %s: p50 is %.2f times the untraced\n", r->trace_dir,
			cost_ratio(r));
		stage_write_text(&r->stages, r->discarded, f);
	}
	for (unsigned i = 0; i < r->warning_count; i++)
		fprintf(f, "warning    %s\n", r->warnings[i]);
}

void bench_write_raw_head(FILE *f)
{
	fputs("start_ticks\tend_ticks\tlatency_ns\tkicked_ticks\twoken_ticks\n", f);
}

void bench_write_raw_rows(FILE *f, const struct clock *clock, const struct load_stamp *raw,
			  u32 count)
{
	for (u32 i = 0; i < count; i++)
		fprintf(f, "%llu\t%llu\t%llu\t%llu\t%llu\n", (unsigned long long)raw[i].start,
			(unsigned long long)raw[i].end,
			(unsigned long long)clock_ns(clock, raw[i].end - raw[i].start),
			(unsigned long long)raw[i].kicked, (unsigned long long)raw[i].woken);
}

static void warn(struct bench_result *r, const char *text)
{
	if (r->warning_count < ARRAY_SIZE(r->warnings))
		r->warnings[r->warning_count++] = text;
}

void bench_add_warnings(const struct spoil *spoil, struct bench_result *r)
{
	for (unsigned i = 0; i < spoil->notes; i++)
		warn(r, spoil->note[i]);
	if (strcmp(r->clock.source, "clock_gettime") == 0)
		warn(r, "no trustworthy counter: every time stamp is a call of clock_gettime()");
	if (r->figures.requests < 1000)
		warn(r, "fewer than 1000 requests: the high percentiles say little");
	if (r->figures.errors)
		warn(r, "requests failed: these are the times of failures too");
	if (r->trace_dir && r->stages.requests == 0)
		warn(r, "no stage was recorded: the target's tracepoints tell nothing");
	if (r->trace_dir && !stage_adds_up(&r->stages))
		warn(r, "the stages do not add up to the whole");
	if (r->discarded)
		warn(r, "the tracer lost events: the stages have gaps");
	if (r->has_floor && r->floor.note[0])
		warn(r, r->floor.note);
}
