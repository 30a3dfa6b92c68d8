// SPDX-License-Identifier: BSD-3-Clause
#include "traces/tracer.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "traces/bpf/record.h"
#include "traces/ring/record.h"
#include "traces/session.h"

struct tracer {
	struct recording *buffers;
	struct trace_session *lttng;
	struct kernel_recording *kernel;
	unsigned sources;
	char note[256];
};

const char *tracer_name(enum tracer_source s)
{
	switch (s) {
	case TRACER_BUFFER:
		return "buffer";
	case TRACER_LTTNG:
		return "lttng";
	case TRACER_BPF:
		return "bpf";
	default:
		return "uprobes";
	}
}

/* Has it loaded LTTng? Asking its session daemon takes seconds. */
static bool has_lttng(int pid)
{
	char path[64], line[600];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, "liblttng-ust") != NULL;
	if (f)
		fclose(f);
	return found;
}

static int add_everybody(struct recording *r, char *err, size_t len)
{
	struct dirent *d;
	DIR *proc = opendir("/proc");
	int found = 0;

	while (proc && (d = readdir(proc)) != NULL) {
		int pid = atoi(d->d_name), n;

		if (pid <= 0)
			continue;
		/* Others' processes cannot be looked at, and some end meanwhile. */
		n = record_add_process(r, pid, err, len);
		found += MAX(n, 0);
	}
	if (proc)
		closedir(proc);
	return found;
}

/* Somebody else's process is no error where whatever there is will do. */
static bool may_look(const struct tracer_options *o)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", o->pid);
	return o->sources || access(path, R_OK | X_OK) == 0 || errno != EACCES;
}

static int open_buffers(struct tracer *t, const struct tracer_options *o, char *err, size_t len)
{
	int found;

	t->buffers = record_open(o->dir, err, len);
	if (!t->buffers)
		return -1;
	if (o->driver && record_add(t->buffers, o->driver, err, len))
		return -1;
	if (o->sources && !(o->sources & TRACER_BUFFER))
		return 0;
	if (!o->pid)
		found = add_everybody(t->buffers, err, len);
	else
		found = may_look(o) ? record_add_process(t->buffers, o->pid, err, len) : 0;
	if (found < 0)
		return -1;
	if (found > 0)
		t->sources |= TRACER_BUFFER;
	if (found > 0 || !(o->sources & TRACER_BUFFER))
		return 0;
	if (o->pid)
		snprintf(err, len,
			 "process %d has no trace buffer: it must run with --trace-buffer FILE",
			 o->pid);
	else
		snprintf(err, len,
			 "no process has a trace buffer: it must run with --trace-buffer FILE");
	return -1;
}

static int open_lttng(struct tracer *t, const struct tracer_options *o, char *err, size_t len)
{
	struct trace_session_options to = { .pid = o->pid };
	char dir[4200];

	snprintf(dir, sizeof(dir), "%s/ust", o->dir);
	to.dir = dir;
	if (trace_session_open(&t->lttng, &to, err, len))
		return -1;
	t->sources |= TRACER_LTTNG;
	return 0;
}

static int open_bpf(struct tracer *t, const struct tracer_options *o, unsigned want, char *err,
		    size_t len)
{
	const struct kernel_options ko = {
		.dir = o->dir,
		.pid = o->pid,
		.inside = t->sources & (TRACER_BUFFER | TRACER_LTTNG),
		.probes = want & TRACER_PROBES,
		.driver = o->driver != NULL,
		.queue = o->queue,
		.queues = o->queues,
	};
	char why[400];

	if (!o->pid) {
		snprintf(err, len,
			 "the kernel's events are recorded of one back-end: name its process");
		return -1;
	}
	t->kernel = kernel_record_open(&ko, why, sizeof(why));
	if (!t->kernel) {
		snprintf(err, len, "the kernel's events cannot be recorded: %s", why);
		return -1;
	}
	t->sources |= TRACER_BPF | (want & TRACER_PROBES);
	return 0;
}

/*
 * Nothing was asked for, and the back-end has nothing of ours: what the kernel sees of it. Where that cannot be had, a
 * driver's side is still worth something.
 */
static int open_best(struct tracer *t, const struct tracer_options *o, char *err, size_t len)
{
	const char *missing = kernel_missing();

	if (!o->pid || has_lttng(o->pid))
		return open_lttng(t, o, err, len);
	if (!missing)
		return open_bpf(t, o, TRACER_BPF, err, len);
	if (o->driver) {
		snprintf(t->note, sizeof(t->note),
			 "of process %d the kernel's events would tell more stages: %s", o->pid,
			 missing);
		return 0;
	}
	snprintf(err, len,
		 "process %d has no tracepoints of ours: a reference back-end must run with "
		 "--trace-buffer FILE, or --trace; the kernel's events would do: %s",
		 o->pid, missing);
	return -1;
}

/* What is asked for, or the best of what is there. */
static int open_all(struct tracer *t, const struct tracer_options *o, char *err, size_t len)
{
	const unsigned want = o->sources | (o->bpf ? TRACER_BPF : 0);

	if (open_buffers(t, o, err, len))
		return -1;
	if (!o->sources && !t->sources && open_best(t, o, err, len))
		return -1;
	if (o->sources & TRACER_LTTNG && open_lttng(t, o, err, len))
		return -1;
	/* Last, since it matters to it what the others see. */
	if (want & (TRACER_BPF | TRACER_PROBES) && !t->kernel)
		return open_bpf(t, o, want, err, len);
	return 0;
}

int tracer_open(struct tracer **out, const struct tracer_options *o, char *err, size_t len)
{
	struct tracer *t = calloc(1, sizeof(*t));

	*out = NULL;
	if (!t) {
		snprintf(err, len, "out of memory");
		return -1;
	}
	if (open_all(t, o, err, len)) {
		tracer_close(t);
		return -1;
	}
	*out = t;
	return 0;
}

int tracer_start(struct tracer *t, char *err, size_t len)
{
	if (t->lttng && trace_session_start(t->lttng, err, len))
		return -1;
	if (t->kernel && kernel_record_start(t->kernel, err, len))
		return -1;
	return record_start(t->buffers, err, len);
}

int tracer_stop(struct tracer *t, u64 *lost, char *err, size_t len)
{
	u64 more = 0;
	int rc;

	if (t->kernel)
		kernel_record_ignore(t->kernel, record_thread(t->buffers));
	rc = record_stop(t->buffers, lost, err, len);

	if (!rc && t->lttng)
		rc = trace_session_stop(t->lttng, &more, err, len);
	*lost += more;
	if (!rc && t->kernel) {
		rc = kernel_record_stop(t->kernel, &more, err, len);
		*lost += more;
	}
	return rc;
}

void tracer_close(struct tracer *t)
{
	if (!t)
		return;
	kernel_record_close(t->kernel);
	trace_session_close(t->lttng);
	record_close(t->buffers);
	free(t);
}

unsigned tracer_sources(const struct tracer *t)
{
	return t->sources;
}

const char *tracer_note(const struct tracer *t)
{
	return t->note[0] ? t->note : NULL;
}
