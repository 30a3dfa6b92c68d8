// SPDX-License-Identifier: BSD-3-Clause
/* The network device's core, alone: chains in, chains out, in loop-back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ref-backends/device/net_loop.h"
#include "ref-backends/device/net_packet.h"

#define REQS 80

static struct {
	struct rnet net;
	struct net_port loop;
	void *memory;
	struct rdev_req reqs[REQS];
	struct dvq_seg segs[REQS][4];
	unsigned done, back, wakes;
} env;

static void done(struct rdev_req *req)
{
	if (req->put_back)
		env.back++;
	else
		env.done++;
	req->put_back = false;
}

static void wake(struct rdev *dev, u16 queue)
{
	assert_ptr_equal(dev, &env.net.dev);
	assert_int_equal(queue, 0);
	env.wakes++;
}

static int setup(void **state)
{
	struct net_opts o = { .pairs = 2, .port = &env.loop };

	memset(&env, 0, sizeof(env));
	net_loop_init(&env.loop);
	env.memory = aligned_alloc(64, rnet_memory(&o));
	rnet_init(&env.net, &o, env.memory);
	env.net.dev.wake = wake;
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

/* Request `i` on a queue: so many readable pieces, then writable ones. */
static void serve(unsigned i, u16 queue, const struct dvq_seg *segs, u32 readable, u32 writable)
{
	struct rdev_req *req = &env.reqs[i];

	*req = (struct rdev_req){ .done = done, .queue = queue, .used_len = 0xdead };
	memcpy(env.segs[i], segs, (readable + writable) * sizeof(*segs));
	req->chain.segs = env.segs[i];
	req->chain.n_readable = readable;
	req->chain.n_writable = writable;
	for (u32 k = 0; k < readable + writable; k++)
		*(k < readable ? &req->chain.readable : &req->chain.writable) += segs[k].len;
	env.net.dev.ops->serve(&env.net.dev, req);
}

static void send_frame(const void *hdr, u8 *frame, u32 len)
{
	const struct dvq_seg out[] = { { (void *)hdr, 12 }, { frame, len } };

	serve(REQS - 1, 1, out, 2, 0);
	assert_int_equal(env.reqs[REQS - 1].used_len, 0);
}

static void fill(u8 *p, u32 len)
{
	for (u32 i = 0; i < len; i++)
		p[i] = (u8)(i * 7 + (i >> 8));
	/* Neither VLAN nor IP. */
	p[12] = 0x88;
	p[13] = 0xb5;
}

static void test_round(void **state)
{
	static const u8 hdr[12];
	u8 frame[60], in[100];
	const struct dvq_seg buf = { in, sizeof(in) };

	negotiate(0);
	fill(frame, sizeof(frame));
	memset(in, 0xee, sizeof(in));
	assert_false(env.net.dev.ops->ready(&env.net.dev, 0));
	send_frame(hdr, frame, sizeof(frame));
	assert_int_equal(env.wakes, 1);
	assert_true(env.net.dev.ops->ready(&env.net.dev, 0));
	serve(0, 0, &buf, 0, 1);
	assert_int_equal(env.done, 2);
	assert_int_equal(env.reqs[0].used_len, 72);
	assert_memory_equal(in + 12, frame, 60);
	assert_int_equal(in[10], 1);
	assert_int_equal(in[72], 0xee);
	assert_false(env.net.dev.ops->ready(&env.net.dev, 0));
}

/* What cannot be a frame is returned, and nothing comes of it. */
static void test_refused(void **state)
{
	struct virtio_net_hdr_v1 hdr = { 0 };
	const struct dvq_seg shorts = { &hdr, 11 };
	u8 frame[100] = { 0 };
	static const struct {
		u64 features;
		struct virtio_net_hdr_v1 hdr;
	} bad[] = {
		{ BIT_ULL(VIRTIO_NET_F_CSUM), { .flags = 1, .csum_start = 0xffff } },
		{ BIT_ULL(VIRTIO_NET_F_CSUM), { .flags = 1, .csum_start = 90, .csum_offset = 9 } },
		{ BIT_ULL(VIRTIO_NET_F_CSUM), { .flags = 1, .csum_start = 34, .gso_type = 1 } },
		{ BIT_ULL(VIRTIO_NET_F_CSUM) | BIT_ULL(VIRTIO_NET_F_HOST_TSO4),
		  { .flags = 1, .csum_start = 34, .gso_type = 1 } },
		{ BIT_ULL(VIRTIO_NET_F_HOST_TSO4), { .gso_type = 1, .gso_size = 100 } },
		{ 0, { .gso_type = 0x20 } },
	};

	negotiate(0);
	serve(0, 1, &shorts, 1, 0);
	send_frame(&hdr, frame, 13);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		negotiate(bad[i].features);
		send_frame(&bad[i].hdr, frame, sizeof(frame));
	}
	assert_int_equal(env.done, 2 + ARRAY_SIZE(bad));
	assert_int_equal(env.net.count.refused, 2 + ARRAY_SIZE(bad));
	assert_false(env.net.dev.ops->ready(&env.net.dev, 0));
}

