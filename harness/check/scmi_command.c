// SPDX-License-Identifier: BSD-3-Clause
/* SCMI device: commands and their responses (5.17.6.1.1). */
#include <string.h>

#include "harness/check/scmi_kit.h"

#define ALL	  SCK_CMD(2)
#define ONLY	  SCK_CMD(3)
#define USED_LEN  "v14.split-ring.used-ring.dev.2"
#define FRAMING	  "v14.split-ring.message-framing.dev.1"
#define HEADER	  "ROB.scmi.header"
#define UNKNOWN	  "ROB.scmi.unknown"
#define MALFORMED "ROB.scmi.malformed"
#define OUTSIDE	  "ROB.mem.outside"

/* --- many, and one of them malformed -------------------------------------------------------------------------- */

static struct sck_msg good(unsigned i)
{
	static const u8 messages[] = { SCMI_VERSION, SCMI_ATTRIBUTES, SCMI_BASE_VENDOR,
				       SCMI_BASE_IMPLEMENTATION };

	return (struct sck_msg){ .protocol = SCMI_BASE, .message = messages[i % 4] };
}

/* All of them come back; false: it is over. `but` of them need not be what they are. */
static bool all_back(struct ck *c, struct sck *k, struct sck_msg *m, unsigned n, const char *when)
{
	if (!ck_publish(c, SCMI_CMDQ))
		return false;
	if (!ck_wait_used(c, SCMI_CMDQ, ck_added(c, SCMI_CMDQ)))
		return ck_fail(c, ALL, "each command is answered",
			       "%s %u of %u commands do not come back within %u ms", when,
			       (u16)(ck_added(c, SCMI_CMDQ) - ck_used(c, SCMI_CMDQ)), n,
			       c->tp->timeout_ms);
	for (unsigned i = 0; i < n; i++) {
		struct sck_msg *back;

		if (!sck_reap(c, k, m, n, &back))
			return false;
	}
	return true;
}

static void burst(struct ck *c)
{
	struct sck_msg m[SCK_SLOTS];
	struct sck k;

	if (!sck_up(c, &k, false))
		return;
	for (unsigned turn = 0; turn < 4; turn++) {
		const unsigned n = sck_room(c, SCK_SLOTS);

		for (unsigned i = 0; i < n; i++) {
			m[i] = good(i);
			if (!sck_add(c, &k, &m[i], i))
				return;
		}
		if (!all_back(c, &k, m, n, "with the queue full"))
			return;
		for (unsigned i = 0; i < n; i++) {
			if (!sck_take(c, &m[i]))
				return;
			if (m[i].used_len < SCK_HEAD || m[i].status) {
				ck_fail(c, ALL, "each command is obeyed",
					"with the queue full, message 0x%x is answered with %u "
					"bytes and status %d",
					m[i].message, m[i].used_len, m[i].status);
				return;
			}
		}
	}
}

CHECK(burst, .id = "scmi.command.burst", .clauses = { ALL },
      .stimulus = "the queue is filled with commands, four times",
      .oracle = "all come back, and are obeyed", SCK_NEEDS, .run = burst);

/* A header that is cut, and a command that is not, before and behind it. */
static void behind_malformed(struct ck *c)
{
	static const u8 lengths[] = { 1, 2, 3 };
	struct sck k;

	if (!sck_up(c, &k, false))
		return;
	for (size_t t = 0; t < ARRAY_SIZE(lengths); t++) {
		struct sck_msg m[8];
		const unsigned n = sck_room(c, 8);

		for (unsigned i = 0; i < n; i++) {
			m[i] = good(i);
			if (i == 1) {
				const struct vq_sg sg[] = {
					{ gpa_add(k.area.gpa, 1024 * 20), lengths[t] },
					{ gpa_add(k.area.gpa, 1024 * 21), SCK_ROOM }
				};

				if (vq_add(&c->q[SCMI_CMDQ].vq, sg, 1, 1, &m[1]) < 0) {
					ck_error(c, "the queue is full");
					return;
				}
			} else if (!sck_add(c, &k, &m[i], i)) {
				return;
			}
		}
		if (!all_back(c, &k, m, n, "with a header that is cut among them"))
			return;
		for (unsigned i = 0; i < n; i++) {
			if (i == 1)
				continue;
			if (!sck_take(c, &m[i]))
				return;
			if (m[i].used_len < SCK_HEAD || m[i].status) {
				ck_fail(c, ALL, "commands beside a malformed one are obeyed",
					"message 0x%x is answered with %u bytes and status %d",
					m[i].message, m[i].used_len, m[i].status);
				return;
			}
		}
	}
}

