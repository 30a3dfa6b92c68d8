// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/console_kit.h"

#include <string.h>

#define MARKER 24u

static bool read_max_ports(struct ck *c, struct tk *k)
{
	u8 raw[4];

	if (!ck_must(c,
		     c->tp->ops->read_config(
			     c->tp, offsetof(struct virtio_console_config, max_nr_ports), raw, 4),
		     "reading max_nr_ports"))
		return false;
	k->max_ports = raw[0] | (u32)raw[1] << 8 | (u32)raw[2] << 16 | (u32)raw[3] << 24;
	return true;
}

bool tk_up(struct ck *c, struct tk *k, u64 want)
{
	*k = (struct tk){ .max_ports = 1, .ports = 1, .second = TK_KNOWN };
	if (want & c->check->features & ~c->offered)
		return ck_error(c, "features are not offered any more");
	if (!ck_negotiate(c, want | ck_ring_features()))
		return false;
	k->multi = ck_has(c, VIRTIO_CONSOLE_F_MULTIPORT);
	if (k->multi) {
		if (!read_max_ports(c, k))
			return false;
		k->ports = (unsigned)MIN(k->max_ports, (u32)TK_PORTS);
		if (!k->ports)
			return ck_error(c, "max_nr_ports is 0");
		if (c->queues < console_out(k->ports - 1) + 1)
			return ck_error(c, "%u queues, and max_nr_ports is %u", c->queues,
					k->max_ports);
	}
	for (unsigned q = 0; q < (k->multi ? 2 + 2 * k->ports : 2); q++)
		if (!ck_queue_start(c, q, NULL))
			return false;
	if (!ck_alloc(c, TK_TX, 64, &k->tx) || !ck_alloc(c, 2 * TK_TX, 64, &k->got) ||
	    !ck_alloc(c, 4096, 64, &k->out))
		return false;
	return ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK");
}

/* --- data ------------------------------------------------------------------------------------------------ */

static bool post_one(struct ck *c, struct tk *k, u32 port, unsigned i)
{
	const u32 at = i * k->in_size;
	/* In two pieces, where there is something to cut. */
	const u32 first = k->in_size > 8 ? 5 : k->in_size;
	const struct vq_sg sg[] = { { gpa_add(k->in[port].gpa, at), first },
				    { gpa_add(k->in[port].gpa, at + first), k->in_size - first } };

	memset(k->in[port].hva + at, TK_UNSET, k->in_size);
	return vq_add(&c->q[console_in(port)].vq, sg, 0, first < k->in_size ? 2 : 1,
		      k->in[port].hva + at) >= 0 ||
	       ck_error(c, "the receive queue is full");
}

bool tk_post(struct ck *c, struct tk *k, u32 port, u32 size)
{
	k->in_size = size;
	k->in_count = MIN(TK_INS, c->q[console_in(port)].layout.size / 2u);
	if (!k->in[port].hva && !ck_alloc(c, TK_INS * size, 64, &k->in[port]))
		return false;
	for (unsigned i = 0; i < k->in_count; i++)
		if (!post_one(c, k, port, i))
			return false;
	return ck_publish(c, console_in(port));
}

bool tk_send(struct ck *c, struct tk *k, u32 port, u32 len, unsigned pieces)
{
	struct vq_sg sg[8];
	unsigned n = 0;

	for (u32 at = 0; at < len;) {
		const u32 piece = n + 1 == pieces || len - at < pieces ? len - at : len / pieces;

		sg[n++] = (struct vq_sg){ gpa_add(k->tx.gpa, at), piece };
		at += piece;
	}
	if (vq_add(&c->q[console_out(port)].vq, sg, n, 0, k->tx.hva) < 0)
		return ck_error(c, "the transmit queue is full");
	return ck_publish(c, console_out(port));
}

bool tk_sent(struct ck *c, struct tk *k, u32 port, struct ck_used *u)
{
	struct ck_used used;

	return ck_reap(c, console_out(port), u ? u : &used) ||
	       ck_error(c, "what was sent is not returned within %u ms", c->tp->timeout_ms);
}

