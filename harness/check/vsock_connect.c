// SPDX-License-Identifier: BSD-3-Clause
/* Socket device: connections (5.10.6.5), how they begin and end, with a peer on the host's side. */
#include <string.h>

#include "harness/check/vsock_kit.h"

#define FOREIGN	 VK_ROB("foreign-cid")
#define CALL	 VK_ROB("call")
#define SHUTDOWN VK_ROB("shutdown")
#define LENGTH	 VK_ROB("length")
#define TWICE	 VK_ROB("request-twice")
#define EVENT	 VK_ROB("event")

/* --- addresses --------------------------------------------------------------------------------------------- */

static void foreign(struct ck *c)
{
	struct vk k;

	if (!vk_listen(c, VK_STREAM) || !vk_up(c, &k, VK_ALL, VK_BUFFERS))
		return;
	for (u32 i = 0; i < 4; i++) {
		struct vsock_head h = vk_request(&k, VK_STREAM, VK_OURS + i, VK_LISTENING);
		struct vk_packet p;
		int rc;

		*(i < 2 ? &h.dst_cid : &h.src_cid) = i & 1 ? k.cid + (1ull << 32) : 77;
		if (!vk_send(c, &k, &h, NULL, 0))
			return;
		/* RST or nothing: which of them the text leaves open. */
		ck_quiet(c);
		while ((rc = vk_poll(c, &k, &p)) > 0)
			if (p.h.op == VIRTIO_VSOCK_OP_RESPONSE) {
				ck_fail(c, FOREIGN, "no connection",
					"a request from %llu to %llu gets RESPONSE",
					(unsigned long long)h.src_cid,
					(unsigned long long)h.dst_cid);
				return;
			}
		if (rc < 0)
			return;
	}
	vk_alive(c, &k, FOREIGN, "addresses of others");
}

CHECK(foreign, .id = "vsock.connect.foreign-cid", .clauses = { FOREIGN },
      .stimulus =
	      "requests to CID 77 and from CID 77, and with bits above 31 set; the peer listens",
      .oracle = "none gets RESPONSE", .device = VIRTIO_ID_VSOCK,
      .caps = TP_CAP_CONFIG | TP_CAP_PEER, .run = foreign);

/* --- calls from the host ------------------------------------------------------------------------------------ */

/* A program of the host's calls; the REQUEST, and the connection as it is then. */
static bool called(struct ck *c, struct vk *k, struct vsock_conn *n, int *peer)
{
	struct vk_packet p;
	int rc;

	*peer = c->tp->peer->dial(c->tp->peer, VK_OURS, false);
	if (*peer == PEER_NONE)
		return ck_error(c, "the peer cannot connect: is --uds-path right?");
	/* What is still said of a connection that was ended is none of this. */
	do
		rc = vk_next(c, k, &p);
	while (rc > 0 &&
	       (p.h.op == VIRTIO_VSOCK_OP_CREDIT_UPDATE || p.h.op == VIRTIO_VSOCK_OP_RST));
	if (rc < 0)
		return false;
	if (!rc || p.h.op != VIRTIO_VSOCK_OP_REQUEST)
		return ck_fail(c, CALL, "REQUEST", "a program of the host's calls, and %s comes",
			       rc ? vsock_op_name(p.h.op) : "nothing");
	if (p.h.src_cid != VSOCK_CID_HOST || p.h.dst_cid != k->cid || p.h.dst_port != VK_OURS ||
	    p.h.type != VK_STREAM || !p.h.buf_alloc)
		return ck_fail(
			c, CALL, "from CID 2 to the guest's, the port that was asked for, a buffer",
			"REQUEST is from %llu:%u to %llu:%u, type %u, buf_alloc %u",
			(unsigned long long)p.h.src_cid, p.h.src_port,
			(unsigned long long)p.h.dst_cid, p.h.dst_port, p.h.type, p.h.buf_alloc);
	*n = (struct vsock_conn){ .port = VK_OURS,
				  .host_port = p.h.src_port,
				  .type = VK_STREAM,
				  .buf_alloc = VK_BUFFER };
	vsock_take(n, &p.h);
	return true;
}

