// SPDX-License-Identifier: BSD-3-Clause
/* Commands to an SCMI platform: a clock's rate back and forth, which is told of, and sensors that are read later. */
#include "harness/device/scmi.h"
#include "tests/bench/soaks/soak.h"

#define CLOCK 1
#define SLOW  1843200
#define FAST  48000000

enum {
	CHANGES,
	LATER,
	ASKED
};

static const u32 commands[][6] = {
	{ SCMI_BASE, SCMI_VERSION, 0 },
	{ SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, 0, CLOCK, SLOW },
	{ SCMI_CLOCK, SCMI_CLOCK_RATE_GET, 1, CLOCK },
	{ SCMI_CLOCK, SCMI_CLOCK_RATE_SET, 4, 0, CLOCK, FAST },
	{ SCMI_SENSOR, SCMI_SENSOR_READING, 2, 0, 0 },
	{ SCMI_SENSOR, SCMI_SENSOR_READING, 2, 0, SCMI_READ_ASYNC },
	{ SCMI_CLOCK, SCMI_CLOCK_RATE_NOTIFY, 2, CLOCK, SCMI_NOTIFY_ENABLE },
	{ SCMI_BASE, 0x7f, 0 },
};

static const u32 *command_of(const struct soak_req *r)
{
	return commands[r->n % ARRAY_SIZE(commands)];
}

static u32 header_of(const struct soak_req *r)
{
	const u32 *c = command_of(r);

	return scmi_header((u32)r->n, c[0], SCMI_COMMAND, c[1]);
}

static void request(struct soak *s, struct soak_req *r)
{
	const u32 *c = command_of(r);
	u32 params[4] = { 0 };

	for (u32 i = 0; i < c[2] && i < 3; i++)
		params[i] = c[3 + i];
	r->out.len = scmi_command(r->out.hva, header_of(r), params, c[2]);
	r->in.len = 64;
}

static bool good(struct soak *s, const struct soak_req *r)
{
	const u32 *c = command_of(r);
	const int status = (int)scmi_word(r->in.hva, 1);
	const bool later = c[0] == SCMI_SENSOR && c[4] == SCMI_READ_ASYNC;

	if (r->used_len < 8 || scmi_word(r->in.hva, 0) != header_of(r))
		return soak_wrong(s, "a response of %u bytes with header %#x", r->used_len,
				  scmi_word(r->in.hva, 0));
	/* There are so many delayed responses at a time. */
	if (later && status == SCMI_BUSY)
		return true;
	s->count[ASKED] += later;
	if (status != (c[1] == 0x7f ? SCMI_NOT_SUPPORTED : SCMI_SUCCESS))
		return soak_wrong(s, "message %u of protocol %#x has status %d", c[1], c[0],
				  status);
	return true;
}

static bool came(struct soak *s, u16 queue, const u8 *bytes, u32 len)
{
	const u32 header = len >= 4 ? scmi_word(bytes, 0) : 0;

	if (scmi_type_of(header) == SCMI_DELAYED && len == 28)
		s->count[LATER]++;
	else if (scmi_type_of(header) == SCMI_NOTIFICATION && len == 20 &&
		 scmi_protocol_of(header) == SCMI_CLOCK)
		s->count[CHANGES]++;
	else
		return soak_wrong(s, "an event of %u bytes with header %#x", len, header);
	return true;
}

static bool complete(struct soak *s)
{
	return s->count[LATER] == s->count[ASKED] && s->count[LATER] && s->count[CHANGES];
}

const struct soak_device soak_scmi = {
	.name = "scmi",
	.features = BIT_ULL(SCMI_P2A),
	.queues = 2,
	.queue = SCMI_CMDQ,
	.posted = BIT_ULL(SCMI_EVENTQ),
	.request = request,
	.good = good,
	.came = came,
	.complete = complete,
};
