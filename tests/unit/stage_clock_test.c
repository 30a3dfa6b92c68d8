// SPDX-License-Identifier: BSD-3-Clause
/* A guest's counter beside the host's clock: what is known of their relation comes out of requests alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "traces/stage/clock.h"

/* The guest's counter by the host's clock: ticks = (ns - born) * hz / 1e9. */
struct world {
	u64 born;
	double hz;
	u64 now; /* host ns */
	struct clock_fit *fit;
	/* The back-end's events, since the guest's are to come first. */
	struct {
		struct trace_event e;
		u64 ns;
	} host[8192];
	unsigned events;
	u64 seq;     /* of the back-end */
	bool silent; /* the guest's events are not recorded */
};

static struct world w;

static u64 ticks(u64 ns)
{
	return (u64)((double)(ns - w.born) * w.hz / 1e9);
}

static void guest(enum trace_point kind, u64 seq, u16 head, u32 len)
{
	const struct trace_event e = {
		.kind = (u8)kind, .seq = seq, .head = head, .len = len, .ticks = ticks(w.now)
	};

	if (!w.silent)
		assert_int_equal(clock_fit_guest(w.fit, &e), 0);
}

static void host(enum trace_point kind, u64 seq, u16 head)
{
	assert_in_range(w.events, 0, ARRAY_SIZE(w.host) - 1);
	w.host[w.events].e = (struct trace_event){ .kind = (u8)kind, .seq = seq, .head = head };
	w.host[w.events++].ns = w.now;
}

static void begin(u64 hz_told, u32 ppm, double host_hz)
{
	w.fit = clock_fit_new(hz_told, ppm, host_hz);
	assert_non_null(w.fit);
	w.events = 0;
	w.seq = 0;
	w.silent = false;
}

/* A counter of the guest's that counts ns, as it knows. */
static void begin_in_ns(u64 born)
{
	w.born = born;
	w.hz = 1e9;
	w.now = 1000000;
	begin(1000000000, 0, 0);
}

/* One request: there in `there` ns, back in `back` ns. */
static void request(u64 seq, u16 head, u64 there, u64 back)
{
	guest(TRACE_SUBMIT, seq, head, 0);
	w.now += 100;
	guest(TRACE_NOTIFY, seq, 0, 1);
	w.now += there;
	host(TRACE_FETCH, w.seq, head);
	w.now += 500;
	host(TRACE_SERVE_END, w.seq, head);
	w.now += 50;
	host(TRACE_PUBLISH, w.seq++, head);
	w.now += back;
	guest(TRACE_HANDLE, 0, 0, 0);
	w.now += 200;
	guest(TRACE_REAP, seq, head, 0);
	w.now += 3000;
}

/* The same again and again: one more or less would not be noticed. */
static void requests(u64 from, u64 to)
{
	for (u64 i = from; i < to; i++)
		request(i, 0, 1000, 1000);
}

static const char *end(struct guest_clock *c)
{
	const char *why;

	for (unsigned i = 0; i < w.events; i++)
		assert_int_equal(clock_fit_host(w.fit, &w.host[i].e, w.host[i].ns), 0);
	why = clock_fit_end(w.fit, c);
	clock_fit_free(w.fit);
	return why;
}

/* What the clock says of a moment is true within the error that it says. */
static void is_true(const struct guest_clock *c, u64 ns)
{
	const u64 t = ticks(ns);
	const int64_t said =
		(int64_t)(c->base_ns +
			  (u64)((__int128)(int64_t)(t - c->base_ticks) * (__int128)c->mult >> 32));
	const int64_t off = said - (int64_t)ns;

	assert_in_range(llabs(off), 0, c->error_ns);
}

static void the_same_counter(void **state)
{
	struct guest_clock c;
	const u64 first = 5000000000;

	w.born = 4123456789;
	w.hz = 2300000000;
	w.now = first;
	/* The guest has measured its clock badly; the host's is known. */
	begin(2310000000, 10000, 2300000000);
	host(TRACE_START, 0, 0);
	for (u64 i = 0; i < 500; i++)
		request(i, (u16)(i % 3), 2000 + i * 37 % 900, 1500 + i * 53 % 700);
	assert_null(end(&c));
	assert_int_equal(c.requests, 500);
	/* No closer than the fastest way there and back, no further than that. */
	assert_in_range(c.error_ns, 1000, 2300);
	is_true(&c, first);
	is_true(&c, w.now);
	assert_true(fabs(c.rate_ppm - 1e6 / 230) < 1);
}

/* Measured on a busy host: wrong by more than twice, and the guest does not know. */
static void a_clock_measured_wrongly(void **state)
{
	for (int host_known = 0; host_known < 2; host_known++) {
		struct guest_clock c;

		w.born = 1000;
		w.hz = 2445565971;
		w.now = 1000000000;
		begin(5803131276, 42, host_known ? 2445565971.0 : 0);
		host(TRACE_START, 0, 0);
		for (u64 i = 0; i < 400; i++) {
			request(i, 0, 1000 + i * 37 % 900, 1000 + i * 53 % 700);
			w.now += 100000;
		}
		assert_null(end(&c));
		is_true(&c, 1000000000);
		is_true(&c, w.now - 100000);
	}
}

