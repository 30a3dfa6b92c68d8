// SPDX-License-Identifier: BSD-3-Clause
/*
 * Whatever an agent asks of an SCMI platform, and whatever such a platform's file says: a response is inside its
 * buffer and begins with the header of its command, what does not succeed is a status and no more, the event queue
 * says nothing that does not fit, and delayed responses come, once each.
 *
 * Input: what to fuzz (1). A file: its text. Commands: features (1), then steps: what it is (1), and of a command its
 * protocol (1), message (1), bits of its header (1), number of parameter bytes (1), these, and room (2); of a buffer
 * for events its size (1); of time how much passes (2).
 */
#include "ref-backends/device/host/scmi_ini.h"
#include "ref-backends/device/scmi_sim.h"
#include "tests/fuzz/input.h"

#define PARAMS 40
#define ROOM   700
#define TEXT   4000

static struct scmi_platform board;

static struct {
	struct scmi_sim sim;
	struct rscmi s;
	u64 now, alarm;
	unsigned done, asked, came; /* requests; delayed responses */
} env;

static u64 now(struct scmi_hw *hw)
{
	return env.now;
}

static void set_alarm(struct scmi_hw *hw, u64 at)
{
	env.alarm = at;
}

static void done(struct rdev_req *req)
{
	env.done++;
	MUST(req->put_back || req->used_len <= req->chain.writable);
}

static u32 word(const u8 *at)
{
	u32 le;

	memcpy(&le, at, sizeof(le));
	return le32(le);
}

/* One buffer of `out` bytes to read and one of `in` to write; how many were written. */
static u32 serve(u16 queue, u8 *from, u32 out, u8 *to, u32 in)
{
	struct dvq_seg segs[2];
	struct rdev_req req = { .done = done, .queue = queue };

	req.chain.segs = segs;
	if (out)
		segs[req.chain.n_readable++] = (struct dvq_seg){ from, out };
	if (in)
		segs[req.chain.n_readable + req.chain.n_writable++] = (struct dvq_seg){ to, in };
	req.chain.readable = out;
	req.chain.writable = in;
	env.done = 0;
	env.s.dev.ops->serve(&env.s.dev, &req);
	MUST(env.done == 1);
	return req.put_back ? 0 : req.used_len;
}

static void command(struct input *in)
{
	static const u8 protocols[] = { SCMI_BASE, SCMI_CLOCK, SCMI_SENSOR, SCMI_RESET };
	const u8 p = input_u8(in), message = input_u8(in), bits = input_u8(in);
	const u32 params = input_u8(in) % PARAMS;
	/* Allocations of their exact size. */
	u8 *from = malloc(SCMI_HEADER + params), *to;
	u32 header = scmi_header(bits, p < 0xf0 ? protocols[p % 4] : p, bits & 0x80 ? bits : 0,
				 message % 32),
	    len, room;

	MUST(from);
	memcpy(from, &(u32){ le32(header) }, SCMI_HEADER);
	input_bytes(in, from + SCMI_HEADER, params);
	room = input_u16(in) % ROOM;
	to = malloc(room);
	MUST(to || !room);
	len = serve(SCMI_CMDQ, from, SCMI_HEADER + params, to, room);
	MUST(len == 0 || len >= 8);
	MUST((len == 0) == (room < 8));
	if (len) {
		MUST(word(to) == header);
		MUST(!word(to + 4) || len == 8);
		env.asked += !word(to + 4) &&
			     rscmi_wants_event(header, from + SCMI_HEADER, params) &&
			     env.s.features & 1;
		MUST(word(to + 4) ||
		     len >= rscmi_response_size(header, from + SCMI_HEADER, params));
	}
	free(from);
	free(to);
}

static void event(u32 size)
{
	u8 *to = malloc(size);
	u32 len;

	MUST(to || !size);
	if (env.s.dev.ops->ready(&env.s.dev, SCMI_EVENTQ)) {
		len = serve(SCMI_EVENTQ, NULL, 0, to, size);
		MUST(len == 0 || len >= 8);
		if (len && scmi_type_of(word(to)) == SCMI_DELAYED)
			env.came++;
	}
	free(to);
}

static void pass(u64 us)
{
	const u64 end = env.now + us * 1000;

	for (unsigned rung = 0; env.alarm <= end && rung < 100; rung++) {
		env.now = MAX(env.now, env.alarm);
		env.alarm = SCMI_NEVER;
		rscmi_alarm(&env.s);
		/* It does not ring again for what has been. */
		MUST(env.alarm > env.now);
	}
	env.now = MAX(env.now, end);
}

static void commands(struct input *in)
{
	char why[100];

	memset(&env, 0, sizeof(env));
	MUST(board.num_agents || scmi_ini_parse(scmi_ini_usual, &board, why, sizeof(why)));
	scmi_sim_init(&env.sim, &board);
	env.sim.ops.now = now;
	env.sim.ops.alarm = set_alarm;
	env.alarm = SCMI_NEVER;
	rscmi_init(&env.s, &board, &env.sim.hw, 1);
	env.s.dev.ops->negotiated(&env.s.dev, input_u8(in) & 1);
	while (in->left) {
		const u8 what = input_u8(in);

		if (what < 0xc0)
			command(in);
		else if (what < 0xe0)
			event(input_u8(in));
		else
			pass(input_u16(in));
	}
	/* All that was promised comes, when there is room. */
	pass(1000000);
	for (unsigned i = 0; i < 400 && env.s.dev.ops->ready(&env.s.dev, SCMI_EVENTQ); i++)
		event(200);
	for (unsigned i = 0; i < SCMI_PENDING; i++)
		MUST(!env.s.pending[i].used);
	MUST(!env.s.dev.ops->ready(&env.s.dev, SCMI_EVENTQ));
	MUST(env.came <= env.asked);
}

static void file(struct input *in)
{
	static struct scmi_platform p;
	static struct scmi_sim sim;
	char why[100] = "", text[TEXT + 1];
	size_t len = MIN(in->left, (size_t)TEXT);
	int64_t value;

	input_bytes(in, (u8 *)text, len);
	text[len] = '\0';
	if (!scmi_ini_parse(text, &p, why, sizeof(why))) {
		MUST(why[0]);
		return;
	}
	scmi_sim_init(&sim, &p);
	for (u32 i = 0; i < p.num_sensors; i++) {
		for (u64 at = 1; at < BIT_ULL(60); at *= 7) {
			value = scmi_sim_reading(&sim, i, at);
			MUST(value >= p.sensors[i].low && value <= p.sensors[i].high);
		}
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };

	if (input_u8(&in) & 1)
		file(&in);
	else
		commands(&in);
	return 0;
}
