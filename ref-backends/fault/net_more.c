// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the network device: tunnels, coalesced segments and notifications, and what its front-end tells it. */
#include <string.h>

#include "ref-backends/device/net.h"
#include "ref-backends/device/net_packet.h"
#include "ref-backends/fault/vu_filter.h"

#define NET(ident, name_, clause_, summary_, ...)                                                  \
	FAULT(net_##ident, .name = "net-" name_, .clause = "v14.net." clause_,                     \
	      .summary = summary_, __VA_ARGS__)

/* --- tunnels -------------------------------------------------------------------------------------------- */

static bool is_tunnel_set(const struct virtio_net_ctrl_hdr *hdr)
{
	return hdr->class == VNET_CTRL_HASH_TUNNEL && hdr->cmd == VNET_CTRL_HASH_TUNNEL_SET;
}

static void all_tunnels(struct rnet *n, struct rdev_req *req, const struct virtio_net_ctrl_hdr *hdr,
			u8 *answer)
{
	if (is_tunnel_set(hdr) && n->ctl.tunnels)
		n->ctl.tunnels = NET_TUNNELS;
}

NET(all_tunnels, "tunnel-all", "hash-tunnel.dev.1",
    "with one kind of tunnel enabled hashes look into all", .net_ctrl = all_tunnels);

static void any_tunnel(struct rnet *n, struct rdev_req *req, const struct virtio_net_ctrl_hdr *hdr,
		       u8 *answer)
{
	if (is_tunnel_set(hdr))
		answer[0] = VIRTIO_NET_OK;
}

NET(any_tunnel, "tunnel-any-ok", "hash-tunnel.dev.2", "OK to kinds of tunnels that are not there",
    .net_ctrl = any_tunnel);

static u32 were_on;

static void note_tunnels(struct rnet *n, struct rdev_req *req,
			 const struct virtio_net_ctrl_hdr *hdr, u8 *answer)
{
	if (is_tunnel_set(hdr))
		were_on = n->ctl.tunnels;
}

static void still_on(struct rnet *n, struct rdev_req *req, const struct virtio_net_ctrl_hdr *hdr,
		     u8 *answer)
{
	if (is_tunnel_set(hdr) && !n->ctl.tunnels)
		n->ctl.tunnels = were_on;
	note_tunnels(n, req, hdr, answer);
}

NET(still_on, "tunnel-0-ignored", "hash-tunnel.dev.3", "enabled_tunnel_types of 0 changes nothing",
    .net_ctrl = still_on);

static void kept_on(struct rnet *n)
{
	n->ctl.tunnels = were_on;
}

NET(kept_on, "tunnel-kept", "hash-tunnel.dev.3", "a reset leaves tunnels enabled",
    .net_ctrl = note_tunnels, .net_reset = kept_on);

/* --- framing ---------------------------------------------------------------------------------------------- */

static bool two_descriptors(struct rnet *n, struct rdev_req *req, struct net_frame *f, bool good)
{
	return good && req->chain.n_readable <= 2;
}

FAULT(net_two_descriptors, .name = "net-two-descriptors",
      .clause = "v14.split-ring.message-framing.dev.1",
      .summary = "drops a frame in more than two descriptors", .net_tx = two_descriptors);

/* --- coalesced segments ----------------------------------------------------------------------------------- */

#define RSC_FAULT(ident, name, clause, summary, code)                                              \
	static void ident(struct rnet *n, struct virtio_net_hdr_v1_hash *h, const u8 *f, u32 len)  \
	{                                                                                          \
		if (h->hdr.flags & VIRTIO_NET_HDR_F_RSC_INFO) {                                    \
			code;                                                                      \
		}                                                                                  \
	}                                                                                          \
	NET(ident, name, clause, summary, .net_header = ident)

RSC_FAULT(no_rsc_info, "coalesced-unsaid", "rx.dev.29a", "coalesced segments come without RSC_INFO",
	  h->hdr.flags = 0);
RSC_FAULT(one_less, "coalesced-one-less", "rx.dev.29b", "csum_start is one segment too few",
	  h->hdr.csum_start = le16((u16)(le16(h->hdr.csum_start) - 1)));
RSC_FAULT(no_acks, "coalesced-no-acks", "rx.dev.29c", "duplicate acknowledgements are not counted",
	  h->hdr.csum_offset = 0);

/* --- coalesced notifications ------------------------------------------------------------------------------- */

static void clamped_all(struct rnet *n, struct rdev_req *req, const struct virtio_net_ctrl_hdr *hdr,
			u8 *answer)
{
	if (hdr->class == VIRTIO_NET_CTRL_NOTF_COAL && hdr->cmd < 2 && answer[0] == VIRTIO_NET_OK)
		for (u32 q = 0; q < 2u * n->pairs; q++)
			n->ctl.vq_coal[q].usecs = MIN(n->ctl.vq_coal[q].usecs, 65535u);
}

NET(clamped_all, "coal-all-clamped", "notf-coal.dev.2",
    "more than 65535 us are set to that, and OK", .net_ctrl = clamped_all);

static bool coalesces;

static void note_coalescing(struct rnet *n, struct rdev_req *req,
			    const struct virtio_net_ctrl_hdr *hdr, u8 *answer)
{
	coalesces |= hdr->class == VIRTIO_NET_CTRL_NOTF_COAL && hdr->cmd < 2;
}

static void coalesces_not(struct rnet *n)
{
	coalesces = false;
}

static bool split_anyway(struct dvq_split *vq, bool due)
{
	return due || coalesces;
}

static bool packed_anyway(struct dvq_packed *vq, u32 n, bool due)
{
	return due || coalesces;
}

NET(coal_loud, "coal-loud", "notf-coal.dev.8",
    "once coalescing is set up suppressed notifications are sent", .net_ctrl = note_coalescing,
    .net_reset = coalesces_not, .notify = split_anyway, .packed_notify = packed_anyway);

/* --- messages of the front-end --------------------------------------------------------------------------- */

static void refuses_mtu(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VU_NET_SET_MTU) && rep->send)
		rep->msg.u64 = 1;
}

FAULT(net_refuses_mtu, .name = "net-mtu-refused", .clause = "VU.net.mtu.be.1",
      .summary = "answers any NET_SET_MTU with 1", .reply = refuses_mtu);

static void takes_any_mtu(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VU_NET_SET_MTU) && rep->send)
		rep->msg.u64 = 0;
}

FAULT(net_takes_any_mtu, .name = "net-mtu-any", .clause = "VU.net.mtu.be.2",
      .summary = "answers any NET_SET_MTU with 0", .reply = takes_any_mtu);

static enum fault_action forgets_mtu(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	if (vf_is(rq, VU_NET_SET_MTU) && rq->msg.u64 >= 68 && rq->msg.u64 <= 65535)
		rq->msg.u64 = 1500;
	return FAULT_PASS;
}

FAULT(net_forgets_mtu, .name = "net-mtu-forgotten", .clause = "VU.net.mtu.be.3",
      .summary = "takes any MTU for 1500", .request = forgets_mtu);

static enum fault_action another_address(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	if (vf_is(rq, VU_SEND_RARP))
		rq->msg.u64 ^= 1ull << 40;
	return FAULT_PASS;
}

FAULT(net_another_address, .name = "net-rarp-other", .clause = "VU.net.rarp.be.1",
      .summary = "the RARP that is sent has another address", .request = another_address);
