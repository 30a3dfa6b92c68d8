// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the socket device. */
#include <string.h>

#include "ref-backends/device/vsock.h"
#include "ref-backends/fault/fault.h"

#define VSOCK(ident, name_, clause_, summary_, ...)                                                \
	FAULT(vsock_##ident, .name = "vsock-" name_, .clause = clause_, .summary = summary_,       \
	      __VA_ARGS__)

static u16 op(const struct virtio_vsock_hdr *h)
{
	return le16(h->op);
}

/* --- features and configuration -------------------------------------------------------------------------- */

static u64 old(u64 offered)
{
	return offered & ~BIT_ULL(VIRTIO_VSOCK_F_NO_IMPLIED_STREAM);
}

VSOCK(old, "no-implied-stream-unoffered", "v14.vsock.features.dev.1",
      "VIRTIO_VSOCK_F_NO_IMPLIED_STREAM is not offered", .features = old);

static bool not_implied(struct rvsock *v, const struct vsock_flow *f, unsigned what, bool due)
{
	return due && (what != VSOCK_TYPE_KNOWN || v->features & 7);
}

VSOCK(not_implied, "stream-not-implied", "v14.vsock.features.dev.2",
      "without any of its features a driver has no streams", .vsock_is = not_implied);

static void host_cid(struct vub_session *s, u8 *config, size_t len)
{
	memcpy(config, &(u64){ le64(VSOCK_CID_HOST) }, sizeof(u64));
}

VSOCK(host_cid, "cid-of-host", "v14.vsock.rxtx.dev.1", "guest_cid is the host's",
      .config = host_cid);

/* --- refusals ---------------------------------------------------------------------------------------------- */

static u16 last_op, last_type;

static enum fault_action note(struct rvsock *v, struct rdev_req *req, struct virtio_vsock_hdr *h,
			      u32 *len)
{
	last_op = op(h);
	last_type = le16(h->type);
	return FAULT_PASS;
}

static bool type_silent(struct rvsock *v, const struct vsock_flow *f, unsigned what, bool due)
{
	return due && (what != VSOCK_REFUSED || last_type == VIRTIO_VSOCK_TYPE_STREAM);
}

VSOCK(type_silent, "type-ignored", "v14.vsock.rxtx.dev.2", "a packet of an unknown type is ignored",
      .vsock_packet = note, .vsock_is = type_silent);

static bool request_silent(struct rvsock *v, const struct vsock_flow *f, unsigned what, bool due)
{
	/* With a counter, so that others may still see that it lives. */
	static unsigned n;

	return due && (what != VSOCK_REFUSED || f || last_op != VIRTIO_VSOCK_OP_REQUEST ||
		       last_type != VIRTIO_VSOCK_TYPE_STREAM || ++n % 3);
}

VSOCK(request_silent, "no-listener-ignored", "ROB.vsock.no-listener",
      "every third request where nobody listens is ignored", .vsock_packet = note,
      .vsock_is = request_silent);

static unsigned strangers;

static enum fault_action only_thousand(struct rvsock *v, struct rdev_req *req,
				       struct virtio_vsock_hdr *h, u32 *len)
{
	strangers += !vsock_find(v, le16(h->type), le32(h->dst_port), le32(h->src_port));
	return strangers > 1000 ? FAULT_DONE : FAULT_PASS;
}

static void no_strangers(struct vub_session *s)
{
	strangers = 0;
}

VSOCK(only_thousand, "thousand-strangers", "ROB.live.bad-request",
      "after 1000 packets of connections that were not there nothing is answered",
      .vsock_packet = only_thousand, .session_start = no_strangers);

static bool others_silent(struct rvsock *v, const struct vsock_flow *f, unsigned what, bool due)
{
	return due && (what != VSOCK_REFUSED || f || last_op != VIRTIO_VSOCK_OP_SHUTDOWN);
}

