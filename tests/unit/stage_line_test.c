// SPDX-License-Identifier: BSD-3-Clause
/* Events into timelines and stages: whole, out of order, with gaps, in batches, from several sources, hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/stage_lines.h"

static void add(unsigned kind, u16 queue, u64 seq, u32 len)
{
	add_at(now, kind, queue, (u16)(seq % 100), seq, len, 0);
}

/* What a back-end tells of a request: 10, 20, 30 ns. */
static void add_back_end(u16 queue, u64 seq)
{
	add(TRACE_FETCH, queue, seq, 16);
	now += 10;
	add(TRACE_SERVE_BEGIN, queue, seq, 16);
	now += 20;
	add(TRACE_SERVE_END, queue, seq, 1);
	now += 30;
	add(TRACE_PUBLISH, queue, seq, 1);
}

static void back_end_alone(void **state)
{
	static const char *const names[] = { "fetch", "serve", "publish", "call" };

	add_back_end(0, 0);
	now += 40;
	add(TRACE_CALL, 0, 0, 1);
	end();
	assert_int_equal(t.rows, 4);
	for (unsigned i = 0; i < t.rows; i++) {
		assert_string_equal(t.row[i].name, names[i]);
		assert_int_equal(t.row[i].count, 1);
		assert_int_equal(t.row[i].p50_ns, 10 * (i + 1));
		assert_int_equal(t.row[i].p99_ns, 10 * (i + 1));
		assert_int_equal(t.row[i].max_ns, 10 * (i + 1));
		assert_int_equal(t.row[i].mean_ns, 10 * (i + 1));
	}
	assert_int_equal(t.whole.sum_ns, 100);
	assert_int_equal(t.whole.from, TRACE_FETCH);
	assert_int_equal(t.whole.to, TRACE_CALL);
	assert_int_equal(t.events, 5);
	assert_int_equal(t.unmatched, 0);
}

/* A driver and a back-end that was there before: its numbers are 1000 ahead. */
static void add_request(u64 seq, bool notified)
{
	const u16 head = (u16)(seq % 50);

	add_at(now, TRACE_SUBMIT, 0, head, seq, 0, 0);
	add_at(now += 100, TRACE_NOTIFY, 0, 0, seq, 1, 0);
	add_at(now + 300, TRACE_KICK, 0, 0, seq, 1, 0);
	add_at(now += 500, TRACE_FETCH, 0, head, seq + 1000, 0, 0);
	add_at(now += 10, TRACE_SERVE_BEGIN, 0, head, seq + 1000, 0, 0);
	add_at(now += 20, TRACE_SERVE_END, 0, head, seq + 1000, 0, 0);
	add_at(now += 30, TRACE_PUBLISH, 0, head, seq + 1000, 0, 0);
	if (notified) {
		add_at(now += 40, TRACE_CALL, 0, head, seq + 1000, 1, 0);
		add_at(now += 50, TRACE_HANDLE, 0, 0, 0, 0, 0);
	}
	add_at(now += 60, TRACE_REAP, 0, head, seq, 0, 0);
	now += 1000;
}

static void both_sides_add_up_to_the_whole(void **state)
{
	lines_expect_driver(s, 1);
	for (u64 seq = 0; seq < 3 * LINE_WINDOW; seq++)
		add_request(seq, true);
	end();
	assert_int_equal(t.requests, 3 * LINE_WINDOW);
	assert_int_equal(t.unmatched, 0);
	LONGEST({ "submit", 100 }, { "notify+exit", 300 }, { "wake", 200 }, { "fetch", 10 },
		{ "serve", 20 }, { "publish", 30 }, { "call", 40 }, { "inject+handle", 50 },
		{ "reap", 60 });
	assert_int_equal(t.whole.max_ns, 810);
	assert_int_equal(t.sum_excess_ns, 0);
}

static void polling_driver_merges_what_did_not_happen(void **state)
{
	lines_expect_driver(s, 1);
	add_request(0, true);
	add_request(1, false);
	end();
	assert_int_equal(t.requests, 2);
	assert_int_equal(row("reap")->count, 1);
	assert_int_equal(row("call+inject+handle+reap")->count, 1);
	assert_int_equal(row("call+inject+handle+reap")->max_ns, 60);
}

