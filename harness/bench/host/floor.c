// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/host/floor.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness/bench/hist.h"
#include "harness/bench/host/clock.h"

/*
 * A machine that is busy with something else shows its own load, not its floor. So the time is cut
 * into slices, and the one with the lowest median counts.
 */
#define SLICES	    5
#define SLICE_NS    14000000
#define WARM_UP	    20	  /* round trips that are not counted, at the start of a slice */
#define ENOUGH	    10000 /* round trips in a slice: on a quiet machine the time is not used up */
#define FEW	    50	  /* less than this in a slice says nothing */
#define LIMIT_NS    400000000  /* for going on until one slice has that many */
#define SPINS	    (1u << 12) /* before a spinning thread gives its CPU away */
#define CACHE_LINES 128	       /* two lines: adjacent-line prefetch would couple neighbours */

struct side {
	u64 word __attribute__((aligned(CACHE_LINES)));
};

struct pair {
	struct side ping, pong;
	u32 stop __attribute__((aligned(CACHE_LINES)));
	enum floor_kind kind;
	unsigned spins; /* 0 on one CPU: every look is followed by sched_yield() */
	int kick, call; /* eventfds */
	int cpu[2];
	int error;
	struct clock clock;
	struct hist hist, best; /* of this slice, of the best so far */
};

const char *floor_kind_name(enum floor_kind kind)
{
	return kind == FLOOR_POLL ? "poll" : "event";
}

/* -1 when the kernel does not tell (no sysfs in a container). */
static int topology(int cpu, const char *what)
{
	char path[96];
	int id = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, what);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%d", &id) != 1)
		id = -1;
	fclose(f);
	return id;
}

/* How good CPU `b` is beside CPU `a`: as two threads of one program would be placed. */
static int rate_pair(int a, int b)
{
	bool same_package =
		topology(a, "physical_package_id") == topology(b, "physical_package_id");
	bool same_core = same_package && topology(a, "core_id") == topology(b, "core_id");

	if (same_package && !same_core)
		return 3;
	return same_core ? 2 : 1;
}

static void choose_cpus(struct pair *p, struct floor_result *r)
{
	cpu_set_t allowed;
	int best = 0;

	p->cpu[0] = p->cpu[1] = -1;
	p->spins = SPINS;
	if (sched_getaffinity(0, sizeof(allowed), &allowed)) {
		snprintf(r->note, sizeof(r->note), "not pinned: %s", strerror(errno));
		return;
	}
	for (int cpu = 0; cpu < CPU_SETSIZE && best < 3; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		if (p->cpu[0] < 0) {
			p->cpu[0] = p->cpu[1] = cpu;
			continue;
		}
		if (rate_pair(p->cpu[0], cpu) > best) {
			best = rate_pair(p->cpu[0], cpu);
			p->cpu[1] = cpu;
		}
	}
	if (best == 0) {
		p->spins = 0;
		snprintf(r->note, sizeof(r->note), "one CPU: the two threads took turns on it");
	} else if (best == 2 && topology(p->cpu[0], "core_id") >= 0) {
		snprintf(r->note, sizeof(r->note), "the two CPUs are threads of one core");
	} else if (best == 1) {
		snprintf(r->note, sizeof(r->note), "the two CPUs are in different packages");
	}
}

static void pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* Allowed a moment ago; when that has changed, an unpinned thread still measures. */
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

/* Spin until the other side's word is `want`. False when the run was stopped. */
static bool await_word(struct pair *p, u64 *word, u64 want)
{
	unsigned spins = 0;

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != want) {
		if (spins++ < p->spins)
			continue;
		if (__atomic_load_n(&p->stop, __ATOMIC_RELAXED))
			return false;
		sched_yield();
		spins = 0;
	}
	return true;
}

static bool await_event(struct pair *p, int fd)
{
	u64 n;

	return read(fd, &n, sizeof(n)) == sizeof(n) && !__atomic_load_n(&p->stop, __ATOMIC_RELAXED);
}

