// SPDX-License-Identifier: BSD-3-Clause
/* Packets of the driver's: what they ask for, and their bytes on the way to the port (5.10.6). */
#include <string.h>

#include "ref-backends/device/vsock.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

#define PIECES 16 /* segments that are handed over at once */

struct packet {
	struct virtio_vsock_hdr h;
	const struct dvq_chain *c;
	u32 len;
};

/* --- bytes that wait -------------------------------------------------------------------------------------- */

static bool bit(const u8 *map, u32 i)
{
	return map[i / 8] >> i % 8 & 1;
}

/* Of the message that begins at the head; 0: its end is not there yet. */
static u32 message(const struct rvsock *v, const struct vsock_flow *f)
{
	const u32 mask = v->buffer - 1;

	for (u32 i = 0; i < f->used;) {
		const u32 at = (f->head + i) & mask;

		if (!(at % 8) && !f->eom[at / 8]) {
			i += 8;
			continue;
		}
		if (bit(f->eom, at))
			return i + 1;
		i++;
	}
	return 0;
}

/* The first `len` bytes have been passed on. */
static void forward(struct rvsock *v, struct vsock_flow *f, u32 len)
{
	const u32 last = (f->head + len - 1) & (v->buffer - 1);

	if (f->type == VIRTIO_VSOCK_TYPE_SEQPACKET) {
		f->eom[last / 8] &= (u8) ~(1u << last % 8);
		f->eor[last / 8] &= (u8) ~(1u << last % 8);
	}
	f->head = (last + 1) & (v->buffer - 1);
	f->used -= len;
	f->fwd_cnt += len;
}

/* Nobody on the host's side will have them. What comes from the driver is counted as taken. */
static void discard(struct rvsock *v, struct vsock_flow *f)
{
	f->fwd_cnt += f->used;
	f->head = f->used = 0;
	if (f->type == VIRTIO_VSOCK_TYPE_SEQPACKET) {
		memset(f->eom, 0, v->buffer / 8);
		memset(f->eor, 0, v->buffer / 8);
	}
}

/* The host's program does not receive any more: so the driver need not send. */
static void deaf(struct rvsock *v, struct vsock_flow *f)
{
	discard(v, f);
	if (f->host_shut & VIRTIO_VSOCK_SHUTDOWN_RCV)
		return;
	f->host_shut |= VIRTIO_VSOCK_SHUTDOWN_RCV;
	/* When it has hung up, what it sent comes first. */
	if (!f->hung_up)
		f->due |= VSOCK_DUE_SHUTDOWN;
}

static void send_waiting(struct rvsock *v, struct vsock_flow *f)
{
	while (f->used) {
		const bool whole = f->type == VIRTIO_VSOCK_TYPE_SEQPACKET;
		const u32 len = whole ? message(v, f) : f->used;
		const u32 first = MIN(len, v->buffer - f->head);
		const struct dvq_seg segs[] = { { f->out + f->head, first },
						{ f->out, len - first } };
		long got;

		if (!len)
			return;
		got = v->port->ops->send(
			v->port, f, segs, len > first ? 2 : 1,
			whole && bit(f->eor, (f->head + len - 1) & (v->buffer - 1)));
		if (got < 0)
			deaf(v, f);
		if (got <= 0)
			return;
		forward(v, f, (u32)got);
	}
}

/* Half of the buffer is free, and the driver does not know: or it may wait for ever. */
static void tell_credit(struct rvsock *v, struct vsock_flow *f)
{
	const u32 untold = f->fwd_cnt - f->told_fwd_cnt;

	if (untold >= v->buffer / 2 && !(f->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) &&
	    vsock_is(v, f, VSOCK_UPDATES, true))
		f->due |= VSOCK_DUE_UPDATE;
}

bool vsock_flush(struct rvsock *v, struct vsock_flow *f)
{
	if (f->hung_up)
		deaf(v, f);
	send_waiting(v, f);
	if (f->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND && !f->used) {
		if (f->guest_shut == VSOCK_SHUTDOWN_BOTH && vsock_is(v, f, VSOCK_CONFIRMS, true)) {
			vsock_abort(v, f);
			return false;
		}
		if (!f->shut_told)
			v->port->ops->shut(v->port, f, false, true);
		f->shut_told = true;
	}
	tell_credit(v, f);
	return true;
}

/* --- operations: false when the flow is gone ------------------------------------------------------------------ */

static bool refused(struct rvsock *v, struct vsock_flow *f)
{
	vsock_abort(v, f);
	return false;
}

