// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the network device: which receive queue a frame goes to, and coalescing. */
#include <string.h>

#include "ref-backends/device/net.h"
#include "ref-backends/fault/fault.h"

static u16 was_set; /* by VQ_PAIRS_SET, in this session; 0: nothing */

static void note(struct rnet *n, struct rdev_req *req, const struct virtio_net_ctrl_hdr *hdr,
		 u8 *answer)
{
	if (hdr->class == VIRTIO_NET_CTRL_MQ && hdr->cmd == VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET)
		was_set = n->ctl.pairs;
}

static void forget(struct rnet *n)
{
	was_set = 0;
}

/* Some flows, by a port. */
static bool is_other(const struct rnet *n, const struct net_frame *f)
{
	u8 port = 0;

	if (!net_has(n, VIRTIO_NET_F_MQ) || f->len < 60)
		return false;
	net_frame_copy(f, 35, &port, 1);
	return port & 4;
}

static u16 too_early(const struct rnet *n, const struct net_frame *f, u16 pair)
{
	return !was_set && !n->ctl.rss && is_other(n, f) ? 1 : pair;
}

FAULT(net_too_early, .name = "net-mq-too-early", .clause = "v14.net.mq-auto.dev.1",
      .summary = "some flows come on the second queue before VQ_PAIRS_SET", .net_ctrl = note,
      .net_reset = forget, .net_steer = too_early);

static u16 too_late(const struct rnet *n, const struct net_frame *f, u16 pair)
{
	return was_set == 1 && !n->ctl.rss && is_other(n, f) ? 1 : pair;
}

FAULT(net_too_late, .name = "net-mq-too-late", .clause = "v14.net.mq-auto.dev.2",
      .summary = "some flows come on the second queue after VQ_PAIRS_SET of 1", .net_ctrl = note,
      .net_reset = forget, .net_steer = too_late);

static u16 the_other(const struct rnet *n, const struct net_frame *f, u16 pair)
{
	return n->ctl.rss && is_other(n, f) ? pair ^ 1 : pair;
}

FAULT(net_the_other, .name = "net-rss-other", .clause = "v14.net.rss.dev.1",
      .summary = "some flows come on another queue than the table names", .net_steer = the_other);

static void clamped(struct rnet *n, struct rdev_req *req, const struct virtio_net_ctrl_hdr *hdr,
		    u8 *answer)
{
	if (hdr->class == VIRTIO_NET_CTRL_NOTF_COAL && hdr->cmd == 2 && answer[0] == VIRTIO_NET_OK)
		n->ctl.vq_coal[0].packets = MIN(n->ctl.vq_coal[0].packets, 1024u);
}

FAULT(net_clamped, .name = "net-coal-clamped", .clause = "v14.net.notf-coal.dev.3",
      .summary = "more than 1024 packets are set to 1024, and OK", .net_ctrl = clamped);