static void notification_that_comes_too_late_is_none(void **state)
{
	lines_expect_driver(s, 1);
	/* Fetched by a device that was looking, before the driver decided to notify. */
	add_at(100, TRACE_SUBMIT, 0, 1, 0, 0, 0);
	add_at(110, TRACE_FETCH, 0, 1, 0, 0, 0);
	add_at(120, TRACE_NOTIFY, 0, 0, 0, 1, 0);
	add_at(130, TRACE_SERVE_BEGIN, 0, 1, 0, 0, 0);
	add_at(140, TRACE_KICK, 0, 0, 0, 1, 0);
	add_at(150, TRACE_SERVE_END, 0, 1, 0, 0, 0);
	add_at(160, TRACE_PUBLISH, 0, 1, 0, 0, 0);
	add_at(170, TRACE_REAP, 0, 1, 0, 0, 0);
	/* Fetched while the driver was still writing the notification. */
	add_at(200, TRACE_SUBMIT, 0, 1, 1, 0, 0);
	add_at(210, TRACE_NOTIFY, 0, 0, 1, 1, 0);
	add_at(220, TRACE_FETCH, 0, 1, 1, 0, 0);
	add_at(230, TRACE_SERVE_BEGIN, 0, 1, 1, 0, 0);
	add_at(240, TRACE_KICK, 0, 0, 1, 1, 0);
	add_at(250, TRACE_SERVE_END, 0, 1, 1, 0, 0);
	add_at(260, TRACE_PUBLISH, 0, 1, 1, 0, 0);
	/* Woken and done before the write of the call had returned. */
	add_at(270, TRACE_HANDLE, 0, 0, 0, 0, 0);
	add_at(280, TRACE_REAP, 0, 1, 1, 0, 0);
	add_at(290, TRACE_CALL, 0, 1, 1, 1, 0);
	end();
	assert_int_equal(t.requests, 2);
	assert_int_equal(t.skewed, 0);
	LONGEST({ "submit+notify+exit+wake", 10 }, { "submit", 10 }, { "notify+exit", 10 },
		{ "wake", 0 }, { "call", 10 }, { "inject+handle", 0 });
}

static void reaped_before_publishing_was_written_down(void **state)
{
	lines_expect_driver(s, 1);
	for (u64 seq = 0; seq < 2; seq++) {
		add_at(seq * 1000 + 100, TRACE_SUBMIT, 0, 1, seq, 0, 0);
		add_at(seq * 1000 + 110, TRACE_FETCH, 0, 1, seq, 0, 0);
		add_at(seq * 1000 + 120, TRACE_SERVE_BEGIN, 0, 1, seq, 0, 0);
		add_at(seq * 1000 + 130, TRACE_SERVE_END, 0, 1, seq, 0, 0);
		/* The second time the driver is just awake, for something else. */
		if (seq)
			add_at(seq * 1000 + 140, TRACE_HANDLE, 0, 0, 0, 0, 0);
		add_at(seq * 1000 + 150, TRACE_REAP, 0, 1, seq, 0, 0);
		add_at(seq * 1000 + 160, TRACE_PUBLISH, 0, 1, seq, 0, 0);
		add_at(seq * 1000 + 170, TRACE_CALL, 0, 1, seq, 1, 0);
	}
	end();
	assert_int_equal(t.requests, 2);
	assert_int_equal(t.skewed, 0);
	assert_int_equal(row("publish")->sum_ns, 2 * 20);
	assert_int_equal(row("call+inject+handle+reap")->sum_ns, 0);
	assert_int_equal(row("call+inject+handle+reap")->count, 2);
}

static void queues_and_sessions_are_apart(void **state)
{
	struct trace_event e = { .kind = TRACE_FETCH };
	u64 ns = 1;

	/* The same number in three places, interleaved. */
	for (unsigned kind = TRACE_FETCH; kind <= TRACE_PUBLISH; kind++) {
		for (u16 where = 0; where < 3; where++) {
			e.kind = (u8)kind;
			e.queue = where == 1;
			ns += 100;
			assert_int_equal(lines_add(s, where == 2, &e, ns), 0);
		}
	}
	end();
	assert_int_equal(t.requests, 3);
	assert_int_equal(t.unmatched, 0);
	assert_int_equal(row("serve")->count, 3);
	assert_int_equal(row("serve")->max_ns, 300);
}