CHECK(behind_malformed, .id = "scmi.command.behind-malformed", .clauses = { ALL, SCK_ALIVE },
      .stimulus = "eight commands at once, the second with a header of 1, 2 and 3 bytes",
      .oracle = "all come back, and the others are obeyed", SCK_NEEDS, .disturbs = true,
      .run = behind_malformed);

/* --- responses ------------------------------------------------------------------------------------------------- */

/* Commands that no platform obeys. */
static const struct {
	const char *what;
	struct sck_msg m;
	bool not_there; /* for which there is one status */
} refused[] = {
	{ "a message that is not there", { .protocol = SCMI_BASE, .message = 0x7f }, true },
	{ "message 0xff", { .protocol = SCMI_BASE, .message = 0xff }, true },
	{ "an agent that is not there",
	  { .protocol = SCMI_BASE, .message = SCMI_BASE_AGENT, .n = 1, .param = { 0xfffe } },
	  false },
	{ "attributes of a message that is not there",
	  { .protocol = SCMI_BASE, .message = SCMI_MESSAGE_ATTRIBUTES, .n = 1, .param = { 0x7f } },
	  false },
	{ "a protocol that is reserved", { .protocol = 0x0f, .message = 0 }, true },
	{ "protocol 0", { .protocol = 0, .message = 0 }, true },
	{ "protocol 0xff", { .protocol = 0xff, .message = 3 }, true },
	{ "a clock that is not there",
	  { .protocol = SCMI_CLOCK,
	    .message = SCMI_CLOCK_RATE_GET,
	    .n = 1,
	    .param = { 0xfffffffe } },
	  false },
	{ "a sensor that is not there",
	  { .protocol = SCMI_SENSOR,
	    .message = SCMI_SENSOR_READING,
	    .n = 2,
	    .param = { 0xfffffffe, 0 } },
	  false },
	{ "a reset domain that is not there",
	  { .protocol = SCMI_RESET,
	    .message = SCMI_RESET_ATTRIBUTES,
	    .n = 1,
	    .param = { 0xfffffffe } },
	  false },
};

static void error_size(struct ck *c)
{
	struct sck k;

	if (!sck_up(c, &k, false))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct sck_msg m = refused[i].m;

		if (!sck_ask(c, &k, &m))
			return;
		if (!m.status) {
			ck_info(c, ONLY, "%s: SUCCESS", refused[i].what);
			continue;
		}
		if (m.used_len != SCK_HEAD) {
			ck_fail(c, ONLY, "a header and a status, 8 bytes",
				"%s has status %d, and comes back with length %u", refused[i].what,
				m.status, m.used_len);
			return;
		}
	}
}

CHECK(error_size, .id = "scmi.response.error-size", .clauses = { ONLY },
      .stimulus = "messages, protocols, agents, clocks and sensors that are not there",
      .oracle = "what does not succeed comes back with length 8", SCK_NEEDS, .run = error_size);

