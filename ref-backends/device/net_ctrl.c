// SPDX-License-Identifier: BSD-3-Clause
/* The control queue (5.1.9.5 and 5.1.9.6): a table of commands. */
#include <string.h>

#include "ref-backends/device/net.h"
#include "ref-backends/device/net_packet.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

#define NOTF_COAL_VQ_SET 2
#define NOTF_COAL_VQ_GET 3

static u32 left(const struct net_command_data *d)
{
	return d->f.len - d->at;
}

bool net_command_take(struct net_command_data *d, void *to, u32 len)
{
	if (left(d) < len)
		return false;
	net_frame_copy(&d->f, d->at, to, len);
	d->at += len;
	return true;
}

static bool take_u16(struct net_command_data *d, u16 *v)
{
	bool ok = net_command_take(d, v, sizeof(*v));

	*v = le16(*v);
	return ok;
}

static bool take_u32(struct net_command_data *d, u32 *v)
{
	bool ok = net_command_take(d, v, sizeof(*v));

	*v = le32(*v);
	return ok;
}

static bool set_mode(struct rnet *n, u8 cmd, struct net_command_data *d,
		     struct net_command_result *r)
{
	u8 on;

	if (!net_command_take(d, &on, 1) || left(d))
		return false;
	n->ctl.mode[cmd] = on != 0;
	return true;
}

static bool take_table(struct net_command_data *d, u8 table[][6], u32 *n, bool *all)
{
	u32 count;

	if (!take_u32(d, &count) || count > left(d) / 6)
		return false;
	*all = count > NET_TABLE_MAX;
	*n = *all ? 0 : count;
	if (!*all)
		return net_command_take(d, table, count * 6);
	d->at += count * 6;
	return true;
}

static bool set_table(struct rnet *n, u8 cmd, struct net_command_data *d,
		      struct net_command_result *r)
{
	u8 unicast[NET_TABLE_MAX][6], multicast[NET_TABLE_MAX][6];
	struct net_control *c = &n->ctl;
	bool all_unicast, all_multicast;
	u32 n_unicast, n_multicast;

	if (!take_table(d, unicast, &n_unicast, &all_unicast) ||
	    !take_table(d, multicast, &n_multicast, &all_multicast) || left(d))
		return false;
	memcpy(c->unicast, unicast, n_unicast * 6);
	memcpy(c->multicast, multicast, n_multicast * 6);
	c->n_unicast = n_unicast;
	c->n_multicast = n_multicast;
	c->all_unicast = all_unicast;
	c->all_multicast = all_multicast;
	return true;
}

static bool set_mac(struct rnet *n, u8 cmd, struct net_command_data *d,
		    struct net_command_result *r)
{
	u8 mac[6];

	if (!net_command_take(d, mac, sizeof(mac)) || left(d))
		return false;
	__atomic_store_n(&n->mac_now, net_mac_pack(mac), __ATOMIC_RELEASE);
	return true;
}

static bool set_vlan(struct rnet *n, u8 cmd, struct net_command_data *d,
		     struct net_command_result *r)
{
	u16 vid;

	if (!take_u16(d, &vid) || left(d) || vid >= 4096)
		return false;
	if (cmd == VIRTIO_NET_CTRL_VLAN_ADD)
		n->ctl.vlans[vid / 8] |= (u8)(1u << vid % 8);
	else
		n->ctl.vlans[vid / 8] &= (u8) ~(1u << vid % 8);
	return true;
}

static bool announced(struct rnet *n, u8 cmd, struct net_command_data *d,
		      struct net_command_result *r)
{
	if (left(d))
		return false;
	__atomic_fetch_and(&n->status, (u16)~VIRTIO_NET_S_ANNOUNCE, __ATOMIC_ACQ_REL);
	return true;
}

static bool set_pairs(struct rnet *n, u8 cmd, struct net_command_data *d,
		      struct net_command_result *r)
{
	u16 pairs;

	if (!take_u16(d, &pairs) || left(d) || pairs < 1 || pairs > n->pairs)
		return false;
	n->ctl.pairs = pairs;
	n->ctl.rss = false;
	return true;
}

static bool take_key(struct net_command_data *d, u8 key[NET_RSS_KEY_MAX])
{
	u8 len;

	memset(key, 0, NET_RSS_KEY_MAX);
	return net_command_take(d, &len, 1) && len <= NET_RSS_KEY_MAX &&
	       net_command_take(d, key, len) && !left(d);
}

