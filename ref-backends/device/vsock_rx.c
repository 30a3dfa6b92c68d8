// SPDX-License-Identifier: BSD-3-Clause
/* Packets for the driver (5.10.6): what is due goes into the next receive buffer. */
#include <string.h>

#include "ref-backends/device/vsock.h"
#include "ref-backends/fault/fault.h"

#define PIECES 64 /* segments of a buffer that are used */

/* --- a packet -------------------------------------------------------------------------------------------- */

static void put(const struct dvq_chain *c, u64 at, const void *from, u32 len)
{
	const u8 *p = from;

	while (len) {
		struct dvq_seg seg;
		u64 bytes;

		vsock_cut(c->segs + c->n_readable, c->n_writable, at, len, &seg, 1, &bytes);
		memcpy(seg.base, p, bytes);
		p += bytes;
		at += bytes;
		len -= (u32)bytes;
	}
}

/* A header of a flow's, in front of `len` bytes that are there already. */
static void finish(struct rvsock *v, struct vsock_flow *f, struct rdev_req *req, u16 op, u32 len,
		   u32 flags)
{
	struct virtio_vsock_hdr h = vsock_header(v, f);

	h.op = le16(op);
	h.len = le32(len);
	h.flags = le32(flags);
	f->told_fwd_cnt = f->fwd_cnt;
	f->due &= (u8)~VSOCK_DUE_UPDATE;
	if (fault_active && fault_active->vsock_header)
		fault_active->vsock_header(v, f, &h);
	put(&req->chain, 0, &h, sizeof(h));
	req->used_len = VSOCK_HDR + len;
}

/* --- bytes ------------------------------------------------------------------------------------------------ */

static void host_sent_all(struct vsock_flow *f)
{
	f->ended = true;
	f->host_shut |= VIRTIO_VSOCK_SHUTDOWN_SEND;
	if (f->hung_up)
		f->host_shut = VSOCK_SHUTDOWN_BOTH;
	f->due |= VSOCK_DUE_SHUTDOWN;
}

/* Up to `room` bytes of a message; how many, 0 when there is none now. */
static long part_of_message(struct rvsock *v, struct vsock_flow *f, const struct dvq_chain *c,
			    u32 room, u32 *flags)
{
	u32 some;

	if (f->msg_at == f->msg_len) {
		const struct dvq_seg whole = { f->in, v->buffer };
		long got;

		f->msg_at = f->msg_len = 0;
		got = v->port->ops->recv(v->port, f, &whole, 1, &f->msg_eor);
		if (got <= 0)
			return got;
		if ((u32)got > f->peer_buf_alloc)
			return VSOCK_BROKEN;
		f->msg_len = (u32)got;
	}
	some = MIN(f->msg_len - f->msg_at, room);
	put(c, VSOCK_HDR, f->in + f->msg_at, some);
	f->msg_at += some;
	if (vsock_is(v, f, VSOCK_ENDS, f->msg_at == f->msg_len))
		*flags = VIRTIO_VSOCK_SEQ_EOM | (f->msg_eor ? VIRTIO_VSOCK_SEQ_EOR : 0);
	return some;
}

static long part_of_stream(struct rvsock *v, struct vsock_flow *f, const struct dvq_chain *c,
			   u32 room)
{
	struct dvq_seg segs[PIECES];
	bool eor = false;
	u64 bytes;
	u32 n = vsock_cut(c->segs + c->n_readable, c->n_writable, VSOCK_HDR, room, segs, PIECES,
			  &bytes);

	return v->port->ops->recv(v->port, f, segs, n, &eor);
}

enum sent {
	SENT,
	NOTHING, /* the buffer is as it was */
	GONE,	 /* so is the flow */
};

static enum sent send_bytes(struct rvsock *v, struct vsock_flow *f, struct rdev_req *req)
{
	const struct dvq_chain *c = &req->chain;
	u32 room = (u32)MIN(c->writable - VSOCK_HDR, (u64)vsock_room(f)), flags = 0;
	long got;