static void test_merge(void **state)
{
	static const u8 hdr[12];
	static u8 frame[1400], in[8][256];
	u32 got = 0;

	negotiate(BIT_ULL(VIRTIO_NET_F_MRG_RXBUF));
	fill(frame, sizeof(frame));
	send_frame(hdr, frame, sizeof(frame));
	for (unsigned i = 0; i < 6; i++) {
		const struct dvq_seg buf[] = { { in[i], 100 }, { in[i] + 100, 156 } };

		/* Nothing is returned before all of it is there. */
		assert_int_equal(env.done, 1);
		serve(i, 0, buf, 0, 2);
	}
	assert_int_equal(env.done, 7);
	assert_int_equal(in[0][10], 6);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(env.reqs[i].used_len, i < 5 ? 256 : 1412 - 5 * 256);
		got += env.reqs[i].used_len;
	}
	assert_int_equal(got, 1412);
	assert_memory_equal((u8 *)in + 12, frame, sizeof(frame));
}

/* Buffers that wait for more go back where they were; the frame stays. */
static void test_let_go(void **state)
{
	static const u8 hdr[12];
	static u8 frame[1400], in[2000];
	const struct dvq_seg small = { in, 256 }, large = { in, sizeof(in) };

	negotiate(BIT_ULL(VIRTIO_NET_F_MRG_RXBUF));
	send_frame(hdr, frame, sizeof(frame));
	serve(0, 0, &small, 0, 1);
	serve(1, 0, &small, 0, 1);
	env.net.dev.ops->let_go(&env.net.dev, 0);
	assert_int_equal(env.back, 2);
	assert_true(env.net.dev.ops->ready(&env.net.dev, 0));
	serve(0, 0, &large, 0, 1);
	assert_int_equal(env.reqs[0].used_len, 1412);

	/* Without merging it does not fit, and is lost. */
	negotiate(0);
	send_frame(hdr, frame, sizeof(frame));
	serve(0, 0, &small, 0, 1);
	assert_int_equal(env.back, 3);
	assert_false(env.net.dev.ops->ready(&env.net.dev, 0));
}

/* All over the ring of bytes, and more than fits. */
static void test_fifo(void **state)
{
	u8 *ring = aligned_alloc(64, 4096);
	struct net_fifo f = { .ring = ring, .size = 4096 };
	unsigned put = 0, got = 0;

	for (unsigned turn = 0; turn < 2000; turn++) {
		u32 len = (turn * 37) % 600;
		struct net_held *h = net_fifo_room(&f, len);

		if (h) {
			assert_true(h->bytes + len <= ring + 4096);
			memset(h->bytes, (int)put, len);
			net_fifo_put(&f, h);
			put++;
		}
		if (!h || turn % 3 == 0) {
			h = net_fifo_first(&f);
			for (u32 i = 0; i < h->len; i++)
				assert_int_equal(h->bytes[i], (u8)got);
			net_fifo_drop(&f);
			got++;
		}
	}
	assert_true(put > 500);
	while (!net_fifo_empty(&f)) {
		net_fifo_drop(&f);
		got++;
	}
	assert_int_equal(put, got);
	free(ring);
}

static u8 command(u8 class, u8 cmd, const void *data, u32 len, u32 *used)
{
	u8 hdr[2] = { class, cmd }, ack[8];
	const struct dvq_seg segs[] = { { hdr, 2 }, { (void *)data, len }, { ack, 8 } };

	memset(ack, 0x77, sizeof(ack));
	serve(0, net_control_queue(&env.net), segs, 2, 1);
	*used = env.reqs[0].used_len;
	return ack[0];
}

