// SPDX-License-Identifier: BSD-3-Clause
/* A driver's events, and of the back-end only what can be seen from outside: when, and of which queue. */
#include "tests/unit/stage_lines.h"

static void one_at_a_time(void **state)
{
	lines_expect_driver(s, 1);
	for (u64 seq = 0; seq < 10; seq++) {
		add_at(now, TRACE_SUBMIT, 0, 3, seq, 0, 0);
		add_at(now += 10, TRACE_NOTIFY, 0, 0, seq, 1, 0);
		add_at(now += 20, TRACE_KICK, 0, 0, seq, 1, 0);
		add_at(now += 30, TRACE_FETCH, 0, 0, 0, 5, TRACE_F_OUTSIDE);
		add_at(now += 40, TRACE_SERVE_BEGIN, 0, 0, 0, 0, TRACE_F_OUTSIDE);
		add_at(now += 50, TRACE_SERVE_END, 0, 0, 0, 0, TRACE_F_OUTSIDE);
		add_at(now += 60, TRACE_CALL, 0, 0, 0, 5, TRACE_F_OUTSIDE);
		add_at(now += 70, TRACE_HANDLE, 0, 0, 0, 0, 0);
		add_at(now += 80, TRACE_REAP, 0, 3, seq, 0, 0);
	}
	end();
	assert_int_equal(t.requests, 10);
	LONGEST({ "wake", 30 }, { "fetch", 40 }, { "serve", 50 }, { "publish+call", 60 },
		{ "inject+handle", 70 }, { "reap", 80 });
}

static void several_at_once(void **state)
{
	lines_expect_driver(s, 1);
	for (u64 seq = 0; seq < 4; seq++)
		add_at(now++, TRACE_SUBMIT, 0, (u16)seq, seq, 0, 0);
	add_at(now += 10, TRACE_NOTIFY, 0, 0, 3, 4, 0);
	add_at(now += 10, TRACE_FETCH, 0, 0, 0, 1, TRACE_F_OUTSIDE);
	/* Whose I/O this is nobody can tell. */
	add_at(now += 10, TRACE_SERVE_BEGIN, 0, 0, 0, 0, TRACE_F_OUTSIDE);
	add_at(now += 10, TRACE_SERVE_END, 0, 0, 0, 0, TRACE_F_OUTSIDE);
	add_at(now += 10, TRACE_CALL, 0, 0, 0, 1, TRACE_F_OUTSIDE);
	add_at(now += 10, TRACE_HANDLE, 0, 0, 0, 0, 0);
	add_at(now, TRACE_REAP, 0, 0, 0, 0, 0);
	add_at(now, TRACE_REAP, 0, 1, 1, 0, 0);
	add_at(now += 10, TRACE_CALL, 0, 0, 0, 1, TRACE_F_OUTSIDE);
	add_at(now += 10, TRACE_HANDLE, 0, 0, 0, 0, 0);
	add_at(now, TRACE_REAP, 0, 2, 2, 0, 0);
	add_at(now, TRACE_REAP, 0, 3, 3, 0, 0);
	end();
	assert_int_equal(t.requests, 4);
	assert_int_equal(row("fetch+serve+publish+call")->count, 4);
	/* The first two by the first call, the others by the second. */
	assert_int_equal(row("fetch+serve+publish+call")->sum_ns, 2 * 30 + 2 * 50);
	assert_int_equal(t.unmatched, 0);
	assert_int_equal(t.unassigned, 2);
}

/* Input and output is of the only request of all queues, if there is one. */
static void io_of_several_queues(void **state)
{
	lines_expect_driver(s, 1);
	for (u16 queue = 0; queue < 2; queue++) {
		add_at(now, TRACE_SUBMIT, queue, 3, 0, 0, 0);
		add_at(now += 10, TRACE_NOTIFY, queue, 0, 0, 1, 0);
		add_at(now += 10, TRACE_FETCH, queue, 0, 0, 1, TRACE_F_OUTSIDE);
	}
	/* Both are under way. */
	add_at(now += 10, TRACE_SERVE_BEGIN, 0xffff, 0, 0, 0, TRACE_F_OUTSIDE);
	add_at(now += 10, TRACE_REAP, 0, 3, 0, 0, 0);
	add_at(now += 10, TRACE_SERVE_BEGIN, 0xffff, 0, 0, 0, TRACE_F_OUTSIDE);
	add_at(now += 10, TRACE_SERVE_END, 0xffff, 0, 0, 0, TRACE_F_OUTSIDE);
	add_at(now += 10, TRACE_REAP, 1, 3, 0, 0, 0);
	/* A queue that no driver speaks of is none. */
	add_at(now += 10, TRACE_FETCH, 77, 0, 0, 1, TRACE_F_OUTSIDE);
	end();
	assert_int_equal(t.requests, 2);
	assert_int_equal(t.unassigned, 1);
	assert_int_equal(t.unmatched, 1);
	assert_int_equal(row("serve")->count, 1);
	assert_int_equal(row("serve")->sum_ns, 10);
}