static void unknown(struct ck *c)
{
	struct sck k;

	if (!sck_up(c, &k, false))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct sck_msg m = refused[i].m;

		if (!refused[i].not_there)
			continue;
		if (!sck_ask(c, &k, &m))
			return;
		if (m.status != SCMI_NOT_SUPPORTED) {
			ck_fail(c, UNKNOWN, "NOT_SUPPORTED (-1)", "%s: status %d", refused[i].what,
				m.status);
			return;
		}
	}
	/* Standard ones that it does not list. */
	for (u32 p = SCMI_POWER; p <= SCMI_PINCTRL; p++) {
		struct sck_msg m = { .protocol = (u8)p, .message = SCMI_VERSION };
		const int has = sck_has(c, &k, (u8)p);

		if (has < 0 || (!has && !sck_ask(c, &k, &m)))
			return;
		if (!has && m.status != SCMI_NOT_SUPPORTED) {
			ck_fail(c, UNKNOWN, "NOT_SUPPORTED (-1)",
				"protocol 0x%02x is not listed, and its version has status %d", p,
				m.status);
			return;
		}
	}
}

CHECK(unknown, .id = "scmi.response.unknown", .clauses = { UNKNOWN },
      .stimulus = "protocols and messages that the device does not have",
      .oracle = "status NOT_SUPPORTED", SCK_NEEDS, .run = unknown);

static void header(struct ck *c)
{
	struct sck_msg m[SCK_SLOTS];
	unsigned n;
	struct sck k;

	if (!sck_up(c, &k, false))
		return;
	n = sck_room(c, 32);
	/* Tokens that go round, and such that look like other bits. */
	k.next_token = SCMI_TOKENS - 3;
	for (unsigned i = 0; i < n; i++)
		m[i] = i % 3 ? good(i) : refused[i / 3 % ARRAY_SIZE(refused)].m;
	if (!sck_run(c, &k, m, n))
		return;
	for (unsigned i = 0; i < n; i++) {
		if (m[i].used_len < SCK_HEAD || scmi_word(m[i].at, 0) == m[i].header)
			continue;
		ck_fail(c, HEADER, "the header of the command",
			"a command with header 0x%08x has 0x%08x in its response", m[i].header,
			scmi_word(m[i].at, 0));
		return;
	}
}

CHECK(header, .id = "scmi.response.header", .clauses = { HEADER },
      .stimulus = "32 commands at once, some of which are not obeyed",
      .oracle = "each response begins with the header of its command", SCK_NEEDS, .run = header);

static void length(struct ck *c)
{
	static const struct {
		u8 message, bytes;
	} sizes[] = { { SCMI_VERSION, 4 },
		      { SCMI_ATTRIBUTES, 4 },
		      { SCMI_BASE_VENDOR, SCMI_NAME },
		      { SCMI_BASE_IMPLEMENTATION, 4 } };
	struct sck k;

	if (!sck_up(c, &k, false))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct sck_msg m = { .protocol = SCMI_BASE, .message = sizes[i].message };
		const u32 whole = SCK_HEAD + sizes[i].bytes;

		if (!sck_do(c, &k, &m, sizes[i].bytes))
			return;
		if (m.used_len > whole &&
		    ck_not_value(m.at + whole, m.room - whole, SCK_UNSET) == m.room - whole) {
			ck_fail(c, USED_LEN, "the bytes that were written",
				"of a response to message %u %u bytes are, and its length is %u",
				m.message, whole, m.used_len);
			return;
		}
	}
}

CHECK(length, .id = "scmi.response.length", .clauses = { USED_LEN, "ROB.packed.used-len" },
      .stimulus = "commands of the base protocol whose responses have one length",
      .oracle = "that is the used length, when no more was written", SCK_NEEDS, .run = length);

/* --- pieces -------------------------------------------------------------------------------------------------- */

/* Where pieces of a command of 8 bytes and a response of 12 end; the command's are in front. */
static const u8 cuts[][5] = {
	{ 8, 20 }, { 4, 8, 20 }, { 1, 8, 20 }, { 8, 12, 20 }, { 3, 6, 8, 13, 20 },
};

