// SPDX-License-Identifier: BSD-3-Clause
/* The SCMI device's core on simulated hardware, at a time that the test says: commands in, responses and events out. */
#include "tests/unit/rscmi.h"

/* --- base --------------------------------------------------------------------------------------------------- */

static void test_base(void **state)
{
	ok(SCMI_BASE, SCMI_VERSION, 0);
	assert_int_equal(out32(0), 0x20001);
	ok(SCMI_BASE, SCMI_ATTRIBUTES, 0);
	assert_int_equal(out32(0), 2 << 8 | 3);
	ok(SCMI_BASE, SCMI_BASE_VENDOR, 0);
	assert_string_equal((char *)env.out + 8, "ringside");
	assert_int_equal(env.req.used_len, 24);
	ok(SCMI_BASE, SCMI_BASE_SUB_VENDOR, 0);
	assert_string_equal((char *)env.out + 8, "simulated");
	ok(SCMI_BASE, SCMI_BASE_IMPLEMENTATION, 0);
	assert_int_equal(out32(0), 1);
	ok(SCMI_BASE, SCMI_BASE_PROTOCOLS, 1, 0);
	assert_int_equal(out32(0), 3);
	assert_int_equal(out32(1), SCMI_CLOCK | SCMI_SENSOR << 8 | SCMI_RESET << 16);
	assert_int_equal(env.req.used_len, 16);
	ok(SCMI_BASE, SCMI_BASE_PROTOCOLS, 1, 2);
	assert_int_equal(out32(0), 1);
	assert_int_equal(out32(1), SCMI_RESET);
	ok(SCMI_BASE, SCMI_BASE_PROTOCOLS, 1, 3);
	assert_int_equal(out32(0), 0);
	assert_int_equal(env.req.used_len, 12);
	not(SCMI_INVALID_PARAMETERS, SCMI_BASE, SCMI_BASE_PROTOCOLS, 1, 4);
	/* Of a list that has ended the number is enough; of one that has not, something has to come. */
	assert_int_equal(ask_in(12, SCMI_BASE, SCMI_BASE_PROTOCOLS, 1, 3), SCMI_SUCCESS);
	assert_int_equal(ask_in(12, SCMI_BASE, SCMI_BASE_PROTOCOLS, 1, 0), SCMI_PROTOCOL_ERROR);
	assert_int_equal(ask_in(12, SCMI_CLOCK, SCMI_CLOCK_RATES, 2, 1, 3), SCMI_SUCCESS);
	assert_int_equal(ask_in(12, SCMI_CLOCK, SCMI_CLOCK_RATES, 2, 1, 0), SCMI_PROTOCOL_ERROR);
	assert_int_equal(ask_in(12, SCMI_SENSOR, SCMI_SENSOR_INTERVALS, 2, 1, 2), SCMI_SUCCESS);
	assert_int_equal(ask_in(12, SCMI_SENSOR, SCMI_SENSOR_INTERVALS, 2, 1, 0),
			 SCMI_PROTOCOL_ERROR);
	assert_int_equal(ask_in(12, SCMI_SENSOR, SCMI_SENSOR_DESCRIPTION, 1, 0),
			 SCMI_PROTOCOL_ERROR);
	ok(SCMI_BASE, SCMI_BASE_AGENT, 1, SCMI_AGENT_SELF);
	assert_int_equal(out32(0), 1);
	assert_string_equal((char *)env.out + 12, "guest");
	ok(SCMI_BASE, SCMI_BASE_AGENT, 1, 0);
	assert_string_equal((char *)env.out + 12, "platform");
	ok(SCMI_BASE, SCMI_BASE_AGENT, 1, 2);
	assert_string_equal((char *)env.out + 12, "other");
	not(SCMI_NOT_FOUND, SCMI_BASE, SCMI_BASE_AGENT, 1, 3);
}

