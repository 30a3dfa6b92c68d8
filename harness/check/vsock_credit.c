// SPDX-License-Identifier: BSD-3-Clause
/* Socket device: buffer space management (5.10.6.3), with a peer on the host's side. */
#include <string.h>

#include "harness/check/vsock_kit.h"

#define WITHIN	"v14.vsock.credit.dev.1"
#define FIELDS	"v14.vsock.credit.dev.2"
#define OVER	VK_ROB("over-credit")
#define RX_FULL "v14.vsock.flow.dev.1"
#define SMALL	64u

/* Bytes of ck_fill()'s making arrive in order; how many came before nothing more does. False: it is over. */
static bool take_bytes(struct ck *c, struct vk *k, struct vsock_conn *n, u32 seed, u32 want)
{
	u8 right[8192];
	const u32 from = n->rx_cnt;

	ck_fill(right, sizeof(right), seed);
	while (n->rx_cnt - from < want) {
		struct vk_packet p;
		int rc = vk_next(c, k, &p);
		enum vsock_wrong wrong;
		u32 at = n->rx_cnt;

		if (rc < 0)
			return false;
		if (!rc)
			return ck_error(c, "of %u bytes that the peer sent %u arrive", want,
					n->rx_cnt - from);
		wrong = vsock_take(n, &p.h);
		if (wrong == VSOCK_OVERRUNS)
			return ck_fail(c, WITHIN, "payload within buf_alloc - (rx_cnt - fwd_cnt)",
				       "%u bytes come, there was room for %u", p.h.len,
				       n->buf_alloc - (at - n->fwd_cnt));
		if (p.h.op == VIRTIO_VSOCK_OP_RW &&
		    (n->rx_cnt > sizeof(right) || memcmp(p.data, right + at, p.h.len) != 0))
			return ck_error(c, "the bytes from %u on are not those that were sent", at);
	}
	return true;
}

/* Nothing more comes, however much there is. */
static bool no_more(struct ck *c, struct vk *k, struct vsock_conn *n)
{
	struct vk_packet p;
	int rc;

	ck_quiet(c);
	while ((rc = vk_poll(c, k, &p)) > 0)
		if (vsock_take(n, &p.h) == VSOCK_OVERRUNS)
			return ck_fail(c, WITHIN, "no payload without room for it",
				       "%u bytes more come, there is room for none", p.h.len);
	return rc == 0;
}

static void within(struct ck *c)
{
	struct vsock_conn n;
	u8 bytes[1024];
	struct vk k;
	int peer;

	ck_fill(bytes, sizeof(bytes), 1);
	if (!vk_listen(c, VK_STREAM) || !vk_up(c, &k, VK_ALL, VK_BUFFERS) ||
	    !vk_open(c, &k, &n, VK_STREAM, VK_OURS, &peer))
		return;
	/* From now on there is room for that much. */
	n.buf_alloc = SMALL;
	if (!vk_send_op(c, &k, &n, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, NULL, 0) ||
	    !vk_peer_send(c, peer, bytes, sizeof(bytes)) || !take_bytes(c, &k, &n, 1, SMALL) ||
	    !no_more(c, &k, &n))
		return;
	/* Some of it was read, then the buffer is larger. */
	n.fwd_cnt = 10;
	if (!vk_send_op(c, &k, &n, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, NULL, 0) ||
	    !take_bytes(c, &k, &n, 1, 10) || !no_more(c, &k, &n))
		return;
	n.fwd_cnt = n.rx_cnt;
	n.buf_alloc = VK_BUFFER;
	if (vk_send_op(c, &k, &n, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, NULL, 0))
		take_bytes(c, &k, &n, 1, (u32)sizeof(bytes) - SMALL - 10);
}

CHECK(within, .id = "vsock.credit.within", .clauses = { WITHIN },
      .stimulus =
	      "buf_alloc is 64, and the peer sends 1024 bytes; 10 are read; then there is room for all",
      .oracle = "64 bytes come, 10 more, and then the rest", .device = VIRTIO_ID_VSOCK,
      .caps = TP_CAP_CONFIG | TP_CAP_PEER, .run = within);

/* --- what each packet says ---------------------------------------------------------------------------------- */

static bool fields_right(struct ck *c, struct vsock_conn *n, const struct vk_packet *p)
{
	switch (vsock_take(n, &p->h)) {
	case VSOCK_NO_BUFFER:
		return ck_fail(c, FIELDS, "buf_alloc of each packet is that of the connection",
			       "that of %s is 0", vsock_op_name(p->h.op));
	case VSOCK_COUNTS_BACK:
		return ck_fail(c, FIELDS, "fwd_cnt does not go back", "that of %s is %u",
			       vsock_op_name(p->h.op), p->h.fwd_cnt);
	case VSOCK_COUNTS_UNSENT:
		return ck_fail(c, FIELDS, "fwd_cnt counts bytes that were sent",
			       "that of %s is %u, and %u bytes were sent", vsock_op_name(p->h.op),
			       p->h.fwd_cnt, n->tx_cnt);
	default:
		return true;
	}
}

