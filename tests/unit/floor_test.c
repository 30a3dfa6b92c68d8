// SPDX-License-Identifier: BSD-3-Clause
/* The host's clock against the kernel's, and the floors: sane figures within their time. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "harness/bench/host/clock.h"
#include "harness/bench/host/floor.h"

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

static void ticks_convert_both_ways(void **state)
{
	struct clock c = clock_of_counter(2596142000);

	assert_in_range(clock_ns(&c, 2596142000), 999999998, 1000000000);
	assert_int_equal(clock_ticks(&c, 1000000000), 2596142000);
	/* A day does not overflow. */
	assert_in_range(clock_ns(&c, 86400ull * 2596142000), 86399999000000, 86400000000000);
	c = clock_of_counter(62500000);
	assert_int_equal(clock_ns(&c, 1), 16);
	c = clock_of_counter(1000);
	assert_int_equal(clock_ns(&c, 1), 1000000);
}

/* The calibrated clock and the kernel's must tell the same about a sleep, within the bound. */
static void check_against_kernel(const struct clock *c)
{
	const struct timespec pause = { .tv_nsec = 30 * 1000 * 1000 };
	u64 outer, inner, k0, k1, t0, t1, slack;

	k0 = now_ns();
	t0 = clock_start(c);
	inner = now_ns();
	nanosleep(&pause, NULL);
	outer = now_ns();
	t1 = clock_stop(c);
	k1 = now_ns();
	slack = (k1 - k0) * c->error_ppm / 1000000 + 2;
	assert_in_range(clock_ns(c, t1 - t0), outer - inner - slack, k1 - k0 + slack);
}

static void calibration_holds(void **state)
{
	struct clock c;

	clock_calibrate(&c);
	assert_non_null(c.source);
	assert_true(c.error_ppm >= 1 && c.error_ppm <= 1000);
	check_against_kernel(&c);
	assert_true(clock_overhead_ns(&c) < 100000);
}

static void gettime_is_a_clock(void **state)
{
	struct clock c;

	clock_use_gettime(&c);
	assert_string_equal(c.source, "clock_gettime");
	check_against_kernel(&c);
}

/* On a machine that is busy enough there is not one round trip in its time: then once more. */
static void measure(enum floor_kind kind, struct floor_result *r)
{
	const u64 begin = now_ns();
	int rc;

	do
		rc = floor_measure(kind, r);
	while (rc == -ETIME && now_ns() - begin < 60000000000ull);
	assert_int_equal(rc, 0);
}

static void check_floor(enum floor_kind kind)
{
	struct floor_result r;

	measure(kind, &r);
	assert_int_equal(r.kind, kind);
	assert_true(r.samples > 0);
	assert_true(r.round_trip_min > 0);
	assert_true(r.round_trip_p50 >= r.round_trip_min);
	assert_true(r.round_trip_p99 >= r.round_trip_p50);
	assert_int_equal(r.one_way_p50, r.round_trip_p50 / 2);
	assert_true(strlen(r.note) < sizeof(r.note));
	print_message("%s: p50 %llu p99 %llu ns, %llu samples, CPUs %d %d %s\n",
		      floor_kind_name(kind), (unsigned long long)r.round_trip_p50,
		      (unsigned long long)r.round_trip_p99, (unsigned long long)r.samples, r.cpu[0],
		      r.cpu[1], r.note);
}

static void poll_floor(void **state)
{
	check_floor(FLOOR_POLL);
}

static void event_floor(void **state)
{
	check_floor(FLOOR_EVENT);
}

static void one_cpu_is_said(void **state)
{
	cpu_set_t all, one;
	struct floor_result r;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
		if (CPU_ISSET(cpu, &all))
			CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	check_floor(FLOOR_POLL);
	check_floor(FLOOR_EVENT);
	measure(FLOOR_EVENT, &r);
	assert_int_equal(r.cpu[0], r.cpu[1]);
	assert_non_null(strstr(r.note, "one CPU"));
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static void affinity_is_left_alone(void **state)
{
	cpu_set_t before, after;
	struct floor_result r;

	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	measure(FLOOR_POLL, &r);
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_true(CPU_EQUAL(&before, &after));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ticks_convert_both_ways),
		cmocka_unit_test(calibration_holds),
		cmocka_unit_test(gettime_is_a_clock),
		cmocka_unit_test(poll_floor),
		cmocka_unit_test(event_floor),
		cmocka_unit_test(one_cpu_is_said),
		cmocka_unit_test(affinity_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
