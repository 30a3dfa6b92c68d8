// SPDX-License-Identifier: BSD-3-Clause
/* Network device: the hash of what comes through a tunnel (5.1.9.4.4). */
#include <string.h>

#include "harness/check/net_kit.h"

#define TUNNEL(n) "v14.net.hash-tunnel.dev." #n
#define FEATURES  (NK_F(CTRL_VQ) | NK_F(HASH_REPORT) | NK_F(HASH_TUNNEL))
#define KNOWN	  0x1ffu
#define ALL_GRE                                                                                    \
	(VNET_TUNNEL_GRE_2784 | VNET_TUNNEL_GRE_2890 | VNET_TUNNEL_GRE_7676 | VNET_TUNNEL_NVGRE)

static const u8 key[40] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
			    0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
			    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
			    0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };

/* What goes through the tunnel is a UDP packet with ports of its own; the addresses are those outside. */
static const struct kind {
	const char *name;
	u32 kinds; /* that it could be taken for */
	u8 proto;
	bool ports; /* of the tunnel itself: they are a part of the outer hash */
} tunnels[] = {
	{ "VXLAN", VNET_TUNNEL_VXLAN | VNET_TUNNEL_VXLAN_GPE, VNET_PROTO_UDP, true },
	{ "GRE", ALL_GRE, VNET_PROTO_GRE, false },
	{ "IP in IP", VNET_TUNNEL_IPIP, VNET_PROTO_IPIP, false },
};

/* Up, with hashes of IPv4 and its UDP, and no tunnel enabled yet. *supported as the configuration has it. */
static bool up(struct ck *c, struct nk *k, u32 *supported)
{
	u8 data[4 + 8 + 1 + sizeof(key)] = { 0 };
	const u32 types = le32(VIRTIO_NET_RSS_HASH_TYPE_IPv4 | VIRTIO_NET_RSS_HASH_TYPE_UDPv4);

	memcpy(data, &types, 4);
	data[12] = sizeof(key);
	memcpy(data + 13, key, sizeof(key));
	if (!nk_up(c, k, FEATURES) ||
	    !nk_obeyed(c, k, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_HASH_CONFIG, data,
		       sizeof(data)) ||
	    !ck_must(c,
		     c->tp->ops->read_config(c->tp,
					     offsetof(struct vnet_config, supported_tunnel_types),
					     supported, 4),
		     "reading supported_tunnel_types"))
		return false;
	*supported = le32(*supported);
	return true;
}

static bool enable(struct ck *c, struct nk *k, u32 kinds, u8 *ack)
{
	kinds = le32(kinds);
	return nk_command(c, k, VNET_CTRL_HASH_TUNNEL, VNET_CTRL_HASH_TUNNEL_SET, &kinds, 4, ack);
}

static bool must_enable(struct ck *c, struct nk *k, u32 kinds)
{
	u8 ack;

	return enable(c, k, kinds, &ack) &&
	       (ack == VIRTIO_NET_OK ||
		ck_error(c, "HASH_TUNNEL_SET of %#x is answered with %u", kinds, ack));
}

/* One packet in a tunnel of this kind; where the outer headers are. */
static struct net_layout tunnelled(u8 *p, const struct kind *kind)
{
	u8 frame[128];
	const struct net_layout in = net_build(
		frame, &(struct net_packet){ .payload = 40, .sport = 1111, .dport = 2222 });
	/* VXLAN carries frames, the others packets; what is before that lies behind the IP header. */
	const u32 from = kind->ports ? 0 : in.l3, len = in.len - from,
		  before = kind->ports			   ? 16
			   : kind->proto == VNET_PROTO_GRE ? 4
							   : 0;
	const struct net_layout at = net_build(
		p, &(struct net_packet){ .payload = before + len - 8, .dport = VNET_PORT_VXLAN });
	u8 *ip = p + at.l3, *behind = p + at.l4;