static void test_commands(void **state)
{
	static const u8 on = 1;
	const u16 two = 2, three = 3, none = 0;
	u32 used;

	negotiate(env.net.offered);
	assert_int_equal(net_control_queue(&env.net), 4);
	assert_int_equal(command(0, 0, &on, 1, &used), VIRTIO_NET_OK);
	assert_int_equal(used, 1);
	assert_int_equal(command(0, 0, &on, 0, &used), VIRTIO_NET_ERR);
	assert_int_equal(command(0, 9, &on, 1, &used), VIRTIO_NET_ERR);
	assert_int_equal(command(99, 0, &on, 1, &used), VIRTIO_NET_ERR);
	assert_int_equal(command(4, 0, &two, 2, &used), VIRTIO_NET_OK);
	assert_int_equal(env.net.ctl.pairs, 2);
	assert_int_equal(command(4, 0, &three, 2, &used), VIRTIO_NET_ERR);
	assert_int_equal(command(4, 0, &none, 2, &used), VIRTIO_NET_ERR);
	assert_int_equal(env.net.ctl.pairs, 2);
	env.net.dev.ops->reset(&env.net.dev);
	assert_int_equal(env.net.ctl.pairs, 1);
	negotiate(BIT_ULL(VIRTIO_NET_F_CTRL_VQ));
	assert_int_equal(net_control_queue(&env.net), 2);
	assert_int_equal(command(0, 0, &on, 1, &used), VIRTIO_NET_ERR);
}

/* The numbers of a reply, of which `words` are wanted; its length. */
static u32 statistics(u16 queue, unsigned type, u64 *words, u32 n)
{
	struct vnet_stats_ask ask = { .queue = le16(queue), .types = le64(BIT_ULL(type)) };
	u8 hdr[2] = { VNET_CTRL_STATS, VNET_CTRL_STATS_GET }, answer[64];
	const struct dvq_seg segs[] = { { hdr, 2 }, { &ask, sizeof(ask) }, { answer, 64 } };

	memset(answer, 0x77, sizeof(answer));
	serve(0, net_control_queue(&env.net), segs, 2, 1);
	if (answer[0] != VIRTIO_NET_OK)
		return 0;
	assert_int_equal(answer[1], type);
	memcpy(words, answer + 1 + sizeof(struct vnet_stats_head), n * sizeof(*words));
	return env.reqs[0].used_len - 1;
}

static void test_statistics(void **state)
{
	const struct virtio_net_hdr_v1 partial = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
						   .csum_start = le16(34),
						   .csum_offset = le16(6) };
	static const u8 hdr[12];
	u8 frame[60], in[100];
	const struct dvq_seg buf = { in, sizeof(in) };
	const u8 on = 1;
	u64 words[4];
	u32 used;

	negotiate(BIT_ULL(VIRTIO_NET_F_CTRL_VQ) | BIT_ULL(VIRTIO_NET_F_DEVICE_STATS) |
		  BIT_ULL(VIRTIO_NET_F_CSUM) | BIT_ULL(VIRTIO_NET_F_GUEST_CSUM));
	fill(frame, sizeof(frame));
	/* The usual way, and the other. */
	send_frame(hdr, frame, sizeof(frame));
	send_frame(&partial, frame, sizeof(frame));
	send_frame(&partial, frame, sizeof(frame));
	for (unsigned i = 0; i < 3; i++)
		serve(i, 0, &buf, 0, 1);
	assert_int_equal(statistics(1, VNET_STATS_TX_CSUM, words, 2), 24);
	assert_int_equal(words[0], 1);
	assert_int_equal(words[1], 2);
	assert_int_equal(statistics(0, VNET_STATS_RX_CSUM, words, 4), 40);
	assert_int_equal(words[0], 0);
	assert_int_equal(words[1], 2);
	assert_int_equal(words[2], 1);
	assert_int_equal(words[3], 0);
	assert_int_equal(command(0, 9, &on, 1, &used), VIRTIO_NET_ERR);
	/* With this one, and without the one that was none. */
	assert_int_equal(statistics(2, VNET_STATS_CVQ, words, 2), 24);
	assert_int_equal(words[0], 4);
	assert_int_equal(words[1], 2);
	assert_int_equal(statistics(0, VNET_STATS_RX_BASIC, words, 0), 0);
	assert_int_equal(statistics(0, VNET_STATS_TX_CSUM, words, 0), 0);
	env.net.dev.ops->reset(&env.net.dev);
	negotiate(BIT_ULL(VIRTIO_NET_F_CTRL_VQ) | BIT_ULL(VIRTIO_NET_F_DEVICE_STATS));
	assert_int_equal(statistics(2, VNET_STATS_CVQ, words, 2), 24);
	assert_int_equal(words[0], 1);
	/* Of a feature that was not negotiated. */
	assert_int_equal(statistics(0, VNET_STATS_RX_CSUM, words, 0), 0);
}

