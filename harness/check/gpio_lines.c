// SPDX-License-Identifier: BSD-3-Clause
/* GPIO device: its configuration, its names, and messages on the request queue (5.18.6.9). */
#include <string.h>

#include "harness/check/gpio_kit.h"

#define ANSWER	 GK_REQ("1")
#define ANSWER2	 "v14.gpio.requestq.drv.5"
#define CONFIG	 GK_REQ("2")
#define NO_NAMES GK_REQ("3")
#define SIZE	 GK_REQ("4")
#define ZEROES	 GK_REQ("5a")
#define UNIQUE	 GK_REQ("5b")
#define ORDER	 GK_REQ("6")
#define FORGETS	 GK_REQ("9")
#define USED_LEN "v14.split-ring.used-ring.dev.2"
#define FRAMING	 "v14.split-ring.message-framing.dev.1"

/* --- configuration and names ------------------------------------------------------------------------------ */

static void fields(struct ck *c)
{
	struct gk k;

	if (!gk_up(c, &k, false))
		return;
	if (k.padding[0] || k.padding[1])
		ck_fail(c, CONFIG, "padding is 0", "0x%02x 0x%02x", k.padding[0], k.padding[1]);
	else if (k.names_size && k.names_size < k.lines)
		ck_fail(c, CONFIG, "no size for names, or a zero at least for each line",
			"%u lines, and %u bytes of names", k.lines, k.names_size);
}

CHECK(fields, .id = "gpio.config.fields", .clauses = { CONFIG },
      .stimulus = "the configuration is read",
      .oracle = "there are lines, padding is 0, and the size of the names has room for them",
      .device = VIRTIO_ID_GPIO, .caps = TP_CAP_CONFIG, .run = fields);

struct names {
	struct tp_buf buf; /* a status, then the names */
	u32 used_len;
	u32 len; /* bytes of names that are there */
	u8 status;
};

/* GET_LINE_NAMES with room for `room` bytes behind the status, over GK_UNSET. */
static bool get_names(struct ck *c, u32 room, struct names *n)
{
	struct tp_buf message;
	struct vq_sg sg[2];
	struct ck_used u;

	if (!ck_alloc(c, GPIO_REQUEST, 8, &message) || !ck_alloc(c, 1 + room, 64, &n->buf))
		return false;
	gpio_message(message.hva, VIRTIO_GPIO_MSG_GET_NAMES, 0, 0);
	memset(n->buf.hva, GK_UNSET, n->buf.len);
	sg[0] = (struct vq_sg){ message.gpa, GPIO_REQUEST };
	sg[1] = (struct vq_sg){ n->buf.gpa, n->buf.len };
	if (vq_add(&c->q[GPIO_REQUESTQ].vq, sg, 1, 1, n) < 0)
		return ck_error(c, "the queue is full");
	if (!ck_publish(c, GPIO_REQUESTQ))
		return false;
	if (!ck_reap(c, GPIO_REQUESTQ, &u))
		return ck_error(c, "the names do not come within %u ms", c->tp->timeout_ms);
	n->status = n->buf.hva[0];
	n->used_len = u.len;
	n->len = MIN(u.len, n->buf.len);
	n->len -= n->len ? 1 : 0;
	ck_log(c, "  names: status %u, length %u", n->status, u.len);
	return true;
}

/* Those of a device that has some. */
static bool all_names(struct ck *c, struct gk *k, struct names *n)
{
	if (!gk_up(c, k, false))
		return false;
	if (!k->names_size)
		return ck_skip(c, "the device has no names: gpio_names_size is 0");
	if (k->names_size > GK_NAMES)
		return ck_skip(c, "%u bytes of names are more than are looked at", k->names_size);
	if (!get_names(c, k->names_size, n))
		return false;
	return n->status == VIRTIO_GPIO_STATUS_OK ||
	       ck_error(c, "the names are answered with status %u", n->status);
}

