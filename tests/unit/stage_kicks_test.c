// SPDX-License-Identifier: BSD-3-Clause
/* A guest's counter beside the host's clock, from notifications that the kernel saw on their way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "traces/stage/kicks.h"

#define BORN 4000000u /* host ns at which the guest's counter, which counts ns, was 0 */

static struct kicks *k;
static u64 now, spoken;
/* The guest's events come first. */
static struct {
	struct trace_event e;
	u64 ns;
} host_events[1024];
static unsigned hosts;

static int start(void **state)
{
	k = kicks_new();
	now = 10000000;
	spoken = UINT64_MAX;
	hosts = 0;
	return k ? 0 : -1;
}

static int finish(void **state)
{
	kicks_free(k);
	return 0;
}

static void guest(unsigned kind, u16 queue)
{
	const struct trace_event e = {
		.kind = (u8)kind, .queue = queue, .ticks = now - BORN, .len = 1
	};

	assert_int_equal(kicks_guest(k, &e), 0);
}

static void host(unsigned kind, u16 queue)
{
	assert_true(hosts < ARRAY_SIZE(host_events));
	host_events[hosts].e =
		(struct trace_event){ .kind = (u8)kind, .queue = queue, .flags = TRACE_F_OUTSIDE };
	host_events[hosts++].ns = now;
}

/* One at a time, by an interrupt; `told`: the guest writes its own down. */
static void request(bool told, u64 varies)
{
	if (told)
		guest(TRACE_SUBMIT, 0);
	now += 1000;
	if (told)
		guest(TRACE_NOTIFY, 0);
	now += 8000 + varies;
	host(TRACE_EXIT, 0);
	now += 2000;
	host(TRACE_KICK, 0);
	now += 60000 + 3 * varies;
	host(TRACE_CALL, 0);
	now += 5000;
	host(TRACE_INJECT, 0);
	now += 12000 + varies;
	if (told)
		guest(TRACE_HANDLE, 0);
	now += 1000;
	if (told)
		guest(TRACE_REAP, 0);
	now += 3000;
}

static const char *end(struct guest_clock *c)
{
	for (unsigned i = 0; i < hosts; i++)
		assert_int_equal(kicks_host(k, &host_events[i].e, host_events[i].ns), 0);
	return kicks_end(k, spoken, 1000000000, 1, 0, c);
}

static void is_true(const struct guest_clock *c, u64 most)
{
	assert_in_range(llabs(c->offset_ns - (int64_t)BORN), 0, c->error_ns);
	assert_in_range(c->error_ns, 1, most);
}

static void one_at_a_time(void **state)
{
	struct guest_clock c;

	/* What came before is nobody's of these. */
	for (u64 i = 0; i < 20; i++)
		request(false, i * 37 % 500);
	for (u64 i = 0; i < 100; i++)
		request(true, i * 53 % 700);
	assert_null(end(&c));
	assert_int_equal(c.requests, 100);
	/* From the notification to the hypervisor, and from the interrupt to its handler. */
	is_true(&c, 90000);
	assert_in_range(llabs(c.offset_ns - (int64_t)BORN), 0, (8000 + 12000) / 2);
}

/* A guest that goes on at once bounds it closely, whatever the back-end does meanwhile. */
static void several_at_once(void **state)
{
	struct guest_clock c;

	for (u64 i = 0; i < 100; i++) {
		guest(TRACE_SUBMIT, 0);
		now += 100;
		guest(TRACE_NOTIFY, 0);
		now += 800 + i * 37 % 300;
		host(TRACE_EXIT, 0);
		now += 500;
		host(TRACE_KICK, 0);
		now += 700;
	}
	assert_null(end(&c));
	is_true(&c, 2500);
}

/* One interrupt may be for the request before, once there are two. */
static void interrupts_that_say_nothing(void **state)
{
	struct guest_clock c;

	for (u64 i = 0; i < 50; i++) {
		guest(TRACE_NOTIFY, 0);
		now += 5000;
		host(TRACE_EXIT, 0);
		now += 100;
		/* The one before is still on its way. */
		guest(TRACE_HANDLE, 0);
		now += 100;
		host(TRACE_INJECT, 0);
		now += 40000;
		host(TRACE_INJECT, 0);
		now += 5000;
		guest(TRACE_HANDLE, 0);
		guest(TRACE_REAP, 0);
		now += 1000;
	}
	assert_null(end(&c));
	is_true(&c, 60000);
}

static void other_queues(void **state)
{
	struct guest_clock c;

	for (u64 i = 0; i < 50; i++) {
		request(true, i);
		host(TRACE_EXIT, 1);
		host(TRACE_KICK, 1);
		guest(TRACE_NOTIFY, 1);
	}
	assert_null(end(&c));
	assert_int_equal(c.requests, 50);
	is_true(&c, 90000);
}

static void what_cannot_be_related(void **state)
{
	struct guest_clock c;

	assert_string_equal(end(&c), "the guest has made no notification");
	request(true, 0);
	hosts = 0;
	assert_string_equal(end(&c), "the kernel saw fewer notifications than the guest has made");
	request(true, 0);
	request(false, 0);
	spoken = now - 200000;
	assert_string_equal(end(&c), "the recording ended before the guest did");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_at_a_time),
		TEST(several_at_once),
		TEST(interrupts_that_say_nothing),
		TEST(other_queues),
		TEST(what_cannot_be_related),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