static void framing(struct ck *c)
{
	struct sck k;

	if (!sck_up(c, &k, false) || !sck_alive(c, &k, SCK_ALIVE, "nothing at all"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		const u32 header = scmi_header(9, SCMI_BASE, SCMI_COMMAND, SCMI_MESSAGE_ATTRIBUTES);
		const u32 message = SCMI_VERSION;
		struct vq_sg sg[ARRAY_SIZE(cuts[0])];
		unsigned n = 0, out = 0;
		struct ck_used u;

		memset(k.area.hva, SCK_UNSET, 64);
		scmi_command(k.area.hva, header, &message, 1);
		for (u32 at = 0; at < 20; n++) {
			sg[n] = (struct vq_sg){ gpa_add(k.area.gpa, at), cuts[i][n] - at };
			out += at < 8;
			at = cuts[i][n];
		}
		if (vq_add(&c->q[SCMI_CMDQ].vq, sg, out, n - out, &k) < 0) {
			ck_error(c, "the queue is full");
			return;
		}
		if (!ck_publish(c, SCMI_CMDQ))
			return;
		if (!ck_reap(c, SCMI_CMDQ, &u)) {
			ck_fail(c, FRAMING, "the same response however it is cut",
				"a command in %u pieces does not come back", n);
			return;
		}
		if (u.len != 12 || scmi_word(k.area.hva + 8, 0) != header ||
		    scmi_word(k.area.hva + 8, 1)) {
			ck_fail(c, FRAMING, "the same response however it is cut",
				"attributes of a message, asked for in %u pieces, come with length "
				"%u and status %d",
				n, u.len, (int)scmi_word(k.area.hva + 8, 1));
			return;
		}
	}
}

CHECK(framing, .id = "scmi.command.framing", .clauses = { FRAMING, "ROB.packed.framing" },
      .stimulus = "attributes of a message are asked for in two to five descriptors",
      .oracle = "they come each time", SCK_NEEDS, .run = framing);

/* --- what is no command ---------------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	struct sck_msg m;
	u8 out; /* bytes of the command, when it is cut */
} malformed[] = {
	{ "no header", { .protocol = SCMI_BASE }, 0 },
	{ "a header of 3 bytes", { .protocol = SCMI_BASE }, 3 },
	{ "no parameters",
	  { .protocol = SCMI_BASE, .message = SCMI_BASE_AGENT, .param = { 0 } },
	  4 },
	{ "half of a parameter",
	  { .protocol = SCMI_BASE, .message = SCMI_BASE_AGENT, .n = 1, .param = { 0 } },
	  6 },
	{ "no room for a response", { .protocol = SCMI_BASE, .whole_room = true, .room = 0 }, 4 },
	{ "room for a header", { .protocol = SCMI_BASE, .room = 4 }, 4 },
	{ "room for a header and half of a status", { .protocol = SCMI_BASE, .room = 6 }, 4 },
	{ "room for a header and a status", { .protocol = SCMI_BASE, .room = 8 }, 4 },
	{ "room for half of a version", { .protocol = SCMI_BASE, .room = 10 }, 4 },
	{ "room for half of a name",
	  { .protocol = SCMI_BASE, .message = SCMI_BASE_VENDOR, .room = 16 },
	  4 },
	{ "type 1", { .protocol = SCMI_BASE, .type = 1 }, 4 },
	{ "a delayed response", { .protocol = SCMI_BASE, .type = SCMI_DELAYED }, 4 },
	{ "a notification", { .protocol = SCMI_BASE, .type = SCMI_NOTIFICATION }, 4 },
	{ "reserved bits of the header", { .protocol = SCMI_BASE, .reserved = 0xf0000000 }, 4 },
	{ "more parameters than there are",
	  { .protocol = SCMI_BASE, .n = 5, .param = { 1, 2, 3, 4, 5 } },
	  24 },
	{ "a list from its end on",
	  { .protocol = SCMI_BASE, .message = SCMI_BASE_PROTOCOLS, .n = 1, .param = { ~0u } },
	  8 },
	{ "sensors from the last number on",
	  { .protocol = SCMI_SENSOR, .message = SCMI_SENSOR_DESCRIPTION, .n = 1, .param = { ~0u } },
	  8 },
	{ "rates from the last number on",
	  { .protocol = SCMI_CLOCK, .message = SCMI_CLOCK_RATES, .n = 2, .param = { 0, ~0u } },
	  12 },
	{ "a trip point that is not there",
	  { .protocol = SCMI_SENSOR,
	    .message = SCMI_SENSOR_TRIP_CONFIG,
	    .n = 4,
	    .param = { 0, 0xff3, ~0u, ~0u } },
	  20 },
};