VSOCK(others_silent, "no-flow-ignored", "ROB.vsock.no-flow",
      "SHUTDOWN of a connection that is not there is ignored", .vsock_packet = note,
      .vsock_is = others_silent);

static bool any_address(struct rvsock *v, const struct vsock_flow *f, unsigned what, bool due)
{
	return due || what == VSOCK_ADDRESSED;
}

VSOCK(any_address, "any-cid", "ROB.vsock.foreign-cid", "CIDs are not looked at",
      .vsock_is = any_address);

static enum fault_action whole_only(struct rvsock *v, struct rdev_req *req,
				    struct virtio_vsock_hdr *h, u32 *len)
{
	return req->chain.n_readable > 2 ? FAULT_DONE : FAULT_PASS;
}

VSOCK(whole_only, "header-in-pieces", "v14.split-ring.message-framing.dev.1",
      "a packet in more than two descriptors is ignored", .vsock_packet = whole_only);

static bool stuck;

static enum fault_action sticks(struct rvsock *v, struct rdev_req *req, struct virtio_vsock_hdr *h,
				u32 *len)
{
	stuck |= *len > req->chain.readable;
	return stuck ? FAULT_DONE : FAULT_PASS;
}

static void not_stuck(struct vub_session *s)
{
	stuck = false;
}

VSOCK(sticks, "long-length-kills", "ROB.live.bad-request",
      "after a length beyond the chain nothing is answered", .vsock_packet = sticks,
      .session_start = not_stuck);

/* --- credit --------------------------------------------------------------------------------------------------- */

static u64 no_limit(struct rvsock *v, const struct vsock_flow *f, u64 room)
{
	return room ? ~0ull : 0;
}

VSOCK(no_limit, "credit-ignored", "v14.vsock.credit.dev.1",
      "where there is room for a byte, a whole buffer is sent", .vsock_room = no_limit);

static void bare_rst(struct rvsock *v, const struct vsock_flow *f, struct virtio_vsock_hdr *h)
{
	if (op(h) == VIRTIO_VSOCK_OP_RST)
		h->buf_alloc = h->fwd_cnt = 0;
}

VSOCK(bare_rst, "rst-without-credit", "v14.vsock.credit.dev.2",
      "RST of a connection has buf_alloc 0 and fwd_cnt 0", .vsock_header = bare_rst);

static void all_taken(struct rvsock *v, const struct vsock_flow *f, struct virtio_vsock_hdr *h)
{
	if (op(h) == VIRTIO_VSOCK_OP_CREDIT_UPDATE)
		h->fwd_cnt = le32(f->fwd_cnt + 1);
}

VSOCK(all_taken, "fwd-cnt-plus-one", "v14.vsock.credit.dev.2",
      "CREDIT_UPDATE counts a byte that was not sent", .vsock_header = all_taken);

static bool no_updates(struct rvsock *v, const struct vsock_flow *f, unsigned what, bool due)
{
	return due && what != VSOCK_UPDATES;
}

VSOCK(no_updates, "credit-untold", "v14.vsock.credit.dev.2", "CREDIT_REQUEST is not answered",
      .vsock_is = no_updates);

static bool swallows(struct rvsock *v, const struct vsock_flow *f, unsigned what, bool due)
{
	return due || what == VSOCK_WITHIN_CREDIT;
}

VSOCK(swallows, "over-credit-dropped", "ROB.vsock.over-credit",
      "what does not fit is dropped, what comes behind it is not", .vsock_is = swallows);

static bool one_at_a_time(struct rvsock *v, const struct vsock_flow *f, unsigned what, bool due)
{
	return due && (what != VSOCK_TAKES_TX || !(v->n_replies || v->first));
}

VSOCK(one_at_a_time, "send-waits-for-receive", "v14.vsock.flow.dev.1",
      "while something waits for a receive buffer nothing that is sent is taken",
      .vsock_is = one_at_a_time);

/* --- connections ----------------------------------------------------------------------------------------------- */

