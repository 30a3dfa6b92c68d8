// SPDX-License-Identifier: BSD-3-Clause
/* Pairing events into stages: in order, out of order, with gaps, in batches, over many requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "traces/match.h"

static struct matcher *m;
static u64 now;

static int start(void **state)
{
	m = match_new();
	now = 1000;
	return m ? 0 : -1;
}

static int finish(void **state)
{
	match_free(m);
	return 0;
}

static void add(enum match_kind kind, u16 queue, u64 seq, u32 len)
{
	const struct match_event e = {
		.ns = now,
		.seq = seq,
		.len = len,
		.queue = queue,
		.head = 1,
		.kind = (u8)kind,
	};

	assert_int_equal(match_add(m, &e), 0);
}

/* One request whose stages take 10, 20, 30 ns, without its call. */
static void add_request(u16 queue, u64 seq)
{
	add(MATCH_FETCH, queue, seq, 16);
	now += 10;
	add(MATCH_SERVE_BEGIN, queue, seq, 16);
	now += 20;
	add(MATCH_SERVE_END, queue, seq, 1);
	now += 30;
	add(MATCH_PUBLISH, queue, seq, 1);
}

static void one_request_gives_each_stage(void **state)
{
	static const char *const names[] = { "fetch", "serve", "publish", "call" };
	struct stage_table t = { .discarded = 5, .processes = 6 };

	add_request(0, 0);
	now += 40;
	add(MATCH_CALL, 0, 0, 1);
	match_table(m, &t);
	for (int i = 0; i < STAGE_COUNT; i++) {
		assert_string_equal(t.row[i].name, names[i]);
		assert_int_equal(t.row[i].count, 1);
		assert_int_equal(t.row[i].p50_ns, 10 * (i + 1));
		assert_int_equal(t.row[i].p99_ns, 10 * (i + 1));
		assert_int_equal(t.row[i].max_ns, 10 * (i + 1));
		assert_int_equal(t.row[i].mean_ns, 10 * (i + 1));
	}
	assert_int_equal(t.events, 5);
	assert_int_equal(t.requests, 1);
	assert_int_equal(t.unmatched, 0);
	/* Not the matcher's to know. */
	assert_int_equal(t.discarded, 5);
	assert_int_equal(t.processes, 6);
}

static void queues_and_processes_are_apart(void **state)
{
	struct match_event e = { .ns = 1, .kind = MATCH_FETCH };
	struct stage_table t = { 0 };

	/* The same sequence number in three places, interleaved. */
	for (int kind = MATCH_FETCH; kind <= MATCH_PUBLISH; kind++) {
		for (u16 where = 0; where < 3; where++) {
			e.kind = (u8)kind;
			e.queue = where == 1;
			e.process = where == 2;
			e.ns += 100;
			assert_int_equal(match_add(m, &e), 0);
		}
	}
	match_table(m, &t);
	assert_int_equal(t.requests, 3);
	assert_int_equal(t.unmatched, 0);
	for (int i = STAGE_FETCH; i <= STAGE_PUBLISH; i++) {
		assert_int_equal(t.row[i].count, 3);
		assert_int_equal(t.row[i].max_ns, 300);
	}
}

static void completion_may_be_out_of_order(void **state)
{
	struct stage_table t = { 0 };

	for (u64 seq = 0; seq < 256; seq++)
		add(MATCH_FETCH, 0, seq, 0);
	for (u64 seq = 256; seq-- > 0;) {
		add(MATCH_SERVE_BEGIN, 0, seq, 0);
		now += 7;
		add(MATCH_SERVE_END, 0, seq, 0);
		add(MATCH_PUBLISH, 0, seq, 0);
	}
	match_table(m, &t);
	assert_int_equal(t.requests, 256);
	assert_int_equal(t.unmatched, 0);
	assert_int_equal(t.row[STAGE_SERVE].p50_ns, 7);
	assert_int_equal(t.row[STAGE_FETCH].max_ns, 7 * 255);
	assert_int_equal(t.row[STAGE_CALL].count, 0);
}

