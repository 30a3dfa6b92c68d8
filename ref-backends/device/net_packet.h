/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets: where their headers are, checksums, segmentation, and the hash of 5.1.9.4.3. Written from the
 * RFCs; nothing in a packet is trusted. Freestanding.
 */
#ifndef REF_BACKENDS_DEVICE_NET_PACKET_H
#define REF_BACKENDS_DEVICE_NET_PACKET_H

#include "harness/spec/virtio14_net.h"

/* Bytes in front of a frame that hold all headers net_parse() looks for, options included. */
#define NET_HEAD 256

struct net_headers {
	u16 l3;	    /* offset of the IP header; 0: not IP */
	u16 l4;	    /* offset of the TCP or UDP header; 0: none, or cut off, or a fragment */
	u16 end;    /* behind the last header found */
	u8 version; /* 4 or 6 */
	u8 proto;   /* VNET_PROTO_*, when l4 */
	bool vlan;
	bool fragment;
	u16 vid;
};

/* `have` bytes of a frame are at `p`. */
void net_parse(const u8 *p, u32 have, struct net_headers *h);

/* Kinds of tunnels (VNET_TUNNEL_*) that net_inner() can look into. */
#define NET_TUNNELS (VNET_TUNNEL_GRE_2784 | VNET_TUNNEL_VXLAN | VNET_TUNNEL_IPIP)

/*
 * If what net_parse() found is a tunnel of one of these kinds, the headers inside, their offsets still from `p`.
 * False: it is none, and *inner is not touched.
 */
bool net_inner(const u8 *p, u32 have, const struct net_headers *outer, u32 kinds,
	       struct net_headers *inner);

static inline u16 net_get16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

static inline void net_put16(u8 *p, u16 v)
{
	p[0] = (u8)(v >> 8);
	p[1] = (u8)v;
}

/* One's complement sum of bytes, added to `sum`; folded to 16 bits it is as net_get16() reads. */
u64 net_sum(const u8 *p, u32 len, u64 sum);
u16 net_fold(u64 sum);
/* Of the pseudo header, with this length of the L4 segment. */
u64 net_pseudo(const u8 *p, const struct net_headers *h, u32 l4_len);

/* Complete a partial checksum. False: it does not lie within the frame. */
bool net_complete(u8 *p, u32 len, u16 csum_start, u16 csum_offset);

/*
 * Cut a GSO frame of `len` bytes at `p` into frames with whole checksums. `room(arg, len)` gives a place
 * for the next one, or NULL to leave out the rest; `put(arg, place)` follows when it is written. False: it
 * is no such frame, and nothing was made of it.
 */
struct net_cut {
	u8 *(*room)(void *arg, u32 len);
	void (*put)(void *arg, u8 *place, u32 len);
	void *arg;
};

bool net_segment(const u8 *p, u32 len, u8 gso_type, u16 gso_size, const struct net_cut *cut);

/* The Toeplitz hash over what `types` (VIRTIO_NET_RSS_HASH_TYPE_*) ask for; its VIRTIO_NET_HASH_REPORT_*. */
u16 net_hash(const u8 *p, const struct net_headers *h, u32 types, const u8 key[40], u32 *hash);

/* The same for both directions of a flow. */
u32 net_flow(const u8 *p, const struct net_headers *h);

#endif
