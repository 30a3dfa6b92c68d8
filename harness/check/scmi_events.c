// SPDX-License-Identifier: BSD-3-Clause
/* SCMI device: notifications and delayed responses on the event queue (5.17.6.1.1, 5.17.6.3.1). */
#include <string.h>

#include "harness/check/scmi_kit.h"

#define ANYWAY	     SCK_CMD(4)
#define USED_LEN     "v14.split-ring.used-ring.dev.2"
#define LATER	     SCK_EV(5)
#define ONLY	     SCK_EV(6)
#define NOTIFICATION "ROB.scmi.notification"

/* A device with events is up, and *m is a command of it that is answered later; or the check is skipped. */
static bool async_up(struct ck *c, struct sck *k, struct sck_msg *m)
{
	int async;

	if (!sck_up(c, k, true))
		return false;
	async = sck_async(c, k, m);
	if (async == 0)
		ck_skip(c, "no sensor and no clock answers later");
	return async > 0;
}

/* --- with an empty queue --------------------------------------------------------------------------------------- */

/* Statuses of all that can be asked for, -1 where nobody can: with `fed` buffers in the queue. */
static bool ask_all(struct ck *c, struct sck *k, unsigned fed, int status[SCMI_NOTIFIES + 1])
{
	struct sck_msg later;
	int async;

	if (!sck_up(c, k, true) || (fed && !sck_feed(c, k, fed, SCK_EVENT)))
		return false;
	for (unsigned i = 0; i < SCMI_NOTIFIES; i++) {
		const struct scmi_notify *n = &scmi_notifies[i];
		struct sck_msg m = { .protocol = n->protocol,
				     .message = n->message,
				     .n = n->params };
		u32 count = 1;

		status[i] = -1;
		m.param[n->params - 1] = SCMI_NOTIFY_ENABLE;
		if (n->has_id && !sck_count(c, k, n->protocol, &count))
			return false;
		if (!count)
			continue;
		if (!sck_ask(c, k, &m))
			return false;
		status[i] = m.status;
	}
	status[SCMI_NOTIFIES] = -1;
	async = sck_async(c, k, &later);
	if (async < 0 || (async && !sck_ask(c, k, &later)))
		return false;
	if (async)
		status[SCMI_NOTIFIES] = later.status;
	return true;
}

static void empty_queue(struct ck *c)
{
	int with[SCMI_NOTIFIES + 1], without[SCMI_NOTIFIES + 1];
	unsigned asked = 0;
	struct sck k;

	/* What it refuses anyway says nothing. */
	if (!ask_all(c, &k, SCK_EVENTS, with) || !ck_open(c) || !ask_all(c, &k, 0, without))
		return;
	for (unsigned i = 0; i <= SCMI_NOTIFIES; i++) {
		asked += with[i] == SCMI_SUCCESS;
		if (with[i] != SCMI_SUCCESS || without[i] == SCMI_SUCCESS)
			continue;
		if (i == SCMI_NOTIFIES)
			ck_fail(c, ANYWAY, "SUCCESS",
				"asking for a delayed response has status %d while the event queue "
				"is empty",
				without[i]);
		else
			ck_fail(c, ANYWAY, "SUCCESS",
				"message 0x%x of protocol 0x%02x asks for notifications, and has "
				"status %d while the event queue is empty",
				scmi_notifies[i].message, scmi_notifies[i].protocol, without[i]);
		return;
	}
	if (!asked)
		ck_skip(c, "no notification or delayed response can be asked for");
}

CHECK(empty_queue, .id = "scmi.events.empty-queue", .clauses = { ANYWAY },
      .stimulus = "notifications and a delayed response are asked for, with buffers in the event "
		  "queue and, in another session, without",
      .oracle = "what succeeds with them succeeds without", SCK_NEEDS_P2A, .run = empty_queue);

/* --- delayed responses ------------------------------------------------------------------------------------------- */

static bool it_comes(struct ck *c, struct sck *k, const struct sck_msg *m, struct sck_event *e,
		     const char *when)
{
	const int rc = sck_delayed(c, k, m, e);

	if (rc == 0)
		ck_fail(c, LATER, "the delayed response comes", "%s it does not within %u ms", when,
			c->tp->timeout_ms);
	return rc > 0;
}