static void test_messages(void **state)
{
	static const u8 protocols[] = { SCMI_BASE, SCMI_CLOCK, SCMI_SENSOR, SCMI_RESET };

	for (unsigned i = 0; i < ARRAY_SIZE(protocols); i++) {
		unsigned n = 0;

		for (u32 m = 0; m < 0x100; m++) {
			const int told = ASK(protocols[i], SCMI_MESSAGE_ATTRIBUTES, 1, m);
			const int does = ASK(protocols[i], (u8)m, 0);

			assert_true(told == SCMI_SUCCESS || told == SCMI_NOT_FOUND);
			assert_int_equal(told == SCMI_NOT_FOUND, does == SCMI_NOT_SUPPORTED);
			n += told == SCMI_SUCCESS;
		}
		assert_true(n >= 7);
		ok(protocols[i], SCMI_VERSION, 0);
		ok(protocols[i], SCMI_NEGOTIATE_VERSION, 1, out32(0));
		not(SCMI_NOT_SUPPORTED, protocols[i], SCMI_NEGOTIATE_VERSION, 1, 0x10000);
		not(SCMI_NOT_FOUND, protocols[i], SCMI_MESSAGE_ATTRIBUTES, 1, 0x100);
	}
	not(SCMI_NOT_SUPPORTED, SCMI_POWER, SCMI_VERSION, 0);
	not(SCMI_NOT_SUPPORTED, 0xff, SCMI_VERSION, 0);
	not(SCMI_NOT_SUPPORTED, 0, 0, 0);
}

static void test_malformed(void **state)
{
	struct dvq_seg segs[] = { { env.in, 3 }, { env.out, 8 } };

	/* No header, no status. */
	memset(env.in, 0, sizeof(env.in));
	serve(SCMI_CMDQ, segs, 1, 1);
	assert_int_equal(env.req.used_len, 0);
	serve(SCMI_CMDQ, segs, 0, 0);
	assert_int_equal(env.req.used_len, 0);
	put(env.in, scmi_header(5, SCMI_CLOCK, SCMI_COMMAND, SCMI_CLOCK_CONFIG_SET));
	put(env.in + 4, UART);
	put(env.in + 8, 1);
	segs[0].len = 12;
	segs[1].len = 7;
	serve(SCMI_CMDQ, segs, 1, 1);
	assert_int_equal(env.req.used_len, 0);
	ok(SCMI_CLOCK, SCMI_CLOCK_CONFIG_GET, 2, UART, 0);
	assert_int_equal(out32(1), 0);
	/* Types and reserved bits. */
	for (u32 type = 1; type < 4; type++) {
		put(env.in, scmi_header(5, SCMI_BASE, type, SCMI_VERSION));
		segs[1].len = 100;
		serve(SCMI_CMDQ, segs, 1, 1);
		assert_int_equal((int)word(env.out + 4), SCMI_PROTOCOL_ERROR);
	}
	put(env.in, scmi_header(5, SCMI_BASE, 0, 0) | 0x80000000);
	serve(SCMI_CMDQ, segs, 1, 1);
	assert_int_equal((int)word(env.out + 4), SCMI_PROTOCOL_ERROR);
	/* Too few parameters, too little room; what is too much is left alone. */
	not(SCMI_PROTOCOL_ERROR, SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 0);
	assert_int_equal(ask_in(15, SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, 0), SCMI_PROTOCOL_ERROR);
	assert_int_equal(ask_in(16, SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, 0), SCMI_SUCCESS);
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 6, 0, 1, 2, 3, 4, 5);
}

static void test_pieces(void **state)
{
	struct dvq_seg segs[] = {
		{ env.in, 1 },	{ env.in + 1, 6 },  { env.in + 7, 1 },
		{ env.out, 3 }, { env.out + 3, 1 }, { env.out + 4, 100 },
	};

	put(env.in, scmi_header(900, SCMI_CLOCK, SCMI_COMMAND, SCMI_CLOCK_RATE_GET));
	put(env.in + 4, UART);
	serve(SCMI_CMDQ, segs, 3, 3);
	assert_int_equal(env.req.used_len, 16);
	assert_int_equal(scmi_token_of(word(env.out)), 900);
	assert_int_equal(out64(0), 24000000);
}

