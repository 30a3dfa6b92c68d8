// SPDX-License-Identifier: BSD-3-Clause
/*
 * Receive segment coalescing (VIRTIO_NET_F_RSC_EXT, 5.1.9.4.1): segments of one TCP connection that follow each other
 * while the first of them waits become one frame, which says how many they were.
 *
 * Only what is usual is joined: no options, nothing urgent, checksums that are whole and right. The header of a
 * frame that was joined has the number of segments in csum_start and that of duplicate acknowledgements in
 * csum_offset; its gso_type comes without NEEDS_CSUM, whose places those are.
 */
#include <string.h>

#include "ref-backends/device/net.h"
#include "ref-backends/device/net_packet.h"

#define TCP_HEADER 20u
#define TCP_PSH	   0x08
#define TCP_ACK	   0x10
#define IP_MAX	   65535u

struct segment {
	struct net_headers h;
	const u8 *p;
	u32 data, payload;
	u32 seq, ack;
	u16 window;
	u8 flags;
};

static u32 get32(const u8 *p)
{
	return (u32)net_get16(p) << 16 | net_get16(p + 2);
}

/* Where the packet ends by its own account; 0: that is not in the frame. */
static u32 packet_end(const u8 *p, const struct net_headers *h, u32 len)
{
	u32 end = h->l3 +
		  (h->version == 4 ? net_get16(p + h->l3 + 2) : 40u + net_get16(p + h->l3 + 4));

	return end <= len ? end : 0;
}

static bool take(struct segment *s, const u8 *p, u32 len)
{
	const u8 *tcp;
	u32 end;

	net_parse(p, MIN(len, (u32)NET_HEAD), &s->h);
	if (!s->h.l4 || s->h.proto != VNET_PROTO_TCP || s->h.end - s->h.l4 != TCP_HEADER ||
	    s->h.l4 - s->h.l3 != (s->h.version == 4 ? 20 : 40))
		return false;
	end = packet_end(p, &s->h, len);
	if (end < s->h.end)
		return false;
	tcp = p + s->h.l4;
	s->p = p;
	s->data = s->h.end;
	s->payload = end - s->data;
	s->seq = get32(tcp + 4);
	s->ack = get32(tcp + 8);
	s->flags = tcp[13];
	s->window = net_get16(tcp + 14);
	return (s->flags & ~TCP_PSH) == TCP_ACK;
}

static bool csum_right(const struct segment *s)
{
	const u32 len = TCP_HEADER + s->payload;

	return net_fold(net_sum(s->p + s->h.l4, len, net_pseudo(s->p, &s->h, len))) == 0xffff;
}

static bool same_flow(const struct segment *a, const struct segment *b)
{
	const u32 skip = a->h.version == 4 ? 12 : 8, addresses = a->h.version == 4 ? 8 : 32;

	if (a->h.l3 != b->h.l3 || a->h.version != b->h.version ||
	    memcmp(a->p, b->p, a->h.l3) != 0 || memcmp(a->p + a->h.l4, b->p + b->h.l4, 4) != 0)
		return false;
	/* Type of service, or traffic class and flow label; time to live. */
	if (a->p[a->h.l3 + 1] != b->p[b->h.l3 + 1] ||
	    memcmp(a->p + a->h.l3 + skip, b->p + b->h.l3 + skip, addresses) != 0)
		return false;
	return a->h.version == 4 ? a->p[a->h.l3 + 8] == b->p[b->h.l3 + 8]
				 : memcmp(a->p + a->h.l3, b->p + b->h.l3, 4) == 0 &&
					   a->p[a->h.l3 + 7] == b->p[b->h.l3 + 7];
}

static bool driver_takes(const struct rnet *n, u8 version)
{
	return n->ctl.offloads &
	       (version == 4 ? BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) : BIT_ULL(VIRTIO_NET_F_GUEST_TSO6));
}

static void set_length(u8 *p, const struct net_headers *at, u32 len)
{
	u8 *ip = p + at->l3;

	if (at->version == 4)
		net_put16(ip + 2, (u16)(len - at->l3));
	else
		net_put16(ip + 4, (u16)(len - at->l4));
}

static void become_joined(struct net_held *h, const struct segment *s)
{
	h->flags = VIRTIO_NET_HDR_F_RSC_INFO;
	h->gso_type = s->h.version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	h->gso_size = (u16)s->payload;
	h->hdr_len = (u16)s->data;
	h->csum_start = 1;
	h->csum_offset = 0;
}

/* `next` continues what waits: its bytes, and what its header says of the stream now. */
static bool join_data(struct net_rx *rx, struct segment *at, const struct segment *next)
{
	struct net_held *h = rx->last;
	u8 *tcp = h->bytes + at->h.l4;

	/* Each segment but the last is as long as the first. */
	if (next->payload > h->gso_size || at->payload % h->gso_size ||
	    h->len + next->payload - at->h.l3 > IP_MAX ||
	    !net_fifo_grow(&rx->fifo, h, next->payload))
		return false;
	memcpy(h->bytes + at->data + at->payload, next->p + next->data, next->payload);
	memcpy(tcp + 8, next->p + next->h.l4 + 8, 4);
	tcp[13] |= next->flags;
	memcpy(tcp + 14, next->p + next->h.l4 + 14, 2);
	h->csum_start++;
	set_length(h->bytes, &at->h, h->len);
	return true;
}

bool net_rsc_join(struct rnet *n, struct net_rx *rx, const struct net_frame *f)
{
	struct net_held *h = rx->last;
	struct segment at, next;
	bool joined;

	if (net_fifo_empty(&rx->fifo) || f->flags || f->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return false;
	joined = h->flags & VIRTIO_NET_HDR_F_RSC_INFO;
	/* Padding behind what waits would come to lie in the middle. */
	if ((!joined && (h->flags || h->gso_type)) || !take(&at, h->bytes, h->len) ||
	    at.data + at.payload != h->len || !at.payload || at.flags & TCP_PSH ||
	    !take(&next, net_frame_flat(f, n->scratch), f->len) || !same_flow(&at, &next) ||
	    !driver_takes(n, at.h.version) || next.seq != at.seq + at.payload || !csum_right(&next))
		return false;
	if (!next.payload) {
		if (!joined || next.ack != at.ack || next.window != at.window ||
		    next.flags & TCP_PSH || h->csum_offset == 0xffff)
			return false;
		h->csum_offset++;
		return true;
	}
	if (!joined) {
		if (!csum_right(&at))
			return false;
		become_joined(h, &at);
	}
	if (join_data(rx, &at, &next))
		return true;
	if (!joined) {
		h->flags = 0;
		h->gso_type = VIRTIO_NET_HDR_GSO_NONE;
		h->gso_size = h->hdr_len = h->csum_start = 0;
	}
	return false;
}

void net_rsc_finish(struct net_held *h)
{
	struct net_headers at;
	u8 *ip, *tcp;
	u32 len;

	net_parse(h->bytes, MIN(h->len, (u32)NET_HEAD), &at);
	ip = h->bytes + at.l3;
	tcp = h->bytes + at.l4;
	len = h->len - at.l4;
	if (at.version == 4) {
		net_put16(ip + 10, 0);
		net_put16(ip + 10, (u16)~net_fold(net_sum(ip, 20, 0)));
	}
	net_put16(tcp + 16, 0);
	net_put16(tcp + 16, (u16)~net_fold(net_sum(tcp, len, net_pseudo(h->bytes, &at, len))));
}
