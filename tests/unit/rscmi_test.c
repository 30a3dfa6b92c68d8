// SPDX-License-Identifier: BSD-3-Clause
/* The SCMI device's core on simulated hardware, at a time that the test says: commands in, responses and events out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ref-backends/device/host/scmi_ini.h"
#include "ref-backends/device/scmi_sim.h"

#define NOT  0xee
#define MS   1000000u
#define P2A  BIT_ULL(VIRTIO_SCMI_F_P2A_CHANNELS)
#define ROOM 600
#define CPU  0
#define UART 1
#define TEMP 0
#define WATT 1

static struct {
	struct scmi_platform p;
	struct scmi_sim sim;
	struct rscmi s;
	u64 now, alarm;

	u8 in[64], out[ROOM + 1];
	struct rdev_req req;
	unsigned answered;
	u16 token;

	u8 event[300];
} env;

static u64 now(struct scmi_hw *hw)
{
	return env.now;
}

static void set_alarm(struct scmi_hw *hw, u64 at)
{
	env.alarm = at;
}

/* It is so much later; alarms ring on the way. */
static void pass(u64 ns)
{
	const u64 end = env.now + ns;

	while (env.alarm <= end) {
		env.now = MAX(env.now, env.alarm);
		env.alarm = SCMI_NEVER;
		rscmi_alarm(&env.s);
	}
	env.now = end;
}

static void up(u64 features)
{
	env.s.dev.ops->reset(&env.s.dev);
	env.s.dev.ops->negotiated(&env.s.dev, features);
}

static void make(const char *text)
{
	char why[200] = "";

	memset(&env, 0, sizeof(env));
	if (!scmi_ini_parse(text, &env.p, why, sizeof(why)))
		fail_msg("%s", why);
	scmi_sim_init(&env.sim, &env.p);
	env.sim.ops.now = now;
	env.sim.ops.alarm = set_alarm;
	env.now = 1000 * MS;
	rscmi_init(&env.s, &env.p, &env.sim.hw, 1);
	up(P2A);
}

static int setup(void **state)
{
	make(scmi_ini_usual);
	return 0;
}

static void answered(struct rdev_req *req)
{
	env.answered++;
}

static void serve(u16 queue, struct dvq_seg *segs, u32 readable, u32 writable)
{
	env.req = (struct rdev_req){ .done = answered, .used_len = 0xdead, .queue = queue };
	env.req.chain.segs = segs;
	env.req.chain.n_readable = readable;
	env.req.chain.n_writable = writable;
	for (u32 k = 0; k < readable + writable; k++)
		*(k < readable ? &env.req.chain.readable : &env.req.chain.writable) += segs[k].len;
	env.answered = 0;
	if (queue == SCMI_EVENTQ)
		env.req.used_len = 0;
	env.s.dev.ops->serve(&env.s.dev, &env.req);
	assert_int_equal(env.answered, 1);
}

static u32 word(const u8 *at)
{
	return at[0] | (u32)at[1] << 8 | (u32)at[2] << 16 | (u32)at[3] << 24;
}

static void put(u8 *at, u32 v)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (u8)(v >> 8 * i);
}

static u64 out64(unsigned i)
{
	return word(env.out + 8 + 4 * i) | (u64)word(env.out + 12 + 4 * i) << 32;
}

static u32 out32(unsigned i)
{
	return word(env.out + 8 + 4 * i);
}

/* A command with `n` parameters and `room` bytes for the response; its status. */
static int ask_in(u32 room, u8 protocol, u8 message, unsigned n, ...)
{
	const u32 header = scmi_header(++env.token, protocol, SCMI_COMMAND, message);
	struct dvq_seg segs[] = { { env.in, 4 + 4 * n }, { env.out, room } };
	va_list ap;

	put(env.in, header);
	va_start(ap, n);
	for (unsigned i = 0; i < n; i++)
		put(env.in + 4 + 4 * i, va_arg(ap, u32));
	va_end(ap);
	memset(env.out, NOT, sizeof(env.out));
	serve(SCMI_CMDQ, segs, 1, 1);
	assert_true(env.req.used_len >= 8 && env.req.used_len <= room);
	assert_int_equal(word(env.out), header);
	assert_int_equal(env.out[env.req.used_len], NOT);
	if (word(env.out + 4))
		assert_int_equal(env.req.used_len, 8);
	return (int)word(env.out + 4);
}

