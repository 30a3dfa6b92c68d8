// SPDX-License-Identifier: BSD-3-Clause
/* Network device: frames that are to be segmented (5.1.9.2, 5.1.9.4). */
#include <string.h>

#include "harness/check/net_kit.h"

#define RX(n) "v14.net.rx.dev." #n
#define TX(n) "v14.net.tx.dev." #n
#define MSS   1000
#define TOTAL 4321

static const struct kind {
	struct net_packet packet;
	u8 gso;
	u64 host, guest;
	const char *clause; /* when it is reported without being negotiated */
} kinds[] = {
	{ { .tcp = true, .partial = true, .payload = TOTAL },
	  VIRTIO_NET_HDR_GSO_TCPV4,
	  NK_F(HOST_TSO4),
	  NK_F(GUEST_TSO4),
	  RX(7) },
	{ { .tcp = true, .v6 = true, .partial = true, .payload = TOTAL },
	  VIRTIO_NET_HDR_GSO_TCPV6,
	  NK_F(HOST_TSO6),
	  NK_F(GUEST_TSO6),
	  RX(9) },
	{ { .partial = true, .payload = TOTAL },
	  VIRTIO_NET_HDR_GSO_UDP_L4,
	  NK_F(HOST_USO),
	  NK_F(GUEST_USO4) | NK_F(GUEST_USO6),
	  RX(10) },
};

static bool send_gso(struct ck *c, struct nk *k, const struct kind *kind, u16 hdr_len,
		     struct net_layout *at)
{
	struct virtio_net_hdr_v1 hdr = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					 .gso_type = kind->gso,
					 .gso_size = le16(MSS) };

	*at = net_build(nk_out(k), &kind->packet);
	hdr.hdr_len = le16(hdr_len ? hdr_len : (u16)at->data);
	hdr.csum_start = le16((u16)at->l4);
	hdr.csum_offset = le16(at->csum_offset);
	return nk_send(c, k, &hdr, at->len);
}

/* The segments of what was sent, in order. `wrong`: the clause to accuse when one is not right. */
static bool segments(struct ck *c, struct nk *k, const struct kind *kind,
		     const struct net_layout *at, const char *wrong)
{
	u32 got = 0;

	while (got < TOTAL) {
		const u32 due = MIN(TOTAL - got, (u32)MSS);
		struct nk_frame f;
		int rc = nk_receive(c, k, &f);

		if (rc < 0)
			return false;
		if (rc == 0)
			return wrong ? ck_fail(c, wrong, "all of its segments",
					       "after %u of %u bytes nothing comes", got, TOTAL)
				     : ck_error(c, "after %u of %u bytes nothing comes", got,
						TOTAL);
		if (VNET_GSO_BASE(f.hdr.hdr.gso_type) == kind->gso)
			return ck_fail(c, wrong ? wrong : kind->clause, "segments",
				       "gso_type is %#x", f.hdr.hdr.gso_type);
		if (f.hdr.hdr.gso_type)
			return ck_fail(c, wrong ? wrong : RX(26), "0", "gso_type is %#x",
				       f.hdr.hdr.gso_type);
		if (f.len != at->data + due || !net_checksums_right(f.data, f.len))
			return wrong ? ck_fail(c, wrong, "a segment with right checksums",
					       "%u bytes, %u of them headers, for %u at %u", f.len,
					       at->data, due, got)
				     : ck_error(c, "a segment of %u bytes for %u at %u", f.len, due,
						got);
		for (u32 i = 0; i < due; i++)
			if (f.data[at->data + i] != net_payload_byte(kind->packet.seed, got + i))
				return ck_error(c, "byte %u is not what was sent", got + i);
		got += due;
	}
	return true;
}

static u64 host_features(void)
{
	return NK_F(CSUM) | NK_F(HOST_TSO4) | NK_F(HOST_TSO6) | NK_F(HOST_USO);
}

static bool any(struct ck *c, u64 features)
{
	return c->offered & features || ck_skip(c, "no kind of segmentation is offered");
}