/* It is asked until it has forwarded all, and says so. */
static bool told_of_all(struct ck *c, struct vk *k, struct vsock_conn *n)
{
	const u64 end = tp_deadline(c->tp, c->tp->timeout_ms);

	do {
		struct vk_packet p;
		int rc;

		if (!vk_send_op(c, k, n, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0, NULL, 0))
			return false;
		rc = vk_next(c, k, &p);
		if (rc < 0)
			return false;
		if (!rc || p.h.op != VIRTIO_VSOCK_OP_CREDIT_UPDATE)
			return ck_fail(c, FIELDS, "CREDIT_UPDATE", "CREDIT_REQUEST gets %s",
				       rc ? vsock_op_name(p.h.op) : "no answer");
		if (!fields_right(c, n, &p))
			return false;
		if (n->peer_fwd == n->tx_cnt)
			return true;
		c->tp->ops->relax(c->tp);
	} while (!tp_late(c->tp, end));
	return ck_fail(c, FIELDS, "fwd_cnt counts what the peer has read",
		       "it has read %u bytes, and fwd_cnt is %u", n->tx_cnt, n->peer_fwd);
}

static void fields(struct ck *c)
{
	struct vsock_conn n;
	struct vk_packet p;
	u8 bytes[300];
	struct vk k;
	int peer, rc;

	ck_fill(bytes, sizeof(bytes), 2);
	if (!vk_listen(c, VK_STREAM) || !vk_up(c, &k, VK_ALL, VK_BUFFERS) ||
	    !vk_open(c, &k, &n, VK_STREAM, VK_OURS, &peer))
		return;
	if (!n.peer_buf_alloc || n.peer_fwd) {
		ck_fail(c, FIELDS, "a buffer, and no byte forwarded",
			"RESPONSE has buf_alloc %u, fwd_cnt %u", n.peer_buf_alloc, n.peer_fwd);
		return;
	}
	if (!vk_send_op(c, &k, &n, VIRTIO_VSOCK_OP_RW, 0, bytes, sizeof(bytes)))
		return;
	if (vk_peer_recv(c, peer, bytes, sizeof(bytes)) < sizeof(bytes)) {
		ck_error(c, "what was sent does not arrive at the peer");
		return;
	}
	if (!told_of_all(c, &k, &n) || !vk_peer_send(c, peer, bytes, 100))
		return;
	c->tp->peer->shut(c->tp->peer, peer);
	/* RW, and SHUTDOWN behind it. */
	do {
		rc = vk_next(c, &k, &p);
		if (rc < 0 || (rc && !fields_right(c, &n, &p)))
			return;
	} while (rc && p.h.op != VIRTIO_VSOCK_OP_SHUTDOWN && p.h.op != VIRTIO_VSOCK_OP_RST);
	if (!rc || p.h.op != VIRTIO_VSOCK_OP_SHUTDOWN) {
		ck_error(c, "the peer shuts down what it sends, and %s comes",
			 rc ? vsock_op_name(p.h.op) : "nothing");
		return;
	}
	n.fwd_cnt = n.rx_cnt;
	/* RST confirms. */
	if (!vk_send_op(c, &k, &n, VIRTIO_VSOCK_OP_SHUTDOWN, VSOCK_SHUTDOWN_BOTH, NULL, 0))
		return;
	rc = vk_next_of(c, &k, &n, &p);
	if (rc > 0)
		fields_right(c, &n, &p);
	else if (!rc)
		ck_error(c, "a shut-down of both directions is not confirmed");
}

CHECK(fields, .id = "vsock.credit.fields", .clauses = { FIELDS },
      .stimulus = "a connection from RESPONSE to RST, 300 bytes one way and 100 the other",
      .oracle =
	      "each packet of the device's has its buf_alloc, and a fwd_cnt of what the peer has read, RST too",
      .device = VIRTIO_ID_VSOCK, .caps = TP_CAP_CONFIG | TP_CAP_PEER, .run = fields);

/* --- more than there is room for ----------------------------------------------------------------------------- */

/* What fits again, if it is a connection still, follows on what was taken. */
static bool goes_on(struct ck *c, struct vk *k, struct vsock_conn *n, int peer)
{
	u8 bytes[VK_SEND];

	ck_fill(bytes, VK_SEND, 99999);
	if (!vk_send_op(c, k, n, VIRTIO_VSOCK_OP_RW, 0, bytes, VK_SEND))
		return false;
	ck_quiet(c);
	return c->tp->peer->recv(c->tp->peer, peer, bytes, VK_SEND) <= 0 ||
	       ck_fail(c, OVER, "bytes in the order they were sent in, then an end",
		       "behind what did not fit the next come");
}

