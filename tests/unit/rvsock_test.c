// SPDX-License-Identifier: BSD-3-Clause
/* The socket device's core, with a port that is an array of bytes: packets in, packets out, and credit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ref-backends/device/vsock.h"

#define CID	3
#define BUFFER	1024u
#define FLOWS	4u
#define LISTENS 80u
#define STREAM	VIRTIO_VSOCK_TYPE_STREAM
#define SEQ	VIRTIO_VSOCK_TYPE_SEQPACKET
#define ALL	7u

static struct {
	struct vsock_port port;
	struct rvsock v;
	void *memory;
	/* Of the flow under test: what it took, how much it takes, what it has to say, what happened. */
	u8 took[8 * BUFFER];
	u32 n_took, takes, messages;
	bool eor;
	u8 says[8 * BUFFER];
	u32 n_says, said;
	bool sent_all, deaf, eor_says;
	unsigned answered, ended, ups, wakes;
	bool shut_receive, shut_send, ticks;
	struct virtio_vsock_hdr h; /* the packet that came last */
	u8 bytes[4 * BUFFER];
	u32 len;
	bool put_back;
} env;

/* --- the port ------------------------------------------------------------------------------------------------ */

static void up(struct vsock_port *p)
{
	env.ups++;
}

static void ticks(struct vsock_port *p, bool wanted)
{
	env.ticks = wanted;
}

static bool connect_to(struct vsock_port *p, struct vsock_flow *f)
{
	f->handle = 1;
	return f->host_port == LISTENS;
}

static void answered(struct vsock_port *p, struct vsock_flow *f)
{
	env.answered++;
}

static long take(struct vsock_port *p, struct vsock_flow *f, const struct dvq_seg *segs, u32 n,
		 bool eor)
{
	u32 len = 0, some, from = env.n_took;

	for (u32 i = 0; i < n; i++)
		len += (u32)segs[i].len;
	if (env.deaf)
		return VSOCK_BROKEN;
	if (f->type == SEQ && len > env.takes)
		return 0;
	for (u32 i = 0; i < n; i++) {
		some = MIN((u32)segs[i].len, env.takes);
		memcpy(env.took + env.n_took, segs[i].base, some);
		env.n_took += some;
		env.takes -= some;
	}
	env.messages += f->type == SEQ;
	env.eor = eor;
	return env.n_took - from;
}

static long say(struct vsock_port *p, struct vsock_flow *f, const struct dvq_seg *segs, u32 n,
		bool *eor)
{
	const u32 from = env.said;

	for (u32 i = 0; i < n; i++) {
		const u32 some = MIN((u32)segs[i].len, env.n_says - env.said);

		memcpy(segs[i].base, env.says + env.said, some);
		env.said += some;
	}
	*eor = env.eor_says;
	if (env.said > from)
		return env.said - from;
	return env.sent_all ? VSOCK_HOST_SENT_ALL : 0;
}

static void shut(struct vsock_port *p, struct vsock_flow *f, bool receive, bool send)
{
	env.shut_receive |= receive;
	env.shut_send |= send;
}

static void end(struct vsock_port *p, struct vsock_flow *f)
{
	env.ended++;
}

static const struct vsock_port_ops ops = {
	.up = up,
	.ticks = ticks,
	.connect = connect_to,
	.answered = answered,
	.send = take,
	.recv = say,
	.shut = shut,
	.end = end,
};

/* Whoever is woken looks at once, and may not look again. */
static void wake(struct rdev *dev, u16 queue)
{
	assert_true(dev->ops->ready(dev, queue));
	env.wakes++;
}

static int setup(void **state)
{
	const struct vsock_opts o = {
		.port = &env.port, .guest_cid = CID, .next_cid = 9, .flows = FLOWS, .buffer = BUFFER
	};

	memset(&env, 0, sizeof(env));
	env.port.ops = &ops;
	env.takes = sizeof(env.took);
	env.memory = calloc(1, rvsock_memory(&o));
	assert_non_null(env.memory);
	rvsock_init(&env.v, &o, env.memory);
	env.v.dev.ops->negotiated(&env.v.dev, ALL);
	assert_false(env.v.dev.ops->ready(&env.v.dev, VSOCK_RXQ));
	assert_int_equal(env.ups, 1);
	env.v.dev.wake = wake;
	return 0;
}

