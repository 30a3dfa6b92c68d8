// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/net_packet.h"

#include <string.h>

#define ADDRESSES4 12 /* offset of the source address in an IPv4 header */
#define ADDRESSES6 8

/* Extension headers that can stand between IPv6 and what it carries (RFC 8200). */
static bool is_extension(u8 next)
{
	return next == 0 || next == 43 || next == 60;
}

static void parse4(const u8 *p, u32 have, struct net_headers *h)
{
	const u8 *ip = p + h->l3;
	u32 ihl, left = have - h->l3;

	if (left < 20 || ip[0] >> 4 != 4)
		goto none;
	ihl = (ip[0] & 15) * 4u;
	if (ihl < 20 || left < ihl)
		goto none;
	h->version = 4;
	h->end = (u16)(h->l3 + ihl);
	h->proto = ip[9];
	/* Of a fragment the transport header is elsewhere, or tells half the truth. */
	h->fragment = net_get16(ip + 6) & 0x3fff;
	if (!h->fragment)
		h->l4 = h->end;
	return;
none:
	h->l3 = 0;
}

static void parse6(const u8 *p, u32 have, struct net_headers *h)
{
	const u8 *ip = p + h->l3;
	u32 at = 40, left = have - h->l3;
	u8 next;

	if (left < 40 || ip[0] >> 4 != 6) {
		h->l3 = 0;
		return;
	}
	h->version = 6;
	next = ip[6];
	while (is_extension(next) && at + 8 <= left) {
		next = ip[at];
		at += (ip[at + 1] + 1u) * 8;
	}
	if (at > left)
		return;
	h->end = (u16)(h->l3 + at);
	h->proto = next;
	h->l4 = h->end;
}

/* What begins at `at` is of this EtherType. */
static void parse_packet(const u8 *p, u32 have, u32 at, u16 type, struct net_headers *h)
{
	u32 need;

	h->l3 = h->end = (u16)at;
	if (have < at)
		type = 0;
	if (type == VNET_ETHERTYPE_IPV4)
		parse4(p, have, h);
	else if (type == VNET_ETHERTYPE_IPV6)
		parse6(p, have, h);
	else
		h->l3 = 0;
	if (!h->l4)
		return;
	need = h->proto == VNET_PROTO_TCP ? 20 : 8;
	if ((h->proto != VNET_PROTO_TCP && h->proto != VNET_PROTO_UDP) || have - h->l4 < need) {
		h->l4 = 0;
		return;
	}
	if (h->proto == VNET_PROTO_TCP) {
		need = (p[h->l4 + 12] >> 4) * 4u;
		if (need < 20 || have - h->l4 < need) {
			h->l4 = 0;
			return;
		}
	}
	h->end = (u16)(h->l4 + need);
}

/* A frame whose first byte is at `at`. */
static void parse_frame(const u8 *p, u32 have, u32 at, struct net_headers *h)
{
	u16 type;

	*h = (struct net_headers){ 0 };
	if (have < at + VNET_ETH_HEADER)
		return;
	at += 12;
	type = net_get16(p + at);
	if (type == VNET_ETHERTYPE_VLAN) {
		if (have < at + VNET_VLAN_TAG + 2)
			return;
		h->vlan = true;
		h->vid = net_get16(p + at + 2) & 0xfff;
		at += VNET_VLAN_TAG;
		type = net_get16(p + at);
	}
	parse_packet(p, have, at + 2, type, h);
}

void net_parse(const u8 *p, u32 have, struct net_headers *h)
{
	parse_frame(p, have, 0, h);
}

/* RFC 2784: a word with flags, of which only that of a checksum is known, and the EtherType. */
static bool inner_gre(const u8 *p, u32 have, u32 at, struct net_headers *inner)
{
	u16 flags;

	if (have < at + 4)
		return false;
	flags = net_get16(p + at);
	if (flags & 0x7fff)
		return false;
	*inner = (struct net_headers){ 0 };
	parse_packet(p, have, at + (flags ? 8 : 4), net_get16(p + at + 2), inner);
	return true;
}

bool net_inner(const u8 *p, u32 have, const struct net_headers *outer, u32 kinds,
	       struct net_headers *inner)
{
	const u32 at = outer->end;