/* --- clocks -------------------------------------------------------------------------------------------------- */

static void test_clocks(void **state)
{
	ok(SCMI_CLOCK, SCMI_ATTRIBUTES, 0);
	assert_int_equal(out32(0), SCMI_PENDING_OF << 16 | 2);
	ok(SCMI_CLOCK, SCMI_CLOCK_ATTRIBUTES, 1, UART);
	assert_int_equal(out32(0),
			 SCMI_CLOCK_HAS_NAME | SCMI_CLOCK_NOTIFIES | SCMI_CLOCK_NOTIFIES_ASKED);
	assert_string_equal((char *)env.out + 12, "serial-baud-gen");
	ok(SCMI_CLOCK, SCMI_CLOCK_NAME, 1, UART);
	assert_string_equal((char *)env.out + 12, "serial-baud-generator");
	assert_int_equal(env.req.used_len, 8 + 4 + 64);
	ok(SCMI_CLOCK, SCMI_CLOCK_RATES, 2, UART, 0);
	assert_int_equal(out32(0), 3);
	assert_int_equal(out64(1), 1843200);
	assert_int_equal(out64(5), 48000000);
	/* In parts. */
	assert_int_equal(ask_in(8 + 4 + 16, SCMI_CLOCK, SCMI_CLOCK_RATES, 2, UART, 0), 0);
	assert_int_equal(out32(0), 1 << 16 | 2);
	ok(SCMI_CLOCK, SCMI_CLOCK_RATES, 2, UART, 2);
	assert_int_equal(out32(0), 1);
	assert_int_equal(out64(1), 48000000);
	not(SCMI_OUT_OF_RANGE, SCMI_CLOCK, SCMI_CLOCK_RATES, 2, UART, 4);
	ok(SCMI_CLOCK, SCMI_CLOCK_RATES, 2, CPU, 0);
	assert_int_equal(out32(0), SCMI_RATES_TRIPLET | 3);
	assert_int_equal(out64(5), 50000000);
	assert_int_equal(ask_in(8 + 4 + 16, SCMI_CLOCK, SCMI_CLOCK_RATES, 2, CPU, 0),
			 SCMI_PROTOCOL_ERROR);
	set_rate(UART, 30000000, 0, 24000000);
	set_rate(UART, 30000000, SCMI_RATE_UP, 48000000);
	set_rate(UART, 30000000, SCMI_RATE_CLOSEST, 24000000);
	set_rate(UART, 40000000, SCMI_RATE_CLOSEST, 48000000);
	set_rate(UART, ~0ull, 0, 48000000);
	set_rate(UART, 24000000, SCMI_RATE_UP, 24000000);
	set_rate(CPU, 999999999, 0, 950000000);
	set_rate(CPU, 950000001, SCMI_RATE_UP, 1000000000);
	set_rate(CPU, 1, SCMI_RATE_UP, 100000000);
	set_rate(CPU, ~0ull, SCMI_RATE_CLOSEST, 1500000000);
	not(SCMI_INVALID_PARAMETERS, SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, 0, UART, 1, 0);
	not(SCMI_INVALID_PARAMETERS, SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, SCMI_RATE_UP, UART, 0, 1);
	not(SCMI_INVALID_PARAMETERS, SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, 16, UART, 24000000, 0);
	not(SCMI_NOT_FOUND, SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, 0, 2, 1, 0);
	not(SCMI_NOT_FOUND, SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, 0xffffffff);
	ok(SCMI_CLOCK, SCMI_CLOCK_CONFIG_SET, 2, UART, 1);
	ok(SCMI_CLOCK, SCMI_CLOCK_CONFIG_GET, 2, UART, 0);
	assert_int_equal(out32(1), 1);
	ok(SCMI_CLOCK, SCMI_CLOCK_CONFIG_SET, 3, UART, 3, 0);
	not(SCMI_INVALID_PARAMETERS, SCMI_CLOCK, SCMI_CLOCK_CONFIG_SET, 3, UART, 2, 0);
	not(SCMI_NOT_SUPPORTED, SCMI_CLOCK, SCMI_CLOCK_CONFIG_GET, 2, UART, 1);
	not(SCMI_NOT_FOUND, SCMI_CLOCK, SCMI_CLOCK_CONFIG_SET, 2, 7, 1);
	ok(SCMI_CLOCK, SCMI_CLOCK_ATTRIBUTES, 1, UART);
	assert_true(out32(0) & SCMI_CLOCK_ENABLED);
}

