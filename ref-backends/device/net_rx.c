// SPDX-License-Identifier: BSD-3-Clause
/* Reception: from a frame to the driver's buffers (5.1.9.4). */
#include <string.h>

#include "ref-backends/device/net.h"
#include "ref-backends/device/net_packet.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

/* With one of these a frame is looked into. */
#define LOOKS                                                                                      \
	(BIT_ULL(VIRTIO_NET_F_CTRL_RX) | BIT_ULL(VIRTIO_NET_F_CTRL_VLAN) |                         \
	 BIT_ULL(VIRTIO_NET_F_RSC_EXT))
/* What net_fifo_room() and net_fifo_put() fill in stands before this. */
#define HELD_KNOWN offsetof(struct net_held, flags)

/* --- into a fifo -------------------------------------------------------------------------------------- */

/* Does the driver take GSO frames of this type? */
static bool accepts(const struct rnet *n, u8 gso_type)
{
	static const struct {
		u8 base;
		u64 any;
	} types[] = {
		{ VIRTIO_NET_HDR_GSO_TCPV4, BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) },
		{ VIRTIO_NET_HDR_GSO_TCPV6, BIT_ULL(VIRTIO_NET_F_GUEST_TSO6) },
		{ VIRTIO_NET_HDR_GSO_UDP_L4,
		  BIT_ULL(VIRTIO_NET_F_GUEST_USO4) | BIT_ULL(VIRTIO_NET_F_GUEST_USO6) },
	};
	u64 on = n->ctl.offloads;

	if (gso_type & VNET_GSO_TUNNEL)
		return false;
	if (gso_type & VIRTIO_NET_HDR_GSO_ECN && !(on & BIT_ULL(VIRTIO_NET_F_GUEST_ECN)))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].base == VNET_GSO_BASE(gso_type))
			return (on & types[i].any) == types[i].any;
	return false;
}

/* By hash, or to the pair that the flow was last sent on (5.1.9.6.1). */
static u16 steer(const struct rnet *n, const u8 *head, const struct net_headers *h, u32 hash,
		 u16 report)
{
	const struct net_control *c = &n->ctl;
	u16 pair;

	if (c->rss)
		pair = report == VIRTIO_NET_HASH_REPORT_NONE ? c->rss_unclassified
							     : c->rss_table[hash & c->rss_mask];
	else
		pair = n->flows[net_flow(head, h) % NET_FLOWS];
	return pair < c->pairs ? pair : 0;
}

struct into {
	struct rnet *n;
	u16 pair;
	u16 report;
	u32 hash;
};

/* Something waits in a fifo that was empty. */
static void ring(struct rnet *n, u16 pair)
{
	if (n->rx[pair].fifo.count == 1)
		rdev_wake(&n->dev, 2 * pair);
}

static struct net_held *room(const struct into *to, u32 len)
{
	struct net_held *h = net_fifo_room(&to->n->rx[to->pair].fifo, len);

	if (!h) {
		to->n->count.dropped++;
		return NULL;
	}
	h->flags = 0;
	h->gso_type = VIRTIO_NET_HDR_GSO_NONE;
	h->hdr_len = h->gso_size = h->csum_start = h->csum_offset = 0;
	h->hash = to->hash;
	h->hash_report = to->report;
	return h;
}

static void put(const struct into *to, struct net_held *h)
{
	struct rnet *n = to->n;

	if (fault_active && fault_active->net_rx)
		fault_active->net_rx(n, to->pair, h);
	net_fifo_put(&n->rx[to->pair].fifo, h);
	n->rx[to->pair].last = h;
	n->count.delivered++;
	ring(n, to->pair);
}

static u8 *cut_room(void *arg, u32 len)
{
	struct net_held *h = room(arg, len);

	return h ? h->bytes : NULL;
}

static void cut_put(void *arg, u8 *place, u32 len)
{
	(void)len;
	put(arg, (struct net_held *)(place - offsetof(struct net_held, bytes)));
}

/* In segments, for a driver that does not want the whole. */
static void deliver_cut(struct into *to, const struct net_frame *f)
{
	const struct net_cut cut = { cut_room, cut_put, to };

	net_segment(net_frame_flat(f, to->n->scratch), f->len, f->gso_type, f->gso_size, &cut);
}

static void deliver_whole(struct into *to, const struct net_frame *f)
{
	bool csum_ok = to->n->ctl.offloads & BIT_ULL(VIRTIO_NET_F_GUEST_CSUM);
	struct net_held *h;

	if (net_has(to->n, VIRTIO_NET_F_RSC_EXT) && net_rsc_join(to->n, &to->n->rx[to->pair], f))
		return;
	h = room(to, f->len);
	if (!h)
		return;
	net_frame_copy(f, 0, h->bytes, f->len);
	if (f->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (csum_ok) {
			h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
			h->csum_start = f->csum_start;
			h->csum_offset = f->csum_offset;
		} else if (!net_complete(h->bytes, f->len, f->csum_start, f->csum_offset)) {
			return;
		}
	}
	if (f->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		struct net_headers at;

		net_parse(h->bytes, MIN(f->len, (u32)NET_HEAD), &at);
		h->gso_type = f->gso_type;
		h->gso_size = f->gso_size;
		h->hdr_len = at.end;
	}
	put(to, h);
}

