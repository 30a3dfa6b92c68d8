// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/vsock.h"

#include <string.h>

#include "ref-backends/device/plain.h"
#include "ref-backends/fault/fault.h"

#define BUCKET(host, guest, n) (((host)*2654435761u ^ (guest)*40503u) % (n))

bool vsock_is(struct rvsock *v, const struct vsock_flow *f, enum vsock_what what, bool due)
{
	return fault_active && fault_active->vsock_is ? fault_active->vsock_is(v, f, what, due)
						      : due;
}

u32 vsock_cut(const struct dvq_seg *segs, u32 n, u64 skip, u64 len, struct dvq_seg *out, u32 room,
	      u64 *bytes)
{
	u32 k = 0;

	*bytes = 0;
	for (u32 i = 0; i < n && k < room && *bytes < len; i++) {
		if (skip >= segs[i].len) {
			skip -= segs[i].len;
			continue;
		}
		out[k] = (struct dvq_seg){ (u8 *)segs[i].base + skip,
					   MIN(segs[i].len - skip, len - *bytes) };
		*bytes += out[k++].len;
		skip = 0;
	}
	return k;
}

bool vsock_type_known(struct rvsock *v, u16 type)
{
	/* 5.10.3: streams are implied by their absence, unless it was agreed that they are not. */
	const bool stream = vsock_has(v, VIRTIO_VSOCK_F_STREAM) ||
			    !vsock_has(v, VIRTIO_VSOCK_F_NO_IMPLIED_STREAM);

	return type == VIRTIO_VSOCK_TYPE_STREAM ? stream
						: type == VIRTIO_VSOCK_TYPE_SEQPACKET &&
							  vsock_has(v, VIRTIO_VSOCK_F_SEQPACKET);
}

/* --- the table of flows --------------------------------------------------------------------------------- */

static u16 *bucket(struct rvsock *v, u32 host_port, u32 guest_port)
{
	return &v->buckets[BUCKET(host_port, guest_port, v->n_buckets)];
}

struct vsock_flow *vsock_find(struct rvsock *v, u16 type, u32 host_port, u32 guest_port)
{
	for (u16 i = *bucket(v, host_port, guest_port); i; i = v->flows[i - 1].same_hash) {
		struct vsock_flow *f = &v->flows[i - 1];

		if (f->host_port == host_port && f->guest_port == guest_port && f->type == type)
			return f;
	}
	return NULL;
}

struct vsock_flow *vsock_make(struct rvsock *v, u16 type, u32 host_port, u32 guest_port)
{
	struct vsock_flow *f = v->free;
	u16 *b = bucket(v, host_port, guest_port);

	if (!f)
		return NULL;
	v->free = f->next;
	*f = (struct vsock_flow){ .host_port = host_port,
				  .guest_port = guest_port,
				  .type = type,
				  .same_hash = *b,
				  .handle = -1,
				  .out = f->out,
				  .in = f->in,
				  .eom = f->eom,
				  .eor = f->eor,
				  .serial = f->serial + 1 };
	*b = (u16)(f - v->flows + 1);
	return f;
}

void vsock_unlist(struct rvsock *v, struct vsock_flow *f)
{
	if (!f->listed)
		return;
	*(f->prev ? &f->prev->next : &v->first) = f->next;
	*(f->next ? &f->next->prev : &v->last) = f->prev;
	f->listed = false;
}

void vsock_ticks(struct rvsock *v)
{
	const bool wanted = v->shutting > 0;

	if (wanted == v->ticking)
		return;
	v->ticking = wanted;
	if (v->port->ops->ticks)
		v->port->ops->ticks(v->port, wanted);
}

void vsock_drop(struct rvsock *v, struct vsock_flow *f)
{
	u16 *at = bucket(v, f->host_port, f->guest_port);

	while (*at != f - v->flows + 1)
		at = &v->flows[*at - 1].same_hash;
	*at = f->same_hash;
	vsock_unlist(v, f);
	v->port->ops->end(v->port, f);
	if (f->told_shut == VSOCK_SHUTDOWN_BOTH) {
		v->shutting--;
		vsock_ticks(v);
	}
	if (f->type == VIRTIO_VSOCK_TYPE_SEQPACKET) {
		memset(f->eom, 0, v->buffer / 8);
		memset(f->eor, 0, v->buffer / 8);
	}
	f->state = VSOCK_FREE;
	f->next = v->free;
	v->free = f;
}

