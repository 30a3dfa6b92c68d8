// SPDX-License-Identifier: BSD-3-Clause
/* Brings the sources of a recording together: whose events are of one session, and what came first. */
#include "traces/stage/read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "traces/ring/read.h"
#include "traces/stage/clock.h"
#include "traces/stage/ctf.h"
#include "traces/stage/kernel.h"
#include "traces/stage/kicks.h"

struct reader {
	struct events *events;
	struct kernel_source *kernel; /* NULL: there is none */
	struct lines *lines;
	u32 only_back_end; /* the one process that is a back-end in them; 0: none, or several */
	u64 hz;		   /* of the host's counter; 0: as the files say */
	u64 from,
		to; /* what happened outside is not of the requests that the guest has written down */
	bool ctf_only; /* … and no file of ours is a back-end's: what LTTng has seen is of the one session */
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

		if (ns < r->from || ns > r->to)
			continue;
		rc = lines_add(r->lines, session_of(r, events_file(r->events, file)), &e, ns);
		if (rc)
			return rc;
	}
	return 0;
}

/* What was not told by a counter. */
static u64 among_events(const struct reader *r, u64 ns)
{
	u64 there;

	events_monotonic(r->events, ns, &there);
	return there;
}

/* … and of the kernel's. */
static int drain(struct reader *r, u64 until)
{
	for (;;) {
		const u64 peeked = kernel_source_peek(r->kernel);
		const u64 next = peeked == UINT64_MAX ? peeked : among_events(r, peeked);
		int rc = drain_files(r, MIN(next, until));
		struct trace_event e;
		u32 session;
		u64 ns;

		if (rc || next > until || next == UINT64_MAX)
			return rc;
		kernel_source_next(r->kernel, &e, &ns, &session);
		ns = next;
		if (ns < r->from || ns > r->to)
			continue;
		rc = lines_add(r->lines, session, &e, ns);
		if (rc)
			return rc;
	}
}

static int add_ctf(void *arg, u32 session, const struct trace_event *e, u64 ns)
{
	struct reader *r = arg;
	int rc;

	ns = among_events(r, ns);
	rc = drain(r, ns);
	if (rc || ns < r->from || ns > r->to)
		return rc;
	if (r->ctf_only)
		session = 0;
	return lines_add(r->lines, session, e, ns);
}

static void meet(struct reader *r, struct stage_table *t)
{
	unsigned back_ends = 0;
	bool guest = false;

	for (unsigned i = 0; i < events_files(r->events); i++) {
		const struct events_file *f = events_file(r->events, i);

		if (f->actor == BUFFER_BACK_END && back_ends++ == 0)
			r->only_back_end = f->pid;
	}
	if (back_ends != 1)
		r->only_back_end = back_ends ? 0 : kernel_source_back_end(r->kernel);
	/* A guest does not know who serves it. */
	for (unsigned i = 0; i < events_files(r->events); i++)
		guest |= events_file(r->events, i)->whose != BUFFER_HOST;
	r->ctf_only = guest && !back_ends && !r->kernel;
	for (unsigned i = 0; i < events_files(r->events); i++) {
		const struct events_file *f = events_file(r->events, i);

		if (f->actor == BUFFER_DRIVER)
			lines_expect_driver(r->lines, session_of(r, f));
	}
	t->processes = events_files(r->events);
}

/* --- a guest's clock ----------------------------------------------------------------------------------- */

struct fitter {
	struct clock_fit *fit;
	const struct events *events;
	unsigned guest;	 /* which file */
	bool any;	 /* somebody else has events, too */
	u64 first, last; /* ticks of the guest's */
};

static int fit_ctf(void *arg, u32 session, const struct trace_event *e, u64 ns)
{
	struct fitter *f = arg;

	(void)session;
	f->any = true;
	events_monotonic(f->events, ns, &ns);
	return clock_fit_host(f->fit, e, ns);
}

/* All events of the one file, or of all others. */
static int fit_files(struct fitter *f, const char *path, u64 hz, bool guest, char *err, size_t len)
{
	struct events *s = events_open(path, err, len);
	struct trace_event e;
	unsigned file;
	int rc = 0;
	u64 ns;

	if (!s)
		return -1;
	if (hz)
		events_set_hz(s, hz);
	while (!rc && events_next(s, UINT64_MAX, &e, &ns, &file)) {
		if (guest && file == f->guest) {
			f->first = MIN(f->first, e.ticks);
			f->last = MAX(f->last, e.ticks);
			rc = clock_fit_guest(f->fit, &e);
		}
		if (!guest && events_file(s, file)->actor == BUFFER_BACK_END) {
			f->any = true;
			rc = clock_fit_host(f->fit, &e, ns);
		}
	}
	events_close(s);
	return rc;
}

static int fit_all(struct fitter *f, const char *path, u64 hz, bool folder, char *err, size_t len)
{
	struct ctf_result ctf = { 0 };
	int rc = fit_files(f, path, hz, true, err, len);

	if (!rc)
		rc = fit_files(f, path, hz, false, err, len);
	if (!rc && folder)
		rc = ctf_read(path, fit_ctf, f, &ctf, err, len);
	return rc;
}

/* The same with a back-end that the kernel saw from outside. NULL, or why not. */
static const char *relate_by_kicks(struct reader *r, unsigned file, const char *path, u64 hz,
				   struct guest_clock *out, char *err, size_t len)
{
	const struct events_file *info = events_file(r->events, file);
	struct kernel_source *kernel = NULL;
	struct kicks *k = kicks_new();
	struct events *s = NULL;
	const char *why = "out of memory";
	struct trace_event e;
	unsigned of;
	u32 session;
	int rc = k ? 0 : -ENOMEM;
	u64 ns;

