/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests/bench/cost asks of the programs that it counts: the ring, and how many requests go into it. */
#ifndef TESTS_BENCH_COST_OPTIONS_H
#define TESTS_BENCH_COST_OPTIONS_H

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "harness/virtqueue/vq.h"

struct cost_options {
	struct vq_mode mode;
	unsigned batch, requests;
	bool is_blk, is_net, burns;
	u64 burn;
};

/* False: a batch is not from 1 to `most`. What is no option ends the program, with 2. */
static inline bool cost_options(struct cost_options *o, int argc, char **argv, unsigned most)
{
	static const struct option longs[] = {
		{ "ring", required_argument, NULL, 'r' },
		{ "batch", required_argument, NULL, 'b' },
		{ "requests", required_argument, NULL, 'n' },
		{ "in-order", no_argument, NULL, 'o' },
		{ "event-idx", no_argument, NULL, 'e' },
		{ "device", required_argument, NULL, 'd' },
		{ "burn", required_argument, NULL, 'u' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'r')
			o->mode.ring = strcmp(optarg, "packed") ? VQ_RING_SPLIT : VQ_RING_PACKED;
		else if (c == 'b')
			o->batch = (unsigned)atoi(optarg);
		else if (c == 'n')
			o->requests = (unsigned)atoi(optarg);
		else if (c == 'o')
			o->mode.in_order = true;
		else if (c == 'e')
			o->mode.event_idx = true;
		else if (c == 'd')
			o->is_blk = strcmp(optarg, "blk") == 0,
			o->is_net = strcmp(optarg, "net") == 0;
		else if (c == 'u')
			o->burn = strtoull(optarg, NULL, 10), o->burns = true;
		else
			exit(2);
	}
	return o->batch && o->batch <= most;
}

#endif