bool vsock_has_bytes(const struct vsock_flow *f)
{
	return f->state == VSOCK_OPEN && !f->ended &&
	       !(f->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) &&
	       (f->msg_at < f->msg_len || f->readable);
}

static bool idle(const struct rvsock *v)
{
	return !v->n_replies && !v->first;
}

void vsock_settle(struct rvsock *v, struct vsock_flow *f)
{
	const bool bytes = vsock_has_bytes(f);
	bool list, was_idle;

	if (bytes && vsock_room(f))
		f->asked = false;
	else if (bytes && !f->asked) {
		f->asked = true;
		f->due |= VSOCK_DUE_ASK;
	}
	list = f->due || (bytes && vsock_room(f));
	if (list == f->listed)
		return;
	if (!list) {
		vsock_unlist(v, f);
		return;
	}
	was_idle = idle(v);
	f->listed = true;
	f->next = NULL;
	f->prev = v->last;
	*(v->last ? &v->last->next : &v->first) = f;
	v->last = f;
	if (was_idle)
		rdev_wake(&v->dev, VSOCK_RXQ);
}

/* --- packets without a flow ------------------------------------------------------------------------------ */

struct virtio_vsock_hdr vsock_header(struct rvsock *v, const struct vsock_flow *f)
{
	return (struct virtio_vsock_hdr){
		.src_cid = le64(VSOCK_CID_HOST),
		.dst_cid = le64(__atomic_load_n(&v->cid, __ATOMIC_RELAXED)),
		.src_port = le32(f->host_port),
		.dst_port = le32(f->guest_port),
		.type = le16(f->type),
		.buf_alloc = le32(v->buffer),
		.fwd_cnt = le32(f->fwd_cnt),
	};
}

static void reply(struct rvsock *v, const struct virtio_vsock_hdr *h)
{
	const bool was_idle = idle(v);

	/* There is room: transmitted packets are left alone before there is none. */
	if (v->n_replies == v->replies_max)
		return;
	v->replies[(v->replies_at + v->n_replies++) % v->replies_max] = *h;
	v->count.resets++;
	/* The first of what is to be sent: look at the receive queue. */
	if (was_idle)
		rdev_wake(&v->dev, VSOCK_RXQ);
}

void vsock_refuse(struct rvsock *v, const struct virtio_vsock_hdr *h)
{
	const struct virtio_vsock_hdr r = { .src_cid = h->dst_cid,
					    .dst_cid = h->src_cid,
					    .src_port = h->dst_port,
					    .dst_port = h->src_port,
					    .type = h->type,
					    .op = le16(VIRTIO_VSOCK_OP_RST) };

	if (le16(h->op) != VIRTIO_VSOCK_OP_RST && vsock_is(v, NULL, VSOCK_REFUSED, true))
		reply(v, &r);
}

void vsock_abort(struct rvsock *v, struct vsock_flow *f)
{
	struct virtio_vsock_hdr h = vsock_header(v, f);
	/* Of what the driver has not been asked it need not be told. */
	const bool known =
		(f->state == VSOCK_OPEN || f->called) && vsock_is(v, f, VSOCK_REFUSED, true);

	h.op = le16(VIRTIO_VSOCK_OP_RST);
	if (fault_active && fault_active->vsock_header)
		fault_active->vsock_header(v, f, &h);
	vsock_drop(v, f);
	if (known)
		reply(v, &h);
}

bool vsock_replies_wait(const struct rvsock *v)
{
	return v->n_replies >= VSOCK_REPLIES;
}

/* --- what a port says --------------------------------------------------------------------------------------- */

struct vsock_flow *rvsock_call(struct rvsock *v, u16 type, u32 guest_port, int handle)
{
	struct vsock_flow *f;

	if (!v->up || !vsock_type_known(v, type))
		return NULL;
	while (vsock_find(v, type, v->next_port, guest_port))
		v->next_port++;
	f = vsock_make(v, type, v->next_port, guest_port);
	if (!f)
		return NULL;
	v->next_port = v->next_port == VSOCK_CID_ANY - 1 ? VSOCK_FIRST_PORT : v->next_port + 1;
	f->handle = handle;
	f->state = VSOCK_CALLING;
	f->due = VSOCK_DUE_REQUEST;
	vsock_settle(v, f);
	return f;
}

void rvsock_readable(struct rvsock *v, struct vsock_flow *f)
{
	f->readable = true;
	vsock_settle(v, f);
}

void rvsock_writable(struct rvsock *v, struct vsock_flow *f)
{
	if (f->used && vsock_flush(v, f))
		vsock_settle(v, f);
}