static void test_clock_events(void **state)
{
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_NOTIFY, 2, UART, 1);
	not(SCMI_INVALID_PARAMETERS, SCMI_CLOCK, SCMI_CLOCK_RATE_NOTIFY, 2, UART, 2);
	set_rate(CPU, 200000000, 0, 200000000);
	no_event();
	set_rate(UART, 24000000, 0, 24000000);
	no_event();
	set_rate(UART, 1843200, 0, 1843200);
	set_rate(UART, 48000000, 0, 48000000);
	/* One, of what is true now. */
	event_is(20, SCMI_CLOCK, SCMI_NOTIFICATION, SCMI_CLOCK_CHANGED);
	assert_int_equal(ev(1), 1);
	assert_int_equal(ev(2), UART);
	assert_int_equal(ev(3), 48000000);
	no_event();
	ok(SCMI_CLOCK, SCMI_CLOCK_REQUEST_NOTIFY, 2, UART, 1);
	set_rate(UART, 48000000, 0, 48000000);
	event_is(20, SCMI_CLOCK, SCMI_NOTIFICATION, SCMI_CLOCK_CHANGE_ASKED);
	no_event();
	set_rate(UART, 24000000, 0, 24000000);
	/* What is not wanted any more does not come. */
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_NOTIFY, 2, UART, 0);
	ok(SCMI_CLOCK, SCMI_CLOCK_REQUEST_NOTIFY, 2, UART, 0);
	no_event();
}

static void test_delayed_clock(void **state)
{
	u16 token;

	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, SCMI_RATE_ASYNC, UART, 1843200, 0);
	token = env.token;
	no_event();
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, UART);
	assert_int_equal(out64(0), 24000000);
	pass(999 * 1000);
	no_event();
	pass(1000);
	event_is(4 + 16, SCMI_CLOCK, SCMI_DELAYED, SCMI_CLOCK_RATE_SET);
	assert_int_equal(scmi_token_of(ev(0)), token);
	assert_int_equal(ev(1), 0);
	assert_int_equal(ev(2), UART);
	assert_int_equal(ev(3), 1843200);
	no_event();
	/* Eight at a time, and then none is refused a status. */
	for (unsigned i = 0; i < SCMI_PENDING_OF; i++)
		ok(SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, SCMI_RATE_ASYNC, CPU, 100000000, 0);
	not(SCMI_BUSY, SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, SCMI_RATE_ASYNC, UART, 1843200, 0);
	ok(SCMI_SENSOR, SCMI_SENSOR_READING, 2, TEMP, SCMI_READ_ASYNC);
	pass(MS * 1000);
	for (unsigned i = 0; i < SCMI_PENDING_OF; i++)
		event_is(4 + 16, SCMI_CLOCK, SCMI_DELAYED, SCMI_CLOCK_RATE_SET);
	event_is(4 + 24, SCMI_SENSOR, SCMI_DELAYED, SCMI_SENSOR_READING);
	no_event();
}

