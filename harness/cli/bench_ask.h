/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads of small messages: for each type of device one that every device of it answers, and that changes nothing.
 */
#ifndef HARNESS_CLI_BENCH_ASK_H
#define HARNESS_CLI_BENCH_ASK_H

#include "harness/bench/load.h"

struct bench_ask {
	const char *device; /* for --device */
	const char *op;	    /* what a message does, in a word */
	unsigned queue;
	u64 features; /* to negotiate where they are offered */
	/* `bytes`: of what can have any length; 0: the usual. False: that is no length for it. */
	bool (*make)(struct load_ask *a, u32 bytes);
};

/* NULL: there is none of that name. */
const struct bench_ask *bench_ask_find(const char *device);

#endif