#define ASK(...) ask_in(ROOM, __VA_ARGS__)
#define ok(...)	 assert_int_equal(ASK(__VA_ARGS__), SCMI_SUCCESS)
#define not(st, ...) assert_int_equal(ASK(__VA_ARGS__), st)

/* A buffer for an event: its length, 0: there was none. */
static u32 next_event(u32 room)
{
	struct dvq_seg segs[] = { { env.event, room } };

	memset(env.event, NOT, sizeof(env.event));
	if (!env.s.dev.ops->ready(&env.s.dev, SCMI_EVENTQ))
		return 0;
	serve(SCMI_EVENTQ, segs, 0, 1);
	assert_int_equal(env.event[env.req.used_len], NOT);
	return env.req.used_len;
}

static u32 ev(unsigned i)
{
	return word(env.event + 4 * i);
}

static void event_is(u32 len, u8 protocol, u8 type, u8 message)
{
	assert_int_equal(next_event(200), len);
	assert_int_equal(scmi_protocol_of(ev(0)), protocol);
	assert_int_equal(scmi_type_of(ev(0)), type);
	assert_int_equal(scmi_message_of(ev(0)), message);
}

#define no_event() assert_int_equal(next_event(200), 0)

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

static void set_rate(u32 clock, u64 rate, u32 flags, u64 expected)
{
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, flags, clock, (u32)rate, (u32)(rate >> 32));
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, clock);
	assert_int_equal(out64(0), expected);
}

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

/* --- sensors ------------------------------------------------------------------------------------------------- */

static int64_t read_sensor(u32 id)
{
	ok(SCMI_SENSOR, SCMI_SENSOR_READING, 2, id, 0);
	assert_int_equal(env.req.used_len, 8 + 16);
	return (int64_t)out64(0);
}

static void test_sensors(void **state)
{
	ok(SCMI_SENSOR, SCMI_ATTRIBUTES, 0);
	assert_int_equal(out32(0), SCMI_PENDING_OF << 16 | 2);
	assert_int_equal(out64(1), 0);
	assert_int_equal(out32(3), 0);
	ok(SCMI_SENSOR, SCMI_SENSOR_DESCRIPTION, 1, 0);
	assert_int_equal(out32(0), 2);
	assert_int_equal(env.req.used_len, 8 + 4 + 2 * 28);
	assert_int_equal(out32(1), TEMP);
	assert_int_equal(out32(2) & SCMI_SENSOR_TRIPS, 2);
	assert_true(out32(2) & SCMI_SENSOR_HAS_ASYNC);
	assert_int_equal(out32(3), 29 << SCMI_SENSOR_SCALE | SCMI_SENSOR_CELSIUS);
	assert_string_equal((char *)env.out + 8 + 16, "cpu-temp");
	assert_int_equal(ask_in(8 + 4 + 30, SCMI_SENSOR, SCMI_SENSOR_DESCRIPTION, 1, 0), 0);
	assert_int_equal(out32(0), 1 << 16 | 1);
	ok(SCMI_SENSOR, SCMI_SENSOR_DESCRIPTION, 1, 1);
	assert_int_equal(out32(0), 1);
	not(SCMI_OUT_OF_RANGE, SCMI_SENSOR, SCMI_SENSOR_DESCRIPTION, 1, 2);
	ok(SCMI_SENSOR, SCMI_SENSOR_NAME, 1, 1);
	assert_string_equal((char *)env.out + 12, "cpu-power");
	ok(SCMI_SENSOR, SCMI_SENSOR_INTERVALS, 2, TEMP, 1);
	assert_int_equal(out32(0), 2);
	assert_int_equal(out32(1), 50 << 5 | 29);
	not(SCMI_OUT_OF_RANGE, SCMI_SENSOR, SCMI_SENSOR_INTERVALS, 2, TEMP, 4);
	not(SCMI_NOT_SUPPORTED, SCMI_SENSOR, SCMI_SENSOR_AXIS, 2, TEMP, 0);
	not(SCMI_NOT_FOUND, SCMI_SENSOR, SCMI_SENSOR_READING, 2, 2, 0);
	not(SCMI_INVALID_PARAMETERS, SCMI_SENSOR, SCMI_SENSOR_READING, 2, 0, 2);
	assert_int_equal(ask_in(8 + 15, SCMI_SENSOR, SCMI_SENSOR_READING, 2, 0, 0),
			 SCMI_PROTOCOL_ERROR);
	assert_int_equal(ask_in(8, SCMI_SENSOR, SCMI_SENSOR_READING, 2, 0, SCMI_READ_ASYNC), 0);
}