static void test_stuck(void **state)
{
	make("[agent a]\n[clock pll]\nrates=1,2\nstuck=yes\n[reset r]\nstuck=yes\n");
	ok(SCMI_BASE, SCMI_BASE_NOTIFY_ERRORS, 1, 1);
	not(SCMI_HARDWARE_ERROR, SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, 0, 0, 2, 0);
	not(SCMI_HARDWARE_ERROR, SCMI_RESET, SCMI_RESET_RESET, 3, 0, 1, 0);
	no_event();
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, SCMI_RATE_ASYNC, 0, 2, 0);
	ok(SCMI_RESET, SCMI_RESET_RESET, 3, 0, SCMI_RESET_ASYNC | SCMI_RESET_AUTONOMOUS, 0);
	pass(0);
	event_is(8, SCMI_CLOCK, SCMI_DELAYED, SCMI_CLOCK_RATE_SET);
	assert_int_equal((int)ev(1), SCMI_HARDWARE_ERROR);
	event_is(8, SCMI_RESET, SCMI_DELAYED, SCMI_RESET_RESET);
	/* Nobody is told, but of the error. */
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, SCMI_RATE_ASYNC | SCMI_RATE_SILENT, 0, 2, 0);
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, SCMI_RATE_ASYNC | SCMI_RATE_SILENT, 0, 2, 0);
	pass(0);
	event_is(4 + 8 + 16, SCMI_BASE, SCMI_NOTIFICATION, SCMI_BASE_ERROR);
	assert_int_equal(ev(1), 1);
	assert_int_equal(ev(2), 2);
	assert_int_equal(scmi_message_of(ev(3)), SCMI_CLOCK_RATE_SET);
	assert_int_equal((int)ev(4), SCMI_HARDWARE_ERROR);
	no_event();
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, SCMI_RATE_ASYNC | SCMI_RATE_SILENT, 0, 1, 0);
	pass(0);
	no_event();
}

/* --- resets -------------------------------------------------------------------------------------------------- */

static void test_resets(void **state)
{
	ok(SCMI_RESET, SCMI_ATTRIBUTES, 0);
	assert_int_equal(out32(0), 1);
	ok(SCMI_RESET, SCMI_RESET_ATTRIBUTES, 1, 0);
	assert_int_equal(out32(0), SCMI_RESET_HAS_ASYNC | SCMI_RESET_NOTIFIES);
	assert_int_equal(out32(1), 1000);
	assert_string_equal((char *)env.out + 16, "serial");
	ok(SCMI_RESET, SCMI_RESET_NAME, 1, 0);
	assert_string_equal((char *)env.out + 12, "serial");
	ok(SCMI_RESET, SCMI_RESET_NOTIFY, 2, 0, 1);
	ok(SCMI_RESET, SCMI_RESET_RESET, 3, 0, SCMI_RESET_AUTONOMOUS, SCMI_RESET_ARCH);
	assert_int_equal(env.sim.resets[0].count, 1);
	assert_false(env.sim.resets[0].asserted);
	event_is(16, SCMI_RESET, SCMI_NOTIFICATION, SCMI_RESET_ISSUED);
	assert_int_equal(ev(2), 0);
	assert_int_equal(ev(3), SCMI_RESET_ARCH);
	ok(SCMI_RESET, SCMI_RESET_RESET, 3, 0, SCMI_RESET_ASSERT, 0);
	ok(SCMI_RESET, SCMI_RESET_RESET, 3, 0, SCMI_RESET_ASSERT, 0);
	assert_true(env.sim.resets[0].asserted);
	assert_int_equal(env.sim.resets[0].count, 2);
	event_is(16, SCMI_RESET, SCMI_NOTIFICATION, SCMI_RESET_ISSUED);
	ok(SCMI_RESET, SCMI_RESET_RESET, 3, 0, 0, 0);
	assert_false(env.sim.resets[0].asserted);
	no_event();
	ok(SCMI_RESET, SCMI_RESET_NOTIFY, 2, 0, 0);
	ok(SCMI_RESET, SCMI_RESET_RESET, 3, 0, SCMI_RESET_ASYNC | SCMI_RESET_AUTONOMOUS, 0);
	assert_int_equal(env.sim.resets[0].count, 2);
	pass(MS);
	assert_int_equal(env.sim.resets[0].count, 3);
	event_is(12, SCMI_RESET, SCMI_DELAYED, SCMI_RESET_RESET);
	no_event();
	not(SCMI_INVALID_PARAMETERS, SCMI_RESET, SCMI_RESET_RESET, 3, 0, 3, 0);
	not(SCMI_INVALID_PARAMETERS, SCMI_RESET, SCMI_RESET_RESET, 3, 0, 8, 0);
	not(SCMI_INVALID_PARAMETERS, SCMI_RESET, SCMI_RESET_RESET, 3, 0, 1, 7);
	not(SCMI_NOT_FOUND, SCMI_RESET, SCMI_RESET_RESET, 3, 1, 1, 0);
}

