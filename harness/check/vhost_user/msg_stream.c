// SPDX-License-Identifier: BSD-3-Clause
/* Messages as bytes in a stream: several at once, in pieces, cut off. */
#include "harness/check/vhost_user/msg_kit.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define SEVERAL	    "VU.sock.stream.be.1"
#define PIECES	    "VU.sock.stream.be.2"
#define IN_ORDER    "VU.sock.order.be.1"
#define NO_HANG	    "ROB.live.no-hang"
#define NEW_SESSION "ROB.live.new-session"
#define TRUNCATED   "ROB.msg.truncated"
#define LEAK_FDS    "ROB.leak.fds"
#define ABORTED	    "VU.life.abort.be.1" /* the same from the text's side: vu.life.torn */

/* Append a message to what one write shall send. */
static size_t append(u8 *out, size_t at, u32 request, const void *payload, u32 size)
{
	struct vu_header h = { request, VU_VERSION, size };

	memcpy(out + at, &h, sizeof(h));
	if (size)
		memcpy(out + at + sizeof(h), payload, size);
	return at + sizeof(h) + size;
}

static bool send_bytes(struct ck *c, const void *bytes, size_t len, const int *fds, unsigned nfds)
{
	return ck_must(c,
		       vu_wire_send(ckv(c)->sock, bytes, len, fds, nfds,
				    tp_deadline(c->tp, c->tp->timeout_ms)),
		       "sending");
}

/* The next reply must be to `request`; what else comes breaks `clause`. */
static bool next_is(struct ck *c, u32 request, const char *clause, struct vu_message *m)
{
	const char *name = vu_msg_name(VU_CHAN_MAIN, request);
	struct vu_reply r;
	int rc = vu_recv(ckv(c), &r, c->tp->timeout_ms);

	if (rc != TP_OK)
		return ck_fail(c, clause, "a reply to each of the messages", "%s: %s", name,
			       ckv(c)->tp.error);
	*m = r.msg;
	vu_reply_release(&r);
	if (r.msg.hdr.request != request)
		return ck_fail(c, clause, "a reply to each message, in their order",
			       "a reply to %s where that to %s was due",
			       vu_msg_name(VU_CHAN_MAIN, r.msg.hdr.request), name);
	return true;
}

static bool position_holds(struct ck *c, u32 position)
{
	u32 seen;

	if (!ck_must(c, vu_set_state(ckv(c), VU_SET_VRING_BASE, 0, position), "SET_VRING_BASE") ||
	    !ck_must(c, vu_get_vring_base(ckv(c), 0, &seen), "GET_VRING_BASE"))
		return false;
	return seen == position ||
	       ck_error(c, "SET_VRING_BASE %u, and GET_VRING_BASE says %u", position, seen);
}

static void several(struct ck *c)
{
	struct vu_vring_state set = { 0, 0x123 }, get = { 0, 0 };
	struct vu_message m;
	u8 bytes[128];
	size_t len;
	u32 second;

	if (!ckm_session(c, CKM_PF_ALL))
		return;
	second = ckv(c)->offered & BIT_ULL(VU_F_PROTOCOL_FEATURES) ? VU_GET_PROTOCOL_FEATURES
								   : VU_GET_FEATURES;
	len = append(bytes, 0, VU_GET_FEATURES, NULL, 0);
	len = append(bytes, len, second, NULL, 0);
	ck_log(c, "> GET_FEATURES, %s in one write", vu_msg_name(VU_CHAN_MAIN, second));
	if (!send_bytes(c, bytes, len, NULL, 0) || !next_is(c, VU_GET_FEATURES, SEVERAL, &m) ||
	    !next_is(c, second, SEVERAL, &m))
		return;

	/* That a position can be set at all is not the point here. */
	if (!position_holds(c, 0x77))
		return;
	len = append(bytes, 0, VU_SET_VRING_BASE, &set, sizeof(set));
	len = append(bytes, len, VU_GET_VRING_BASE, &get, sizeof(get));
	len = append(bytes, len, VU_GET_FEATURES, NULL, 0);
	ck_log(c, "> SET_VRING_BASE 0x%x, GET_VRING_BASE, GET_FEATURES in one write", set.num);
	if (!send_bytes(c, bytes, len, NULL, 0) || !next_is(c, VU_GET_VRING_BASE, IN_ORDER, &m))
		return;
	if (m.state.num != set.num)
		ck_fail(c, IN_ORDER, "what was sent before has taken effect",
			"GET_VRING_BASE says %u right after SET_VRING_BASE %u", m.state.num,
			set.num);
	else
		next_is(c, VU_GET_FEATURES, IN_ORDER, &m);
}

CHECK(msg_several, .id = "vu.msg.several-in-one-write", .clauses = { SEVERAL, IN_ORDER },
      .stimulus = "one write with GET_FEATURES and GET_PROTOCOL_FEATURES; one with SET_VRING_BASE, "
		  "GET_VRING_BASE and GET_FEATURES",
      .oracle = "each is answered, in this order, and GET_VRING_BASE tells the position just set",
      .caps = TP_CAP_VHOST_USER, .run = several, .own_session = true);

/* --- in pieces ------------------------------------------------------------------------------------ */

