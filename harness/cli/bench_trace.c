// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/bench_trace.h"

#include <string.h>

#include "harness/cli/cli.h"
#include "traces/tracer.h"

int bench_trace_parse(const char *option, const char *arg, unsigned *sources)
{
	const char *p = arg;

	*sources = 0;
	if (strcmp(arg, "auto") == 0)
		return 0;
	for (;;) {
		const size_t n = strcspn(p, ",");
		unsigned found = 0;

		for (unsigned s = TRACER_BUFFER; s <= TRACER_LAST; s <<= 1) {
			const char *name = tracer_name((enum tracer_source)s);

			if (strlen(name) == n && strncmp(name, p, n) == 0)
				found = s;
		}
		if (!found) {
			cli_error("%s: '%s' is not auto, or of buffer, lttng, bpf, uprobes", option,
				  arg);
			return -1;
		}
		*sources |= found;
		if (!p[n])
			return 0;
		p += n + 1;
	}
}

static int measure(const struct bench_trace_opts *o, struct bench_session *s, struct tracer *t,
		   struct buffer *b, struct bench_result *r, char *error, size_t room)
{
	if (bench_measure(s, &r->untraced, error, room) < 0)
		return BENCH_TARGET_FAILED;
	bench_trace(s, b);
	if (tracer_start(t, error, room) < 0)
		return BENCH_TRACER_FAILED;
	/* It is warm by now, and the trace shall hold the very requests that are measured. */
	s->opts.warmup_ns = 0;
	if (bench_measure(s, &r->figures, error, room) < 0)
		return BENCH_TARGET_FAILED;
	if (tracer_stop(t, &r->discarded, error, room) < 0)
		return BENCH_TRACER_FAILED;
	bench_trace(s, NULL);
	if (stage_read(o->dir, &r->stages, error, room) < 0)
		return BENCH_TRACER_FAILED;
	r->trace_dir = o->dir;
	r->tracers = tracer_sources(t);
	return BENCH_TRACED;
}

int bench_measure_traced(const struct bench_trace_opts *o, struct bench_session *s,
			 struct bench_result *r, char *error, size_t room)
{
	struct tracer_options to = {
		.dir = o->dir,
		.pid = (int)s->fe.peer,
		.sources = o->sources,
	};
	struct kernel_queue queue[BUFFER_RINGS];
	struct tracer *t = NULL;
	struct buffer b;
	int rc = BENCH_TRACER_FAILED;

	if (s->opts.queues > BUFFER_RINGS) {
		snprintf(error, room, "no more than %d queues can be traced", BUFFER_RINGS);
		return rc;
	}
	if (buffer_create(&b, NULL, BUFFER_DRIVER, s->opts.queues, BUFFER_EVENTS, error, room))
		return rc;
	b.file->peer = (u32)s->fe.peer;
	to.driver = &b;
	for (unsigned i = 0; i < s->opts.queues; i++)
		queue[i] = (struct kernel_queue){ s->fe.rings[i].kick, s->fe.rings[i].call };
	to.queue = queue;
	to.queues = s->opts.queues;
	if (!tracer_open(&t, &to, error, room)) {
		if (tracer_note(t))
			fprintf(stderr, "ringside: %s\n", tracer_note(t));
		rc = measure(o, s, t, &b, r, error, room);
	}
	bench_trace(s, NULL);
	tracer_close(t);
	buffer_close(&b);
	return rc;
}
