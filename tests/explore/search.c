// SPDX-License-Identifier: BSD-3-Clause
/*
 * Depth first through all states. What a side does to nobody's notice - a store into its buffer, a choice
 * - is not interleaved with the other's steps: it commutes with all of them, and no loop is made of such
 * steps alone. Nothing else is left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/explore/world.h"

enum {
	FLUSH = SIDES
};

/* One thing that can happen: a side's step, or a store leaving its buffer. */
struct move {
	u8 kind; /* a side, or FLUSH + a side */
	u8 i;	 /* way of a choice, or which store */
	u8 op;
	struct step step;
	u64 value;
};

#define MOVES 32

struct frame {
	struct move moves[MOVES];
	u8 count, done;
	u8 *copy;
	size_t bytes;
};

static struct {
	u64 *at;
	u64 mask, count;
} visited;

static struct {
	struct frame *at;
	size_t count, room;
} path;

static bool seen_before(u64 h)
{
	if (visited.count * 2 >= visited.mask) {
		u64 *old = visited.at;
		const u64 room = visited.at ? visited.mask + 1 : 0;

		visited.mask = visited.at ? visited.mask * 2 + 1 : (1u << 16) - 1;
		visited.at = calloc(visited.mask + 1, sizeof(u64));
		if (!visited.at)
			abort();
		for (u64 i = 0; i < room; i++) {
			u64 k = old[i] & visited.mask;

			if (!old[i])
				continue;
			while (visited.at[k])
				k = (k + 1) & visited.mask;
			visited.at[k] = old[i];
		}
		free(old);
	}
	h += !h;
	for (u64 k = h & visited.mask;; k = (k + 1) & visited.mask) {
		if (visited.at[k] == h)
			return true;
		if (visited.at[k])
			continue;
		visited.at[k] = h;
		visited.count++;
		return false;
	}
}

static u64 mix(u64 h, const void *p, size_t n)
{
	const u8 *at = p;

	for (; n >= 8; n -= 8, at += 8) {
		u64 v;

		memcpy(&v, at, 8);
		h = (h ^ v) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
	}
	for (; n; n--, at++)
		h = (h ^ *at) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 32;
}

/* The part of the world that is not stack, and of that what is not told by the rest: views. */
#define FIXED offsetof(struct world, stack)

static size_t stack_used(enum side s)
{
	return (size_t)(world.stack[s] + STACK - world.sp[s]);
}

static u64 hash(void)
{
	u64 h = mix(1, world.ram, (size_t)world.pair.bytes);

	h = mix(h, world.buffer, FIXED - offsetof(struct world, buffer));
	for (unsigned s = 0; s < SIDES; s++)
		h = mix(h, world.sp[s], stack_used((enum side)s));
	return h;
}

static void save(struct frame *f)
{
	const size_t a = stack_used(DRIVER), b = stack_used(DEVICE);

	if (f->bytes < FIXED + a + b) {
		free(f->copy);
		f->bytes = FIXED + a + b + 512;
		f->copy = malloc(f->bytes);
		if (!f->copy)
			abort();
	}
	memcpy(f->copy, &world, FIXED);
	memcpy(f->copy + FIXED, world.sp[DRIVER], a);
	memcpy(f->copy + FIXED + a, world.sp[DEVICE], b);
}

static void restore(const struct frame *f)
{
	size_t a;

	memcpy(&world, f->copy, FIXED);
	a = stack_used(DRIVER);
	memcpy(world.sp[DRIVER], f->copy + FIXED, a);
	memcpy(world.sp[DEVICE], f->copy + FIXED + a, stack_used(DEVICE));
}

static bool enabled(enum side s)
{
	switch (world.next[s].what) {
	case STEP_STORE:
		return config.order == ORDER_SC || world.buffered[s] < config.store_buffer;
	case STEP_FENCE:
	case STEP_RAISE: /* a system call */
		return world.buffered[s] == 0;
	case STEP_WAIT:
		return world.raised[s];
	case STEP_END:
	case STEP_FAILED:
		return false;
	default:
		return true;
	}
}

/* To nobody's notice. */
static bool is_local(enum side s)
{
	const enum what w = (enum what)world.next[s].what;

	return w == STEP_CHOICE || w == STEP_FENCE || (w == STEP_STORE && config.order != ORDER_SC);
}

static void add_moves(struct frame *f, enum side s)
{
	const struct step *next = &world.next[s];
	const u8 ways = next->what == STEP_CHOICE ? next->n : 1;

	for (u8 i = 0; i < ways; i++)
		f->moves[f->count++] = (struct move){ (u8)s, i, world.op[s], *next, 0 };
}