static void raise_event(int fd)
{
	const u64 one = 1;

	/* Cannot fail: the counter is far from its limit. */
	if (write(fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

/* The side that answers. */
static void *echo(void *arg)
{
	struct pair *p = arg;

	pin(p->cpu[1]);
	if (p->kind == FLOOR_POLL) {
		for (u64 i = 1; await_word(p, &p->ping.word, i); i++)
			__atomic_store_n(&p->pong.word, i, __ATOMIC_RELEASE);
	} else {
		while (await_event(p, p->kick))
			raise_event(p->call);
	}
	return NULL;
}

static bool round_trip(struct pair *p, u64 i)
{
	if (p->kind == FLOOR_POLL) {
		__atomic_store_n(&p->ping.word, i, __ATOMIC_RELEASE);
		return await_word(p, &p->pong.word, i);
	}
	raise_event(p->kick);
	return await_event(p, p->call);
}

/* One slice, `*i` going on from slice to slice. False when the run was stopped. */
static bool measure_slice(struct pair *p, u64 *i)
{
	const struct clock *clock = &p->clock;
	u64 begin = clock_start(clock);
	u64 now = begin;

	hist_reset(&p->hist);
	for (u64 n = 0; n < WARM_UP + ENOUGH && clock_ns(clock, now - begin) < SLICE_NS; n++) {
		u64 start = clock_start(clock);

		if (!round_trip(p, ++*i))
			return false;
		now = clock_stop(clock);
		/* Where a slice is over before it is warm, something is better than nothing. */
		if (n >= WARM_UP || clock_ns(clock, now - begin) > SLICE_NS / 2)
			hist_record(&p->hist, clock_ns(clock, now - start));
	}
	return true;
}

static bool is_better(const struct hist *a, const struct hist *than)
{
	if (a->count < FEW || than->count < FEW)
		return a->count > than->count;
	return hist_quantile(a, 500000) < hist_quantile(than, 500000);
}

/* The side that asks and keeps time. */
static void *ask(void *arg)
{
	struct pair *p = arg;
	u64 begin, i = 0;

	pin(p->cpu[0]);
	begin = clock_start(&p->clock);
	for (unsigned slice = 0;
	     slice < SLICES ||
	     (p->best.count < FEW && clock_ns(&p->clock, clock_stop(&p->clock) - begin) < LIMIT_NS);
	     slice++) {
		if (!measure_slice(p, &i))
			break;
		if (is_better(&p->hist, &p->best))
			p->best = p->hist;
	}
	__atomic_store_n(&p->stop, 1, __ATOMIC_RELAXED);
	if (p->kind == FLOOR_EVENT)
		raise_event(p->kick);
	return NULL;
}

static int run(struct pair *p)
{
	pthread_t asker, echoer;
	int err;

	err = pthread_create(&echoer, NULL, echo, p);
	if (err)
		return -err;
	err = pthread_create(&asker, NULL, ask, p);
	if (err) {
		__atomic_store_n(&p->stop, 1, __ATOMIC_RELAXED);
		if (p->kind == FLOOR_EVENT)
			raise_event(p->kick);
	} else {
		pthread_join(asker, NULL);
	}
	pthread_join(echoer, NULL);
	return -err;
}

int floor_measure(enum floor_kind kind, struct floor_result *r)
{
	struct pair *p;
	int err = 0;

	*r = (struct floor_result){ .kind = kind, .cpu = { -1, -1 } };
	p = aligned_alloc(CACHE_LINES, ALIGN_UP(sizeof(*p), CACHE_LINES));
	if (!p)
		return -ENOMEM;
	memset(p, 0, sizeof(*p));
	p->kind = kind;
	p->kick = p->call = -1;
	hist_reset(&p->best);
	clock_calibrate(&p->clock);
	choose_cpus(p, r);
	if (kind == FLOOR_EVENT) {
		p->kick = eventfd(0, EFD_CLOEXEC);
		p->call = eventfd(0, EFD_CLOEXEC);
		if (p->kick < 0 || p->call < 0)
			err = -errno;
	}
	if (!err)
		err = run(p);
	if (!err && !p->best.count)
		err = -ETIME;
	if (!err && p->best.count < FEW) {
		size_t at = strlen(r->note);

		snprintf(r->note + at, sizeof(r->note) - at, "%sonly %u round trips, so busy is it",
			 at ? "; " : "", (unsigned)p->best.count);
	}
	r->cpu[0] = p->cpu[0];
	r->cpu[1] = p->cpu[1];
	r->samples = p->best.count;
	r->round_trip_min = hist_min(&p->best);
	r->round_trip_p50 = hist_quantile(&p->best, 500000);
	r->round_trip_p99 = hist_quantile(&p->best, 990000);
	r->one_way_p50 = r->round_trip_p50 / 2;
	r->one_way_p99 = r->round_trip_p99 / 2;
	if (p->kick >= 0)
		close(p->kick);
	if (p->call >= 0)
		close(p->call);
	free(p);
	return err;
}
