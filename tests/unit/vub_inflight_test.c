// SPDX-License-Identifier: BSD-3-Clause
/* In-flight tracking: a process may die between any two stores, and nothing in the region is
 * trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "ref-backends/binding/vhost_user/inflight.h"

#define NUM 8

static struct vub_inflight f;
static struct vub_inflight_queue q;
static struct vu_inflight_split *shared;
static u16 heads[NUM];

static int setup(void **state)
{
	struct vu_inflight desc = { .num_queues = 2,
				    .queue_size = NUM,
				    .mmap_size = vub_inflight_bytes(false, 2, NUM) };
	int fd = memfd_create("inflight", 0);

	if (fd < 0 || ftruncate(fd, (off_t)desc.mmap_size))
		return -1;
	assert_null(vub_inflight_set(&f, false, fd, &desc));
	close(fd);
	shared = (struct vu_inflight_split *)(f.map.at + vub_inflight_stride(false, NUM));
	return 0;
}

static int teardown(void **state)
{
	vub_inflight_clear(&f);
	return 0;
}

static u32 open_at(u16 used_idx)
{
	memset(heads, 0xff, sizeof(heads));
	return vub_inflight_open(&f, &q, 1, NUM, used_idx, heads);
}

static void a_fresh_region_is_formatted(void **state)
{
	assert_int_equal(open_at(77), 0);
	assert_int_equal(shared->version, 1);
	assert_int_equal(shared->features, 0);
	assert_int_equal(shared->desc_num, NUM);
	assert_int_equal(shared->used_idx, 77);
	/* The other queue's region is not touched. */
	for (u64 i = 0; i < vub_inflight_stride(false, NUM); i++)
		assert_int_equal(f.map.at[i], 0);
}

static void sizes(void **state)
{
	assert_int_equal(vub_inflight_stride(false, 1), 64);
	assert_int_equal(vub_inflight_stride(false, 3), 64);
	assert_int_equal(vub_inflight_stride(false, 4), 128);
	assert_int_equal(vub_inflight_stride(false, 128), 16 + 128 * 16 + 48);
	assert_int_equal(vub_inflight_bytes(false, 65535, 32768),
			 65535ull * (16 + 32768 * 16 + 48));
}

static void what_was_taken_comes_back_in_order(void **state)
{
	static const u16 taken[] = { 5, 0, 7, 2 };

	open_at(0);
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		vub_inflight_get(&q, taken[i]);
	vub_inflight_put(&q, 0);
	vub_inflight_done(&q, 0, 1);
	assert_int_equal(open_at(1), 3);
	assert_int_equal(heads[0], 5);
	assert_int_equal(heads[1], 7);
	assert_int_equal(heads[2], 2);
	/* New requests come behind them. */
	vub_inflight_get(&q, 0);
	assert_int_equal(open_at(1), 4);
	assert_int_equal(heads[3], 0);
}

static void nothing_outstanding_leaves_nothing(void **state)
{
	open_at(65534);
	for (u16 i = 0; i < 100; i++) {
		vub_inflight_get(&q, i % NUM);
		vub_inflight_put(&q, i % NUM);
		vub_inflight_done(&q, i % NUM, (u16)(65535 + i));
	}
	for (u16 i = 0; i < NUM; i++)
		assert_int_equal(shared->desc[i].inflight, 0);
	assert_int_equal(open_at((u16)(65534 + 100)), 0);
}

/*
 * Two requests; the second's completion is interrupted after each of its steps. Only once the used
 * index covers it must it not be served again.
 */
static void death_at_every_step(void **state)
{
	enum {
		TAKEN,
		NEXT_SET,
		HEAD_SET,
		PUBLISHED,
		CLEARED,
		INDEX_STORED,
		STEPS
	};

	for (int step = TAKEN; step < STEPS; step++) {
		u16 used = 1;

		memset(shared, 0, vub_inflight_stride(false, NUM));
		open_at(0);
		vub_inflight_get(&q, 3);
		vub_inflight_get(&q, 6);
		vub_inflight_put(&q, 3);
		vub_inflight_done(&q, 3, 1);
		if (step >= NEXT_SET)
			shared->desc[6].next = shared->last_batch_head;
		if (step >= HEAD_SET)
			shared->last_batch_head = 6;
		if (step >= PUBLISHED)
			used = 2;
		if (step >= CLEARED)
			shared->desc[6].inflight = 0;
		if (step >= INDEX_STORED)
			shared->used_idx = 2;
		assert_int_equal(open_at(used), step < PUBLISHED ? 1 : 0);
		if (step < PUBLISHED)
			assert_int_equal(heads[0], 6);
		assert_int_equal(shared->used_idx, used);
		assert_int_equal(open_at(used), step < PUBLISHED ? 1 : 0);
	}
}