static void list_moves(struct frame *f)
{
	f->count = f->done = 0;
	for (unsigned s = 0; s < SIDES; s++) {
		if (is_local((enum side)s) && enabled((enum side)s)) {
			add_moves(f, (enum side)s);
			return;
		}
	}
	for (unsigned s = 0; s < SIDES; s++) {
		if (enabled((enum side)s))
			add_moves(f, (enum side)s);
		for (u8 i = 0; i < world.buffered[s]; i++) {
			const struct store *st = &world.buffer[s][i];

			if (!may_flush((enum side)s, i))
				continue;
			f->moves[f->count++] = (struct move){
				(u8)(FLUSH + s), i, 0, { STEP_STORE, st->n, st->off, false }, 0
			};
		}
	}
}

static void make(struct move *m)
{
	const unsigned s = m->kind % SIDES;

	if (m->kind >= FLUSH) {
		memcpy(&m->value, world.buffer[s][m->i].data, MIN(m->step.n, 8));
		flush((enum side)s, m->i);
		return;
	}
	if (m->step.what == STEP_LOAD)
		memcpy(&m->value, world.view[s] + m->step.off, MIN(m->step.n, 8));
	run_step((enum side)s, m->i);
	if (m->step.what == STEP_STORE)
		memcpy(&m->value, world.view[s] + m->step.off, MIN(m->step.n, 8));
}

static void print_move(const struct move *m)
{
	static const char *const whats[] = {
		[STEP_LOAD] = "reads",
		[STEP_STORE] = "writes",
		[STEP_FENCE] = "full barrier",
		[STEP_CHOICE] = "chooses",
		[STEP_RAISE] = "notifies the other side",
		[STEP_WAIT] = "is notified",
	};
	const struct step *st = &m->step;
	char text[32];

	printf("  %-7s", m->kind % SIDES == DRIVER ? "driver" : "device");
	if (m->kind >= FLUSH)
		printf("%-22s store is seen: %s = %#llx\n", "",
		       pair_place(&world.pair, st->off, text, sizeof(text)),
		       (unsigned long long)m->value);
	else if (st->what == STEP_LOAD || st->what == STEP_STORE)
		printf("%-22s %s %s: %#llx\n", op_text(m->op), whats[st->what],
		       pair_place(&world.pair, st->off, text, sizeof(text)),
		       (unsigned long long)m->value);
	else
		printf("%-22s %s\n", op_text(m->op), whats[st->what]);
}

static bool report(void)
{
	printf("%s\n", failure);
	for (size_t i = 0; i < path.count; i++) {
		const struct frame *f = &path.at[i];

		if (f->done && f->moves[f->done - 1].step.what != STEP_CHOICE)
			print_move(&f->moves[f->done - 1]);
	}
	printf("  and here: %s\n", failure);
	return false;
}

static struct frame *enter(void)
{
	struct frame *f;

	if (path.count == path.room) {
		const size_t room = path.room ? path.room * 2 : 256;

		path.at = realloc(path.at, room * sizeof(*path.at));
		if (!path.at)
			abort();
		memset(path.at + path.room, 0, (room - path.room) * sizeof(*path.at));
		path.room = room;
	}
	f = &path.at[path.count++];
	list_moves(f);
	if (f->count > 1)
		save(f);
	return f;
}

static double seconds_since(const struct timespec *from)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) / 1e9;
}

bool search(struct found *found)
{
	struct timespec begin;
	bool fresh = true; /* the world is as the last frame has it */

	clock_gettime(CLOCK_MONOTONIC, &begin);
	*found = (struct found){ .complete = true };
	if (visited.at)
		memset(visited.at, 0, (visited.mask + 1) * sizeof(u64));
	visited.count = path.count = 0;
	seen_before(hash());
	enter();
	while (path.count && !failure[0]) {
		struct frame *f = &path.at[path.count - 1];

		if (f->count == 0)
			judge_end();
		if (f->done == f->count) {
			if (!failure[0])
				path.count--;
			fresh = false;
			continue;
		}
		if (!fresh)
			restore(f);
		make(&f->moves[f->done++]);
		found->steps++;
		fresh = false;
		if (failure[0] || seen_before(hash()))
			continue;
		if (visited.count >= config.max_states) {
			found->complete = false;
			break;
		}
		enter();
		fresh = true;
		found->depth = MAX(found->depth, path.count);
	}
	found->states = visited.count;
	found->seconds = seconds_since(&begin);
	return failure[0] ? report() : true;
}
