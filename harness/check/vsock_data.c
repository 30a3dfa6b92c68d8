// SPDX-License-Identifier: BSD-3-Clause
/* Socket device: bytes and messages over many connections, both ways, with a peer on the host's side. */
#include <string.h>

#include "harness/check/vsock_kit.h"

#define DATA	 VK_ROB("data")
#define MESSAGES VK_ROB("messages")
#define FIELDS	 "v14.vsock.credit.dev.2"
#define FLOWS	 200u
#define BYTES	 20000u
#define PATTERN                                                                                    \
	4096u	 /* what is sent repeats after so many bytes, which is no power of two away … */
#define STEP 37u /* … from that of the next connection */

struct flow {
	struct vsock_conn n;
	int peer;
	u32 sent, arrived;	/* to the peer */
	u32 peer_sent, to_tell; /* from it; since the last packet of ours */
};

struct many {
	struct vk k;
	struct flow f[FLOWS];
	u8 pattern[2 * PATTERN + FLOWS * STEP];
	u8 bytes[PATTERN];
};

/* Byte `at` of what connection `i` carries, and what follows. */
static const u8 *pattern(const struct many *m, unsigned i, u32 at)
{
	return m->pattern + i * STEP + at % PATTERN;
}

static struct flow *flow_of(struct many *m, const struct vsock_head *h)
{
	const u32 i = h->dst_port - VK_OURS;

	return i < FLOWS && h->src_port == VK_LISTENING ? &m->f[i] : NULL;
}

/* Packets that have come. False: it is over. */
static bool drain(struct ck *c, struct many *m, bool *moved)
{
	struct vk_packet p;
	int rc;

	while ((rc = vk_poll(c, &m->k, &p)) > 0) {
		struct flow *f = flow_of(m, &p.h);
		enum vsock_wrong wrong;

		if (!f)
			continue;
		*moved = true;
		if (p.h.op == VIRTIO_VSOCK_OP_RW &&
		    memcmp(p.data, pattern(m, (unsigned)(f - m->f), f->n.rx_cnt), p.h.len) != 0)
			return ck_fail(c, DATA, "the bytes that the peer sent",
				       "from byte %u of connection %zd on others come", f->n.rx_cnt,
				       f - m->f);
		wrong = vsock_take(&f->n, &p.h);
		if (wrong)
			return ck_fail(
				c, DATA, "credit that is accounted for",
				"%s of connection %zd has buf_alloc %u, fwd_cnt %u, %u bytes",
				vsock_op_name(p.h.op), f - m->f, p.h.buf_alloc, p.h.fwd_cnt,
				p.h.len);
		if (f->n.reset)
			return ck_fail(c, DATA, "connections that stay", "connection %zd is reset",
				       f - m->f);
		f->n.fwd_cnt = f->n.rx_cnt;
		if (p.h.op == VIRTIO_VSOCK_OP_RW)
			f->to_tell += p.h.len;
		if ((f->to_tell > VK_BUFFER / 4 || p.h.op == VIRTIO_VSOCK_OP_CREDIT_REQUEST) &&
		    !vk_send_op(c, &m->k, &f->n, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, NULL, 0))
			return false;
		f->to_tell = f->to_tell > VK_BUFFER / 4 ? 0 : f->to_tell;
	}
	return rc == 0;
}

/* What a connection can do now. False: it is over. */
static bool turn(struct ck *c, struct many *m, struct flow *f, bool *moved)
{
	const unsigned i = (unsigned)(f - m->f);
	u32 some = MIN(MIN(vsock_free(&f->n), BYTES - f->sent), 1 + ck_random(c) % 3000);
	long n;

	if (some) {
		if (!vk_send_op(c, &m->k, &f->n, VIRTIO_VSOCK_OP_RW, 0, pattern(m, i, f->sent),
				some))
			return false;
		f->sent += some;
		*moved = true;
	}
	n = c->tp->peer->recv(c->tp->peer, f->peer, m->bytes, sizeof(m->bytes));
	if (n < 0)
		return ck_fail(c, DATA, "connections that stay", "the peer's of connection %u ends",
			       i);
	if (n && memcmp(m->bytes, pattern(m, i, f->arrived), (size_t)n) != 0)
		return ck_fail(c, DATA, "the bytes that were sent",
			       "from byte %u of connection %u on others come at the peer",
			       f->arrived, i);
	f->arrived += (u32)n;
	*moved |= n > 0;
	some = MIN(BYTES - f->peer_sent, 1 + ck_random(c) % 3000);
	n = some ? c->tp->peer->send(c->tp->peer, f->peer, pattern(m, i, f->peer_sent), some) : 0;
	f->peer_sent += n > 0 ? (u32)n : 0;
	*moved |= n > 0;
	return drain(c, m, moved);
}

static bool finished(const struct many *m)
{
	for (unsigned i = 0; i < FLOWS; i++)
		if (m->f[i].arrived < BYTES || m->f[i].n.rx_cnt < BYTES)
			return false;
	return true;
}

/* One at a time: it is too large for a guest's stack. */
static struct many all;

