/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A histogram of times in nanoseconds: log-linear buckets of a fixed count, so that recording needs
 * no allocation and no search, and an error that is relative to the value (HDR-style).
 *
 * Below HIST_LINEAR every nanosecond has its own bucket. Above it each doubling is split into
 * HIST_LINEAR / 2 buckets, so a bucket is never wider than 1/1024 of the values in it: three
 * significant digits. Values above HIST_MAX_NS (68.7 s) are counted in the last bucket and in
 * `clamped`; the true maximum and sum are kept all the same.
 *
 * One writer per histogram; threads record into their own and merge at the end.
 *
 * Freestanding.
 */
#ifndef HARNESS_BENCH_HIST_H
#define HARNESS_BENCH_HIST_H

#include "harness/spec/types.h"

#define HIST_LINEAR_BITS 11
#define HIST_LINEAR	 (1u << HIST_LINEAR_BITS)
#define HIST_MAX_BITS	 36
#define HIST_MAX_NS	 (BIT_ULL(HIST_MAX_BITS) - 1)
#define HIST_BUCKETS	 (HIST_LINEAR + (HIST_MAX_BITS - HIST_LINEAR_BITS) * (HIST_LINEAR / 2))

/* About 220 KiB. All fields are read freely; only hist_* writes them. */
struct hist {
	u64 count;
	u64 sum;     /* of the values as given, ns */
	u64 min;     /* UINT64_MAX while empty: use hist_min() */
	u64 max;     /* as given, not rounded to a bucket */
	u64 clamped; /* how many were above HIST_MAX_NS */
	u64 bucket[HIST_BUCKETS];
};

/* Which bucket a value is counted in. Values above HIST_MAX_NS give the last. */
static inline u32 hist_index(u64 ns)
{
	u64 v = MIN(ns, HIST_MAX_NS);
	/* How many low bits the bucket of this value ignores: 0 in the linear part. */
	unsigned drop = 64 - HIST_LINEAR_BITS - (unsigned)__builtin_clzll(v | (HIST_LINEAR - 1));

	return drop * (HIST_LINEAR / 2) + (u32)(v >> drop);
}

/* Count a value that came `n` times. No branch depends on it; a handful of instructions, one cache line. */
static inline void hist_record_n(struct hist *h, u64 ns, u64 n)
{
	h->bucket[hist_index(ns)] += n;
	h->count += n;
	h->sum += ns * n;
	h->clamped += ns > HIST_MAX_NS ? n : 0;
	h->min = MIN(h->min, ns);
	h->max = MAX(h->max, ns);
}

/* Count one value. */
static inline void hist_record(struct hist *h, u64 ns)
{
	hist_record_n(h, ns, 1);
}

/* Empty a histogram. Also how one is made ready for first use. */
void hist_reset(struct hist *h);

/* Add everything counted in `from` to `into`. */
void hist_merge(struct hist *into, const struct hist *from);

/* Smallest and largest value that share the bucket `index`, ns. */
u64 hist_lower(u32 index);
u64 hist_upper(u32 index);

static inline u64 hist_min(const struct hist *h)
{
	return h->count ? h->min : 0;
}

/* Mean of the values as given, rounded down; 0 when empty. */
u64 hist_mean(const struct hist *h);

/*
 * The value at a quantile, given in parts per million (median: 500000, p99.9: 999000): the largest
 * value that shares a bucket with the smallest recorded value that at least that share of all
 * values does not exceed, and never more than the maximum. 0 when empty.
 */
u64 hist_quantile(const struct hist *h, u32 ppm);

/*
 * Walk the buckets that are not empty, in ascending order: `*index` starts at 0 and is moved past
 * the bucket that was found. False at the end.
 */
bool hist_next(const struct hist *h, u32 *index, u64 *upper_ns, u64 *count);

#endif