static bool response(struct rvsock *v, struct vsock_flow *f, const struct packet *p)
{
	if (f->state != VSOCK_CALLING || !f->called)
		return refused(v, f);
	f->state = VSOCK_OPEN;
	f->readable = true;
	v->port->ops->answered(v->port, f);
	return true;
}

static bool reset(struct rvsock *v, struct vsock_flow *f, const struct packet *p)
{
	vsock_drop(v, f);
	return false;
}

static bool shutdown(struct rvsock *v, struct vsock_flow *f, const struct packet *p)
{
	const u8 was = f->guest_shut;

	/* They are permanent: a bit that is clear takes nothing back. */
	f->guest_shut |= le32(p->h.flags) & VSOCK_SHUTDOWN_BOTH;
	if (~was & f->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) {
		f->msg_at = f->msg_len;
		v->port->ops->shut(v->port, f, true, false);
		if (f->hung_up) {
			f->host_shut = VSOCK_SHUTDOWN_BOTH;
			f->due |= VSOCK_DUE_SHUTDOWN;
		}
	}
	return vsock_flush(v, f);
}

static bool credit_request(struct rvsock *v, struct vsock_flow *f, const struct packet *p)
{
	if (vsock_is(v, f, VSOCK_UPDATES, true))
		f->due |= VSOCK_DUE_UPDATE;
	return true;
}

static bool credit_update(struct rvsock *v, struct vsock_flow *f, const struct packet *p)
{
	return true;
}

/* Straight from the driver's memory; how many it took. */
static u32 pass_on(struct rvsock *v, struct vsock_flow *f, const struct packet *p, bool eor)
{
	const bool whole = f->type == VIRTIO_VSOCK_TYPE_SEQPACKET;
	u32 at = 0;

	while (at < p->len) {
		struct dvq_seg segs[PIECES];
		u64 bytes;
		u32 n = vsock_cut(p->c->segs, p->c->n_readable, VSOCK_HDR + at, p->len - at, segs,
				  PIECES, &bytes);
		long got;

		if (whole && bytes < p->len)
			break;
		got = v->port->ops->send(v->port, f, segs, n, eor);
		if (got < 0) {
			deaf(v, f);
			at = p->len;
		}
		if (got <= 0)
			break;
		at += (u32)got;
		if ((u64)got < bytes)
			break;
	}
	f->fwd_cnt += at;
	return at;
}

/* The rest of it waits, there is room. */
static void keep(struct rvsock *v, struct vsock_flow *f, const struct packet *p, u32 from)
{
	while (from < p->len) {
		const u32 at = (f->head + f->used) & (v->buffer - 1);
		struct dvq_seg seg;
		u64 bytes;

		vsock_cut(p->c->segs, p->c->n_readable, VSOCK_HDR + from,
			  MIN(p->len - from, v->buffer - at), &seg, 1, &bytes);
		memcpy(f->out + at, seg.base, bytes);
		f->used += (u32)bytes;
		from += (u32)bytes;
	}
}

static bool read_write(struct rvsock *v, struct vsock_flow *f, const struct packet *p)
{
	const u32 flags = le32(p->h.flags);
	const bool whole = f->type == VIRTIO_VSOCK_TYPE_SEQPACKET;
	const bool ends = whole && vsock_is(v, f, VSOCK_ENDS, flags & VIRTIO_VSOCK_SEQ_EOM);
	const bool fits = p->len <= v->buffer - f->used;
	u32 last, at = 0;

	if (f->due & VSOCK_DUE_RESPONSE || f->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND ||
	    p->len > p->c->readable - VSOCK_HDR || !vsock_is(v, f, VSOCK_WITHIN_CREDIT, fits))
		return refused(v, f);
	if (!p->len || !fits)
		return true;
	if (f->host_shut & VIRTIO_VSOCK_SHUTDOWN_RCV || f->hung_up) {
		f->fwd_cnt += p->len;
		return vsock_flush(v, f);
	}
	if (!f->used && (!whole || ends))
		at = pass_on(v, f, p, flags & VIRTIO_VSOCK_SEQ_EOR);
	if (at < p->len) {
		keep(v, f, p, at);
		last = (f->head + f->used - 1) & (v->buffer - 1);
		if (ends)
			f->eom[last / 8] |= (u8)(1u << last % 8);
		if (ends && flags & VIRTIO_VSOCK_SEQ_EOR)
			f->eor[last / 8] |= (u8)(1u << last % 8);
	}
	if (!vsock_flush(v, f))
		return false;
	/* Its end will never fit. */
	return !whole || f->used < v->buffer || message(v, f) || refused(v, f);
}

