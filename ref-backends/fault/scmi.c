// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the SCMI device. */
#include "ref-backends/device/scmi_call.h"
#include "ref-backends/fault/vu_fault.h"

#define SCMI(ident, name_, clause_, summary_, ...)                                                 \
	FAULT(scmi_##ident, .name = "scmi-" name_, .clause = clause_, .summary = summary_,         \
	      __VA_ARGS__)
#define HEAD (SCMI_HEADER + SCMI_STATUS)

static bool is_message(const struct scmi_call *c, u8 protocol, u8 message)
{
	return scmi_protocol_of(c->header) == protocol && scmi_message_of(c->header) == message;
}

static int status_of(const u8 *answer)
{
	return (int)scmi_get(answer + SCMI_HEADER);
}

/* --- what is offered --------------------------------------------------------------------------------------- */

static u64 no_events(u64 offered)
{
	return offered & ~BIT_ULL(VIRTIO_SCMI_F_P2A_CHANNELS);
}

static bool says_events(struct rscmi *s, unsigned what, bool due)
{
	return what == SCMI_SAYS_EVENTS || due;
}

SCMI(no_events, "events-not-offered", "v14.scmi.features.dev.1",
     "there are notifications, and P2A_CHANNELS is not offered", .features = no_events,
     .scmi_is = says_events);

SCMI(says_events, "events-said", "v14.scmi.cmdq.dev.6",
     "without P2A_CHANNELS notifications are said to be there", .scmi_is = says_events);

static bool has_events(struct rscmi *s, unsigned what, bool due)
{
	return what == SCMI_HAS_EVENTS || due;
}

SCMI(has_events, "events-not-asked", "v14.scmi.cmdq.dev.5",
     "without P2A_CHANNELS notifications can be enabled, and responses delayed",
     .scmi_is = has_events);

static void statistics(struct rscmi *s, const struct scmi_call *c, u8 *answer, u32 *len)
{
	if (is_message(c, SCMI_SENSOR, SCMI_ATTRIBUTES))
		scmi_put(answer + HEAD + 12, 4096);
}

SCMI(statistics, "statistics-said", "v14.scmi.features.dev.2",
     "a region of sensor values has a length, and SHARED_MEMORY is not offered",
     .scmi_answer = statistics);

/* --- commands that are not answered ------------------------------------------------------------------------ */

static unsigned lose; /* those that are used next: the second of two, or the only one */
static u16 at_once;

static u16 count(struct dvq_split *vq, u16 idx)
{
	if (vq->queue == SCMI_CMDQ)
		at_once = (u16)(idx - vq->last_avail);
	return idx;
}

static enum fault_action lost(struct dvq_split *vq, u32 *id, u32 *len)
{
	return vq->queue == SCMI_CMDQ && lose && --lose == 0 ? FAULT_DONE : FAULT_PASS;
}

static void nothing_lost(struct vub_session *s)
{
	lose = 0;
	at_once = 0;
}

static void in_burst(struct rscmi *s, struct scmi_call *c, u32 have)
{
	if (at_once >= 48) {
		lose = 1;
		at_once = 0;
	}
}

SCMI(in_burst, "burst-lost", "v14.scmi.cmdq.dev.2",
     "of 48 commands that are made available at once one is not answered", .avail_idx = count,
     .scmi_command = in_burst, .used = lost, .session_start = nothing_lost);

static void behind(struct rscmi *s, struct scmi_call *c, u32 have)
{
	if (have < SCMI_HEADER && at_once > 1)
		lose = 2;
}

SCMI(behind, "behind-malformed-lost", "v14.scmi.cmdq.dev.2",
     "the command behind one that is malformed is not answered", .avail_idx = count,
     .scmi_command = behind, .used = lost, .session_start = nothing_lost);

/* --- responses --------------------------------------------------------------------------------------------- */

