// SPDX-License-Identifier: BSD-3-Clause
/* Network device: what arrives in receive buffers (5.1.9.3.2, 5.1.9.4.1). */
#include <string.h>

#include "harness/check/net_kit.h"

#define RX(n)	 "v14.net.rx.dev." #n
#define RXBUF(n) "v14.net.rxbuf.dev." #n

static const u32 lengths[] = { 60, 61, 64, 127, 128, 590, 1280, 1513, 1514 };

/* Bits that nobody has asked for: every header that arrives is looked at. */
static bool bits(struct ck *c, const struct nk_frame *f)
{
	const struct virtio_net_hdr_v1 *h = &f->hdr.hdr;

	if (h->gso_type & VNET_GSO_TUNNEL)
		return ck_fail(c, RX(11), "no tunnel", "gso_type is %#x", h->gso_type);
	if (h->flags & VNET_F_TUNNEL_CSUM)
		return ck_fail(c, RX(12), "no UDP_TUNNEL_CSUM", "flags are %#x", h->flags);
	if (h->flags & VIRTIO_NET_HDR_F_RSC_INFO)
		return ck_fail(c, RX(30), "no RSC_INFO", "flags are %#x", h->flags);
	return true;
}

static void whole(struct ck *c)
{
	struct net_layout at;
	struct nk_frame f;
	struct nk k;

	if (!nk_up(c, &k, 0))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		const u32 payload = lengths[i] - VNET_ETH_HEADER;

		if (!nk_send_packet(
			    c, &k,
			    &(struct net_packet){ .payload = payload, .seed = (u32)i, .raw = true },
			    &at) ||
		    !nk_expect(c, &k, &f))
			return;
		if (f.hdr.hdr.num_buffers != 1) {
			ck_fail(c, RX(1), "1", "num_buffers is %u", f.hdr.hdr.num_buffers);
			return;
		}
		if (!nk_same(&k, &f, at.len)) {
			ck_fail(c, RXBUF(2), "a frame is in one buffer",
				"of a frame of %u bytes the buffer has %u", at.len, f.len);
			return;
		}
		if (!bits(c, &f))
			return;
	}
}

CHECK(whole, .id = "net.rx.whole", .clauses = { RX(1), RXBUF(2), RX(11), RX(12), RX(30) },
      .stimulus = "frames of 60 to 1514 bytes go round, without MRG_RXBUF",
      .oracle = "each in one buffer, byte for byte, and num_buffers is 1", .device = VIRTIO_ID_NET,
      .run = whole);

static bool merged(struct ck *c, struct nk *k, u32 len)
{
	const unsigned due = (k->hdr + len + k->rx_size - 1) / k->rx_size;
	struct net_layout at;
	struct nk_frame f;

	if (!nk_send_packet(c, k,
			    &(struct net_packet){
				    .payload = len - VNET_ETH_HEADER, .seed = len, .raw = true },
			    &at) ||
	    !nk_expect(c, k, &f))
		return false;
	if (f.short_buffer)
		return ck_fail(c, RX(3), "all but the last buffer are full",
			       "%u of %u bytes in the first of %u", f.used, k->rx_size, f.buffers);
	if (f.hdr.hdr.num_buffers != due)
		return ck_fail(c, RX(2), "as many as header and frame take",
			       "num_buffers is %u for %u bytes in buffers of %u",
			       f.hdr.hdr.num_buffers, k->hdr + len, k->rx_size);
	if (!nk_same(k, &f, at.len))
		return ck_fail(c, RXBUF(1), "num_buffers buffers hold the frame",
			       "of %u bytes %u are in %u buffers", at.len, f.len, f.buffers);
	return true;
}

static void merge(struct ck *c)
{
	static const u32 sizes[] = { 64, 100, 333, 1024 };
	struct nk k;

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		/* Does anything go round? */
		if (s == 0 && !nk_up(c, &k, NK_F(MRG_RXBUF)))
			return;
		if (!ck_open(c) || !nk_up_with(c, &k, NK_F(MRG_RXBUF), 1, sizes[s], NK_RX_MAX))
			return;
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
			if (!merged(c, &k, lengths[i]))
				return;
	}
}

CHECK(merge, .id = "net.rx.merge", .clauses = { RX(2), RX(3), RXBUF(1) },
      .stimulus = "frames of 60 to 1514 bytes go round, into buffers of 64 to 1024",
      .oracle = "num_buffers is how many it takes, all but the last are full, the frame is whole",
      .device = VIRTIO_ID_NET, .features = NK_F(MRG_RXBUF), .run = merge);

static void together(struct ck *c)
{
	struct net_layout at;
	struct ck_used u;
	struct nk k;
	u16 used;

	if (!nk_up(c, &k, NK_F(MRG_RXBUF)))
		return;
	/* Buffers for half of a frame. */
	if (!ck_open(c) || !nk_up_with(c, &k, NK_F(MRG_RXBUF), 1, 100, 7) ||
	    !nk_send_packet(c, &k, &(struct net_packet){ .payload = 1200, .raw = true }, &at))
		return;
	ck_quiet(c);
	used = ck_used(c, 0);
	if (used) {
		ck_fail(c, RX(4), "none before all are there",
			"%u of 13 buffers came back while there were 7", used);
		return;
	}
	/* With the rest it may come, or it was dropped, and the next one comes. */
	for (unsigned i = 0; i < 40; i++) {
		const struct vq_sg sg = { gpa_add(k.in.gpa, 8192 + i * 100), 100 };

		if (vq_add(&c->q[0].vq, &sg, 0, 1, k.in.hva + 8192 + i * 100) < 0) {
			ck_error(c, "the receive queue is full");
			return;
		}
	}
	if (!ck_publish(c, 0) ||
	    !nk_send_packet(c, &k, &(struct net_packet){ .payload = 1200, .raw = true }, &at))
		return;
	if (!ck_reap(c, 0, &u))
		ck_error(c, "no frame comes back once there are buffers");
}

