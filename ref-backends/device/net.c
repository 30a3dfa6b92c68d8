// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/net.h"

#include <string.h>

#include "ref-backends/device/net_packet.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

#define FEATURE(name) BIT_ULL(VIRTIO_NET_F_##name)

static u64 all_features(const struct net_opts *o)
{
	u64 f = FEATURE(CSUM) | FEATURE(GUEST_CSUM) | FEATURE(CTRL_GUEST_OFFLOADS) | FEATURE(MTU) |
		FEATURE(MAC) | NET_GUEST_OFFLOADS | FEATURE(HOST_TSO4) | FEATURE(HOST_TSO6) |
		FEATURE(HOST_ECN) | FEATURE(HOST_USO) | FEATURE(MRG_RXBUF) | FEATURE(STATUS) |
		FEATURE(CTRL_VQ) | FEATURE(CTRL_RX) | FEATURE(CTRL_VLAN) | FEATURE(CTRL_RX_EXTRA) |
		FEATURE(GUEST_ANNOUNCE) | FEATURE(CTRL_MAC_ADDR) | FEATURE(NOTF_COAL) |
		FEATURE(VQ_NOTF_COAL) | FEATURE(HASH_REPORT) | FEATURE(SPEED_DUPLEX) |
		FEATURE(GUEST_HDRLEN) | FEATURE(DEVICE_STATS) | FEATURE(HASH_TUNNEL) |
		FEATURE(RSC_EXT);

	if (o->pairs > 1)
		f |= FEATURE(MQ) | FEATURE(RSS);
	return f & ~o->hidden;
}

static u64 net_features(struct rdev *dev)
{
	return rnet_of(dev)->offered;
}

static void net_negotiated(struct rdev *dev, u64 features)
{
	struct rnet *n = rnet_of(dev);

	n->features = features;
	n->hdr_size = net_has(n, VIRTIO_NET_F_HASH_REPORT) ? sizeof(struct virtio_net_hdr_v1_hash)
							   : sizeof(struct virtio_net_hdr_v1);
	n->ctl.offloads = features & NET_GUEST_OFFLOADS;
	/* Where the front-end keeps the control queue for itself it says by enabling how many there are. */
	n->ctl.pairs = features & FEATURE(MQ) && !(features & FEATURE(CTRL_VQ)) ? n->pairs : 1;
}

static void net_reset(struct rdev *dev)
{
	struct rnet *n = rnet_of(dev);

	n->features = 0;
	n->hdr_size = sizeof(struct virtio_net_hdr_v1);
	net_ctrl_reset(n);
	for (u16 i = 0; i < n->pairs; i++)
		net_fifo_clear(&n->rx[i].fifo);
	if (fault_active && fault_active->net_reset)
		fault_active->net_reset(n);
}

static void net_config(struct rdev *dev, u8 *image)
{
	struct rnet *n = rnet_of(dev);
	u64 mac = __atomic_load_n(&n->mac_now, __ATOMIC_ACQUIRE);
	struct vnet_config c = {
		.base = {
			.status = le16(__atomic_load_n(&n->status, __ATOMIC_ACQUIRE)),
			.max_virtqueue_pairs = le16(n->pairs),
			.mtu = le16(n->mtu),
			.speed = le32(NET_SPEED),
			.duplex = 1,
			.rss_max_key_size = NET_RSS_KEY_MAX,
			.rss_max_indirection_table_length = le16(NET_RSS_TABLE_MAX),
			.supported_hash_types = le32(NET_HASH_TYPES),
		},
		.supported_tunnel_types = le32(NET_TUNNELS),
	};

	for (int i = 0; i < 6; i++)
		c.base.mac[i] = (u8)(mac >> (40 - 8 * i));
	memcpy(image, &c, sizeof(c));
}

static bool net_config_write(struct rdev *dev, u32 off, const u8 *data, u32 len, bool migration)
{
	if (judge_active && !migration)
		judge_active->net_config(rnet_of(dev), off, len);
	return false;
}

/* The outside of a network: peers are to be told where we are, or the cable is plugged or pulled. */
static bool net_resized(struct rdev *dev)
{
	struct rnet *n = rnet_of(dev);

	if (!net_has(n, VIRTIO_NET_F_STATUS))
		return false;
	if (net_has(n, VIRTIO_NET_F_GUEST_ANNOUNCE))
		return !(__atomic_fetch_or(&n->status, VIRTIO_NET_S_ANNOUNCE, __ATOMIC_ACQ_REL) &
			 VIRTIO_NET_S_ANNOUNCE);
	__atomic_fetch_xor(&n->status, VIRTIO_NET_S_LINK_UP, __ATOMIC_ACQ_REL);
	return true;
}