static int teardown(void **state)
{
	free(env.memory);
	return 0;
}

/* --- the driver ---------------------------------------------------------------------------------------------- */

static void done(struct rdev_req *req)
{
	env.put_back = req->put_back;
}

static struct virtio_vsock_hdr packet(u16 type, u16 op, u32 len)
{
	return (struct virtio_vsock_hdr){ .src_cid = le64(CID),
					  .dst_cid = le64(VSOCK_CID_HOST),
					  .src_port = le32(1000),
					  .dst_port = le32(LISTENS),
					  .len = le32(len),
					  .type = le16(type),
					  .op = le16(op),
					  .buf_alloc = le32(BUFFER) };
}

/* `have` bytes of payload behind it, in pieces of three bytes; the header in two. */
static void send_as(struct virtio_vsock_hdr h, u32 have)
{
	static u8 bytes[8 * BUFFER];
	struct dvq_seg segs[2 + 8 * BUFFER / 3 + 1] = { { &h, 20 }, { (u8 *)&h + 20, 24 } };
	struct rdev_req req = { .queue = VSOCK_TXQ, .done = done, .used_len = 0xdead };
	u32 n = 2;

	for (u32 i = 0; i < have; i++)
		bytes[i] = (u8)(i * 7 + le32(h.len));
	for (u32 at = 0; at < have; at += 3)
		segs[n++] = (struct dvq_seg){ bytes + at, MIN(3u, have - at) };
	req.chain = (struct dvq_chain){ .segs = segs, .n_readable = n, .readable = 44ull + have };
	assert_true(env.v.dev.ops->ready(&env.v.dev, VSOCK_TXQ));
	env.v.dev.ops->serve(&env.v.dev, &req);
	assert_int_equal(req.used_len, 0);
}

static void send_op(u16 type, u16 op, u32 len)
{
	send_as(packet(type, op, len), len);
}

/* The next packet into a buffer of so many bytes. -1: there is none, else its operation. */
static int next_into(u32 room)
{
	u8 buffer[4 * BUFFER];
	struct dvq_seg segs[] = { { buffer, MIN(room, 10u) },
				  { buffer + 10, room > 10 ? room - 10 : 0 } };
	struct rdev_req req = { .queue = VSOCK_RXQ, .done = done };

	if (!env.v.dev.ops->ready(&env.v.dev, VSOCK_RXQ))
		return -1;
	req.chain = (struct dvq_chain){ .segs = segs,
					.n_writable = room > 10 ? 2 : 1,
					.writable = room };
	env.v.dev.ops->serve(&env.v.dev, &req);
	if (env.put_back || !req.used_len)
		return -1;
	memcpy(&env.h, buffer, sizeof(env.h));
	env.len = req.used_len - 44;
	assert_int_equal(le32(env.h.len), env.len);
	memcpy(env.bytes, buffer + 44, env.len);
	return le16(env.h.op);
}

static int next(void)
{
	return next_into(2 * BUFFER);
}

static void is_rst(void)
{
	assert_true(env.wakes > 0);
	env.wakes = 0;
	assert_int_equal(next(), VIRTIO_VSOCK_OP_RST);
	assert_int_equal(next(), -1);
}

static struct vsock_flow *opened(u16 type)
{
	send_op(type, VIRTIO_VSOCK_OP_REQUEST, 0);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_RESPONSE);
	assert_int_equal(le32(env.h.buf_alloc), BUFFER);
	assert_int_equal(le32(env.h.fwd_cnt), 0);
	assert_int_equal(le32(env.h.src_port), LISTENS);
	assert_int_equal(le32(env.h.dst_port), 1000);
	return vsock_find(&env.v, type, LISTENS, 1000);
}

/* --- tests ----------------------------------------------------------------------------------------------------- */

