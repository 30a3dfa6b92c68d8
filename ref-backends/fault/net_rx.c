// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the network device: frames, and the headers in front of them. */
#include <string.h>

#include "ref-backends/device/net.h"
#include "ref-backends/device/net_packet.h"
#include "ref-backends/fault/fault.h"

#define NET(ident, name_, clause_, summary_, ...)                                                  \
	FAULT(net_##ident, .name = "net-" name_, .clause = "v14.net." clause_,                     \
	      .summary = summary_, __VA_ARGS__)

static bool is_raw(const u8 *frame)
{
	return net_get16(frame + 12) == 0x88b5;
}

/* --- receive buffers ------------------------------------------------------------------------------------ */

static void zero_buffers(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)
{
	if (!net_has(n, VIRTIO_NET_F_MRG_RXBUF))
		h->hdr.num_buffers = 0;
}

NET(zero_buffers, "num-buffers-0", "rx.dev.1", "num_buffers is 0 without MRG_RXBUF",
    .net_header = zero_buffers);

static void cut_off(struct rnet *n, struct rdev_req **reqs, u32 count, u32 len)
{
	if (len == 1514 && !net_has(n, VIRTIO_NET_F_MRG_RXBUF) && !net_has(n, VIRTIO_NET_F_MTU))
		reqs[0]->used_len = 1024;
}

NET(cut_off, "frame-cut-off", "rxbuf.dev.2", "a frame of 1514 bytes loses its end",
    .net_filled = cut_off);

static void one_more(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)
{
	if (le16(h->hdr.num_buffers) > 1 && len <= 1514)
		h->hdr.num_buffers = le16((u16)(le16(h->hdr.num_buffers) + 1));
}

NET(one_more, "num-buffers-plus-1", "rx.dev.2", "num_buffers is one too many",
    .net_header = one_more);

static void not_full(struct rnet *n, struct rdev_req **reqs, u32 count, u32 len)
{
	if (count > 1)
		reqs[0]->used_len--;
}

NET(not_full, "buffer-not-full", "rx.dev.3", "the first of several buffers lacks a byte",
    .net_filled = not_full);

static void last_short(struct rnet *n, struct rdev_req **reqs, u32 count, u32 len)
{
	if (count > 1)
		reqs[count - 1]->used_len--;
}

NET(last_short, "merged-short", "rxbuf.dev.1", "a frame in several buffers lacks its last byte",
    .net_filled = last_short);

static void at_once(struct rnet *n, struct net_rx *rx)
{
	struct rdev_req *req;

	if (net_fifo_first(&rx->fifo)->len != 1214)
		return;
	req = rx->held[--rx->nheld];
	rx->room -= req->chain.writable;
	req->used_len = (u32)req->chain.writable;
	req->done(req);
}

NET(at_once, "buffers-one-by-one", "rx.dev.4", "buffers come back before there are enough",
    .net_starved = at_once);

/* --- flags ------------------------------------------------------------------------------------------------ */

static void flags_left(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)
{
	if (!net_has(n, VIRTIO_NET_F_GUEST_CSUM) && net_has(n, VIRTIO_NET_F_CSUM))
		h->hdr.flags |= VIRTIO_NET_HDR_F_NEEDS_CSUM;
}

NET(flags_left, "flags-unasked", "rx.dev.5", "NEEDS_CSUM without GUEST_CSUM",
    .net_header = flags_left);

static void csum_left(struct rnet *n, u16 pair, struct net_held *h)
{
	if (!net_has(n, VIRTIO_NET_F_GUEST_CSUM) && net_has(n, VIRTIO_NET_F_CSUM) && h->len > 80 &&
	    net_get16(h->bytes + 12) == VNET_ETHERTYPE_VLAN)
		h->bytes[74] ^= 0x11;
}

NET(csum_left, "checksum-not-done", "rx.dev.6", "a checksum behind a VLAN tag is wrong",
    .net_rx = csum_left);

