// SPDX-License-Identifier: BSD-3-Clause
/* Socket device: packets that are for nobody, or are none. No peer is needed. */
#include <string.h>

#include "harness/check/vsock_kit.h"

#define TYPE	    "v14.vsock.rxtx.dev.2"
#define NO_LISTENER VK_ROB("no-listener")
#define NO_FLOW	    VK_ROB("no-flow")
#define FRAMING	    "v14.split-ring.message-framing.dev.1"
#define RX_FULL	    "v14.vsock.flow.dev.1"

static void unknown_type(struct ck *c)
{
	static const u16 types[] = { 0x7f, 0, 3, 0xffff };
	static const u16 ops[] = { VIRTIO_VSOCK_OP_REQUEST, VIRTIO_VSOCK_OP_RW };
	struct vk k;

	if (!vk_up(c, &k, VK_ALL, VK_BUFFERS) || !vk_ready(c, &k))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(types) * ARRAY_SIZE(ops); i++) {
		struct vsock_head h = vk_request(&k, types[i / 2], VK_OURS, VK_NOBODY);

		h.op = ops[i % 2];
		if (!vk_send(c, &k, &h, NULL, 0) ||
		    !vk_must_refuse(c, &k, &h, TYPE, "a packet of an unknown type"))
			return;
	}
}

CHECK(unknown_type, .id = "vsock.type.unknown", .clauses = { TYPE },
      .stimulus = "REQUEST and RW of types 0x7f, 0, 3 and 0xffff",
      .oracle = "each is answered with RST, the addresses swapped", .device = VIRTIO_ID_VSOCK,
      .caps = TP_CAP_CONFIG, .run = unknown_type);

static void no_listener(struct ck *c)
{
	struct vsock_head h;
	struct vk k;

	if (!vk_up(c, &k, VK_ALL, VK_BUFFERS))
		return;
	for (u32 i = 0; i < 3; i++) {
		h = vk_request(&k, VK_STREAM, VK_OURS + i, i == 2 ? 0xfffffffe : VK_NOBODY + i);
		if (!vk_send(c, &k, &h, NULL, 0) ||
		    !vk_must_refuse(c, &k, &h, NO_LISTENER, "a request where nobody listens"))
			return;
	}
}

CHECK(no_listener, .id = "vsock.connect.no-listener", .clauses = { NO_LISTENER },
      .stimulus = "REQUEST to ports at which nobody listens",
      .oracle = "each is answered with RST, the addresses swapped", .device = VIRTIO_ID_VSOCK,
      .caps = TP_CAP_CONFIG, .run = no_listener);

static void no_flow(struct ck *c)
{
	static const u16 ops[] = { VIRTIO_VSOCK_OP_RW, VIRTIO_VSOCK_OP_SHUTDOWN,
				   VIRTIO_VSOCK_OP_CREDIT_REQUEST };
	struct vk_packet p;
	struct vk k;

	if (!vk_up(c, &k, VK_ALL, VK_BUFFERS) || !vk_ready(c, &k))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		struct vsock_head h = vk_request(&k, VK_STREAM, VK_OURS + 1, VK_NOBODY);

		h.op = ops[i];
		h.flags = VSOCK_SHUTDOWN_BOTH;
		if (!vk_send(c, &k, &h, NULL, 0) ||
		    !vk_must_refuse(c, &k, &h, NO_FLOW, vsock_op_name(h.op)))
			return;
		/* RST is not answered: or two would do nothing else any more. */
		h.op = VIRTIO_VSOCK_OP_RST;
		if (!vk_send(c, &k, &h, NULL, 0))
			return;
		ck_quiet(c);
		if (vk_poll(c, &k, &p)) {
			ck_fail(c, NO_FLOW, "RST is not answered", "it is, with %s",
				vsock_op_name(p.h.op));
			return;
		}
	}
}

CHECK(no_flow, .id = "vsock.connect.no-flow", .clauses = { NO_FLOW },
      .stimulus =
	      "RW, SHUTDOWN and CREDIT_REQUEST of a connection that is not there; RST behind each",
      .oracle = "RST answers each of them, and RST is not answered", .device = VIRTIO_ID_VSOCK,
      .caps = TP_CAP_CONFIG, .run = no_flow);

