// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/scmi_kit.h"

#include <string.h>

/* A slot: the command, and the response, with bytes between and behind that nobody writes. */
#define AT_ANSWER 64
#define GUARD	  32
#define SLOT	  512
#define ROOM_MAX  (SLOT - AT_ANSWER - GUARD)
#define HEAD	  (SCMI_HEADER + SCMI_STATUS)
/* A slot of the event queue, the same way. */
#define EVENT_SLOT 256

bool sck_up(struct ck *c, struct sck *k, bool events)
{
	*k = (struct sck){ 0 };
	if (events && !(c->offered & SCK_P2A))
		return ck_error(c, "VIRTIO_SCMI_F_P2A_CHANNELS is not offered any more");
	return ck_negotiate(c, ck_ring_features() | (events ? SCK_P2A : 0)) &&
	       ck_queue_start(c, SCMI_CMDQ, NULL) &&
	       (!events || ck_queue_start(c, SCMI_EVENTQ, NULL)) &&
	       ck_alloc(c, SCK_SLOTS * SLOT, 64, &k->area) &&
	       ck_alloc(c, SCK_EVENTS * EVENT_SLOT, 64, &k->events) &&
	       ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK");
}

unsigned sck_room(const struct ck *c, unsigned want)
{
	return MIN(want, MIN(vq_size(&c->q[SCMI_CMDQ].vq) / 2u, (unsigned)SCK_SLOTS));
}

bool sck_add(struct ck *c, struct sck *k, struct sck_msg *m, unsigned slot)
{
	u8 *at = k->area.hva + slot * SLOT;
	const struct gpa gpa = gpa_add(k->area.gpa, slot * SLOT);
	const u32 room = m->whole_room || m->room ? MIN(m->room, (u32)ROOM_MAX) : SCK_ROOM;
	struct vq_sg sg[2];

	memset(at, SCK_UNSET, SLOT);
	m->room = room;
	m->whole_room = true;
	m->token = k->next_token++ % SCMI_TOKENS;
	m->header = scmi_header(m->token, m->protocol, m->type, m->message) | m->reserved;
	m->at = at + AT_ANSWER;
	m->used_len = 0;
	sg[0] = (struct vq_sg){ gpa, scmi_command(at, m->header, m->param, m->n) };
	sg[1] = (struct vq_sg){ gpa_add(gpa, AT_ANSWER), room };
	return vq_add(&c->q[SCMI_CMDQ].vq, sg, 1, room ? 1 : 0, m) >= 0 ||
	       ck_error(c, "the queue is full");
}

bool sck_take(struct ck *c, struct sck_msg *m)
{
	m->status = m->used_len >= HEAD && m->room >= HEAD ? (int)scmi_word(m->at, 1) : 0;
	ck_log(c, "  protocol 0x%02x message 0x%02x: length %u status %d", m->protocol, m->message,
	       m->used_len, m->status);
	return (ck_not_value(m->at + m->room, GUARD, SCK_UNSET) == GUARD &&
		ck_not_value(m->at - GUARD, GUARD, SCK_UNSET) == GUARD) ||
	       ck_error(c, "bytes outside of a response were written");
}

bool sck_reap(struct ck *c, struct sck *k, struct sck_msg *m, unsigned n, struct sck_msg **back)
{
	struct ck_used u;

	if (!ck_reap_of(c, SCMI_CMDQ, m, sizeof(*m), n, &u))
		return false;
	*back = u.token;
	(*back)->used_len = u.len;
	return true;
}

bool sck_run(struct ck *c, struct sck *k, struct sck_msg *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!sck_add(c, k, &m[i], i))
			return false;
	if (!ck_publish(c, SCMI_CMDQ))
		return false;
	for (unsigned turn = 0; turn < n; turn++) {
		struct sck_msg *back;

		if (!sck_reap(c, k, m, n, &back))
			return false;
		back->turn = turn;
	}
	for (unsigned i = 0; i < n; i++)
		if (!sck_take(c, &m[i]))
			return false;
	return true;
}

bool sck_ask(struct ck *c, struct sck *k, struct sck_msg *m)
{
	return sck_run(c, k, m, 1) &&
	       (m->used_len >= HEAD ||
		ck_error(c, "protocol 0x%02x message 0x%02x is answered with %u bytes", m->protocol,
			 m->message, m->used_len));
}