static void no_names(struct ck *c)
{
	struct names n;
	struct gk k;

	if (!gk_up(c, &k, false))
		return;
	if (k.names_size) {
		ck_log(c, "  it has names, and says so");
		return;
	}
	if (get_names(c, 4096, &n) && n.status != VIRTIO_GPIO_STATUS_ERR)
		ck_fail(c, NO_NAMES, "without names there are none",
			"gpio_names_size is 0, and GET_LINE_NAMES has status %u", n.status);
}

CHECK(no_names, .id = "gpio.names.none", .clauses = { NO_NAMES },
      .stimulus = "GET_LINE_NAMES of a device whose gpio_names_size is 0", .oracle = "it fails",
      .device = VIRTIO_ID_GPIO, .caps = TP_CAP_CONFIG, .run = no_names);

static void size(struct ck *c)
{
	struct names n;
	struct gk k;

	if (!all_names(c, &k, &n))
		return;
	if (n.used_len != 1 + k.names_size)
		ck_fail(c, SIZE, "gpio_names_size is the size of the names",
			"it is %u, and status and names came back with length %u", k.names_size,
			n.used_len);
}

CHECK(size, .id = "gpio.names.size", .clauses = { SIZE },
      .stimulus = "GET_LINE_NAMES with room for gpio_names_size bytes", .oracle = "so many come",
      .device = VIRTIO_ID_GPIO, .caps = TP_CAP_CONFIG, .run = size);

static void zeroes(struct ck *c)
{
	struct names n;
	u32 found = 0;
	struct gk k;

	if (!all_names(c, &k, &n))
		return;
	for (u32 i = 1; i <= n.len; i++)
		found += n.buf.hva[i] == 0;
	if (found != k.lines || n.buf.hva[n.len])
		ck_fail(c, ZEROES, "a zero ends each name",
			"%u zeroes in the names of %u lines; the last byte is 0x%02x", found,
			k.lines, n.buf.hva[n.len]);
}

CHECK(zeroes, .id = "gpio.names.zeroes", .clauses = { ZEROES }, .stimulus = "GET_LINE_NAMES",
      .oracle = "as many zeroes as lines, one of them at the end", .device = VIRTIO_ID_GPIO,
      .caps = TP_CAP_CONFIG, .run = zeroes);

static u32 length(const u8 *at, const u8 *end)
{
	u32 n = 0;

	while (at + n < end && at[n])
		n++;
	return n;
}

static void unique(struct ck *c)
{
	const u8 *at, *end, *other;
	unsigned compared = 0;
	struct names n;
	struct gk k;

	if (!all_names(c, &k, &n))
		return;
	end = n.buf.hva + 1 + n.len;
	for (at = n.buf.hva + 1; at < end; at += length(at, end) + 1) {
		const u32 len = length(at, end);

		/* There are 65536 lines at most; of more than some hundred not all pairs. */
		for (other = at + len + 1; len && other < end && compared < 100000; compared++) {
			const u32 its = length(other, end);

			if (its == len && memcmp(at, other, len) == 0) {
				ck_fail(c, UNIQUE, "no name is there twice", "'%.*s' is",
					(int)MIN(len, 40u), (const char *)at);
				return;
			}
			other += its + 1;
		}
	}
}

CHECK(unique, .id = "gpio.names.unique", .clauses = { UNIQUE }, .stimulus = "GET_LINE_NAMES",
      .oracle = "no name that is not empty is there twice", .device = VIRTIO_ID_GPIO,
      .caps = TP_CAP_CONFIG, .run = unique);

/* --- answers ------------------------------------------------------------------------------------------------ */

static const struct {
	u16 type;
	u32 value;
	bool beyond; /* a line that is not there */
} asked[] = {
	{ VIRTIO_GPIO_MSG_SET_DIRECTION, VIRTIO_GPIO_DIRECTION_IN, false },
	{ VIRTIO_GPIO_MSG_GET_DIRECTION, 0, false },
	{ VIRTIO_GPIO_MSG_GET_VALUE, 0, false },
	{ VIRTIO_GPIO_MSG_SET_VALUE, 0, false },
	{ VIRTIO_GPIO_MSG_SET_DIRECTION, VIRTIO_GPIO_DIRECTION_NONE, false },
	{ VIRTIO_GPIO_MSG_GET_DIRECTION, 0, true },
	{ VIRTIO_GPIO_MSG_SET_VALUE, 0, true },
	{ 0x7f, 0, false },
};