static void refused(void **state)
{
	static const u16 bad_types[] = { 0, 3, 0x7f, 0xffff };
	struct virtio_vsock_hdr h = packet(STREAM, VIRTIO_VSOCK_OP_REQUEST, 0);

	for (size_t i = 0; i < ARRAY_SIZE(bad_types); i++) {
		send_op(bad_types[i], VIRTIO_VSOCK_OP_REQUEST, 0);
		is_rst();
		assert_int_equal(le16(env.h.type), bad_types[i]);
		assert_int_equal(le64(env.h.src_cid), VSOCK_CID_HOST);
		assert_int_equal(le64(env.h.dst_cid), CID);
		assert_int_equal(le32(env.h.dst_port), 1000);
	}
	h.dst_port = le32(81); /* nobody listens */
	send_as(h, 0);
	is_rst();
	h = packet(STREAM, VIRTIO_VSOCK_OP_REQUEST, 0);
	h.dst_cid = le64(77);
	send_as(h, 0);
	is_rst();
	assert_int_equal(le64(env.h.src_cid), 77);
	h = packet(STREAM, VIRTIO_VSOCK_OP_REQUEST, 0);
	h.src_cid = le64(CID + 1);
	send_as(h, 0);
	is_rst();
	for (u16 op = VIRTIO_VSOCK_OP_RESPONSE; op < 10; op++) {
		send_op(STREAM, op, 0);
		if (op == VIRTIO_VSOCK_OP_RST)
			assert_int_equal(next(), -1);
		else
			is_rst();
	}
	assert_int_equal(env.v.first, NULL);
}

static void types_by_feature(void **state)
{
	static const struct {
		u64 features;
		bool stream, seq;
	} t[] = { { 0, true, false },  { 1, true, false }, { 2, true, true },  { 3, true, true },
		  { 4, false, false }, { 5, true, false }, { 6, false, true }, { 7, true, true } };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		env.v.dev.ops->negotiated(&env.v.dev, t[i].features);
		assert_int_equal(vsock_type_known(&env.v, STREAM), t[i].stream);
		assert_int_equal(vsock_type_known(&env.v, SEQ), t[i].seq);
		assert_false(vsock_type_known(&env.v, 0));
	}
}

static void invalid_for_its_state(void **state)
{
	static const u16 ops_[] = { VIRTIO_VSOCK_OP_REQUEST, VIRTIO_VSOCK_OP_RESPONSE,
				    VIRTIO_VSOCK_OP_INVALID, 99 };

	for (size_t i = 0; i < ARRAY_SIZE(ops_); i++) {
		env.ended = 0;
		opened(STREAM);
		send_op(STREAM, ops_[i], 0);
		is_rst();
		assert_int_equal(le32(env.h.buf_alloc), BUFFER);
		assert_int_equal(env.ended, 1);
	}
	/* Before the response. */
	send_op(STREAM, VIRTIO_VSOCK_OP_REQUEST, 0);
	send_op(STREAM, VIRTIO_VSOCK_OP_RW, 4);
	is_rst();
	/* A length that is not there; more is no harm. */
	opened(STREAM);
	send_as(packet(STREAM, VIRTIO_VSOCK_OP_RW, 5), 9);
	assert_int_equal(env.n_took, 5);
	send_as(packet(STREAM, VIRTIO_VSOCK_OP_RW, 10), 9);
	is_rst();
	assert_int_equal(le32(env.h.fwd_cnt), 5);
}