static void call_covers_its_batch_only(void **state)
{
	struct stage_table t = { 0 };

	/* Four that were published without a notification, then a batch of two with one. */
	for (u64 seq = 0; seq < 6; seq++) {
		add_request(0, seq);
		now += 1000;
	}
	add(MATCH_CALL, 0, 5, 2);
	match_table(m, &t);
	assert_int_equal(t.row[STAGE_CALL].count, 2);
	assert_in_range(t.row[STAGE_CALL].max_ns, 2060, 2060);
	assert_int_equal(t.unmatched, 0);

	/* A call that does not say how many covers all since the last. */
	add_request(0, 6);
	add_request(0, 7);
	add_request(0, 8);
	add(MATCH_CALL, 0, 8, 0);
	match_table(m, &t);
	assert_int_equal(t.row[STAGE_CALL].count, 5);

	/* One that claims more than there are is counted with those there are, and reported. */
	add_request(0, 9);
	add(MATCH_CALL, 0, 9, 3);
	match_table(m, &t);
	assert_int_equal(t.row[STAGE_CALL].count, 6);
	assert_int_equal(t.unmatched, 1);

	/* A notification for nothing. */
	add(MATCH_CALL, 0, 9, 0);
	match_table(m, &t);
	assert_int_equal(t.row[STAGE_CALL].count, 6);
	assert_int_equal(t.unmatched, 1);
}

static void gap_costs_only_its_stages(void **state)
{
	struct stage_table t = { 0 };

	/* serve_begin lost: fetch and serve cannot be told, publish can. */
	add(MATCH_FETCH, 0, 0, 0);
	add(MATCH_SERVE_END, 0, 0, 0);
	now += 5;
	add(MATCH_PUBLISH, 0, 0, 0);
	match_table(m, &t);
	assert_int_equal(t.row[STAGE_FETCH].count, 0);
	assert_int_equal(t.row[STAGE_SERVE].count, 0);
	assert_int_equal(t.row[STAGE_PUBLISH].count, 1);
	assert_int_equal(t.requests, 0);
	assert_int_equal(t.unmatched, 1);
}

static void recording_may_start_and_end_in_flight(void **state)
{
	struct stage_table t = { 0 };

	/* In flight when the recording started: its fetch is not there. */
	add(MATCH_SERVE_END, 0, 99, 0);
	add(MATCH_PUBLISH, 0, 99, 0);
	add_request(0, 100);
	/* In flight when it ended. */
	add(MATCH_FETCH, 0, 101, 0);
	match_table(m, &t);
	assert_int_equal(t.requests, 1);
	assert_int_equal(t.unmatched, 1);
	assert_int_equal(t.row[STAGE_PUBLISH].count, 2);
}

static void repeated_event_is_not_a_request(void **state)
{
	struct stage_table t = { 0 };

	add_request(0, 0);
	add(MATCH_PUBLISH, 0, 0, 0);
	add(MATCH_FETCH, 0, 0, 0);
	match_table(m, &t);
	assert_int_equal(t.requests, 1);
	assert_int_equal(t.row[STAGE_PUBLISH].count, 1);
	assert_int_equal(t.unmatched, 2);
}

static void forgotten_request_makes_room(void **state)
{
	struct stage_table t = { 0 };

	/* Fetched and never finished, while a whole window and more goes by. */
	add(MATCH_FETCH, 0, 3, 0);
	for (u64 seq = 4; seq < 4 + 3 * MATCH_WINDOW; seq++)
		add_request(0, seq);
	/* Late, after its place was taken: not mistaken for the one that took it. */
	add(MATCH_SERVE_BEGIN, 0, 3, 0);
	match_table(m, &t);
	assert_int_equal(t.requests, 3 * MATCH_WINDOW);
	assert_int_equal(t.row[STAGE_SERVE].count, 3 * MATCH_WINDOW);
	assert_int_equal(t.unmatched, 2);
	/* No notification in all that: a call without a number covers at most a window. */
	add(MATCH_CALL, 0, 0, 0);
	match_table(m, &t);
	assert_int_equal(t.row[STAGE_CALL].count, MATCH_WINDOW);
}

static void too_many_queues_are_counted(void **state)
{
	struct stage_table t = { 0 };

	for (u16 q = 0; q < MATCH_LANES + 4; q++)
		add(MATCH_FETCH, q, 0, 0);
	match_table(m, &t);
	assert_int_equal(t.events, MATCH_LANES + 4);
	assert_int_equal(t.unmatched, 4);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_request_gives_each_stage),    TEST(queues_and_processes_are_apart),
		TEST(completion_may_be_out_of_order),  TEST(call_covers_its_batch_only),
		TEST(gap_costs_only_its_stages),       TEST(recording_may_start_and_end_in_flight),
		TEST(repeated_event_is_not_a_request), TEST(forgotten_request_makes_room),
		TEST(too_many_queues_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
