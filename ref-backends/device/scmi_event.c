// SPDX-License-Identifier: BSD-3-Clause
/* The SCMI device's event queue: what is due, and what waits for a buffer. */
#include "ref-backends/device/scmi_call.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

#define US 1000u

/* Header and payload of a message to the agent. */
#define HEAD	SCMI_HEADER
#define MESSAGE 256

struct message {
	u8 bytes[MESSAGE];
	u32 len;
	struct scmi_pending *of; /* the delayed response that it is, or NULL */
};

_Static_assert(HEAD + 8 + 8 * SCMI_ERRORS <= MESSAGE, "base errors fit");

/* --- delayed responses ----------------------------------------------------------------------------------- */

struct scmi_pending *scmi_delay(struct scmi_call *c, u32 id, u32 us)
{
	struct scmi_pending *room = NULL;
	u32 of = 0;

	for (u32 i = 0; i < SCMI_PENDING; i++) {
		struct scmi_pending *p = &c->s->pending[i];

		if (!p->used)
			room = p;
		else if (scmi_protocol_of(p->header) == scmi_protocol_of(c->header))
			of++;
	}
	if (!room || of >= SCMI_PENDING_OF)
		return NULL;
	*room = (struct scmi_pending){
		.used = true,
		.header = c->header,
		.id = id,
		.order = c->s->order++,
		.due = c->s->hw->ops->now(c->s->hw) + (u64)us * US,
	};
	return room;
}

void scmi_error(struct rscmi *s, u32 header, int status)
{
	if (s->tell_errors && s->num_errors < SCMI_ERRORS)
		s->errors[s->num_errors++] = (u64)(u32)status << 32 | header;
}

static void complete(struct rscmi *s, struct scmi_pending *p)
{
	static void (*const done[])(struct rscmi * s, struct scmi_pending * p) = {
		[SCMI_CLOCK - SCMI_CLOCK] = scmi_clock_done,
		[SCMI_SENSOR - SCMI_CLOCK] = scmi_sensor_done,
		[SCMI_RESET - SCMI_CLOCK] = scmi_reset_done,
	};

	p->done = true;
	p->order = s->order++;
	done[scmi_protocol_of(p->header) - SCMI_CLOCK](s, p);
	if (p->silent && p->status)
		scmi_error(s, p->header, p->status);
	if (p->silent || !scmi_is(s, SCMI_WAITS, true))
		p->used = false;
}

/* Those that are due, the earliest first. */
static u64 complete_due(struct rscmi *s, u64 now)
{
	for (;;) {
		struct scmi_pending *next = NULL;

		for (u32 i = 0; i < SCMI_PENDING; i++) {
			struct scmi_pending *p = &s->pending[i];

			if (p->used && !p->done &&
			    (!next || p->due < next->due ||
			     (p->due == next->due && p->order < next->order)))
				next = p;
		}
		if (!next)
			return SCMI_NEVER;
		if (next->due > now)
			return next->due;
		complete(s, next);
	}
}

void scmi_look(struct rscmi *s)
{
	const u64 now = s->hw->ops->now(s->hw);
	const u64 next = complete_due(s, now), sample = scmi_sensor_tick(s, now);

	s->hw->ops->alarm(s->hw, MIN(next, sample));
	if (scmi_event_ready(s))
		rdev_wake(&s->dev, SCMI_EVENTQ);
}

/* --- messages ---------------------------------------------------------------------------------------------- */

/* The one that was done first. */
static struct scmi_pending *first_done(struct rscmi *s)
{
	struct scmi_pending *first = NULL;

	for (u32 i = 0; i < SCMI_PENDING; i++) {
		struct scmi_pending *p = &s->pending[i];

		if (p->used && p->done && (!first || p->order < first->order))
			first = p;
	}
	return first;
}

static bool has_notification(struct rscmi *s)
{
	u8 message;

	for (u32 i = 0; i < SCMI_PROTOCOLS; i++)
		if (scmi_protocols[i]->event(s, NULL, &message))
			return true;
	return false;
}

bool scmi_event_ready(struct rscmi *s)
{
	return first_done(s) || has_notification(s);
}

/* What a delayed response says behind its status. */
static void delayed(struct message *m, struct scmi_pending *p)
{
	u8 *at = m->bytes + HEAD;

	scmi_put(m->bytes, scmi_header(scmi_token_of(p->header), scmi_protocol_of(p->header),
				       SCMI_DELAYED, scmi_message_of(p->header)));
	scmi_put(at, (u32)p->status);
	m->len = HEAD + SCMI_STATUS;
	m->of = p;
	if (p->status)
		return;
	scmi_put(at + 4, p->id);
	m->len += 4;
	if (scmi_protocol_of(p->header) == SCMI_CLOCK) {
		scmi_put64(at + 8, p->rate);
		m->len += 8;
	} else if (scmi_protocol_of(p->header) == SCMI_SENSOR) {
		scmi_put64(at + 8, (u64)p->value);
		scmi_put64(at + 16, p->stamp);
		m->len += 16;
	}
}

/* The next message; what a notification was about is taken as told. */
static bool next_message(struct rscmi *s, struct message *m)
{
	struct scmi_pending *p = first_done(s);

	*m = (struct message){ 0 };
	if (p) {
		delayed(m, p);
		return true;
	}
	for (u32 i = 0; i < SCMI_PROTOCOLS; i++) {
		u8 message = 0;
		const u32 len = scmi_protocols[i]->event(s, m->bytes + HEAD, &message);

		if (!len)
			continue;
		/* Tokens of notifications mean nothing. */
		scmi_put(m->bytes,
			 scmi_header(0, scmi_protocols[i]->id, SCMI_NOTIFICATION, message));
		m->len = HEAD + len;
		return true;
	}
	return false;
}

/* No room for it: a delayed response has failed then, and where that has no room either it waits on. */
static void too_small(struct message *m, struct rdev_req *req)
{
	if (!m->of) {
		req->put_back = true;
	} else if (req->chain.writable < HEAD + SCMI_STATUS) {
		m->len = 0;
		m->of = NULL;
	} else {
		m->of->status = SCMI_PROTOCOL_ERROR;
		delayed(m, m->of);
	}
}

void scmi_serve_event(struct rscmi *s, struct rdev_req *req)
{
	const struct dvq_chain *c = &req->chain;
	struct message m;

	if (!next_message(s, &m)) {
		req->put_back = true;
		req->done(req);
		return;
	}
	if (judge_active)
		judge_active->scmi_event(s, c, m.len);
	if (c->writable < m.len)
		too_small(&m, req);
	if (fault_active && fault_active->scmi_event)
		fault_active->scmi_event(s, c, m.bytes, &m.len);
	if (!req->put_back) {
		req->used_len = (u32)MIN(c->writable, (u64)m.len);
		dvq_chain_scatter(c, 0, m.bytes, req->used_len);
	}
	if (m.of)
		m.of->used = false;
	req->done(req);
}