static void data(struct ck *c)
{
	struct many *m = &all;
	u64 end;

	memset(m, 0, sizeof(*m));
	ck_fill(m->pattern, PATTERN, 7);
	for (u32 i = PATTERN; i < sizeof(m->pattern); i++)
		m->pattern[i] = m->pattern[i - PATTERN];
	if (!vk_listen(c, VK_STREAM) || !vk_up(c, &m->k, VK_ALL, VK_BUFFERS))
		return;
	for (unsigned i = 0; i < FLOWS; i++)
		if (!vk_open(c, &m->k, &m->f[i].n, VK_STREAM, VK_OURS + i, &m->f[i].peer))
			return;
	end = tp_deadline(c->tp, c->tp->timeout_ms);
	while (!finished(m)) {
		bool moved = false;

		for (unsigned i = 0; i < FLOWS; i++)
			if (!turn(c, m, &m->f[i], &moved))
				return;
		if (moved)
			end = tp_deadline(c->tp, c->tp->timeout_ms);
		else if (tp_late(c->tp, end))
			break;
		else
			c->tp->ops->relax(c->tp);
	}
	for (unsigned i = 0; i < FLOWS; i++)
		if (m->f[i].arrived < BYTES || m->f[i].n.rx_cnt < BYTES) {
			ck_fail(c, DATA, "all bytes arrive",
				"of %u bytes on connection %u %u arrive at the peer, %u at the driver",
				BYTES, i, m->f[i].arrived, m->f[i].n.rx_cnt);
			return;
		}
}

CHECK(data, .id = "vsock.data.many", .clauses = { DATA },
      .stimulus = "200 connections at once, 20000 bytes each way on each, in pieces of any size",
      .oracle = "all bytes arrive, in order; no credit is overrun, none is lost",
      .device = VIRTIO_ID_VSOCK, .caps = TP_CAP_CONFIG | TP_CAP_PEER, .run = data);

/* --- messages ------------------------------------------------------------------------------------------------ */

/* A message in one or more packets, the last with EOM. */
static bool send_message(struct ck *c, struct vk *k, struct vsock_conn *n, const u8 *bytes, u32 len,
			 u32 piece)
{
	for (u32 at = 0; at < len; at += piece)
		if (!vk_send_op(c, k, n, VIRTIO_VSOCK_OP_RW,
				at + piece >= len ? VIRTIO_VSOCK_SEQ_EOM : 0, bytes + at,
				MIN(piece, len - at)))
			return false;
	return true;
}

/* One of the peer's, put together: its length must be right. */
static bool take_message(struct ck *c, struct vk *k, struct vsock_conn *n, const u8 *bytes, u32 len)
{
	u32 at = 0;

	for (;;) {
		struct vk_packet p;
		int rc = vk_next_of(c, k, n, &p);

		if (rc < 0)
			return false;
		if (!rc || p.h.op != VIRTIO_VSOCK_OP_RW)
			return ck_fail(c, MESSAGES, "a message that the peer sent",
				       "of %u bytes %u come, then %s", len, at,
				       rc ? vsock_op_name(p.h.op) : "nothing");
		vsock_take(n, &p.h);
		if (at + p.h.len > len || memcmp(p.data, bytes + at, p.h.len) != 0)
			return ck_fail(c, MESSAGES, "the message that the peer sent",
				       "of %u bytes others come from byte %u on, or more", len, at);
		at += p.h.len;
		if (!(p.h.flags & VIRTIO_VSOCK_SEQ_EOM) && at < len)
			continue;
		n->fwd_cnt = n->rx_cnt;
		return (at == len && p.h.flags & VIRTIO_VSOCK_SEQ_EOM) ||
		       ck_fail(c, MESSAGES, "EOM with the last byte of a message, and there alone",
			       "of %u bytes %u have come, flags are %#x", len, at, p.h.flags);
	}
}

static void messages(struct ck *c)
{
	static const u32 lens[] = { 1, 100, 4052, 4053, 10000, 7 };
	static u8 bytes[10000], got[10001];
	struct vsock_conn n;
	struct vk k;
	int peer;

	ck_fill(bytes, sizeof(bytes), 8);
	if (!vk_listen(c, VK_PACKETS) || !vk_up(c, &k, VK_ALL, VK_BUFFERS) ||
	    !vk_open(c, &k, &n, VK_PACKETS, VK_OURS, &peer))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		if (!send_message(c, &k, &n, bytes, lens[i], i == 1 ? 30 : VK_SEND))
			return;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		const u64 end = tp_deadline(c->tp, c->tp->timeout_ms);
		long some;

		while (!(some = c->tp->peer->recv(c->tp->peer, peer, got, sizeof(got))) &&
		       !tp_late(c->tp, end))
			c->tp->ops->relax(c->tp);
		if (some != (long)lens[i] || memcmp(got, bytes, lens[i]) != 0) {
			ck_fail(c, MESSAGES, "the messages that were sent",
				"message %zu of %u bytes arrives with %ld, or others", i, lens[i],
				some);
			return;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		if (c->tp->peer->send(c->tp->peer, peer, bytes, lens[i]) != (long)lens[i]) {
			ck_error(c, "the peer cannot send");
			return;
		}
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		if (!take_message(c, &k, &n, bytes, lens[i]))
			return;
}

CHECK(messages, .id = "vsock.data.messages", .clauses = { MESSAGES },
      .stimulus =
	      "messages of 1 to 10000 bytes in packets of 30 and 4096 bytes, and as many from the peer",
      .oracle = "each arrives as one, and EOM marks its end", .device = VIRTIO_ID_VSOCK,
      .features = VK_F(SEQPACKET), .caps = TP_CAP_CONFIG | TP_CAP_PEER, .run = messages);