/* "OK M\n", byte by byte: what is behind it is payload. */
static bool told_ok(struct ck *c, int peer)
{
	u8 line[32];
	u32 at = 0;

	while (at < sizeof(line) && vk_peer_recv(c, peer, line + at, 1) == 1)
		if (line[at++] == '\n')
			return memcmp(line, "OK ", 3) == 0;
	return false;
}

static void call(struct ck *c)
{
	u8 bytes[100], got[100];
	struct vsock_conn n;
	struct vk_packet p;
	struct vk k;
	int peer, rc;

	if (!vk_up(c, &k, VK_ALL, VK_BUFFERS) || !vk_ready(c, &k) || !called(c, &k, &n, &peer) ||
	    !vk_send_op(c, &k, &n, VIRTIO_VSOCK_OP_RESPONSE, 0, NULL, 0))
		return;
	if (c->tp->peer->answers && !told_ok(c, peer)) {
		ck_fail(c, CALL, "'OK M' to who called", "RESPONSE was sent, and it is not told");
		return;
	}
	ck_fill(bytes, sizeof(bytes), 4);
	if (!vk_send_op(c, &k, &n, VIRTIO_VSOCK_OP_RW, 0, bytes, sizeof(bytes)) ||
	    !vk_peer_send(c, peer, bytes, sizeof(bytes)))
		return;
	if (vk_peer_recv(c, peer, got, sizeof(got)) < sizeof(got) ||
	    memcmp(got, bytes, sizeof(got))) {
		ck_fail(c, CALL, "what is sent arrives", "at the peer it does not");
		return;
	}
	rc = vk_next_of(c, &k, &n, &p);
	if (rc < 0)
		return;
	if (!rc || p.h.op != VIRTIO_VSOCK_OP_RW || memcmp(p.data, bytes, p.h.len)) {
		ck_fail(c, CALL, "what the peer sends arrives", "%s comes",
			rc ? vsock_op_name(p.h.op) : "nothing");
		return;
	}
	/* The next is refused by the driver. */
	if (!vk_send_op(c, &k, &n, VIRTIO_VSOCK_OP_RST, 0, NULL, 0) || !called(c, &k, &n, &peer) ||
	    !vk_send_op(c, &k, &n, VIRTIO_VSOCK_OP_RST, 0, NULL, 0))
		return;
	if (vk_peer_recv(c, peer, got, 1))
		ck_fail(c, CALL, "the end of the connection",
			"RST was sent, and the peer is told '%c'…", got[0]);
}

CHECK(call, .id = "vsock.connect.call", .clauses = { CALL },
      .stimulus = "a program of the host's calls, twice: RESPONSE and bytes both ways; RST",
      .oracle =
	      "REQUEST with the right addresses; 'OK' where that is the way, and the bytes; the end of the connection",
      .device = VIRTIO_ID_VSOCK, .caps = TP_CAP_CONFIG | TP_CAP_PEER, .run = call);

/* --- ends --------------------------------------------------------------------------------------------------- */

