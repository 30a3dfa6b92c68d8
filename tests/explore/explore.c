// SPDX-License-Identifier: BSD-3-Clause
/*
 * Every interleaving of a driver and a device over a ring of two to four entries.
 *
 *   ring_explore [--ring split|packed] [--size N] [--memory sc|tso|pso] [--event-idx yes|no]
 *                [--pieces 1|2|table] [--requests N] [--buffer N] [--max-states N]
 *
 * What is not told is explored in all its ways. One line for each exploration; after a failure the steps
 * that lead to it. Exit status: 0, 1 after a failure, 2 for wrong usage, 3 when there are more states than
 * --max-states.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/explore/world.h"

static const char *const rings[] = { "split", "packed" };
static const char *const orders[] = { "sc", "tso", "pso" };
static const char *const yes_no[] = { "no", "yes" };
static const char *const shapes[] = { "1", "2", "table" };

/* -1: all. */
struct options {
	int ring, order, event_idx, shape, in_order;
	unsigned size, requests, buffer;
	u64 max_states;
};

static struct found total;

/* Something that never happened was not explored. */
static const char *missing(void)
{
	if (!coverage.ends)
		return "no run came to its end";
	if (!coverage.slept[DRIVER] || !coverage.slept[DEVICE])
		return "a side never slept";
	if (!coverage.raised[DRIVER] || !coverage.raised[DEVICE])
		return "a side was never notified";
	if (!coverage.silent[DRIVER] || !coverage.silent[DEVICE])
		return "a side was always notified";
	if (!config.shape.in_order && !coverage.out_of_order &&
	    config.shape.size >= 2u * config.pieces)
		return "nothing came back out of order";
	if (config.shape.in_order && !coverage.batches && config.shape.size >= 2u * config.pieces)
		return "nothing came back as a batch";
	return NULL;
}

static int explore(void)
{
	struct found f;

	memset(&world, 0, sizeof(world));
	memset(&coverage, 0, sizeof(coverage));
	if (RAM_BYTES < pair_bytes(&config.shape))
		abort();
	pair_init(&world.pair, &config.shape, world.view[DRIVER], world.view[DEVICE], world.slots);
	memcpy(world.ram, world.view[DRIVER], RAM_BYTES);
	start();
	printf("%-6s  size %u  %-3s  event index %-3s  pieces %-5s  in order %-3s",
	       rings[config.shape.packed], config.shape.size, orders[config.order],
	       yes_no[config.shape.event_idx], shapes[config.indirect ? 2 : config.pieces - 1],
	       yes_no[config.shape.in_order]);
	fflush(stdout);
	if (!search(&f))
		return 1;
	printf("  %9llu states %10llu steps  depth %4llu %7.1f s\n", (unsigned long long)f.states,
	       (unsigned long long)f.steps, (unsigned long long)f.depth, f.seconds);
	total.states += f.states;
	total.steps += f.steps;
	total.seconds += f.seconds;
	if (!f.complete) {
		printf("  more states than that\n");
		return 3;
	}
	if (missing()) {
		printf("  %s\n", missing());
		return 1;
	}
	return 0;
}

static bool fits(int wanted, int v)
{
	return wanted < 0 || wanted == v;
}

static bool is_wanted(const struct options *o)
{
	return fits(o->ring, config.shape.packed) && fits(o->order, (int)config.order) &&
	       fits(o->event_idx, config.shape.event_idx) &&
	       fits(o->in_order, config.shape.in_order) &&
	       fits(o->shape, config.indirect ? 2 : config.pieces - 1) &&
	       (!o->size || o->size == config.shape.size);
}