	if (kind->ports) {
		behind[6] = behind[7] = 0; /* UDP without a checksum */
		memset(behind + 8, 0, 8);
		behind[8] = 0x08;
	} else if (before) {
		memcpy(behind, (const u8[]){ 0, 0, 8, 0 }, 4);
	}
	memcpy(behind + before, frame + from, len);
	ip[9] = kind->proto;
	ip[10] = ip[11] = 0;
	net_finish_checksum(p, at.l4, (u16)at.l3, 10);
	return at;
}

/* Its hash is that of the outer headers. */
static bool outer(struct ck *c, struct nk *k, const struct kind *kind, const char *clause,
		  const char *when)
{
	const struct net_layout at = tunnelled(nk_out(k), kind);
	const u16 report = kind->ports ? VIRTIO_NET_HASH_REPORT_UDPv4 : VIRTIO_NET_HASH_REPORT_IPv4;
	struct nk_frame f;
	u32 due;

	due = net_toeplitz(nk_out(k), &at, false, kind->ports, key);
	if (!nk_send(c, k, NULL, at.len) || !nk_expect(c, k, &f))
		return false;
	return (f.hdr.hash_value == due && f.hdr.hash_report == report) ||
	       ck_fail(c, clause, "the hash of the outer headers",
		       "%s: the hash of a packet through %s is %#x, of type %u, and that of its "
		       "outer headers is %#x, of type %u",
		       when, kind->name, f.hdr.hash_value, f.hdr.hash_report, due, report);
}

static void others(struct ck *c)
{
	struct nk k;
	u32 all;

	if (!up(c, &k, &all))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++)
		if (!must_enable(c, &k, all & KNOWN & ~tunnels[i].kinds) ||
		    !outer(c, &k, &tunnels[i], TUNNEL(1), "with all others enabled"))
			return;
}

CHECK(others, .id = "net.hash.tunnel-other", .clauses = { TUNNEL(1) },
      .stimulus = "packets through VXLAN, GRE and IP in IP, each with all kinds of tunnels enabled "
		  "but its own",
      .oracle = "the hash is that of the outer headers", .device = VIRTIO_ID_NET,
      .features = FEATURES, .caps = TP_CAP_CONFIG, .run = others);

static void unsupported(struct ck *c)
{
	struct nk k;
	u32 all;

	if (!up(c, &k, &all))
		return;
	for (unsigned bit = 0; bit < 32; bit++) {
		u8 ack;

		if (all >> bit & 1)
			continue;
		if (!enable(c, &k, all | 1u << bit, &ack))
			return;
		if (ack != VIRTIO_NET_ERR) {
			ck_fail(c, TUNNEL(2), "ERR",
				"supported_tunnel_types is %#x, and HASH_TUNNEL_SET of %#x is answered %u",
				all, all | 1u << bit, ack);
			return;
		}
	}
	must_enable(c, &k, all & KNOWN);
}

CHECK(unsupported, .id = "net.hash.tunnel-unsupported", .clauses = { TUNNEL(2) },
      .stimulus = "each bit that is not in supported_tunnel_types is enabled",
      .oracle = "ERR, and then those that are there are OK", .device = VIRTIO_ID_NET,
      .features = FEATURES, .caps = TP_CAP_CONFIG, .run = unsupported);

static void off(struct ck *c)
{
	struct nk k;
	u32 all;

	if (!up(c, &k, &all) || !must_enable(c, &k, all & KNOWN) || !must_enable(c, &k, 0))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++)
		if (!outer(c, &k, &tunnels[i], TUNNEL(3), "after HASH_TUNNEL_SET of 0"))
			return;
	if (!must_enable(c, &k, all & KNOWN) || !ck_open(c) || !up(c, &k, &all))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++)
		if (!outer(c, &k, &tunnels[i], TUNNEL(3), "after a reset"))
			return;
}

CHECK(off, .id = "net.hash.tunnel-off", .clauses = { TUNNEL(3) },
      .stimulus = "all kinds of tunnels enabled, and then none; all enabled, and a reset",
      .oracle = "the hash is that of the outer headers", .device = VIRTIO_ID_NET,
      .features = FEATURES, .caps = TP_CAP_CONFIG, .run = off);