/* --- pieces ---------------------------------------------------------------------------------------------- */

/* A header, in pieces of so many bytes. 1 it was returned, 0 it was not, -1 it is over. */
static int send_cut(struct ck *c, struct vk *k, const struct vsock_head *h, u32 piece, u32 len)
{
	struct vq_sg sg[VSOCK_HEADER + 1];
	unsigned n = 0;
	struct ck_used u;

	vsock_write_head(k->tx.hva, h);
	for (u32 at = 0; at < len; at += piece)
		sg[n++] = (struct vq_sg){ gpa_add(k->tx.gpa, at), MIN(piece, len - at) };
	if (vq_add(&c->q[VSOCK_TXQ].vq, sg, n, 0, k) < 0) {
		ck_error(c, "the transmit queue is full");
		return -1;
	}
	if (!ck_publish(c, VSOCK_TXQ))
		return -1;
	return ck_reap(c, VSOCK_TXQ, &u);
}

static void framing(struct ck *c)
{
	static const u32 pieces[] = { 44, 22, 20, 8, 1 };
	struct vk k;

	if (!vk_up(c, &k, VK_ALL, VK_BUFFERS) || !vk_ready(c, &k))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		const struct vsock_head h = vk_asks(c, &k);
		int rc = send_cut(c, &k, &h, pieces[i], VSOCK_HEADER);

		if (rc > 0)
			rc = vk_answered(c, &k, &h);
		if (rc < 0)
			return;
		if (!rc) {
			ck_fail(c, FRAMING, "the same answer however it is cut",
				"a request in pieces of %u bytes is not answered within %u ms",
				pieces[i], c->tp->timeout_ms);
			return;
		}
	}
}

CHECK(framing, .id = "vsock.send.framing", .clauses = { FRAMING, "ROB.packed.framing" },
      .stimulus = "a request, its header in pieces of 44, 22, 20, 8 bytes and 1 byte",
      .oracle = "it is answered each time", .device = VIRTIO_ID_VSOCK, .caps = TP_CAP_CONFIG,
      .run = framing);

/* Used lengths, and bytes behind them. */
static void used_len(struct ck *c)
{
	const char *const clause = "v14.split-ring.used-ring.dev.2";
	struct vsock_head h;
	struct vk_packet p;
	struct ck_used u;
	struct vk k;

	if (!vk_up(c, &k, VK_ALL, 1))
		return;
	h = vk_asks(c, &k);
	if (!vk_send(c, &k, &h, NULL, 0))
		return;
	if (!ck_reap(c, VSOCK_RXQ, &u)) {
		if (k.listens)
			ck_error(c, "a request is not answered within %u ms", c->tp->timeout_ms);
		else
			ck_skip(c, "a request where nobody listens is not answered");
		return;
	}
	if (u.len < VSOCK_HEADER || u.len > VK_SIZE) {
		ck_fail(c, clause, "44", "an answer without payload has length %u", u.len);
		return;
	}
	vsock_read_head(k.rx.hva, &p.h);
	if (u.len > VSOCK_HEADER + p.h.len)
		ck_fail(c, clause, "44, and its payload",
			"an answer with %u bytes of payload has length %u", p.h.len, u.len);
}

CHECK(used_len, .id = "vsock.receive.used-len",
      .clauses = { "v14.split-ring.used-ring.dev.2", "ROB.packed.used-len" },
      .stimulus = "a receive buffer of 4096 bytes, and a packet that is answered",
      .oracle = "its used length is that of the packet", .device = VIRTIO_ID_VSOCK,
      .caps = TP_CAP_CONFIG, .run = used_len);

/* --- what is no packet ---------------------------------------------------------------------------------------- */

static void nonsense(struct ck *c)
{
	static const u32 sizes[] = { 1, 20, 43 };
	static const u32 lens[] = { 1, 65536, 0x7fffffff, 0xffffffff, 0, 0 };
	struct vsock_head h;
	struct vk k;

	if (!vk_up(c, &k, VK_ALL, VK_BUFFERS) || !vk_ready(c, &k))
		return;
	h = vk_request(&k, VK_STREAM, VK_OURS, VK_NOBODY);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (!vk_survived(c, &k, VK_ALIVE, send_cut(c, &k, &h, sizes[i], sizes[i]),
				 "a packet that is shorter than its header"))
			return;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		h.len = lens[i];
		h.op = i == 4 ? 0 : i == 5 ? 0xffff : VIRTIO_VSOCK_OP_RW;
		if (!vk_survived(c, &k, VK_ALIVE, vk_try_send(c, &k, &h, NULL, 0),
				 h.len ? "a length that is not there"
				       : "an operation that is none"))
			return;
	}
}

