// SPDX-License-Identifier: BSD-3-Clause
/*
 * A driver and a device as they are: each works as long as there is something to do, then asks for a
 * notification, looks once more, and sleeps. Where a real one may do this or that, both are explored.
 */
#include <stdio.h>

#include "tests/explore/world.h"

enum op {
	OP_NONE,
	OP_ADD,
	OP_PUBLISH,
	OP_KICK_DUE,
	OP_REAP,
	OP_ENABLE,
	OP_DISABLE,
	OP_FETCH,
	OP_PUSH,
	OP_NOTIFY_DUE,
};

static const char *const names[] = {
	[OP_NONE] = "",
	[OP_ADD] = "add",
	[OP_PUBLISH] = "publish",
	[OP_KICK_DUE] = "kick due?",
	[OP_REAP] = "reap",
	[OP_ENABLE] = "enable notifications",
	[OP_DISABLE] = "disable notifications",
	[OP_FETCH] = "fetch",
	[OP_PUSH] = "push",
	[OP_NOTIFY_DUE] = "notify due?",
};

const char *op_text(u8 op)
{
	return op < ARRAY_SIZE(names) ? names[op] : "";
}

/* Locals begin as zero: what an earlier call left on the stack would make two states of one. */
static void enter(enum side s, enum op op)
{
	world.op[s] = (u8)op;
}

/* The driver. */

static unsigned slots_of_one(void)
{
	return config.indirect ? 1 : config.pieces;
}

static bool fits(void)
{
	return world.added < config.total &&
	       (world.added - world.reaped + 1) * slots_of_one() <= config.shape.size;
}

static void add_one(void)
{
	struct request *r = &world.requests[world.added];
	const unsigned out = config.pieces - 1;

	for (unsigned i = 0; i < config.pieces; i++)
		r->sg[i] = (struct vq_sg){ { PAIR_DATA + 0x1000u * (2u * world.added + i) },
					   100u + i };
	enter(DRIVER, OP_ADD);
	if (pair_add(&world.pair, r->sg, out, 1, config.indirect, r) < 0)
		fail("request %u fits and is refused", world.added);
	world.added++;
}

static void submit(void)
{
	while (fits()) {
		add_one();
		/* Publish each, or some together. */
		while (fits() && choose(2))
			add_one();
		enter(DRIVER, OP_PUBLISH);
		pair_publish(&world.pair);
		enter(DRIVER, OP_KICK_DUE);
		if (pair_kick_due(&world.pair))
			raise_for(DEVICE);
		else
			coverage.silent[DEVICE]++;
		/* Look what has come back, or go on. */
		if (choose(2))
			return;
	}
}

static void reap(void)
{
	for (;;) {
		void *token = NULL;
		u32 len = 0;
		unsigned i = 0;
		int rc = 0;

		enter(DRIVER, OP_REAP);
		rc = pair_reap(&world.pair, &len, &token);
		if (rc == VQ_EMPTY)
			return;
		if (rc < 0)
			fail("the driver is given a buffer that is not outstanding");
		i = (unsigned)((struct request *)token - world.requests);
		if (i >= world.added || world.seen[i])
			fail("request %u comes back, which is not outstanding", i);
		if (len != world.requests[i].len)
			fail("request %u has a used length of %u, the device said %u", i, len,
			     world.requests[i].len);
		if (config.shape.in_order && i != world.reaped)
			fail("request %u comes back before %u", i, world.reaped);
		if (i != world.reaped)
			coverage.out_of_order++;
		world.seen[i] = true;
		world.reaped++;
	}
}

static void driver(void)
{
	enter(DRIVER, OP_DISABLE);
	pair_disable_calls(&world.pair);
	for (;;) {
		reap();
		submit();
		if (world.reaped == config.total)
			break;
		/* Something can be added still: sleeping is for when nothing can. */
		if (fits())
			continue;
		enter(DRIVER, OP_ENABLE);
		if (pair_enable_calls(&world.pair))
			continue;
		wait_for(DRIVER);
		if (choose(2)) {
			enter(DRIVER, OP_DISABLE);
			pair_disable_calls(&world.pair);
		}
	}
	end();
}

/* The device. */

