// SPDX-License-Identifier: BSD-3-Clause
/* What a driver may send through a network device, and ask of it (VIRTIO 1.4, 5.1.9). */
#include <string.h>

#include "ref-backends/device/net_packet.h"
#include "ref-backends/judge/rules.h"

#define FEATURE(name) BIT_ULL(VIRTIO_NET_F_##name)
#define HOST_GSO      (FEATURE(HOST_TSO4) | FEATURE(HOST_TSO6) | FEATURE(HOST_UFO) | FEATURE(HOST_USO))

/* --- frames ------------------------------------------------------------------------------------------- */

static u8 base(const struct jd_net *t)
{
	return VNET_GSO_BASE(t->hdr->gso_type);
}

static bool num_buffers(const struct jd_net *t)
{
	return t->hdr->num_buffers != 0;
}

static bool any_flag(const struct jd_net *t)
{
	return t->hdr->flags != 0;
}

static bool is_tcpv4(const struct jd_net *t)
{
	return base(t) == VIRTIO_NET_HDR_GSO_TCPV4;
}

static bool is_tcpv6(const struct jd_net *t)
{
	return base(t) == VIRTIO_NET_HDR_GSO_TCPV6;
}

static bool is_ufo(const struct jd_net *t)
{
	return base(t) == VIRTIO_NET_HDR_GSO_UDP;
}

static bool is_uso(const struct jd_net *t)
{
	return base(t) == VIRTIO_NET_HDR_GSO_UDP_L4;
}

static bool is_tunnel(const struct jd_net *t)
{
	return t->hdr->gso_type & VNET_GSO_TUNNEL;
}

static bool tunnel_csum(const struct jd_net *t)
{
	return t->hdr->flags & VNET_F_TUNNEL_CSUM;
}

static bool is_gso(const struct jd_net *t)
{
	return t->hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE;
}

