/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A recording by whatever tracers there are: our own buffers (ring/), LTTng (session.h), the kernel's tracepoints
 * (bpf/). What each sees goes into one folder, which stage_read() and its kind read.
 *
 *   tracer_open()    all is ready; nothing is recorded yet: now is the time for the untraced run
 *   tracer_start()   records from here
 *   tracer_stop()    nothing records any more, and all of it is on disk
 *   tracer_close()
 */
#ifndef TRACES_TRACER_H
#define TRACES_TRACER_H

#include "traces/bpf/record.h"
#include "traces/ring/buffer.h"

enum tracer_source {
	TRACER_BUFFER = 1 << 0,
	TRACER_LTTNG = 1 << 1,
	TRACER_BPF = 1 << 2,	/* of any back-end, which has to be named */
	TRACER_PROBES = 1 << 3, /* … and functions of it, by uprobes; with TRACER_BPF */
	TRACER_LAST = TRACER_PROBES,
};

struct tracer;

struct tracer_options {
	const char *dir; /* must not exist, or be empty */
	int pid;	 /* the back-end; 0: every process that has tracepoints */
	/* Which; 0: the back-end's buffer if it has one, else LTTng, else what the kernel sees. */
	unsigned sources;
	bool bpf;	       /* what the kernel sees beside that */
	struct buffer *driver; /* also of this process; NULL: it is no driver */
	/* Of a driver: its queues' event descriptors, by which those of the back-end are known. */
	const struct kernel_queue *queue;
	unsigned queues;
};

/* Every call: 0, or -1 with one line in `err`. */
int tracer_open(struct tracer **out, const struct tracer_options *o, char *err, size_t len);
int tracer_start(struct tracer *t, char *err, size_t len);
/* `lost`: events that found no room. The trace has gaps when it is not 0. */
int tracer_stop(struct tracer *t, u64 *lost, char *err, size_t len);
/* Also stops what is still recording. NULL is allowed. */
void tracer_close(struct tracer *t);

/* Those that are used. */
unsigned tracer_sources(const struct tracer *t);
/* "buffer", "lttng", "bpf", "uprobes". */
const char *tracer_name(enum tracer_source s);
/* NULL, or one line: which tracer could not be used, why, and what it would have told. */
const char *tracer_note(const struct tracer *t);

#endif
