// SPDX-License-Identifier: BSD-3-Clause
/* From a head to segments: every shape of chain that is legal, and every one that is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ref-backends/virtqueue/split.h"

#define NEXT	 VRING_DESC_F_NEXT
#define WRITE	 VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT

/* Two regions that follow each other in guest memory, but not here. */
#define GPA	  0x10000u
#define HALF	  0x1000u
#define NUM	  8
#define TABLE_GPA (GPA + 0x800u)

static u8 low[HALF], high[HALF];

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	u64 off = gpa - GPA;

	if (gpa < GPA || off >= 2 * HALF)
		return NULL;
	*len = MIN(*len, HALF - off % HALF);
	return off < HALF ? low + off : high + (off - HALF);
}

static const struct dvq_ops ops = { .translate = translate };
static struct vring_desc table[NUM];
static struct dvq_seg segs[16];

static struct dvq_split vq = { .desc = table, .ops = &ops, .num = NUM, .indirect = true };

static void put(void *at, u64 addr, u32 len, u16 flags, u16 next)
{
	struct vring_desc d = { .addr = addr, .len = len, .flags = flags, .next = next };

	memcpy(at, &d, sizeof(d));
}

/* Entry i of an indirect table at guest address `at`. */
static void put_indirect(u64 at, u32 i, u64 addr, u32 len, u16 flags, u16 next)
{
	struct vring_desc d = { .addr = addr, .len = len, .flags = flags, .next = next };
	const u8 *from = (const u8 *)&d;

	for (u32 b = 0; b < sizeof(d); b++) {
		u64 one = 1;

		*(u8 *)translate(NULL, at + i * sizeof(d) + b, &one) = from[b];
	}
}

static enum dvq_error walk(u16 head, struct dvq_chain *c)
{
	memset(c, 0, sizeof(*c));
	c->segs = segs;
	c->cap = ARRAY_SIZE(segs);
	return dvq_walk(&vq, head, c);
}

static int setup(void **state)
{
	memset(table, 0, sizeof(table));
	memset(low, 0, sizeof(low));
	memset(high, 0, sizeof(high));
	vq.indirect = true;
	return 0;
}

static void direct_chain(void **state)
{
	struct dvq_chain c;

	put(&table[7], GPA, 16, NEXT, 0);
	put(&table[0], GPA + 0x100, 32, NEXT, 3);
	put(&table[3], GPA + 0x200, 5, NEXT | WRITE, 1);
	put(&table[1], GPA + 0x300, 1, WRITE, 0xffff);
	assert_int_equal(walk(7, &c), DVQ_OK);
	assert_int_equal(c.head, 7);
	assert_int_equal(c.n_readable, 2);
	assert_int_equal(c.n_writable, 2);
	assert_int_equal(c.readable, 48);
	assert_int_equal(c.writable, 6);
	assert_ptr_equal(segs[0].base, low);
	assert_ptr_equal(segs[3].base, low + 0x300);
}

static void a_buffer_across_two_regions_becomes_two_segments(void **state)
{
	struct dvq_chain c;

	put(&table[0], GPA + HALF - 10, 30, WRITE, 0);
	assert_int_equal(walk(0, &c), DVQ_OK);
	assert_int_equal(c.n_writable, 2);
	assert_int_equal(c.writable, 30);
	assert_ptr_equal(segs[0].base, low + HALF - 10);
	assert_int_equal(segs[0].len, 10);
	assert_ptr_equal(segs[1].base, high);
	assert_int_equal(segs[1].len, 20);
}

static void empty_descriptors_move_nothing(void **state)
{
	struct dvq_chain c;

	put(&table[0], 1, 0, NEXT, 1); /* its address is nowhere */
	put(&table[1], GPA, 16, NEXT, 2);
	put(&table[2], GPA, 0, NEXT | WRITE, 3);
	put(&table[3], GPA, 1, WRITE, 0);
	assert_int_equal(walk(0, &c), DVQ_OK);
	assert_int_equal(c.descs, 4);
	assert_int_equal(c.n_readable, 1);
	assert_int_equal(c.n_writable, 1);
	/* But the order counts. */
	put(&table[3], GPA, 1, 0, 0);
	assert_int_equal(walk(0, &c), DVQ_E_ORDER);
}

static void indirect_tables(void **state)
{
	/* One inside a region, one across two, both at odd addresses. */
	static const u64 at[] = { GPA + 0x801, GPA + HALF - 24 };

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		struct dvq_chain c;

		put_indirect(at[i], 0, GPA, 16, NEXT, 2);
		put_indirect(at[i], 2, GPA + 0x100, 512, NEXT | WRITE, 1);
		put_indirect(at[i], 1, GPA + 0x400, 1, WRITE, 0);
		/* WRITE on the outer descriptor means nothing. */
		for (u16 flags = 0; flags <= WRITE; flags += WRITE) {
			put(&table[4], at[i], 48, INDIRECT | flags, 0);
			assert_int_equal(walk(4, &c), DVQ_OK);
			assert_int_equal(c.readable, 16);
			assert_int_equal(c.writable, 513);
			assert_int_equal(c.descs, 3);
		}
		/* A direct chain may end in one. */
		put(&table[5], GPA + 0x600, 8, NEXT, 4);
		assert_int_equal(walk(5, &c), DVQ_OK);
		assert_int_equal(c.readable, 24);
	}
}

