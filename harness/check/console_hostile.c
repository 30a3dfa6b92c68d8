// SPDX-License-Identifier: BSD-3-Clause
/* Console: what no driver says or sends, and that a device lives on. */
#include <string.h>

#include "harness/check/console_kit.h"

#define OUTSIDE	 "ROB.mem.outside"
#define USED_LEN "v14.split-ring.used-ring.dev.2"

/* One that says that its queue is in error may be set up again. */
static bool in_error(struct ck *c, unsigned q)
{
	return c->tp->ops->queue_error && c->tp->ops->queue_error(c->tp, q);
}

/* --- control messages ------------------------------------------------------------------------------------ */

static const struct {
	const char *what;
	u32 len;
	u32 port;
	u16 event, value;
} messages[] = {
	{ "1 byte", 1, 0, 0, 0 },
	{ "7 bytes", 7, 0, VIRTIO_CONSOLE_PORT_READY, 0 },
	{ "4000 bytes", 4000, 0, VIRTIO_CONSOLE_PORT_OPEN, 1 },
	{ "event 8", 8, 0, 8, 1 },
	{ "event 65535", 8, 0, 0xffff, 1 },
	{ "DEVICE_ADD", 8, 0, VIRTIO_CONSOLE_PORT_ADD, 1 },
	{ "DEVICE_REMOVE", 8, 0, VIRTIO_CONSOLE_PORT_REMOVE, 1 },
	{ "RESIZE", 8, 0, VIRTIO_CONSOLE_RESIZE, 1 },
	{ "PORT_NAME", 40, 0, VIRTIO_CONSOLE_PORT_NAME, 1 },
	{ "PORT_OPEN before DEVICE_READY", 8, 0, VIRTIO_CONSOLE_PORT_OPEN, 1 },
	{ "PORT_READY of port 31", 8, 31, VIRTIO_CONSOLE_PORT_READY, 1 },
	{ "PORT_OPEN of port 511", 8, 511, VIRTIO_CONSOLE_PORT_OPEN, 1 },
	{ "PORT_READY of port 2^31", 8, 0x80000000, VIRTIO_CONSOLE_PORT_READY, 1 },
	{ "PORT_OPEN of port 2^32 - 1", 8, 0xffffffff, VIRTIO_CONSOLE_PORT_OPEN, 0xffff },
};

/* A fresh device says which ports there are. 1, 0, or -1. */
static int adds_ports(struct ck *c, struct tk *k)
{
	struct console_said said;

	for (unsigned i = 0; i < CK_FLOOD; i++) {
		const int rc = tk_hear(c, k, &said);

		if (rc <= 0)
			return rc;
		if (said.event == VIRTIO_CONSOLE_PORT_ADD)
			return 1;
	}
	ck_error(c, "the device says more than %u things, and no DEVICE_ADD", CK_FLOOD);
	return -1;
}

static bool ready(struct ck *c, struct tk *k)
{
	return tk_say(c, k, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
}

static void bad_messages(struct ck *c)
{
	struct tk k;
	int rc;

	if (!tk_up(c, &k, TK_MULTI) || !tk_post_control(c, &k) || !ready(c, &k))
		return;
	rc = adds_ports(c, &k);
	if (rc <= 0) {
		if (rc == 0)
			ck_skip(c, "no port is added");
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(messages); i++) {
		struct ck_used u;

		if (!ck_open(c) || !tk_up(c, &k, TK_MULTI) || !tk_post_control(c, &k))
			return;
		memset(k.out.hva, 0xff, k.out.len);
		console_message(k.out.hva, messages[i].port, messages[i].event, messages[i].value);
		ck_log(c, "  %s", messages[i].what);
		if (vq_add(&c->q[CONSOLE_CONTROL_OUT].vq,
			   &(struct vq_sg){ k.out.gpa, messages[i].len }, 1, 0, k.out.hva) < 0) {
			ck_error(c, "the control transmit queue is full");
			return;
		}
		if (!ck_publish(c, CONSOLE_CONTROL_OUT))
			return;
		if (!ck_reap(c, CONSOLE_CONTROL_OUT, &u)) {
			if (in_error(c, CONSOLE_CONTROL_OUT))
				continue;
			ck_fail(c, TK_ALIVE, "the message is returned", "%s: it is not",
				messages[i].what);
			return;
		}
		if (!ready(c, &k))
			return;
		rc = adds_ports(c, &k);
		if (rc == 0)
			ck_fail(c, TK_ALIVE, "ports are added after DEVICE_READY",
				"after %s none is", messages[i].what);
		if (rc <= 0)
			return;
	}
}

CHECK(bad_messages, .id = "console.hostile.messages", .clauses = { TK_ALIVE },
      .stimulus = "control messages that are too short or too long, of unknown events and ports, "
		  "and those of a device, before DEVICE_READY",
      .oracle = "each is returned, and after DEVICE_READY ports are added",
      .device = VIRTIO_ID_CONSOLE, .caps = TP_CAP_CONFIG, .features = TK_MULTI, .queues = 4,
      .disturbs = true, .run = bad_messages);

static void small_buffers(struct ck *c)
{
	static const u32 sizes[] = { 1, 4, 7 };
	struct tp_buf small;
	struct ck_used u;
	struct tk k;
	int rc;

	if (!tk_up(c, &k, TK_MULTI) || !tk_post_control(c, &k) || !ready(c, &k))
		return;
	rc = adds_ports(c, &k);
	if (rc <= 0) {
		if (rc == 0)
			ck_skip(c, "no port is added");
		return;
	}
	if (!ck_open(c) || !tk_up(c, &k, TK_MULTI) ||
	    !ck_alloc(c, 64 * ARRAY_SIZE(sizes), 64, &small))
		return;
	memset(small.hva, TK_UNSET, small.len);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct vq_sg sg = { gpa_add(small.gpa, 64 * i), sizes[i] };

		if (vq_add(&c->q[CONSOLE_CONTROL_IN].vq, &sg, 0, 1, small.hva + 64 * i) < 0) {
			ck_error(c, "the control receive queue is full");
			return;
		}
	}
	if (!ck_publish(c, CONSOLE_CONTROL_IN) || !ready(c, &k))
		return;
	ck_quiet(c);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (vq_used_pending(&c->q[CONSOLE_CONTROL_IN].vq) &&
		    ck_reap(c, CONSOLE_CONTROL_IN, &u) && u.len > 7) {
			ck_fail(c, USED_LEN, "no more than there is room for",
				"a control buffer of at most 7 bytes came back with length %u",
				u.len);
			return;
		}
		if (ck_not_value(small.hva + 64 * i + sizes[i], 64 - sizes[i], TK_UNSET) <
		    64 - sizes[i]) {
			ck_fail(c, OUTSIDE, "nothing behind the buffer is written",
				"a control buffer of %u bytes was written beyond its end",
				sizes[i]);
			return;
		}
	}
	/* The messages may be lost with them; not the port. */
	if (!ck_open(c) || !tk_up(c, &k, TK_MULTI) || !tk_post_control(c, &k) || !ready(c, &k))
		return;
	if (adds_ports(c, &k) == 0)
		ck_fail(c, TK_ALIVE, "ports are added to the next driver",
			"after control buffers of 1, 4 and 7 bytes none is");
}

