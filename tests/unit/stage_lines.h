/* SPDX-License-Identifier: BSD-3-Clause */
/* Events into lines, for a test: all of session 1, at times of its own, and the table at the end. */
#ifndef TESTS_UNIT_STAGE_LINES_H
#define TESTS_UNIT_STAGE_LINES_H

#include "tests/unit/stage_rows.h"
#include "traces/stage/line.h"

static struct lines *s;
static u64 wholes;
static u64 now;

static inline void on_whole(void *arg, const struct line *l)
{
	wholes++;
}

static inline int start(void **state)
{
	const struct lines_options o = { .whole = on_whole, .slowest = 4 };

	s = lines_new(&o);
	now = 1000;
	wholes = 0;
	memset(&t, 0, sizeof(t));
	return s ? 0 : -1;
}

static inline int finish(void **state)
{
	lines_free(s);
	return 0;
}

static inline void add_at(u64 ns, unsigned kind, u16 queue, u16 head, u64 seq, u32 len, u8 flags)
{
	const struct trace_event e = {
		.ticks = ns,
		.seq = seq,
		.len = len,
		.queue = queue,
		.head = head,
		.kind = (u8)kind,
		.flags = flags,
	};

	assert_int_equal(lines_add(s, 1, &e, ns), 0);
}

static inline void end(void)
{
	assert_int_equal(lines_end(s), 0);
	lines_table(s, &t);
	assert_true(stage_adds_up(&t));
	assert_int_equal(t.requests, wholes);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, finish)

#endif