#define BIT_FAULT(ident, name, clause, summary, field, bit)                                        \
	static void ident(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)  \
	{                                                                                          \
		if (is_raw(f) && len == 590 && !net_has(n, VIRTIO_NET_F_MRG_RXBUF))                \
			h->hdr.field |= bit;                                                       \
	}                                                                                          \
	NET(ident, name, clause, summary, .net_header = ident)

BIT_FAULT(tunnel_bit, "tunnel-bit", "rx.dev.11", "a tunnel bit in gso_type", gso_type, 0x20);
BIT_FAULT(tunnel_csum, "tunnel-csum", "rx.dev.12", "UDP_TUNNEL_CSUM in flags", flags,
	  VNET_F_TUNNEL_CSUM);
BIT_FAULT(rsc_info, "rsc-info", "rx.dev.30", "RSC_INFO in flags", flags, VIRTIO_NET_HDR_F_RSC_INFO);

static bool unfinished(const struct rnet *n, const struct virtio_net_hdr_v1_hash *h, const u8 *f)
{
	u16 type = net_get16(f + 12);

	return net_has(n, VIRTIO_NET_F_GUEST_CSUM) && !h->hdr.flags && !h->hdr.gso_type &&
	       (type == VNET_ETHERTYPE_IPV4 || type == VNET_ETHERTYPE_IPV6);
}

static void all_valid(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)
{
	if (unfinished(n, h, f))
		h->hdr.flags = VIRTIO_NET_HDR_F_DATA_VALID;
}

NET(all_valid, "all-valid", "rx.dev.33", "DATA_VALID for checksums that nobody looked at",
    .net_header = all_valid);

static void v6_valid(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)
{
	if (unfinished(n, h, f) && net_get16(f + 12) == VNET_ETHERTYPE_IPV6)
		h->hdr.flags = VIRTIO_NET_HDR_F_DATA_VALID;
}

NET(v6_valid, "sent-is-valid", "tx.dev.11", "what was sent over IPv6 is taken to be verified",
    .net_header = v6_valid);

static void all_partial(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)
{
	if (unfinished(n, h, f))
		h->hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
}

NET(all_partial, "all-partial", "rx.dev.18", "NEEDS_CSUM for checksums that are complete",
    .net_header = all_partial);

static void no_pseudo(struct rnet *n, u16 pair, struct net_held *h)
{
	u32 at = (u32)h->csum_start + h->csum_offset;

	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && !h->gso_type && at + 2 <= h->len)
		net_put16(h->bytes + at, 0);
}

NET(no_pseudo, "no-pseudo-header", "rx.dev.19", "a partial checksum is 0", .net_rx = no_pseudo);

static void csum_beside(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)
{
	if (h->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && !h->hdr.gso_type)
		h->hdr.csum_start = le16((u16)(le16(h->hdr.csum_start) + 2));
}

NET(csum_beside, "csum-start-plus-2", "rx.dev.20", "csum_start is two bytes on",
    .net_header = csum_beside);

/* --- GSO ------------------------------------------------------------------------------------------------------ */

static u16 sent_hdr_len;

static bool note_hdr_len(struct rnet *n, struct rdev_req *req, struct net_frame *f, bool good)
{
	struct virtio_net_hdr_v1 hdr;

	if (req->chain.n_readable && req->chain.segs[0].len >= sizeof(hdr)) {
		memcpy(&hdr, req->chain.segs[0].base, sizeof(hdr));
		sent_hdr_len = le16(hdr.hdr_len);
	}
	return good;
}

/* A segment of a packet whose header was as it should be. */
static bool segment_of(const struct rnet *n, const u8 *f, u16 ethertype, u8 proto)
{
	u32 at = ethertype == VNET_ETHERTYPE_IPV4 ? 23 : 20;

	return net_has(n, VIRTIO_NET_F_HOST_TSO4) && !n->ctl.offloads && sent_hdr_len >= 42 &&
	       sent_hdr_len < 100 && net_get16(f + 12) == ethertype && f[at] == proto;
}