/* One buffer, behind what was received before: 1, 0 when none comes, -1. */
static int take(struct ck *c, struct tk *k, u32 port)
{
	struct ck_used u;
	const u8 *from;

	if (!ck_reap(c, console_in(port), &u))
		return 0;
	from = u.token;
	if (u.head < 0) {
		ck_error(c, "a receive buffer that is not outstanding came back");
		return -1;
	}
	if (u.len > k->in_size) {
		ck_fail(c, TK_DATA, "no more than there is room for",
			"a receive buffer of %u bytes came back with length %u", k->in_size, u.len);
		return -1;
	}
	if (ck_not_value(from + u.len, k->in_size - u.len, TK_UNSET) < k->in_size - u.len) {
		ck_fail(c, TK_DATA, "all that is written is counted",
			"a receive buffer came back with length %u, and more was written", u.len);
		return -1;
	}
	if (k->have + u.len > k->got.len) {
		ck_error(c, "more comes than was ever sent");
		return -1;
	}
	memcpy(k->got.hva + k->have, from, u.len);
	k->have += u.len;
	return post_one(c, k, port, (unsigned)(from - k->in[port].hva) / k->in_size) &&
			       ck_publish(c, console_in(port))
		       ? 1
		       : -1;
}

bool tk_receive(struct ck *c, struct tk *k, u32 port, u32 len)
{
	k->have = 0;
	/* Buffers without anything in them do not count for ever. */
	for (unsigned turns = 0; k->have < len && turns < len + CK_FLOOD; turns++) {
		const int rc = take(c, k, port);

		if (rc <= 0)
			return rc == 0;
	}
	return true;
}

bool tk_comes_back(struct ck *c, struct tk *k, u32 port, u32 len, const char *clause,
		   const char *what)
{
	if (!tk_receive(c, k, port, len))
		return false;
	for (u32 i = 0; i < len && i < k->have; i++)
		if (k->got.hva[i] != k->tx.hva[i])
			return ck_fail(c, clause, "what was sent comes back",
				       "%s: byte %u of %u was sent as 0x%02x and is 0x%02x", what,
				       i, len, k->tx.hva[i], k->got.hva[i]);
	if (k->have < len)
		return ck_fail(c, clause, "all that was sent comes back",
			       "%s: %u of %u bytes come within %u ms", what, k->have, len,
			       c->tp->timeout_ms);
	ck_log(c, "  %s: %u bytes came back", what, len);
	return k->have == len || ck_fail(c, clause, "nothing else comes",
					 "%s: %u bytes were sent, and %u come", what, len, k->have);
}

/* --- control ---------------------------------------------------------------------------------------------- */

static bool post_control(struct ck *c, struct tk *k, unsigned i)
{
	const u32 at = i * 2 * TK_CTL;
	const struct vq_sg sg = { gpa_add(k->ctl.gpa, at), TK_CTL };

	memset(k->ctl.hva + at, TK_UNSET, 2 * TK_CTL);
	return vq_add(&c->q[CONSOLE_CONTROL_IN].vq, &sg, 0, 1, k->ctl.hva + at) >= 0 ||
	       ck_error(c, "the control receive queue is full");
}

bool tk_post_control(struct ck *c, struct tk *k)
{
	const unsigned n = MIN(TK_CTLS, (unsigned)c->q[CONSOLE_CONTROL_IN].layout.size);

	if (!k->ctl.hva && !ck_alloc(c, TK_CTLS * 2 * TK_CTL, 64, &k->ctl))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!post_control(c, k, i))
			return false;
	return ck_publish(c, CONSOLE_CONTROL_IN);
}

bool tk_say_bytes(struct ck *c, struct tk *k, const u8 *bytes, u32 len)
{
	const struct vq_sg sg = { k->out.gpa, len };
	struct ck_used u;

	memcpy(k->out.hva, bytes, len);
	if (vq_add(&c->q[CONSOLE_CONTROL_OUT].vq, &sg, 1, 0, k->out.hva) < 0)
		return ck_error(c, "the control transmit queue is full");
	return ck_publish(c, CONSOLE_CONTROL_OUT) &&
	       (ck_reap(c, CONSOLE_CONTROL_OUT, &u) ||
		ck_error(c, "a control message is not returned within %u ms", c->tp->timeout_ms));
}

bool tk_say(struct ck *c, struct tk *k, u32 port, u16 event, u16 value)
{
	u8 m[CONSOLE_MESSAGE];

	ck_log(c, "  to the device: port %u event %u value %u", port, event, value);
	console_message(m, port, event, value);
	return tk_say_bytes(c, k, m, sizeof(m));
}

static void keep_in_mind(struct tk *k, const struct console_said *said)
{
	struct tk_port *p = said->port < TK_KNOWN ? &k->port[said->port] : NULL;

	k->adds += said->event == VIRTIO_CONSOLE_PORT_ADD;
	k->removes += said->event == VIRTIO_CONSOLE_PORT_REMOVE;
	if (!p)
		return;
	if (said->event == VIRTIO_CONSOLE_PORT_ADD)
		p->added = true;
	else if (said->event == VIRTIO_CONSOLE_PORT_REMOVE)
		*p = (struct tk_port){ 0 };
	else if (said->event == VIRTIO_CONSOLE_PORT_OPEN)
		p->told_open = said->value == 1;
	else if (said->event == VIRTIO_CONSOLE_CONSOLE_PORT)
		p->console = true;
}