CHECK(nonsense, .id = "vsock.send.nonsense", .clauses = { VK_ALIVE, VK_RETURNED },
      .stimulus =
	      "packets of 1, 20 and 43 bytes; lengths from 1 to 0xffffffff without payload; operations 0 and 0xffff",
      .oracle = "a request is answered after each, and they come back", .device = VIRTIO_ID_VSOCK,
      .caps = TP_CAP_CONFIG, .run = nonsense);

/* --- floods --------------------------------------------------------------------------------------------------- */

/* Without receive buffers: what is to be answered waits, what is sent is taken all the same. */
static void receive_full(struct ck *c)
{
	struct vsock_head h;
	struct vk_packet p;
	unsigned answers = 0;
	struct vk k;

	if (!vk_up(c, &k, VK_ALL, 0))
		return;
	for (u32 i = 0; i < VK_BUFFERS; i++) {
		const struct vq_sg sg = { k.tx.gpa, VSOCK_HEADER };
		struct ck_used u;

		h = vk_request(&k, VK_STREAM, VK_OURS + i, VK_NOBODY);
		vsock_write_head(k.tx.hva, &h);
		if (vq_add(&c->q[VSOCK_TXQ].vq, &sg, 1, 0, &k) < 0) {
			ck_error(c, "the transmit queue is full");
			return;
		}
		if (!ck_publish(c, VSOCK_TXQ))
			return;
		if (!ck_reap(c, VSOCK_TXQ, &u)) {
			ck_fail(c, RX_FULL, "packets are taken without receive buffers",
				"packet %u is not, within %u ms", i, c->tp->timeout_ms);
			return;
		}
	}
	for (u32 i = 0; i < VK_BUFFERS; i++)
		if (!vk_post(c, &k, i))
			return;
	if (!ck_publish(c, VSOCK_RXQ))
		return;
	while (answers < VK_BUFFERS && vk_next(c, &k, &p) > 0)
		answers++;
	if (!c->accused && answers < VK_BUFFERS)
		ck_log(c, "  %u of %u were answered", answers, VK_BUFFERS);
}

CHECK(receive_full, .id = "vsock.flow.no-receive-buffers", .clauses = { RX_FULL },
      .stimulus = "no receive buffer; 64 packets that are to be answered",
      .oracle = "they are returned", .device = VIRTIO_ID_VSOCK, .caps = TP_CAP_CONFIG,
      .run = receive_full);

static void rst_flood(struct ck *c)
{
	struct vk_packet p;
	unsigned answers = 0;
	struct vk k;
	int rc = 0;

	if (!vk_up(c, &k, VK_ALL, VK_BUFFERS) || !vk_ready(c, &k))
		return;
	for (u32 i = 0; i < 3000; i++) {
		struct vsock_head h = vk_request(&k, VK_STREAM, VK_OURS + i % 7, VK_NOBODY);

		h.op = i & 1 ? VIRTIO_VSOCK_OP_RW : VIRTIO_VSOCK_OP_REQUEST;
		if (!vk_send(c, &k, &h, NULL, 0))
			return;
		while ((rc = vk_poll(c, &k, &p)) > 0)
			answers++;
		if (rc < 0)
			return;
	}
	if (vk_alive(c, &k, VK_ALIVE, "3000 packets for nobody") && answers > 3000)
		ck_fail(c, VK_ALIVE, "one answer to each", "3000 packets got %u", answers);
}

CHECK(rst_flood, .id = "vsock.flow.flood", .clauses = { VK_ALIVE },
      .stimulus = "3000 packets of seven connections that are not there",
      .oracle = "no more than one answer to each, and the next is answered",
      .device = VIRTIO_ID_VSOCK, .caps = TP_CAP_CONFIG, .run = rst_flood);
