// SPDX-License-Identifier: BSD-3-Clause
/* Whether the other side has gone: believed once it has said so for a while, and for good then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/transport/host/clock.h"
#include "harness/transport/transport.h"

struct side {
	bool away;
	unsigned asked;
};

static bool ask(void *arg)
{
	struct side *s = arg;

	s->asked++;
	return s->away;
}

/* As a wait does, until it is over or `ms` have passed. */
static bool wait_for(struct host_gone *g, struct side *s, unsigned ms)
{
	u64 end = host_now_ns() + (u64)ms * 1000000;
	bool gone;

	do {
		gone = host_gone(g, ask, s);
		usleep(200);
	} while (!gone && host_now_ns() < end);
	return gone;
}

static void who_is_there_is_asked_now_and_then(void **state)
{
	struct host_gone g = { 0 };
	struct side s = { 0 };
	u64 start = host_now_ns();

	for (unsigned i = 0; i < 1000; i++)
		assert_false(host_gone(&g, ask, &s));
	/* At most once in each five milliseconds, however often we look. */
	assert_in_range(s.asked, 1, 1 + (host_now_ns() - start) / 5000000);
}

static void who_goes_has_some_time(void **state)
{
	struct host_gone g = { 0 };
	struct side s = { .away = true };
	u64 start = host_now_ns();

	assert_true(wait_for(&g, &s, 60000));
	assert_true(host_now_ns() - start >= HOST_GONE_MS * 1000000ull);
	/* It does not come back: nobody is asked any more. */
	s = (struct side){ 0 };
	assert_true(host_gone(&g, ask, &s));
	assert_int_equal(s.asked, 0);
}

static void who_comes_back_was_not_gone(void **state)
{
	struct host_gone g = { 0 };
	struct side s = { .away = true };

	assert_false(host_gone(&g, ask, &s));
	assert_int_not_equal(g.since, 0);
	s.away = false;
	assert_false(wait_for(&g, &s, 20));
	assert_int_equal(g.since, 0);
}

static u64 clock_ns(struct tp *t)
{
	return 1000;
}

static bool yes(struct tp *t)
{
	return true;
}

static void a_wait_ends_by_either(void **state)
{
	const struct tp_ops silent = { .now_ns = clock_ns };
	const struct tp_ops telling = { .now_ns = clock_ns, .gone = yes };
	struct tp t = { .ops = &silent };

	assert_false(tp_late(&t, 1000));
	assert_true(tp_late(&t, 999));
	t.ops = &telling;
	assert_true(tp_late(&t, 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_there_is_asked_now_and_then),
		cmocka_unit_test(who_goes_has_some_time),
		cmocka_unit_test(who_comes_back_was_not_gone),
		cmocka_unit_test(a_wait_ends_by_either),
	};

	return cmocka_run_group_tests_name("host_gone", tests, NULL, NULL);
}