void rvsock_hung_up(struct rvsock *v, struct vsock_flow *f)
{
	f->hung_up = true;
	if (f->state == VSOCK_CALLING) {
		vsock_abort(v, f);
		return;
	}
	if (f->ended || f->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) {
		f->host_shut = VSOCK_SHUTDOWN_BOTH;
		f->due |= VSOCK_DUE_SHUTDOWN;
	}
	f->readable = true;
	if (vsock_flush(v, f))
		vsock_settle(v, f);
}

void rvsock_tick(struct rvsock *v)
{
	for (u32 i = 0; i < v->flows_max && v->shutting; i++) {
		struct vsock_flow *f = &v->flows[i];

		if (f->state == VSOCK_OPEN && f->told_shut == VSOCK_SHUTDOWN_BOTH &&
		    ++f->ticks > VSOCK_CLOSE_S)
			vsock_abort(v, f);
	}
	vsock_ticks(v);
}

static void forget_all(struct rvsock *v)
{
	for (u32 i = 0; i < v->flows_max; i++)
		if (v->flows[i].state != VSOCK_FREE)
			vsock_drop(v, &v->flows[i]);
	v->n_replies = 0;
}

void rvsock_attend(struct rvsock *v)
{
	if (__atomic_load_n(&v->forget, __ATOMIC_RELAXED) &&
	    __atomic_exchange_n(&v->forget, false, __ATOMIC_ACQ_REL)) {
		forget_all(v);
		v->event = v->up = false;
	}
	if (__atomic_load_n(&v->moved, __ATOMIC_RELAXED) &&
	    __atomic_exchange_n(&v->moved, false, __ATOMIC_ACQ_REL)) {
		forget_all(v);
		v->event = true;
		rdev_wake(&v->dev, VSOCK_EVENTQ);
	}
}

static void leave_word(struct rvsock *v, bool *what)
{
	__atomic_store_n(what, true, __ATOMIC_RELEASE);
	if (v->port->ops->attend)
		v->port->ops->attend(v->port);
}

/* --- the device ------------------------------------------------------------------------------------------------ */

static u64 vsock_features(struct rdev *dev)
{
	return BIT_ULL(VIRTIO_VSOCK_F_STREAM) | BIT_ULL(VIRTIO_VSOCK_F_SEQPACKET) |
	       BIT_ULL(VIRTIO_VSOCK_F_NO_IMPLIED_STREAM);
}

static void vsock_negotiated(struct rdev *dev, u64 features)
{
	__atomic_store_n(&rvsock_of(dev)->features, features, __ATOMIC_RELEASE);
}

static void vsock_reset(struct rdev *dev)
{
	struct rvsock *v = rvsock_of(dev);

	__atomic_store_n(&v->features, 0, __ATOMIC_RELEASE);
	leave_word(v, &v->forget);
}

static void vsock_config(struct rdev *dev, u8 *image)
{
	const struct virtio_vsock_config c = { .guest_cid = le64(__atomic_load_n(
						       &rvsock_of(dev)->cid, __ATOMIC_ACQUIRE)) };

	memcpy(image, &c, sizeof(c));
}

/* The outside of a socket device: another host, where nothing is known of any connection. */
static bool vsock_resized(struct rdev *dev)
{
	struct rvsock *v = rvsock_of(dev);
	const u64 next = v->next_cid;

	if (next) {
		v->next_cid = v->cid;
		__atomic_store_n(&v->cid, next, __ATOMIC_RELEASE);
	}
	leave_word(v, &v->moved);
	return next;
}

static int vsock_queue_open(struct rdev *dev, u16 queue, struct reactor *reactor)
{
	struct rvsock *v = rvsock_of(dev);

	if (!v->open && v->port->ops->open && v->port->ops->open(v->port, reactor) < 0)
		return -1;
	v->open++;
	return 0;
}

static void vsock_queue_close(struct rdev *dev, u16 queue)
{
	struct rvsock *v = rvsock_of(dev);

	if (--v->open)
		return;
	forget_all(v);
	if (v->port->ops->close)
		v->port->ops->close(v->port);
}

static bool vsock_ready(struct rdev *dev, u16 queue)
{
	struct rvsock *v = rvsock_of(dev);

	rvsock_attend(v);
	if (queue == VSOCK_TXQ)
		return vsock_is(v, NULL, VSOCK_TAKES_TX, !vsock_replies_wait(v));
	if (queue == VSOCK_EVENTQ)
		return v->event;
	if (!v->up) {
		v->up = true;
		if (v->port->ops->up)
			v->port->ops->up(v->port);
	}
	return v->n_replies || v->first;
}

