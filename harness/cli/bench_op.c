// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/bench_op.h"

#include <stdio.h>
#include <string.h>

#include "harness/cli/cli.h"

/* Devices whose requests are buffers and nothing else. */
static const struct {
	const char *device, *op;
	u32 type;
} plain[] = {
	{ "rng", "fill", LOAD_FILL },
	{ "null", "return", LOAD_NULL },
};

int bench_bad_choice(const char *option, const char *arg, const char *choices)
{
	cli_error("%s: '%s' is not one of %s", option, arg, choices);
	return CLI_USAGE;
}

/* The names of a device's loads, or of all devices that have some. */
static const char *names(const char *device, char *buf, size_t size)
{
	const struct bench_ask *a, *last = NULL;
	size_t n = 0;

	buf[0] = 0;
	for (unsigned i = 0; (a = bench_ask_at(i)) && n < size; last = a, i++) {
		if (device ? strcmp(a->device, device) != 0
			   : last && strcmp(a->device, last->device) == 0)
			continue;
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? ", " : "",
				      device ? a->op : a->device);
	}
	return buf;
}

int bench_op_device(struct bench_op *o, const char *arg)
{
	char known[256], choices[300];

	o->device = arg;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (strcmp(arg, plain[i].device) == 0)
			return -1;
	if (strcmp(arg, "blk") == 0 || bench_ask_find(arg, NULL))
		return -1;
	snprintf(choices, sizeof(choices), "blk, %s, %s, %s", plain[0].device, plain[1].device,
		 names(NULL, known, sizeof(known)));
	return bench_bad_choice("--device", arg, choices);
}

static int fit_blk(struct bench_op *o, struct bench_opts *b)
{
	static const struct {
		const char *name;
		u32 type;
	} ops[] = {
		{ "read", VIRTIO_BLK_T_IN },
		{ "write", VIRTIO_BLK_T_OUT },
		{ "flush", VIRTIO_BLK_T_FLUSH },
	};

	if (!o->name)
		o->name = ops[0].name;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (strcmp(o->name, ops[i].name) == 0) {
			b->type = ops[i].type;
			return -1;
		}
	}
	return bench_bad_choice("--op", o->name, "read, write, flush");
}

static int fit_ask(struct bench_op *o, struct bench_opts *b)
{
	char known[128];

	o->ask = bench_ask_find(o->device, o->name);
	if (!o->ask)
		return bench_bad_choice("--op", o->name, names(o->device, known, sizeof(known)));
	if (!o->ask->make(&o->message, b->block_size)) {
		cli_error("--block-size: %u is no length of a message of %s", b->block_size,
			  o->device);
		return CLI_USAGE;
	}
	if (o->ask->queues && b->queues > o->ask->queues) {
		cli_error("--queues: %s takes such messages on one queue", o->device);
		return CLI_USAGE;
	}
	/* A larger one only where it is needed, or told. */
	if (!b->ring_size && b->depth * bench_ask_pieces(&o->message) <= o->ask->size)
		b->ring_size = o->ask->size;
	b->type = LOAD_ASK;
	b->ask = &o->message;
	b->first = o->ask->queue;
	b->idle = bench_ask_idle(o->ask);
	b->steps = o->ask->steps;
	b->features = o->ask->features;
	b->block_size = load_ask_bytes(&o->message);
	o->name = o->ask->op;
	return -1;
}

int bench_op_fit(struct bench_op *o, struct bench_opts *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		if (strcmp(o->device, plain[i].device) != 0)
			continue;
		if (o->name) {
			cli_error("--op: %s has but one operation", o->device);
			return CLI_USAGE;
		}
		b->type = plain[i].type;
		o->name = plain[i].op;
		return -1;
	}
	return strcmp(o->device, "blk") == 0 ? fit_blk(o, b) : fit_ask(o, b);
}