static void later(struct ck *c)
{
	struct sck_event e;
	struct sck_msg m;
	struct sck k;

	if (!async_up(c, &k, &m) || !sck_do(c, &k, &m, 0))
		return;
	/* It has become due without a buffer. */
	ck_quiet(c);
	if (!sck_feed(c, &k, 1, SCK_EVENT) ||
	    !it_comes(c, &k, &m, &e, "after a buffer was put into the empty event queue"))
		return;
	/* And one more, the usual way. */
	if (!sck_do(c, &k, &m, 0) || !sck_feed(c, &k, 4, SCK_EVENT))
		return;
	it_comes(c, &k, &m, &e, "with buffers in the event queue");
}

CHECK(later, .id = "scmi.delayed.later", .clauses = { LATER },
      .stimulus = "a delayed response is asked for while the event queue is empty; then it gets a "
		  "buffer",
      .oracle = "the response comes, with the token of its command", SCK_NEEDS_P2A, .run = later);

/* Several that wait, and then buffers for all. */
static void several(struct ck *c)
{
	struct sck_msg m[8];
	unsigned waits = 0;
	struct sck k;

	if (!async_up(c, &k, &m[0]))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(m); i++) {
		struct sck_msg one = m[0];

		one.whole_room = false;
		one.room = 0;
		if (!sck_ask(c, &k, &one))
			return;
		/* There may be no more at a time. */
		if (one.status == SCMI_BUSY)
			break;
		if (one.status) {
			ck_error(c, "a command that is answered later has status %d", one.status);
			return;
		}
		m[waits++] = one;
	}
	ck_quiet(c);
	if (!sck_feed(c, &k, SCK_EVENTS, SCK_EVENT))
		return;
	for (unsigned left = waits; left; left--) {
		struct sck_event e;
		unsigned which = 0;
		int rc;

		do
			rc = sck_event(c, &k, &e);
		while (rc > 0 && (e.len < SCMI_HEADER || scmi_type_of(e.header) != SCMI_DELAYED));
		if (rc < 0)
			return;
		while (which < waits &&
		       (m[which].n == 0 || m[which].token != scmi_token_of(e.header)))
			which++;
		if (!rc || which == waits) {
			ck_fail(c, LATER, "each delayed response comes, once",
				rc ? "of %u that waited, with %u left one comes that is none of them"
				   : "of %u that waited %u do not come",
				waits, left);
			return;
		}
		m[which].n = 0;
	}
}

CHECK(several, .id = "scmi.delayed.several", .clauses = { LATER },
      .stimulus = "up to eight delayed responses are asked for while the event queue is empty; "
		  "then it gets buffers",
      .oracle = "each comes once, with the token of its command", SCK_NEEDS_P2A, .run = several);

/* --- delayed responses that fail ---------------------------------------------------------------------------------- */

/* A delayed response as it came: 1 it has failed as it should, 0 it has not failed, -1 it is over. */
static int look_at(struct ck *c, const struct sck_event *e)
{
	int status;

	if (e->len < SCK_HEAD || scmi_type_of(e->header) != SCMI_DELAYED)
		return 0;
	status = (int)scmi_word(e->at, 1);
	if (!status)
		return 0;
	if (e->len == SCK_HEAD)
		return 1;
	ck_fail(c, ONLY, "a header and a status, 8 bytes",
		"a delayed response with status %d comes with length %u", status, e->len);
	return -1;
}

/* A sensor that is read later, and switched off with the next command. */
static int sensor_fails(struct ck *c, struct sck *k, u32 id)
{
	struct sck_msg m[] = { { .protocol = SCMI_SENSOR,
				 .message = SCMI_SENSOR_READING,
				 .n = 2,
				 .param = { id, SCMI_READ_ASYNC } },
			       { .protocol = SCMI_SENSOR,
				 .message = SCMI_SENSOR_CONFIG_SET,
				 .n = 2,
				 .param = { id, 0 } } };
	struct sck_msg on = { .protocol = SCMI_SENSOR,
			      .message = SCMI_SENSOR_CONFIG_SET,
			      .n = 2,
			      .param = { id, SCMI_SENSOR_ENABLED } };
	struct sck_event e;
	int rc;

	if (!sck_run(c, k, m, 2))
		return -1;
	if (m[0].used_len < SCK_HEAD || m[0].status)
		return 0;
	rc = sck_delayed(c, k, &m[0], &e);
	if (rc > 0)
		rc = look_at(c, &e);
	return rc < 0 || !sck_ask(c, k, &on) ? -1 : rc;
}

