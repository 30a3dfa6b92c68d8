/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads of messages: for each type of device at least one that every device of it answers, and that changes nothing;
 * the first of a type is the one that is meant where none is named.
 *
 * A device that has to be brought somewhere before it answers gets the messages of `steps` first, one after the
 * other, on whatever queues they belong to.
 *
 * Freestanding.
 */
#ifndef HARNESS_BENCH_ASK_H
#define HARNESS_BENCH_ASK_H

#include "harness/bench/load.h"
#include "harness/device/vehicle.h"

/* Queues that are there beside those that are driven, at most. */
#define ASK_IDLE_MAX 4
/* Of a message before the load, with its answer. */
#define ASK_STEP_BYTES 512

/* One message before the load, which has to be answered with a yes. */
struct ask_step {
	const char *what; /* it asks for */
	unsigned queue;
	bool (*make)(struct load_ask *a, u32 bytes);
};

struct bench_ask {
	const char *device; /* for --device */
	const char *op;	    /* what a message does, in a word: for --op */
	unsigned queue;	    /* the first that takes them */
	unsigned queues;    /* how many do, from there on; 0: all */
	u32 beside;	    /* queues behind them that have to be there, too: a bit for each */
	u64 features;	    /* to negotiate where they are offered */
	/* `bytes`: of what can have any length; 0: the usual. False: that is no length for it. */
	bool (*make)(struct load_ask *a, u32 bytes);
	u16 size; /* of a ring that all known devices of this type take; 0: 128 at least */
	const struct ask_step *steps; /* behind them one without a name; NULL: none */
};

/* All of them, those of a device behind one another; NULL behind the last. */
const struct bench_ask *bench_ask_at(unsigned i);
/* Descriptors of one. */
static inline unsigned bench_ask_pieces(const struct load_ask *a)
{
	return 1 + !!a->in[0] + !!a->in[1];
}

/* op NULL: the first of that device. NULL: there is none. */
const struct bench_ask *bench_ask_find(const char *device, const char *op);
/* All queues that are there while it is idle on them: a bit for each. */
u32 bench_ask_idle(const struct bench_ask *a);

/* The load of a vehicle: `status` bytes of its answer, from the first on, tell how it went. */
bool bench_ask_vehicle(struct load_ask *a, const struct vehicle *v, u32 status);

/* Those of devices that have a vehicle; `n` of them. */
extern const struct bench_ask bench_ask_types[];
extern const unsigned bench_ask_type_count;

#endif