static void clean_end(struct ck *c)
{
	static const u32 shuts[][2] = { { VSOCK_SHUTDOWN_BOTH, VSOCK_SHUTDOWN_BOTH },
					{ VIRTIO_VSOCK_SHUTDOWN_SEND, VIRTIO_VSOCK_SHUTDOWN_RCV },
					{ VIRTIO_VSOCK_SHUTDOWN_RCV, VIRTIO_VSOCK_SHUTDOWN_SEND } };
	u8 bytes[1000], got[1001];
	struct vsock_conn n;
	struct vk_packet p;
	struct vk k;
	int peer, rc;

	ck_fill(bytes, sizeof(bytes), 5);
	if (!vk_listen(c, VK_STREAM) || !vk_up(c, &k, VK_ALL, VK_BUFFERS))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(shuts); i++) {
		if (!vk_open(c, &k, &n, VK_STREAM, VK_OURS + (u32)i, &peer) ||
		    !vk_send_op(c, &k, &n, VIRTIO_VSOCK_OP_RW, 0, bytes, sizeof(bytes)) ||
		    !vk_send_op(c, &k, &n, VIRTIO_VSOCK_OP_SHUTDOWN, shuts[i][0], NULL, 0) ||
		    !vk_send_op(c, &k, &n, VIRTIO_VSOCK_OP_SHUTDOWN, shuts[i][1], NULL, 0))
			return;
		/* RST may wait until nothing is left that the peer has not read. */
		if (vk_peer_recv(c, peer, got, sizeof(got)) != sizeof(bytes) ||
		    memcmp(got, bytes, sizeof(bytes)) != 0) {
			ck_fail(c, SHUTDOWN, "what was sent before arrives, then the end",
				"the peer gets something else");
			return;
		}
		/* Twice the same may be one too much for who has confirmed already: that is RST, too. */
		rc = vk_next_of(c, &k, &n, &p);
		if (rc < 0)
			return;
		if (!rc || p.h.op != VIRTIO_VSOCK_OP_RST) {
			ck_fail(c, SHUTDOWN, "RST confirms",
				"both directions are shut down (flags %u, then %u), and %s comes",
				shuts[i][0], shuts[i][1], rc ? vsock_op_name(p.h.op) : "nothing");
			return;
		}
		c->tp->peer->close(c->tp->peer, peer);
	}
	vk_alive(c, &k, SHUTDOWN, "connections that were shut down");
}

CHECK(clean_end, .id = "vsock.connect.shutdown", .clauses = { SHUTDOWN },
      .stimulus = "1000 bytes, then SHUTDOWN of both directions, twice; of one, then of the other",
      .oracle = "the peer gets the bytes and the end, the driver RST", .device = VIRTIO_ID_VSOCK,
      .caps = TP_CAP_CONFIG | TP_CAP_PEER, .run = clean_end);

/* --- hostile ------------------------------------------------------------------------------------------------ */

static void length(struct ck *c)
{
	static const u32 lens[] = { 101, 4096, 65536, 0xffffffff };
	u8 bytes[100], got[200];
	struct vsock_conn n;
	struct vk k;
	int peer;

	ck_fill(bytes, sizeof(bytes), 6);
	if (!vk_listen(c, VK_STREAM) || !vk_up(c, &k, VK_ALL, VK_BUFFERS))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct vsock_head h;
		struct vk_packet p;
		u32 some = 0;
		int rc, back;

		if (!vk_open(c, &k, &n, VK_STREAM, VK_OURS + (u32)i, &peer))
			return;
		h = vsock_head_of(&n, k.cid, VIRTIO_VSOCK_OP_RW, lens[i]);
		back = vk_try_send(c, &k, &h, bytes, sizeof(bytes));
		if (back < 0 || !vk_alive(c, &k, VK_ALIVE, "a length beyond the chain"))
			return;
		/* Some of the bytes, or none: but no others. */
		ck_quiet(c);
		for (long got_now; some < sizeof(got) &&
				   (got_now = c->tp->peer->recv(c->tp->peer, peer, got + some,
								(u32)sizeof(got) - some)) > 0;)
			some += (u32)got_now;
		if (some > sizeof(bytes) || memcmp(got, bytes, some) != 0) {
			ck_fail(c, LENGTH, "no byte that was not sent",
				"100 bytes were sent with length %u, the peer gets %u", lens[i],
				some);
			return;
		}
		c->tp->peer->close(c->tp->peer, peer);
		while ((rc = vk_poll(c, &k, &p)) > 0)
			;
		if (rc < 0)
			return;
		if (!back) {
			ck_fail(c, VK_RETURNED, "it comes back",
				"100 bytes with length %u do not come back within %u ms", lens[i],
				c->tp->timeout_ms);
			return;
		}
	}
}

CHECK(length, .id = "vsock.send.length", .clauses = { LENGTH, VK_ALIVE, VK_RETURNED },
      .stimulus = "100 bytes with lengths 101, 4096, 65536 and 0xffffffff",
      .oracle = "the peer gets none that was not sent; the next packet is answered",
      .device = VIRTIO_ID_VSOCK, .caps = TP_CAP_CONFIG | TP_CAP_PEER, .run = length);

