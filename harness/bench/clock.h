/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clock of the loops: the processor's own counter, read without a system call.
 *
 * A counter gives ticks. `struct clock` holds what turns ticks into nanoseconds; on a host it is
 * found by clock_calibrate() (harness/bench/host/clock.h), in a guest it is given by the machine.
 *
 * Freestanding.
 */
#ifndef HARNESS_BENCH_CLOCK_H
#define HARNESS_BENCH_CLOCK_H

#include "harness/spec/types.h"

#if defined(__x86_64__)
#define CLOCK_COUNTER_NAME "tsc"

/*
 * RDTSC may execute before what stands in front of it is done, and what follows may start before
 * it. LFENCE on both sides keeps it in its place: start waits for what is before, and what is
 * measured does not start before it; RDTSCP waits for what is measured, and the fence behind it
 * keeps later code out.
 */
static inline u64 clock_counter_start(void)
{
	u32 lo, hi;

	__asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(lo), "=d"(hi)::"memory");
	return (u64)hi << 32 | lo;
}

static inline u64 clock_counter_stop(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtscp\n\tlfence" : "=a"(lo), "=d"(hi)::"rcx", "memory");
	return (u64)hi << 32 | lo;
}

#elif defined(__aarch64__)
#define CLOCK_COUNTER_NAME "cntvct"

static inline u64 clock_counter_start(void)
{
	u64 v;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(v)::"memory");
	return v;
}

static inline u64 clock_counter_stop(void)
{
	return clock_counter_start();
}

#elif defined(__riscv) && __riscv_xlen == 64
#define CLOCK_COUNTER_NAME "time"

static inline u64 clock_counter_start(void)
{
	u64 v;

	__asm__ volatile("fence iorw, iorw\n\trdtime %0\n\tfence iorw, iorw" : "=r"(v)::"memory");
	return v;
}

static inline u64 clock_counter_stop(void)
{
	return clock_counter_start();
}

#else
#error "harness/bench/clock.h: which counter does this architecture have?"
#endif

struct clock {
	/* Where ticks come from when the counter cannot be trusted; NULL: the counter. */
	u64 (*read)(void);
	u64 mult;	    /* ns = ticks * mult >> 32 */
	u64 hz;		    /* ticks per second */
	u32 error_ppm;	    /* bound on the error of hz; rounded up, so never 0 when calibrated */
	const char *source; /* "tsc", "cntvct", "time", "clock_gettime" */
};

/* A clock whose frequency is known: in a guest, or a test. */
static inline struct clock clock_of_counter(u64 hz)
{
	struct clock c = { .hz = hz, .source = CLOCK_COUNTER_NAME };

	c.mult = (u64)(((unsigned __int128)1000000000u << 32) / hz);
	return c;
}

static inline u64 clock_start(const struct clock *c)
{
	return __builtin_expect(c->read != NULL, 0) ? c->read() : clock_counter_start();
}

static inline u64 clock_stop(const struct clock *c)
{
	return __builtin_expect(c->read != NULL, 0) ? c->read() : clock_counter_stop();
}

static inline u64 clock_ns(const struct clock *c, u64 ticks)
{
	return (u64)((unsigned __int128)ticks * c->mult >> 32);
}

/* For deadlines and rates: ticks of a time span. */
static inline u64 clock_ticks(const struct clock *c, u64 ns)
{
	return (u64)((unsigned __int128)ns * c->hz / 1000000000u);
}

#endif
