/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest said, made into the results that `conform` and `bench` make. The stream is taken in
 * pieces of any size. It is believed up to the first frame that is missing, damaged or out of order;
 * what came before stands, what did not come is an error with that reason.
 */
#ifndef HARNESS_RUN_COLLECT_H
#define HARNESS_RUN_COLLECT_H

#include "harness/bench/host/session.h"
#include "harness/probe/wire/message.h"
#include "harness/run/guest.h"
#include "harness/run/result.h"

#define COLLECT_JOBS	8
#define COLLECT_NOTES	64
#define COLLECT_FIGURES 16
#define COLLECT_EVENTS	(1u << 20)

struct collect_job {
	enum wire_job_kind kind;
	u32 number; /* the guest's own, from 0: jobs without a result count, too */
	bool ended;
	char *uri, *device, *transport;
	u64 features;
	u32 queues;

	/* Of conform: as many results as the guest announced, in order; `taken` of them have come. */
	struct run run;
	u32 planned, taken;

	/* Of bench. */
	bool has_figures;
	struct bench_opts opts;
	struct bench_figures figures;
	struct clock clock;
	u64 in_hist; /* requests that its buckets have told so far */
	/* With trace=: the run before, and what the traced one left. */
	bool has_untraced, has_trace;
	struct bench_figures untraced;
	struct wire_trace trace;
	struct trace_event *event; /* event_count of trace.events so far */
	u32 event_count;
	struct load_stamp *raw;
	u32 raw_count;
};

struct collect {
	/* What is wrong with the stream, one line; "" so far nothing. */
	char error[RESULT_TEXT];
	/* What the guest died of; "": it did not, or it did not say. */
	char panic[2048];
	/* Why jobs could not be done, and remarks. */
	char *fails[COLLECT_NOTES], *notes[COLLECT_NOTES];
	unsigned fail_count, note_count;
	bool greeted, ended;
	struct run_guest guest;
	char *given; /* the job as the guest got it */
	struct collect_job job[COLLECT_JOBS];
	unsigned job_count;
	struct collect_figure {
		char what[32];
		u64 count, min, median, max, sum;
	} figure[COLLECT_FIGURES];
	unsigned figure_count;
	u64 first_request; /* ticks of that mark, 0: none */
	unsigned boots;
	bool restart; /* the last one asked for another */

	/* Between pieces. */
	u32 next_seq;
	bool resuming;	/* a boot behind the first has greeted, and has to take up its job */
	u32 open_check; /* index + 1 of the check under way; 0: none */
	char **log;
	unsigned log_lines;
	char line[FRAME_LINE_MAX + 1024];
	size_t line_len;
	char noise[200]; /* the last line that was not the guest's */
	struct frame frame;
	struct wire wire;
};

struct collect *collect_new(void);
void collect_feed(struct collect *c, const char *data, size_t len);
/* Nothing more will come: says what is missing, and settles what did not end. */
void collect_finish(struct collect *c);
/*
 * Before collect_finish(): where the next boot is to go on, because the last one asked for it, or died
 * in the middle of a check while others are left. False: there is nothing to go on with.
 */
bool collect_resume(const struct collect *c, u32 *number, u32 *next);
void collect_free(struct collect *c);

#endif