/* Of one pair, without filters and hashes, most frames are copied as they are. */
static inline bool usual(const struct rnet *n, const struct net_frame *f)
{
	const struct net_control *c = &n->ctl;

	return !fault_active && f->nsegs == 1 &&
	       __atomic_load_n(&n->status, __ATOMIC_RELAXED) & VIRTIO_NET_S_LINK_UP &&
	       !(f->flags | f->gso_type | c->hash_types) && c->pairs == 1 &&
	       !(n->features & LOOKS) &&
	       f->len - VNET_FRAME_MIN <= n->mtu + VNET_ETH_HEADER - VNET_FRAME_MIN;
}

static void deliver_usual(struct rnet *n, const struct net_frame *f)
{
	struct net_fifo *fifo = &n->rx[0].fifo;
	struct net_held *h = net_fifo_room(fifo, f->len);

	if (!h) {
		n->count.dropped++;
		return;
	}
	memset((u8 *)h + HELD_KNOWN, 0, offsetof(struct net_held, pad) - HELD_KNOWN);
	memcpy(h->bytes, (const u8 *)f->segs->base + f->skip, f->len);
	net_fifo_put(fifo, h);
	n->count.delivered++;
	ring(n, 0);
}

static __attribute__((noinline)) void deliver_any(struct rnet *n, const struct net_frame *f)
{
	struct into to = { .n = n, .report = VIRTIO_NET_HASH_REPORT_NONE };
	const bool simple = !n->ctl.hash_types && n->ctl.pairs == 1;
	struct net_headers h, inner;
	u32 have;
	u8 head[NET_HEAD];

	if (f->len < VNET_FRAME_MIN || f->len > VNET_FRAME_MAX ||
	    !(__atomic_load_n(&n->status, __ATOMIC_RELAXED) & VIRTIO_NET_S_LINK_UP))
		return;
	have = MIN(f->len, simple ? VNET_ETH_HEADER + VNET_VLAN_TAG : (u32)NET_HEAD);
	net_frame_copy(f, 0, head, have);
	if (!net_wanted(n, head, have)) {
		n->count.filtered++;
		return;
	}
	/* 5.1.4.1: not longer than the driver was promised. */
	if (net_has(n, VIRTIO_NET_F_MTU) && f->gso_type == VIRTIO_NET_HDR_GSO_NONE &&
	    f->len > n->mtu + VNET_ETH_HEADER +
			     (net_get16(head + 12) == VNET_ETHERTYPE_VLAN ? VNET_VLAN_TAG : 0)) {
		n->count.dropped++;
		return;
	}
	if (!simple) {
		net_parse(head, have, &h);
		if (!net_inner(head, have, &h, n->ctl.tunnels, &inner))
			inner = h;
		to.report = net_hash(head, &inner, n->ctl.hash_types, n->ctl.rss_key, &to.hash);
		to.pair = steer(n, head, &h, to.hash, to.report);
	}
	if (fault_active && fault_active->net_steer)
		to.pair = fault_active->net_steer(n, f, to.pair) % n->pairs;
	if (f->gso_type != VIRTIO_NET_HDR_GSO_NONE && !accepts(n, f->gso_type))
		deliver_cut(&to, f);
	else
		deliver_whole(&to, f);
}

void net_deliver(struct rnet *n, const struct net_frame *f)
{
	if (usual(n, f))
		deliver_usual(n, f);
	else
		deliver_any(n, f);
}

/* --- out of a fifo ------------------------------------------------------------------------------------ */

/* A place in the driver's buffers. */
struct cursor {
	struct rdev_req **req;
	const struct dvq_seg *seg, *end;
	u64 off;
};

static void enter(struct cursor *at)
{
	const struct dvq_chain *c = &(*at->req)->chain;

	at->seg = c->segs + c->n_readable;
	at->end = at->seg + c->n_writable;
	at->off = 0;
}

/* There is room: the caller has counted. */
static void copy_out(struct cursor *at, const void *from, u32 len)
{
	const u8 *p = from;

	while (len) {
		u32 part;

		if (at->seg == at->end) {
			at->req++;
			enter(at);
		}
		part = (u32)MIN(at->seg->len - at->off, len);
		memcpy((u8 *)at->seg->base + at->off, p, part);
		p += part;
		len -= part;
		at->off += part;
		if (at->off == at->seg->len) {
			at->seg++;
			at->off = 0;
		}
	}
}