static int net_queue_open(struct rdev *dev, u16 queue, struct reactor *reactor)
{
	struct rnet *n = rnet_of(dev);

	if (n->open++ || !n->port->ops->open)
		return 0;
	return n->port->ops->open(n->port, reactor);
}

static void net_queue_close(struct rdev *dev, u16 queue)
{
	struct rnet *n = rnet_of(dev);

	if (--n->open == 0 && n->port->ops->close)
		n->port->ops->close(n->port);
}

static bool is_control(const struct rnet *n, u16 queue)
{
	return net_has(n, VIRTIO_NET_F_CTRL_VQ) && queue == net_control_queue(n);
}

static bool net_ready(struct rdev *dev, u16 queue)
{
	struct rnet *n = rnet_of(dev);

	if (queue & 1 || is_control(n, queue))
		return true;
	if (queue / 2 >= n->pairs)
		return false;
	if (net_fifo_empty(&n->rx[queue / 2].fifo) && n->port->ops->poll)
		n->port->ops->poll(n->port);
	return !net_fifo_empty(&n->rx[queue / 2].fifo);
}

static void net_serve(struct rdev *dev, struct rdev_req *req)
{
	struct rnet *n = rnet_of(dev);

	if (is_control(n, req->queue))
		net_ctrl_serve(n, req);
	else if (req->queue & 1)
		net_tx_serve(n, req);
	else
		net_rx_serve(n, req);
}

static void net_served(struct rdev *dev, u16 queue)
{
	struct rnet *n = rnet_of(dev);

	if (queue & 1 && n->port->ops->flush)
		n->port->ops->flush(n->port);
}

static void net_let_go(struct rdev *dev, u16 queue)
{
	struct rnet *n = rnet_of(dev);

	if (!(queue & 1) && queue / 2 < n->pairs)
		net_rx_let_go(n, queue / 2);
}

static bool net_set_mtu(struct rdev *dev, u64 mtu)
{
	if (mtu < NET_MTU_MIN || mtu > 65535)
		return false;
	rnet_of(dev)->mtu = (u16)mtu;
	return true;
}

/* RFC 903: "who has this address?", asked by the one who has it. */
static void net_send_rarp(struct rdev *dev, const u8 mac[6])
{
	static const u8 begin[] = { 0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3 };
	struct rnet *n = rnet_of(dev);
	u8 frame[60] = { 0 };
	const struct dvq_seg seg = { frame, sizeof(frame) };
	const struct net_frame f = { .segs = &seg, .nsegs = 1, .len = sizeof(frame) };

	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, begin, sizeof(begin));
	memcpy(frame + 22, mac, 6);
	memcpy(frame + 32, mac, 6);
	n->port->ops->send(n->port, &f);
	if (n->port->ops->flush)
		n->port->ops->flush(n->port);
}

static const struct rdev_ops net_ops = {
	.name = "net",
	.id = VIRTIO_ID_NET,
	.config_size = sizeof(struct vnet_config),
	.req_size = sizeof(struct rdev_req),
	.one_thread = true,
	.burst = NET_BURST,
	.features = net_features,
	.negotiated = net_negotiated,
	.reset = net_reset,
	.config = net_config,
	.config_write = net_config_write,
	.resized = net_resized,
	.queue_open = net_queue_open,
	.queue_close = net_queue_close,
	.serve = net_serve,
	.ready = net_ready,
	.served = net_served,
	.let_go = net_let_go,
	.set_mtu = net_set_mtu,
	.send_rarp = net_send_rarp,
};

size_t rnet_memory(const struct net_opts *o)
{
	return (size_t)o->pairs * NET_FIFO_BYTES + ALIGN_UP(VNET_FRAME_MAX, 64);
}

void rnet_init(struct rnet *n, const struct net_opts *o, void *memory)
{
	static const u8 mac[6] = { 0x52, 0x54, 0x00, 0x52, 0x53, 0x01 };
	static const u8 none[6];
	u8 *at = memory;

	memset(n, 0, sizeof(*n));
	n->dev.ops = &net_ops;
	n->dev.num_queues = (u16)(2 * o->pairs + !(o->hidden & FEATURE(CTRL_VQ)));
	n->port = o->port;
	n->port->net = n;
	n->pairs = o->pairs;
	n->mtu = o->mtu ? o->mtu : NET_MTU;
	n->offered = all_features(o);
	memcpy(n->mac, memcmp(o->mac, none, 6) ? o->mac : mac, 6);
	for (u16 i = 0; i < o->pairs; i++, at += NET_FIFO_BYTES)
		n->rx[i].fifo = (struct net_fifo){ .ring = at, .size = NET_FIFO_BYTES };
	n->scratch = at;
	net_reset(&n->dev);
}
