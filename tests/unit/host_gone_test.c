// SPDX-License-Identifier: BSD-3-Clause
/* Whether the other side has gone: believed once it has said so for a while, and for good then. */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/transport/host/clock.h"
#include "harness/transport/host/process.h"
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

static u64 clock_at = 1000;

static u64 clock_ns(struct tp *t)
{
	return clock_at;
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
	/* Who comes late looks once more, at each deadline. */
	assert_false(tp_late(&t, 999));
	assert_true(tp_late(&t, 999));
	assert_false(tp_late(&t, 998));
	assert_true(tp_late(&t, 998));
	t.ops = &telling;
	assert_true(tp_late(&t, 1000));
}

static void who_is_at_work_gets_more_time(void **state)
{
	const struct tp_ops ops = { .now_ns = clock_ns, .busy = yes };
	struct tp t = { .ops = &ops, .timeout_ms = 1 };

	clock_at = 1000;
	assert_false(tp_late(&t, 999));
	assert_false(tp_late(&t, 999));
	clock_at = 999 + (TP_PATIENCE - 1) * 1000000ull - 1;
	assert_false(tp_late(&t, 999));
	/* Not for ever. */
	clock_at++;
	assert_true(tp_late(&t, 999));
	/* And none where nothing has to happen. */
	assert_true(tp_waited(&t, 999, 0));
	clock_at = 1000;
	assert_true(tp_waited(&t, 999, 0));
	assert_false(tp_waited(&t, 999, 1));
}

/* A process that sleeps, or turns, until it is killed. */
static pid_t process(bool turns)
{
	pid_t pid = fork();

	if (pid == 0) {
		/* Also when an assertion fails before that. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (turns)
			;
		pause();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static void who_sleeps_is_not_at_work(void **state)
{
	struct process_busy turning = { 0 }, sleeping = { 0 }, none = { 0 };
	pid_t one = process(true), other = process(false);
	u64 end = host_now_ns() + 60000000000ull;

	for (unsigned i = 0; i < 100; i++) {
		assert_true(process_is_busy(&turning, one));
		usleep(1000);
	}
	while (process_is_busy(&sleeping, other) && host_now_ns() < end)
		usleep(1000);
	assert_true(host_now_ns() < end);
	assert_false(process_is_busy(&none, 0));
	assert_false(process_is_busy(&none, getpid()));
	kill(one, SIGKILL);
	kill(other, SIGKILL);
	assert_int_equal(waitpid(one, NULL, 0), one);
	assert_int_equal(waitpid(other, NULL, 0), other);
	/* Nor who is no more. */
	turning = (struct process_busy){ 0 };
	while (process_is_busy(&turning, one) && host_now_ns() < end)
		usleep(1000);
	assert_true(host_now_ns() < end);
}

/* To the first processor that we may use. */
static void pin(pid_t pid)
{
	cpu_set_t ours, one;
	int cpu = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(ours), &ours), 0);
	while (!CPU_ISSET(cpu, &ours))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(pid, sizeof(one), &one), 0);
}

/* Two that turn share a processor: each runs for half of the time, and wants all of it. */
static void who_waits_for_a_processor_wants_it(void **state)
{
	pid_t one = process(true), other = process(true);
	u64 start, past, end = host_now_ns() + 60000000000ull;
	struct tp_process before, after;
	bool wants;

	pin(one);
	pin(other);
	do {
		assert_int_equal(process_look(one, &before), TP_OK);
		start = host_now_ns();
		usleep(200000);
		past = host_now_ns() - start;
		assert_int_equal(process_look(one, &after), TP_OK);
		wants = after.wanted_ns - before.wanted_ns > past / 10 * 8;
	} while (!wants && after.wanted_ns && host_now_ns() < end);
	kill(one, SIGKILL);
	kill(other, SIGKILL);
	assert_int_equal(waitpid(one, NULL, 0), one);
	assert_int_equal(waitpid(other, NULL, 0), other);
	/* A kernel that does not count. */
	if (!after.wanted_ns)
		skip();
	assert_true(wants);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_there_is_asked_now_and_then),
		cmocka_unit_test(who_goes_has_some_time),
		cmocka_unit_test(who_comes_back_was_not_gone),
		cmocka_unit_test(a_wait_ends_by_either),
		cmocka_unit_test(who_is_at_work_gets_more_time),
		cmocka_unit_test(who_sleeps_is_not_at_work),
		cmocka_unit_test(who_waits_for_a_processor_wants_it),
	};

	return cmocka_run_group_tests_name("host_gone", tests, NULL, NULL);
}
