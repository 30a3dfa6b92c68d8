// SPDX-License-Identifier: BSD-3-Clause
/* Brings the sources of a recording together: whose events are of one session, and what came first. */
#include "traces/stage/read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "traces/ring/read.h"
#include "traces/stage/ctf.h"
#include "traces/stage/kernel.h"

struct reader {
	struct events *events;
	struct kernel_source *kernel; /* NULL: there is none */
	struct lines *lines;
	u32 only_back_end; /* the one process that is a back-end in them; 0: none, or several */
};

/* Whose requests a file's events are about. */
static u32 session_of(const struct reader *r, const struct events_file *f)
{
	if (f->actor == BUFFER_BACK_END)
		return f->pid;
	if (f->peer)
		return f->peer;
	return r->only_back_end ? r->only_back_end : f->pid;
}

/* All events of our own files up to a time. */
static int drain_files(struct reader *r, u64 until)
{
	struct trace_event e;
	unsigned file;
	u64 ns;

	while (events_next(r->events, until, &e, &ns, &file)) {
		int rc;

		rc = lines_add(r->lines, session_of(r, events_file(r->events, file)), &e, ns);
		if (rc)
			return rc;
	}
	return 0;
}

/* … and of the kernel's. */
static int drain(struct reader *r, u64 until)
{
	for (;;) {
		const u64 next = kernel_source_peek(r->kernel);
		int rc = drain_files(r, MIN(next, until));
		struct trace_event e;
		u32 session;
		u64 ns;

		if (rc || next > until || next == UINT64_MAX)
			return rc;
		kernel_source_next(r->kernel, &e, &ns, &session);
		rc = lines_add(r->lines, session, &e, ns);
		if (rc)
			return rc;
	}
}

static int add_ctf(void *arg, u32 session, const struct trace_event *e, u64 ns)
{
	struct reader *r = arg;
	int rc = drain(r, ns);

	return rc ? rc : lines_add(r->lines, session, e, ns);
}

static void meet(struct reader *r, struct stage_table *t)
{
	unsigned back_ends = 0;

	for (unsigned i = 0; i < events_files(r->events); i++) {
		const struct events_file *f = events_file(r->events, i);

		if (f->actor == BUFFER_BACK_END && back_ends++ == 0)
			r->only_back_end = f->pid;
	}
	if (back_ends != 1)
		r->only_back_end = back_ends ? 0 : kernel_source_back_end(r->kernel);
	for (unsigned i = 0; i < events_files(r->events); i++) {
		const struct events_file *f = events_file(r->events, i);

		if (f->actor == BUFFER_DRIVER)
			lines_expect_driver(r->lines, session_of(r, f));
	}
	t->processes = events_files(r->events);
}

static int read_all(struct reader *r, const char *path, bool folder, struct stage_table *t,
		    char *err, size_t len)
{
	struct ctf_result ctf = { 0 };
	int rc = 0;

	meet(r, t);
	if (folder)
		rc = ctf_read(path, add_ctf, r, &ctf, err, len);
	if (rc == -1)
		return -1;
	if (!rc && !ctf.traces && !events_files(r->events) && !r->kernel) {
		snprintf(err, len, "no trace under '%s'", path);
		return -1;
	}
	if (!rc)
		rc = drain(r, UINT64_MAX);
	if (!rc)
		rc = lines_end(r->lines);
	if (rc) {
		snprintf(err, len, "%s", rc == -ENOMEM ? "out of memory" : strerror(-rc));
		return -1;
	}
	lines_table(r->lines, t);
	t->processes += ctf.traces;
	t->discarded = ctf.discarded;
	t->torn = ctf.torn;
	t->clock_error_ns = events_clock_error(r->events, ctf.traces > 0 || r->kernel);
	if (r->kernel) {
		kernel_source_sum(r->kernel, &t->kernel);
		t->discarded += t->kernel.lost;
		t->torn += t->kernel.torn;
	}
	for (unsigned i = 0; i < events_files(r->events); i++) {
		const struct events_file *f = events_file(r->events, i);

		t->discarded += f->lost;
		t->torn += f->torn;
	}
	return 0;
}

int stage_read_lines(const char *path, const struct lines_options *o, struct stage_table *table,
		     struct lines **lines, char *err, size_t len)
{
	struct reader r = { 0 };
	struct stat st;
	bool folder;
	int rc = -1;

	memset(table, 0, sizeof(*table));
	r.events = events_open(path, err, len);
	if (!r.events)
		return -1;
	folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	r.lines = lines_new(o);
	if (!r.lines)
		snprintf(err, len, "out of memory");
	else if (!folder || !kernel_source_open(&r.kernel, path, err, len))
		rc = read_all(&r, path, folder, table, err, len);
	events_close(r.events);
	kernel_source_close(r.kernel);
	if (lines && !rc)
		*lines = r.lines;
	else
		lines_free(r.lines);
	return rc;
}

int stage_read(const char *path, struct stage_table *table, char *err, size_t len)
{
	const struct lines_options o = { 0 };

	return stage_read_lines(path, &o, table, NULL, err, len);
}