static bool byte_by_byte(struct ck *c, const u8 *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		/* A connection that ends meanwhile is for the caller to see. */
		if (vu_wire_send(ckv(c)->sock, bytes + i, 1, NULL, 0,
				 tp_deadline(c->tp, c->tp->timeout_ms)) != TP_OK)
			return false;
		if (i % 4 == 0)
			poll(NULL, 0, 1);
	}
	return true;
}

/* What became of a message whose parts came apart. False: the back-end hangs. */
static bool outcome(struct ck *c, bool *closed)
{
	int rc = vu_barrier(ckv(c));

	*closed = rc == TP_EGONE;
	if (rc == TP_ETIMEOUT)
		return ck_fail(c, NO_HANG, "an answer, or a closed connection", "%s",
			       ckv(c)->tp.error);
	return rc == TP_EGONE || ck_must(c, rc, "GET_FEATURES");
}

static void pieces(struct ck *c)
{
	struct vu_vring_state set = { 0, 0x155 };
	u64 index = 0;
	u8 bytes[64];
	bool closed;
	size_t len;
	u32 base;

	/* That a position can be set at all is not the point here. */
	if (!ckm_session(c, CKM_PF_ALL) || !position_holds(c, 0x77))
		return;
	len = append(bytes, 0, VU_SET_VRING_BASE, &set, sizeof(set));
	ck_log(c, "> SET_VRING_BASE 0x%x byte by byte", set.num);
	byte_by_byte(c, bytes, len);
	if (!outcome(c, &closed))
		return;
	if (closed)
		ck_info(c, PIECES, "a message in pieces closes the connection");
	else if (!ck_must(c, vu_get_vring_base(ckv(c), 0, &base), "GET_VRING_BASE"))
		return;
	else if (base != set.num)
		ck_fail(c, PIECES, "the message is put together again",
			"GET_VRING_BASE says %u after SET_VRING_BASE %u in pieces", base, set.num);

	/* The descriptor with the payload instead of the header: may be refused. */
	if (!ckm_session_again(c, closed ? CKV_CLOSED : CKV_SILENT, CKM_PF_ALL, NEW_SESSION))
		return;
	append(bytes, 0, VU_SET_VRING_CALL, &index, sizeof(index));
	ck_log(c, "> SET_VRING_CALL, header and payload apart, the descriptor with the payload");
	if (send_bytes(c, bytes, VU_HEADER_SIZE, NULL, 0)) {
		poll(NULL, 0, 2);
		vu_wire_send(ckv(c)->sock, bytes + VU_HEADER_SIZE, sizeof(index),
			     &ckv(c)->rings[0].call, 1, tp_deadline(c->tp, c->tp->timeout_ms));
	}
	if (outcome(c, &closed))
		ckv_reachable(c, NEW_SESSION);
}

CHECK(msg_pieces, .id = "vu.msg.in-pieces", .clauses = { PIECES, NO_HANG, NEW_SESSION },
      .stimulus =
	      "SET_VRING_BASE byte by byte; SET_VRING_CALL with header and payload apart and the "
	      "descriptor with the payload",
      .oracle = "the position was set (the text does not say so: info); the back-end answers or "
		"closes, and serves a new session",
      .caps = TP_CAP_VHOST_USER, .run = pieces, .own_session = true);

/* --- cut off ---------------------------------------------------------------------------------------- */

/* Connect, send the first `len` bytes of a message with a descriptor, and leave. */
static bool cut_off(struct ck *c, const u8 *bytes, size_t len, const int *fd)
{
	int rc = vu_connect(ckv(c));

	if (rc != TP_OK)
		return ck_fail(c, TRUNCATED, "a new connection is accepted", "%s",
			       ckv(c)->tp.error);
	ck_log(c, "> %zu bytes of a message%s, then close", len, fd ? " with a descriptor" : "");
	/* The back-end may have closed already; that is its right. */
	vu_wire_send(ckv(c)->sock, bytes, len, fd, fd != NULL,
		     tp_deadline(c->tp, c->tp->timeout_ms));
	vu_disconnect(ckv(c));
	return true;
}

static void truncated(struct ck *c)
{
	static const size_t cuts[] = { 1, 4, 11, 12, 19 };
	u64 index = 0;
	u8 bytes[64];
	int ends[2];
	bool ok = true;

	append(bytes, 0, VU_SET_VRING_CALL, &index, sizeof(index));
	if (!ckv_pipe(c, ends))
		return;
	for (unsigned i = 0; ok && i < ARRAY_SIZE(cuts); i++)
		ok = cut_off(c, bytes, cuts[i], NULL) && cut_off(c, bytes, cuts[i], &ends[1]);
	close(ends[1]);
	if (ok && ckv_reachable(c, TRUNCATED) && !ckv_reaches_eof(c, ends[0]))
		ck_fail(c, LEAK_FDS, "descriptors of a message that was cut off are closed",
			"somebody still holds one after the connection ended");
	close(ends[0]);
}

CHECK(msg_truncated, .id = "vu.msg.truncated", .clauses = { TRUNCATED, LEAK_FDS, ABORTED },
      .stimulus =
	      "connections that end after 1, 4 and 11 bytes of header, after the header, and one "
	      "byte before the end, with and without a descriptor",
      .oracle = "a new session is served, and none of the descriptors is still held",
      .caps = TP_CAP_VHOST_USER, .run = truncated, .own_session = true);