static bool set_rss(struct rnet *n, u8 cmd, struct net_command_data *d,
		    struct net_command_result *r)
{
	u16 mask, unclassified, max_tx, table[NET_RSS_TABLE_MAX];
	u8 key[NET_RSS_KEY_MAX];
	u32 types;

	if (!take_u32(d, &types) || types & ~NET_HASH_TYPES || !take_u16(d, &mask) ||
	    mask >= NET_RSS_TABLE_MAX || mask & (mask + 1) || !take_u16(d, &unclassified) ||
	    unclassified >= n->pairs)
		return false;
	for (u32 i = 0; i <= mask; i++)
		if (!take_u16(d, &table[i]) || table[i] >= n->pairs)
			return false;
	if (!take_u16(d, &max_tx) || max_tx < 1 || max_tx > n->pairs || !take_key(d, key))
		return false;
	memcpy(n->ctl.rss_table, table, (mask + 1u) * sizeof(table[0]));
	memcpy(n->ctl.rss_key, key, sizeof(key));
	n->ctl.rss_mask = mask;
	n->ctl.rss_unclassified = unclassified;
	n->ctl.hash_types = types;
	n->ctl.rss = true;
	n->ctl.pairs = n->pairs;
	return true;
}

static bool set_hash(struct rnet *n, u8 cmd, struct net_command_data *d,
		     struct net_command_result *r)
{
	u8 key[NET_RSS_KEY_MAX], reserved[8];
	u32 types;

	if (!take_u32(d, &types) || types & ~NET_HASH_TYPES || !net_command_take(d, reserved, 8) ||
	    !take_key(d, key))
		return false;
	memcpy(n->ctl.rss_key, key, sizeof(key));
	n->ctl.hash_types = types;
	n->ctl.rss = false;
	return true;
}

static bool set_tunnels(struct rnet *n, u8 cmd, struct net_command_data *d,
			struct net_command_result *r)
{
	u32 kinds;

	if (!take_u32(d, &kinds) || left(d) || kinds & ~NET_TUNNELS)
		return false;
	n->ctl.tunnels = kinds;
	return true;
}

static bool set_offloads(struct rnet *n, u8 cmd, struct net_command_data *d,
			 struct net_command_result *r)
{
	u64 want;

	if (!net_command_take(d, &want, sizeof(want)) || left(d))
		return false;
	want = le64(want);
	if (want & ~(n->features & NET_GUEST_OFFLOADS))
		return false;
	n->ctl.offloads = want;
	return true;
}

static bool take_coal(struct net_command_data *d, struct net_coal *c)
{
	return take_u32(d, &c->packets) && take_u32(d, &c->usecs) && !left(d);
}

static bool set_coal(struct rnet *n, u8 cmd, struct net_command_data *d,
		     struct net_command_result *r)
{
	bool rx = cmd == VIRTIO_NET_CTRL_NOTF_COAL_RX_SET;
	struct net_coal c;

	if (!take_coal(d, &c))
		return false;
	n->ctl.coal[!rx] = c;
	for (u32 q = !rx; q < 2u * n->pairs; q += 2)
		n->ctl.vq_coal[q] = c;
	return true;
}

static bool vq_coal(struct rnet *n, u8 cmd, struct net_command_data *d,
		    struct net_command_result *r)
{
	u16 q, reserved;
	struct net_coal c;

	if (!take_u16(d, &q) || !take_u16(d, &reserved) || q >= 2u * n->ctl.pairs)
		return false;
	if (cmd == NOTF_COAL_VQ_SET) {
		if (!take_coal(d, &c))
			return false;
		n->ctl.vq_coal[q] = c;
		return true;
	}
	c = (struct net_coal){ le32(n->ctl.vq_coal[q].packets), le32(n->ctl.vq_coal[q].usecs) };
	memcpy(r->bytes, &c, sizeof(c));
	r->len = sizeof(c);
	return true;
}

#define F(name) VIRTIO_NET_F_##name