static void another_counter(void **state)
{
	struct guest_clock c;
	const u64 first = 7000000000;

	/* Drifts by 60 parts in a million from what the guest thinks. */
	w.born = 6999000000;
	w.hz = 62500000 * 1.00006;
	w.now = first;
	begin(62500000, 200, 2300000000);
	host(TRACE_START, 0, 0);
	for (u64 i = 0; i < 1000; i++) {
		request(i, 0, 1000 + i * 37 % 900, 1000 + i * 53 % 700);
		w.now += 1000000;
	}
	assert_null(end(&c));
	is_true(&c, first);
	is_true(&c, w.now - 1000000);
	assert_true(fabs(c.rate_ppm + 60) < 20);
}

/* A device that was used before, and a warm-up that nobody has written down. */
static void later_in_the_queue(void **state)
{
	struct guest_clock c;

	begin_in_ns(0);
	/* Firmware. */
	w.silent = true;
	host(TRACE_START, 0, 0);
	requests(0, 7);
	/* The guest. */
	host(TRACE_START, w.seq, 0);
	requests(0, 50);
	w.silent = false;
	requests(50, 150);
	w.silent = true;
	requests(150, 160);
	assert_null(end(&c));
	assert_int_equal(c.requests, 100);
	is_true(&c, 1000000);
	assert_in_range(c.error_ns, 500, 1300);
}

/* Without the word of where the queue began, both end with the same request. */
static void from_the_end(void **state)
{
	struct guest_clock c;

	begin_in_ns(500);
	w.seq = 12345;
	w.silent = true;
	requests(0, 20);
	w.silent = false;
	requests(20, 60);
	assert_null(end(&c));
	assert_int_equal(c.requests, 40);
	is_true(&c, 1000000);
}

/* A driver and a device that both look all the time: notifications come late, or are for nothing. */
static void notifications_are_not_believed(void **state)
{
	struct guest_clock c;

	begin_in_ns(0);
	host(TRACE_START, 0, 0);
	for (u64 i = 0; i < 200; i++) {
		guest(TRACE_SUBMIT, i, 0, 0);
		w.now += 300;
		host(TRACE_FETCH, i, 0);
		w.now += 100;
		guest(TRACE_NOTIFY, i, 0, 1); /* it is fetched already */
		w.now += 200;
		guest(TRACE_HANDLE, 0, 0, 0); /* for the one before */
		w.now += 100;
		host(TRACE_SERVE_END, i, 0);
		host(TRACE_PUBLISH, i, 0);
		w.now += 300;
		guest(TRACE_REAP, i, 0, 0);
		w.now += 100;
	}
	assert_null(end(&c));
	is_true(&c, 1000000);
	is_true(&c, w.now);
}

static void what_cannot_be_related(void **state)
{
	struct guest_clock c;

	begin_in_ns(0);
	request(0, 0, 100, 100);
	w.events = 0;
	assert_string_equal(end(&c), "the back-end has fetched nothing of the guest's queue");

	begin(1000000000, 0, 0);
	w.silent = true;
	request(0, 0, 100, 100);
	assert_string_equal(end(&c), "the guest has written no request down");

	/* Other heads: not these requests. */
	begin(1000000000, 0, 0);
	request(0, 1, 100, 100);
	request(1, 2, 100, 100);
	for (unsigned i = 0; i < w.events; i++)
		w.host[i].e.head ^= 3;
	assert_string_equal(end(&c), "guest and back-end have no request in common");

	/* A clock that jumps. */
	begin(1000000000, 0, 0);
	request(0, 1, 100, 100);
	w.born -= 50000000;
	request(1, 1, 100, 100);
	assert_string_equal(end(&c), "no offset and no rate keeps every cause before its effect");
}

/* Whatever the numbers are. */
static void nothing_is_believed(void **state)
{
	struct guest_clock c;
	u64 x = 88172645463325252ull;

	for (int round = 0; round < 200; round++) {
		begin(round % 3 ? x : 1, (u32)x, round % 2 ? 1e9 : 0);
		for (int i = 0; i < 40; i++) {
			struct trace_event e;

			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			e = (struct trace_event){ .kind = (u8)(x % 14),
						  .ticks = x * 0x9e3779b97f4a7c15ull,
						  .seq = i % 4 ? x >> 61 : x,
						  .head = (u16)(x >> 62),
						  .len = (u32)(x >> 20) };
			if (i % 2)
				assert_int_equal(clock_fit_guest(w.fit, &e), 0);
			else
				w.host[w.events++].e = e;
			w.host[w.events ? w.events - 1 : 0].ns = x;
		}
		end(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_counter),
		cmocka_unit_test(a_clock_measured_wrongly),
		cmocka_unit_test(another_counter),
		cmocka_unit_test(later_in_the_queue),
		cmocka_unit_test(from_the_end),
		cmocka_unit_test(notifications_are_not_believed),
		cmocka_unit_test(what_cannot_be_related),
		cmocka_unit_test(nothing_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