static void credit_of_the_device(void **state)
{
	struct vsock_flow *f = opened(STREAM);
	u32 total = 0;

	env.takes = 100;
	send_op(STREAM, VIRTIO_VSOCK_OP_RW, 600);
	assert_int_equal(env.n_took, 100);
	assert_int_equal(f->used, 500);
	send_op(STREAM, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	assert_int_equal(le32(env.h.fwd_cnt), 100);
	send_op(STREAM, VIRTIO_VSOCK_OP_RW, BUFFER - 500);
	assert_int_equal(next(), -1);
	/* Half of it has gone: the driver is told unasked. */
	env.takes = BUFFER / 2;
	rvsock_writable(&env.v, f);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	assert_int_equal(le32(env.h.fwd_cnt), 100 + BUFFER / 2);
	assert_int_equal(next(), -1);
	env.takes = sizeof(env.took) - env.n_took;
	rvsock_writable(&env.v, f);
	assert_int_equal(env.n_took, BUFFER + 100);
	for (u32 i = 0; i < 600; i++)
		assert_int_equal(env.took[i], (u8)(i * 7 + 600));
	for (u32 i = 600; i < env.n_took; i++)
		assert_int_equal(env.took[i], (u8)((i - 600) * 7 + (BUFFER - 500)));
	/* One byte too much. */
	total = env.n_took;
	env.takes = 0;
	send_op(STREAM, VIRTIO_VSOCK_OP_RW, BUFFER);
	while (next() == VIRTIO_VSOCK_OP_CREDIT_UPDATE)
		;
	assert_non_null(vsock_find(&env.v, STREAM, LISTENS, 1000));
	send_op(STREAM, VIRTIO_VSOCK_OP_RW, 1);
	is_rst();
	assert_int_equal(le32(env.h.fwd_cnt), total);
}

static void credit_of_the_driver(void **state)
{
	struct virtio_vsock_hdr h = packet(STREAM, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	struct vsock_flow *f = opened(STREAM);

	for (u32 i = 0; i < 2000; i++)
		env.says[i] = (u8)(i * 3);
	env.n_says = 2000;
	rvsock_readable(&env.v, f);
	assert_int_equal(next_into(44 + 600), VIRTIO_VSOCK_OP_RW);
	assert_int_equal(env.len, 600);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_RW);
	assert_int_equal(env.len, BUFFER - 600);
	/* None is left: it asks, once. */
	assert_int_equal(next(), VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	assert_int_equal(next(), -1);
	h.fwd_cnt = le32(10);
	send_as(h, 0);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_RW);
	assert_int_equal(env.len, 10);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	/* A buffer that shrinks below what is on its way takes nothing. */
	h.buf_alloc = le32(4);
	h.fwd_cnt = le32(20);
	send_as(h, 0);
	assert_int_equal(next(), -1);
	h.buf_alloc = le32(2 * BUFFER);
	h.fwd_cnt = le32(BUFFER + 10);
	send_as(h, 0);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_RW);
	assert_int_equal(env.len, 2000 - BUFFER - 10);
	assert_int_equal(env.bytes[0], (u8)((BUFFER + 10) * 3));
	assert_int_equal(next(), -1);
	/* It has taken what was not sent: that is no count. */
	h.fwd_cnt = le32(2001);
	send_as(h, 0);
	is_rst();
}

static void no_room_for_bytes(void **state)
{
	struct vsock_flow *f = opened(STREAM);

	env.n_says = 5;
	rvsock_readable(&env.v, f);
	assert_int_equal(next_into(40), -1);
	assert_false(env.put_back);
	assert_int_equal(next_into(44), -1);
	assert_false(env.put_back);
	assert_int_equal(next_into(45), VIRTIO_VSOCK_OP_RW);
	assert_int_equal(env.len, 1);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_RW);
	assert_int_equal(env.len, 4);
	/* It may have had more: it is asked, and the buffer stays in the ring. */
	assert_int_equal(next(), -1);
	assert_true(env.put_back);
}

static void messages(void **state)
{
	struct virtio_vsock_hdr h = packet(SEQ, VIRTIO_VSOCK_OP_RW, 300);
	struct vsock_flow *f = opened(SEQ);

	/* One of two packets waits until it is whole; the next one, with a record's end, behind it. */
	send_as(h, 300);
	assert_int_equal(env.messages, 0);
	h.flags = le32(VIRTIO_VSOCK_SEQ_EOM);
	env.takes = 0;
	send_as(h, 300);
	h.len = le32(7);
	h.flags = le32(VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR);
	send_as(h, 7);
	assert_int_equal(f->used, 607);
	env.takes = 606;
	rvsock_writable(&env.v, f);
	assert_int_equal(env.messages, 1);
	assert_int_equal(env.n_took, 600);
	assert_false(env.eor);
	env.takes = 10;
	rvsock_writable(&env.v, f);
	assert_int_equal(env.messages, 2);
	assert_true(env.eor);
	assert_int_equal(f->fwd_cnt, 607);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	/* The other way: cut by buffers, the end is marked. */
	env.n_says = 500;
	env.eor_says = true;
	rvsock_readable(&env.v, f);
	assert_int_equal(next_into(44 + 300), VIRTIO_VSOCK_OP_RW);
	assert_int_equal(le32(env.h.flags), 0);
	assert_int_equal(next_into(44 + 300), VIRTIO_VSOCK_OP_RW);
	assert_int_equal(env.len, 200);
	assert_int_equal(le32(env.h.flags), VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR);
	assert_int_equal(next(), -1);
	/* Longer than the buffer that is to hold it. */
	h.flags = 0;
	h.fwd_cnt = le32(500);
	h.len = le32(BUFFER);
	send_as(h, BUFFER);
	is_rst();
}