int tk_hear(struct ck *c, struct tk *k, struct console_said *said)
{
	struct ck_used u;
	const u8 *from;

	if (!ck_reap(c, CONSOLE_CONTROL_IN, &u))
		return 0;
	from = u.token;
	if (u.head < 0 || u.len > TK_CTL || !console_read(from, u.len, said)) {
		ck_error(c, "what comes on the control queue is no message: %u bytes", u.len);
		return -1;
	}
	memcpy(k->said, from, u.len);
	console_read(k->said, u.len, said);
	ck_log(c, "  from the device: port %u event %u value %u, and %u bytes", said->port,
	       said->event, said->value, said->more_len);
	keep_in_mind(k, said);
	return post_control(c, k, (unsigned)(from - k->ctl.hva) / (2 * TK_CTL)) &&
			       ck_publish(c, CONSOLE_CONTROL_IN)
		       ? 1
		       : -1;
}

int tk_overhear(struct ck *c, struct tk *k, struct console_said *said)
{
	if (!vq_used_pending(&c->q[CONSOLE_CONTROL_IN].vq))
		ck_quiet(c);
	return vq_used_pending(&c->q[CONSOLE_CONTROL_IN].vq) ? tk_hear(c, k, said) : 0;
}

/* All that the device has to say for now. */
static bool listen(struct ck *c, struct tk *k)
{
	struct console_said said;

	for (unsigned i = 0; i < CK_FLOOD; i++) {
		int rc = tk_overhear(c, k, &said);

		if (rc <= 0)
			return rc == 0;
		if (said.event == VIRTIO_CONSOLE_PORT_ADD &&
		    !tk_say(c, k, said.port, VIRTIO_CONSOLE_PORT_READY, 1))
			return false;
		if (said.event == VIRTIO_CONSOLE_CONSOLE_PORT &&
		    !tk_say(c, k, said.port, VIRTIO_CONSOLE_PORT_OPEN, 1))
			return false;
	}
	return ck_error(c, "the device says more than %u things", CK_FLOOD);
}

bool tk_talk(struct ck *c, struct tk *k)
{
	struct console_said said;
	u32 found = 0;
	int rc;

	if (!tk_post_control(c, k) ||
	    !tk_say(c, k, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1))
		return false;
	rc = tk_hear(c, k, &said);
	if (rc == 0)
		return ck_skip(c, "no port is added");
	if (rc < 0 ||
	    (said.event == VIRTIO_CONSOLE_PORT_ADD &&
	     !tk_say(c, k, said.port, VIRTIO_CONSOLE_PORT_READY, 1)) ||
	    !listen(c, k))
		return false;
	for (u32 i = 0; i < k->ports; i++) {
		if (!k->port[i].added)
			continue;
		if (!k->port[i].console && !tk_say(c, k, i, VIRTIO_CONSOLE_PORT_OPEN, 1))
			return false;
		if (found++ == 0)
			k->first = i;
		else if (k->second == TK_KNOWN)
			k->second = i;
	}
	return found || ck_skip(c, "no port is added whose number is below %u", k->ports);
}

int tk_marker(struct ck *c, struct tk *k, u32 port)
{
	u32 have = 0;

	ck_fill(k->tx.hva, MARKER, 0x6d61726b);
	if (!tk_send(c, k, port, MARKER, 1) || !tk_sent(c, k, port, NULL))
		return -1;
	/* What was waiting for a driver comes first. */
	for (unsigned i = 0; i < CK_FLOOD; i++) {
		if (!tk_receive(c, k, port, 1))
			return -1;
		if (!k->have)
			return 0;
		for (u32 at = 0; at < k->have; at++)
			have = k->got.hva[at] == k->tx.hva[have] ? have + 1
								 : k->got.hva[at] == k->tx.hva[0];
		if (have == MARKER)
			return 1;
	}
	ck_error(c, "what comes does not end");
	return -1;
}

bool tk_loop(struct ck *c, struct tk *k, u64 want)
{
	int rc;

	if (!tk_up(c, k, want) || (k->multi && !tk_talk(c, k)) || !tk_post(c, k, k->first, TK_IN))
		return false;
	rc = tk_marker(c, k, k->first);
	return rc ? rc > 0
		  : ck_skip(c, "what is sent does not come back: the port is not in loop-back");
}
