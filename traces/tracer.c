// SPDX-License-Identifier: BSD-3-Clause
#include "traces/tracer.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/ring/record.h"
#include "traces/session.h"

struct tracer {
	struct recording *buffers;
	struct trace_session *lttng;
	unsigned sources;
};

const char *tracer_name(enum tracer_source s)
{
	return s == TRACER_BUFFER ? "buffer" : "lttng";
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
	found = o->pid ? record_add_process(t->buffers, o->pid, err, len)
		       : add_everybody(t->buffers, err, len);
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

/* What is asked for, or the best of what is there. */
static int open_all(struct tracer *t, const struct tracer_options *o, char *err, size_t len)
{
	unsigned want = o->sources;

	if (open_buffers(t, o, err, len))
		return -1;
	if (!want && !t->sources) {
		if (o->pid && !has_lttng(o->pid)) {
			snprintf(
				err, len,
				"process %d has no tracepoints of ours: a reference back-end must run with "
				"--trace-buffer FILE, or --trace",
				o->pid);
			return -1;
		}
		want = TRACER_LTTNG;
	}
	return want & TRACER_LTTNG ? open_lttng(t, o, err, len) : 0;
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
	return record_start(t->buffers, err, len);
}

int tracer_stop(struct tracer *t, u64 *lost, char *err, size_t len)
{
	u64 more = 0;
	int rc = record_stop(t->buffers, lost, err, len);

	if (!rc && t->lttng)
		rc = trace_session_stop(t->lttng, &more, err, len);
	*lost += more;
	return rc;
}

void tracer_close(struct tracer *t)
{
	if (!t)
		return;
	trace_session_close(t->lttng);
	record_close(t->buffers);
	free(t);
}

unsigned tracer_sources(const struct tracer *t)
{
	return t->sources;
}