/* A clock that is to change and cannot. */
static int clock_fails(struct ck *c, struct sck *k, u32 id)
{
	struct sck_event e;
	u64 rates[2];

	if (!sck_rates(c, k, id, &rates[0], &rates[1]))
		return -1;
	for (unsigned i = 0; i < 2; i++) {
		struct sck_msg m = sck_set_rate(SCMI_RATE_ASYNC, id, rates[i]);
		int rc;

		if (!rates[i])
			continue;
		if (!sck_ask(c, k, &m))
			return -1;
		if (m.status)
			continue;
		rc = sck_delayed(c, k, &m, &e);
		if (rc > 0)
			rc = look_at(c, &e);
		if (rc)
			return rc;
	}
	return 0;
}

static void error_size(struct ck *c)
{
	unsigned failed = 0;
	u32 sensors, clocks;
	struct sck k;

	if (!sck_up(c, &k, true) || !sck_feed(c, &k, SCK_EVENTS, SCK_EVENT) ||
	    !sck_count(c, &k, SCMI_SENSOR, &sensors) || !sck_count(c, &k, SCMI_CLOCK, &clocks))
		return;
	for (u32 i = 0; i < MIN(sensors, 4u); i++) {
		u32 low;
		int rc;

		if (!sck_sensor(c, &k, i, &low))
			return;
		rc = low & SCMI_SENSOR_HAS_ASYNC ? sensor_fails(c, &k, i) : 0;
		if (rc < 0)
			return;
		failed += (unsigned)rc;
	}
	for (u32 i = 0; i < MIN(clocks, 4u); i++) {
		const int rc = clock_fails(c, &k, i);

		if (rc < 0)
			return;
		failed += (unsigned)rc;
	}
	if (!failed)
		ck_skip(c, "no delayed response fails that can be asked for");
}

CHECK(error_size, .id = "scmi.delayed.error-size", .clauses = { ONLY },
      .stimulus = "sensors that are to be read later and are switched off at once; clocks that are "
		  "set to rates that they say they have",
      .oracle = "a delayed response that has not succeeded comes with length 8", SCK_NEEDS_P2A,
      .run = error_size);

/* --- notifications ------------------------------------------------------------------------------------------------ */

static bool notify(struct ck *c, struct sck *k, u8 protocol, u8 message, u32 id, u32 on,
		   int *status)
{
	struct sck_msg m = {
		.protocol = protocol, .message = message, .n = 2, .param = { id, on }
	};

	if (!sck_ask(c, k, &m))
		return false;
	*status = m.status;
	return true;
}

/* Is that one of this protocol, of this source? */
static bool is_about(const struct sck_event *e, u8 protocol, u8 message, u32 id)
{
	return e->len >= 12 && scmi_type_of(e->header) == SCMI_NOTIFICATION &&
	       scmi_protocol_of(e->header) == protocol && scmi_message_of(e->header) == message &&
	       scmi_word(e->at, 2) == id;
}

/* It comes, whatever else does. */
static bool comes(struct ck *c, struct sck *k, u8 protocol, u8 message, u32 id, const char *when)
{
	struct sck_event e;
	int rc;

	do
		rc = sck_event(c, k, &e);
	while (rc > 0 && !is_about(&e, protocol, message, id));
	if (rc == 0)
		ck_fail(c, NOTIFICATION, "a notification", "%s none comes within %u ms", when,
			c->tp->timeout_ms);
	return rc > 0;
}

/* None comes from now on. */
static void comes_not(struct ck *c, struct sck *k, u8 protocol, u8 message, u32 id,
		      const char *when)
{
	struct sck_event e;

	/* One that was on its way may still come. */
	ck_quiet(c);
	while (vq_used_pending(&c->q[SCMI_EVENTQ].vq))
		if (sck_event(c, k, &e) < 0)
			return;
	ck_quiet(c);
	while (vq_used_pending(&c->q[SCMI_EVENTQ].vq)) {
		if (sck_event(c, k, &e) < 0)
			return;
		if (is_about(&e, protocol, message, id)) {
			ck_fail(c, NOTIFICATION, "no notification", "%s one comes", when);
			return;
		}
	}
}

