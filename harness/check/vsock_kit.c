// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/vsock_kit.h"

#include <string.h>

static struct peer *peer_of(struct ck *c)
{
	return c->tp->peer;
}

/* --- bringing it up -------------------------------------------------------------------------------------- */

bool vk_post(struct ck *c, struct vk *k, unsigned i)
{
	const u32 at = i * VK_SIZE;
	const struct vq_sg sg = { gpa_add(k->rx.gpa, at), VK_SIZE };

	memset(k->rx.hva + at, VK_UNSET, VK_SIZE);
	return vq_add(&c->q[VSOCK_RXQ].vq, &sg, 0, 1, k->rx.hva + at) >= 0 ||
	       ck_error(c, "the receive queue is full");
}

bool vk_up(struct ck *c, struct vk *k, u64 want, unsigned buffers)
{
	const u64 gone = c->check->features & ~c->offered;
	struct virtio_vsock_config cfg;

	if (gone)
		return ck_error(c, "features 0x%llx are not offered any more",
				(unsigned long long)gone);
	*k = (struct vk){ 0 };
	if (!ck_negotiate(c, want | ck_ring_features()) || !ck_queue_start(c, VSOCK_RXQ, NULL) ||
	    !ck_queue_start(c, VSOCK_TXQ, NULL) ||
	    (c->queues > VSOCK_EVENTQ && !ck_queue_start(c, VSOCK_EVENTQ, NULL)) ||
	    !ck_alloc(c, VK_BUFFERS * VK_SIZE, 64, &k->rx) ||
	    !ck_alloc(c, VSOCK_HEADER + VK_SEND, 64, &k->tx) || !ck_alloc(c, VK_SIZE, 64, &k->in) ||
	    !ck_must(c, c->tp->ops->read_config(c->tp, 0, &cfg, sizeof(cfg)),
		     "reading the configuration") ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK"))
		return false;
	k->cid = le64(cfg.guest_cid);
	/* With an address that is somebody else's no connection can be expected. */
	if (buffers && (k->cid <= VSOCK_CID_HOST || k->cid >= VSOCK_CID_ANY))
		return ck_error(c, "guest_cid is 0x%llx, which is reserved",
				(unsigned long long)k->cid);
	for (unsigned i = 0; i < buffers; i++)
		if (!vk_post(c, k, i))
			return false;
	return !buffers || ck_publish(c, VSOCK_RXQ);
}

/* --- packets --------------------------------------------------------------------------------------------- */

struct vsock_head vk_request(const struct vk *k, u16 type, u32 port, u32 host_port)
{
	return (struct vsock_head){ .src_cid = k->cid,
				    .dst_cid = VSOCK_CID_HOST,
				    .src_port = port,
				    .dst_port = host_port,
				    .type = type,
				    .op = VIRTIO_VSOCK_OP_REQUEST,
				    .buf_alloc = VK_BUFFER };
}

int vk_try_send(struct ck *c, struct vk *k, const struct vsock_head *h, const u8 *data, u32 have)
{
	const struct vq_sg sg[] = { { k->tx.gpa, VSOCK_HEADER },
				    { gpa_add(k->tx.gpa, VSOCK_HEADER), have } };
	struct ck_used u;

	vsock_write_head(k->tx.hva, h);
	if (have)
		memcpy(k->tx.hva + VSOCK_HEADER, data, have);
	ck_log(c, "  sent %s of type %u, port %u to %u, %u bytes, buf_alloc %u fwd_cnt %u",
	       vsock_op_name(h->op), h->type, h->src_port, h->dst_port, h->len, h->buf_alloc,
	       h->fwd_cnt);
	if (vq_add(&c->q[VSOCK_TXQ].vq, sg, have ? 2 : 1, 0, k) < 0) {
		ck_error(c, "the transmit queue is full");
		return -1;
	}
	if (!ck_publish(c, VSOCK_TXQ))
		return -1;
	return ck_reap(c, VSOCK_TXQ, &u);
}

bool vk_send(struct ck *c, struct vk *k, const struct vsock_head *h, const u8 *data, u32 have)
{
	int rc = vk_try_send(c, k, h, data, have);

	return rc > 0 ||
	       (rc == 0 && ck_error(c, "a packet that was sent is not returned within %u ms",
				    c->tp->timeout_ms));
}

bool vk_send_op(struct ck *c, struct vk *k, struct vsock_conn *n, u16 op, u32 flags, const u8 *data,
		u32 len)
{
	struct vsock_head h = vsock_head_of(n, k->cid, op, len);

	h.flags = flags;
	if (op == VIRTIO_VSOCK_OP_RW)
		n->tx_cnt += len;
	return vk_send(c, k, &h, data, len);
}

static int take(struct ck *c, struct vk *k, const struct ck_used *u, struct vk_packet *p)
{
	if (u->head < 0) {
		ck_error(c, "a receive buffer that is not outstanding came back");
		return -1;
	}
	if (u->len < VSOCK_HEADER || u->len > VK_SIZE) {
		ck_error(c, "a receive buffer of %u bytes came back with length %u", VK_SIZE,
			 u->len);
		return -1;
	}
	memcpy(k->in.hva, u->token, u->len);
	vsock_read_head(k->in.hva, &p->h);
	p->data = k->in.hva + VSOCK_HEADER;
	p->used = u->len;
	ck_log(c,
	       "  received %s of type %u, port %u to %u, %u bytes, flags %#x buf_alloc %u fwd_cnt %u",
	       vsock_op_name(p->h.op), p->h.type, p->h.src_port, p->h.dst_port, p->h.len,
	       p->h.flags, p->h.buf_alloc, p->h.fwd_cnt);
	if (p->h.len > u->len - VSOCK_HEADER) {
		ck_error(c, "a packet of %u bytes came in a buffer with length %u", p->h.len,
			 u->len);
		return -1;
	}
	return vk_post(c, k, (unsigned)((u8 *)u->token - k->rx.hva) / VK_SIZE) &&
			       ck_publish(c, VSOCK_RXQ)
		       ? 1
		       : -1;
}

int vk_next(struct ck *c, struct vk *k, struct vk_packet *p)
{
	struct ck_used u;

	return ck_reap(c, VSOCK_RXQ, &u) ? take(c, k, &u, p) : 0;
}

int vk_poll(struct ck *c, struct vk *k, struct vk_packet *p)
{
	return vq_used_pending(&c->q[VSOCK_RXQ].vq) ? vk_next(c, k, p) : 0;
}

int vk_next_of(struct ck *c, struct vk *k, struct vsock_conn *n, struct vk_packet *p)
{
	for (unsigned i = 0; i < CK_FLOOD; i++) {
		int rc = vk_next(c, k, p);

		if (rc <= 0)
			return rc;
		if (p->h.dst_port != n->port || p->h.src_port != n->host_port)
			continue;
		if (p->h.op == VIRTIO_VSOCK_OP_CREDIT_REQUEST) {
			vsock_take(n, &p->h);
			if (!vk_send_op(c, k, n, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, NULL, 0))
				return -1;
		} else if (p->h.op == VIRTIO_VSOCK_OP_CREDIT_UPDATE) {
			vsock_take(n, &p->h);
		} else {
			return 1;
		}
	}
	ck_error(c, "%u packets of credit, one behind the other", CK_FLOOD);
	return -1;
}

bool vk_must_refuse(struct ck *c, struct vk *k, const struct vsock_head *h, const char *clause,
		    const char *what)
{
	struct vk_packet p;
	int rc = vk_next(c, k, &p);

	if (rc < 0)
		return false;
	if (!rc)
		return ck_fail(c, clause, "RST", "%s is answered with nothing within %u ms", what,
			       c->tp->timeout_ms);
	if (p.h.op != VIRTIO_VSOCK_OP_RST)
		return ck_fail(c, clause, "RST", "%s is answered with %s", what,
			       vsock_op_name(p.h.op));
	return (p.h.src_cid == h->dst_cid && p.h.dst_cid == h->src_cid &&
		p.h.src_port == h->dst_port && p.h.dst_port == h->src_port) ||
	       ck_fail(c, clause, "RST, the addresses swapped",
		       "%s is answered with RST from %llu:%u to %llu:%u", what,
		       (unsigned long long)p.h.src_cid, p.h.src_port,
		       (unsigned long long)p.h.dst_cid, p.h.dst_port);
}

struct vsock_head vk_asks(struct ck *c, struct vk *k)
{
	if (peer_of(c) && !k->listens)
		k->listens = peer_of(c)->listen(peer_of(c), VK_LIVE, false);
	return vk_request(k, VK_STREAM, VK_OURS + 1000 + k->asked++,
			  k->listens ? VK_LIVE : VK_NOBODY);
}

int vk_answered(struct ck *c, struct vk *k, const struct vsock_head *h)
{
	for (unsigned i = 0; i < CK_FLOOD; i++) {
		struct vsock_head end = *h;
		struct vk_packet p;
		int rc = vk_next(c, k, &p);

		if (rc <= 0)
			return rc;
		/* What is still to be said of what was before comes first. */
		if (p.h.dst_port != h->src_port || p.h.src_port != h->dst_port)
			continue;
		end.op = VIRTIO_VSOCK_OP_RST;
		if (p.h.op == VIRTIO_VSOCK_OP_RST)
			return 1;
		return p.h.op == VIRTIO_VSOCK_OP_RESPONSE ? (vk_send(c, k, &end, NULL, 0) ? 1 : -1)
							  : 0;
	}
	return 0;
}

bool vk_alive(struct ck *c, struct vk *k, const char *clause, const char *after)
{
	const struct vsock_head h = vk_asks(c, k);
	int rc = vk_try_send(c, k, &h, NULL, 0);

	if (rc > 0)
		rc = vk_answered(c, k, &h);
	return rc > 0 || (rc == 0 && ck_fail(c, clause, "a good packet afterwards is answered",
					     "after %s a request is not answered within %u ms",
					     after, c->tp->timeout_ms));
}

bool vk_survived(struct ck *c, struct vk *k, const char *clause, int back, const char *what)
{
	return back >= 0 && vk_alive(c, k, clause, what) &&
	       (back > 0 || ck_fail(c, VK_RETURNED, "it comes back", "%s does not within %u ms",
				    what, c->tp->timeout_ms));
}

bool vk_ready(struct ck *c, struct vk *k)
{
	const struct vsock_head h = vk_asks(c, k);
	int rc;

	if (!vk_send(c, k, &h, NULL, 0))
		return false;
	rc = vk_answered(c, k, &h);
	if (!rc && k->listens)
		ck_error(c, "a request where the peer listens is not answered");
	else if (!rc)
		ck_skip(c,
			"a request where nobody listens is not answered: nothing tells whether it lives");
	return rc > 0;
}

/* --- connections ----------------------------------------------------------------------------------------- */

bool vk_listen(struct ck *c, u16 type)
{
	return peer_of(c)->listen(peer_of(c), VK_LISTENING, type == VK_PACKETS) ||
	       ck_error(c, "the peer cannot listen: is --uds-path right?");
}

int vk_accept(struct ck *c)
{
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);

	for (;;) {
		int peer = peer_of(c)->accept(peer_of(c), VK_LISTENING);

		if (peer != PEER_NONE || tp_late(c->tp, end))
			return peer;
		c->tp->ops->relax(c->tp);
	}
}