bool sck_do(struct ck *c, struct sck *k, struct sck_msg *m, u32 bytes)
{
	if (!sck_ask(c, k, m))
		return false;
	if (m->status == SCMI_SUCCESS && MIN(m->used_len, m->room) >= HEAD + bytes)
		return true;
	return ck_error(c, "protocol 0x%02x message 0x%02x is answered with %u bytes and status %d",
			m->protocol, m->message, m->used_len, m->status);
}

/* --- the event queue --------------------------------------------------------------------------------------- */

static bool feed_one(struct ck *c, struct sck *k, u32 at)
{
	const struct vq_sg sg = { gpa_add(k->events.gpa, at), k->event_size };

	memset(k->events.hva + at, SCK_UNSET, EVENT_SLOT);
	return vq_add(&c->q[SCMI_EVENTQ].vq, &sg, 0, 1, k->events.hva + at) >= 0 ||
	       ck_error(c, "the event queue is full");
}

bool sck_feed(struct ck *c, struct sck *k, unsigned n, u32 size)
{
	k->event_size = size;
	for (unsigned i = 0; i < n && k->fed < SCK_EVENTS; i++)
		if (!feed_one(c, k, k->fed++ * EVENT_SLOT))
			return false;
	return ck_publish(c, SCMI_EVENTQ);
}

int sck_event(struct ck *c, struct sck *k, struct sck_event *e)
{
	struct ck_used u;

	*e = (struct sck_event){ 0 };
	if (!ck_reap(c, SCMI_EVENTQ, &u))
		return 0;
	if (u.head < 0) {
		ck_error(c, "a buffer that is not outstanding came back");
		return -1;
	}
	e->at = u.token;
	e->len = u.len;
	if (ck_not_value(e->at + k->event_size, GUARD, SCK_UNSET) < GUARD) {
		ck_error(c, "bytes behind a buffer on the event queue were written");
		return -1;
	}
	if (u.len >= SCMI_HEADER)
		e->header = scmi_word(e->at, 0);
	ck_log(c, "  event: header 0x%08x, length %u", e->header, u.len);
	return 1;
}

int sck_delayed(struct ck *c, struct sck *k, const struct sck_msg *m, struct sck_event *e)
{
	for (unsigned i = 0; i < SCK_EVENTS; i++) {
		int rc = sck_event(c, k, e);

		if (rc <= 0)
			return rc;
		if (e->len >= SCMI_HEADER && scmi_type_of(e->header) == SCMI_DELAYED &&
		    scmi_token_of(e->header) == m->token &&
		    scmi_protocol_of(e->header) == m->protocol)
			return 1;
	}
	return 0;
}

/* --- what there is ------------------------------------------------------------------------------------------- */

int sck_has(struct ck *c, struct sck *k, u8 protocol)
{
	/* At most so many fit into eight bits. */
	for (u32 skip = 0; skip < 256;) {
		struct sck_msg m = { .protocol = SCMI_BASE,
				     .message = SCMI_BASE_PROTOCOLS,
				     .n = 1,
				     .param = { skip } };
		u32 n;

		if (!sck_do(c, k, &m, 4))
			return -1;
		n = scmi_word(SCK_ANSWER(&m), 0);
		n = MIN(n, MIN(m.used_len, m.room) - HEAD - 4);
		if (!n)
			break;
		for (u32 i = 0; i < n; i++)
			if (SCK_ANSWER(&m)[4 + i] == protocol)
				return 1;
		skip += n;
	}
	return 0;
}

bool sck_count(struct ck *c, struct sck *k, u8 protocol, u32 *n)
{
	struct sck_msg m = { .protocol = protocol, .message = SCMI_ATTRIBUTES };
	const int has = sck_has(c, k, protocol);

	*n = 0;
	if (has <= 0)
		return has == 0;
	if (!sck_do(c, k, &m, 4))
		return false;
	*n = scmi_word(SCK_ANSWER(&m), 0) & 0xffff;
	return true;
}

int sck_says(struct ck *c, struct sck *k, u8 protocol, u8 message)
{
	struct sck_msg m = { .protocol = protocol,
			     .message = SCMI_MESSAGE_ATTRIBUTES,
			     .n = 1,
			     .param = { message } };

	return sck_ask(c, k, &m) ? m.status == SCMI_SUCCESS : -1;
}

/* Descriptions are as long as their attributes say. */
static u32 description(u32 low)
{
	return 12 + SCMI_NAME + (low & SCMI_SENSOR_EXTENDED ? 24 : 0);
}

bool sck_sensor(struct ck *c, struct sck *k, u32 id, u32 *low)
{
	struct sck_msg m = {
		.protocol = SCMI_SENSOR, .message = SCMI_SENSOR_DESCRIPTION, .n = 1, .param = { id }
	};

	if (!sck_do(c, k, &m, 4 + description(0)))
		return false;
	*low = scmi_word(SCK_ANSWER(&m), 2);
	return true;
}

