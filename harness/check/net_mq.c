// SPDX-License-Identifier: BSD-3-Clause
/* Network device: which receive queue a frame goes to (5.1.9.6.5, 5.1.9.6.6). */
#include <string.h>

#include "harness/check/net_kit.h"

#define AUTO(n) "v14.net.mq-auto.dev." #n
#define MQ	(NK_F(CTRL_VQ) | NK_F(MQ))
#define FLOWS	16
#define PORTS	4000u

static bool set_pairs(struct ck *c, struct nk *k, u16 pairs)
{
	const u16 data = le16(pairs);

	return nk_obeyed(c, k, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &data, 2);
}

static bool up(struct ck *c, struct nk *k, u64 more)
{
	u16 max;

	if (!ck_negotiate(c, MQ | more) ||
	    !ck_must(c, c->tp->ops->read_config(c->tp, 8, &max, 2), "reading max_virtqueue_pairs"))
		return false;
	if (le16(max) < 2)
		return ck_skip(c, "it has one pair of queues");
	return ck_open(c) && nk_up_with(c, k, MQ | more, 2, NK_RX_USUAL, 32);
}

/* A packet of this flow, and where it comes: false when it comes back on no queue, or something was wrong. */
static bool round_trip(struct ck *c, struct nk *k, unsigned flow, unsigned pair, struct nk_frame *f)
{
	const struct net_packet t = { .payload = 60,
				      .tcp = true,
				      .v6 = flow & 1,
				      .sport = (u16)(PORTS + flow),
				      .dport = (u16)(PORTS + 7 * flow) };
	const struct net_layout at = net_build(nk_out(k), &t);
	int got;

	if (!nk_send_on(c, k, pair, NULL, at.len))
		return false;
	got = nk_receive(c, k, f);
	if (got == 0)
		return ck_skip(c,
			       "what is sent does not come back: the target is not in loop-back");
	return got > 0;
}

/* All flows come on the first queue. */
static bool on_the_first(struct ck *c, struct nk *k, const char *clause, const char *when)
{
	struct nk_frame f;

	for (unsigned flow = 0; flow < FLOWS; flow++) {
		if (!round_trip(c, k, flow, 0, &f))
			return false;
		if (f.pair)
			return ck_fail(c, clause, "on receiveq1", "a packet comes on receiveq%u %s",
				       f.pair + 1, when);
	}
	return true;
}

static void before(struct ck *c)
{
	struct nk k;

	if (!up(c, &k, 0) || !on_the_first(c, &k, AUTO(1), "before VQ_PAIRS_SET") ||
	    !set_pairs(c, &k, 2) || !ck_open(c) || !nk_up_with(c, &k, MQ, 2, NK_RX_USUAL, 32))
		return;
	on_the_first(c, &k, AUTO(1), "after a reset");
}

CHECK(before, .id = "net.mq.before", .clauses = { AUTO(1) },
      .stimulus =
	      "two pairs are there, and no VQ_PAIRS_SET: packets of 16 flows, and after a reset",
      .oracle = "all come on receiveq1", .device = VIRTIO_ID_NET, .features = MQ,
      .caps = TP_CAP_CONFIG, .run = before);

static void after(struct ck *c)
{
	struct nk_frame f;
	struct nk k;

	if (!up(c, &k, 0) || !set_pairs(c, &k, 2))
		return;
	/* Where these come is the device's choice. */
	for (unsigned flow = 0; flow < FLOWS; flow++)
		if (!round_trip(c, &k, flow, 1, &f))
			return;
	if (set_pairs(c, &k, 1))
		on_the_first(c, &k, AUTO(2), "after VQ_PAIRS_SET of 1");
}

CHECK(after, .id = "net.mq.fewer", .clauses = { AUTO(2) },
      .stimulus = "VQ_PAIRS_SET of 2, packets on the second pair; of 1, packets on the first",
      .oracle = "then all come on receiveq1", .device = VIRTIO_ID_NET, .features = MQ,
      .caps = TP_CAP_CONFIG, .run = after);

/* --- by hash ------------------------------------------------------------------------------------------- */

#define RSS_ENTRIES 4

static const u8 key[40] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
			    0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
			    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
			    0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };

static bool steer(struct ck *c, struct nk *k, const u16 table[RSS_ENTRIES], u16 unclassified)
{
	u8 data[8 + 2 * RSS_ENTRIES + 3 + sizeof(key)] = { 0 };
	const u32 types = le32(VIRTIO_NET_RSS_HASH_TYPE_TCPv4 | VIRTIO_NET_RSS_HASH_TYPE_TCPv6);
	const u16 words[] = { le16(RSS_ENTRIES - 1), le16(unclassified) };

	memcpy(data, &types, 4);
	memcpy(data + 4, words, 4);
	for (unsigned i = 0; i < RSS_ENTRIES; i++) {
		const u16 entry = le16(table[i]);

		memcpy(data + 8 + 2 * i, &entry, 2);
	}
	data[8 + 2 * RSS_ENTRIES] = 2; /* pairs, of 16 bits */
	data[8 + 2 * RSS_ENTRIES + 2] = sizeof(key);
	memcpy(data + 8 + 2 * RSS_ENTRIES + 3, key, sizeof(key));
	return nk_obeyed(c, k, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_RSS_CONFIG, data,
			 sizeof(data));
}

static bool hashed(struct ck *c, struct nk *k, const u16 table[RSS_ENTRIES], unsigned flow)
{
	struct net_layout at = { .l3 = 14, .l4 = flow & 1 ? 54 : 34 };
	struct nk_frame f;
	u16 due;

	if (!round_trip(c, k, flow, 0, &f))
		return false;
	due = table[net_toeplitz(nk_out(k), &at, flow & 1, true, key) % RSS_ENTRIES];
	return f.pair == due ||
	       ck_fail(c, "v14.net.rss.dev.1", "the queue that the table names",
		       "flow %u comes on receiveq%u and not %u", flow, f.pair + 1, due + 1);
}

static void by_hash(struct ck *c)
{
	static const u16 tables[][RSS_ENTRIES] = { { 0, 1, 0, 1 }, { 1, 1, 1, 1 }, { 1, 0, 0, 0 } };
	struct nk k;

	if (!up(c, &k, NK_F(RSS)))
		return;
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		const u16 unclassified = t & 1 ? 0 : 1;
		struct net_layout at;
		struct nk_frame f;

		if (!steer(c, &k, tables[t], unclassified))
			return;
		for (unsigned flow = 0; flow < FLOWS; flow++)
			if (!hashed(c, &k, tables[t], flow))
				return;
		/* Of what is no packet there is no hash. */
		if (!nk_send_packet(c, &k, &(struct net_packet){ .payload = 60, .raw = true },
				    &at) ||
		    !nk_expect(c, &k, &f))
			return;
		if (f.pair != unclassified) {
			ck_fail(c, "v14.net.rss.dev.1", "unclassified_queue",
				"a frame without a hash comes on receiveq%u and not %u", f.pair + 1,
				unclassified + 1);
			return;
		}
	}
}

CHECK(by_hash, .id = "net.rss.steering", .clauses = { "v14.net.rss.dev.1" },
      .stimulus =
	      "three tables for two queues; packets of 16 flows, and frames that are no packets",
      .oracle = "each comes on the queue that its hash, or unclassified_queue, names",
      .device = VIRTIO_ID_NET, .features = MQ | NK_F(RSS), .caps = TP_CAP_CONFIG, .run = by_hash);
