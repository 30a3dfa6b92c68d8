/* SPDX-License-Identifier: BSD-3-Clause */
/* The threads of processes that are recorded: since when each waits for a processor, and what it is in the middle of. */
#ifndef TRACES_STAGE_THREADS_H
#define TRACES_STAGE_THREADS_H

#include "traces/bpf/file.h"
#include "traces/stage.h"

#define THREADS 4096 /* a power of two; more are not followed */

struct thread {
	u32 tid; /* 0: the place is free */
	u8 who;	 /* enum stage_who */
	bool running;
	u64 wants_ns; /* since when it could run, and does not; 0: it does, or has nothing to do */
	u64 irq_ns;   /* the last interrupt that it made pending */
	u64 doorbell_ns; /* its guest's notification is on its way; 0: none is */
	u16 queue;	 /* … of this queue; or of the last kick that it read */
	bool queue_known;
};

struct threads {
	const struct kernel_file *head;
	struct thread thread[THREADS];
	u32 used;
};

/* Of a process that is recorded? STAGE_WHOS: no. A back-end that is its own front-end is a back-end. */
unsigned threads_who(const struct threads *t, u32 pid);
/* NULL when there are too many. */
struct thread *threads_get(struct threads *t, u32 tid, unsigned who);
struct thread *threads_find(struct threads *t, u32 tid);

/*
 * One event of the scheduler. `waited`: how long the thread that now runs had wanted to, when it is one of ours and
 * had; else NULL is returned.
 */
struct thread *threads_on_event(struct threads *t, const struct kernel_event *e, u64 *waited);

#endif