static void twice(struct ck *c)
{
	struct vsock_conn n, other;
	struct vsock_head h;
	struct vk_packet p;
	struct vk k;
	int peer, rc;

	if (!vk_listen(c, VK_STREAM) || !vk_up(c, &k, VK_ALL, VK_BUFFERS) ||
	    !vk_open(c, &k, &n, VK_STREAM, VK_OURS, &peer))
		return;
	h = vk_request(&k, VK_STREAM, VK_OURS, VK_LISTENING);
	if (!vk_send(c, &k, &h, NULL, 0))
		return;
	ck_quiet(c);
	while ((rc = vk_poll(c, &k, &p)) > 0)
		if (p.h.op == VIRTIO_VSOCK_OP_RESPONSE) {
			ck_fail(c, TWICE, "no second connection of the same addresses",
				"REQUEST of one that is there gets RESPONSE");
			return;
		}
	if (rc >= 0 && vk_open(c, &k, &other, VK_STREAM, VK_OURS + 1, &peer))
		vk_alive(c, &k, TWICE, "a request of a connection that is there");
}

CHECK(twice, .id = "vsock.connect.twice", .clauses = { TWICE },
      .stimulus = "REQUEST of a connection that is there",
      .oracle = "no RESPONSE; another connection works", .device = VIRTIO_ID_VSOCK,
      .caps = TP_CAP_CONFIG | TP_CAP_PEER, .run = twice);

/* --- events ------------------------------------------------------------------------------------------------- */

static void event(struct ck *c)
{
	struct vsock_conn n;
	struct tp_buf buf;
	struct vk_packet p;
	struct ck_used u;
	struct vk k;
	int peer, rc;

	if (!vk_listen(c, VK_STREAM) || !vk_up(c, &k, VK_ALL, VK_BUFFERS) ||
	    !vk_open(c, &k, &n, VK_STREAM, VK_OURS, &peer) || !ck_alloc(c, 64, 64, &buf))
		return;
	memset(buf.hva, VK_UNSET, 64);
	if (vq_add(&c->q[VSOCK_EVENTQ].vq, &(struct vq_sg){ buf.gpa, 4 }, 0, 1, &k) < 0) {
		ck_error(c, "the event queue is full");
		return;
	}
	if (!ck_publish(c, VSOCK_EVENTQ) ||
	    !ck_must(c, c->tp->ops->trigger_config(c->tp), "the configuration trigger"))
		return;
	if (!ck_reap(c, VSOCK_EVENTQ, &u)) {
		ck_skip(c, "what --config-trigger does is no event to this device");
		return;
	}
	if (u.len != 4 || ck_not_value(buf.hva, 4, 0) < 4 ||
	    ck_not_value(buf.hva + 4, 60, VK_UNSET) < 60) {
		ck_fail(c, EVENT, "4 bytes, TRANSPORT_RESET (0)", "length %u, %02x %02x %02x %02x",
			u.len, buf.hva[0], buf.hva[1], buf.hva[2], buf.hva[3]);
		return;
	}
	/* Nothing is known of connections any more. */
	if (!vk_send_op(c, &k, &n, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0, NULL, 0))
		return;
	rc = vk_next(c, &k, &p);
	if (rc > 0 && p.h.op != VIRTIO_VSOCK_OP_RST)
		ck_fail(c, EVENT, "a connection from before is gone", "it is answered with %s",
			vsock_op_name(p.h.op));
}

CHECK(event, .id = "vsock.event.transport-reset", .clauses = { EVENT },
      .stimulus = "the transport is reset (--config-trigger); a packet of a connection from before",
      .oracle = "an event of 4 bytes says so; the connection is gone", .device = VIRTIO_ID_VSOCK,
      .caps = TP_CAP_CONFIG | TP_CAP_PEER | TP_CAP_CONFIG_TRIGGER, .queues = 3, .disturbs = true,
      .run = event);