bool sck_rates(struct ck *c, struct sck *k, u32 clock, u64 *first, u64 *last)
{
	struct sck_msg m = {
		.protocol = SCMI_CLOCK, .message = SCMI_CLOCK_RATES, .n = 2, .param = { clock, 0 }
	};
	u32 flags, n;

	*first = *last = 0;
	if (!sck_do(c, k, &m, 4))
		return false;
	flags = scmi_word(SCK_ANSWER(&m), 0);
	n = MIN(flags & 0xfff, (MIN(m.used_len, m.room) - HEAD - 4) / 8);
	if (!n)
		return true;
	*first = scmi_word64(SCK_ANSWER(&m), 1);
	/* Lowest, highest, step. */
	if (flags & SCMI_RATES_TRIPLET)
		n = MIN(n, 2);
	if (n > 1)
		*last = scmi_word64(SCK_ANSWER(&m), 1 + 2 * (n - 1));
	return true;
}

struct sck_msg sck_set_rate(u32 flags, u32 clock, u64 rate)
{
	return (struct sck_msg){ .protocol = SCMI_CLOCK,
				 .message = SCMI_CLOCK_RATE_SET,
				 .n = 4,
				 .param = { flags, clock, (u32)rate, (u32)(rate >> 32) } };
}

static int async_sensor(struct ck *c, struct sck *k, struct sck_msg *m)
{
	u32 n, low;

	if (!sck_count(c, k, SCMI_SENSOR, &n))
		return -1;
	for (u32 i = 0; i < MIN(n, SCK_LOOK_AT); i++) {
		if (!sck_sensor(c, k, i, &low))
			return -1;
		*m = (struct sck_msg){ .protocol = SCMI_SENSOR,
				       .message = SCMI_SENSOR_READING,
				       .n = 2,
				       .param = { i, SCMI_READ_ASYNC } };
		if (low & SCMI_SENSOR_HAS_ASYNC)
			return 1;
	}
	return 0;
}

/* Set to the rate that it has. */
static int async_clock(struct ck *c, struct sck *k, struct sck_msg *m)
{
	struct sck_msg attributes = { .protocol = SCMI_CLOCK, .message = SCMI_ATTRIBUTES };
	struct sck_msg get = {
		.protocol = SCMI_CLOCK, .message = SCMI_CLOCK_RATE_GET, .n = 1, .param = { 0 }
	};
	u32 n;

	if (!sck_count(c, k, SCMI_CLOCK, &n))
		return -1;
	if (!n)
		return 0;
	if (!sck_do(c, k, &attributes, 4))
		return -1;
	if (!(scmi_word(SCK_ANSWER(&attributes), 0) >> 16 & 0xff))
		return 0;
	if (!sck_ask(c, k, &get))
		return -1;
	if (get.status || get.used_len < HEAD + 8)
		return 0;
	*m = sck_set_rate(SCMI_RATE_ASYNC, 0, scmi_word64(SCK_ANSWER(&get), 0));
	return 1;
}

int sck_async(struct ck *c, struct sck *k, struct sck_msg *m)
{
	const int rc = async_sensor(c, k, m);

	return rc ? rc : async_clock(c, k, m);
}

/* --- afterwards ----------------------------------------------------------------------------------------------- */

bool sck_alive(struct ck *c, struct sck *k, const char *clause, const char *after)
{
	struct sck_msg m = { .protocol = SCMI_BASE, .message = SCMI_VERSION };
	struct ck_used u;

	if (!sck_add(c, k, &m, SCK_SLOTS - 1) || !ck_publish(c, SCMI_CMDQ))
		return false;
	/* What did not come back when it was asked for may come now. */
	do {
		if (!ck_reap(c, SCMI_CMDQ, &u))
			return ck_fail(c, clause, "a good command afterwards is answered",
				       "after %s it does not come back within %u ms", after,
				       c->tp->timeout_ms);
	} while (u.head >= 0 && u.token != &m);
	if (u.head < 0)
		return ck_error(c, "a buffer that is not outstanding came back");
	m.used_len = u.len;
	return sck_take(c, &m) && ((m.used_len >= HEAD && m.status == SCMI_SUCCESS) ||
				   ck_fail(c, clause, "a good command afterwards is obeyed",
					   "after %s it comes back with length %u and status %d",
					   after, m.used_len, m.status));
}
