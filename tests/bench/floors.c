// SPDX-License-Identifier: BSD-3-Clause
/*
 * What this machine needs for a round trip between two of its processors: over a cache line, two eventfds,
 * two pipes. One line of JSON, median and 99th percentile in nanoseconds.
 *
 *   floors [--cache-line]    only that
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness/bench/hist.h"
#include "harness/bench/host/clock.h"
#include "harness/bench/host/floor.h"

#define TRIPS	   5000
#define LINE_TRIPS 1000000
#define SPINS	   4096 /* before who waits for a line gives its processor away */

/* Each is written by one side. Two lines apart: the next one is often fetched, too. */
struct lines {
	u64 there __attribute__((aligned(128)));
	u64 back __attribute__((aligned(128)));
};

/* Two ways: over memory, or through the kernel, `room` bytes at a time. */
struct ways {
	struct lines *lines;   /* else: */
	int there[2], back[2]; /* to read, to write */
	size_t room;
	int cpu, trips;
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(4);
}

static void pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(!pthread_setaffinity_np(pthread_self(), sizeof(set), &set), "floors: affinity");
}

static bool give(const struct ways *w, bool back, u64 n)
{
	/* Eight bytes that are not 0: what an eventfd takes. A pipe takes the first. */
	const u64 one = 0x0101010101010101;

	if (!w->lines)
		return write(back ? w->back[1] : w->there[1], &one, w->room) == (ssize_t)w->room;
	__atomic_store_n(back ? &w->lines->back : &w->lines->there, n, __ATOMIC_RELEASE);
	return true;
}

static bool take(const struct ways *w, bool back, u64 n)
{
	u64 v;

	if (!w->lines)
		return read(back ? w->back[0] : w->there[0], &v, w->room) == (ssize_t)w->room;
	for (unsigned i = 1;
	     __atomic_load_n(back ? &w->lines->back : &w->lines->there, __ATOMIC_ACQUIRE) != n; i++)
		if (i % SPINS == 0)
			sched_yield();
	return true;
}

static void *echo(void *arg)
{
	const struct ways *w = arg;

	pin(w->cpu);
	for (int i = 1; i <= w->trips; i++)
		must(take(w, false, (u64)i) && give(w, true, (u64)i), "floors: echo");
	return NULL;
}

/* Every trip counts, as every request does in what is compared with this. */
static void measure(struct ways *w, int cpu, const char *name, struct hist *h)
{
	struct clock clock;
	pthread_t other;

	clock_calibrate(&clock);
	must(!pthread_create(&other, NULL, echo, w), "floors: thread");
	pin(cpu);
	hist_reset(h);
	for (int i = 1; i <= w->trips; i++) {
		const u64 start = clock_start(&clock);

		must(give(w, false, (u64)i) && take(w, true, (u64)i), "floors: trip");
		hist_record(h, clock_ns(&clock, clock_stop(&clock) - start));
	}
	pthread_join(other, NULL);
	printf("\"%s\": {\"p50\": %llu, \"p99\": %llu}, ", name,
	       (unsigned long long)hist_quantile(h, 500000),
	       (unsigned long long)hist_quantile(h, 990000));
}

int main(int argc, char **argv)
{
	const bool only_line = argc == 2 && !strcmp(argv[1], "--cache-line");
	static struct lines lines;
	struct ways line = { .lines = &lines, .trips = LINE_TRIPS };
	struct ways pipes = { .room = 1, .trips = TRIPS }, events = { .room = 8, .trips = TRIPS };
	struct floor_result poll;
	struct hist *h;

	if (argc > 1 && !only_line) {
		fprintf(stderr, "floors: %s is no option; --cache-line is one\n", argv[1]);
		return 2;
	}
	h = malloc(sizeof(*h));
	/* Where the two sides are. */
	must(h && !floor_measure(FLOOR_POLL, &poll), "floors");
	line.cpu = pipes.cpu = events.cpu = poll.cpu[1];
	printf("{");
	measure(&line, poll.cpu[0], "cache line", h);
	if (!only_line) {
		must(!pipe(pipes.there) && !pipe(pipes.back), "floors: pipe");
		events.there[0] = events.there[1] = eventfd(0, EFD_CLOEXEC);
		events.back[0] = events.back[1] = eventfd(0, EFD_CLOEXEC);
		must(events.there[0] >= 0 && events.back[0] >= 0, "floors: eventfd");
		measure(&events, poll.cpu[0], "eventfd", h);
		measure(&pipes, poll.cpu[0], "pipe", h);
	}
	printf("\"cpus\": [%d, %d]}\n", poll.cpu[0], poll.cpu[1]);
	free(h);
	return 0;
}
