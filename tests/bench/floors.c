// SPDX-License-Identifier: BSD-3-Clause
/*
 * What this machine needs for a round trip between two of its processors: over a cache line, two eventfds,
 * two pipes. One line of JSON, median and 99th percentile in nanoseconds.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/bench/host/clock.h"
#include "harness/bench/host/floor.h"
#include "harness/bench/hist.h"

#define TRIPS 5000

struct pipes {
	int there[2], back[2];
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

static void *echo(void *arg)
{
	struct pipes *p = arg;
	char c;

	pin(p->cpu);
	while (read(p->there[0], &c, 1) == 1)
		must(write(p->back[1], &c, 1) == 1, "floors: pipe");
	return NULL;
}

static void measure_pipe(const int cpu[2], struct hist *h)
{
	struct pipes p = { .cpu = cpu[1] };
	struct clock clock;
	pthread_t other;
	char c = 0;

	clock_calibrate(&clock);
	must(!pipe(p.there) && !pipe(p.back), "floors: pipe");
	must(!pthread_create(&other, NULL, echo, &p), "floors: thread");
	pin(cpu[0]);
	hist_reset(h);
	for (int i = 0; i < TRIPS; i++) {
		const u64 start = clock_start(&clock);

		must(write(p.there[1], &c, 1) == 1 && read(p.back[0], &c, 1) == 1, "floors: pipe");
		hist_record(h, clock_ns(&clock, clock_stop(&clock) - start));
	}
	close(p.there[1]);
	pthread_join(other, NULL);
}

int main(void)
{
	struct floor_result poll, event;
	struct hist *h = malloc(sizeof(*h));

	must(h && !floor_measure(FLOOR_POLL, &poll) && !floor_measure(FLOOR_EVENT, &event),
	     "floors");
	measure_pipe(poll.cpu, h);
	printf("{\"cache line\": {\"p50\": %llu, \"p99\": %llu}, \"eventfd\": {\"p50\": %llu, \"p99\": %llu}, "
	       "\"pipe\": {\"p50\": %llu, \"p99\": %llu}, \"cpus\": [%d, %d]}\n",
	       (unsigned long long)poll.round_trip_p50, (unsigned long long)poll.round_trip_p99,
	       (unsigned long long)event.round_trip_p50, (unsigned long long)event.round_trip_p99,
	       (unsigned long long)hist_quantile(h, 500000),
	       (unsigned long long)hist_quantile(h, 990000), poll.cpu[0], poll.cpu[1]);
	free(h);
	return 0;
}
