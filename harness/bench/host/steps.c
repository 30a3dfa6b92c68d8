// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/host/steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bench/host/layout.h"

/* A load of one message. */
struct step {
	struct load load;
	struct load_slot slot;
	struct hist latency;
	struct load_ask ask;
};

static struct bench_queue *queue_of(struct bench_session *s, unsigned number)
{
	for (unsigned i = 0; i < s->idle_count; i++)
		if (s->idle[i].number == number)
			return &s->idle[i];
	return &s->queue[number - s->opts.first];
}

static int run(struct bench_session *s, struct step *st, unsigned queue)
{
	struct bench_queue *q = queue_of(s, queue);
	int rc;

	hist_reset(&st->latency);
	st->load = (struct load){
		.vq = &q->vq,
		.clock = &s->clock,
		.ops = bench_load_ops(q),
		.type = LOAD_ASK,
		.ask = &st->ask,
		.depth = 1,
		.batch = 1,
		.block_bytes = load_ask_bytes(&st->ask),
		.requests = 1,
		.stall_ns = (u64)s->tp->timeout_ms * 1000000,
		.slots = &st->slot,
		.latency = &st->latency,
	};
	rc = load_prepare(&st->load, bench_step_area(s));
	return rc == LOAD_OK ? load_run(&st->load) : rc;
}

static int take(struct bench_session *s, const struct ask_step *step, struct step *st, char *error,
		size_t room)
{
	memset(&st->ask, 0, sizeof(st->ask));
	step->make(&st->ask, 0);
	switch (run(s, st, step->queue)) {
	case LOAD_OK:
		if (!st->load.errors)
			return 0;
		snprintf(error, room, "%s: the target answers with %#llx", step->what,
			 (unsigned long long)st->load.first_bad);
		return -1;
	case LOAD_STALLED:
		snprintf(error, room, "%s: no answer for %u ms", step->what, s->tp->timeout_ms);
		return -1;
	default:
		snprintf(error, room,
			 "%s: the target returned a descriptor that was not outstanding",
			 step->what);
		return -1;
	}
}

int bench_take_steps(struct bench_session *s, char *error, size_t room)
{
	struct step *st = malloc(sizeof(*st));
	int rc = 0;

	if (!st) {
		snprintf(error, room, "messages before the load: out of memory");
		return -1;
	}
	for (const struct ask_step *step = s->opts.steps; step && step->what && rc == 0; step++)
		rc = take(s, step, st, error, room);
	free(st);
	return rc;
}
