/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What this machine needs for the least that a request can be: two threads handing a word to each
 * other and back. No back-end can be faster than its floor, so a latency is judged by its ratio to
 * it, and results of different machines can be compared.
 *
 * poll:  each thread writes a cache line of its own and spins on the other's, as the two sides of a
 *        virtqueue do with the available and the used index.
 * event: each thread sleeps in read() on an eventfd that the other writes, as the two sides do
 *        with the kick and the call descriptor.
 */
#ifndef HARNESS_BENCH_HOST_FLOOR_H
#define HARNESS_BENCH_HOST_FLOOR_H

#include "harness/spec/types.h"

enum floor_kind {
	FLOOR_POLL,
	FLOOR_EVENT,
};

/* All times in ns. One way is half of a round trip: the two clocks need not agree. */
struct floor_result {
	enum floor_kind kind;
	u64 round_trip_p50, round_trip_p99, round_trip_min;
	u64 one_way_p50, one_way_p99;
	u64 samples;   /* that these are from: of the best of several slices of the time */
	int cpu[2];    /* where the threads ran; -1: not pinned */
	char note[96]; /* what made it less than the real floor; "" when nothing did */
};

/* "poll", "event" */
const char *floor_kind_name(enum floor_kind kind);

/*
 * Measure for about 100 ms, up to 500 ms where the machine is so busy that there is hardly a round
 * trip in that time. The two threads are pinned to two CPUs that the process may use:
 * different cores of one package if there are such. With one CPU the threads take turns on it and
 * the note says so. The caller's own affinity is not touched. 0 or -errno.
 */
int floor_measure(enum floor_kind kind, struct floor_result *result);

#endif
