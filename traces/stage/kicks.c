// SPDX-License-Identifier: BSD-3-Clause
#include "traces/stage/kicks.h"

#include <errno.h>
#include <stdlib.h>

#define MOST (1u << 20) /* notifications */

/* One of the guest's, in ticks. */
struct told {
	u64 notify, after, handle;
	bool followed, handled;
};

/* What the kernel saw of one, in ns. */
struct passed {
	u64 exit, kick, inject;
	u32 injects;
};

struct kicks {
	struct told *told;
	u32 tolds, room;
	u16 queue;
	bool any;
	struct passed *passed; /* the last ones, as many as the guest has */
	u64 passes;
};

struct kicks *kicks_new(void)
{
	return calloc(1, sizeof(struct kicks));
}

void kicks_free(struct kicks *k)
{
	if (!k)
		return;
	free(k->told);
	free(k->passed);
	free(k);
}

static int add_told(struct kicks *k, u64 ticks)
{
	if (k->tolds == MOST)
		return 0;
	if (k->tolds == k->room) {
		const u32 room = MAX(2 * k->room, 1024u);
		struct told *more = realloc(k->told, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		k->told = more;
		k->room = room;
	}
	k->told[k->tolds++] = (struct told){ .notify = ticks };
	return 0;
}

int kicks_guest(struct kicks *k, const struct trace_event *e)
{
	struct told *last = k->tolds ? &k->told[k->tolds - 1] : NULL;

	if (!k->any) {
		k->queue = e->queue;
		k->any = true;
	}
	if (e->queue != k->queue)
		return 0;
	if (e->kind == TRACE_NOTIFY)
		return add_told(k, e->ticks);
	if (!last)
		return 0;
	/* One that has the notification's own time was written down before it was done. */
	if (!last->followed && e->ticks > last->notify) {
		last->after = e->ticks;
		last->followed = true;
	}
	if (e->kind == TRACE_HANDLE && !last->handled) {
		last->handle = e->ticks;
		last->handled = true;
	}
	return 0;
}

int kicks_host(struct kicks *k, const struct trace_event *e, u64 ns)
{
	struct passed *p;

	if (!k->tolds || e->queue != k->queue || !(e->flags & TRACE_F_OUTSIDE))
		return 0;
	if (!k->passed) {
		k->passed = calloc(k->tolds, sizeof(*k->passed));
		if (!k->passed)
			return -ENOMEM;
	}
	if (e->kind == TRACE_EXIT) {
		k->passed[k->passes++ % k->tolds] = (struct passed){ .exit = ns };
		return 0;
	}
	if (!k->passes)
		return 0;
	p = &k->passed[(k->passes - 1) % k->tolds];
	if (e->kind == TRACE_KICK && !p->kick)
		p->kick = ns;
	if (e->kind == TRACE_INJECT && !p->injects++)
		p->inject = ns;
	return 0;
}

/* Each as a request that is made available, fetched, done and reaped: what bounds those bounds these. */
static int add_pair(struct clock_fit *f, u64 seq, const struct told *t, const struct passed *p)
{
	struct trace_event e = { .kind = TRACE_SUBMIT, .seq = seq, .len = 1, .ticks = t->notify };
	int rc = clock_fit_guest(f, &e);

	e.kind = TRACE_NOTIFY;
	if (!rc)
		rc = clock_fit_guest(f, &e);
	e.kind = TRACE_HANDLE;
	e.ticks = t->handle;
	if (!rc && t->handled && p->injects == 1)
		rc = clock_fit_guest(f, &e);
	e.kind = TRACE_REAP;
	e.ticks = t->after;
	return rc || !t->followed ? rc : clock_fit_guest(f, &e);
}

static int add_passed(struct clock_fit *f, u64 seq, const struct passed *p)
{
	struct trace_event e = { .kind = TRACE_FETCH, .seq = seq };
	int rc = clock_fit_host(f, &e, p->exit);

	e.kind = TRACE_SERVE_END;
	if (!rc)
		rc = clock_fit_host(f, &e, MAX(p->exit, p->kick));
	e.kind = TRACE_PUBLISH;
	return rc || p->injects != 1 ? rc : clock_fit_host(f, &e, p->inject);
}

static const char *fit(const struct kicks *k, struct clock_fit *f, struct guest_clock *out)
{
	const struct trace_event start = { .kind = TRACE_START };
	const u64 first = k->passes - k->tolds;
	int rc = 0;

	for (u32 i = 0; !rc && i < k->tolds; i++)
		rc = add_pair(f, i, &k->told[i], &k->passed[(first + i) % k->tolds]);
	if (!rc)
		rc = clock_fit_host(f, &start, 0);
	for (u32 i = 0; !rc && i < k->tolds; i++)
		rc = add_passed(f, i, &k->passed[(first + i) % k->tolds]);
	return rc ? "out of memory" : clock_fit_end(f, out);
}

const char *kicks_end(struct kicks *k, u64 spoken, u64 hz, u32 error_ppm, double host_hz,
		      struct guest_clock *out)
{
	struct clock_fit *f;
	const char *why;

	if (!k->tolds)
		return "the guest has made no notification";
	if (k->passes < k->tolds)
		return "the kernel saw fewer notifications than the guest has made";
	if (spoken < k->passed[(k->passes - 1) % k->tolds].exit)
		return "the recording ended before the guest did";
	f = clock_fit_new(hz, error_ppm, host_hz);
	if (!f)
		return "out of memory";
	why = fit(k, f, out);
	clock_fit_free(f);
	return why;
}
