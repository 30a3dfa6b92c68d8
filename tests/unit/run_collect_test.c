// SPDX-License-Identifier: BSD-3-Clause
/* What a guest said becomes a result; several boots make one; nothing is believed behind a fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "harness/run/collect.h"

#define CHECKS 4

static struct collect *c;
static struct frame frame;
static struct wire wire;
static u32 seq;
static const struct check *checks[CHECKS];

static struct wire *begin(enum wire_kind kind)
{
	wire_write(&wire, &frame, kind);
	frame.seq = seq++;
	return &wire;
}

static void say(bool whole)
{
	char line[FRAME_LINE_MAX];

	assert_true(whole);
	collect_feed(c, line, frame_encode(&frame, line));
}

static void hello(void)
{
	struct wire_hello m = {
		.version = WIRE_VERSION, .ringside = "1", .arch = "toy", .hz = 1000
	};

	seq = 0;
	say(wire_hello(begin(WIRE_HELLO), &m));
}

static void job(enum wire_job_kind kind, u32 first)
{
	struct wire_job m = { .kind = (u8)kind,
			      .uri = "guest:toy",
			      .device = "blk",
			      .transport = "pci",
			      .checks = kind == WIRE_JOB_CONFORM ? CHECKS : 0,
			      .first = first };

	say(wire_job(begin(WIRE_JOB), &m));
}

static void plan(void)
{
	char ids[512] = "";
	struct wire_plan m = { 0, ids };

	for (unsigned i = 0; i < CHECKS; i++) {
		strcat(ids, checks[i]->id);
		strcat(ids, "\n");
	}
	say(wire_plan(begin(WIRE_PLAN), &m));
}

static void start(u32 index)
{
	struct wire_start m = { index };

	say(wire_start(begin(WIRE_START), &m));
}

static void line(u32 index, const char *text)
{
	struct wire_log m = { index, text };

	say(wire_log(begin(WIRE_LOG), &m));
}

static void result(u32 index, enum verdict v)
{
	struct wire_result m = { .index = index,
				 .verdict = (u8)v,
				 .clause = v == VERDICT_FAIL ? checks[index]->clauses[0] : "",
				 .reason = v == VERDICT_PASS ? "" : "as seen" };

	start(index);
	if (v != VERDICT_PASS)
		line(index, "what was seen");
	say(wire_result(begin(WIRE_RESULT), &m));
}

static void job_end(void)
{
	struct wire_job_end m = { .results = CHECKS };

	say(wire_job_end(begin(WIRE_JOB_END), &m));
}

static void end(u32 next)
{
	struct wire_end m = { .frames = seq + 1, .restart = next != 0, .next = next };

	say(wire_end(begin(WIRE_END), &m));
}

static void text(enum wire_kind kind, const char *said)
{
	struct wire_text m = { said };

	say(wire_text(begin(kind), &m));
}

static int set_up(void **state)
{
	unsigned n = 0;

	for_each_check (k)
		if (n < CHECKS)
			checks[n++] = *k;
	c = collect_new();
	return n == CHECKS ? 0 : -1;
}

static int tear_down(void **state)
{
	collect_free(c);
	return 0;
}

static void boot_until(u32 first, u32 stop)
{
	hello();
	job(WIRE_JOB_CONFORM, first);
	plan();
	for (u32 i = first; i < stop; i++)
		result(i, i == 1 ? VERDICT_FAIL : VERDICT_PASS);
}

static void whole(void **state)
{
	const struct result *r;
	u32 number, next;

	boot_until(0, CHECKS);
	job_end();
	end(0);
	assert_false(collect_resume(c, &number, &next));
	collect_finish(c);
	assert_string_equal(c->error, "");
	assert_int_equal(c->job_count, 1);
	r = c->job[0].run.results;
	assert_int_equal(c->job[0].run.count, CHECKS);
	assert_int_equal(r[0].verdict, VERDICT_PASS);
	assert_int_equal(r[1].verdict, VERDICT_FAIL);
	assert_string_equal(r[1].clause, checks[1]->clauses[0]);
	assert_int_equal(r[1].log_lines, 1);
	assert_string_equal(r[1].log[0], "what was seen");
	assert_string_equal(c->job[0].run.died, "");
}

static void a_boot_that_was_asked_for(void **state)
{
	u32 number, next;

	boot_until(0, 2);
	end(2);
	assert_true(collect_resume(c, &number, &next));
	assert_int_equal(number, 0);
	assert_int_equal(next, 2);
	boot_until(2, CHECKS);
	job_end();
	end(0);
	collect_finish(c);
	assert_string_equal(c->error, "");
	assert_int_equal(c->boots, 2);
	assert_int_equal(c->job[0].taken, CHECKS);
	assert_string_equal(c->job[0].run.died, "");
}

static void a_boot_behind_a_panic(void **state)
{
	u32 number, next;

	boot_until(0, 2);
	start(2);
	line(2, "the last that was seen");
	text(WIRE_PANIC, "exception 6\nrip 0");
	assert_true(collect_resume(c, &number, &next));
	assert_int_equal(next, 3);
	boot_until(3, CHECKS);
	job_end();
	end(0);
	collect_finish(c);
	assert_string_equal(c->error, "");
	assert_string_equal(c->panic, "");
	assert_int_equal(c->job[0].run.results[2].verdict, VERDICT_ERROR);
	assert_string_equal(c->job[0].run.results[2].reason, "the guest panicked: exception 6");
	assert_string_equal(c->job[0].run.results[2].log[0], "the last that was seen");
	assert_non_null(strstr(c->job[0].run.died, checks[2]->id));
	assert_int_equal(c->job[0].run.results[3].verdict, VERDICT_PASS);
}

static void a_boot_that_was_not_asked_for(void **state)
{
	boot_until(0, 2);
	boot_until(0, 1);
	collect_finish(c);
	assert_non_null(strstr(c->error, "started over"));
	assert_int_equal(c->job[0].taken, 2);
	assert_int_equal(c->job[0].run.results[3].verdict, VERDICT_ERROR);
}

static void a_restart_that_never_comes(void **state)
{
	boot_until(0, 2);
	end(2);
	collect_finish(c);
	assert_non_null(strstr(c->error, "asks to be booted again"));
	assert_int_equal(c->job[0].run.results[2].verdict, VERDICT_ERROR);
}

static void last_words_are_heard(void **state)
{
	boot_until(0, 2);
	seq += 3;
	text(WIRE_PANIC, "exception 13");
	collect_finish(c);
	assert_string_equal(c->panic, "exception 13");
	assert_non_null(strstr(c->error, "missing"));
}

static void verdicts_out_of_place(void **state)
{
	boot_until(0, 1);
	start(2);
	collect_finish(c);
	assert_non_null(strstr(c->error, "the start of a check where none can be"));
}

static void a_check_that_is_not_known(void **state)
{
	struct wire_plan m = { 0, "no.such.check\n" };

	hello();
	job(WIRE_JOB_CONFORM, 0);
	say(wire_plan(begin(WIRE_PLAN), &m));
	collect_finish(c);
	assert_non_null(strstr(c->error, "no.such.check"));
}

static void bench(u64 requests, u64 in_hist)
{
	static struct wire_bench m = { .depth = 1, .block_size = 4096, .hz = 1000000000 };
	static struct wire_hist h = { .count = 1, .bucket = { 77 } };

	hello();
	job(WIRE_JOB_BENCH, 0);
	m.requests = requests;
	say(wire_bench(begin(WIRE_BENCH), &m));
	h.value[0] = in_hist;
	say(wire_hist(begin(WIRE_HIST), &h));
	say(wire_job_end(begin(WIRE_JOB_END), &(struct wire_job_end){ 0 }));
	end(0);
	collect_finish(c);
}

static void a_histogram_holds_every_request(void **state)
{
	bench(10, 10);
	assert_string_equal(c->error, "");
	assert_int_equal(c->job[0].figures.latency->count, 10);
	assert_int_equal(hist_quantile(c->job[0].figures.latency, 500000), 0); /* max is 0 here */
}