static void both_bytes(struct ck *c)
{
	struct gk k;

	if (!gk_up(c, &k, false))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		struct gk_msg m[2];

		if (asked[i].beyond && k.lines == 0xffff)
			continue;
		for (unsigned n = 0; n < 2; n++) {
			m[n] = (struct gk_msg){ .type = asked[i].type,
						.line = asked[i].beyond ? k.lines : 0,
						.value = asked[i].value,
						.unset = n ? 0x5a : GK_UNSET };
			if (!gk_run(c, &k, &m[n], 1))
				return;
			if (m[n].used_len > GPIO_ANSWER) {
				ck_fail(c, USED_LEN, "2", "message %u is returned with length %u",
					m[n].type, m[n].used_len);
				return;
			}
			if (m[n].status == (n ? 0x5a : GK_UNSET)) {
				ck_fail(c, ANSWER, "a status", "message %u has none", m[n].type);
				return;
			}
		}
		if (m[0].out == GK_UNSET && m[1].out == 0x5a) {
			ck_fail(c, ANSWER, "a value, too",
				"message %u is answered with status %u and nothing else", m[0].type,
				m[0].status);
			return;
		}
		if (m[0].status > VIRTIO_GPIO_STATUS_ERR || m[0].out > VIRTIO_GPIO_DIRECTION_IN) {
			ck_fail(c, ANSWER, "status 0 or 1, and a value that means something",
				"message %u is answered with status %u and value %u", m[0].type,
				m[0].status, m[0].out);
			return;
		}
	}
}

CHECK(both_bytes, .id = "gpio.message.answer",
      .clauses = { ANSWER, ANSWER2, USED_LEN, "ROB.packed.used-len" },
      .stimulus = "messages that are obeyed and that are not, each over 0xa5 and over 0x5a",
      .oracle = "status and value are written each time, and the used length is 2 at most",
      .device = VIRTIO_ID_GPIO, .caps = TP_CAP_CONFIG, .run = both_bytes);

/* One message at a time: what is wrong there is not the order. */
static bool keeps_values(struct ck *c, struct gk *k)
{
	for (u32 value = 0; value < 2; value++) {
		u8 seen;

		if (!gk_do(c, k, VIRTIO_GPIO_MSG_SET_VALUE, 0, value, NULL) ||
		    !gk_do(c, k, VIRTIO_GPIO_MSG_GET_VALUE, 0, 0, &seen))
			return false;
		if (seen == value)
			continue;
		ck_hazard(c, ANSWER, "an output has the value that it was set to",
			  "line 0 is set to %u, and when that is answered it has %u", value, seen);
		return false;
	}
	return true;
}

static void order(struct ck *c)
{
	struct gk k;
	u16 lines[3];

	if (!gk_up(c, &k, false))
		return;
	lines[0] = 0;
	lines[1] = k.lines / 2;
	lines[2] = (u16)(k.lines - 1);
	for (unsigned i = 0; i < 3; i++) {
		struct gk_msg m[12];

		if (!gk_output(c, &k, lines[i], false) || (i == 0 && !keeps_values(c, &k)))
			return;
		for (unsigned n = 0; n < 12; n++)
			m[n] = (struct gk_msg){ .type = n & 1 ? VIRTIO_GPIO_MSG_GET_VALUE
							      : VIRTIO_GPIO_MSG_SET_VALUE,
						.line = lines[i],
						.value = n & 1 ? 0 : n / 2 & 1 };
		if (!gk_run(c, &k, m, 12))
			return;
		for (unsigned n = 0; n < 12; n++) {
			if (m[n].turn != n) {
				ck_fail(c, ORDER, "answers in the order of the messages",
					"of line %u, message %u is answered as number %u", lines[i],
					n, m[n].turn);
				return;
			}
			if (m[n].status != VIRTIO_GPIO_STATUS_OK) {
				ck_error(c, "message %u of line %u has status %u", m[n].type,
					 lines[i], m[n].status);
				return;
			}
			if (n & 1 && m[n].out != (n / 2 & 1)) {
				ck_fail(c, ORDER, "messages are obeyed in their order",
					"line %u is set to %u, and the message behind that gets %u",
					lines[i], n / 2 & 1, m[n].out);
				return;
			}
		}
	}
}