static void shut_by_the_driver(void **state)
{
	struct virtio_vsock_hdr h = packet(STREAM, VIRTIO_VSOCK_OP_SHUTDOWN, 0);
	struct vsock_flow *f = opened(STREAM);

	h.flags = le32(VIRTIO_VSOCK_SHUTDOWN_SEND);
	env.takes = 2;
	send_op(STREAM, VIRTIO_VSOCK_OP_RW, 3);
	send_as(h, 0);
	assert_false(env.shut_send);
	env.takes = 100;
	rvsock_writable(&env.v, f);
	assert_true(env.shut_send);
	assert_false(env.shut_receive);
	/* It still receives; what it said stays said. */
	env.n_says = 1;
	rvsock_readable(&env.v, f);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_RW);
	h.flags = 0;
	send_as(h, 0);
	assert_int_equal(next(), -1);
	h.flags = le32(VIRTIO_VSOCK_SHUTDOWN_RCV);
	send_as(h, 0);
	is_rst();
	assert_int_equal(le32(env.h.fwd_cnt), 3);
	assert_int_equal(env.ended, 1);
	/* Twice, and bytes after it. */
	opened(STREAM);
	h.flags = le32(VIRTIO_VSOCK_SHUTDOWN_SEND);
	send_as(h, 0);
	send_as(h, 0);
	assert_int_equal(next(), -1);
	send_op(STREAM, VIRTIO_VSOCK_OP_RW, 1);
	is_rst();
}

static void shut_by_the_host(void **state)
{
	struct vsock_flow *f = opened(STREAM);

	env.n_says = 3;
	env.sent_all = true;
	rvsock_readable(&env.v, f);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_RW);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(le32(env.h.flags), VIRTIO_VSOCK_SHUTDOWN_SEND);
	assert_false(env.ticks);
	rvsock_hung_up(&env.v, f);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(le32(env.h.flags), VSOCK_SHUTDOWN_BOTH);
	assert_true(env.ticks);
	/* Nobody has them; they are counted. */
	send_op(STREAM, VIRTIO_VSOCK_OP_RW, BUFFER);
	assert_int_equal(env.n_took, 0);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	send_op(STREAM, VIRTIO_VSOCK_OP_RST, 0);
	assert_int_equal(next(), -1);
	assert_int_equal(env.ended, 1);
	assert_false(env.ticks);
	/* Who does not confirm is told. */
	f = opened(STREAM);
	rvsock_hung_up(&env.v, f);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(le32(env.h.flags), VSOCK_SHUTDOWN_BOTH);
	for (unsigned i = 0; i < VSOCK_CLOSE_S; i++)
		rvsock_tick(&env.v);
	assert_int_equal(next(), -1);
	rvsock_tick(&env.v);
	is_rst();
	assert_false(env.ticks);
}

static void deaf_host(void **state)
{
	opened(STREAM);
	env.deaf = true;
	send_op(STREAM, VIRTIO_VSOCK_OP_RW, 100);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(le32(env.h.flags), VIRTIO_VSOCK_SHUTDOWN_RCV);
	assert_int_equal(le32(env.h.fwd_cnt), 100);
}

static void called_by_the_host(void **state)
{
	struct virtio_vsock_hdr h = packet(STREAM, VIRTIO_VSOCK_OP_RESPONSE, 0);
	struct vsock_flow *f = rvsock_call(&env.v, STREAM, 22, 5);

	assert_non_null(f);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_REQUEST);
	assert_int_equal(le32(env.h.dst_port), 22);
	assert_int_equal(le32(env.h.buf_alloc), BUFFER);
	h.src_port = env.h.dst_port;
	h.dst_port = env.h.src_port;
	env.n_says = 9;
	rvsock_readable(&env.v, f);
	assert_int_equal(next(), -1);
	send_as(h, 0);
	assert_int_equal(env.answered, 1);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_RW);
	/* Nobody there. */
	assert_non_null(rvsock_call(&env.v, STREAM, 22, 5));
	assert_int_equal(next(), VIRTIO_VSOCK_OP_REQUEST);
	h.dst_port = env.h.src_port;
	h.op = le16(VIRTIO_VSOCK_OP_RST);
	send_as(h, 0);
	assert_int_equal(env.answered, 1);
	assert_int_equal(env.ended, 1);
	/* Of one who leaves before the driver was asked it hears nothing, else RST. */
	rvsock_hung_up(&env.v, rvsock_call(&env.v, STREAM, 22, 5));
	assert_int_equal(next(), -1);
	f = rvsock_call(&env.v, STREAM, 22, 5);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_REQUEST);
	rvsock_hung_up(&env.v, f);
	is_rst();
	assert_int_equal(env.ended, 3);
}

