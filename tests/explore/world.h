/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exhaustive exploration of a small virtqueue: every interleaving of the accesses to shared memory that
 * the two halves of a ring make. The halves are the real code, compiled with the compiler's own
 * instrumentation for race detectors, whose calls are answered in hooks.c: each access to the ring becomes
 * a step at which the other side may go first. Nothing in the code under test knows.
 *
 * Driver and device are coroutines. Each sees shared memory as its processor does: its own stores at once,
 * the other's when they have left the other's store buffer. All that they are - stacks, bookkeeping,
 * memory, buffers - lies in one struct that is copied to come back to a state, and hashed to know one again.
 */
#ifndef TESTS_EXPLORE_WORLD_H
#define TESTS_EXPLORE_WORLD_H

#include <setjmp.h>

#include "tests/stress/pair.h"

enum side {
	DRIVER,
	DEVICE,
	SIDES,
};

/* When a store becomes visible to the other side. */
enum order {
	ORDER_SC,  /* at once */
	ORDER_TSO, /* later, in the order of the program: x86 */
	ORDER_PSO, /* later, in any order that release stores and fences allow; loads stay in order */
};

#define MAX_SIZE   4
#define MAX_TOTAL  8
#define RAM_BYTES  1024
#define STACK	   16384
#define BUFFER_MAX 8

enum what {
	STEP_LOAD,
	STEP_STORE,
	STEP_FENCE,
	STEP_CHOICE, /* the side's own: goes on in one of n ways */
	STEP_RAISE,  /* of the other side's notification */
	STEP_WAIT,   /* for the side's own */
	STEP_END,    /* the side has nothing more to do */
	STEP_FAILED, /* the text says what */
};

/* What a side does when it is its turn. */
struct step {
	u8 what; /* enum what */
	u8 n;	 /* bytes; ways of a choice */
	u16 off;
	bool release;
};

/* A store that the other side does not see yet. */
struct store {
	u16 off;
	u8 n;
	bool release;
	u8 data[16];
};

struct request {
	struct vq_sg sg[2];
	u32 len; /* as the device returned it */
};

struct world {
	/* For the eye only: enum op. */
	u8 op[SIDES];
	/* Shared memory, and each side's view of it. */
	u8 ram[RAM_BYTES] __attribute__((aligned(64)));
	u8 view[SIDES][RAM_BYTES] __attribute__((aligned(64)));
	struct store buffer[SIDES][BUFFER_MAX];
	u8 buffered[SIDES];
	bool raised[SIDES]; /* a notification for this side */
	struct step next[SIDES];
	u8 chosen[SIDES]; /* the way of a choice */

	/* The halves. */
	struct pair pair;
	struct vq_slot slots[MAX_SIZE];

	/* The driver's program. */
	struct request requests[MAX_TOTAL];
	u8 added, reaped;
	bool seen[MAX_TOTAL];
	/* The device's. */
	u8 fetched, held;
	struct pair_chain chains[MAX_SIZE];
	u8 serials[MAX_SIZE];

	jmp_buf at[SIDES];
	u8 *sp[SIDES];
	u8 stack[SIDES][STACK] __attribute__((aligned(64)));
};

struct config {
	struct pair_shape shape;
	enum order order;
	u8 store_buffer; /* stores that a side may be ahead with, at most BUFFER_MAX */
	u8 total;	 /* requests */
	u8 pieces;	 /* of each: 1 or 2 */
	bool indirect;
	u64 max_states;
};

/* Things that have to happen now and then for an exploration to have been one. Not part of a state. */
struct coverage {
	u64 slept[SIDES], raised[SIDES], silent[SIDES], out_of_order, batches, ends;
};

extern struct world world;
extern struct config config;
extern struct coverage coverage;
extern char failure[200]; /* "" = none */

/* hooks.c: run a side, that stands at a step, up to its next one. */
void run_step(enum side s, u8 chosen);
/* The oldest but `i` of the stores that wait leaves the buffer. */
void flush(enum side s, unsigned i);
/* May this store leave before those that are older? */
bool may_flush(enum side s, unsigned i);
/* Put both sides at their first step. */
void start(void);

/* What a program may do beside calling the rings. */
u8 choose(u8 ways);
void raise_for(enum side other);
void wait_for(enum side own);
void end(void) __attribute__((noreturn));
__attribute__((format(printf, 1, 2), noreturn)) void fail(const char *fmt, ...);

/* sides.c */
extern void (*const programs[SIDES])(void);
const char *op_text(u8 op);
/* Nothing can go on. Says in `failure` what is wrong with that, if anything is. */
void judge_end(void);

struct found {
	u64 states, steps, depth;
	double seconds;
	bool complete; /* there is nothing that was not looked at */
};

/* search.c: all that can happen. False: `failure` says what is wrong, and the way there is printed. */
bool search(struct found *f);

#endif