CHECK(order, .id = "gpio.message.order", .clauses = { ORDER, ANSWER },
      .stimulus = "an output is set and read six times, with all messages made available at once",
      .oracle = "the answers come in order, each with what was set before; one at a time, too",
      .device = VIRTIO_ID_GPIO, .caps = TP_CAP_CONFIG, .run = order);

#define REFUSED 2

/* What an output has that nobody has set a value for: a level, or REFUSED where there is none without. */
static bool fresh_output(struct ck *c, struct gk *k, u8 *value)
{
	struct gk_msg out = { .type = VIRTIO_GPIO_MSG_SET_DIRECTION,
			      .value = VIRTIO_GPIO_DIRECTION_OUT };

	if (!gk_do(c, k, VIRTIO_GPIO_MSG_SET_DIRECTION, 0, VIRTIO_GPIO_DIRECTION_NONE, NULL) ||
	    !gk_run(c, k, &out, 1))
		return false;
	*value = REFUSED;
	return out.status != VIRTIO_GPIO_STATUS_OK ||
	       gk_do(c, k, VIRTIO_GPIO_MSG_GET_VALUE, 0, 0, value);
}

/* It is an output, and not as it was: an output that was refused is one, once its value is told. */
static bool another_value(struct ck *c, struct gk *k, u8 usual)
{
	return usual == REFUSED ? gk_output(c, k, 0, true)
				: gk_do(c, k, VIRTIO_GPIO_MSG_SET_VALUE, 0, !usual, NULL);
}

static void forgets(struct ck *c)
{
	u8 usual, direction, value;
	struct gk k;

	if (!gk_up(c, &k, false) || !fresh_output(c, &k, &usual) || !another_value(c, &k, usual) ||
	    !gk_do(c, &k, VIRTIO_GPIO_MSG_SET_DIRECTION, 0, VIRTIO_GPIO_DIRECTION_NONE, NULL) ||
	    !gk_do(c, &k, VIRTIO_GPIO_MSG_GET_DIRECTION, 0, 0, &direction))
		return;
	if (direction != VIRTIO_GPIO_DIRECTION_NONE) {
		ck_fail(c, FORGETS, "direction NONE", "a line that was set to it has direction %u",
			direction);
		return;
	}
	if (!fresh_output(c, &k, &value))
		return;
	if (usual == REFUSED && value != REFUSED)
		ck_fail(c, FORGETS, "a line with direction NONE keeps nothing",
			"an output without a value was refused, and after it had one and got "
			"direction NONE it is not");
	else if (value != usual)
		ck_fail(c, FORGETS, "a line with direction NONE keeps nothing",
			"an output had %u, was set to %u, got direction NONE, and as an output "
			"again has %u",
			usual, !usual, value);
}

CHECK(forgets, .id = "gpio.direction.forgets", .clauses = { FORGETS },
      .stimulus = "an output is set, gets direction NONE, and is an output again",
      .oracle = "it has the value that it had before it was set, or is refused as it was then",
      .device = VIRTIO_ID_GPIO, .caps = TP_CAP_CONFIG, .run = forgets);

/* --- pieces, and what is no message -------------------------------------------------------------------------- */

struct shape {
	const char *what;
	u8 out, in; /* bytes of the driver's, and of the device's */
	u8 ends[4]; /* where a piece ends */
	u8 type;
	u16 line;
	u32 value;
};

/* A message that is as usual is obeyed, or nothing can be said of others. */
static bool good_up(struct ck *c, struct gk *k, bool irq)
{
	return gk_up(c, k, irq) && gk_do(c, k, VIRTIO_GPIO_MSG_GET_DIRECTION, 0, 0, NULL);
}