CHECK(small_buffers, .id = "console.hostile.small-buffers",
      .clauses = { OUTSIDE, USED_LEN, TK_ALIVE, "ROB.packed.used-len" },
      .stimulus = "control receive buffers of 1, 4 and 7 bytes; then a new driver",
      .oracle = "nothing is written behind them, and ports are added for the new driver",
      .device = VIRTIO_ID_CONSOLE, .caps = TP_CAP_CONFIG, .features = TK_MULTI, .queues = 4,
      .disturbs = true, .run = small_buffers);

/* --- data --------------------------------------------------------------------------------------------------- */

static bool put(struct ck *c, unsigned q, const struct vq_sg *sg, unsigned out, unsigned in,
		void *token)
{
	if (vq_add(&c->q[q].vq, sg, out, in, token) < 0)
		return ck_error(c, "queue %u is full", q);
	return ck_publish(c, q);
}

static void bad_data(struct ck *c)
{
	struct ck_used u;
	struct tk k;

	if (!tk_loop(c, &k, 0))
		return;
	memset(k.tx.hva, 'x', 64);
	for (unsigned i = 0; i < 3; i++) {
		const struct vq_sg writable = { gpa_add(k.tx.gpa, 4096), 64 };

		/* Nothing to send; and then something. */
		if (!put(c, console_out(0), &writable, 0, 1, k.tx.hva))
			return;
		if (!ck_reap(c, console_out(0), &u)) {
			ck_fail(c, TK_ALIVE, "it is returned",
				"a buffer with nothing to send is not");
			return;
		}
		ck_fill(k.tx.hva, 300, i + 60);
		if (!tk_send(c, &k, 0, 300, 2) ||
		    !tk_comes_back(c, &k, 0, 300, TK_ALIVE,
				   "after a buffer with nothing to send") ||
		    !tk_sent(c, &k, 0, NULL))
			return;
	}
}

CHECK(bad_data, .id = "console.hostile.data", .clauses = { TK_ALIVE },
      .stimulus = "buffers with nothing to send on a transmit queue of a port in loop-back",
      .oracle = "they are returned, and what is sent afterwards comes back",
      .device = VIRTIO_ID_CONSOLE, .disturbs = true, .run = bad_data);

static void closed_ports(struct ck *c)
{
	struct ck_used u;
	struct tk k;

	if (!tk_loop(c, &k, TK_MULTI))
		return;
	/* Of ports that are there or not, set up or not, and of one that the driver closes. */
	for (u32 port = 0; port < k.ports; port++) {
		if (!tk_say(c, &k, port, VIRTIO_CONSOLE_PORT_OPEN, 0) ||
		    !tk_send(c, &k, port, 50, 1))
			return;
		/* What is sent to a port that is not there may be left. */
		if (!vq_used_pending(&c->q[console_out(port)].vq))
			ck_quiet(c);
		if (vq_used_pending(&c->q[console_out(port)].vq) &&
		    !ck_reap(c, console_out(port), &u))
			return;
	}
	if (!ck_open(c) || !tk_up(c, &k, TK_MULTI) || !tk_talk(c, &k) ||
	    !tk_post(c, &k, k.first, TK_IN))
		return;
	if (tk_marker(c, &k, k.first) == 0)
		ck_fail(c, TK_ALIVE, "what the next driver sends comes back",
			"after data for ports that are closed it does not");
}

CHECK(closed_ports, .id = "console.hostile.closed", .clauses = { TK_ALIVE },
      .stimulus = "data for ports that the driver has closed, or that are not there",
      .oracle = "the next driver's data goes round", .device = VIRTIO_ID_CONSOLE,
      .caps = TP_CAP_CONFIG, .features = TK_MULTI, .queues = 4, .disturbs = true,
      .run = closed_ports);