/* The n-th of all combinations. False: there are no more. */
static bool combine(unsigned n, const struct options *o)
{
	const unsigned order = n % 3, packed = n / 3 % 2, event_idx = n / 6 % 2, shape = n / 12 % 3,
		       in_order = n / 36 % 2, size = 2 + n / 72;

	config = (struct config){
		.shape = { .packed = packed,
			   .size = (u16)size,
			   .event_idx = event_idx,
			   .in_order = in_order },
		.order = (enum order)order,
		.store_buffer = (u8)o->buffer,
		.total = (u8)(o->requests ? o->requests : size + 1),
		.pieces = shape ? 2 : 1,
		.indirect = shape == 2,
		.max_states = o->max_states,
	};
	/* Of requests 1 and 2 the device has a short way for what is no table. */
	config.shape.near = PAIR_DATA + 0x2000;
	config.shape.near_bytes = 0x4000;
	/* An index is about to wrap, or the ring's end near. */
	config.shape.start = packed ? (u16)(size - 1) : 0xffff;
	return size <= MAX_SIZE;
}

static int explore_all(const struct options *o)
{
	int rc = 0, runs = 0;

	for (unsigned n = 0; combine(n, o) && !rc; n++) {
		if (!is_wanted(o) || (!config.shape.packed && config.shape.size == 3))
			continue;
		rc = explore();
		runs++;
	}
	if (!rc)
		printf("%d explorations, %llu states, %llu steps, %.1f s: nothing lost, doubled, out of "
		       "order or asleep\n",
		       runs, (unsigned long long)total.states, (unsigned long long)total.steps,
		       total.seconds);
	return rc;
}

static int usage(void)
{
	fputs("usage: ring_explore [--ring split|packed] [--size 2..4] [--memory sc|tso|pso]\n"
	      "                    [--event-idx yes|no] [--pieces 1|2|table] [--in-order yes|no]\n"
	      "                    [--requests N] [--buffer N] [--max-states N]\n",
	      stderr);
	return 2;
}

static bool one_of(const char *text, const char *const *names, int n, int *v)
{
	for (*v = 0; *v < n; (*v)++)
		if (!strcmp(text, names[*v]))
			return true;
	return false;
}

static bool number(const char *text, u64 min, u64 max, u64 *v)
{
	char *end;

	*v = strtoull(text, &end, 10);
	return *text && !*end && *v >= min && *v <= max;
}

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option longopts[] = {
		{ "ring", 1, 0, 'r' },	     { "size", 1, 0, 's' },
		{ "memory", 1, 0, 'm' },     { "event-idx", 1, 0, 'e' },
		{ "pieces", 1, 0, 'p' },     { "in-order", 1, 0, 'i' },
		{ "requests", 1, 0, 'n' },   { "buffer", 1, 0, 'b' },
		{ "max-states", 1, 0, 'x' }, { 0, 0, 0, 0 },
	};
	bool ok = true;
	u64 v = 0;
	int ch;

	while (ok && (ch = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		switch (ch) {
		case 'r':
			ok = one_of(optarg, rings, 2, &o->ring);
			break;
		case 'm':
			ok = one_of(optarg, orders, 3, &o->order);
			break;
		case 'e':
			ok = one_of(optarg, yes_no, 2, &o->event_idx);
			break;
		case 'p':
			ok = one_of(optarg, shapes, 3, &o->shape);
			break;
		case 'i':
			ok = one_of(optarg, yes_no, 2, &o->in_order);
			break;
		case 's':
			ok = number(optarg, 2, MAX_SIZE, &v);
			o->size = (unsigned)v;
			break;
		case 'n':
			ok = number(optarg, 1, MAX_TOTAL, &v);
			o->requests = (unsigned)v;
			break;
		case 'b':
			ok = number(optarg, 1, BUFFER_MAX, &v);
			o->buffer = (unsigned)v;
			break;
		case 'x':
			ok = number(optarg, 1, ~0ull, &o->max_states);
			break;
		default:
			ok = false;
		}
	}
	return ok && optind == argc;
}

int main(int argc, char **argv)
{
	struct options o = {
		.ring = -1,
		.order = -1,
		.event_idx = -1,
		.shape = -1,
		.in_order = -1,
		.buffer = 2,
		.max_states = 1ull << 27,
	};

	return parse(argc, argv, &o) ? explore_all(&o) : usage();
}