static void a_histogram_that_does_not(void **state)
{
	bench(10, 9);
	assert_non_null(strstr(c->error, "9 requests"));
}

static void a_histogram_with_more(void **state)
{
	bench(10, 11);
	assert_non_null(strstr(c->error, "a bucket where none can be"));
}

/* A traced load: the untraced one before it, and events that come back as they were. */
static void traced(u32 announced, u32 sent, u64 untraced)
{
	struct wire_bench m = { .depth = 1, .block_size = 4096, .hz = 1000000000, .requests = 3 };
	struct wire_trace t = { .events = announced, .lost = 7, .hz = 62500000, .error_ppm = 5 };
	static struct wire_hist h;
	static struct wire_events e;

	hello();
	job(WIRE_JOB_BENCH, 0);
	say(wire_bench(begin(WIRE_UNTRACED), &m));
	h = (struct wire_hist){ .count = 1, .bucket = { 77 }, .value = { untraced } };
	say(wire_hist(begin(WIRE_HIST), &h));
	say(wire_bench(begin(WIRE_BENCH), &m));
	h = (struct wire_hist){ .count = 1, .bucket = { 78 }, .value = { 3 } };
	say(wire_hist(begin(WIRE_HIST), &h));
	say(wire_trace(begin(WIRE_TRACE), &t));
	e.count = 0;
	for (u32 i = 0; i < sent; i++) {
		const struct trace_event one = {
			.ticks = (1ull << 50) - i * 1000000000ull,
			.seq = i % 5 == 4 ? 0 : (1ull << 40) + i,
			.len = i,
			.head = (u16)(i * 3),
			.kind = i % 5 == 4 ? TRACE_HANDLE : TRACE_SUBMIT,
		};

		if (wire_events_add(&e, &one))
			continue;
		say(wire_events(begin(WIRE_EVENTS), &e));
		e.count = 0;
		assert_true(wire_events_add(&e, &one));
	}
	say(wire_events(begin(WIRE_EVENTS), &e));
	say(wire_job_end(begin(WIRE_JOB_END), &(struct wire_job_end){ 0 }));
	end(0);
	collect_finish(c);
}