static const struct {
	u8 class, cmd;
	u8 feature;
	bool (*fn)(struct rnet *n, u8 cmd, struct net_command_data *d,
		   struct net_command_result *r);
} commands[] = {
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, F(CTRL_RX), set_mode },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, F(CTRL_RX), set_mode },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLUNI, F(CTRL_RX_EXTRA), set_mode },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOMULTI, F(CTRL_RX_EXTRA), set_mode },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOUNI, F(CTRL_RX_EXTRA), set_mode },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOBCAST, F(CTRL_RX_EXTRA), set_mode },
	{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, F(CTRL_RX), set_table },
	{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, F(CTRL_MAC_ADDR), set_mac },
	{ VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, F(CTRL_VLAN), set_vlan },
	{ VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_DEL, F(CTRL_VLAN), set_vlan },
	{ VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK, F(GUEST_ANNOUNCE), announced },
	{ VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, F(MQ), set_pairs },
	{ VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_RSS_CONFIG, F(RSS), set_rss },
	{ VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_HASH_CONFIG, F(HASH_REPORT), set_hash },
	{ VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET,
	  F(CTRL_GUEST_OFFLOADS), set_offloads },
	{ VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_TX_SET, F(NOTF_COAL), set_coal },
	{ VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_RX_SET, F(NOTF_COAL), set_coal },
	{ VIRTIO_NET_CTRL_NOTF_COAL, NOTF_COAL_VQ_SET, F(VQ_NOTF_COAL), vq_coal },
	{ VIRTIO_NET_CTRL_NOTF_COAL, NOTF_COAL_VQ_GET, F(VQ_NOTF_COAL), vq_coal },
	{ VNET_CTRL_HASH_TUNNEL, VNET_CTRL_HASH_TUNNEL_SET, F(HASH_TUNNEL), set_tunnels },
	{ VNET_CTRL_STATS, VNET_CTRL_STATS_QUERY, F(DEVICE_STATS), net_stats_query },
	{ VNET_CTRL_STATS, VNET_CTRL_STATS_GET, F(DEVICE_STATS), net_stats_get },
};

static bool obey(struct rnet *n, const struct virtio_net_ctrl_hdr *hdr, struct net_command_data *d,
		 struct net_command_result *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].class == hdr->class && commands[i].cmd == hdr->cmd)
			return net_has(n, commands[i].feature) && commands[i].fn(n, hdr->cmd, d, r);
	return false;
}

/* Into the device-writable part, from its first byte on; how many found a place. */
static u32 write_out(const struct dvq_chain *c, const u8 *from, u32 len)
{
	const struct dvq_seg *seg = c->segs + c->n_readable;
	u32 put = 0;

	for (u32 i = 0; i < c->n_writable && put < len; i++) {
		u32 part = (u32)MIN(seg[i].len, len - put);

		memcpy(seg[i].base, from + put, part);
		put += part;
	}
	return put;
}

void net_ctrl_serve(struct rnet *n, struct rdev_req *req)
{
	const struct dvq_chain *c = &req->chain;
	struct net_command_data d = { .f = { .segs = c->segs,
					     .nsegs = c->n_readable,
					     .len = (u32)MIN(c->readable, 1u << 20) } };
	struct virtio_net_ctrl_hdr hdr;
	struct net_command_result r = { .len = 0 };
	u8 answer[1 + sizeof(r.bytes)] = { VIRTIO_NET_ERR };

	/* Without a place for the answer there is no command: who would know what became of it? */
	if (c->writable && net_command_take(&d, &hdr, sizeof(hdr))) {
		if (judge_active)
			judge_active->net_ctrl(n, c, &hdr);
		n->commands++;
		if (obey(n, &hdr, &d, &r) && r.len < c->writable) {
			answer[0] = VIRTIO_NET_OK;
			n->commands_ok++;
		} else {
			r.len = 0;
		}
		memcpy(answer + 1, r.bytes, r.len);
		if (fault_active && fault_active->net_ctrl)
			fault_active->net_ctrl(n, req, &hdr, answer);
	}
	req->used_len = write_out(c, answer, 1 + r.len);
	if (fault_active && fault_active->net_ctrl_done)
		fault_active->net_ctrl_done(n, req);
	req->done(req);
}

void net_ctrl_reset(struct rnet *n)
{
	memset(&n->ctl, 0, sizeof(n->ctl));
	memset(n->flows, 0, sizeof(n->flows));
	net_stats_reset(n);
	n->ctl.pairs = 1;
	__atomic_store_n(&n->mac_now, net_mac_pack(n->mac), __ATOMIC_RELAXED);
	__atomic_store_n(&n->status, VIRTIO_NET_S_LINK_UP, __ATOMIC_RELAXED);
}
