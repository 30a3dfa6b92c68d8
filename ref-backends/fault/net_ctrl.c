// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the network device: configuration, commands, filters. */
#include <string.h>

#include "ref-backends/device/net.h"
#include "ref-backends/device/net_packet.h"
#include "ref-backends/fault/fault.h"

#define NET(ident, name_, clause_, summary_, ...)                                                  \
	FAULT(net_##ident, .name = "net-" name_, .clause = "v14.net." clause_,                     \
	      .summary = summary_, __VA_ARGS__)

/* --- configuration ---------------------------------------------------------------------------------------- */

#define CONFIG(ident, name, clause, summary, field, value)                                         \
	static void ident(struct vub_session *s, u8 *image, size_t len)                            \
	{                                                                                          \
		((struct virtio_net_config *)image)->field = value;                                \
	}                                                                                          \
	NET(ident, name, clause, summary, .config = ident)

CONFIG(no_pairs, "no-pairs", "cfg.dev.1", "max_virtqueue_pairs is 0", max_virtqueue_pairs, 0);
CONFIG(key_39, "key-39", "cfg.dev.7", "rss_max_key_size is 39", rss_max_key_size, 39);
CONFIG(table_127, "table-127", "cfg.dev.8", "rss_max_indirection_table_length is 127",
       rss_max_indirection_table_length, le16(127));
CONFIG(speed, "speed-negative", "cfg.dev.10", "speed is 0x80000000", speed, le32(0x80000000u));
CONFIG(duplex, "duplex-5", "cfg.dev.11", "duplex is 5", duplex, 5);

static void mtu_60(struct rnet *n)
{
	n->mtu = 60;
}

NET(mtu_60, "mtu-60", "cfg.dev.2", "mtu is 60", .net_reset = mtu_60);

static void mtu_1000(struct rnet *n)
{
	n->mtu = 1000;
}

NET(mtu_1000, "mtu-1000", "cfg.dev.3", "mtu is 1000", .net_reset = mtu_1000);

static void mtu_falls(struct rnet *n)
{
	n->mtu = n->mtu > 1400 ? n->mtu - 1 : 1500;
}

NET(mtu_falls, "mtu-falls", "cfg.dev.4", "mtu is one less with each reset", .net_reset = mtu_falls);

static bool longer(struct rnet *n, struct rdev_req *req, struct net_frame *f, bool good)
{
	n->mtu = 1600;
	return good || f->len == 1519;
}

static void still_1500(struct vub_session *s, u8 *image, size_t len)
{
	((struct virtio_net_config *)image)->mtu = le16(1500);
}

NET(longer, "mtu-exceeded", "cfg.dev.5", "frames of 1519 bytes are received with mtu 1500",
    .net_tx = longer, .config = still_1500);

static bool shorter(struct rnet *n, struct rdev_req *req, struct net_frame *f, bool good)
{
	return good && !(net_has(n, VIRTIO_NET_F_MTU) && f->len == n->mtu + VNET_ETH_HEADER);
}

NET(shorter, "mtu-14-missing", "cfg.dev.6", "a frame of mtu + 14 bytes is dropped",
    .net_tx = shorter);

static u64 hash_alone(u64 f)
{
	return f & ~(BIT_ULL(VIRTIO_NET_F_CTRL_VQ) | BIT_ULL(VIRTIO_NET_F_CTRL_RX_EXTRA));
}

NET(hash_alone, "hash-no-control", "cfg.dev.13", "HASH_REPORT is offered, CTRL_VQ is not",
    .features = hash_alone);

static u64 extra_alone(u64 f)
{
	return f & ~(BIT_ULL(VIRTIO_NET_F_CTRL_VQ) | BIT_ULL(VIRTIO_NET_F_HASH_REPORT));
}

NET(extra_alone, "extra-no-control", "cfg.dev.14", "CTRL_RX_EXTRA is offered, CTRL_VQ is not",
    .features = extra_alone);

/* --- commands --------------------------------------------------------------------------------------------- */

static void refuse(const struct virtio_net_ctrl_hdr *hdr, u8 cmd, u8 *answer)
{
	if (hdr->class == VIRTIO_NET_CTRL_RX && hdr->cmd == cmd)
		answer[0] = VIRTIO_NET_ERR;
}

#define REFUSES(ident, name, clause, cmd)                                                          \
	static void ident(struct rnet *n, struct rdev_req *req,                                    \
			  const struct virtio_net_ctrl_hdr *hdr, u8 *answer)                       \
	{                                                                                          \
		refuse(hdr, cmd, answer);                                                          \
	}                                                                                          \
	NET(ident, "no-" name, "rx-filter.dev." clause, "command " name " is an error",            \
	    .net_ctrl = ident)