	if (info->lost) {
		kicks_free(k);
		return "it had no room for its last events";
	}
	if (!rc) {
		s = events_open(path, err, len);
		rc = s ? kernel_source_open(&kernel, path, err, len) : -1;
		why = rc ? err : why;
	}
	if (!rc && hz)
		events_set_hz(s, hz);
	while (!rc && events_next(s, UINT64_MAX, &e, &ns, &of))
		if (of == file)
			rc = kicks_guest(k, &e);
	while (!rc && kernel_source_peek(kernel) != UINT64_MAX) {
		kernel_source_next(kernel, &e, &ns, &session);
		events_monotonic(r->events, ns, &ns);
		rc = kicks_host(k, &e, ns);
	}
	if (!rc) {
		const double host_hz = events_host_hz(r->events);

		events_monotonic(r->events, kernel_source_spoken(kernel), &ns);
		why = kicks_end(k, ns, info->hz, info->error_ppm,
				host_hz > 0 ? host_hz : kernel_source_hz(kernel), out);
	}
	if (s)
		events_close(s);
	kernel_source_close(kernel);
	kicks_free(k);
	return why;
}

/* The guest's file's times become the host's. */
static int relate(struct reader *r, unsigned file, const char *path, u64 hz, bool folder,
		  struct stage_table *t, char *err, size_t len)
{
	const struct events_file *info = events_file(r->events, file);
	struct fitter f = { .events = r->events, .guest = file, .first = UINT64_MAX };
	const bool known = info->whose == BUFFER_GUEST_AHEAD;
	struct guest_clock c;
	const char *why = NULL;
	char said[512];
	int rc;

	f.fit = clock_fit_new(info->hz, info->error_ppm, events_host_hz(r->events));
	if (!f.fit)
		return -ENOMEM;
	rc = fit_all(&f, path, hz, folder, err, len);
	/* A guest alone has a clock of its own. */
	if (!rc && f.any && !known)
		why = clock_fit_end(f.fit, &c);
	else if (!rc && r->kernel && !known)
		why = relate_by_kicks(r, file, path, hz, &c, said, sizeof(said));
	clock_fit_free(f.fit);
	if (rc)
		return rc;
	if (why) {
		snprintf(err, len, "'%s': the guest's clock cannot be related to ours: %s",
			 info->path, why);
		return -1;
	}
	t->guest.known = known;
	if ((f.any || r->kernel) && !known) {
		events_set_guest(r->events, file, c.base_ticks, c.base_ns, c.mult);
		t->guest = (struct stage_guest){ .related = true,
						 .offset_ns = c.offset_ns,
						 .error_ns = c.error_ns,
						 .rate_ppm = c.rate_ppm,
						 .requests = c.requests };
	}
	if (f.first <= f.last) {
		r->from = events_ns(r->events, file, f.first);
		r->to = events_ns(r->events, file, f.last);
	}
	return 0;
}

static int relate_guests(struct reader *r, const char *path, u64 hz, bool folder,
			 struct stage_table *t, char *err, size_t len)
{
	unsigned guests = 0;
	int rc = 0;

	for (unsigned i = 0; !rc && i < events_files(r->events); i++) {
		const u32 whose = events_file(r->events, i)->whose;

		if (whose == BUFFER_HOST)
			continue;
		if (guests++) {
			snprintf(err, len, "'%s' holds the events of more than one guest", path);
			return -1;
		}
		rc = relate(r, i, path, hz, folder, t, err, len);
	}
	if (rc == -ENOMEM)
		snprintf(err, len, "out of memory");
	return rc ? -1 : 0;
}

static int read_all(struct reader *r, const char *path, bool folder, struct stage_table *t,
		    char *err, size_t len)
{
	struct ctf_result ctf = { 0 };
	int rc = 0;
	u64 zero;

	meet(r, t);
	if (r->kernel && !events_monotonic(r->events, 0, &zero)) {
		snprintf(err, len,
			 "'%s': nothing says how the kernel's clock stands to the counter", path);
		return -1;
	}
	if (relate_guests(r, path, r->hz, folder, t, err, len))
		return -1;
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
	t->clock_error_ns =
		events_clock_error(r->events, ctf.traces > 0 || r->kernel) + t->guest.error_ns;
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
	r.hz = o->counter_hz;
	r.to = UINT64_MAX;
	if (r.hz)
		events_set_hz(r.events, r.hz);
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

int stage_read_at(const char *path, u64 counter_hz, struct stage_table *table, char *err,
		  size_t len)
{
	const struct lines_options o = { .counter_hz = counter_hz, .slowest = STAGE_SLOWEST };
	const struct line *slow;
	struct lines *lines = NULL;

	if (stage_read_lines(path, &o, table, &lines, err, len))
		return -1;
	table->slows = MIN(lines_slowest(lines, &slow), STAGE_SLOWEST);
	for (unsigned i = 0; i < table->slows; i++) {
		struct stage_request *r = &table->slow[i];

		*r = (struct stage_request){ .seq = slow[i].seq,
					     .queue = slow[i].queue,
					     .head = slow[i].head,
					     .seen = slow[i].seen };
		memcpy(r->at, slow[i].at, sizeof(r->at));
	}
	lines_free(lines);
	return 0;
}

int stage_read(const char *path, struct stage_table *table, char *err, size_t len)
{
	return stage_read_at(path, 0, table, err, len);
}
