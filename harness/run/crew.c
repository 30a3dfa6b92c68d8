// SPDX-License-Identifier: BSD-3-Clause
/*
 * Several processes that share the checks of a run, each with a target of its own. Most of a suite's time
 * is waiting: for what must not happen, for the deadline of what does not, for a target to start.
 *
 * Results come back through memory that is shared: all pointers in a result but its log are to what is
 * the same in all processes.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/run/interrupt.h"
#include "harness/run/runner_one.h"

/* Neighbours share a target, and one needs not be started for each check. */
#define SHARE	 6
#define MAX_JOBS 64
/* The words of evidence_take() around what it left out, and a line's end. */
#define LINE (EVIDENCE_WIDTH + 40)

struct place {
	struct result res; /* without a log */
	bool done;
	unsigned lines;
	char log[EVIDENCE_LINES + 1][LINE];
};

/* What the processes share. Its pages come into being as they are written to. */
struct board {
	unsigned next; /* check that nobody has begun */
	unsigned finished;
	bool gone; /* somebody's target cannot be started any more */
	char died[sizeof(((struct run *)0)->died)];
	struct place places[];
};

static size_t board_size(const struct run *r)
{
	return sizeof(struct board) + r->count * sizeof(struct place);
}

static void put(struct board *b, unsigned i, struct result *res)
{
	struct place *p = &b->places[i];

	for (unsigned k = 0; k < res->log_lines; k++) {
		snprintf(p->log[k], LINE, "%s", res->log[k]);
		free(res->log[k]);
	}
	free(res->log);
	p->lines = res->log_lines;
	res->log = NULL;
	res->log_lines = 0;
	p->res = *res;
	__atomic_store_n(&p->done, true, __ATOMIC_RELEASE);
	__atomic_fetch_add(&b->finished, 1, __ATOMIC_RELAXED);
}

static void take(struct board *b, unsigned i, struct result *res)
{
	struct place *p = &b->places[i];
	const struct check *check = res->check;

	if (!__atomic_load_n(&p->done, __ATOMIC_ACQUIRE)) {
		*res = (struct result){ .check = check, .verdict = VERDICT_ERROR };
		snprintf(res->reason, sizeof(res->reason), "not run: %s",
			 interrupt_pending() ? "interrupted" : "the process that ran it has ended");
		return;
	}
	*res = p->res;
	res->log = p->lines ? calloc(p->lines, sizeof(*res->log)) : NULL;
	for (unsigned k = 0; res->log && k < p->lines; k++)
		res->log[res->log_lines++] = strdup(p->log[k]);
}

/* In a process of its own: as many of the checks as it comes to. */
static void work(const struct runner *boss, struct board *b)
{
	static struct runner rn; /* too large for a stack */
	struct target own;
	struct run r = { .target = boss->run->target };
	char error[RESULT_TEXT];
	unsigned i;

	if (target_another(&own, boss->target, error, sizeof(error)) < 0)
		return;
	if (!runner_open(&rn, &own, boss->opts, &r))
		return;
	rn.core.face = boss->core.face;
	while ((i = __atomic_fetch_add(&b->next, SHARE, __ATOMIC_RELAXED)) < boss->run->count) {
		for (unsigned end = MIN(i + SHARE, boss->run->count); i < end; i++) {
			struct result res = { .check = boss->run->results[i].check };

			rn.gone |= __atomic_load_n(&b->gone, __ATOMIC_RELAXED);
			runner_check(&rn, &res);
			put(b, i, &res);
		}
		if (rn.gone)
			__atomic_store_n(&b->gone, true, __ATOMIC_RELAXED);
	}
	/* One of them is as good as another. */
	if (r.died[0])
		memcpy(b->died, r.died, sizeof(b->died));
	runner_close(&rn);
	target_destroy(&own);
}

static pid_t hire(const struct runner *boss, struct board *b)
{
	const pid_t parent = getpid();
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent)
		work(boss, b);
	_exit(0);
}

static void show_progress(const struct runner *rn, const struct board *b)
{
	if (rn->opts->progress)
		fprintf(stderr, "\r\033[K%u/%u", __atomic_load_n(&b->finished, __ATOMIC_RELAXED),
			rn->run->count);
}

/* Until all have ended; an interrupt is theirs, too. */
static void await(const struct runner *rn, const struct board *b, pid_t *crew, unsigned n)
{
	bool told = false;
	unsigned left = n;

	while (left) {
		if (interrupt_pending() && !told) {
			for (unsigned i = 0; i < n; i++)
				if (crew[i] > 0)
					kill(crew[i], SIGTERM);
			told = true;
		}
		for (unsigned i = 0; i < n; i++) {
			if (crew[i] > 0 && waitpid(crew[i], NULL, WNOHANG) == crew[i]) {
				crew[i] = 0;
				left--;
			}
		}
		show_progress(rn, b);
		if (left)
			poll(NULL, 0, 5);
	}
	if (rn->opts->progress)
		fputs("\r\033[K", stderr);
}

int crew_run(struct runner *rn, char *error, size_t room)
{
	struct run *r = rn->run;
	const size_t size = board_size(r);
	unsigned n = 0, wanted = MIN(MIN(rn->opts->jobs, MAX_JOBS), (r->count + SHARE - 1) / SHARE);
	pid_t crew[MAX_JOBS];
	struct board *b = mmap(NULL, size, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (b == MAP_FAILED) {
		snprintf(error, room, "out of memory");
		return -1;
	}
	while (n < wanted && (crew[n] = hire(rn, b)) > 0)
		n++;
	if (!n) {
		snprintf(error, room, "cannot start a process: %s", strerror(errno));
		munmap(b, size);
		return -1;
	}
	await(rn, b, crew, n);
	for (unsigned i = 0; i < r->count; i++) {
		take(b, i, &r->results[i]);
		run_compare(r, &r->results[i], rn->opts->expect);
	}
	memcpy(r->died, b->died, sizeof(r->died));
	munmap(b, size);
	return 0;
}