#define GSO_FAULT(ident, name, clause, summary, ethertype, proto, type)                            \
	static void ident(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)  \
	{                                                                                          \
		if (segment_of(n, f, ethertype, proto))                                            \
			h->hdr.gso_type = type;                                                    \
	}                                                                                          \
	NET(ident, name, clause, summary, .net_tx = note_hdr_len, .net_header = ident)

GSO_FAULT(leaks_tso4, "tso4-unasked", "rx.dev.7", "gso_type TCPV4 without GUEST_TSO4",
	  VNET_ETHERTYPE_IPV4, VNET_PROTO_TCP, VIRTIO_NET_HDR_GSO_TCPV4);
GSO_FAULT(leaks_tso6, "tso6-unasked", "rx.dev.9", "gso_type TCPV6 without GUEST_TSO6",
	  VNET_ETHERTYPE_IPV6, VNET_PROTO_TCP, VIRTIO_NET_HDR_GSO_TCPV6);
GSO_FAULT(leaks_uso, "uso-unasked", "rx.dev.10", "gso_type UDP_L4 without GUEST_USO4 and 6",
	  VNET_ETHERTYPE_IPV4, VNET_PROTO_UDP, VIRTIO_NET_HDR_GSO_UDP_L4);
GSO_FAULT(leaks_any, "gso-unasked", "rx.dev.26", "gso_type UDP with no segmentation negotiated",
	  VNET_ETHERTYPE_IPV4, VNET_PROTO_TCP, VIRTIO_NET_HDR_GSO_UDP);

static void no_flag(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)
{
	if (h->hdr.gso_type)
		h->hdr.flags = 0;
}

NET(no_flag, "gso-no-csum", "rx.dev.27", "a GSO frame without NEEDS_CSUM", .net_header = no_flag);

static void no_size(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)
{
	h->hdr.gso_size = 0;
}

NET(no_size, "gso-size-0", "rx.dev.28", "a GSO frame without gso_size", .net_header = no_size);

static void short_headers(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)
{
	if (h->hdr.gso_type)
		h->hdr.hdr_len = le16(14);
}

NET(short_headers, "gso-hdr-len-14", "rx.dev.31", "hdr_len of a GSO frame is 14",
    .net_header = short_headers);

/* Of a driver that takes all kinds. */
#define KIND_FAULT(ident, name, clause, summary, when, code)                                       \
	static void ident(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)  \
	{                                                                                          \
		if (n->ctl.offloads & BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) &&                          \
		    n->ctl.offloads & BIT_ULL(VIRTIO_NET_F_GUEST_USO4) && (when)) {                \
			code;                                                                      \
		}                                                                                  \
	}                                                                                          \
	NET(ident, name, clause, summary, .net_header = ident)

#define IS_UDP (net_get16(f + 12) == VNET_ETHERTYPE_IPV4 && f[23] == VNET_PROTO_UDP && len > 1514)
#define IS_GSO (VNET_GSO_BASE(h->hdr.gso_type) == VIRTIO_NET_HDR_GSO_TCPV4)

KIND_FAULT(ufo, "ufo", "rx.dev.8", "datagrams to be cut have gso_type UDP", IS_UDP,
	   h->hdr.gso_type = VIRTIO_NET_HDR_GSO_UDP);
KIND_FAULT(tunnel_gso, "tunnel-gso", "rx.dev.21", "packets to be cut have a tunnel bit", IS_GSO,
	   h->hdr.gso_type |= 0x20);
KIND_FAULT(tunnel_gso_csum, "tunnel-gso-csum", "rx.dev.25",
	   "packets to be cut have a tunnel bit, and the flag of its checksum", IS_GSO,
	   h->hdr.gso_type |= 0x20;
	   h->hdr.flags |= VNET_F_TUNNEL_CSUM);