static void padded(struct rscmi *s, const struct scmi_call *c, u8 *answer, u32 *len)
{
	if (status_of(answer) && *len == HEAD) {
		scmi_put(answer + HEAD, 0);
		*len = HEAD + 4;
	}
}

SCMI(padded, "error-padded", "v14.scmi.cmdq.dev.3",
     "a response that has not succeeded has a return value", .scmi_answer = padded);

static enum fault_action both_lengths(struct dvq_split *vq, u32 *id, u32 *len)
{
	if (vq->queue == SCMI_CMDQ && *len == HEAD + SCMI_NAME)
		*len += SCMI_HEADER;
	return FAULT_PASS;
}

SCMI(both_lengths, "length-of-both", "v14.split-ring.used-ring.dev.2",
     "the length of a name's response is that of the command and the response",
     .used = both_lengths);

static void no_token(struct rscmi *s, const struct scmi_call *c, u8 *answer, u32 *len)
{
	if (*len && scmi_token_of(c->header) > SCMI_TOKENS - 4)
		scmi_put(answer, c->header & 0x3ffff);
}

SCMI(no_token, "token-cut", "ROB.scmi.header", "tokens from 1021 on are 0 in responses",
     .scmi_answer = no_token);

static void not_found(struct rscmi *s, const struct scmi_call *c, u8 *answer, u32 *len)
{
	if (scmi_protocol_of(c->header) == SCMI_BASE && scmi_message_of(c->header) >= 0x7f && *len)
		scmi_put(answer + SCMI_HEADER, (u32)SCMI_NOT_FOUND);
}

SCMI(not_found, "unknown-not-found", "ROB.scmi.unknown",
     "a message of the base protocol that is not there is NOT_FOUND", .scmi_answer = not_found);

static void succeeds(struct rscmi *s, const struct scmi_call *c, u8 *answer, u32 *len)
{
	if (is_message(c, SCMI_BASE, SCMI_BASE_VENDOR) && c->room < SCMI_NAME && *len) {
		scmi_put(answer + SCMI_HEADER, SCMI_SUCCESS);
		memset(answer + HEAD, 0, c->room);
		*len = HEAD + c->room;
	}
}

SCMI(succeeds, "name-cut", "ROB.scmi.malformed",
     "a name that there is no room for succeeds, and is cut", .scmi_answer = succeeds);

static const struct dvq_chain *its_chain;

static enum fault_action keep(struct dvq_split *vq, struct dvq_chain *c)
{
	its_chain = c;
	return FAULT_PASS;
}

static void over(struct rscmi *s, const struct scmi_call *c, u8 *answer, u32 *len)
{
	const struct dvq_seg *last;

	if (!is_message(c, SCMI_BASE, SCMI_VERSION) || c->room != 2 || !its_chain)
		return;
	last = &its_chain->segs[its_chain->n_readable + its_chain->n_writable - 1];
	memset((u8 *)last->base + last->len, 0, 2);
}

SCMI(over, "version-over", "ROB.mem.outside",
     "a version is written behind the two bytes that there are for it", .chain = keep,
     .scmi_answer = over);

static void whole_only(struct rscmi *s, const struct scmi_call *c, u8 *answer, u32 *len)
{
	if (its_chain && its_chain->n_readable > 2)
		*len = 0;
}

SCMI(whole_only, "command-in-pieces", "v14.split-ring.message-framing.dev.1",
     "a command in more than two descriptors has an empty response", .chain = keep,
     .scmi_answer = whole_only);

static bool dead;

static void dies(struct rscmi *s, struct scmi_call *c, u32 have)
{
	dead |= scmi_type_of(c->header) == SCMI_NOTIFICATION;
	if (dead)
		c->header = scmi_header(0, 0, SCMI_COMMAND, 0);
}

static void revive(struct vub_session *s)
{
	dead = false;
}

SCMI(dies, "notification-kills", "ROB.live.bad-request",
     "after a notification as a command no other is obeyed", .scmi_command = dies,
     .session_start = revive);

