/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The network device's numbers (VIRTIO 1.4, 5.1): the kernel's header, and what the installed one may
 * not have yet.
 */
#ifndef HARNESS_SPEC_VIRTIO14_NET_H
#define HARNESS_SPEC_VIRTIO14_NET_H

#include <linux/virtio_net.h>

#include "harness/spec/virtio14.h"

#ifndef VIRTIO_NET_F_DEVICE_STATS
#define VIRTIO_NET_F_DEVICE_STATS 50
#endif
#ifndef VIRTIO_NET_F_HASH_TUNNEL
#define VIRTIO_NET_F_HASH_TUNNEL 51
#endif
#ifndef VIRTIO_NET_F_VQ_NOTF_COAL
#define VIRTIO_NET_F_VQ_NOTF_COAL 52
#endif
#ifndef VIRTIO_NET_F_GUEST_USO4
#define VIRTIO_NET_F_GUEST_USO4 54
#endif
#ifndef VIRTIO_NET_F_GUEST_USO6
#define VIRTIO_NET_F_GUEST_USO6 55
#endif
#ifndef VIRTIO_NET_F_HOST_USO
#define VIRTIO_NET_F_HOST_USO 56
#endif
#ifndef VIRTIO_NET_F_GUEST_HDRLEN
#define VIRTIO_NET_F_GUEST_HDRLEN 59
#endif
#ifndef VIRTIO_NET_F_RSC_EXT
#define VIRTIO_NET_F_RSC_EXT 61
#endif

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif
#define VNET_GSO_TUNNEL	    0x60 /* both bits that say UDP tunnel */
#define VNET_F_TUNNEL_CSUM  0x08 /* virtio_net_hdr.flags */
#define VNET_GSO_BASE(type) ((u8)((type) & ~(VIRTIO_NET_HDR_GSO_ECN | VNET_GSO_TUNNEL)))

/* The hash of what is in a tunnel (5.1.9.4.4): kinds of tunnels, as bits, and the command that enables them. */
#define VNET_CTRL_HASH_TUNNEL	  7
#define VNET_CTRL_HASH_TUNNEL_SET 0
#define VNET_TUNNEL_GRE_2784	  0x001
#define VNET_TUNNEL_GRE_2890	  0x002
#define VNET_TUNNEL_GRE_7676	  0x004
#define VNET_TUNNEL_GRE_UDP	  0x008
#define VNET_TUNNEL_VXLAN	  0x010
#define VNET_TUNNEL_VXLAN_GPE	  0x020
#define VNET_TUNNEL_GENEVE	  0x040
#define VNET_TUNNEL_IPIP	  0x080
#define VNET_TUNNEL_NVGRE	  0x100

/* Contexts of RSS, whose feature bit is 64. */
#define VNET_CTRL_RSS_CTX 9

/* Configuration, with what the kernel's has not. */
struct vnet_config {
	struct virtio_net_config base;
	u32 supported_tunnel_types;
} __attribute__((packed));

_Static_assert(sizeof(struct vnet_config) == 28, "5.1.4");

/* Statistics (5.1.9.6.8): what is asked for, as bits; what an answer is of, as their numbers. */
#define VNET_CTRL_STATS	      8
#define VNET_CTRL_STATS_QUERY 0
#define VNET_CTRL_STATS_GET   1
#define VNET_STATS_RX_BASIC   0
#define VNET_STATS_RX_CSUM    1
#define VNET_STATS_RX_GSO     2
#define VNET_STATS_RX_SPEED   3
#define VNET_STATS_TX_BASIC   16
#define VNET_STATS_TX_CSUM    17
#define VNET_STATS_TX_GSO     18
#define VNET_STATS_TX_SPEED   19
#define VNET_STATS_CVQ	      32

struct vnet_stats_ask {
	u16 queue;
	u16 reserved[3];
	u64 types;
};

struct vnet_stats_head {
	u8 type, reserved;
	u16 queue, reserved1;
	u16 size; /* with this */
};

/* Longest frame there is: 65535 bytes of IPv6 payload with its headers, and a VLAN tag. */
#define VNET_FRAME_MAX	65593u
#define VNET_FRAME_MIN	14u /* an Ethernet header */
#define VNET_ETH_HEADER 14u
#define VNET_VLAN_TAG	4u

#define VNET_ETHERTYPE_IPV4 0x0800
#define VNET_ETHERTYPE_IPV6 0x86dd
#define VNET_ETHERTYPE_VLAN 0x8100
#define VNET_PROTO_IPIP	    4
#define VNET_PROTO_TCP	    6
#define VNET_PROTO_UDP	    17
#define VNET_PROTO_GRE	    47
#define VNET_PORT_VXLAN	    4789

#endif