static void a_long_indirect_table_is_taken(void **state)
{
	struct dvq_seg *many = calloc(DVQ_MIN_LIMIT, sizeof(*many));
	struct dvq_chain c = { .segs = many, .cap = DVQ_MIN_LIMIT };

	assert_non_null(many);
	/* 64 entries fit into the test's memory: eight times the queue. */
	for (u16 i = 0; i < 64; i++)
		put_indirect(TABLE_GPA, i, GPA + i, 1, i < 63 ? NEXT : 0, (u16)(i + 1));
	put(&table[0], TABLE_GPA, 64 * 16, INDIRECT, 0);
	assert_int_equal(dvq_walk(&vq, 0, &c), DVQ_OK);
	assert_int_equal(c.n_readable, 64);
	/* The caller is told when its array is too small. */
	c.cap = 63;
	assert_int_equal(dvq_walk(&vq, 0, &c), DVQ_E_SEGS);
	free(many);
}

/* What one malformed chain looks like: up to two direct descriptors, up to two indirect ones. */
struct bad {
	const char *what;
	enum dvq_error error;
	struct vring_desc direct[2], indirect[2];
};

static const struct bad bad[] = {
	{ "next outside the table", DVQ_E_NEXT, { { GPA, 1, NEXT, NUM } }, { { 0 } } },
	{ "next far outside", DVQ_E_NEXT, { { GPA, 1, NEXT, 0xffff } }, { { 0 } } },
	{ "a loop of one", DVQ_E_LONG, { { GPA, 1, NEXT, 0 } }, { { 0 } } },
	{ "a loop of two", DVQ_E_LONG, { { GPA, 1, NEXT, 1 }, { GPA, 1, NEXT, 0 } }, { { 0 } } },
	{ "a loop of empty descriptors", DVQ_E_LONG, { { GPA, 0, NEXT, 0 } }, { { 0 } } },
	{ "below memory", DVQ_E_MEMORY, { { GPA - 1, 2, 0, 0 } }, { { 0 } } },
	{ "behind memory", DVQ_E_MEMORY, { { GPA + 2 * HALF, 1, 0, 0 } }, { { 0 } } },
	{ "its end behind memory", DVQ_E_MEMORY, { { GPA + 2 * HALF - 1, 2, 0, 0 } }, { { 0 } } },
	{ "address wraps", DVQ_E_MEMORY, { { ~0ull, 2, 0, 0 } }, { { 0 } } },
	{ "readable after writable",
	  DVQ_E_ORDER,
	  { { GPA, 1, NEXT | WRITE, 1 }, { GPA, 1, 0, 0 } },
	  { { 0 } } },
	{ "empty table", DVQ_E_INDIRECT_SIZE, { { TABLE_GPA, 0, INDIRECT, 0 } }, { { 0 } } },
	{ "half an entry", DVQ_E_INDIRECT_SIZE, { { TABLE_GPA, 24, INDIRECT, 0 } }, { { 0 } } },
	{ "table outside memory", DVQ_E_MEMORY, { { 0, 16, INDIRECT, 0 } }, { { 0 } } },
	{ "INDIRECT and NEXT",
	  DVQ_E_INDIRECT_NEXT,
	  { { TABLE_GPA, 16, INDIRECT | NEXT, 1 }, { GPA, 1, WRITE, 0 } },
	  { { GPA, 1, 0, 0 } } },
	{ "nested",
	  DVQ_E_NESTED,
	  { { TABLE_GPA, 16, INDIRECT, 0 } },
	  { { TABLE_GPA, 16, INDIRECT, 0 } } },
	{ "a loop inside",
	  DVQ_E_LONG,
	  { { TABLE_GPA, 16, INDIRECT, 0 } },
	  { { GPA, 1, NEXT, 0 } } },
	{ "next outside the indirect table",
	  DVQ_E_NEXT,
	  { { TABLE_GPA, 32, INDIRECT, 0 } },
	  { { GPA, 1, NEXT, 2 } } },
	{ "more than 2^32 bytes",
	  DVQ_E_BYTES,
	  { { GPA, 2, NEXT, 1 }, { GPA, 0xffffffff, WRITE, 0 } },
	  { { 0 } } },
};

static void malformed_chains(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct bad *b = &bad[i];
		struct dvq_chain c;

		setup(NULL);
		memcpy(table, b->direct, sizeof(b->direct));
		for (u32 n = 0; n < 2; n++)
			put_indirect(TABLE_GPA, n, b->indirect[n].addr, b->indirect[n].len,
				     b->indirect[n].flags, b->indirect[n].next);
		if (walk(0, &c) != b->error)
			fail_msg("%s: %s", b->what, dvq_error_name(walk(0, &c)));
		assert_string_not_equal(dvq_error_name(b->error), "unknown error");
	}
}

static void indirect_needs_its_feature(void **state)
{
	struct dvq_chain c;

	put_indirect(TABLE_GPA, 0, GPA, 1, WRITE, 0);
	put(&table[0], TABLE_GPA, 16, INDIRECT, 0);
	assert_int_equal(walk(0, &c), DVQ_OK);
	vq.indirect = false;
	assert_int_equal(walk(0, &c), DVQ_E_INDIRECT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(direct_chain, setup),
		cmocka_unit_test_setup(a_buffer_across_two_regions_becomes_two_segments, setup),
		cmocka_unit_test_setup(empty_descriptors_move_nothing, setup),
		cmocka_unit_test_setup(indirect_tables, setup),
		cmocka_unit_test_setup(a_long_indirect_table_is_taken, setup),
		cmocka_unit_test_setup(malformed_chains, setup),
		cmocka_unit_test_setup(indirect_needs_its_feature, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
