/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a network device (VIRTIO 1.4, 5.1): frames to send, and what is in one that came.
 * Packets are built from a few numbers, so that what arrives can be compared with what was sent.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_NET_H
#define HARNESS_DEVICE_NET_H

#include "harness/spec/virtio14_net.h"

#define NET_HDR	     12u /* virtio_net_hdr as drivers of VERSION_1 have it */
#define NET_HDR_HASH 20u /* with VIRTIO_NET_F_HASH_REPORT */

/* All zero: an IPv4 UDP packet without payload, to the broadcast address, without a VLAN tag. */
struct net_packet {
	u8 dst[6], src[6]; /* dst all zero: broadcast */
	u16 vlan;	   /* tag + 1; 0: none */
	bool v6, tcp, raw; /* raw: neither, an EtherType for experiments */
	u16 sport, dport;
	u32 payload; /* bytes, which follow from `seed` */
	u32 seed;
	u8 tcp_flags;
	bool partial;  /* the checksum is left to the device */
	bool bad_csum; /* it is wrong */
};

/* Where things are in the frame. */
struct net_layout {
	u32 l3, l4, data, len;
	u16 csum_offset; /* from l4 */
};

/* Build it at `p`; how long the longest can be the caller knows. */
struct net_layout net_build(u8 *p, const struct net_packet *t);

/* Are all checksums of this frame right? It is one of net_build()'s making, or a piece of one. */
bool net_checksums_right(const u8 *p, u32 len);
/* What a partial checksum has to be. */
u16 net_pseudo_sum(const u8 *p, const struct net_layout *at);
/* Finish a partial checksum as a network card would. False: it is not within the frame. */
bool net_finish_checksum(u8 *p, u32 len, u16 start, u16 offset);

static inline u16 net_be16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

/* Byte `i` of a payload. */
static inline u8 net_payload_byte(u32 seed, u32 i)
{
	return (u8)((seed * 2654435761u + i * 40503u) >> 7);
}

/* Toeplitz, over addresses and, with `ports`, ports. */
u32 net_toeplitz(const u8 *p, const struct net_layout *at, bool v6, bool ports, const u8 key[40]);

#endif