static void an_interrupted_batch_of_several(void **state)
{
	/* As a back-end leaves it that publishes several at once, across the wrap. */
	open_at(0xffff);
	for (u16 i = 0; i < 4; i++)
		vub_inflight_get(&q, i);
	shared->desc[1].next = 7; /* end of an older batch */
	shared->desc[3].next = 1;
	shared->last_batch_head = 3;
	assert_int_equal(open_at(1), 2);
	assert_int_equal(heads[0], 0);
	assert_int_equal(heads[1], 2);
	assert_int_equal(shared->used_idx, 1);
	assert_int_equal(shared->desc[1].inflight, 0);
	assert_int_equal(shared->desc[3].inflight, 0);
}

static void order_is_by_counter(void **state)
{
	open_at(0);
	for (u16 i = 0; i < 3; i++)
		shared->desc[i].inflight = 1;
	shared->desc[0].counter = 9;
	shared->desc[1].counter = 7;
	shared->desc[2].counter = ~0ull - 1;
	assert_int_equal(open_at(0), 3);
	assert_int_equal(heads[0], 1);
	assert_int_equal(heads[1], 0);
	assert_int_equal(heads[2], 2);
}

static void rubbish_is_harmless(void **state)
{
	u8 *raw = (u8 *)shared;

	/* Any contents: no index from it leaves the region (under ASan this is the test). */
	srand(1);
	for (int round = 0; round < 2000; round++) {
		for (u64 i = 0; i < vub_inflight_stride(false, NUM); i++)
			raw[i] = (u8)rand();
		if (round % 2) {
			shared->version = 1;
			shared->desc_num = NUM;
		}
		assert_true(open_at((u16)rand()) <= NUM);
		for (u16 i = 0; i < NUM; i++) {
			vub_inflight_put(&q, i);
			vub_inflight_done(&q, i, 0);
		}
	}
	/* A chain of heads that bites its tail, and one that leaves the table. */
	shared->version = 1;
	shared->desc_num = NUM;
	shared->used_idx = 0;
	shared->last_batch_head = 2;
	shared->desc[2].next = 2;
	open_at(0x8000);
	shared->last_batch_head = 0xffff;
	open_at(3);
	/* Heads of a ring that is smaller now are dropped. */
	memset(shared->desc, 0, sizeof(shared->desc[0]) * NUM);
	shared->desc[6].inflight = 1;
	shared->desc[1].inflight = 1;
	assert_int_equal(vub_inflight_open(&f, &q, 1, 4, 3, heads), 1);
	assert_int_equal(heads[0], 1);
}

static void dimensions_are_checked(void **state)
{
	static const struct vu_inflight bad[] = {
		{ .num_queues = 0, .queue_size = 8, .mmap_size = 4096 },
		{ .num_queues = 1, .queue_size = 0, .mmap_size = 4096 },
		{ .num_queues = 1, .queue_size = 128, .mmap_size = 2048 },
		{ .num_queues = 65535, .queue_size = 65535, .mmap_size = 4096 },
		{ .num_queues = 1, .queue_size = 8, .mmap_size = 8192 }, /* beyond the file */
		{ .num_queues = 1, .queue_size = 8, .mmap_size = 4096, .mmap_offset = 4096 },
		{ .num_queues = 1, .queue_size = 8, .mmap_size = 256, .mmap_offset = 3 },
		{ .num_queues = 1, .queue_size = 8, .mmap_size = 256, .mmap_offset = ~0ull },
		{ .num_queues = 1, .queue_size = 8, .mmap_size = ~0ull },
	};
	struct vu_inflight ok = {
		.num_queues = 1, .queue_size = 8, .mmap_size = 256, .mmap_offset = 64
	};
	int fd = memfd_create("inflight", 0);

	assert_int_equal(ftruncate(fd, 4096), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(vub_inflight_set(&f, false, fd, &bad[i]));
	assert_non_null(vub_inflight_set(&f, false, -1, &ok));
	/* The one that was there is still in use. */
	assert_int_equal(open_at(0), 0);
	assert_int_equal(shared->version, 1);
	assert_null(vub_inflight_set(&f, false, fd, &ok));
	close(fd);
	/* A queue it has no region for is not tracked. */
	assert_int_equal(open_at(0), 0);
	assert_null(q.shared);
	vub_inflight_get(&q, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test_setup_teardown(a_fresh_region_is_formatted, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_taken_comes_back_in_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(nothing_outstanding_leaves_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(death_at_every_step, setup, teardown),
		cmocka_unit_test_setup_teardown(an_interrupted_batch_of_several, setup, teardown),
		cmocka_unit_test_setup_teardown(order_is_by_counter, setup, teardown),
		cmocka_unit_test_setup_teardown(rubbish_is_harmless, setup, teardown),
		cmocka_unit_test_setup_teardown(dimensions_are_checked, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
