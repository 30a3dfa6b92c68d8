// SPDX-License-Identifier: BSD-3-Clause
/* Faults in taking messages from the stream: several at once, in pieces, cut off. */
#include <errno.h>
#include <stdlib.h>

#include "ref-backends/fault/vu_filter.h"

/* Is this the whole of what waits in the socket? Takes it if so. */
static bool waiting(struct vub_session *s, u32 id)
{
	struct vu_header h;

	if (recv(s->conn.fd, &h, sizeof(h), MSG_PEEK | MSG_DONTWAIT) != sizeof(h) ||
	    h.request != id)
		return false;
	return recv(s->conn.fd, &h, sizeof(h), MSG_DONTWAIT) == sizeof(h);
}

/* Only where nothing has been negotiated: there the two are asked one after the other. */
static enum fault_action one_per_read(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	if (vf_is(rq, VU_GET_FEATURES))
		waiting(s, VU_GET_PROTOCOL_FEATURES);
	return FAULT_PASS;
}

FAULT(stream_one_per_read, .name = "stream-one-per-read", .clause = "VU.sock.stream.be.1",
      .summary = "loses GET_PROTOCOL_FEATURES when it arrives together with GET_FEATURES",
      .request = one_per_read);

static enum fault_action out_of_order(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	static u32 last;
	bool follows = last == VU_SET_VRING_BASE;

	last = rq->msg.hdr.request;
	if (follows && vf_is(rq, VU_GET_VRING_BASE) && waiting(s, VU_GET_FEATURES))
		vf_send_u64(s, VU_GET_FEATURES, vub_features(s));
	return FAULT_PASS;
}

FAULT(stream_out_of_order, .name = "stream-out-of-order", .clause = "VU.sock.order.be.1",
      .summary = "answers a GET_FEATURES that waits before the GET_VRING_BASE at hand",
      .request = out_of_order);

static int pieces_close(struct vub_session *s, int got)
{
	if (got != VUB_RECV_MORE || s->conn.have == 0)
		return got;
	errno = EPROTO;
	return VUB_RECV_ERROR;
}

FAULT(pieces_are_closed, .name = "pieces-are-closed", .clause = "VU.sock.stream.be.2",
      .summary = "closes the connection when a message does not arrive in one piece",
      .received = pieces_close);

/* In the middle of the header or of a payload, where no front-end would leave off. */
static bool odd_piece(const struct vub_session *s, int got)
{
	size_t have = s->conn.have;

	return got == VUB_RECV_MORE && have > 1 && have != 4 && have != 11 && have != 12 &&
	       have != 19;
}

static int pieces_hang(struct vub_session *s, int got)
{
	if (!odd_piece(s, got))
		return got;
	vf_hang();
	return VUB_RECV_END;
}

FAULT(pieces_hang, .name = "pieces-hang", .clause = "ROB.live.no-hang",
      .summary = "blocks on a message that arrives in small pieces", .received = pieces_hang);

static int pieces_kill(struct vub_session *s, int got)
{
	if (odd_piece(s, got))
		vf_die();
	return got;
}

FAULT(pieces_kill, .name = "pieces-kill", .clause = "ROB.live.new-session",
      .summary = "dies of a message that arrives in small pieces", .received = pieces_kill);

/* --- cut off --------------------------------------------------------------------------------------- */

static void short_header_kills(struct vub_session *s)
{
	if (s->conn.have > 0 && s->conn.have < VU_HEADER_SIZE)
		vf_die();
}

FAULT(short_header_kills, .name = "short-header-kills", .clause = "ROB.msg.truncated",
      .summary = "dies when a connection ends inside a header", .session_end = short_header_kills);

static void short_message_leaks(struct vub_session *s)
{
	const struct vub_conn *c = &s->conn;
	bool whole = c->have >= VU_HEADER_SIZE && c->have == VU_HEADER_SIZE + c->in.msg.hdr.size;

	for (u32 i = 0; !whole && c->have > 0 && i < c->in.nfds; i++)
		vf_keep(c->in.fds[i]);
}

FAULT(short_message_leaks, .name = "short-message-leaks", .clause = "ROB.leak.fds",
      .summary = "keeps the descriptors of a message that was cut off",
      .session_end = short_message_leaks);

/* --- sizes that cannot be ---------------------------------------------------------------------------- */

static bool absurd(const struct vub_session *s, int got)
{
	return got == VUB_RECV_ERROR && s->conn.have == VU_HEADER_SIZE &&
	       s->conn.in.msg.hdr.size >= 0x10000000;
}

static int absurd_waits(struct vub_session *s, int got)
{
	return absurd(s, got) ? VUB_RECV_MORE : got;
}

FAULT(absurd_size_waits, .name = "absurd-size-waits", .clause = "VU.hdr.size.be.4",
      .summary = "waits for a payload of 256 MiB and more", .received = absurd_waits);

static int absurd_allocates(struct vub_session *s, int got)
{
	const size_t much = 96 << 20;
	static u8 *room;

	if (absurd(s, got) && !room) {
		room = malloc(much);
		if (room)
			memset(room, 1, much);
		/* The process is looked at when the connection ends. */
	}
	return got;
}

FAULT(absurd_size_allocates, .name = "absurd-size-allocates", .clause = "ROB.msg.size",
      .summary = "takes memory for a payload of 256 MiB and more", .received = absurd_allocates);