	if (fault_active && fault_active->vsock_room)
		room = (u32)MIN(c->writable - VSOCK_HDR, fault_active->vsock_room(v, f, room));
	if (!room)
		return NOTHING;
	got = f->type == VIRTIO_VSOCK_TYPE_SEQPACKET ? part_of_message(v, f, c, room, &flags)
						     : part_of_stream(v, f, c, room);
	if (got == VSOCK_BROKEN) {
		vsock_abort(v, f);
		return GONE;
	}
	if (got <= 0) {
		f->readable = false;
		if (got == VSOCK_HOST_SENT_ALL)
			host_sent_all(f);
		return NOTHING;
	}
	f->tx_cnt += (u32)got;
	if (fault_active && fault_active->vsock_payload)
		fault_active->vsock_payload(v, f, c, (u32)got);
	finish(v, f, req, VIRTIO_VSOCK_OP_RW, (u32)got, flags);
	return SENT;
}

/* --- what is due --------------------------------------------------------------------------------------------- */

static enum sent send_plain(struct rvsock *v, struct vsock_flow *f, struct rdev_req *req, u8 due,
			    u16 op)
{
	f->due &= (u8)~due;
	finish(v, f, req, op, 0, 0);
	return SENT;
}

static enum sent send_shutdown(struct rvsock *v, struct vsock_flow *f, struct rdev_req *req)
{
	f->due &= (u8)~VSOCK_DUE_SHUTDOWN;
	if (f->told_shut == f->host_shut)
		return NOTHING;
	finish(v, f, req, VIRTIO_VSOCK_OP_SHUTDOWN, 0, f->host_shut);
	f->told_shut = f->host_shut;
	if (f->told_shut == VSOCK_SHUTDOWN_BOTH) {
		f->ticks = 0;
		v->shutting++;
		vsock_ticks(v);
	}
	return SENT;
}

static enum sent send_next(struct rvsock *v, struct vsock_flow *f, struct rdev_req *req)
{
	enum sent s = NOTHING;

	if (f->due & VSOCK_DUE_REQUEST) {
		f->called = true;
		return send_plain(v, f, req, VSOCK_DUE_REQUEST, VIRTIO_VSOCK_OP_REQUEST);
	}
	if (f->due & VSOCK_DUE_RESPONSE)
		return send_plain(v, f, req, VSOCK_DUE_RESPONSE, VIRTIO_VSOCK_OP_RESPONSE);
	if (f->due & VSOCK_DUE_UPDATE)
		return send_plain(v, f, req, VSOCK_DUE_UPDATE, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	if (vsock_has_bytes(f))
		s = send_bytes(v, f, req);
	if (s == NOTHING && f->due & VSOCK_DUE_SHUTDOWN)
		s = send_shutdown(v, f, req);
	if (s == NOTHING && f->due & VSOCK_DUE_ASK)
		return send_plain(v, f, req, VSOCK_DUE_ASK, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	return s;
}

static bool send_reply(struct rvsock *v, struct rdev_req *req)
{
	if (!v->n_replies)
		return false;
	put(&req->chain, 0, &v->replies[v->replies_at], VSOCK_HDR);
	req->used_len = VSOCK_HDR;
	v->replies_at = (v->replies_at + 1) % v->replies_max;
	/* Who waits with transmitted packets goes on. */
	if (v->n_replies-- == VSOCK_REPLIES)
		rdev_wake(&v->dev, VSOCK_TXQ);
	return true;
}

/* Each flow in its turn, and none twice. */
static bool send_flows(struct rvsock *v, struct rdev_req *req)
{
	for (u32 i = 0; v->first && i < v->flows_max; i++) {
		struct vsock_flow *f = v->first;
		enum sent s = send_next(v, f, req);

		if (s == GONE)
			continue;
		vsock_unlist(v, f);
		vsock_settle(v, f);
		if (s == SENT)
			return true;
	}
	return false;
}

void vsock_rx_serve(struct rvsock *v, struct rdev_req *req)
{
	req->used_len = 0;
	/* Without room for a header it is no receive buffer. */
	if (req->chain.writable >= VSOCK_HDR) {
		/* A flow that turns out to be broken leaves a reply. */
		if (send_reply(v, req) || send_flows(v, req) || send_reply(v, req))
			v->count.packets_out++;
		else
			req->put_back = !v->first;
		if (fault_active && fault_active->vsock_sent)
			fault_active->vsock_sent(v, req);
	}
	req->done(req);
}