static void test_waves(void **state)
{
	/* A triangle of two seconds: it is at its top now. */
	assert_int_equal(read_sensor(TEMP), 75000);
	assert_int_equal(out64(2), env.now / 1000);
	env.now += 500 * MS;
	assert_int_equal(read_sensor(TEMP), 55000);
	env.now += 500 * MS;
	assert_int_equal(read_sensor(TEMP), 35000);
	env.now += 250 * MS;
	assert_int_equal(read_sensor(TEMP), 45000);
	/* What a clock takes. */
	assert_int_equal(read_sensor(WATT), 150 + 4350 * 2 / 5);
	set_rate(CPU, 1500000000, 0, 1500000000);
	assert_int_equal(read_sensor(WATT), 4500);
	ok(SCMI_CLOCK, SCMI_CLOCK_CONFIG_SET, 2, CPU, 0);
	assert_int_equal(read_sensor(WATT), 150);
	make("[agent a]\n"
	     "[sensor r]\nwave=ramp\nlow=-100\nhigh=100\nperiod-ms=1000\n"
	     "[sensor s]\nwave=square\nlow=-1\nhigh=1\nperiod-ms=10\n"
	     "[sensor n]\nwave=noise\nlow=-2147483648\nhigh=2147483647\nperiod-ms=64\n"
	     "[sensor k]\nlow=7\n");
	assert_int_equal(read_sensor(0), -100);
	assert_int_equal(read_sensor(1), -1);
	env.now += 6 * MS;
	assert_int_equal(read_sensor(1), 1);
	env.now += 494 * MS;
	assert_int_equal(read_sensor(0), 0);
	assert_int_equal(read_sensor(3), 7);
	for (unsigned i = 0, same = 0; i < 100; i++, env.now += MS) {
		const int64_t before = read_sensor(2);

		assert_true(before >= INT32_MIN && before <= INT32_MAX);
		env.now += MS;
		same += before == read_sensor(2);
		assert_true(same < 3);
	}
}

static void config(u32 id, u32 config_, u32 expected)
{
	ok(SCMI_SENSOR, SCMI_SENSOR_CONFIG_SET, 2, id, config_);
	ok(SCMI_SENSOR, SCMI_SENSOR_CONFIG_GET, 1, id);
	assert_int_equal(out32(0), expected);
}

#define EVERY(n, exp, how) ((u32)(n) << 16 | ((u32)(exp)&0x1f) << 11 | (u32)(how) << 9)

static void test_sensor_config(void **state)
{
	const u32 usual = EVERY(5, -3, 0) | 3;

	ok(SCMI_SENSOR, SCMI_SENSOR_CONFIG_GET, 1, TEMP);
	assert_int_equal(out32(0), usual);
	config(TEMP, 3, usual);
	config(TEMP, EVERY(50, -3, 0) | 3, EVERY(50, -3, 0) | 3);
	config(TEMP, EVERY(5, -2, 0) | 1, EVERY(50, -3, 0) | 1);
	config(TEMP, EVERY(60, -3, 1) | 1, EVERY(500, -3, 0) | 1);
	config(TEMP, EVERY(60, -3, 2) | 1, EVERY(50, -3, 0) | 1);
	config(TEMP, EVERY(0xffff, 15, 0) | 1, EVERY(500, -3, 0) | 1);
	read_sensor(TEMP);
	assert_int_equal(out64(2), 0);
	not(SCMI_INVALID_PARAMETERS, SCMI_SENSOR, SCMI_SENSOR_CONFIG_SET, 2, TEMP,
	    EVERY(1, -3, 0) | 1);
	not(SCMI_INVALID_PARAMETERS, SCMI_SENSOR, SCMI_SENSOR_CONFIG_SET, 2, TEMP,
	    EVERY(60, -3, 3) | 1);
	not(SCMI_INVALID_PARAMETERS, SCMI_SENSOR, SCMI_SENSOR_CONFIG_SET, 2, TEMP, 4);
	config(TEMP, 0, EVERY(500, -3, 0));
	not(SCMI_HARDWARE_ERROR, SCMI_SENSOR, SCMI_SENSOR_READING, 2, TEMP, 0);
	/* One that was asked for before it went off fails. */
	config(TEMP, 1, EVERY(500, -3, 0) | 1);
	ok(SCMI_SENSOR, SCMI_SENSOR_READING, 2, TEMP, SCMI_READ_ASYNC);
	ok(SCMI_SENSOR, SCMI_SENSOR_CONFIG_SET, 2, TEMP, 0);
	pass(2 * MS);
	event_is(8, SCMI_SENSOR, SCMI_DELAYED, SCMI_SENSOR_READING);
	assert_int_equal((int)ev(1), SCMI_HARDWARE_ERROR);
}