/* --- the event queue ----------------------------------------------------------------------------------------- */

static void test_small_buffers(void **state)
{
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_NOTIFY, 2, UART, 1);
	set_rate(UART, 1843200, 0, 1843200);
	/* A notification is left out, and the buffer stays. */
	assert_int_equal(next_event(19), 0);
	assert_true(env.req.put_back);
	no_event();
	/* A delayed response fails, or waits. */
	ok(SCMI_SENSOR, SCMI_SENSOR_READING, 2, TEMP, SCMI_READ_ASYNC);
	pass(2 * MS);
	assert_int_equal(next_event(7), 0);
	assert_false(env.req.put_back);
	assert_int_equal(next_event(8), 8);
	assert_int_equal((int)ev(1), SCMI_PROTOCOL_ERROR);
	no_event();
}

static void test_without_events(void **state)
{
	static const u8 notifies[][2] = {
		{ SCMI_BASE, SCMI_BASE_NOTIFY_ERRORS },
		{ SCMI_CLOCK, SCMI_CLOCK_RATE_NOTIFY },
		{ SCMI_CLOCK, SCMI_CLOCK_REQUEST_NOTIFY },
		{ SCMI_RESET, SCMI_RESET_NOTIFY },
		{ SCMI_SENSOR, SCMI_SENSOR_TRIP_NOTIFY },
		{ SCMI_SENSOR, SCMI_SENSOR_UPDATE_NOTIFY },
	};

	for (unsigned with = 0; with < 2; with++) {
		up(with ? P2A : 0);
		for (unsigned i = 0; i < ARRAY_SIZE(notifies); i++) {
			const u8 *n = notifies[i];

			not(with ? SCMI_SUCCESS : SCMI_NOT_FOUND, n[0], SCMI_MESSAGE_ATTRIBUTES, 1,
			    n[1]);
			not(with ? SCMI_SUCCESS : SCMI_NOT_SUPPORTED, n[0], n[1], 2,
			    n[0] == SCMI_BASE ? 1 : 0, 1);
		}
		not(with ? SCMI_SUCCESS : SCMI_NOT_SUPPORTED, SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4,
		    SCMI_RATE_ASYNC, UART, 1843200, 0);
		not(with ? SCMI_SUCCESS : SCMI_NOT_SUPPORTED, SCMI_RESET, SCMI_RESET_RESET, 3, 0,
		    SCMI_RESET_ASYNC | SCMI_RESET_AUTONOMOUS, 0);
		not(with ? SCMI_SUCCESS : SCMI_NOT_SUPPORTED, SCMI_SENSOR, SCMI_SENSOR_READING, 2,
		    TEMP, SCMI_READ_ASYNC);
		/* What is told of them elsewhere. */
		ok(SCMI_CLOCK, SCMI_ATTRIBUTES, 0);
		assert_int_equal(!!(out32(0) & 0xff0000), with);
		ok(SCMI_SENSOR, SCMI_ATTRIBUTES, 0);
		assert_int_equal(!!(out32(0) & 0xff0000), with);
		ok(SCMI_CLOCK, SCMI_CLOCK_ATTRIBUTES, 1, CPU);
		assert_int_equal(!!(out32(0) & (SCMI_CLOCK_NOTIFIES | SCMI_CLOCK_NOTIFIES_ASKED)),
				 with);
		ok(SCMI_RESET, SCMI_RESET_ATTRIBUTES, 1, 0);
		assert_int_equal(out32(0) != 0, with);
		ok(SCMI_SENSOR, SCMI_SENSOR_DESCRIPTION, 1, 0);
		assert_int_equal(!!(out32(2) & (SCMI_SENSOR_HAS_ASYNC | SCMI_SENSOR_UPDATES |
						SCMI_SENSOR_TRIPS)),
				 with);
	}
	/* A reset of the device: nothing waits from before. */
	up(P2A);
	pass(MS * 1000);
	no_event();
}