static void full_table(void **state)
{
	struct virtio_vsock_hdr h = packet(STREAM, VIRTIO_VSOCK_OP_REQUEST, 0);

	for (u32 i = 0; i < FLOWS; i++) {
		h.src_port = le32(i);
		send_as(h, 0);
		assert_int_equal(next(), VIRTIO_VSOCK_OP_RESPONSE);
	}
	assert_null(rvsock_call(&env.v, STREAM, 1, 5));
	h.src_port = le32(FLOWS);
	send_as(h, 0);
	is_rst();
	h.op = le16(VIRTIO_VSOCK_OP_RST);
	h.src_port = le32(1);
	send_as(h, 0);
	h.op = le16(VIRTIO_VSOCK_OP_REQUEST);
	send_as(h, 0);
	assert_int_equal(next(), VIRTIO_VSOCK_OP_RESPONSE);
}

/* Without receive buffers transmitted packets are taken for long, but not without end. */
static void flood(void **state)
{
	for (u32 i = 0; i < VSOCK_REPLIES; i++)
		send_op(STREAM, VIRTIO_VSOCK_OP_RW, 0);
	assert_false(env.v.dev.ops->ready(&env.v.dev, VSOCK_TXQ));
	for (u32 i = 0; i < VSOCK_REPLIES; i++)
		assert_int_equal(next(), VIRTIO_VSOCK_OP_RST);
	assert_int_equal(next(), -1);
	assert_true(env.v.dev.ops->ready(&env.v.dev, VSOCK_TXQ));
}

static void transport_reset(void **state)
{
	u8 image[RDEV_CONFIG_MAX] = { 0 }, id[4] = { 1, 1, 1, 1 };
	struct dvq_seg seg = { id, 4 };
	struct rdev_req req = { .queue = VSOCK_EVENTQ, .done = done };

	req.chain = (struct dvq_chain){ .segs = &seg, .n_writable = 1, .writable = 4 };
	opened(STREAM);
	assert_false(env.v.dev.ops->ready(&env.v.dev, VSOCK_EVENTQ));
	assert_true(env.v.dev.ops->resized(&env.v.dev));
	env.v.dev.ops->config(&env.v.dev, image);
	assert_int_equal(image[0], 9);
	assert_true(env.v.dev.ops->ready(&env.v.dev, VSOCK_EVENTQ));
	assert_int_equal(env.ended, 1);
	env.v.dev.ops->serve(&env.v.dev, &req);
	assert_int_equal(req.used_len, 4);
	assert_memory_equal(id, "\0\0\0\0", 4);
	assert_false(env.v.dev.ops->ready(&env.v.dev, VSOCK_EVENTQ));
	assert_int_equal(next(), -1);
	/* The old address is nobody's. */
	send_op(STREAM, VIRTIO_VSOCK_OP_REQUEST, 0);
	is_rst();
}

static void reset_forgets(void **state)
{
	opened(SEQ);
	env.v.dev.ops->reset(&env.v.dev);
	env.v.dev.ops->negotiated(&env.v.dev, ALL);
	assert_false(env.v.dev.ops->ready(&env.v.dev, VSOCK_RXQ));
	assert_int_equal(env.ended, 1);
	assert_int_equal(env.ups, 2);
	opened(SEQ);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(refused),
		TEST(types_by_feature),
		TEST(invalid_for_its_state),
		TEST(credit_of_the_device),
		TEST(credit_of_the_driver),
		TEST(no_room_for_bytes),
		TEST(messages),
		TEST(shut_by_the_driver),
		TEST(shut_by_the_host),
		TEST(deaf_host),
		TEST(called_by_the_host),
		TEST(full_table),
		TEST(flood),
		TEST(transport_reset),
		TEST(reset_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