static void test_updates(void **state)
{
	ok(SCMI_SENSOR, SCMI_SENSOR_UPDATE_NOTIFY, 2, TEMP, 1);
	event_is(28, SCMI_SENSOR, SCMI_NOTIFICATION, SCMI_SENSOR_UPDATED);
	no_event();
	for (unsigned i = 0; i < 10; i++) {
		pass(4 * MS);
		no_event();
		pass(MS);
		event_is(28, SCMI_SENSOR, SCMI_NOTIFICATION, SCMI_SENSOR_UPDATED);
		assert_int_equal(ev(2), TEMP);
		assert_int_equal(ev(3), (u32)scmi_sim_reading(&env.sim, TEMP, env.now));
		assert_int_equal(ev(5), (u32)(env.now / 1000));
	}
	/* Nobody takes them: then there is one, and it is new. */
	pass(400 * MS);
	event_is(28, SCMI_SENSOR, SCMI_NOTIFICATION, SCMI_SENSOR_UPDATED);
	assert_int_equal(ev(3), (u32)scmi_sim_reading(&env.sim, TEMP, env.now));
	no_event();
	pass(5 * MS);
	ok(SCMI_SENSOR, SCMI_SENSOR_UPDATE_NOTIFY, 2, TEMP, 0);
	no_event();
	assert_int_equal(env.alarm, SCMI_NEVER);
}