/* What was taken from the ring without a kick nobody saw; a kick that is read later is not for it. */
static void without_a_kick(void **state)
{
	lines_expect_driver(s, 1);
	add_at(now, TRACE_SUBMIT, 0, 0, 0, 0, 0);
	add_at(now += 10, TRACE_NOTIFY, 0, 0, 0, 1, 0);
	add_at(now += 10, TRACE_FETCH, 0, 0, 0, 1, TRACE_F_OUTSIDE);
	add_at(now += 10, TRACE_SUBMIT, 0, 1, 1, 0, 0);
	add_at(now += 10, TRACE_REAP, 0, 0, 0, 0, 0);
	add_at(now += 10, TRACE_SUBMIT, 0, 2, 2, 0, 0);
	add_at(now += 10, TRACE_NOTIFY, 0, 0, 2, 1, 0);
	add_at(now += 10, TRACE_FETCH, 0, 0, 0, 1, TRACE_F_OUTSIDE);
	add_at(now += 10, TRACE_REAP, 0, 1, 1, 0, 0);
	add_at(now += 10, TRACE_REAP, 0, 2, 2, 0, 0);
	end();
	assert_int_equal(t.requests, 3);
	assert_int_equal(t.unmatched, 0);
	assert_int_equal(row("notify+exit+wake")->count, 2);
	assert_int_equal(t.sum_excess_ns, 0);
}

/* The write returns after the driver has reaped all that it was for. */
static void a_call_that_is_late(void **state)
{
	lines_expect_driver(s, 1);
	for (u64 seq = 0; seq < 4; seq++)
		add_at(now++, TRACE_SUBMIT, 0, (u16)seq, seq, 0, 0);
	add_at(now += 10, TRACE_NOTIFY, 0, 0, 3, 4, 0);
	add_at(now += 10, TRACE_FETCH, 0, 0, 0, 1, TRACE_F_OUTSIDE);
	add_at(now += 20, TRACE_HANDLE, 0, 0, 0, 0, 0);
	/* Not in the order in which they were made available. */
	add_at(now += 1, TRACE_REAP, 0, 3, 3, 0, 0);
	for (u64 seq = 0; seq < 3; seq++)
		add_at(now += 1, TRACE_REAP, 0, (u16)seq, seq, 0, 0);
	add_at(now += 10, TRACE_CALL, 0, 0, 0, 15, TRACE_F_OUTSIDE);
	end();
	assert_int_equal(t.requests, 4);
	assert_int_equal(row("fetch+serve+publish+call")->count, 4);
	assert_int_equal(row("inject+handle")->sum_ns, 0);
}

/* Where it can be seen which chain is taken and given back, it is, however many there are. */
static void by_head(void **state)
{
	lines_expect_driver(s, 1);
	for (u64 seq = 0; seq < 3; seq++)
		add_at(now++, TRACE_SUBMIT, 0, (u16)(5 + seq), seq, 0, 0);
	add_at(now += 10, TRACE_NOTIFY, 0, 0, 2, 3, 0);
	for (u64 seq = 0; seq < 3; seq++)
		add_at(now += 10, TRACE_FETCH, 0, (u16)(5 + seq), 0, 0,
		       TRACE_F_OUTSIDE | TRACE_F_HEAD);
	/* Not in order: the last one first. */
	for (u64 seq = 3; seq--;) {
		add_at(now += 10, TRACE_SERVE_END, 0, (u16)(5 + seq), 0, 0,
		       TRACE_F_OUTSIDE | TRACE_F_HEAD);
		add_at(now += 5, TRACE_PUBLISH, 0, (u16)(5 + seq), 0, 0,
		       TRACE_F_OUTSIDE | TRACE_F_HEAD);
		if (seq)
			add_at(now += 10, TRACE_CALL, 0, 0, 0, 5, TRACE_F_OUTSIDE);
	}
	/* One that is seen, and made available again, before the function that gave it back has returned. */
	add_at(now += 1, TRACE_SUBMIT, 0, 50, 3, 0, 0);
	add_at(now += 1, TRACE_FETCH, 0, 50, 0, 0, TRACE_F_OUTSIDE | TRACE_F_HEAD);
	add_at(now += 1, TRACE_SERVE_END, 0, 50, 0, 0, TRACE_F_OUTSIDE | TRACE_F_HEAD);
	add_at(now += 1, TRACE_REAP, 0, 50, 3, 0, 0);
	add_at(now += 1, TRACE_SUBMIT, 0, 50, 4, 0, 0);
	add_at(now += 1, TRACE_PUBLISH, 0, 50, 0, 0, TRACE_F_OUTSIDE | TRACE_F_HEAD);
	add_at(now += 1, TRACE_REAP, 0, 50, 4, 0, 0);
	/* A head that nobody made available. */
	add_at(now += 1, TRACE_PUBLISH, 0, 99, 0, 0, TRACE_F_OUTSIDE | TRACE_F_HEAD);
	add_at(now += 10, TRACE_HANDLE, 0, 0, 0, 0, 0);
	for (u64 seq = 0; seq < 3; seq++)
		add_at(now += 10, TRACE_REAP, 0, (u16)(5 + seq), seq, 0, 0);
	end();
	assert_int_equal(t.requests, 5);
	assert_int_equal(t.unmatched, 1);
	assert_int_equal(row("publish")->count, 4);
	assert_int_equal(row("publish")->sum_ns, 3 * 5 + 1);
	assert_int_equal(row("fetch+serve")->count, 4);
	/* One was given back without a call. */
	assert_int_equal(row("call")->count, 2);
	assert_int_equal(row("call")->sum_ns, 2 * 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_at_a_time),  TEST(several_at_once),	 TEST(io_of_several_queues),
		TEST(without_a_kick), TEST(a_call_that_is_late), TEST(by_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