static bool (*const operations[])(struct rvsock *v, struct vsock_flow *f,
				  const struct packet *p) = {
	[VIRTIO_VSOCK_OP_RESPONSE] = response,
	[VIRTIO_VSOCK_OP_RST] = reset,
	[VIRTIO_VSOCK_OP_SHUTDOWN] = shutdown,
	[VIRTIO_VSOCK_OP_RW] = read_write,
	[VIRTIO_VSOCK_OP_CREDIT_UPDATE] = credit_update,
	[VIRTIO_VSOCK_OP_CREDIT_REQUEST] = credit_request,
};

/* --- packets -------------------------------------------------------------------------------------------------- */

/* What the driver tells of its buffer with every packet. False: it counts bytes that were never sent. */
static bool take_credit(struct vsock_flow *f, const struct virtio_vsock_hdr *h)
{
	const u32 fwd_cnt = le32(h->fwd_cnt);

	if ((u32)(fwd_cnt - f->peer_fwd_cnt) > (u32)(f->tx_cnt - f->peer_fwd_cnt))
		return false;
	f->peer_buf_alloc = le32(h->buf_alloc);
	f->peer_fwd_cnt = fwd_cnt;
	return true;
}

static void request(struct rvsock *v, const struct packet *p)
{
	struct vsock_flow *f =
		vsock_make(v, le16(p->h.type), le32(p->h.dst_port), le32(p->h.src_port));

	if (!f || !take_credit(f, &p->h) || !v->port->ops->connect(v->port, f)) {
		if (f)
			vsock_drop(v, f);
		vsock_refuse(v, &p->h);
		return;
	}
	v->count.opened++;
	f->state = VSOCK_OPEN;
	f->due = VSOCK_DUE_RESPONSE;
	vsock_settle(v, f);
}

static void obey(struct rvsock *v, struct vsock_flow *f, const struct packet *p)
{
	const u16 op = le16(p->h.op);
	const bool known = op < ARRAY_SIZE(operations) && operations[op];
	/* Before it is open there is an answer to the call, or none. */
	const bool early = f->state == VSOCK_CALLING && op != VIRTIO_VSOCK_OP_RESPONSE &&
			   op != VIRTIO_VSOCK_OP_RST;

	if (!known || early || !take_credit(f, &p->h))
		vsock_abort(v, f);
	else if (operations[op](v, f, p))
		vsock_settle(v, f);
}

static bool addressed(struct rvsock *v, const struct virtio_vsock_hdr *h)
{
	return le64(h->dst_cid) == VSOCK_CID_HOST &&
	       le64(h->src_cid) == __atomic_load_n(&v->cid, __ATOMIC_ACQUIRE);
}

static void take(struct rvsock *v, const struct packet *p)
{
	const u16 type = le16(p->h.type);
	struct vsock_flow *f;

	v->count.packets_in++;
	if (!vsock_is(v, NULL, VSOCK_ADDRESSED, addressed(v, &p->h)) ||
	    !vsock_is(v, NULL, VSOCK_TYPE_KNOWN, vsock_type_known(v, type))) {
		vsock_refuse(v, &p->h);
		return;
	}
	f = vsock_find(v, type, le32(p->h.dst_port), le32(p->h.src_port));
	if (f)
		obey(v, f, p);
	else if (le16(p->h.op) == VIRTIO_VSOCK_OP_REQUEST)
		request(v, p);
	else
		vsock_refuse(v, &p->h);
}

void vsock_tx_serve(struct rvsock *v, struct rdev_req *req)
{
	struct packet p = { .c = &req->chain };
	struct dvq_seg segs[sizeof(p.h)];
	u64 bytes;
	u32 n = vsock_cut(req->chain.segs, req->chain.n_readable, 0, sizeof(p.h), segs, sizeof(p.h),
			  &bytes);

	for (u32 i = 0, at = 0; i < n; at += (u32)segs[i++].len)
		memcpy((u8 *)&p.h + at, segs[i].base, segs[i].len);
	p.len = le32(p.h.len);
	if (judge_active)
		judge_active->vsock(v, &req->chain, &p.h);
	req->used_len = 0;
	if (bytes < sizeof(p.h))
		v->count.malformed++;
	else if (!fault_active || !fault_active->vsock_packet ||
		 fault_active->vsock_packet(v, req, &p.h, &p.len) == FAULT_PASS)
		take(v, &p);
	req->done(req);
}