/* To the last rate, and back to the first one: *can. False: it is over. */
static bool changes(struct ck *c, struct sck *k, u32 id, u64 first, u64 last, bool *can)
{
	*can = true;
	for (unsigned i = 0; i < 2 && *can; i++) {
		struct sck_msg m = sck_set_rate(0, id, i ? first : last);

		if (!sck_ask(c, k, &m))
			return false;
		*can = m.status == SCMI_SUCCESS;
	}
	return true;
}

static void clock_changes(struct ck *c)
{
	u64 first = 0, last = 0;
	struct sck_msg m;
	bool can = false;
	struct sck k;
	int status;
	u32 n, id;

	if (!sck_up(c, &k, true) || !sck_feed(c, &k, SCK_EVENTS, SCK_EVENT) ||
	    !sck_count(c, &k, SCMI_CLOCK, &n))
		return;
	for (id = 0; id < MIN(n, SCK_LOOK_AT); id++) {
		if (!sck_rates(c, &k, id, &first, &last))
			return;
		if (!last)
			continue;
		if (!changes(c, &k, id, first, last, &can))
			return;
		if (!can)
			continue;
		if (!notify(c, &k, SCMI_CLOCK, SCMI_CLOCK_RATE_NOTIFY, id, 1, &status))
			return;
		if (!status)
			break;
	}
	if (id == MIN(n, SCK_LOOK_AT)) {
		ck_skip(c, "no clock tells of changes, and can be changed");
		return;
	}
	m = sck_set_rate(0, id, last);
	if (!sck_do(c, &k, &m, 0) || !comes(c, &k, SCMI_CLOCK, SCMI_CLOCK_CHANGED, id,
					    "when a clock is set to another rate"))
		return;
	if (!notify(c, &k, SCMI_CLOCK, SCMI_CLOCK_RATE_NOTIFY, id, 0, &status))
		return;
	m = sck_set_rate(0, id, first);
	if (sck_do(c, &k, &m, 0))
		comes_not(c, &k, SCMI_CLOCK, SCMI_CLOCK_CHANGED, id,
			  "after they were disabled and the clock was set");
}

CHECK(clock_changes, .id = "scmi.notification.clock", .clauses = { NOTIFICATION },
      .stimulus = "a clock's notifications are enabled, it is set to another rate, they are "
		  "disabled, and it is set back",
      .oracle = "one comes, and then none", SCK_NEEDS_P2A, .run = clock_changes);

static void sensor_updates(struct ck *c)
{
	u32 n, id, low;
	struct sck k;
	int status = 0;

	if (!sck_up(c, &k, true) || !sck_feed(c, &k, SCK_EVENTS, SCK_EVENT) ||
	    !sck_count(c, &k, SCMI_SENSOR, &n))
		return;
	for (id = 0; id < MIN(n, SCK_LOOK_AT); id++) {
		if (!sck_sensor(c, &k, id, &low))
			return;
		if (!(low & SCMI_SENSOR_UPDATES))
			continue;
		if (!notify(c, &k, SCMI_SENSOR, SCMI_SENSOR_UPDATE_NOTIFY, id, 1, &status))
			return;
		if (!status)
			break;
	}
	if (id == MIN(n, SCK_LOOK_AT)) {
		ck_skip(c, "no sensor tells of its readings by itself");
		return;
	}
	/* How often is the platform's to choose. */
	if (!comes(c, &k, SCMI_SENSOR, SCMI_SENSOR_UPDATED, id, "of a sensor's readings"))
		return;
	if (notify(c, &k, SCMI_SENSOR, SCMI_SENSOR_UPDATE_NOTIFY, id, 0, &status) && !status)
		comes_not(c, &k, SCMI_SENSOR, SCMI_SENSOR_UPDATED, id, "after they were disabled");
}

CHECK(sensor_updates, .id = "scmi.notification.sensor", .clauses = { NOTIFICATION },
      .stimulus = "a sensor's continuous updates are enabled, and disabled",
      .oracle = "one comes, and then none", SCK_NEEDS_P2A, .run = sensor_updates);

/* --- buffers that are no good --------------------------------------------------------------------------------------- */