REFUSES(no_promisc, "promisc", "1a", VIRTIO_NET_CTRL_RX_PROMISC);
REFUSES(no_allmulti, "allmulti", "1b", VIRTIO_NET_CTRL_RX_ALLMULTI);
REFUSES(no_alluni, "alluni", "5a", VIRTIO_NET_CTRL_RX_ALLUNI);
REFUSES(no_nomulti, "nomulti", "5b", VIRTIO_NET_CTRL_RX_NOMULTI);
REFUSES(no_nouni, "nouni", "5c", VIRTIO_NET_CTRL_RX_NOUNI);
REFUSES(no_nobcast, "nobcast", "5d", VIRTIO_NET_CTRL_RX_NOBCAST);

static void length_8(struct rnet *n, struct rdev_req *req)
{
	req->used_len = 8;
}

FAULT(net_ack_length_8, .name = "net-ack-length-8", .clause = "v14.split-ring.used-ring.dev.2",
      .summary = "a command is returned with the length of its buffer", .net_ctrl_done = length_8);

static void obliging(struct rnet *n, struct rdev_req *req, const struct virtio_net_ctrl_hdr *hdr,
		     u8 *answer)
{
	if (hdr->class == 77)
		answer[0] = VIRTIO_NET_OK;
}

FAULT(net_obliging, .name = "net-unknown-class-ok", .clause = "ROB.live.bad-request",
      .summary = "a command of a class that does not exist is OK", .net_ctrl = obliging);

static void old_mac(struct vub_session *s, u8 *image, size_t len)
{
	static const u8 mac[6] = { 0x52, 0x54, 0, 0x52, 0x53, 1 };

	memcpy(image, mac, 6);
}

NET(old_mac, "mac-in-config", "mac-filter.dev.3", "mac does not follow MAC_ADDR_SET",
    .config = old_mac);

static void still_asked(struct rnet *n, struct rdev_req *req, const struct virtio_net_ctrl_hdr *hdr,
			u8 *answer)
{
	if (hdr->class == VIRTIO_NET_CTRL_ANNOUNCE)
		__atomic_fetch_or(&n->status, VIRTIO_NET_S_ANNOUNCE, __ATOMIC_RELAXED);
}

NET(still_asked, "announce-stays", "announce.dev.1", "ANNOUNCE stays in status",
    .net_ctrl = still_asked);

static void reserved(struct rnet *n, struct rdev_req *req, const struct virtio_net_ctrl_hdr *hdr,
		     u8 *answer)
{
	const struct dvq_seg *seg = &req->chain.segs[0];

	if (hdr->class == VIRTIO_NET_CTRL_NOTF_COAL && hdr->cmd == 2 && seg->len >= 6 &&
	    ((const u8 *)seg->base)[4])
		answer[0] = VIRTIO_NET_ERR;
}

NET(reserved, "coal-reserved", "notf-coal.dev.1", "reserved bits of VQ_SET are an error",
    .net_ctrl = reserved);

static void any_queue(struct rnet *n, struct rdev_req *req, const struct virtio_net_ctrl_hdr *hdr,
		      u8 *answer)
{
	if (hdr->class == VIRTIO_NET_CTRL_NOTF_COAL)
		answer[0] = VIRTIO_NET_OK;
}

NET(any_queue, "coal-any-queue", "notf-coal.dev.4", "VQ_SET of a queue that is none is OK",
    .net_ctrl = any_queue);

/* --- filters ------------------------------------------------------------------------------------------------ */

enum kind {
	UNICAST,
	MULTICAST,
	BROADCAST,
};

static enum kind kind_of(const u8 *mac)
{
	return !(mac[0] & 1) ? UNICAST : mac[0] == 0xff ? BROADCAST : MULTICAST;
}

static bool has_mode(const struct rnet *n, u8 cmd)
{
	return n->ctl.mode[cmd];
}

#define ALLMULTI VIRTIO_NET_CTRL_RX_ALLMULTI
#define ALLUNI	 VIRTIO_NET_CTRL_RX_ALLUNI
#define NOMULTI	 VIRTIO_NET_CTRL_RX_NOMULTI
#define NOUNI	 VIRTIO_NET_CTRL_RX_NOUNI
#define NOBCAST	 VIRTIO_NET_CTRL_RX_NOBCAST
#define PROMISC	 VIRTIO_NET_CTRL_RX_PROMISC

/* A frame of one kind is, or is not, delivered when `when` holds. */
#define WANTED(ident, name, clause, summary, kind, when, then)                                     \
	static bool ident(const struct rnet *n, const u8 *head, u32 len, bool wanted)              \
	{                                                                                          \
		return kind_of(head) == (kind) && net_has(n, VIRTIO_NET_F_CTRL_RX) && (when)       \
			       ? (then)                                                            \
			       : wanted;                                                           \
	}                                                                                          \
	NET(ident, name, clause, summary, .net_wanted = ident)

#define OFF !has_mode(n, PROMISC)

WANTED(not_all, "promisc-not-all", "rx-filter.dev.2", "no multicast in promiscuous mode", MULTICAST,
       has_mode(n, PROMISC) && !has_mode(n, NOBCAST), false);
