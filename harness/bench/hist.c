// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/hist.h"

#include <string.h>

void hist_reset(struct hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	for (u32 i = 0; i < HIST_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
	into->count += from->count;
	into->sum += from->sum;
	into->clamped += from->clamped;
	into->min = MIN(into->min, from->min);
	into->max = MAX(into->max, from->max);
}

/* Inverse of hist_index(): the bits a bucket ignores, and the value of those it keeps. */
static unsigned split(u32 index, u64 *kept)
{
	unsigned drop;

	if (index < HIST_LINEAR) {
		*kept = index;
		return 0;
	}
	drop = index / (HIST_LINEAR / 2) - 1;
	*kept = index - drop * (HIST_LINEAR / 2);
	return drop;
}

u64 hist_lower(u32 index)
{
	u64 kept;
	unsigned drop = split(index, &kept);

	return kept << drop;
}

u64 hist_upper(u32 index)
{
	u64 kept;
	unsigned drop = split(index, &kept);

	return ((kept + 1) << drop) - 1;
}

u64 hist_mean(const struct hist *h)
{
	return h->count ? h->sum / h->count : 0;
}

/* ceil(count * ppm / 10^6) without overflow, at least 1. */
static u64 rank(u64 count, u32 ppm)
{
	u64 whole = count / 1000000 * ppm;
	u64 rest = (count % 1000000 * ppm + 999999) / 1000000;

	return MAX(whole + rest, 1);
}

u64 hist_quantile(const struct hist *h, u32 ppm)
{
	u64 wanted, seen = 0;

	if (!h->count)
		return 0;
	wanted = rank(h->count, MIN(ppm, 1000000u));
	for (u32 i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		/* The last bucket also holds what was clamped: its end says nothing then. */
		if (seen >= wanted)
			return i == HIST_BUCKETS - 1 ? h->max : MIN(hist_upper(i), h->max);
	}
	return h->max;
}

bool hist_next(const struct hist *h, u32 *index, u64 *upper_ns, u64 *count)
{
	for (u32 i = *index; i < HIST_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		*index = i + 1;
		*upper_ns = hist_upper(i);
		*count = h->bucket[i];
		return true;
	}
	*index = HIST_BUCKETS;
	return false;
}