/* The chain is the request that was made available next. */
static void take(const struct pair_chain *c)
{
	const struct request *r = &world.requests[world.fetched];

	if (world.fetched >= world.added)
		fail("the device finds more than was made available");
	if (c->out != config.pieces - 1u || c->in != 1)
		fail("request %u of %u+1 pieces is found as %u+%u", world.fetched,
		     config.pieces - 1u, c->out, c->in);
	for (unsigned i = 0; i < config.pieces; i++)
		if (c->sg[i].addr.v != r->sg[i].addr.v || c->sg[i].len != r->sg[i].len)
			fail("piece %u of request %u is found at %#llx with %u bytes", i,
			     world.fetched, (unsigned long long)c->sg[i].addr.v, c->sg[i].len);
	world.chains[world.held] = *c;
	world.serials[world.held++] = world.fetched++;
}

static void forget_held(u8 i)
{
	for (u8 k = i; k + 1 < world.held; k++) {
		world.chains[k] = world.chains[k + 1];
		world.serials[k] = world.serials[k + 1];
	}
	world.held--;
	world.chains[world.held] = (struct pair_chain){ 0 };
	world.serials[world.held] = 0;
}

static void push_one(void)
{
	/* The oldest or the newest of those held. */
	const u8 i = config.shape.in_order || !choose(MIN(world.held, 2)) ? 0 : world.held - 1;
	struct request *r = &world.requests[world.serials[i]];
	const struct pair_chain c = world.chains[i];

	r->len = 1u + world.serials[i];
	enter(DEVICE, OP_PUSH);
	pair_stage(&world.pair, &c, r->len);
	forget_held(i);
}

/* Those held by one entry: the lengths of all but the last are not told. */
static void push_batch(void)
{
	struct pair_chain c[MAX_SIZE] = { { 0 } };
	const u8 n = world.held;

	for (u8 i = 0; i < n; i++) {
		c[i] = world.chains[0];
		world.requests[world.serials[0]].len =
			i + 1 < n ? c[i].sg[c[i].out].len : 1u + world.serials[0];
		forget_held(0);
	}
	coverage.batches++;
	enter(DEVICE, OP_PUSH);
	pair_stage_batch(&world.pair, c, n, 1u + world.fetched - 1u);
}

static void notify(void)
{
	enter(DEVICE, OP_NOTIFY_DUE);
	if (pair_notify_due(&world.pair))
		raise_for(DRIVER);
	else
		coverage.silent[DRIVER]++;
}

/* One or two, shown one by one or together. */
static void give_back(void)
{
	if (config.shape.in_order && world.held > 1 && choose(2)) {
		push_batch();
		return;
	}
	push_one();
	if (!world.held || !choose(2))
		return;
	if (choose(2)) {
		enter(DEVICE, OP_PUSH);
		pair_flush(&world.pair);
	}
	push_one();
}

/* Until nothing is available and nothing held. */
static void serve(void)
{
	for (;;) {
		struct pair_chain c = { 0 };
		int rc = 0;

		/* Those held come back now, or after one more. */
		if (!world.held || (world.held < 2 && choose(2))) {
			enter(DEVICE, OP_FETCH);
			rc = pair_fetch(&world.pair, &c);
			if (rc < 0)
				fail("the device finds a broken ring or chain");
			if (rc)
				take(&c);
		}
		if (rc)
			continue;
		if (!world.held)
			break;
		give_back();
		enter(DEVICE, OP_PUSH);
		pair_flush(&world.pair);
		notify();
	}
}

static void device(void)
{
	for (;;) {
		enter(DEVICE, OP_DISABLE);
		pair_kick_disable(&world.pair);
		serve();
		enter(DEVICE, OP_ENABLE);
		if (pair_kick_enable(&world.pair))
			continue;
		wait_for(DEVICE);
	}
}

void (*const programs[SIDES])(void) = { driver, device };

void judge_end(void)
{
	const struct step *next = world.next;
	const u16 free = vq_room(&world.pair.vq);

	if (next[DRIVER].what == STEP_WAIT && next[DEVICE].what == STEP_WAIT &&
	    world.fetched < world.added)
		snprintf(failure, sizeof(failure),
			 "both sleep, and request %u is available: no notification", world.fetched);
	else if (next[DRIVER].what == STEP_WAIT)
		snprintf(failure, sizeof(failure),
			 "the driver sleeps, %u of %u requests have been returned and %u reaped",
			 (unsigned)(world.fetched - world.held), world.added, world.reaped);
	else if (world.reaped != config.total || free != config.shape.size)
		snprintf(failure, sizeof(failure), "in the end %u of %u are back, %u of %u free",
			 world.reaped, config.total, free, config.shape.size);
	else
		coverage.ends++;
}