static void test_watched(void **state)
{
	u8 params[16] = { 0 };

	assert_int_equal(
		rscmi_response_size(scmi_header(0, SCMI_BASE, 0, SCMI_BASE_AGENT), params, 16), 28);
	assert_int_equal(
		rscmi_response_size(scmi_header(0, SCMI_SENSOR, 0, SCMI_ATTRIBUTES), params, 16),
		24);
	assert_int_equal(rscmi_response_size(scmi_header(0, SCMI_SENSOR, 0, SCMI_SENSOR_READING),
					     params, 16),
			 24);
	assert_int_equal(rscmi_response_size(scmi_header(0, SCMI_POWER, 0, 0), params, 16), 8);
	assert_false(
		rscmi_wants_event(scmi_header(0, SCMI_SENSOR, 0, SCMI_SENSOR_READING), params, 16));
	params[4] = 1;
	assert_int_equal(rscmi_response_size(scmi_header(0, SCMI_SENSOR, 0, SCMI_SENSOR_READING),
					     params, 16),
			 8);
	assert_true(
		rscmi_wants_event(scmi_header(0, SCMI_SENSOR, 0, SCMI_SENSOR_READING), params, 8));
	assert_false(
		rscmi_wants_event(scmi_header(0, SCMI_SENSOR, 0, SCMI_SENSOR_READING), params, 4));
	assert_true(rscmi_wants_event(scmi_header(0, SCMI_CLOCK, 0, SCMI_CLOCK_RATE_NOTIFY), params,
				      8));
	assert_false(rscmi_wants_event(scmi_header(0, SCMI_CLOCK, 2, SCMI_CLOCK_RATE_NOTIFY),
				       params, 8));
}

/* --- permissions ---------------------------------------------------------------------------------------------- */

