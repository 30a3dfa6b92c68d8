// SPDX-License-Identifier: BSD-3-Clause
/* The network device's core: segments that become one, and what is in a tunnel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ref-backends/device/net_loop.h"
#include "ref-backends/device/net_packet.h"

#define F(name) BIT_ULL(VIRTIO_NET_F_##name)
#define TAKES                                                                                      \
	(F(CSUM) | F(GUEST_CSUM) | F(HOST_TSO4) | F(HOST_TSO6) | F(GUEST_TSO4) | F(GUEST_TSO6))
#define HEADERS4 54u
#define HEADERS6 74u
#define SEGMENT	 100u
#define PSH	 0x18
#define ACK	 0x10

static struct {
	struct rnet net;
	struct net_port loop;
	void *memory;
} env;

static void nothing(struct rdev *dev, u16 queue)
{
}

static int setup(void **state)
{
	struct net_opts o = { .pairs = 1, .port = &env.loop };

	memset(&env, 0, sizeof(env));
	net_loop_init(&env.loop);
	env.memory = aligned_alloc(64, rnet_memory(&o));
	rnet_init(&env.net, &o, env.memory);
	env.net.dev.wake = nothing;
	return 0;
}

static int teardown(void **state)
{
	free(env.memory);
	return 0;
}

static void negotiate(u64 features)
{
	env.net.dev.ops->negotiated(&env.net.dev, BIT_ULL(VIRTIO_F_VERSION_1) | features);
}

/* TCP without options; `len` bytes of data, all of this value. */
static u32 segment(u8 *p, bool v6, u32 seq, u32 len, u8 flags)
{
	const u32 l4 = v6 ? 54 : 34, all = l4 + 20 + len;
	struct net_headers h;

	memset(p, 0, l4 + 20);
	memset(p + l4 + 20, (int)(seq >> 4 & 0xff), len);
	memset(p, 0x52, 12);
	if (v6) {
		p[12] = 0x86;
		p[13] = 0xdd;
		p[14] = 0x60;
		net_put16(p + 18, (u16)(20 + len));
		p[20] = VNET_PROTO_TCP;
		p[21] = 64;
		p[22] = p[38] = 0xfd;
		p[53] = 2;
	} else {
		p[12] = 0x08;
		p[14] = 0x45;
		net_put16(p + 16, (u16)(40 + len));
		p[22] = 64;
		p[23] = VNET_PROTO_TCP;
		p[26] = p[30] = 10;
		p[33] = 2;
	}
	net_put16(p + l4, 4000);
	net_put16(p + l4 + 2, 4001);
	net_put16(p + l4 + 4, (u16)(seq >> 16));
	net_put16(p + l4 + 6, (u16)seq);
	p[l4 + 12] = 0x50;
	p[l4 + 13] = flags;
	net_parse(p, MIN(all, (u32)NET_HEAD), &h);
	net_put16(p + l4 + 16,
		  (u16)~net_fold(net_sum(p + l4, 20 + len, net_pseudo(p, &h, 20 + len))));
	return all;
}

static void deliver(u8 *p, u32 len)
{
	const struct dvq_seg seg = { p, len };
	const struct net_frame f = { .segs = &seg, .nsegs = 1, .len = len };

	net_deliver(&env.net, &f);
}

static u32 waiting(void)
{
	return env.net.rx[0].fifo.count;
}

static struct rdev_req request;
static struct dvq_seg room;

static void done(struct rdev_req *req)
{
}

/* What waits first, through the device into a buffer. */
static const struct virtio_net_hdr_v1 *received(u8 *buf, u32 len)
{
	room = (struct dvq_seg){ buf, len };
	request = (struct rdev_req){ .done = done };
	request.chain.segs = &room;
	request.chain.n_writable = 1;
	request.chain.writable = len;
	env.net.dev.ops->serve(&env.net.dev, &request);
	return (const struct virtio_net_hdr_v1 *)buf;
}

