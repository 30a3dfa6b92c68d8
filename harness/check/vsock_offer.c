// SPDX-License-Identifier: BSD-3-Clause
/* Socket device: features (5.10.3) and configuration (5.10.4). */
#include "harness/check/vsock_kit.h"

#define OFFERS	"v14.vsock.features.dev.1"
#define IMPLIED "v14.vsock.features.dev.2"
#define CID	"v14.vsock.rxtx.dev.1"

static void offers(struct ck *c)
{
	if (!(c->offered & VK_F(NO_IMPLIED_STREAM)))
		ck_fail(c, OFFERS, "VIRTIO_VSOCK_F_NO_IMPLIED_STREAM (2)", "features are 0x%llx",
			(unsigned long long)c->offered);
}

CHECK(offers, .id = "vsock.offer.no-implied-stream", .clauses = { OFFERS },
      .stimulus = "the features that are offered",
      .oracle = "VIRTIO_VSOCK_F_NO_IMPLIED_STREAM is among them", .device = VIRTIO_ID_VSOCK,
      .run = offers);

static void reserved(struct ck *c)
{
	struct vk k;

	if (!vk_up(c, &k, VK_ALL, 0))
		return;
	/* 5.10.4: these are nobody's, and the upper half is not used. */
	if (k.cid <= VSOCK_CID_HOST || k.cid >= VSOCK_CID_ANY)
		ck_fail(c, CID, "from 3 to 0xfffffffe", "guest_cid is 0x%llx",
			(unsigned long long)k.cid);
}

CHECK(reserved, .id = "vsock.config.cid", .clauses = { CID }, .stimulus = "guest_cid is read",
      .oracle = "it is none of the reserved ones: 0, 1, 2, 0xffffffff, all ones",
      .device = VIRTIO_ID_VSOCK, .caps = TP_CAP_CONFIG, .run = reserved);

static void no_feature(struct ck *c)
{
	struct vsock_head h;
	struct vk_packet p;
	struct vk k;
	int rc;

	if (!vk_listen(c, VK_STREAM) || !vk_up(c, &k, 0, VK_BUFFERS))
		return;
	h = vk_request(&k, VK_STREAM, VK_OURS, VK_LISTENING);
	if (!vk_send(c, &k, &h, NULL, 0))
		return;
	rc = vk_next(c, &k, &p);
	if (rc >= 0 && (!rc || p.h.op != VIRTIO_VSOCK_OP_RESPONSE))
		ck_fail(c, IMPLIED, "RESPONSE", "a request for a stream gets %s",
			rc ? vsock_op_name(p.h.op) : "no answer");
}

CHECK(no_feature, .id = "vsock.connect.no-feature", .clauses = { IMPLIED },
      .stimulus = "none of the three features is accepted; a stream is asked for, the peer listens",
      .oracle = "it is there", .device = VIRTIO_ID_VSOCK, .caps = TP_CAP_CONFIG | TP_CAP_PEER,
      .run = no_feature);