/* Such a command, as many bytes of it as are meant: 1 it is back, 0 it is not, -1 it is over. */
static int put(struct ck *c, struct sck *k, struct sck_msg *m, u8 out)
{
	const u32 params = (u32)m->n * 4 + SCMI_HEADER;
	const struct gpa gpa = gpa_add(k->area.gpa, 0);
	struct vq_sg sg[2];
	struct ck_used u;
	unsigned n = 0;
	int rc;

	m->room = m->whole_room || m->room ? m->room : SCK_ROOM;
	memset(k->area.hva, SCK_UNSET, 512);
	m->header = scmi_header(7, m->protocol, m->type, m->message) | m->reserved;
	scmi_command(k->area.hva, m->header, m->param, m->n);
	m->at = k->area.hva + 64;
	if (out)
		sg[n++] = (struct vq_sg){ gpa, MIN((u32)out, params) };
	if (m->room)
		sg[n++] = (struct vq_sg){ gpa_add(gpa, 64), m->room };
	if (vq_add(&c->q[SCMI_CMDQ].vq, sg, out ? 1 : 0, m->room ? 1 : 0, m) < 0) {
		ck_error(c, "the queue is full");
		return -1;
	}
	if (!ck_publish(c, SCMI_CMDQ))
		return -1;
	rc = ck_reap(c, SCMI_CMDQ, &u);
	m->used_len = rc ? u.len : 0;
	return rc;
}

/* What came back of it. `least`: bytes of a response that has succeeded. */
static bool sane(struct ck *c, struct sck_msg *m, const char *what, u32 least)
{
	const u32 len = MIN(m->used_len, m->room);

	if (ck_not_value(m->at + m->room, 32, SCK_UNSET) < 32)
		return ck_fail(c, OUTSIDE, "nothing behind the response is written",
			       "%s: bytes behind its %u are", what, m->room);
	if (len >= SCK_HEAD && len < least && scmi_word(m->at, 1) == SCMI_SUCCESS)
		return ck_fail(c, MALFORMED, "it does not succeed",
			       "%s: status 0, with %u of %u bytes", what, len, least);
	return true;
}

static void bad_commands(struct ck *c)
{
	struct sck k;

	if (!sck_up(c, &k, false) || !sck_alive(c, &k, SCK_ALIVE, "nothing at all"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		struct sck_msg m = malformed[i].m;

		ck_log(c, "  %s:", malformed[i].what);
		if (put(c, &k, &m, malformed[i].out) < 0)
			return;
		/* One that it says is in error is set up again. */
		if (c->tp->ops->queue_error && c->tp->ops->queue_error(c->tp, SCMI_CMDQ)) {
			if (!ck_open(c) || !sck_up(c, &k, false))
				return;
			continue;
		}
		if (!sane(c, &m, malformed[i].what,
			  m.message == SCMI_BASE_VENDOR ? SCK_HEAD + SCMI_NAME : SCK_HEAD + 4) ||
		    !sck_alive(c, &k, SCK_ALIVE, malformed[i].what))
			return;
	}
}

CHECK(bad_commands, .id = "scmi.hostile.commands", .clauses = { SCK_ALIVE, MALFORMED, OUTSIDE },
      .stimulus = "commands that are cut, have types that are none or no room for a response, and "
		  "ask for what is beyond all ends; after each a good one",
      .oracle = "no byte outside of the response, no success without what was asked for, and the "
		"good one is obeyed",
      SCK_NEEDS, .disturbs = true, .run = bad_commands);
