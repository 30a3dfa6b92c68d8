// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/net.h"

#include <string.h>

static void be16(u8 *p, u16 v)
{
	p[0] = (u8)(v >> 8);
	p[1] = (u8)v;
}

/* 16 bits at a time, carries at the end (RFC 1071). */
static u32 sum16(const u8 *p, u32 len, u32 sum)
{
	for (u32 i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (u32)p[i] << 8;
	return sum;
}

static u16 fold(u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)sum;
}

static u32 pseudo(const u8 *ip, bool v6, u8 proto, u32 l4_len)
{
	return sum16(ip + (v6 ? 8 : 12), v6 ? 32 : 8, proto + fold(l4_len));
}

u16 net_pseudo_sum(const u8 *p, const struct net_layout *at)
{
	const u8 *ip = p + at->l3;
	const bool v6 = ip[0] >> 4 == 6;

	return fold(pseudo(ip, v6, v6 ? ip[6] : ip[9], at->len - at->l4));
}

static u32 ethernet(u8 *p, const struct net_packet *t)
{
	static const u8 none[6];
	u32 at = 12;

	if (memcmp(t->dst, none, 6) == 0)
		memset(p, 0xff, 6);
	else
		memcpy(p, t->dst, 6);
	memcpy(p + 6, t->src, 6);
	if (memcmp(t->src, none, 6) == 0)
		p[6] = 2;
	if (t->vlan) {
		be16(p + at, VNET_ETHERTYPE_VLAN);
		be16(p + at + 2, (u16)(t->vlan - 1));
		at += 4;
	}
	be16(p + at, t->raw ? 0x88b5 : t->v6 ? VNET_ETHERTYPE_IPV6 : VNET_ETHERTYPE_IPV4);
	return at + 2;
}

static void internet(u8 *ip, const struct net_packet *t, u32 l4_len)
{
	memset(ip, 0, t->v6 ? 40 : 20);
	if (t->v6) {
		ip[0] = 0x60;
		be16(ip + 4, (u16)l4_len);
		ip[6] = t->tcp ? VNET_PROTO_TCP : VNET_PROTO_UDP;
		ip[7] = 64;
		ip[8] = ip[24] = 0xfd;
		ip[23] = 1;
		ip[39] = 2;
		return;
	}
	ip[0] = 0x45;
	be16(ip + 2, (u16)(20 + l4_len));
	be16(ip + 4, 0x1234);
	ip[8] = 64;
	ip[9] = t->tcp ? VNET_PROTO_TCP : VNET_PROTO_UDP;
	ip[12] = ip[16] = 10;
	ip[15] = 1;
	ip[19] = 2;
	be16(ip + 10, (u16)~fold(sum16(ip, 20, 0)));
}

struct net_layout net_build(u8 *p, const struct net_packet *t)
{
	const u32 header = t->tcp ? 20 : 8;
	struct net_layout at = { .l3 = ethernet(p, t), .csum_offset = t->tcp ? 16 : 6 };
	u8 *l4;
	u16 sum;

	at.l4 = at.l3 + (t->raw ? 0 : t->v6 ? 40 : 20);
	at.data = at.l4 + (t->raw ? 0 : header);
	at.len = at.data + t->payload;
	for (u32 i = 0; i < t->payload; i++)
		p[at.data + i] = net_payload_byte(t->seed, i);
	if (t->raw)
		return at;
	internet(p + at.l3, t, header + t->payload);
	l4 = p + at.l4;
	memset(l4, 0, header);
	be16(l4, t->sport ? t->sport : 4000);
	be16(l4 + 2, t->dport ? t->dport : 4001);
	if (t->tcp) {
		be16(l4 + 6, 1);
		l4[12] = 0x50;
		l4[13] = t->tcp_flags ? t->tcp_flags : 0x10;
	} else {
		be16(l4 + 4, (u16)(header + t->payload));
	}
	sum = net_pseudo_sum(p, &at);
	if (!t->partial)
		sum = (u16)~fold(sum16(l4, header + t->payload, sum));
	if (!t->partial && !t->tcp && !sum)
		sum = 0xffff;
	be16(l4 + at.csum_offset, (u16)(sum ^ (t->bad_csum ? 0x5555 : 0)));
	return at;
}

bool net_checksums_right(const u8 *p, u32 len)
{
	u32 l3 = net_be16(p + 12) == VNET_ETHERTYPE_VLAN ? 18 : 14, l4;
	u16 type = net_be16(p + l3 - 2);
	const bool v6 = type == VNET_ETHERTYPE_IPV6;

	if (!v6 && type != VNET_ETHERTYPE_IPV4)
		return true;
	l4 = l3 + (v6 ? 40 : 20);
	if (len < l4 + 8 || (!v6 && fold(sum16(p + l3, 20, 0)) != 0xffff))
		return false;
	return fold(sum16(p + l4, len - l4,
			  pseudo(p + l3, v6, v6 ? p[l3 + 6] : p[l3 + 9], len - l4))) == 0xffff;
}

bool net_finish_checksum(u8 *p, u32 len, u16 start, u16 offset)
{
	u16 sum;

	if (start >= len || (u32)start + offset + 2 > len)
		return false;
	sum = (u16)~fold(sum16(p + start, len - start, 0));
	be16(p + start + offset, sum ? sum : 0xffff);
	return true;
}

u32 net_toeplitz(const u8 *p, const struct net_layout *at, bool v6, bool ports, const u8 key[40])
{
	const u8 *addresses = p + at->l3 + (v6 ? 8 : 12);
	const u32 n = v6 ? 32 : 8;
	u32 hash = 0;

	for (u32 i = 0; i < 8 * (n + (ports ? 4 : 0)); i++) {
		const u32 byte = i / 8;
		const u8 value = byte < n ? addresses[byte] : p[at->l4 + byte - n];

		if (!(value & 0x80 >> i % 8))
			continue;
		/* The 32 bits of the key from bit i on. */
		for (u32 k = 0; k < 32; k++)
			if (key[(i + k) / 8 % 40] & 0x80 >> (i + k) % 8)
				hash ^= 0x80000000u >> k;
	}
	return hash;
}