/* --- what there is ------------------------------------------------------------------------------------------ */

static void one_more(struct rscmi *s, const struct scmi_call *c, u8 *answer, u32 *len)
{
	if (is_message(c, SCMI_BASE, SCMI_ATTRIBUTES) && *len > HEAD)
		answer[HEAD]++;
}

SCMI(one_more, "protocols-plus-1", "ROB.scmi.discovery",
     "one protocol more is counted than is listed", .scmi_answer = one_more);

static void same_id(struct rscmi *s, const struct scmi_call *c, u8 *answer, u32 *len)
{
	/* Number, then descriptions of 28 bytes: the second one's id. */
	if (is_message(c, SCMI_SENSOR, SCMI_SENSOR_DESCRIPTION) && *len >= HEAD + 4 + 2 * 28)
		scmi_put(answer + HEAD + 4 + 28, 0);
}

SCMI(same_id, "sensor-twice", "ROB.scmi.discovery", "two sensors are described as number 0",
     .scmi_answer = same_id);

static void wrong_rate(struct rscmi *s, const struct scmi_call *c, u8 *answer, u32 *len)
{
	if (is_message(c, SCMI_CLOCK, SCMI_CLOCK_RATE_GET) && *len > HEAD &&
	    scmi_get(c->params) == 1)
		answer[HEAD] ^= 1;
}

SCMI(wrong_rate, "rate-inexact", "ROB.scmi.clock", "clock 1 is read with a rate that it has not",
     .scmi_answer = wrong_rate);

static bool allowed(struct rscmi *s, unsigned what, bool due)
{
	return what == SCMI_ALLOWED || due;
}

SCMI(allowed, "permissions-ignored", "ROB.scmi.permission",
     "a device that was denied can be used all the same", .scmi_is = allowed);

static void not_denied(struct rscmi *s, const struct scmi_call *c, u8 *answer, u32 *len)
{
	if (*len && status_of(answer) == SCMI_DENIED)
		scmi_put(answer + SCMI_HEADER, (u32)SCMI_NOT_FOUND);
}

SCMI(not_denied, "denied-not-found", "ROB.scmi.permission", "what is denied is NOT_FOUND",
     .scmi_answer = not_denied);

/* --- the event queue ----------------------------------------------------------------------------------------- */

static const struct vub_ring *eventq;

static void events_start(struct vub_ring *r, u32 *base)
{
	if (r->index == SCMI_EVENTQ)
		eventq = r;
}

static void events_gone(struct vub_session *s)
{
	eventq = NULL;
}

static bool has_buffers(void)
{
	return eventq && eventq->started && vu_fault_avail(eventq) != eventq->vq.last_avail;
}

static void busy(struct rscmi *s, const struct scmi_call *c, u8 *answer, u32 *len)
{
	if (*len == HEAD && is_message(c, SCMI_CLOCK, SCMI_CLOCK_RATE_NOTIFY) &&
	    status_of(answer) == SCMI_SUCCESS && !has_buffers())
		scmi_put(answer + SCMI_HEADER, (u32)SCMI_BUSY);
}

SCMI(busy, "notify-busy", "v14.scmi.cmdq.dev.4",
     "notifications of a clock are BUSY while the event queue is empty", .ring_start = events_start,
     .scmi_answer = busy, .session_start = events_gone);

static bool dropped(struct rscmi *s, unsigned what, bool due)
{
	return what == SCMI_WAITS ? has_buffers() : due;
}

SCMI(dropped, "delayed-dropped", "v14.scmi.eventq.dev.5",
     "a delayed response is dropped when there is no buffer for it", .ring_start = events_start,
     .scmi_is = dropped, .session_start = events_gone);

static u32 last_header;