static void serve_event(struct rvsock *v, struct rdev_req *req)
{
	struct virtio_vsock_event e = { .id = le32(VIRTIO_VSOCK_EVENT_TRANSPORT_RESET) };
	struct dvq_seg segs[sizeof(e)];
	u64 bytes;
	u32 n = vsock_cut(req->chain.segs + req->chain.n_readable, req->chain.n_writable, 0,
			  sizeof(e), segs, sizeof(e), &bytes);

	req->used_len = 0;
	if (fault_active && fault_active->vsock_event)
		fault_active->vsock_event(v, &e);
	if (v->event && bytes == sizeof(e)) {
		for (u32 i = 0, at = 0; i < n; at += (u32)segs[i++].len)
			memcpy(segs[i].base, (const u8 *)&e + at, segs[i].len);
		req->used_len = sizeof(e);
		v->event = false;
	}
	req->done(req);
}

static void vsock_serve(struct rdev *dev, struct rdev_req *req)
{
	struct rvsock *v = rvsock_of(dev);

	if (req->queue == VSOCK_TXQ)
		vsock_tx_serve(v, req);
	else if (req->queue == VSOCK_RXQ)
		vsock_rx_serve(v, req);
	else
		serve_event(v, req);
}

static const struct rdev_ops vsock_ops = {
	.name = "vsock",
	.id = VIRTIO_ID_VSOCK,
	.config_size = sizeof(struct virtio_vsock_config),
	.req_size = sizeof(struct rdev_req),
	.one_thread = true,
	.features = vsock_features,
	.negotiated = vsock_negotiated,
	.reset = vsock_reset,
	.config = vsock_config,
	.config_write = plain_config_write,
	.resized = vsock_resized,
	.queue_open = vsock_queue_open,
	.queue_close = vsock_queue_close,
	.serve = vsock_serve,
	.ready = vsock_ready,
};

/* --- making it -------------------------------------------------------------------------------------------------- */

static u32 flows_of(const struct vsock_opts *o)
{
	return o->flows ? o->flows : VSOCK_FLOWS;
}

static size_t buffer_of(const struct vsock_opts *o)
{
	return o->buffer ? o->buffer : VSOCK_BUFFER;
}

static size_t flow_memory(const struct vsock_opts *o)
{
	return 2 * buffer_of(o) + buffer_of(o) / 4;
}

static size_t table_memory(const struct vsock_opts *o)
{
	const size_t n = flows_of(o);

	return ALIGN_UP(n * sizeof(struct vsock_flow), 64) +
	       ALIGN_UP((VSOCK_REPLIES + n) * sizeof(struct virtio_vsock_hdr), 64) +
	       ALIGN_UP(n * sizeof(u16), 64);
}

size_t rvsock_memory(const struct vsock_opts *o)
{
	return table_memory(o) + flows_of(o) * flow_memory(o);
}

void rvsock_init(struct rvsock *v, const struct vsock_opts *o, void *memory)
{
	const u32 n = flows_of(o), buffer = (u32)buffer_of(o);
	u8 *at = memory;

	memset(v, 0, sizeof(*v));
	/* What is behind the tables was nobody's yet: maps of bits are zero where memory is fresh. */
	memset(memory, 0, table_memory(o));
	v->dev.ops = &vsock_ops;
	v->dev.num_queues = 3;
	v->port = o->port;
	v->port->vsock = v;
	v->cid = o->guest_cid;
	v->next_cid = o->next_cid;
	v->flows_max = v->n_buckets = n;
	v->buffer = buffer;
	v->next_port = VSOCK_FIRST_PORT;
	v->flows = (struct vsock_flow *)at;
	at += ALIGN_UP(n * sizeof(struct vsock_flow), 64);
	v->replies = (struct virtio_vsock_hdr *)at;
	v->replies_max = VSOCK_REPLIES + n;
	at += ALIGN_UP(v->replies_max * sizeof(struct virtio_vsock_hdr), 64);
	v->buckets = (u16 *)at;
	at += ALIGN_UP(n * sizeof(u16), 64);
	for (u32 i = 0; i < n; i++, at += flow_memory(o)) {
		struct vsock_flow *f = &v->flows[i];

		f->out = at;
		f->in = at + buffer;
		f->eom = f->in + buffer;
		f->eor = f->eom + buffer / 8;
		f->next = i + 1 < n ? f + 1 : NULL;
	}
	v->free = v->flows;
}