static void test_permissions(void **state)
{
	/* Devices: 0 has the processor's clock and both sensors, 1 the serial clock and the reset. */
	ok(SCMI_BASE, SCMI_BASE_DEVICE_PERMISSIONS, 3, 1, 1, 0);
	not(SCMI_DENIED, SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, UART);
	not(SCMI_DENIED, SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, 0, UART, 1843200, 0);
	not(SCMI_DENIED, SCMI_CLOCK, SCMI_CLOCK_CONFIG_SET, 2, UART, 1);
	not(SCMI_DENIED, SCMI_CLOCK, SCMI_CLOCK_RATE_NOTIFY, 2, UART, 1);
	not(SCMI_DENIED, SCMI_RESET, SCMI_RESET_RESET, 3, 0, 1, 0);
	ok(SCMI_CLOCK, SCMI_CLOCK_ATTRIBUTES, 1, UART);
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, CPU);
	ok(SCMI_SENSOR, SCMI_SENSOR_READING, 2, TEMP, 0);
	ok(SCMI_BASE, SCMI_BASE_PROTOCOL_PERMISSIONS, 4, 1, 1, SCMI_RESET, SCMI_ALLOW);
	ok(SCMI_RESET, SCMI_RESET_RESET, 3, 0, 1, 0);
	not(SCMI_DENIED, SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, UART);
	ok(SCMI_BASE, SCMI_BASE_PROTOCOL_PERMISSIONS, 4, 1, 0, SCMI_SENSOR, 0);
	not(SCMI_DENIED, SCMI_SENSOR, SCMI_SENSOR_READING, 2, TEMP, 0);
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, CPU);
	/* Those of the other agent are not this one's. */
	ok(SCMI_BASE, SCMI_BASE_DEVICE_PERMISSIONS, 3, 2, 0, 0);
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, CPU);
	ok(SCMI_BASE, SCMI_BASE_RESET_AGENT, 2, 1, SCMI_RESET_ALLOWED);
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, UART);
	ok(SCMI_SENSOR, SCMI_SENSOR_READING, 2, TEMP, 0);
	not(SCMI_NOT_FOUND, SCMI_BASE, SCMI_BASE_DEVICE_PERMISSIONS, 3, 0, 0, 0);
	not(SCMI_NOT_FOUND, SCMI_BASE, SCMI_BASE_DEVICE_PERMISSIONS, 3, 3, 0, 0);
	not(SCMI_NOT_FOUND, SCMI_BASE, SCMI_BASE_DEVICE_PERMISSIONS, 3, 1, 2, 0);
	not(SCMI_INVALID_PARAMETERS, SCMI_BASE, SCMI_BASE_DEVICE_PERMISSIONS, 3, 1, 1, 2);
	not(SCMI_INVALID_PARAMETERS, SCMI_BASE, SCMI_BASE_PROTOCOL_PERMISSIONS, 4, 1, 1, SCMI_BASE,
	    0);
	not(SCMI_NOT_FOUND, SCMI_BASE, SCMI_BASE_PROTOCOL_PERMISSIONS, 4, 1, 1, SCMI_PERF, 0);
}

static void test_not_trusted(void **state)
{
	make("[agent guest]\ndeny = b:clock\n[device b]\nclocks=c\nresets=r\n"
	     "[clock c]\nrates=1,2\n[clock free]\nrates=1,2\n[reset r]\n");
	not(SCMI_DENIED, SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, 0);
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, 1);
	ok(SCMI_RESET, SCMI_RESET_RESET, 3, 0, 1, 0);
	not(SCMI_DENIED, SCMI_BASE, SCMI_BASE_DEVICE_PERMISSIONS, 3, 1, 0, SCMI_ALLOW);
	not(SCMI_DENIED, SCMI_BASE, SCMI_BASE_PROTOCOL_PERMISSIONS, 4, 1, 0, SCMI_CLOCK,
	    SCMI_ALLOW);
	not(SCMI_DENIED, SCMI_BASE, SCMI_BASE_RESET_AGENT, 2, 1, SCMI_RESET_ALLOWED);
	/* What it has set up itself it may take back. */
	set_rate(1, 2, 0, 2);
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_NOTIFY, 2, 1, 1);
	ok(SCMI_BASE, SCMI_BASE_RESET_AGENT, 2, 1, 0);
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, 1);
	assert_int_equal(out64(0), 1);
	set_rate(1, 2, 0, 2);
	no_event();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_base, setup),
		cmocka_unit_test_setup(test_messages, setup),
		cmocka_unit_test_setup(test_malformed, setup),
		cmocka_unit_test_setup(test_pieces, setup),
		cmocka_unit_test_setup(test_clocks, setup),
		cmocka_unit_test_setup(test_clock_events, setup),
		cmocka_unit_test_setup(test_delayed_clock, setup),
		cmocka_unit_test_setup(test_stuck, setup),
		cmocka_unit_test_setup(test_resets, setup),
		cmocka_unit_test_setup(test_small_buffers, setup),
		cmocka_unit_test_setup(test_without_events, setup),
		cmocka_unit_test_setup(test_watched, setup),
		cmocka_unit_test_setup(test_permissions, setup),
		cmocka_unit_test_setup(test_not_trusted, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
