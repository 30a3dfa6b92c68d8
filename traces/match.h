/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events in, stages out: pairs the two events that bound a stage of the same request, in a bounded
 * amount of memory however long the trace is. README.md beside this file defines the stages.
 */
#ifndef TRACES_MATCH_H
#define TRACES_MATCH_H

#include "harness/spec/types.h"
#include "traces/stage.h"

enum match_kind {
	MATCH_FETCH,
	MATCH_SERVE_BEGIN,
	MATCH_SERVE_END,
	MATCH_PUBLISH,
	MATCH_CALL,
	MATCH_KINDS,
};

struct match_event {
	u64 ns;
	u64 seq;
	u32 process; /* any number that tells processes apart */
	u32 len;
	u16 queue;
	u16 head;
	u8 kind; /* enum match_kind */
};

/*
 * How far apart, in fetches of one queue, the oldest request in flight and the newest may be. A
 * queue holds 32768 at most; a request left behind further than that counts as unmatched.
 */
#define MATCH_WINDOW 32768

/* Queues of all processes together. About 1 MiB each. Events of more are unmatched. */
#define MATCH_LANES 256

struct matcher;

/* NULL when there is no memory. */
struct matcher *match_new(void);
void match_free(struct matcher *m);

/* Events of one request must come in the order of their times. 0 or -ENOMEM. */
int match_add(struct matcher *m, const struct match_event *e);

/* Fill in the table from what was added so far, but for `discarded` and `processes`. */
void match_table(struct matcher *m, struct stage_table *table);

#endif