/* What the peer does not read: all that there is room for, and beyond. */
static void over(struct ck *c)
{
	u8 bytes[VK_SEND], right[VK_SEND];
	const u32 most = 2048; /* packets: 8 MiB, more than any buffer */
	struct vsock_conn n, second;
	struct vk_packet p;
	u32 came = 0, some;
	struct vk k;
	int peer, other, rc = 0;
	bool refused = false;

	if (!vk_listen(c, VK_STREAM) || !vk_up(c, &k, VK_ALL, VK_BUFFERS) ||
	    !vk_open(c, &k, &n, VK_STREAM, VK_OURS, &peer))
		return;
	for (u32 i = 0; i < most && !refused && rc >= 0; i++) {
		const bool beyond = vsock_free(&n) < VK_SEND;

		ck_fill(bytes, VK_SEND, i);
		if (!vk_send_op(c, &k, &n, VIRTIO_VSOCK_OP_RW, 0, bytes, VK_SEND))
			return;
		while ((rc = vk_poll(c, &k, &p)) > 0) {
			if (p.h.dst_port != n.port)
				continue;
			refused |= p.h.op == VIRTIO_VSOCK_OP_RST;
			vsock_take(&n, &p.h);
		}
		/* It is far beyond: who has taken all that takes anything. */
		if (beyond && n.tx_cnt - n.peer_fwd > n.peer_buf_alloc + 64 * VK_SEND)
			break;
	}
	if (rc < 0)
		return;
	/* The peer gets what was sent from the beginning on, and nothing that was not. */
	do {
		some = vk_peer_recv(c, peer, bytes, VK_SEND);
		ck_fill(right, VK_SEND, came);
		if (memcmp(bytes, right, some) != 0) {
			ck_fail(c, OVER, "bytes in the order they were sent in, then an end",
				"after %u bytes others come", came * VK_SEND);
			return;
		}
		came++;
		while ((rc = vk_poll(c, &k, &p)) > 0)
			;
	} while (some == VK_SEND && rc == 0 && came <= most);
	if (rc < 0 || (!refused && !goes_on(c, &k, &n, peer)))
		return;
	if (vk_open(c, &k, &second, VK_STREAM, VK_OURS + 1, &other))
		vk_alive(c, &k, OVER, "more than the credit");
}

CHECK(over, .id = "vsock.credit.over", .clauses = { OVER },
      .stimulus = "the peer does not read, and more is sent than buf_alloc allows; then it reads",
      .oracle = "it gets the bytes from the first on, without a gap; the next connection works",
      .device = VIRTIO_ID_VSOCK, .caps = TP_CAP_CONFIG | TP_CAP_PEER, .run = over);

/* --- a full receive queue ------------------------------------------------------------------------------------- */

static void waits(struct ck *c)
{
	u8 bytes[512];
	struct vsock_conn n;
	struct vsock_head h;
	struct vk k;
	int peer, rc;

	if (!vk_listen(c, VK_STREAM) || !vk_up(c, &k, VK_ALL, 1) ||
	    !vk_open(c, &k, &n, VK_STREAM, VK_OURS, &peer))
		return;
	ck_fill(bytes, sizeof(bytes), 3);
	/* It takes the only buffer, and the rest waits. */
	if (!vk_peer_send(c, peer, bytes, sizeof(bytes)))
		return;
	for (u64 end = tp_deadline(c->tp, c->tp->timeout_ms);
	     !vq_used_pending(&c->q[VSOCK_RXQ].vq) && !tp_late(c->tp, end);)
		c->tp->ops->relax(c->tp);
	if (!vk_peer_send(c, peer, bytes, sizeof(bytes)))
		return;
	for (u32 i = 0; i < 16; i++) {
		u8 got[sizeof(bytes)];

		if (vsock_free(&n) < sizeof(bytes))
			break;
		h = vsock_head_of(&n, k.cid, VIRTIO_VSOCK_OP_RW, sizeof(bytes));
		n.tx_cnt += (u32)sizeof(bytes);
		rc = vk_try_send(c, &k, &h, bytes, sizeof(bytes));
		if (rc < 0)
			return;
		if (!rc || vk_peer_recv(c, peer, got, sizeof(got)) < sizeof(got)) {
			ck_fail(c, RX_FULL, "what is sent is taken, and arrives",
				"without receive buffers packet %u does not arrive within %u ms", i,
				c->tp->timeout_ms);
			return;
		}
		if (memcmp(got, bytes, sizeof(got)) != 0) {
			ck_error(c, "other bytes arrive than were sent");
			return;
		}
	}
}

CHECK(waits, .id = "vsock.flow.receive-full", .clauses = { RX_FULL },
      .stimulus = "the peer sends, there is no receive buffer left; the driver sends 16 packets",
      .oracle = "they arrive at the peer", .device = VIRTIO_ID_VSOCK,
      .caps = TP_CAP_CONFIG | TP_CAP_PEER, .run = waits);