static bool no_confirmation(struct rvsock *v, const struct vsock_flow *f, unsigned what, bool due)
{
	return due && what != VSOCK_CONFIRMS;
}

VSOCK(no_confirmation, "shutdown-unconfirmed", "ROB.vsock.shutdown",
      "a shut-down of both directions is not confirmed", .vsock_is = no_confirmation);

static void call_type(struct rvsock *v, const struct vsock_flow *f, struct virtio_vsock_hdr *h)
{
	if (op(h) == VIRTIO_VSOCK_OP_REQUEST)
		h->dst_port = le32(f->guest_port + 1);
}

VSOCK(call_type, "call-other-port", "ROB.vsock.call",
      "REQUEST is for the port behind the one that was asked for", .vsock_header = call_type);

static enum fault_action second(struct rvsock *v, struct rdev_req *req, struct virtio_vsock_hdr *h,
				u32 *len)
{
	struct vsock_flow *f = vsock_find(v, le16(h->type), le32(h->dst_port), le32(h->src_port));

	if (!f || op(h) != VIRTIO_VSOCK_OP_REQUEST)
		return FAULT_PASS;
	f->due |= VSOCK_DUE_RESPONSE;
	vsock_settle(v, f);
	return FAULT_DONE;
}

VSOCK(second, "request-twice", "ROB.vsock.request-twice",
      "REQUEST of a connection that is there is answered with RESPONSE", .vsock_packet = second);

/* What is behind the chain it takes for payload: here, the header. */
static enum fault_action longer(struct rvsock *v, struct rdev_req *req, struct virtio_vsock_hdr *h,
				u32 *len)
{
	static struct dvq_seg segs[4];
	struct dvq_chain *c = &req->chain;

	if (op(h) != VIRTIO_VSOCK_OP_RW || *len <= c->readable - VSOCK_HDR || c->n_readable > 3 ||
	    *len > 2 * c->readable)
		return FAULT_PASS;
	memcpy(segs, c->segs, c->n_readable * sizeof(*segs));
	segs[c->n_readable] = segs[c->n_readable - 1];
	c->segs = segs;
	c->readable += segs[c->n_readable++].len;
	return FAULT_PASS;
}

VSOCK(longer, "length-believed", "ROB.vsock.length",
      "for a length beyond the chain bytes are passed on that were not sent",
      .vsock_packet = longer);

static void other_event(struct rvsock *v, struct virtio_vsock_event *e)
{
	e->id = le32(1);
}

VSOCK(other_event, "event-unknown", "ROB.vsock.event", "a transport reset has event id 1",
      .vsock_event = other_event);

/* --- data ------------------------------------------------------------------------------------------------------ */

static void flip(struct rvsock *v, const struct vsock_flow *f, const struct dvq_chain *c, u32 len)
{
	struct dvq_seg last;
	u64 one;

	/* Late, and on one connection of many. */
	if (f->tx_cnt > 15000 && f->guest_port % 64 == 63 &&
	    vsock_cut(c->segs + c->n_readable, c->n_writable, VSOCK_HDR + len - 1, 1, &last, 1,
		      &one))
		*(u8 *)last.base ^= 1;
}

VSOCK(flip, "last-byte-flipped", "ROB.vsock.data",
      "on some connections, late, the last byte of a packet is another", .vsock_payload = flip);

static bool all_end(struct rvsock *v, const struct vsock_flow *f, unsigned what, bool due)
{
	return due || what == VSOCK_ENDS;
}

VSOCK(all_end, "packets-are-messages", "ROB.vsock.messages", "each packet is a message of its own",
      .vsock_is = all_end);

static void full(struct rvsock *v, struct rdev_req *req)
{
	/* Only where it is an answer without payload: others would take what is behind for theirs. */
	if (req->used_len == VSOCK_HDR)
		req->used_len = (u32)req->chain.writable;
}

VSOCK(full, "used-len-of-buffer", "v14.split-ring.used-ring.dev.2",
      "a packet without payload comes back with the length of the buffer", .vsock_sent = full);
