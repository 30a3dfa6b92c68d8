// SPDX-License-Identifier: BSD-3-Clause
/* SCMI device: its features, and what there is without them (5.17.3.1, 5.17.6.1.1). */
#include "harness/check/scmi_kit.h"

#define EVENTS	"v14.scmi.features.dev.1"
#define MEMORY	"v14.scmi.features.dev.2"
#define REFUSED SCK_CMD(5)
#define HIDDEN	SCK_CMD(6)

/* No message that asks for notifications is said to be there; else `clause` is broken. */
static void says_none(struct ck *c, const char *clause, const char *when)
{
	struct sck k;

	if (!sck_up(c, &k, false))
		return;
	for (unsigned i = 0; i < SCMI_NOTIFIES; i++) {
		const struct scmi_notify *n = &scmi_notifies[i];
		const int has = sck_has(c, &k, n->protocol);
		int says;

		if (has < 0)
			return;
		if (!has && n->protocol != SCMI_BASE)
			continue;
		says = sck_says(c, &k, n->protocol, n->message);
		if (says < 0)
			return;
		if (says) {
			ck_fail(c, clause, "no notification is said to be there",
				"%s PROTOCOL_MESSAGE_ATTRIBUTES of message 0x%x of protocol 0x%02x, "
				"which asks for notifications, has status 0",
				when, n->message, n->protocol);
			return;
		}
	}
}

static void not_offered(struct ck *c)
{
	if (!ck_open(c))
		return;
	/* With the feature that is as it should be. */
	if (c->offered & SCK_P2A)
		ck_log(c, "  VIRTIO_SCMI_F_P2A_CHANNELS is offered");
	else
		says_none(c, EVENTS, "VIRTIO_SCMI_F_P2A_CHANNELS is not offered, and");
}

CHECK(not_offered, .id = "scmi.offer.events", .clauses = { EVENTS },
      .stimulus = "without VIRTIO_SCMI_F_P2A_CHANNELS among what is offered, "
		  "PROTOCOL_MESSAGE_ATTRIBUTES of all messages that ask for notifications",
      .oracle = "there are none", SCK_NEEDS, .run = not_offered);

static void hidden(struct ck *c)
{
	says_none(c, HIDDEN, "VIRTIO_SCMI_F_P2A_CHANNELS is not accepted, and");
}

CHECK(hidden, .id = "scmi.offer.hidden", .clauses = { HIDDEN },
      .stimulus = "a driver that does not accept VIRTIO_SCMI_F_P2A_CHANNELS: "
		  "PROTOCOL_MESSAGE_ATTRIBUTES of all messages that ask for notifications",
      .oracle = "there are none", SCK_NEEDS, .features = SCK_P2A, .run = hidden);

/* Where each protocol with statistics says that they are: words of its attributes, the length last. */
static const struct {
	u8 protocol;
	const char *what;
} statistics[] = {
	{ SCMI_POWER, "power state" },
	{ SCMI_PERF, "performance" },
	{ SCMI_SENSOR, "sensor values" },
};

static void no_memory(struct ck *c)
{
	struct sck k;

	if (!sck_up(c, &k, false))
		return;
	if (c->offered & BIT_ULL(SCMI_SHARED)) {
		ck_log(c, "  VIRTIO_SCMI_F_SHARED_MEMORY is offered");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(statistics); i++) {
		struct sck_msg m = { .protocol = statistics[i].protocol,
				     .message = SCMI_ATTRIBUTES };
		const int has = sck_has(c, &k, m.protocol);

		if (has < 0 || (has && !sck_do(c, &k, &m, 16)))
			return;
		if (has && (scmi_word64(SCK_ANSWER(&m), 1) || scmi_word(SCK_ANSWER(&m), 3))) {
			ck_fail(c, MEMORY, "no region of statistics",
				"VIRTIO_SCMI_F_SHARED_MEMORY is not offered, and those of %s are "
				"said to be at 0x%llx, %u bytes",
				statistics[i].what,
				(unsigned long long)scmi_word64(SCK_ANSWER(&m), 1),
				scmi_word(SCK_ANSWER(&m), 3));
			return;
		}
	}
}

CHECK(no_memory, .id = "scmi.offer.shared-memory", .clauses = { MEMORY },
      .stimulus = "without VIRTIO_SCMI_F_SHARED_MEMORY among what is offered, the attributes of "
		  "protocols that have statistics",
      .oracle = "they name no region for these", SCK_NEEDS, .run = no_memory);

/* --- refused ------------------------------------------------------------------------------------------------ */

/* Enabling a notification of what is there: false, it is over. */
static bool notify_refused(struct ck *c, struct sck *k, const struct scmi_notify *n)
{
	struct sck_msg m = { .protocol = n->protocol, .message = n->message, .n = n->params };
	u32 count = 1;

	m.param[n->params - 1] = SCMI_NOTIFY_ENABLE;
	if ((n->has_id && !sck_count(c, k, n->protocol, &count)) || (count && !sck_ask(c, k, &m)))
		return false;
	return !count || m.status == SCMI_NOT_SUPPORTED ||
	       ck_fail(c, REFUSED, "NOT_SUPPORTED (-1)",
		       "message 0x%x of protocol 0x%02x asks for notifications, and has status %d",
		       n->message, n->protocol, m.status);
}

static bool later_refused(struct ck *c, struct sck *k, struct sck_msg *m)
{
	return sck_ask(c, k, m) &&
	       (m->status == SCMI_NOT_SUPPORTED ||
		ck_fail(c, REFUSED, "NOT_SUPPORTED (-1)",
			"message 0x%x of protocol 0x%02x asks for a delayed response, and has "
			"status %d",
			m->message, m->protocol, m->status));
}

static void refused(struct ck *c)
{
	struct sck_msg read = { .protocol = SCMI_SENSOR,
				.message = SCMI_SENSOR_READING,
				.n = 2,
				.param = { 0, SCMI_READ_ASYNC } };
	u32 clocks, sensors;
	u64 first, last;
	struct sck_msg set;
	struct sck k;

	if (!sck_up(c, &k, false))
		return;
	for (unsigned i = 0; i < SCMI_NOTIFIES; i++)
		if (!notify_refused(c, &k, &scmi_notifies[i]))
			return;
	if (!sck_count(c, &k, SCMI_SENSOR, &sensors) || (sensors && !later_refused(c, &k, &read)) ||
	    !sck_count(c, &k, SCMI_CLOCK, &clocks) || !clocks ||
	    !sck_rates(c, &k, 0, &first, &last))
		return;
	set = sck_set_rate(SCMI_RATE_ASYNC, 0, first);
	if (first)
		later_refused(c, &k, &set);
}

CHECK(refused, .id = "scmi.offer.refused", .clauses = { REFUSED },
      .stimulus = "a driver that does not accept VIRTIO_SCMI_F_P2A_CHANNELS asks for "
		  "notifications, and for delayed responses",
      .oracle = "the status is NOT_SUPPORTED each time", SCK_NEEDS, .features = SCK_P2A,
      .run = refused);