	if (!outer->l3 || outer->fragment)
		return false;
	if (outer->proto == VNET_PROTO_GRE && kinds & VNET_TUNNEL_GRE_2784)
		return inner_gre(p, have, at, inner);
	if (outer->proto == VNET_PROTO_IPIP && kinds & VNET_TUNNEL_IPIP) {
		*inner = (struct net_headers){ 0 };
		parse_packet(p, have, at, VNET_ETHERTYPE_IPV4, inner);
		return true;
	}
	/* RFC 7348: eight bytes behind UDP's header, of which the first has a flag. */
	if (outer->l4 && outer->proto == VNET_PROTO_UDP && kinds & VNET_TUNNEL_VXLAN &&
	    net_get16(p + outer->l4 + 2) == VNET_PORT_VXLAN && have > at && p[at] & 0x08) {
		parse_frame(p, have, at + 8, inner);
		return true;
	}
	return false;
}

u64 net_sum(const u8 *p, u32 len, u64 sum)
{
	u64 native = 0;
	u32 i = 0;

	/* Words in the machine's order: the sum does not mind, once it is swapped back (RFC 1071). */
	for (; i + 4 <= len; i += 4) {
		u32 w;

		memcpy(&w, p + i, 4);
		native += w;
	}
	while (native >> 16)
		native = (native & 0xffff) + (native >> 16);
	sum += (u16)((native >> 8) | (native << 8));
	if (i + 2 <= len) {
		sum += net_get16(p + i);
		i += 2;
	}
	if (i < len)
		sum += (u64)p[i] << 8;
	return sum;
}

u16 net_fold(u64 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)sum;
}

u64 net_pseudo(const u8 *p, const struct net_headers *h, u32 l4_len)
{
	const u8 *ip = p + h->l3;
	u64 sum = h->proto + (u64)l4_len;

	if (h->version == 4)
		return net_sum(ip + ADDRESSES4, 8, sum);
	return net_sum(ip + ADDRESSES6, 32, sum);
}

bool net_complete(u8 *p, u32 len, u16 csum_start, u16 csum_offset)
{
	u32 at = (u32)csum_start + csum_offset;
	u16 sum;

	if (csum_start >= len || at + 2 > len)
		return false;
	sum = (u16)~net_fold(net_sum(p + csum_start, len - csum_start, 0));
	/* 0 means "none" in UDP, and is the same number anywhere. */
	net_put16(p + at, sum ? sum : 0xffff);
	return true;
}

/* --- segmentation ------------------------------------------------------------------------------------- */

static void fix_ip(u8 *p, const struct net_headers *h, u32 len, u32 index)
{
	u8 *ip = p + h->l3;

	if (h->version == 6) {
		net_put16(ip + 4, (u16)(len - h->l3 - 40));
		return;
	}
	net_put16(ip + 2, (u16)(len - h->l3));
	net_put16(ip + 4, (u16)(net_get16(ip + 4) + index));
	net_put16(ip + 10, 0);
	net_put16(ip + 10, (u16)~net_fold(net_sum(ip, (u32)(h->l4 - h->l3), 0)));
}

static void fix_l4(u8 *p, const struct net_headers *h, u32 len, u32 offset, bool first, bool last)
{
	u8 *l4 = p + h->l4;
	u32 l4_len = len - h->l4;
	u16 sum;

	if (h->proto == VNET_PROTO_TCP) {
		u32 seq = ((u32)net_get16(l4 + 4) << 16 | net_get16(l4 + 6)) + offset;

		net_put16(l4 + 4, (u16)(seq >> 16));
		net_put16(l4 + 6, (u16)seq);
		if (!last)
			l4[13] &= (u8)~0x09; /* FIN, PSH */
		if (!first)
			l4[13] &= (u8)~0x80; /* CWR */
		net_put16(l4 + 16, 0);
		sum = (u16)~net_fold(net_sum(l4, l4_len, net_pseudo(p, h, l4_len)));
		net_put16(l4 + 16, sum);
		return;
	}
	net_put16(l4 + 4, (u16)l4_len);
	net_put16(l4 + 6, 0);
	sum = (u16)~net_fold(net_sum(l4, l4_len, net_pseudo(p, h, l4_len)));
	net_put16(l4 + 6, sum ? sum : 0xffff);
}