CHECK(together, .id = "net.rx.together", .clauses = { RX(4) },
      .stimulus = "a frame for which there are 7 of 13 buffers; then the rest, and another frame",
      .oracle = "no buffer comes back before all are there", .device = VIRTIO_ID_NET,
      .features = NK_F(MRG_RXBUF), .run = together);

/* --- checksums ---------------------------------------------------------------------------------------- */

static const struct net_packet partials[] = {
	{ .payload = 100, .partial = true },
	{ .payload = 101, .partial = true, .v6 = true },
	{ .payload = 1000, .partial = true, .tcp = true },
	{ .payload = 1001, .partial = true, .tcp = true, .v6 = true, .vlan = 6 },
};

static void finished(struct ck *c)
{
	struct net_layout at;
	struct nk_frame f;
	struct nk k;

	if (!nk_up(c, &k, NK_F(CSUM)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(partials); i++) {
		if (!nk_send_packet(c, &k, &partials[i], &at) || !nk_expect(c, &k, &f))
			return;
		if (f.hdr.hdr.flags) {
			ck_fail(c, RX(5), "0", "flags are %#x", f.hdr.hdr.flags);
			return;
		}
		if (!net_checksums_right(f.data, f.len)) {
			ck_fail(c, RX(6), "the checksum is complete",
				"packet %zu has a checksum of %#x", i,
				net_be16(f.data + at.l4 + at.csum_offset));
			return;
		}
	}
}

CHECK(finished, .id = "net.rx.checksum-done", .clauses = { RX(5), RX(6) },
      .stimulus = "packets with partial checksums go round, without GUEST_CSUM",
      .oracle = "flags are 0, and the checksums are complete", .device = VIRTIO_ID_NET,
      .features = NK_F(CSUM), .run = finished);

static void partial(struct ck *c)
{
	struct net_layout at;
	struct nk_frame f;
	struct nk k;

	if (!nk_up(c, &k, NK_F(CSUM) | NK_F(GUEST_CSUM)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(partials); i++) {
		const struct virtio_net_hdr_v1 *h = &f.hdr.hdr;

		if (!nk_send_packet(c, &k, &partials[i], &at) || !nk_expect(c, &k, &f))
			return;
		if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)) {
			ck_log(c, "  packet %zu came without NEEDS_CSUM", i);
			continue;
		}
		if (h->csum_start != at.l4 || h->csum_offset != at.csum_offset) {
			ck_fail(c, RX(20), "the transport header's checksum",
				"checksum from %u, at %u behind that; it is %u and %u",
				h->csum_start, h->csum_offset, at.l4, at.csum_offset);
			return;
		}
		if (net_be16(f.data + at.l4 + at.csum_offset) != net_pseudo_sum(f.data, &at)) {
			ck_fail(c, RX(19), "the sum of the pseudo header", "%#x for %#x",
				net_be16(f.data + at.l4 + at.csum_offset),
				net_pseudo_sum(f.data, &at));
			return;
		}
	}
}

CHECK(partial, .id = "net.rx.checksum-partial", .clauses = { RX(19), RX(20) },
      .stimulus = "packets with partial checksums go round, with GUEST_CSUM",
      .oracle = "with NEEDS_CSUM the header says where, and the pseudo header's sum is there",
      .device = VIRTIO_ID_NET, .features = NK_F(CSUM) | NK_F(GUEST_CSUM), .run = partial);

static void unverified(struct ck *c)
{
	static const char tx[] = "v14.net.tx.dev.11", first[] = "v14.net.rx.dev.18";
	struct net_layout at;
	struct nk_frame f;
	struct nk k;

	if (!nk_up(c, &k, NK_F(CSUM) | NK_F(GUEST_CSUM)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(partials); i++) {
		struct net_packet t = partials[i];

		t.partial = false;
		t.bad_csum = true;
		if (!nk_send_packet(c, &k, &t, &at) || !nk_expect(c, &k, &f))
			return;
		if (f.hdr.hdr.flags & VIRTIO_NET_HDR_F_DATA_VALID) {
			ck_fail(c, i & 1 ? tx : RX(33), "not said to be valid",
				"a packet with a wrong checksum comes with flags %#x",
				f.hdr.hdr.flags);
			return;
		}
		if (f.hdr.hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
			ck_fail(c, first, "not said to be only partial",
				"a packet with a wrong checksum comes with flags %#x",
				f.hdr.hdr.flags);
			return;
		}
	}
}

CHECK(unverified, .id = "net.rx.checksum-wrong",
      .clauses = { RX(33), "v14.net.tx.dev.11", "v14.net.rx.dev.18" },
      .stimulus = "packets whose checksums are complete and wrong go round, with GUEST_CSUM",
      .oracle = "none comes with DATA_VALID or NEEDS_CSUM", .device = VIRTIO_ID_NET,
      .features = NK_F(GUEST_CSUM), .run = unverified);