static void joined(bool v6)
{
	const u32 headers = v6 ? HEADERS6 : HEADERS4, l4 = headers - 20;
	static u8 buf[8192];
	u8 p[400];
	const struct virtio_net_hdr_v1 *h;
	struct net_headers at;
	u32 len;

	negotiate(TAKES | F(RSC_EXT));
	/* Three that follow each other, an acknowledgement twice, and one that is the last. */
	for (u32 i = 0; i < 3; i++)
		deliver(p, segment(p, v6, 1000 + i * SEGMENT, SEGMENT, ACK));
	deliver(p, segment(p, v6, 1300, 0, ACK));
	deliver(p, segment(p, v6, 1300, 0, ACK));
	deliver(p, segment(p, v6, 1300, 40, PSH));
	assert_int_equal(waiting(), 1);
	/* Nothing comes behind the one that was pushed. */
	deliver(p, segment(p, v6, 1340, 40, ACK));
	assert_int_equal(waiting(), 2);

	h = received(buf, sizeof(buf));
	assert_int_equal(h->flags, VIRTIO_NET_HDR_F_RSC_INFO);
	assert_int_equal(h->gso_type, v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(h->gso_size, SEGMENT);
	assert_int_equal(h->hdr_len, headers);
	assert_int_equal(h->csum_start, 4);
	assert_int_equal(h->csum_offset, 2);
	len = request.used_len - (u32)sizeof(*h);
	assert_int_equal(len, headers + 340);
	net_parse(buf + sizeof(*h), NET_HEAD, &at);
	assert_int_equal(buf[sizeof(*h) + l4 + 13], PSH);
	assert_int_equal(net_fold(net_sum(buf + sizeof(*h) + l4, len - l4,
					  net_pseudo(buf + sizeof(*h), &at, len - l4))),
			 0xffff);
	if (!v6) {
		assert_int_equal(net_fold(net_sum(buf + sizeof(*h) + 14, 20, 0)), 0xffff);
		assert_int_equal(net_get16(buf + sizeof(*h) + 16), 40 + 340);
	}
	for (u32 i = 0; i < 340; i++)
		assert_int_equal(buf[sizeof(*h) + headers + i],
				 (1000 + i / SEGMENT * SEGMENT) >> 4 & 0xff);
	h = received(buf, sizeof(buf));
	assert_int_equal(h->flags, 0);
	assert_int_equal(h->gso_type, VIRTIO_NET_HDR_GSO_NONE);
}

static void test_joined(void **state)
{
	joined(false);
	joined(true);
}

/* Two frames that are to stay two; the second one is bent at this byte. */
static void apart(u32 seq, u32 len, u32 byte, u8 value)
{
	u8 p[400];

	net_fifo_clear(&env.net.rx[0].fifo);
	deliver(p, segment(p, false, 1000, SEGMENT, ACK));
	len = segment(p, false, seq, len, ACK);
	p[byte] ^= value;
	deliver(p, len);
	assert_int_equal(waiting(), 2);
}

static void test_apart(void **state)
{
	u8 p[400];

	negotiate(TAKES | F(RSC_EXT));
	apart(1100, SEGMENT, 60, 1);	/* a checksum that is wrong */
	apart(1101, SEGMENT, 0, 0);	/* a gap */
	apart(1000, SEGMENT, 0, 0);	/* the same once more */
	apart(1100, SEGMENT + 1, 0, 0); /* longer than the first */
	apart(1100, 0, 0, 0);		/* an acknowledgement, and nothing was joined */
	apart(1100, SEGMENT, 5, 1);	/* to another address */
	apart(1100, SEGMENT, 15, 0x10); /* of another class */
	apart(1100, SEGMENT, 22, 1);	/* from further away */
	apart(1100, SEGMENT, 35, 1);	/* of another port */
	apart(1100, SEGMENT, 47, 2);	/* SYN */
	apart(1100, SEGMENT, 46, 0x30); /* with options */

	/* A short one may only be the last. */
	net_fifo_clear(&env.net.rx[0].fifo);
	deliver(p, segment(p, false, 1000, SEGMENT, ACK));
	deliver(p, segment(p, false, 1100, 50, ACK));
	assert_int_equal(waiting(), 1);
	deliver(p, segment(p, false, 1150, 50, ACK));
	assert_int_equal(waiting(), 2);

	/* A driver that has not asked, and one that takes no such packets. */
	negotiate(TAKES);
	apart(1100, SEGMENT, 0, 0);
	negotiate((TAKES | F(RSC_EXT)) & ~F(GUEST_TSO4));
	apart(1100, SEGMENT, 0, 0);
}

/* So many that a packet of IP cannot hold them. */
static void test_most(void **state)
{
	static u8 p[1514];
	u32 frames = 70000 / 1460;

	negotiate(TAKES | F(RSC_EXT));
	for (u32 i = 0; i < frames; i++)
		deliver(p, segment(p, false, i * 1460, 1460, ACK));
	assert_int_equal(waiting(), 2);
	assert_true(net_fifo_first(&env.net.rx[0].fifo)->len <= 14 + 65535);
}

/* --- tunnels ------------------------------------------------------------------------------------------------ */

/* `proto` behind an IPv4 header, and what is in there. */
static u32 outside(u8 *p, u8 proto, const u8 *in, u32 len)
{
	memset(p, 0, 34);
	p[12] = 0x08;
	p[14] = 0x45;
	net_put16(p + 16, (u16)(20 + len));
	p[23] = proto;
	memcpy(p + 34, in, len);
	return 34 + len;
}

static u32 through(u8 *p, u32 kind, bool v6)
{
	u8 in[200], frame[120];
	u32 len = segment(frame, v6, 1, 10, ACK);

	switch (kind) {
	case VNET_TUNNEL_IPIP:
		return outside(p, VNET_PROTO_IPIP, frame + 14, len - 14);
	case VNET_TUNNEL_GRE_2784:
		memset(in, 0, 8);
		in[0] = 0x80; /* with a checksum */
		memcpy(in + 2, frame + 12, 2);
		memcpy(in + 8, frame + 14, len - 14);
		return outside(p, VNET_PROTO_GRE, in, len - 6);
	default:
		memset(in, 0, 16);
		net_put16(in + 2, VNET_PORT_VXLAN);
		net_put16(in + 4, (u16)(16 + len));
		in[8] = 0x08;
		memcpy(in + 16, frame, len);
		return outside(p, VNET_PROTO_UDP, in, 16 + len);
	}
}

static void test_tunnels(void **state)
{
	static const u32 kinds[] = { VNET_TUNNEL_IPIP, VNET_TUNNEL_GRE_2784, VNET_TUNNEL_VXLAN };

	for (unsigned k = 0; k < 2 * ARRAY_SIZE(kinds); k++) {
		const u32 kind = kinds[k / 2];
		const bool v6 = k & 1 && kind != VNET_TUNNEL_IPIP;
		struct net_headers h, inner;
		u8 p[300];
		u32 len = through(p, kind, v6);

		net_parse(p, MIN(len, (u32)NET_HEAD), &h);
		assert_false(net_inner(p, len, &h, NET_TUNNELS & ~kind, &inner));
		assert_true(net_inner(p, len, &h, kind, &inner));
		assert_int_equal(inner.version, v6 ? 6 : 4);
		assert_int_equal(inner.proto, VNET_PROTO_TCP);
		assert_int_equal(net_get16(p + inner.l4), 4000);
		assert_int_equal(inner.end + 10, len);
		/* Cut anywhere nothing is read behind the end. */
		for (u32 have = 0; have < len; have++) {
			u8 *exact = malloc(have ? have : 1);

			memcpy(exact, p, have);
			net_parse(exact, have, &h);
			if (net_inner(exact, have, &h, NET_TUNNELS, &inner))
				assert_true(inner.l4 == 0 || inner.end <= have);
			free(exact);
		}
		/* Of a fragment nothing is known. */
		net_put16(p + 20, 0x2000);
		net_parse(p, len, &h);
		assert_false(net_inner(p, len, &h, NET_TUNNELS, &inner));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_joined, setup, teardown),
		cmocka_unit_test_setup_teardown(test_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_most, setup, teardown),
		cmocka_unit_test(test_tunnels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
