// SPDX-License-Identifier: BSD-3-Clause
/*
 * What this machine needs for a round trip between two of its processors: over a cache line, two eventfds,
 * two pipes. One line of JSON, median and 99th percentile in nanoseconds.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness/bench/host/clock.h"
#include "harness/bench/host/floor.h"
#include "harness/bench/hist.h"

#define TRIPS 5000

/* Two ways through the kernel; `room` bytes at a time. */
struct ways {
	int there[2], back[2]; /* to read, to write */
	size_t room;
	int cpu;
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

/* Eight bytes that are not 0: what an eventfd takes. A pipe takes the first. */
static bool give(const struct ways *w, int fd)
{
	const u64 one = 0x0101010101010101;

	return write(fd, &one, w->room) == (ssize_t)w->room;
}

static bool take(const struct ways *w, int fd)
{
	u64 v;

	return read(fd, &v, w->room) == (ssize_t)w->room;
}

static void *echo(void *arg)
{
	const struct ways *w = arg;

	pin(w->cpu);
	for (int i = 0; i < TRIPS; i++)
		must(take(w, w->there[0]) && give(w, w->back[1]), "floors: echo");
	return NULL;
}

/* Every trip counts, as every request does in what is compared with this. */
static void measure(struct ways *w, int cpu, struct hist *h)
{
	struct clock clock;
	pthread_t other;

	clock_calibrate(&clock);
	must(!pthread_create(&other, NULL, echo, w), "floors: thread");
	pin(cpu);
	hist_reset(h);
	for (int i = 0; i < TRIPS; i++) {
		const u64 start = clock_start(&clock);

		must(give(w, w->there[1]) && take(w, w->back[0]), "floors: trip");
		hist_record(h, clock_ns(&clock, clock_stop(&clock) - start));
	}
	pthread_join(other, NULL);
}

static void print(const char *name, u64 p50, u64 p99)
{
	printf("\"%s\": {\"p50\": %llu, \"p99\": %llu}, ", name, (unsigned long long)p50,
	       (unsigned long long)p99);
}

int main(void)
{
	struct floor_result poll;
	struct ways pipes = { .room = 1 }, events = { .room = 8 };
	struct hist *h = malloc(sizeof(*h));

	must(h && !floor_measure(FLOOR_POLL, &poll), "floors");
	pipes.cpu = events.cpu = poll.cpu[1];
	must(!pipe(pipes.there) && !pipe(pipes.back), "floors: pipe");
	events.there[0] = events.there[1] = eventfd(0, EFD_CLOEXEC);
	events.back[0] = events.back[1] = eventfd(0, EFD_CLOEXEC);
	must(events.there[0] >= 0 && events.back[0] >= 0, "floors: eventfd");
	printf("{");
	print("cache line", poll.round_trip_p50, poll.round_trip_p99);
	measure(&events, poll.cpu[0], h);
	print("eventfd", hist_quantile(h, 500000), hist_quantile(h, 990000));
	measure(&pipes, poll.cpu[0], h);
	print("pipe", hist_quantile(h, 500000), hist_quantile(h, 990000));
	printf("\"cpus\": [%d, %d]}\n", poll.cpu[0], poll.cpu[1]);
	free(h);
	return 0;
}
