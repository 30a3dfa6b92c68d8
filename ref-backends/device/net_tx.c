// SPDX-License-Identifier: BSD-3-Clause
/* Transmission: from chain to port (5.1.9.2). */
#include <string.h>

#include "ref-backends/device/net.h"
#include "ref-backends/device/net_packet.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

/* Where byte `at` of a frame lies: the segment, and the offset in it. */
static const struct dvq_seg *seek(const struct net_frame *f, u32 at, u64 *off)
{
	const struct dvq_seg *seg = f->segs;

	*off = (u64)f->skip + at;
	while (*off >= seg->len) {
		*off -= seg->len;
		seg++;
	}
	return seg;
}

void net_frame_copy(const struct net_frame *f, u32 at, void *to, u32 len)
{
	const struct dvq_seg *seg;
	u8 *out = to;
	u64 off;

	if (!len)
		return;
	seg = seek(f, at, &off);
	for (;;) {
		u32 part = (u32)MIN(seg->len - off, len);

		memcpy(out, (const u8 *)seg->base + off, part);
		len -= part;
		if (!len)
			return;
		out += part;
		off = 0;
		seg++;
	}
}

const u8 *net_frame_flat(const struct net_frame *f, u8 *scratch)
{
	u64 off;
	const struct dvq_seg *seg = seek(f, 0, &off);

	if (seg->len - off >= f->len)
		return (const u8 *)seg->base + off;
	net_frame_copy(f, 0, scratch, f->len);
	return scratch;
}

/* The feature without which a driver has no such frames for us; 64: there is none. */
static unsigned host_feature(u8 base)
{
	switch (base) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return VIRTIO_NET_F_HOST_TSO4;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return VIRTIO_NET_F_HOST_TSO6;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return VIRTIO_NET_F_HOST_USO;
	default:
		return 64;
	}
}

/*
 * What the header asks for. Flags that were not negotiated are none that we know (5.1.9.2.2); a frame
 * that asks for what cannot be done is refused.
 */
static bool understand(const struct rnet *n, const struct virtio_net_hdr_v1 *h, struct net_frame *f)
{
	u8 base = VNET_GSO_BASE(h->gso_type);

	f->flags = net_has(n, VIRTIO_NET_F_CSUM) ? h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM : 0;
	f->csum_start = f->csum_offset = 0;
	if (f->flags) {
		f->csum_start = le16(h->csum_start);
		f->csum_offset = le16(h->csum_offset);
		if (f->csum_start >= f->len || (u32)f->csum_start + f->csum_offset + 2 > f->len)
			return false;
	}
	f->gso_type = h->gso_type;
	f->gso_size = 0;
	if (base == VIRTIO_NET_HDR_GSO_NONE && !(h->gso_type & VNET_GSO_TUNNEL)) {
		f->gso_type = VIRTIO_NET_HDR_GSO_NONE;
		return true;
	}
	f->gso_size = le16(h->gso_size);
	return host_feature(base) < 64 && net_has(n, host_feature(base)) &&
	       !(h->gso_type & VNET_GSO_TUNNEL) && f->flags && f->gso_size;
}

/* Longer than the link carries, counted without a VLAN tag? */
static bool too_long(const struct rnet *n, const struct net_frame *f)
{
	u32 most = n->mtu + VNET_ETH_HEADER;
	u8 type[2];

	if (f->gso_type != VIRTIO_NET_HDR_GSO_NONE || f->len <= most)
		return false;
	net_frame_copy(f, 12, type, sizeof(type));
	return type[0] != VNET_ETHERTYPE_VLAN >> 8 || type[1] != (VNET_ETHERTYPE_VLAN & 0xff) ||
	       f->len > most + VNET_VLAN_TAG;
}

static bool parse(struct rnet *n, const struct rdev_req *req, struct net_frame *f)
{
	const struct dvq_chain *c = &req->chain;
	struct virtio_net_hdr_v1 hdr;

	if (c->readable < n->hdr_size + VNET_FRAME_MIN ||
	    c->readable > n->hdr_size + VNET_FRAME_MAX)
		return false;
	*f = (struct net_frame){ .segs = c->segs,
				 .nsegs = c->n_readable,
				 .len = (u32)c->readable,
				 .pair = req->queue / 2 };
	net_frame_copy(f, 0, &hdr, sizeof(hdr));
	f->skip = n->hdr_size;
	f->len -= n->hdr_size;
	if (judge_active)
		judge_active->net_tx(n, &hdr, f);
	if (!understand(n, &hdr, f))
		return false;
	return !net_has(n, VIRTIO_NET_F_MTU) || !too_long(n, f);
}

/*
 * Most frames lie in one piece, with their header or behind it, and ask nothing of the device. What is not so is
 * left to parse(), with everything that is wrong.
 */
static inline bool usual(const struct rnet *n, const struct dvq_chain *c, struct net_frame *f)
{
	const struct dvq_seg *seg = c->segs;
	const bool apart = c->n_readable == 2 && seg->len == n->hdr_size;
	const u64 len = c->readable - n->hdr_size;
	u16 asked;

	if (fault_active || judge_active || n->ctl.pairs > 1 ||
	    !(__atomic_load_n(&n->status, __ATOMIC_RELAXED) & VIRTIO_NET_S_LINK_UP) ||
	    !(c->n_readable == 1 || apart) ||
	    len - VNET_FRAME_MIN > n->mtu + VNET_ETH_HEADER - VNET_FRAME_MIN)
		return false;
	_Static_assert(offsetof(struct virtio_net_hdr_v1, gso_type) == 1, "behind flags");
	memcpy(&asked, seg->base, sizeof(asked));
	*f = (struct net_frame){
		.segs = seg + apart, .nsegs = 1, .skip = apart ? 0 : n->hdr_size, .len = (u32)len
	};
	return !asked;
}

/* What comes back of this flow goes to the same pair. */
static void remember_flow(struct rnet *n, const struct net_frame *f)
{
	u32 have = MIN(f->len, (u32)NET_HEAD);
	struct net_headers h;
	u8 head[NET_HEAD];

	net_frame_copy(f, 0, head, have);
	net_parse(head, have, &h);
	n->flows[net_flow(head, &h) % NET_FLOWS] = (u8)f->pair;
}

static __attribute__((noinline)) void serve_any(struct rnet *n, struct rdev_req *req)
{
	struct net_frame f;
	bool good = parse(n, req, &f);

	if (fault_active && fault_active->net_tx)
		good = fault_active->net_tx(n, req, &f, good);
	if (good && __atomic_load_n(&n->status, __ATOMIC_RELAXED) & VIRTIO_NET_S_LINK_UP) {
		n->count.sent++;
		if (f.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
			n->tx_csum_needed[f.pair]++;
		else
			n->tx_csum_none[f.pair]++;
		if (n->ctl.pairs > 1)
			remember_flow(n, &f);
		n->port->ops->send(n->port, &f);
	} else {
		n->count.refused++;
	}
	req->done(req);
}

void net_tx_serve(struct rnet *n, struct rdev_req *req)
{
	struct net_frame f;

	req->used_len = 0;
	if (!usual(n, &req->chain, &f)) {
		serve_any(n, req);
		return;
	}
	n->count.sent++;
	n->tx_csum_none[req->queue / 2]++;
	n->port->ops->send(n->port, &f);
	req->done(req);
}