static void same_token(struct rscmi *s, const struct dvq_chain *c, u8 *message, u32 *len)
{
	const u32 header = scmi_get(message);

	/* Of two that are sent one behind the other. */
	if (scmi_type_of(header) != SCMI_DELAYED)
		return;
	if (last_header && scmi_token_of(header) == scmi_token_of(last_header) + 1)
		scmi_put(message, last_header);
	last_header = header;
}

static void no_token_yet(struct vub_session *s)
{
	last_header = 0;
}

SCMI(same_token, "delayed-token", "v14.scmi.eventq.dev.5",
     "the response to the next of two commands has the token of the first",
     .scmi_event = same_token, .session_start = no_token_yet);

static void delayed_padded(struct rscmi *s, const struct dvq_chain *c, u8 *message, u32 *len)
{
	if (scmi_type_of(scmi_get(message)) == SCMI_DELAYED && *len == HEAD &&
	    c->writable >= HEAD + 4)
		*len = HEAD + 4;
}

SCMI(delayed_padded, "delayed-error-padded", "v14.scmi.eventq.dev.6",
     "a delayed response that has not succeeded has a return value", .scmi_event = delayed_padded);

static bool untold(struct rscmi *s, unsigned what, bool due)
{
	return what == SCMI_TOLD ? false : due;
}

SCMI(untold, "change-untold", "ROB.scmi.notification",
     "nobody is told that a clock has another rate", .scmi_is = untold);

static bool not_read(struct rscmi *s, unsigned what, bool due)
{
	return what == SCMI_READ ? false : due;
}

SCMI(not_read, "updates-untold", "ROB.scmi.notification", "nobody is told of a sensor's readings",
     .scmi_is = not_read);

static void stays_on(struct rscmi *s, struct scmi_call *c, u32 have)
{
	if (is_message(c, SCMI_CLOCK, SCMI_CLOCK_RATE_NOTIFY) ||
	    is_message(c, SCMI_SENSOR, SCMI_SENSOR_UPDATE_NOTIFY))
		scmi_put(c->params + 4, SCMI_NOTIFY_ENABLE);
}

SCMI(stays_on, "notifications-stay", "ROB.scmi.notification",
     "notifications that were enabled cannot be disabled", .scmi_command = stays_on);

static enum fault_action whole_length(struct dvq_split *vq, u32 *id, u32 *len)
{
	if (vq->queue == SCMI_EVENTQ && *len == HEAD)
		*len = HEAD + 4 + 16;
	return FAULT_PASS;
}

SCMI(whole_length, "event-length", "v14.split-ring.used-ring.dev.2",
     "a delayed response that did not fit has the length that it should have had",
     .used = whole_length);

static bool small_seen;

static void sees_small(struct rscmi *s, const struct dvq_chain *c, u8 *message, u32 *len)
{
	small_seen |= c->writable < SCMI_HEADER;
}

static bool no_more(struct rscmi *s, unsigned what, bool due)
{
	return what == SCMI_WAITS && small_seen ? false : due;
}

static void none_small(struct vub_session *s)
{
	small_seen = false;
}

SCMI(no_more, "small-buffer-kills", "ROB.live.bad-request",
     "after a buffer of less than a header no delayed response comes", .scmi_event = sees_small,
     .scmi_is = no_more, .session_start = none_small);

static bool unreadable_seen;

static void sees_readable(struct rscmi *s, const struct dvq_chain *c, u8 *message, u32 *len)
{
	unreadable_seen |= c->readable > 0;
}

static bool no_more_then(struct rscmi *s, unsigned what, bool due)
{
	return what == SCMI_WAITS && unreadable_seen ? false : due;
}

static void none_seen(struct vub_session *s)
{
	unreadable_seen = false;
}

SCMI(no_more_then, "readable-buffer-kills", "ROB.live.bad-request",
     "after a buffer on the event queue that has to be read no delayed response comes",
     .scmi_event = sees_readable, .scmi_is = no_more_then, .session_start = none_seen);