bool vk_open(struct ck *c, struct vk *k, struct vsock_conn *n, u16 type, u32 port, int *peer)
{
	const struct vsock_head h = vk_request(k, type, port, VK_LISTENING);
	struct vk_packet p;
	int rc;

	*n = (struct vsock_conn){
		.port = port, .host_port = VK_LISTENING, .type = type, .buf_alloc = VK_BUFFER
	};
	if (!vk_send(c, k, &h, NULL, 0))
		return false;
	/* What is still to be said of others is theirs. */
	rc = vk_next_of(c, k, n, &p);
	if (rc < 0)
		return false;
	if (!rc || p.h.op != VIRTIO_VSOCK_OP_RESPONSE)
		return ck_error(c, "a request for a port at which the peer listens gets %s",
				rc ? vsock_op_name(p.h.op) : "no answer");
	vsock_take(n, &p.h);
	*peer = vk_accept(c);
	return *peer != PEER_NONE || ck_error(c, "a response came, and the peer has no connection");
}

bool vk_peer_send(struct ck *c, int peer, const u8 *bytes, u32 len)
{
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);

	for (u32 at = 0; at < len;) {
		long n = peer_of(c)->send(peer_of(c), peer, bytes + at, len - at);

		if (n < 0)
			return ck_error(c, "the peer's connection has ended");
		at += (u32)n;
		if (!n && tp_late(c->tp, end))
			return ck_error(c, "nobody takes what the peer sends");
		if (!n)
			c->tp->ops->relax(c->tp);
	}
	return true;
}

u32 vk_peer_recv(struct ck *c, int peer, u8 *bytes, u32 len)
{
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);
	u32 at = 0;

	while (at < len) {
		long n = peer_of(c)->recv(peer_of(c), peer, bytes + at, len - at);

		if (n < 0 || (!n && tp_late(c->tp, end)))
			break;
		at += (u32)n;
		if (!n)
			c->tp->ops->relax(c->tp);
	}
	return at;
}