static bool fits(const struct net_headers *h, u8 gso_type)
{
	switch (VNET_GSO_BASE(gso_type)) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return h->version == 4 && h->proto == VNET_PROTO_TCP;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return h->version == 6 && h->proto == VNET_PROTO_TCP;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return h->proto == VNET_PROTO_UDP;
	default:
		return false;
	}
}

bool net_segment(const u8 *p, u32 len, u8 gso_type, u16 gso_size, const struct net_cut *cut)
{
	struct net_headers h;
	u32 payload, at = 0, index = 0;

	net_parse(p, MIN(len, (u32)NET_HEAD), &h);
	if (!h.l4 || !gso_size || !fits(&h, gso_type) || len < h.end)
		return false;
	payload = len - h.end;
	do {
		u32 part = MIN(payload - at, (u32)gso_size);
		u8 *place = cut->room(cut->arg, h.end + part);

		if (!place)
			return true;
		memcpy(place, p, h.end);
		memcpy(place + h.end, p + h.end + at, part);
		fix_ip(place, &h, h.end + part, index);
		fix_l4(place, &h, h.end + part, at, at == 0, at + part == payload);
		cut->put(cut->arg, place, h.end + part);
		at += part;
		index++;
	} while (at < payload);
	return true;
}

/* --- hashes ------------------------------------------------------------------------------------------- */

static u32 toeplitz(const u8 *data, u32 len, const u8 key[40])
{
	u32 window = (u32)key[0] << 24 | (u32)key[1] << 16 | (u32)key[2] << 8 | key[3];
	u32 hash = 0;

	for (u32 i = 0; i < len; i++) {
		for (int bit = 7; bit >= 0; bit--) {
			if (data[i] >> bit & 1)
				hash ^= window;
			window = window << 1 | (i + 4 < 40 ? key[i + 4] >> bit & 1 : 0);
		}
	}
	return hash;
}

u16 net_hash(const u8 *p, const struct net_headers *h, u32 types, const u8 key[40], u32 *hash)
{
	const bool v4 = h->version == 4, tcp = h->proto == VNET_PROTO_TCP;
	u32 shift = v4 ? 0 : 3, n = v4 ? 8 : 32;
	u8 data[36];
	u16 report;

	*hash = 0;
	if (!h->l3)
		return VIRTIO_NET_HASH_REPORT_NONE;
	memcpy(data, p + h->l3 + (v4 ? ADDRESSES4 : ADDRESSES6), n);
	if (h->l4 && types & (tcp ? VIRTIO_NET_RSS_HASH_TYPE_TCPv4 : VIRTIO_NET_RSS_HASH_TYPE_UDPv4)
				     << shift) {
		memcpy(data + n, p + h->l4, 4);
		n += 4;
		report = tcp ? VIRTIO_NET_HASH_REPORT_TCPv4 : VIRTIO_NET_HASH_REPORT_UDPv4;
	} else if (types & VIRTIO_NET_RSS_HASH_TYPE_IPv4 << shift) {
		report = VIRTIO_NET_HASH_REPORT_IPv4;
	} else {
		return VIRTIO_NET_HASH_REPORT_NONE;
	}
	*hash = toeplitz(data, n, key);
	return (u16)(report + shift);
}

u32 net_flow(const u8 *p, const struct net_headers *h)
{
	const u8 *a = p + h->l3 + (h->version == 4 ? ADDRESSES4 : ADDRESSES6);
	u32 n = h->version == 4 ? 4 : 16, x = h->proto;

	if (!h->l3)
		return 0;
	/* Source and destination come in alike. */
	for (u32 i = 0; i < n; i++)
		x = x * 31 + (u32)(a[i] ^ a[n + i]) * 7 + (u32)(a[i] + a[n + i]);
	if (h->l4)
		x = x * 31 + (u32)(net_get16(p + h->l4) ^ net_get16(p + h->l4 + 2)) * 7 +
		    (u32)(net_get16(p + h->l4) + net_get16(p + h->l4 + 2));
	return x ^ x >> 15;
}