/* A device that cuts what it is given, in any way. */
static bool up_to_cut(struct ck *c, struct nk *k)
{
	return any(c, NK_F(HOST_TSO4) | NK_F(HOST_TSO6) | NK_F(HOST_USO)) &&
	       nk_up(c, k, host_features());
}

static void cut(struct ck *c)
{
	struct net_layout at;
	struct nk k;

	if (!up_to_cut(c, &k))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!(c->features & kinds[i].host))
			continue;
		if (!send_gso(c, &k, &kinds[i], 0, &at) || !segments(c, &k, &kinds[i], &at, NULL))
			return;
	}
}

CHECK(cut, .id = "net.gso.cut", .clauses = { RX(7), RX(9), RX(10), RX(26) },
      .stimulus = "packets of 4321 bytes to be cut into 1000, to a driver that takes none such",
      .oracle = "segments with whole checksums, and gso_type is NONE", .device = VIRTIO_ID_NET,
      .features = NK_F(CSUM), .run = cut);

static void header_length(struct ck *c)
{
	static const u16 lengths[] = { 1, 17, 0xffff };
	struct net_layout at;
	struct nk k;

	if (!up_to_cut(c, &k))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!(c->features & kinds[i].host))
			continue;
		for (size_t n = 0; n < ARRAY_SIZE(lengths); n++)
			if (!send_gso(c, &k, &kinds[i], lengths[n], &at) ||
			    !segments(c, &k, &kinds[i], &at, TX(7)))
				return;
	}
}

CHECK(header_length, .id = "net.gso.header-length", .clauses = { TX(7) },
      .stimulus = "the same, with hdr_len 1, 17 and 65535",
      .oracle = "the same segments: it is a hint, and is not relied on", .device = VIRTIO_ID_NET,
      .features = NK_F(CSUM), .run = header_length);

static void whole(struct ck *c)
{
	if (!any(c, NK_GUEST_GSO))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct kind *kind = &kinds[i];
		const struct virtio_net_hdr_v1 *h;
		struct net_layout at;
		struct nk_frame f;
		struct nk k;

		if ((c->offered & (kind->host | kind->guest)) != (kind->host | kind->guest))
			continue;
		if (i && !ck_open(c))
			return;
		if (!nk_up(c, &k,
			   host_features() | NK_F(GUEST_CSUM) | NK_F(MRG_RXBUF) | kind->guest) ||
		    !send_gso(c, &k, kind, 0, &at) || !nk_expect(c, &k, &f))
			return;
		h = &f.hdr.hdr;
		if (h->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
			ck_log(c, "  it was cut all the same");
			continue;
		}
		if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)) {
			ck_fail(c, RX(27), "NEEDS_CSUM", "gso_type %#x with flags %#x", h->gso_type,
				h->flags);
			return;
		}
		if (h->gso_size != MSS) {
			ck_fail(c, RX(28), "1000, as it was sent", "gso_size is %u", h->gso_size);
			return;
		}
		if (h->hdr_len < at.data) {
			ck_fail(c, RX(31), "at least all headers", "hdr_len is %u of %u",
				h->hdr_len, at.data);
			return;
		}
		if (!nk_same(&k, &f, at.len)) {
			ck_error(c, "%u of %u bytes came", f.len, at.len);
			return;
		}
	}
}

CHECK(whole, .id = "net.gso.whole", .clauses = { RX(27), RX(28), RX(31) },
      .stimulus = "the same, to a driver that takes them whole",
      .oracle = "gso_type comes with NEEDS_CSUM, gso_size and hdr_len", .device = VIRTIO_ID_NET,
      .features = NK_F(CSUM) | NK_F(GUEST_CSUM) | NK_F(MRG_RXBUF), .run = whole);

