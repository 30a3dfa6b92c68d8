// SPDX-License-Identifier: BSD-3-Clause
/*
 * trace-emit: a stand-in for a back-end that does nothing but trace. It makes the events of
 * requests whose course is known, for the tests of the session and of the stage table, and it tells
 * what a tracepoint costs.
 *
 * usage: trace-emit [--off] [--wait] [--requests N] [--queues N] [--batch N] [--serve-ns N]
 *
 * Every batch is fetched and served request by request, published in reverse order of its fetch and
 * notified once. --off leaves the provider unloaded. --wait says "ready" and waits for a line on
 * standard input before the events, says "done" and waits for the end of the input after them.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "traces/trace.h"

struct plan {
	u64 requests;
	u64 queues;
	u64 batch;
	u64 serve_ns;
};

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

static void spin(u64 ns)
{
	u64 end = now_ns() + ns;

	while (now_ns() < end)
		;
}

/* Returns the number of events. */
static u64 emit(const struct plan *p)
{
	u64 events = 0;
	u64 seq[8] = { 0 };

	for (u64 done = 0; done < p->requests; done += p->batch) {
		u16 q = (u16)(done / p->batch % p->queues);
		u64 n = MIN(p->batch, p->requests - done);

		for (u64 i = 0; i < n; i++) {
			trace_fetch(q, (u16)i, seq[q] + i, 4112);
			trace_serve_begin(q, (u16)i, seq[q] + i, 4112);
			if (p->serve_ns)
				spin(p->serve_ns);
			trace_serve_end(q, (u16)i, seq[q] + i, 4097);
		}
		for (u64 i = n; i-- > 0;)
			trace_publish(q, (u16)i, seq[q] + i, 4097);
		trace_call(q, 0, seq[q], (u32)n);
		seq[q] += n;
		events += 4 * n + 1;
		/* Off, the compiler must not see through the loop. */
		__asm__ volatile("" ::: "memory");
	}
	return events;
}

static u64 number(const char *arg, u64 max)
{
	char *end;
	unsigned long long v = strtoull(arg, &end, 0);

	if (*end || v > max) {
		fprintf(stderr, "trace-emit: '%s' is not a number up to %llu\n", arg,
			(unsigned long long)max);
		exit(2);
	}
	return v;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "off", no_argument, NULL, 'o' },
		{ "wait", no_argument, NULL, 'w' },
		{ "requests", required_argument, NULL, 'n' },
		{ "queues", required_argument, NULL, 'q' },
		{ "batch", required_argument, NULL, 'b' },
		{ "serve-ns", required_argument, NULL, 's' },
		{ 0 },
	};
	struct plan plan = { .requests = 1000, .queues = 1, .batch = 1 };
	bool off = false, wait = false;
	char err[256];
	u64 begin, ns, events;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			off = true;
			break;
		case 'w':
			wait = true;
			break;
		case 'n':
			plan.requests = number(optarg, 1000000000);
			break;
		case 'q':
			plan.queues = MAX(number(optarg, 8), 1);
			break;
		case 'b':
			plan.batch = MAX(number(optarg, 32768), 1);
			break;
		case 's':
			plan.serve_ns = number(optarg, 1000000000);
			break;
		default:
			return 2;
		}
	}
	if (!off && trace_open(err, sizeof(err))) {
		fprintf(stderr, "trace-emit: %s\n", err);
		return 1;
	}
	if (wait) {
		puts("ready");
		fflush(stdout);
		while ((c = getchar()) != '\n' && c != EOF)
			;
	}
	begin = now_ns();
	events = emit(&plan);
	ns = now_ns() - begin;
	printf("done: %llu events, %.2f ns each\n", (unsigned long long)events,
	       events ? (double)ns / (double)events : 0);
	fflush(stdout);
	if (wait)
		while (getchar() != EOF)
			;
	return 0;
}