static void a_trace(void **state)
{
	const struct collect_job *j = &c->job[0];

	traced(1000, 1000, 3);
	assert_string_equal(c->error, "");
	assert_int_equal(j->untraced.latency->bucket[77], 3);
	assert_int_equal(j->figures.latency->bucket[78], 3);
	assert_int_equal(j->trace.lost, 7);
	assert_int_equal(j->event_count, 1000);
	for (u32 i = 0; i < 1000; i++) {
		assert_int_equal(j->event[i].ticks, (1ull << 50) - i * 1000000000ull);
		assert_int_equal(j->event[i].len, i);
		assert_int_equal(j->event[i].head, (u16)(i * 3));
		if (i % 5 == 4)
			assert_int_equal(j->event[i].kind, TRACE_HANDLE);
		else
			assert_int_equal(j->event[i].seq, (1ull << 40) + i);
	}
}

static void a_trace_that_is_not_whole(void **state)
{
	traced(1000, 999, 3);
	assert_non_null(strstr(c->error, "999 events of 1000"));
}

static void a_trace_with_more(void **state)
{
	traced(1000, 1001, 3);
	assert_non_null(strstr(c->error, "events where none can be"));
}

static void a_trace_with_more_than_anybody_keeps(void **state)
{
	traced(COLLECT_EVENTS + 1, 3, 3);
	assert_non_null(strstr(c->error, "a trace where none can be"));
}

static void an_untraced_run_that_is_not_whole(void **state)
{
	traced(10, 10, 2);
	assert_non_null(strstr(c->error, "without a trace has 2 requests"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whole),
		TEST(a_boot_that_was_asked_for),
		TEST(a_boot_behind_a_panic),
		TEST(a_boot_that_was_not_asked_for),
		TEST(a_restart_that_never_comes),
		TEST(last_words_are_heard),
		TEST(verdicts_out_of_place),
		TEST(a_check_that_is_not_known),
		TEST(a_histogram_holds_every_request),
		TEST(a_histogram_that_does_not),
		TEST(a_histogram_with_more),
		TEST(a_trace),
		TEST(a_trace_that_is_not_whole),
		TEST(a_trace_with_more),
		TEST(a_trace_with_more_than_anybody_keeps),
		TEST(an_untraced_run_that_is_not_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