static void completion_may_be_out_of_order(void **state)
{
	for (u64 seq = 0; seq < 256; seq++)
		add(TRACE_FETCH, 0, seq, 0);
	for (u64 seq = 256; seq-- > 0;) {
		add(TRACE_SERVE_BEGIN, 0, seq, 0);
		now += 7;
		add(TRACE_SERVE_END, 0, seq, 0);
		add(TRACE_PUBLISH, 0, seq, 0);
	}
	end();
	assert_int_equal(t.requests, 256);
	assert_int_equal(row("serve")->p50_ns, 7);
	assert_int_equal(row("fetch")->max_ns, 7 * 255);
	assert_int_equal(row("call")->count, 0);
}

static void call_covers_its_batch_only(void **state)
{
	/* Four that were published without a notification, then a batch of two with one. */
	for (u64 seq = 0; seq < 6; seq++)
		add_back_end(0, seq);
	add(TRACE_CALL, 0, 5, 2);
	/* A call that does not say how many covers all since the last. */
	for (u64 seq = 6; seq < 9; seq++)
		add_back_end(0, seq);
	add(TRACE_CALL, 0, 8, 0);
	/* One that claims more than there are: those there are, and it is told. */
	add_back_end(0, 9);
	add(TRACE_CALL, 0, 9, 3);
	end();
	assert_int_equal(row("call")->count, 2 + 3 + 1);
	assert_int_equal(t.requests, 10);
	assert_int_equal(t.unmatched, 1);
}

static void gap_costs_its_request(void **state)
{
	/* One event lost: what is left of the request is in no row, so that those add up. */
	add_back_end(0, 0);
	add(TRACE_FETCH, 0, 1, 0);
	add(TRACE_SERVE_END, 0, 1, 0);
	add(TRACE_PUBLISH, 0, 1, 0);
	end();
	assert_int_equal(t.requests, 1);
	assert_int_equal(t.unmatched, 3);
	assert_int_equal(row("publish")->count, 1);
}

static void recording_may_start_and_end_in_flight(void **state)
{
	add(TRACE_SERVE_END, 0, 99, 0);
	add(TRACE_PUBLISH, 0, 99, 0);
	add_back_end(0, 100);
	add(TRACE_FETCH, 0, 101, 0);
	end();
	assert_int_equal(t.requests, 1);
	assert_int_equal(t.unmatched, 3);
}

static void repeated_event_is_not_a_request(void **state)
{
	add_back_end(0, 0);
	add(TRACE_PUBLISH, 0, 0, 0);
	add(TRACE_FETCH, 0, 0, 0);
	end();
	assert_int_equal(t.requests, 1);
	assert_int_equal(row("publish")->count, 1);
	assert_int_equal(t.unmatched, 2);
}

static void forgotten_request_makes_room(void **state)
{
	/* Fetched and never finished, while a whole window and more goes by. */
	add(TRACE_FETCH, 0, 3, 0);
	for (u64 seq = 4; seq < 4 + 3 * LINE_WINDOW; seq++)
		add_back_end(0, seq);
	/* Late, after its place was taken: not mistaken for the one that took it. */
	add(TRACE_SERVE_BEGIN, 0, 3, 0);
	end();
	assert_int_equal(t.requests, 3 * LINE_WINDOW);
	assert_int_equal(t.unmatched, 2);
}

static void too_many_queues_are_counted(void **state)
{
	for (u16 q = 0; q < LINE_LANES + 4; q++)
		add(TRACE_FETCH, q, 0, 0);
	lines_table(s, &t);
	assert_int_equal(t.events, LINE_LANES + 4);
	assert_int_equal(t.unmatched, 4);
}

static void distance_is_found_again(void **state)
{
	lines_expect_driver(s, 1);
	/* The recording begins while one is in flight: its head is the next one's, too. */
	add_at(1, TRACE_SERVE_END, 0, 7, 4711, 0, 0);
	add_at(2, TRACE_PUBLISH, 0, 7, 4711, 0, 0);
	for (u64 seq = 0; seq < 100; seq++)
		add_request(seq, true);
	/* The back-end was restarted: it counts from 0 again. */
	for (u64 seq = 100; seq < 200; seq++) {
		const u16 head = (u16)(seq % 50);

		add_at(now, TRACE_SUBMIT, 0, head, seq, 0, 0);
		for (unsigned k = TRACE_FETCH; k <= TRACE_PUBLISH; k++)
			add_at(now += 10, k, 0, head, seq - 100, 0, 0);
		add_at(now += 60, TRACE_REAP, 0, head, seq, 0, 0);
	}
	end();
	assert_true(t.requests >= 190);
	assert_true(t.requests < 200);
	assert_int_equal(t.whole.max_ns, 810);
}