/* The specification's own test vectors are Microsoft's: 66.9.149.187:2794 to 161.142.100.80:1766. */
static void test_hash(void **state)
{
	static const u8 key[40] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
				    0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
				    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
				    0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };
	u8 p[54] = { [12] = 0x08, [14] = 0x45, [17] = 40, [23] = 6 };
	static const u8 flow[12] = { 66, 9, 149, 187, 161, 142, 100, 80, 0x0a, 0xea, 0x06, 0xe6 };
	struct net_headers h;
	u32 hash;

	memcpy(p + 26, flow, 12);
	p[46] = 0x50;
	net_parse(p, sizeof(p), &h);
	assert_int_equal(h.l4, 34);
	assert_int_equal(net_hash(p, &h, NET_HASH_TYPES, key, &hash), VIRTIO_NET_HASH_REPORT_TCPv4);
	assert_int_equal(hash, 0x51ccc178);
	assert_int_equal(net_hash(p, &h, VIRTIO_NET_RSS_HASH_TYPE_IPv4, key, &hash),
			 VIRTIO_NET_HASH_REPORT_IPv4);
	assert_int_equal(hash, 0x323e8fc2);
}

struct pieces {
	u8 at[20][1600];
	u32 len[20];
	unsigned n;
};

static u8 *piece_room(void *arg, u32 len)
{
	struct pieces *p = arg;

	return len <= sizeof(p->at[0]) ? p->at[p->n] : NULL;
}

static void piece_put(void *arg, u8 *place, u32 len)
{
	struct pieces *p = arg;

	p->len[p->n++] = len;
}

static void test_segments(void **state)
{
	static struct pieces p;
	const struct net_cut cut = { piece_room, piece_put, &p };
	static u8 whole[54 + 3000] = {
		[12] = 0x08, [14] = 0x45, [23] = 6, [46] = 0x50, [47] = 0x99
	};
	u32 at = 0;

	p.n = 0;
	for (u32 i = 54; i < sizeof(whole); i++)
		whole[i] = (u8)(i * 5);
	assert_false(net_segment(whole, sizeof(whole), VIRTIO_NET_HDR_GSO_TCPV6, 1000, &cut));
	assert_false(net_segment(whole, 40, VIRTIO_NET_HDR_GSO_TCPV4, 1000, &cut));
	assert_true(net_segment(whole, sizeof(whole), VIRTIO_NET_HDR_GSO_TCPV4, 1300, &cut));
	assert_int_equal(p.n, 3);
	for (unsigned i = 0; i < 3; i++) {
		struct net_headers h;
		u8 *f = p.at[i];
		u32 l4;

		net_parse(f, p.len[i], &h);
		assert_int_equal(h.l4, 34);
		l4 = p.len[i] - 34;
		assert_int_equal(net_fold(net_sum(f + 14, 20, 0)), 0xffff);
		assert_int_equal(net_fold(net_sum(f + 34, l4, net_pseudo(f, &h, l4))), 0xffff);
		assert_int_equal(net_get16(f + 16), p.len[i] - 14);
		assert_int_equal(net_get16(f + 40), at);
		assert_memory_equal(f + 54, whole + 54 + at, p.len[i] - 54);
		assert_int_equal(f[47], i == 0 ? 0x90 : i == 1 ? 0x10 : 0x19);
		at += p.len[i] - 54;
	}
	assert_int_equal(at, 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_merge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_let_go, setup, teardown),
		cmocka_unit_test_setup_teardown(test_commands, setup, teardown),
		cmocka_unit_test_setup_teardown(test_statistics, setup, teardown),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