WANTED(weak_promisc, "promisc-weak", "rx-filter.dev.3", "NOUNI counts in promiscuous mode", UNICAST,
       has_mode(n, PROMISC) && has_mode(n, NOUNI) && has_mode(n, NOBCAST), false);
WANTED(allmulti_off, "allmulti-ignored", "rx-filter.dev.4", "ALLMULTI changes nothing", MULTICAST,
       OFF &&has_mode(n, ALLMULTI), false);
WANTED(alluni_off, "alluni-ignored", "rx-filter.dev.6", "ALLUNI changes nothing", UNICAST,
       OFF &&has_mode(n, ALLUNI), false);
WANTED(nomulti_off, "nomulti-ignored", "rx-filter.dev.7", "NOMULTI changes nothing", MULTICAST,
       OFF &&has_mode(n, NOMULTI) && !has_mode(n, ALLMULTI), true);
WANTED(nomulti_weak, "nomulti-weak", "rx-filter.dev.8", "ALLMULTI is stronger than NOMULTI",
       MULTICAST, OFF &&has_mode(n, NOMULTI) && has_mode(n, ALLMULTI), true);
WANTED(nomulti_wide, "nomulti-broadcast", "rx-filter.dev.9", "NOMULTI is against broadcasts, too",
       BROADCAST, OFF &&has_mode(n, NOMULTI), false);
WANTED(nouni_off, "nouni-ignored", "rx-filter.dev.10", "NOUNI changes nothing", UNICAST,
       OFF &&has_mode(n, NOUNI) && !has_mode(n, ALLUNI), true);
WANTED(nouni_weak, "nouni-weak", "rx-filter.dev.11", "ALLUNI is stronger than NOUNI", UNICAST,
       OFF &&has_mode(n, NOUNI) && has_mode(n, ALLUNI), true);
WANTED(nobcast_off, "nobcast-ignored", "rx-filter.dev.12", "NOBCAST changes nothing", BROADCAST,
       OFF &&has_mode(n, NOBCAST) && !has_mode(n, ALLMULTI), true);
WANTED(nobcast_weak, "nobcast-weak", "rx-filter.dev.13", "ALLMULTI is stronger than NOBCAST",
       BROADCAST, OFF &&has_mode(n, NOBCAST) && has_mode(n, ALLMULTI), true);
WANTED(table_off, "table-ignored", "mac-filter.dev.2", "the table of addresses changes nothing",
       UNICAST,
       OFF && !has_mode(n, ALLUNI) &&
	       net_mac_pack(head) != __atomic_load_n(&n->mac_now, __ATOMIC_RELAXED),
       false);
WANTED(table_wide, "table-all-groups", "mac-filter.dev.4",
       "with an address in the table all groups are received", MULTICAST,
       OFF && n->ctl.n_unicast == 1 && n->ctl.n_multicast == 0, true);

/* The last table with one address of each kind. */
static struct net_control kept;

static void keep(struct rnet *n, struct rdev_req *req, const struct virtio_net_ctrl_hdr *hdr,
		 u8 *answer)
{
	if (hdr->class == VIRTIO_NET_CTRL_MAC && n->ctl.n_unicast == 1 && n->ctl.n_multicast == 1)
		kept = n->ctl;
}

static void recall(struct rnet *n)
{
	memcpy(n->ctl.unicast, kept.unicast, sizeof(kept.unicast));
	memcpy(n->ctl.multicast, kept.multicast, sizeof(kept.multicast));
	n->ctl.n_unicast = kept.n_unicast;
	n->ctl.n_multicast = kept.n_multicast;
}

NET(table_kept, "table-kept", "mac-filter.dev.1", "a reset leaves the table of addresses",
    .net_ctrl = keep, .net_reset = recall);

static u16 vid_of(const u8 *head)
{
	return net_get16(head + 12) == VNET_ETHERTYPE_VLAN ? net_get16(head + 14) & 0xfff : 0xffff;
}

static bool no_4094(const struct rnet *n, const u8 *head, u32 len, bool wanted)
{
	return wanted && (net_has(n, VIRTIO_NET_F_CTRL_VLAN) || vid_of(head) != 4094);
}

NET(no_4094, "vlan-4094-lost", "vlan.dev.1", "frames of VLAN 4094 are not received",
    .net_wanted = no_4094);

static bool no_added(const struct rnet *n, const u8 *head, u32 len, bool wanted)
{
	return wanted && !(net_has(n, VIRTIO_NET_F_CTRL_VLAN) && vid_of(head) == 5);
}

NET(no_added, "vlan-add-ignored", "vlan.dev.2", "VLAN 5 is not received when it was added",
    .net_wanted = no_added);

static bool any_vlan(const struct rnet *n, const u8 *head, u32 len, bool wanted)
{
	return wanted || (net_has(n, VIRTIO_NET_F_CTRL_VLAN) && vid_of(head) == 6);
}

NET(any_vlan, "vlan-6-comes", "vlan.dev.3", "VLAN 6 is received, which was not added",
    .net_wanted = any_vlan);