static int put(struct ck *c, unsigned q, struct tp_buf *area, const struct shape *s)
{
	const u32 all = s->out + s->in;
	unsigned n_out = 0, n = 0;
	struct vq_sg sg[8];
	struct ck_used u;

	memset(area->hva, GK_UNSET, area->len);
	if (s->out >= GPIO_REQUEST)
		gpio_message(area->hva, s->type, s->line, s->value);
	else
		gpio_event(area->hva, s->line);
	for (u32 at = 0, i = 0; at < all; i++) {
		u32 end = i < 4 && s->ends[i] ? s->ends[i] : all;

		if (at < s->out && end > s->out)
			end = s->out;
		sg[n++] = (struct vq_sg){ gpa_add(area->gpa, at), end - at };
		n_out += at < s->out;
		at = end;
	}
	if (vq_add(&c->q[q].vq, sg, n_out, n - n_out, area) < 0) {
		ck_error(c, "the queue is full");
		return -1;
	}
	if (!ck_publish(c, q))
		return -1;
	return ck_reap(c, q, &u);
}

static const struct shape cuts[] = {
	{ "one piece each", 8, 2, { 8 }, VIRTIO_GPIO_MSG_GET_DIRECTION, 0, 0 },
	{ "four", 8, 2, { 3, 8, 9 }, VIRTIO_GPIO_MSG_GET_DIRECTION, 0, 0 },
	{ "five", 8, 2, { 2, 4, 8, 9 }, VIRTIO_GPIO_MSG_GET_DIRECTION, 0, 0 },
};

static void framing(struct ck *c)
{
	struct tp_buf area;
	struct gk k;

	if (!good_up(c, &k, false) || !ck_alloc(c, 64, 64, &area))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		int rc = put(c, GPIO_REQUESTQ, &area, &cuts[i]);

		if (rc < 0)
			return;
		if (!rc || area.hva[8] != VIRTIO_GPIO_STATUS_OK) {
			ck_fail(c, FRAMING, "the same answer however it is cut",
				"a message in %s %s status 0x%02x", cuts[i].what,
				rc ? "is answered with" : "does not come back:", area.hva[8]);
			return;
		}
	}
}

CHECK(framing, .id = "gpio.message.framing", .clauses = { FRAMING, "ROB.packed.framing" },
      .stimulus = "a message in two, four and five descriptors", .oracle = "it is obeyed each time",
      .device = VIRTIO_ID_GPIO, .caps = TP_CAP_CONFIG, .run = framing);

static const struct shape hostile[] = {
	{ "a message of 7 bytes", 7, 2, { 7 }, 2, 0, 0 },
	{ "nothing to read", 0, 4, { 0 }, 2, 0, 0 },
	{ "no room for an answer", 8, 0, { 0 }, 5, 0, 1 },
	{ "room for a status only", 8, 1, { 8 }, 2, 0, 0 },
	{ "a message of 40 bytes", 40, 2, { 8, 40 }, 2, 0, 0 },
	{ "room for more", 8, 40, { 8 }, 2, 0, 0 },
	{ "message 0", 8, 2, { 8 }, 0, 0, 0 },
	{ "message 255", 8, 2, { 8 }, 255, 0, 0 },
	{ "line 65535", 8, 2, { 8 }, 2, 0xffff, 0 },
	{ "direction 3", 8, 2, { 8 }, 3, 0, 3 },
	{ "a value of 2^31", 8, 2, { 8 }, 5, 0, 0x80000000 },
	{ "names without room", 8, 2, { 8 }, 1, 0, 0 },
	{ "an interrupt of type 0xff", 8, 2, { 8 }, 6, 0, 0xff },
};