static bool gso_without_csum(const struct jd_net *t)
{
	return is_gso(t) && !(t->hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
}

static bool gso_without_size(const struct jd_net *t)
{
	return is_gso(t) && t->hdr->gso_size == 0;
}

static bool of_the_device(const struct jd_net *t)
{
	return t->hdr->flags & (VIRTIO_NET_HDR_F_DATA_VALID | VIRTIO_NET_HDR_F_RSC_INFO);
}

static bool needs_csum(const struct jd_net *t)
{
	return t->hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
}

/* Where the sum is to go must be the checksum of the transport header. */
static bool csum_elsewhere(const struct jd_net *t)
{
	u32 start = le16(t->hdr->csum_start), offset = le16(t->hdr->csum_offset);

	if (!needs_csum(t))
		return false;
	if (start + offset + 2 > t->f->len)
		return true;
	return t->at.l4 &&
	       (start != t->at.l4 || offset != (t->at.proto == VNET_PROTO_TCP ? 16 : 6));
}

static bool csum_not_pseudo(const struct jd_net *t)
{
	u32 start = le16(t->hdr->csum_start), offset = le16(t->hdr->csum_offset);

	if (!needs_csum(t) || !t->at.l4 || csum_elsewhere(t) || start + offset + 2 > t->have)
		return false;
	return net_get16(t->head + start + offset) !=
	       net_fold(net_pseudo(t->head, &t->at, t->f->len - t->at.l4));
}

static bool header_len_wrong(const struct jd_net *t)
{
	return is_gso(t) && t->at.l4 && le16(t->hdr->hdr_len) != t->at.end;
}

static bool header_len_short(const struct jd_net *t)
{
	return is_gso(t) && t->at.l4 && le16(t->hdr->hdr_len) < t->at.end;
}

static bool has_cwr(const struct jd_net *t)
{
	return t->at.l4 && t->at.proto == VNET_PROTO_TCP && t->head[t->at.l4 + 13] & 0x80;
}

static bool ecn_tso(const struct jd_net *t)
{
	return (is_tcpv4(t) || is_tcpv6(t)) && has_cwr(t);
}

static bool ecn_unmarked(const struct jd_net *t)
{
	return ecn_tso(t) && !(t->hdr->gso_type & VIRTIO_NET_HDR_GSO_ECN);
}

static bool beyond_mtu(const struct jd_net *t)
{
	u32 most = t->n->mtu + VNET_ETH_HEADER + (t->at.vlan ? VNET_VLAN_TAG : 0);

	return base(t) == VIRTIO_NET_HDR_GSO_NONE && t->f->len > most;
}

/* The checksum of a packet that lies whole in what was looked at. */
static bool csum_incomplete(const struct jd_net *t)
{
	u16 sum;

	if (!t->at.l4 || t->have < t->f->len || needs_csum(t))
		return false;
	if (t->at.proto == VNET_PROTO_UDP && net_get16(t->head + t->at.l4 + 6) == 0)
		return false;
	/* Padding behind the packet is none of its bytes. */
	if (t->at.version != 4 || net_get16(t->head + t->at.l3 + 2) != t->f->len - t->at.l3)
		return false;
	sum = net_fold(net_sum(t->head + t->at.l4, t->f->len - t->at.l4,
			       net_pseudo(t->head, &t->at, t->f->len - t->at.l4)));
	return sum != 0xffff;
}

static bool pair_not_in_use(const struct jd_net *t)
{
	return t->f->pair >= t->n->ctl.pairs;
}

const struct jd_net_rule jd_net_rules[] = {
	{ "v14.net.cfg.drv.9", beyond_mtu, FEATURE(MTU), 0 },
	{ "v14.net.tx.drv.2", num_buffers, 0, 0 },
	{ "v14.net.tx.drv.3", any_flag, 0, FEATURE(CSUM) },
	{ "v14.net.tx.drv.4", csum_incomplete, 0, FEATURE(CSUM) },
	{ "v14.net.tx.drv.7", is_tcpv4, 0, FEATURE(HOST_TSO4) },
	{ "v14.net.tx.drv.9", is_tcpv6, 0, FEATURE(HOST_TSO6) },
	{ "v14.net.tx.drv.11", is_ufo, 0, FEATURE(HOST_UFO) },
	{ "v14.net.tx.drv.13", is_uso, 0, FEATURE(HOST_USO) },
	{ "v14.net.tx.drv.14", ecn_tso, 0, FEATURE(HOST_ECN) },
	{ "v14.net.tx.drv.15", ecn_unmarked, FEATURE(HOST_ECN), 0 },
	{ "v14.net.tx.drv.17", is_tunnel, 0, 0 },
	{ "v14.net.tx.drv.22", tunnel_csum, FEATURE(CSUM), 0 },
	{ "v14.net.tx.drv.29", csum_not_pseudo, FEATURE(CSUM), 0 },
	{ "v14.net.tx.drv.30", csum_elsewhere, FEATURE(CSUM), 0 },
	{ "v14.net.tx.drv.31", is_gso, 0, HOST_GSO },
	{ "v14.net.tx.drv.32", gso_without_csum, 0, 0 },
	{ "v14.net.tx.drv.33", gso_without_size, 0, 0 },
	{ "v14.net.tx.drv.34", header_len_wrong, FEATURE(GUEST_HDRLEN), 0 },
	{ "v14.net.tx.drv.35", header_len_short, 0, FEATURE(GUEST_HDRLEN) },
	{ "v14.net.tx.drv.45", of_the_device, 0, 0 },
	{ "v14.net.mq-auto.drv.3", pair_not_in_use, FEATURE(MQ) | FEATURE(CTRL_VQ), 0 },
	{ NULL, NULL, 0, 0 },
};

/* --- commands ------------------------------------------------------------------------------------------- */

bool jd_net_always(const struct jd_net_command *c)
{
	return true;
}

static bool take(const struct jd_net_command *c, u32 at, void *to, u32 len)
{
	struct net_frame f = { .segs = c->chain->segs,
			       .nsegs = c->chain->n_readable,
			       .len = (u32)MIN(c->chain->readable, 1u << 20) };

	at += sizeof(struct virtio_net_ctrl_hdr);
	if (f.len < at || f.len - at < len)
		return false;
	net_frame_copy(&f, at, to, len);
	return true;
}

static bool table_misshaped(const struct jd_net_command *c)
{
	u32 first, second, at;

	if (!take(c, 0, &first, 4) || le32(first) > 65536)
		return true;
	at = 4 + 6 * le32(first);
	return !take(c, at, &second, 4) || le32(second) > 65536 ||
	       c->chain->readable !=
		       sizeof(struct virtio_net_ctrl_hdr) + at + 4 + 6ull * le32(second);
}

static bool pairs_out_of_range(const struct jd_net_command *c)
{
	u16 pairs;

	return !take(c, 0, &pairs, 2) || le16(pairs) < 1 || le16(pairs) > c->n->pairs;
}

static bool reserved_not_0(const struct jd_net_command *c)
{
	u64 reserved;

	return !take(c, 4, &reserved, 8) || reserved;
}

static bool offload_not_negotiated(const struct jd_net_command *c)
{
	u64 want;

	return !take(c, 0, &want, 8) || le64(want) & ~(c->n->features & NET_GUEST_OFFLOADS);
}

static bool queue_not_in_use(const struct jd_net_command *c)
{
	u16 queue;

	return !take(c, 0, &queue, 2) || le16(queue) >= 2u * c->n->ctl.pairs;
}

#define RSS_TABLE                                                                                  \
	8 /* where it begins: behind the types, the mask and the queue of what has no hash */

static bool table_names_no_queue(const struct jd_net_command *c)
{
	u16 mask, queue;

	if (!take(c, 4, &mask, 2))
		return false;
	for (u32 i = 0; i <= le16(mask) && i < NET_RSS_TABLE_MAX; i++)
		if (!take(c, RSS_TABLE + 2 * i, &queue, 2) || le16(queue) >= c->n->pairs)
			return true;
	return false;
}

static bool table_of_no_power_of_2(const struct jd_net_command *c)
{
	u16 mask;

	return take(c, 4, &mask, 2) && le16(mask) & (le16(mask) + 1);
}

static bool table_too_long(const struct jd_net_command *c)
{
	u16 mask;

	return take(c, 4, &mask, 2) && le16(mask) >= NET_RSS_TABLE_MAX;
}

static bool hash_not_supported(const struct jd_net_command *c)
{
	u32 types;

	return !take(c, 0, &types, 4) || le32(types) & ~NET_HASH_TYPES;
}

/* Is one of the entries so? */
static bool any_stats(const struct jd_net_command *c,
		      bool (*is)(const struct rnet *n, const struct vnet_stats_ask *a))
{
	struct vnet_stats_ask a;

	for (u32 at = 0; take(c, at, &a, sizeof(a)); at += sizeof(a))
		if (is(c->n, &a))
			return true;
	return false;
}

static bool is_unsupported(const struct rnet *n, const struct vnet_stats_ask *a)
{
	return le64(a->types) & ~net_stats_supported(n);
}

static bool is_of_another(const struct rnet *n, const struct vnet_stats_ask *a)
{
	return le64(a->types) & ~net_stats_of(n, le16(a->queue));
}

static bool stats_unsupported(const struct jd_net_command *c)
{
	return any_stats(c, is_unsupported);
}

static bool stats_of_another_queue(const struct jd_net_command *c)
{
	return any_stats(c, is_of_another);
}

static bool stats_without_room(const struct jd_net_command *c)
{
	struct vnet_stats_ask a;
	u64 need = 1;

	for (u32 at = 0; take(c, at, &a, sizeof(a)); at += sizeof(a))
		for (u8 type = 0; type < 64; type++)
			if (le64(a.types) >> type & 1)
				need += sizeof(struct vnet_stats_head) + 8 * net_stats_values(type);
	return c->chain->writable < need;
}

static bool tunnel_not_supported(const struct jd_net_command *c)
{
	u32 kinds;

	return !take(c, 0, &kinds, 4) || le32(kinds) & ~NET_TUNNELS;
}

#define RX_EXTRA VIRTIO_NET_CTRL_RX, 0x3c
#define COAL	 VIRTIO_NET_CTRL_NOTF_COAL

const struct jd_net_command_rule jd_net_command_rules[] = {
	{ "v14.net.rx-filter.drv.1", VIRTIO_NET_CTRL_RX, 0x03, jd_net_always, 0, FEATURE(CTRL_RX) },
	{ "v14.net.rx-filter.drv.2", RX_EXTRA, jd_net_always, 0, FEATURE(CTRL_RX_EXTRA) },
	{ "v14.net.mac-filter.drv.1", VIRTIO_NET_CTRL_MAC, 0x01, jd_net_always, 0,
	  FEATURE(CTRL_RX) },
	{ "v14.net.mac-filter.drv.3", VIRTIO_NET_CTRL_MAC, 0x01, table_misshaped, 0, 0 },
	{ "v14.net.mq-auto.drv.2", VIRTIO_NET_CTRL_MQ, 0x01, pairs_out_of_range, 0, 0 },
	{ "v14.net.rss.drv.1", VIRTIO_NET_CTRL_MQ, 0x02, jd_net_always, 0, FEATURE(RSS) },
	{ "v14.net.rss.drv.2", VIRTIO_NET_CTRL_MQ, 0x02, table_names_no_queue, FEATURE(RSS), 0 },
	{ "v14.net.rss.drv.3", VIRTIO_NET_CTRL_MQ, 0x02, table_of_no_power_of_2, FEATURE(RSS), 0 },
	{ "v14.net.rss.drv.4", VIRTIO_NET_CTRL_MQ, 0x02, table_too_long, FEATURE(RSS), 0 },
	{ "v14.net.rss.drv.5", VIRTIO_NET_CTRL_MQ, 0x02, hash_not_supported, FEATURE(RSS), 0 },
	{ "v14.net.stats.drv.1", VNET_CTRL_STATS, 0x02, stats_unsupported, FEATURE(DEVICE_STATS),
	  0 },
	{ "v14.net.stats.drv.2", VNET_CTRL_STATS, 0x02, stats_of_another_queue,
	  FEATURE(DEVICE_STATS), 0 },
	{ "v14.net.stats.drv.3", VNET_CTRL_STATS, 0x02, stats_without_room, FEATURE(DEVICE_STATS),
	  0 },
	{ "v14.net.hash-tunnel.drv.1", VNET_CTRL_HASH_TUNNEL, 0x01, jd_net_always, 0,
	  FEATURE(HASH_TUNNEL) },
	{ "v14.net.hash-tunnel.drv.2", VNET_CTRL_HASH_TUNNEL, 0x01, tunnel_not_supported,
	  FEATURE(HASH_TUNNEL), 0 },
	/* Its feature bit is 64, and so never negotiated here. */
	{ "v14.net.rss-context.drv.1", VNET_CTRL_RSS_CTX, 0x0f, jd_net_always, 0, 0 },
	{ "v14.net.hash-config.drv.2", VIRTIO_NET_CTRL_MQ, 0x04, reserved_not_0, 0, 0 },
	{ "v14.net.offloads.drv.1", VIRTIO_NET_CTRL_GUEST_OFFLOADS, 0x01, offload_not_negotiated, 0,
	  0 },
	{ "v14.net.notf-coal.drv.1", COAL, 0x0c, queue_not_in_use, 0, 0 },
	{ "v14.net.notf-coal.drv.2", COAL, 0x03, jd_net_always, 0, FEATURE(NOTF_COAL) },
	{ "v14.net.notf-coal.drv.3", COAL, 0x0c, jd_net_always, 0, FEATURE(VQ_NOTF_COAL) },
	{ NULL, 0, 0, NULL, 0, 0 },
};

/* --- receive buffers ------------------------------------------------------------------------------------- */

#define GUEST_GSO                                                                                  \
	(FEATURE(GUEST_TSO4) | FEATURE(GUEST_TSO6) | FEATURE(GUEST_UFO) | FEATURE(GUEST_USO4) |    \
	 FEATURE(GUEST_USO6))

static bool large_alone(const struct rnet *n)
{
	return !(n->features & FEATURE(MRG_RXBUF)) && n->features & GUEST_GSO;
}

static bool small_alone(const struct rnet *n)
{
	return !(n->features & (FEATURE(MRG_RXBUF) | GUEST_GSO));
}

static bool merges(const struct rnet *n)
{
	return n->features & FEATURE(MRG_RXBUF);
}

static bool has_mtu_alone(const struct rnet *n)
{
	return n->features & FEATURE(MTU) && !(n->features & FEATURE(MRG_RXBUF));
}

/* 5.1.9.3.1: the longest frame, and the header. */
static u64 largest(const struct rnet *n)
{
	return 65589 + n->hdr_size;
}

static u64 usual(const struct rnet *n)
{
	return 1514 + n->hdr_size;
}

static u64 header(const struct rnet *n)
{
	return n->hdr_size;
}

static u64 header_and_mtu(const struct rnet *n)
{
	return (u64)n->hdr_size + n->mtu + VNET_ETH_HEADER;
}

const struct jd_net_buffer_rule jd_net_buffer_rules[] = {
	{ "v14.net.rxbuf.drv.1", large_alone, largest },
	{ "v14.net.rxbuf.drv.2", small_alone, usual },
	{ "v14.net.rxbuf.drv.3", merges, header },
	{ "v14.net.cfg.drv.8", has_mtu_alone, header_and_mtu },
	{ NULL, NULL, NULL },
};
