// SPDX-License-Identifier: BSD-3-Clause
/*
 * Random legal operations on both halves of both rings, with the model beside them.
 *
 *   ring_stress [--seed N] [--buffers N] [--ring split|packed] [--size N] [--mistake NAME]
 *
 * Without --buffers it goes on until a million buffers have come back. A seed is printed and repeats a
 * run; a failure is shrunk to a sequence from which nothing can be left out. Exit status: 0, or 1 after a
 * failure, or 2 for wrong usage.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/stress/model.h"

#define OPS 4000 /* of one run: long enough for several laps of most rings */

static const char *const mistakes[MISTAKES] = {
	[MISTAKE_NONE] = "none",
	[MISTAKE_LENGTH] = "length",
	[MISTAKE_TWICE] = "twice",
	[MISTAKE_LOST] = "lost",
	[MISTAKE_NO_CALL] = "no-call",
	[MISTAKE_NO_KICK] = "no-kick",
	[MISTAKE_LAST_PIECE] = "last-piece",
};

struct options {
	u64 seed, buffers;
	int packed; /* -1: both */
	u16 size;   /* 0: many */
	enum model_mistake mistake;
};

/* xorshift64*: the same sequence everywhere. */
static u64 draw(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

static u16 draw_size(u64 *state, bool packed)
{
	const u16 powers[] = { 1, 2, 4, 8, 16, 64, 256, 1024 };
	const u16 others[] = { 1, 2, 3, 5, 7, 12, 100, 255, 1000 };

	return packed ? others[draw(state) % ARRAY_SIZE(others)]
		      : powers[draw(state) % ARRAY_SIZE(powers)];
}

static int report(const struct pair_shape *shape, const struct options *o, struct model_op *ops,
		  u64 count, u64 run_seed)
{
	struct model_result r;
	char text[80];

	count = model_shrink(shape, o->mistake, ops, count);
	model_run(shape, o->mistake, ops, count, &r);
	printf("%s ring, %u entries, %s event index, %s, from %u, seed %llu: %s\n",
	       shape->packed ? "packed" : "split", shape->size,
	       shape->event_idx ? "with" : "without", shape->in_order ? "in order" : "in any order",
	       shape->start, (unsigned long long)run_seed, r.failure);
	for (u64 i = 0; i < count; i++) {
		model_op_text(&ops[i], text, sizeof(text));
		printf("  %llu. %s%s\n", (unsigned long long)i + 1, text,
		       i == r.at ? "   <- here" : "");
	}
	if (r.at == count)
		printf("  and to the end: everything shown, served and reaped\n");
	return 1;
}

static int stress(const struct options *o)
{
	static struct model_op ops[OPS];
	u64 seed = o->seed, runs = 0;
	struct model_result total = { 0 }, r;

	while (total.buffers < o->buffers) {
		u64 state = seed++ * 0x9e3779b97f4a7c15ull + 1;
		struct pair_shape shape = {
			.packed = o->packed < 0 ? (draw(&state) & 1) != 0 : o->packed == 1,
			.event_idx = draw(&state) & 1,
			.in_order = draw(&state) & 1,
		};

		/* In some runs all is where the device has its short way, in some what comes first. */
		shape.near = PAIR_DATA;
		shape.near_bytes = draw(&state) % 3 * 0x200000;
		shape.size = o->size ? o->size : draw_size(&state, shape.packed);
		/* Half of the runs begin shortly before an index or an offset wraps. */
		if (draw(&state) & 1)
			shape.start = shape.packed ? (u16)(draw(&state) % (2u * shape.size))
						   : (u16)(0 - draw(&state) % 64);
		for (unsigned i = 0; i < OPS; i++) {
			const u64 v = draw(&state);

			ops[i] = (struct model_op){ (u8)v, (u8)(v >> 8), (u8)(v >> 16),
						    (u8)(v >> 24) };
		}
		model_run(&shape, o->mistake, ops, OPS, &r);
		if (r.failure[0])
			return report(&shape, o, ops, OPS, seed - 1);
		total.ops += r.ops;
		total.buffers += r.buffers;
		runs++;
	}
	printf("%llu runs, %llu operations, %llu buffers, seed %llu: no difference\n",
	       (unsigned long long)runs, (unsigned long long)total.ops,
	       (unsigned long long)total.buffers, (unsigned long long)o->seed);
	return 0;
}

static bool number(const char *text, u64 max, u64 *v)
{
	char *end;

	*v = strtoull(text, &end, 10);
	return *text && !*end && *v <= max;
}

static int usage(void)
{
	fputs("usage: ring_stress [--seed N] [--buffers N] [--ring split|packed] [--size N] "
	      "[--mistake NAME]\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "seed", 1, 0, 's' }, { "buffers", 1, 0, 'b' }, { "ring", 1, 0, 'r' },
		{ "size", 1, 0, 'z' }, { "mistake", 1, 0, 'm' }, { 0, 0, 0, 0 },
	};
	struct options o = { .seed = (u64)time(NULL), .buffers = 1000000, .packed = -1 };
	u64 v;
	int ch;

	while ((ch = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		switch (ch) {
		case 's':
			if (!number(optarg, ~0ull, &o.seed))
				return usage();
			break;
		case 'b':
			if (!number(optarg, ~0ull, &o.buffers))
				return usage();
			break;
		case 'r':
			o.packed = !strcmp(optarg, "packed");
			if (!o.packed && strcmp(optarg, "split"))
				return usage();
			break;
		case 'z':
			if (!number(optarg, 32768, &v) || !v)
				return usage();
			o.size = (u16)v;
			break;
		case 'm':
			for (o.mistake = MISTAKES - 1;
			     o.mistake > MISTAKE_NONE && strcmp(mistakes[o.mistake], optarg);)
				o.mistake--;
			break;
		default:
			return usage();
		}
	}
	if (optind < argc || (o.size & (o.size - 1) && o.packed != 1))
		return usage();
	return stress(&o);
}