static void bad_messages(struct ck *c)
{
	struct tp_buf area;
	struct gk k;

	if (!good_up(c, &k, false) || !ck_alloc(c, 64, 64, &area))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		ck_log(c, "  %s:", hostile[i].what);
		if (put(c, GPIO_REQUESTQ, &area, &hostile[i]) < 0)
			return;
		/* One that it says is in error is set up again. */
		if (c->tp->ops->queue_error && c->tp->ops->queue_error(c->tp, GPIO_REQUESTQ) &&
		    (!ck_open(c) || !gk_up(c, &k, false) || !ck_alloc(c, 64, 64, &area)))
			return;
		if (!gk_alive(c, &k, GK_ALIVE, hostile[i].what))
			return;
	}
}

CHECK(bad_messages, .id = "gpio.hostile.messages", .clauses = { GK_ALIVE },
      .stimulus =
	      "messages that are too short, unknown, of no line, and without room for an answer; "
	      "after each a good one",
      .oracle = "that is obeyed", .device = VIRTIO_ID_GPIO, .caps = TP_CAP_CONFIG, .disturbs = true,
      .run = bad_messages);

static const struct shape events[] = {
	{ "an event of 1 byte", 1, 1, { 1 }, 0, 0, 0 },
	{ "an event of nothing", 0, 1, { 1 }, 0, 0, 0 },
	{ "an event without a status", 2, 0, { 2 }, 0, 0, 0 },
	{ "an event of line 65535", 2, 1, { 2 }, 0, 0xffff, 0 },
	{ "a message as an event", 8, 2, { 8 }, 2, 0, 0 },
};

/* Is a good buffer returned, when its interrupt is disabled again? 1, 0, or -1: it is over. */
static int returns(struct ck *c, struct gk *k)
{
	if (!gk_irq(c, k, 0, VIRTIO_GPIO_IRQ_TYPE_EDGE_RISING) || !gk_unmask(c, k, 0) ||
	    !gk_do(c, k, VIRTIO_GPIO_MSG_IRQ_TYPE, 0, VIRTIO_GPIO_IRQ_TYPE_NONE, NULL))
		return -1;
	/* With bad ones that it kept, perhaps. */
	for (size_t i = 0; i <= ARRAY_SIZE(events); i++) {
		struct ck_used u;

		if (!ck_reap(c, GPIO_EVENTQ, &u))
			return 0;
		if (u.token == k->events.hva)
			return 1;
	}
	return 0;
}

static void bad_events(struct ck *c)
{
	struct tp_buf area;
	struct gk k;
	int rc;

	if (!good_up(c, &k, true))
		return;
	rc = returns(c, &k);
	if (rc == 0)
		ck_skip(c,
			"a buffer is not returned when its interrupt is disabled, before or after");
	if (rc <= 0 || !ck_alloc(c, ARRAY_SIZE(events) * 64, 64, &area))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		struct tp_buf one = { area.hva + 64 * i, gpa_add(area.gpa, 64 * i), 64 };

		ck_log(c, "  %s:", events[i].what);
		/* It may keep such a buffer: then nothing comes, and the time for that is lost. */
		if (put(c, GPIO_EVENTQ, &one, &events[i]) < 0)
			return;
		if (c->tp->ops->queue_error && c->tp->ops->queue_error(c->tp, GPIO_EVENTQ) &&
		    (!ck_open(c) || !gk_up(c, &k, true) ||
		     !ck_alloc(c, ARRAY_SIZE(events) * 64, 64, &area)))
			return;
		if (!gk_alive(c, &k, GK_ALIVE, events[i].what))
			return;
	}
	rc = returns(c, &k);
	if (rc < 0)
		return;
	if (!rc)
		ck_fail(c, GK_ALIVE, "a good buffer afterwards is returned",
			"after bad ones on the event queue one is not, when its interrupt is disabled");
}

CHECK(bad_events, .id = "gpio.hostile.events", .clauses = { GK_ALIVE },
      .stimulus =
	      "buffers on the event queue that name no line or have no status; after each a good "
	      "message, and a good buffer at the end",
      .oracle = "these are served", .device = VIRTIO_ID_GPIO, .features = GK_IRQ, .queues = 2,
      .caps = TP_CAP_CONFIG, .disturbs = true, .run = bad_events);