static void no_ecn(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)
{
	h->hdr.gso_type &= (u8)~VIRTIO_NET_HDR_GSO_ECN;
}

NET(no_ecn, "ecn-lost", "rx.dev.14", "the ECN bit of a GSO frame is lost", .net_header = no_ecn);

static bool ecn_anyway(struct rnet *n, struct rdev_req *req, struct net_frame *f, bool good)
{
	if (f->gso_type & VIRTIO_NET_HDR_GSO_ECN)
		n->ctl.offloads |= BIT_ULL(VIRTIO_NET_F_GUEST_ECN);
	return good;
}

NET(ecn_anyway, "ecn-unasked", "rx.dev.13", "TSO packets with CWR without GUEST_ECN",
    .net_tx = ecn_anyway);

/* --- transmission ----------------------------------------------------------------------------------------- */

static bool header_of(const struct rdev_req *req, struct virtio_net_hdr_v1 *hdr)
{
	if (!req->chain.n_readable || req->chain.segs[0].len < sizeof(*hdr))
		return false;
	memcpy(hdr, req->chain.segs[0].base, sizeof(*hdr));
	return true;
}

static bool strict_flags(struct rnet *n, struct rdev_req *req, struct net_frame *f, bool good)
{
	struct virtio_net_hdr_v1 hdr;

	return good && !(header_of(req, &hdr) && hdr.flags & 0x80);
}

NET(strict_flags, "unknown-flag-drops", "tx.dev.1", "a frame with flag 0x80 is dropped",
    .net_tx = strict_flags);

static bool reads_start(struct rnet *n, struct rdev_req *req, struct net_frame *f, bool good)
{
	struct virtio_net_hdr_v1 hdr;

	return good && !(header_of(req, &hdr) && !hdr.flags && le16(hdr.csum_start) > f->len);
}

NET(reads_start, "csum-start-always", "tx.dev.2", "csum_start is looked at without NEEDS_CSUM",
    .net_tx = reads_start);

static bool trusts_length(struct rnet *n, struct rdev_req *req, struct net_frame *f, bool good)
{
	struct virtio_net_hdr_v1 hdr;

	return good && !(header_of(req, &hdr) && hdr.gso_type && le16(hdr.hdr_len) > f->len);
}

NET(trusts_length, "hdr-len-trusted", "tx.dev.7", "a frame with hdr_len 0xffff is dropped",
    .net_tx = trusts_length);

static bool length_12(struct rnet *n, struct rdev_req *req, struct net_frame *f, bool good)
{
	req->used_len = 12;
	return good;
}

FAULT(net_length_12, .name = "net-tx-length-12", .clause = "v14.split-ring.used-ring.dev.2",
      .summary = "a frame that was sent is returned with length 12", .net_tx = length_12);

static bool dead;

static bool dies(struct rnet *n, struct rdev_req *req, struct net_frame *f, bool good)
{
	struct virtio_net_hdr_v1 hdr;

	dead |= header_of(req, &hdr) && hdr.gso_type == VIRTIO_NET_HDR_GSO_TCPV4 && !hdr.gso_size;
	return good && !dead;
}

static bool stuck(struct rnet *n, struct rdev_req *req, struct net_frame *f, bool good)
{
	dead |= f->len == 214 && n->features == (n->features & ~0xffffffull);
	return good && !dead;
}

static void revive(struct rnet *n)
{
	dead = false;
}

FAULT(net_dies, .name = "net-gso-size-0-kills", .clause = "ROB.live.bad-request",
      .summary = "after a TSO packet with gso_size 0 nothing is sent any more", .net_tx = dies,
      .net_reset = revive);
FAULT(net_stuck, .name = "net-small-buffer-kills", .clause = "ROB.live.bad-request",
      .summary = "after a frame that fits no buffer nothing is received any more", .net_tx = stuck,
      .net_reset = revive);