static void ecn(struct ck *c)
{
	struct kind kind = kinds[0];
	struct net_layout at;
	struct nk_frame f;
	struct nk k;

	kind.packet.tcp_flags = 0x90;
	kind.gso |= VIRTIO_NET_HDR_GSO_ECN;
	if (!nk_up(c, &k,
		   host_features() | NK_F(HOST_ECN) | NK_F(GUEST_CSUM) | NK_F(MRG_RXBUF) |
			   NK_F(GUEST_TSO4) | NK_F(GUEST_ECN)) ||
	    !send_gso(c, &k, &kind, 0, &at) || !nk_expect(c, &k, &f))
		return;
	if (f.hdr.hdr.gso_type && !(f.hdr.hdr.gso_type & VIRTIO_NET_HDR_GSO_ECN)) {
		ck_fail(c, RX(14), "the ECN bit", "gso_type is %#x", f.hdr.hdr.gso_type);
		return;
	}
	if (!ck_open(c) ||
	    !nk_up(c, &k,
		   host_features() | NK_F(HOST_ECN) | NK_F(GUEST_CSUM) | NK_F(MRG_RXBUF) |
			   NK_F(GUEST_TSO4)) ||
	    !send_gso(c, &k, &kind, 0, &at) || !nk_expect(c, &k, &f))
		return;
	if (f.hdr.hdr.gso_type)
		ck_fail(c, RX(13), "segments", "gso_type is %#x without GUEST_ECN",
			f.hdr.hdr.gso_type);
}

CHECK(ecn, .id = "net.gso.ecn", .clauses = { RX(14), RX(13) },
      .stimulus = "a TSO packet with CWR, to a driver with and one without GUEST_ECN",
      .oracle = "the ECN bit in gso_type; segments", .device = VIRTIO_ID_NET,
      .features = NK_F(CSUM) | NK_F(GUEST_CSUM) | NK_F(MRG_RXBUF) | NK_F(GUEST_TSO4) |
		  NK_F(GUEST_ECN) | NK_F(HOST_TSO4) | NK_F(HOST_ECN),
      .run = ecn);

/* What nobody has negotiated, since no front-end can: fragments of UDP are gone, and tunnels have feature bits above 63. */
static bool kind_is_known(struct ck *c, const struct nk_frame *f)
{
	const struct virtio_net_hdr_v1 *h = &f->hdr.hdr;

	if (VNET_GSO_BASE(h->gso_type) == VIRTIO_NET_HDR_GSO_UDP)
		return ck_fail(c, RX(8), "not without GUEST_UFO", "gso_type is %#x", h->gso_type);
	if (!(h->gso_type & VNET_GSO_TUNNEL) || !VNET_GSO_BASE(h->gso_type))
		return true;
	if (h->flags & VNET_F_TUNNEL_CSUM)
		return ck_fail(c, RX(25), "not without GUEST_UDP_TUNNEL_GSO_CSUM",
			       "gso_type is %#x, flags are %#x", h->gso_type, h->flags);
	return ck_fail(c, RX(21), "not without GUEST_UDP_TUNNEL_GSO", "gso_type is %#x",
		       h->gso_type);
}

static void known_kinds(struct ck *c)
{
	const u64 guest = NK_F(GUEST_CSUM) | NK_F(MRG_RXBUF) | NK_GUEST_GSO;
	struct net_layout at;
	struct nk_frame f;
	struct nk k;

	if (!any(c, NK_GUEST_GSO) || !nk_up(c, &k, host_features() | guest))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct net_packet t = kinds[i].packet;

		/* As it is, and one to be cut, which a driver takes whole or in any number of pieces. */
		t.payload = 200;
		if (!nk_send_packet(c, &k, &t, &at) || !nk_expect(c, &k, &f) ||
		    !kind_is_known(c, &f))
			return;
		if (!(c->features & kinds[i].host))
			continue;
		if (!send_gso(c, &k, &kinds[i], 0, &at))
			return;
		for (u32 got = 0; got < TOTAL;) {
			if (!nk_expect(c, &k, &f) || !kind_is_known(c, &f))
				return;
			got += f.len > at.data ? f.len - at.data : TOTAL;
		}
	}
}

CHECK(known_kinds, .id = "net.gso.known-kinds", .clauses = { RX(8), RX(21), RX(25) },
      .stimulus = "packets with partial checksums and packets to be cut, to a driver that takes "
		  "every kind there is a feature for",
      .oracle = "none comes as a fragment of UDP or as a tunnel's", .device = VIRTIO_ID_NET,
      .features = NK_F(CSUM) | NK_F(GUEST_CSUM) | NK_F(MRG_RXBUF), .run = known_kinds);