static void test_trips(void **state)
{
	const u32 both = SCMI_TRIP_UP | SCMI_TRIP_DOWN;

	env.now = 0;
	ok(SCMI_SENSOR, SCMI_SENSOR_TRIP_CONFIG, 4, TEMP, 1 << SCMI_TRIP_ID | both, 60000, 0);
	ok(SCMI_SENSOR, SCMI_SENSOR_TRIP_CONFIG, 4, TEMP, 0 << SCMI_TRIP_ID | SCMI_TRIP_DOWN, 40000,
	   0);
	assert_int_equal(env.alarm, SCMI_NEVER);
	ok(SCMI_SENSOR, SCMI_SENSOR_TRIP_NOTIFY, 2, TEMP, 1);
	/* 60000 is reached at 625 ms, and left at 1375; 40000 at 1875. */
	pass(620 * MS);
	no_event();
	pass(10 * MS);
	event_is(16, SCMI_SENSOR, SCMI_NOTIFICATION, SCMI_SENSOR_TRIPPED);
	assert_int_equal(ev(1), 1);
	assert_int_equal(ev(2), TEMP);
	assert_int_equal(ev(3), SCMI_TRIP_WAS_UP | 1);
	pass(740 * MS);
	no_event();
	pass(10 * MS);
	event_is(16, SCMI_SENSOR, SCMI_NOTIFICATION, SCMI_SENSOR_TRIPPED);
	assert_int_equal(ev(3), 1);
	pass(500 * MS);
	event_is(16, SCMI_SENSOR, SCMI_NOTIFICATION, SCMI_SENSOR_TRIPPED);
	assert_int_equal(ev(3), 0);
	ok(SCMI_SENSOR, SCMI_SENSOR_TRIP_NOTIFY, 2, TEMP, 0);
	pass(4000 * MS);
	no_event();
	assert_int_equal(env.alarm, SCMI_NEVER);
	not(SCMI_INVALID_PARAMETERS, SCMI_SENSOR, SCMI_SENSOR_TRIP_CONFIG, 4, TEMP,
	    2 << SCMI_TRIP_ID | both, 0, 0);
	not(SCMI_INVALID_PARAMETERS, SCMI_SENSOR, SCMI_SENSOR_TRIP_CONFIG, 4, TEMP, 4, 0, 0);
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

/* --- the file ------------------------------------------------------------------------------------------------ */

static const struct {
	const char *text, *why;
} wrong[] = {
	{ "", "there is no agent" },
	{ "[agent]", "line 1: which agent?" },
	{ "[platform x]", "line 1: it has no name" },
	{ "x = 1", "line 1: 'x' is in no section" },
	{ "[bus b]", "line 1: no section 'bus'" },
	{ "[clock a", "line 1: '[clock a' does not end with ]" },
	{ "hello", "line 1: 'hello' is neither [SECTION] nor KEY = VALUE" },
	{ "[agent a]\n[agent a]", "line 2: agent 'a' is there twice" },
	{ "[agent 0123456789abcdef]", "line 1: '0123456789abcdef' is not of 1 to 15 bytes" },
	{ "[agent a]\ntrusted=1", "line 2: '1' is neither yes nor no" },
	{ "[agent a]\ndeny=x", "line 2: there is no device 'x'" },
	{ "[agent a]\ndeny=d:power\n[device d]", "line 2: 'power' is none of them" },
	{ "[agent a]\n[clock c]", "clock 'c' has no rates" },
	{ "[clock c]\nrates=2,1", "line 2: rates are to ascend" },
	{ "[clock c]\nrates=0", "line 2: '0' is no number from 1 to 9223372036854775807" },
	{ "[clock c]\nrange=1..10/4",
	  "line 2: '1..10/4' is not LOW..HIGH/STEP with HIGH some steps above LOW" },
	{ "[clock c]\nrates=1\nrange=1..2/1", "line 3: it has rates already" },
	{ "[clock c]\nspeed=1", "line 2: no key 'speed' of a clock" },
	{ "[reset r]\nx=1", "line 2: no key 'x' of a reset domain" },
	{ "[agent a]\n[sensor s]\nwave=follows", "sensor 's' follows no clock" },
	{ "[agent a]\n[sensor s]\nwave=ramp", "sensor 's' has no period-ms" },
	{ "[sensor s]\nwave=sine", "line 2: 'sine' is none of them" },
	{ "[sensor s]\ntrips=5", "line 2: '5' is no number from 0 to 4" },
	{ "[sensor s]\nintervals-ms=10,10", "line 2: intervals are to ascend" },
	{ "[device d]\nclocks=c", "line 2: there is no clock 'c'" },
	{ "[platform]\ncolour=red", "line 2: no key 'colour' of the platform" },
};

static void test_file(void **state)
{
	struct scmi_platform p;
	char why[200], many[64 * 40] = "", too_long[700];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_false(scmi_ini_parse(wrong[i].text, &p, why, sizeof(why)));
		assert_string_equal(why, wrong[i].why);
	}
	for (unsigned i = 0; i <= SCMI_MAX; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), "[reset r%u]\n", i);
	assert_false(scmi_ini_parse(many, &p, why, sizeof(why)));
	assert_string_equal(why, "line 33: more than 32 of 'reset'");
	memset(too_long, 'x', sizeof(too_long));
	too_long[sizeof(too_long) - 1] = '\0';
	assert_false(scmi_ini_parse(too_long, &p, why, sizeof(why)));
	assert_string_equal(why, "line 1: longer than 511 bytes");
	assert_true(scmi_ini_parse("\n; all of it\n [ agent  a ] # and more\n\ttrusted = yes\n", &p,
				   why, sizeof(why)));
	assert_string_equal(p.agents[0].name, "a");
	assert_true(p.agents[0].trusted);
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
		cmocka_unit_test_setup(test_sensors, setup),
		cmocka_unit_test_setup(test_waves, setup),
		cmocka_unit_test_setup(test_sensor_config, setup),
		cmocka_unit_test_setup(test_updates, setup),
		cmocka_unit_test_setup(test_trips, setup),
		cmocka_unit_test_setup(test_small_buffers, setup),
		cmocka_unit_test_setup(test_without_events, setup),
		cmocka_unit_test_setup(test_watched, setup),
		cmocka_unit_test_setup(test_permissions, setup),
		cmocka_unit_test_setup(test_not_trusted, setup),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