static void too_small(struct ck *c)
{
	static const u8 sizes[] = { 1, 3, 4, 7, 8, 11 };
	struct sck_event e;
	struct sck_msg m;
	struct sck k;
	int async;

	if (!async_up(c, &k, &m))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct sck_msg one = m;

		if (!sck_feed(c, &k, 1, sizes[i]) || !sck_ask(c, &k, &one))
			return;
		/* It may fail, or wait for another buffer: that none of it is written behind is looked at. */
		ck_quiet(c);
		while (vq_used_pending(&c->q[SCMI_EVENTQ].vq)) {
			if (sck_event(c, &k, &e) < 0)
				return;
			if (e.len > sizes[i]) {
				ck_fail(c, USED_LEN, "no more than there is room for",
					"a buffer of %u bytes comes back with length %u", sizes[i],
					e.len);
				return;
			}
		}
		if (!sck_alive(c, &k, SCK_ALIVE, "a buffer that is too small for its message"))
			return;
	}
	/* Those that are still there are not good either; a good one behind them is used in the end. */
	if (!sck_feed(c, &k, SCK_EVENTS, SCK_EVENT) || !sck_ask(c, &k, &m))
		return;
	do
		async = sck_event(c, &k, &e);
	while (async > 0 && scmi_type_of(e.header) != SCMI_DELAYED);
	if (async == 0)
		ck_fail(c, SCK_ALIVE, "a delayed response comes when there is room for it",
			"after buffers that were too small, and %u that are not, none comes",
			(unsigned)(SCK_EVENTS - ARRAY_SIZE(sizes)));
}

CHECK(too_small, .id = "scmi.hostile.too-small",
      .clauses = { USED_LEN, "ROB.packed.used-len", SCK_ALIVE },
      .stimulus = "buffers of 1 to 11 bytes on the event queue, and a delayed response to each; "
		  "then good ones",
      .oracle = "no byte behind them, good commands are obeyed, and a delayed response comes",
      SCK_NEEDS_P2A, .disturbs = true, .run = too_small);

/* Buffers on the event queue that a device cannot use at all. */
static void bad_buffers(struct ck *c)
{
	const char *const after = "a buffer on the event queue that has to be read";
	struct tp_buf area;
	struct sck_event e;
	struct sck_msg m;
	struct sck k;
	int async;

	if (!async_up(c, &k, &m) || !ck_alloc(c, 512, 64, &area))
		return;
	for (unsigned both = 0; both < 2; both++) {
		const struct vq_sg sg[] = { { area.gpa, 64 }, { gpa_add(area.gpa, 64), 64 } };
		struct sck_msg one = m;

		if (vq_add(&c->q[SCMI_EVENTQ].vq, sg, 1, both, area.hva) < 0) {
			ck_error(c, "the event queue is full");
			return;
		}
		if (!ck_publish(c, SCMI_EVENTQ) || !sck_ask(c, &k, &one))
			return;
		ck_quiet(c);
		while (vq_used_pending(&c->q[SCMI_EVENTQ].vq)) {
			struct ck_used u;

			if (!ck_reap(c, SCMI_EVENTQ, &u) || u.head < 0)
				return;
		}
		if (c->tp->ops->queue_error && c->tp->ops->queue_error(c->tp, SCMI_EVENTQ) &&
		    (!ck_open(c) || !sck_up(c, &k, true) || !ck_alloc(c, 512, 64, &area)))
			return;
		if (!sck_alive(c, &k, SCK_ALIVE, after))
			return;
	}
	if (!sck_feed(c, &k, 8, SCK_EVENT) || !sck_ask(c, &k, &m))
		return;
	/* With what it has kept, perhaps. */
	k.event_size = SCK_EVENT;
	do {
		struct ck_used u;

		async = ck_reap(c, SCMI_EVENTQ, &u);
		e.at = async && u.head >= 0 ? u.token : NULL;
	} while (async &&
		 (!e.at || e.at == area.hva || scmi_type_of(scmi_word(e.at, 0)) != SCMI_DELAYED));
	if (!async)
		ck_fail(c, SCK_ALIVE, "a delayed response comes when there is room for it",
			"after %s none comes", after);
}

CHECK(bad_buffers, .id = "scmi.hostile.events", .clauses = { SCK_ALIVE },
      .stimulus = "buffers on the event queue that are to be read, and that are half; delayed "
		  "responses to each, then good buffers",
      .oracle = "good commands are obeyed, and a delayed response comes", SCK_NEEDS_P2A,
      .disturbs = true, .run = bad_buffers);
