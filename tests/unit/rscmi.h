/* SPDX-License-Identifier: BSD-3-Clause */
/* The SCMI device's core on simulated hardware, at a time that the test says: commands in, responses and events out. */
#ifndef TESTS_UNIT_RSCMI_H
#define TESTS_UNIT_RSCMI_H

#include <setjmp.h>
#include <stdarg.h>
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

static inline u64 now(struct scmi_hw *hw)
{
	return env.now;
}

static inline void set_alarm(struct scmi_hw *hw, u64 at)
{
	env.alarm = at;
}

/* It is so much later; alarms ring on the way. */
static inline void pass(u64 ns)
{
	const u64 end = env.now + ns;

	while (env.alarm <= end) {
		env.now = MAX(env.now, env.alarm);
		env.alarm = SCMI_NEVER;
		rscmi_alarm(&env.s);
	}
	env.now = end;
}

static inline void up(u64 features)
{
	env.s.dev.ops->reset(&env.s.dev);
	env.s.dev.ops->negotiated(&env.s.dev, features);
}

static inline void make(const char *text)
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

static inline int setup(void **state)
{
	make(scmi_ini_usual);
	return 0;
}

static inline void answered(struct rdev_req *req)
{
	env.answered++;
}

static inline void serve(u16 queue, struct dvq_seg *segs, u32 readable, u32 writable)
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

static inline u32 word(const u8 *at)
{
	return at[0] | (u32)at[1] << 8 | (u32)at[2] << 16 | (u32)at[3] << 24;
}

static inline void put(u8 *at, u32 v)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (u8)(v >> 8 * i);
}

static inline u64 out64(unsigned i)
{
	return word(env.out + 8 + 4 * i) | (u64)word(env.out + 12 + 4 * i) << 32;
}

static inline u32 out32(unsigned i)
{
	return word(env.out + 8 + 4 * i);
}

/* A command with `n` parameters and `room` bytes for the response; its status. */
static inline int ask_in(u32 room, u8 protocol, u8 message, unsigned n, ...)
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
static inline u32 next_event(u32 room)
{
	struct dvq_seg segs[] = { { env.event, room } };

	memset(env.event, NOT, sizeof(env.event));
	if (!env.s.dev.ops->ready(&env.s.dev, SCMI_EVENTQ))
		return 0;
	serve(SCMI_EVENTQ, segs, 0, 1);
	assert_int_equal(env.event[env.req.used_len], NOT);
	return env.req.used_len;
}

static inline u32 ev(unsigned i)
{
	return word(env.event + 4 * i);
}

static inline void event_is(u32 len, u8 protocol, u8 type, u8 message)
{
	assert_int_equal(next_event(200), len);
	assert_int_equal(scmi_protocol_of(ev(0)), protocol);
	assert_int_equal(scmi_type_of(ev(0)), type);
	assert_int_equal(scmi_message_of(ev(0)), message);
}

#define no_event() assert_int_equal(next_event(200), 0)

/* The answer to a rate, and what the clock then has. */
static inline void set_rate(u32 clock, u64 rate, u32 flags, u64 expected)
{
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, flags, clock, (u32)rate, (u32)(rate >> 32));
	ok(SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, clock);
	assert_int_equal(out64(0), expected);
}

#endif