static void clocks_that_disagree_are_told(void **state)
{
	lines_expect_driver(s, 1);
	/* The driver's clock is 50 ahead: it is fetched before it was submitted. */
	add_at(150, TRACE_SUBMIT, 0, 1, 0, 0, 0);
	for (unsigned k = TRACE_FETCH; k <= TRACE_PUBLISH; k++)
		add_at(80 + k, k, 0, 1, 0, 0, 0);
	add_at(400, TRACE_REAP, 0, 1, 0, 0, 0);
	assert_int_equal(lines_end(s), 0);
	lines_table(s, &t);
	assert_int_equal(t.requests, 1);
	assert_int_equal(t.skewed, 1);
	assert_int_equal(t.skew_max_ns, 150 - 84);
	/* Nothing took less than no time, and the whole is what its ends say. */
	assert_int_equal(t.whole.sum_ns, 250);
	assert_false(stage_adds_up(&t));
	t.clock_error_ns = 66;
	assert_true(stage_adds_up(&t));
}

static void slowest_are_kept(void **state)
{
	const struct line *slow;

	for (u64 seq = 0; seq < 1000; seq++) {
		add_back_end(0, seq);
		/* 37 and 1000 are coprime: all delays from 0 to 999, in disorder. */
		now += seq * 37 % 1000;
		add(TRACE_CALL, 0, seq, 1);
	}
	end();
	assert_int_equal(lines_slowest(s, &slow), 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(line_ns(&slow[i]), 60 + 999 - i);
	assert_int_equal(slow[0].seq * 37 % 1000, 999);
}

static void heat_holds_every_request(void **state)
{
	u64 sum = 0;

	/* Over 2000 s: slices get wider many times. */
	for (u64 seq = 0; seq < 2000; seq++) {
		add_back_end(0, seq);
		now += 1000000000;
	}
	end();
	for (unsigned i = 0; i < STAGE_SLICES; i++)
		for (unsigned k = 0; k < STAGE_OCTAVES; k++)
			sum += t.heat.count[i][k];
	assert_int_equal(sum, 2000);
	assert_true(t.heat.slice_ns * STAGE_SLICES >= 1999ull * 1000000000);
	assert_true(t.heat.slice_ns * STAGE_SLICES < 4 * 2000ull * 1000000000);
}

/* Anything at all: it ends, in bounds, and what is whole adds up. */
static void hostile_events_break_nothing(void **state)
{
	u64 x = 88172645463325252ull;

	lines_expect_driver(s, 1);
	for (unsigned i = 0; i < 300000; i++) {
		struct trace_event e;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		e = (struct trace_event){
			.seq = x & 1 ? x >> 40 & 63 : x,
			.len = x & 2 ? (u32)(x >> 20) : x >> 20 & 7,
			.queue = x >> 30 & 3,
			.head = x >> 32 & 63,
			.kind = (u8)((x >> 50) % 20),
			.flags = x >> 60 & 1,
		};
		assert_int_equal(lines_add(s, x >> 61 & 1, &e, x >> 62 ? now++ : x), 0);
	}
	assert_int_equal(lines_end(s), 0);
	lines_table(s, &t);
	t.clock_error_ns = t.skew_max_ns;
	assert_int_equal(t.requests, wholes);
	assert_true(t.unmatched <= t.events * 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(back_end_alone),
		TEST(both_sides_add_up_to_the_whole),
		TEST(polling_driver_merges_what_did_not_happen),
		TEST(notification_that_comes_too_late_is_none),
		TEST(reaped_before_publishing_was_written_down),
		TEST(queues_and_sessions_are_apart),
		TEST(completion_may_be_out_of_order),
		TEST(call_covers_its_batch_only),
		TEST(gap_costs_its_request),
		TEST(recording_may_start_and_end_in_flight),
		TEST(repeated_event_is_not_a_request),
		TEST(forgotten_request_makes_room),
		TEST(too_many_queues_are_counted),
		TEST(distance_is_found_again),
		TEST(clocks_that_disagree_are_told),
		TEST(slowest_are_kept),
		TEST(heat_holds_every_request),
		TEST(hostile_events_break_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