static void fill(struct rnet *n, struct net_rx *rx, struct net_held *h)
{
	struct virtio_net_hdr_v1_hash hdr = {
		.hdr = {
			.flags = h->flags,
			.gso_type = h->gso_type,
			.hdr_len = le16(h->hdr_len),
			.gso_size = le16(h->gso_size),
			.csum_start = le16(h->csum_start),
			.csum_offset = le16(h->csum_offset),
			.num_buffers = le16((u16)rx->nheld),
		},
		.hash_value = le32(h->hash),
		.hash_report = le16(h->hash_report),
	};
	struct cursor at = { .req = rx->held };
	u64 left = n->hdr_size + (u64)h->len;

	if (h->flags & VIRTIO_NET_HDR_F_RSC_INFO)
		net_rsc_finish(h);
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		rx->csum_needed++;
	else
		rx->csum_none++;
	if (fault_active && fault_active->net_header)
		fault_active->net_header(n, &hdr, h->bytes, h->len);
	enter(&at);
	copy_out(&at, &hdr, n->hdr_size);
	copy_out(&at, h->bytes, h->len);
	for (u32 i = 0; i < rx->nheld; i++) {
		rx->held[i]->used_len = (u32)MIN(left, rx->held[i]->chain.writable);
		left -= rx->held[i]->used_len;
	}
	if (fault_active && fault_active->net_filled)
		fault_active->net_filled(n, rx->held, rx->nheld, h->len);
	for (u32 i = 0; i < rx->nheld; i++) {
		rx->held[i]->more = i + 1 < rx->nheld;
		rx->held[i]->done(rx->held[i]);
	}
	rx->nheld = 0;
	rx->room = 0;
}

void net_rx_let_go(struct rnet *n, u16 pair)
{
	struct net_rx *rx = &n->rx[pair];

	while (rx->nheld) {
		struct rdev_req *req = rx->held[--rx->nheld];

		req->put_back = true;
		req->done(req);
	}
	rx->room = 0;
}

/* A frame that asks nothing, for one buffer in one piece. */
static inline bool fill_usual(struct rnet *n, struct net_rx *rx, struct rdev_req *req)
{
	const struct dvq_chain *c = &req->chain;
	const struct dvq_seg *seg = c->segs + c->n_readable;
	const struct net_held *h = net_fifo_first(&rx->fifo);
	struct virtio_net_hdr_v1 hdr = { .num_buffers = le16(1) };

	if (fault_active || judge_active || rx->nheld || n->hdr_size != sizeof(hdr) ||
	    c->n_writable != 1 || net_fifo_empty(&rx->fifo) || h->flags | h->gso_type ||
	    c->writable < sizeof(hdr) + h->len)
		return false;
	memcpy(seg->base, &hdr, sizeof(hdr));
	memcpy((u8 *)seg->base + sizeof(hdr), h->bytes, h->len);
	req->used_len = (u32)sizeof(hdr) + h->len;
	req->more = false;
	rx->csum_none++;
	net_fifo_drop(&rx->fifo);
	req->done(req);
	return true;
}

static __attribute__((noinline)) void fill_any(struct rnet *n, struct net_rx *rx,
					       struct rdev_req *req)
{
	u64 need;

	if (judge_active)
		judge_active->net_buffer(n, &req->chain);
	/* Nothing can be put there: it is no receive buffer. */
	if (req->chain.writable < n->hdr_size && (!rx->nheld || !req->chain.writable)) {
		req->used_len = 0;
		req->done(req);
		return;
	}
	rx->held[rx->nheld++] = req;
	rx->room += req->chain.writable;
	if (net_fifo_empty(&rx->fifo)) {
		net_rx_let_go(n, req->queue / 2);
		return;
	}
	need = n->hdr_size + (u64)net_fifo_first(&rx->fifo)->len;
	if (rx->room >= need) {
		fill(n, rx, net_fifo_first(&rx->fifo));
		net_fifo_drop(&rx->fifo);
		return;
	}
	/* More of them will do, as long as that is allowed; else the frame is lost, and they are not. */
	if (net_has(n, VIRTIO_NET_F_MRG_RXBUF) && rx->nheld < NET_MERGE_MAX) {
		if (fault_active && fault_active->net_starved)
			fault_active->net_starved(n, rx);
		return;
	}
	net_fifo_drop(&rx->fifo);
	n->count.dropped++;
	net_rx_let_go(n, req->queue / 2);
}

void net_rx_serve(struct rnet *n, struct rdev_req *req)
{
	struct net_rx *rx = &n->rx[req->queue / 2];

	if (!fill_usual(n, rx, req))
		fill_any(n, rx, req);
}
