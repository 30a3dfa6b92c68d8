// SPDX-License-Identifier: BSD-3-Clause
/* Faults of feature bits. */
#include <unistd.h>

#include "ref-backends/binding/vhost_user/dispatch.h"
#include "ref-backends/device/blk.h"
#include "ref-backends/fault/fault.h"

static u64 without_version_1(u64 offered)
{
	return offered & ~BIT_ULL(VIRTIO_F_VERSION_1);
}

FAULT(version_1_missing, .name = "version-1-missing", .clause = "v14.reserved-features.bits.dev.1",
      .summary = "does not offer VIRTIO_F_VERSION_1", .features = without_version_1);

static u64 with_stray_bit(u64 offered)
{
	return offered | BIT_ULL(50);
}

FAULT(feature_stray_bit, .name = "feature-stray-bit", .clause = "v14.basic.feature-bits.dev.4",
      .summary = "offers bit 50, which nothing defines", .features = with_stray_bit);

static u64 with_sr_iov(u64 offered)
{
	return offered | BIT_ULL(37);
}

FAULT(feature_sr_iov, .name = "feature-sr-iov", .clause = "v14.reserved-features.bits.dev.10",
      .summary = "offers VIRTIO_F_SR_IOV", .features = with_sr_iov);

/* A combination that no driver chooses, but may. */
static enum fault_action lone_topology(struct rblk *blk, struct rblk_req *req)
{
	const u64 all = BIT_ULL(VIRTIO_BLK_F_TOPOLOGY) | BIT_ULL(VIRTIO_BLK_F_BLK_SIZE) |
			BIT_ULL(VIRTIO_BLK_F_FLUSH) | BIT_ULL(VIRTIO_BLK_F_SEG_MAX);

	if (req->type != VIRTIO_BLK_T_OUT ||
	    (blk->features & all) != BIT_ULL(VIRTIO_BLK_F_TOPOLOGY))
		return FAULT_PASS;
	rblk_finish(req, VIRTIO_BLK_S_IOERR);
	return FAULT_DONE;
}

FAULT(feature_not_honoured, .name = "feature-not-honoured",
      .clause = "v14.basic.feature-bits.dev.4",
      .summary = "fails writes when TOPOLOGY is the only block feature accepted",
      .blk_request = lone_topology);

/* --- what is accepted ------------------------------------------------------------------------------------ */

static bool sets_features(const struct vub_request *rq)
{
	return rq->msg.hdr.request == VU_SET_FEATURES && rq->msg.hdr.size == sizeof(u64);
}

/* As the back-end itself says no: by the acknowledgement, and by FEATURES_OK. */
static enum fault_action refuse(struct vub_session *s, struct vub_request *rq,
				struct vub_reply *rep)
{
	s->features_refused = true;
	if (rq->msg.hdr.flags & VU_FLAG_NEED_REPLY)
		vub_reply_u64(rep, 1);
	return FAULT_DONE;
}

static enum fault_action event_needs_indirect(struct vub_session *s, struct vub_request *rq,
					      struct vub_reply *rep)
{
	const u64 with = BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | BIT_ULL(VIRTIO_BLK_F_BLK_SIZE);
	const u64 all = with | BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);

	if (sets_features(rq) && (rq->msg.u64 & all) == with)
		return refuse(s, rq, rep);
	return FAULT_PASS;
}

FAULT(subset_refused, .name = "subset-refused", .clause = "v14.basic.feature-bits.dev.2",
      .summary = "refuses EVENT_IDX and BLK_SIZE without INDIRECT_DESC",
      .request = event_needs_indirect);

/* Features of the device itself, a second time in a session. */
static bool were_set, was_reset;

static void forget_set(struct vub_session *s)
{
	were_set = was_reset = false;
}

static enum fault_action once_in_a_session(struct vub_session *s, struct vub_request *rq,
					   struct vub_reply *rep)
{
	const u64 flush = BIT_ULL(VIRTIO_BLK_F_FLUSH);

	if (rq->msg.hdr.request == VU_SET_STATUS && rq->msg.u64 == 0)
		was_reset = were_set;
	if (!sets_features(rq) || !(rq->msg.u64 & flush))
		return FAULT_PASS;
	if (was_reset)
		return refuse(s, rq, rep);
	were_set = true;
	return FAULT_PASS;
}

FAULT(features_once, .name = "features-once", .clause = "v14.basic.feature-bits.dev.5",
      .summary = "refuses after a reset the features it accepted before",
      .session_start = forget_set, .request = once_in_a_session);

static void features_ok_anyway(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_GET_STATUS && rep->send && s->features_refused)
		rep->msg.u64 |= VIRTIO_CONFIG_S_FEATURES_OK;
}

FAULT(features_ok_anyway, .name = "features-ok-anyway", .clause = "v14.basic.feature-bits.dev.3",
      .summary = "shows FEATURES_OK although it refused the features", .reply = features_ok_anyway);

static enum fault_action legacy_dies(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	if (sets_features(rq) && !(rq->msg.u64 & BIT_ULL(VIRTIO_F_VERSION_1)))
		_exit(70);
	return FAULT_PASS;
}

FAULT(legacy_driver_dies, .name = "legacy-driver-dies", .clause = "ROB.live.new-session",
      .summary = "ends when VIRTIO_F_VERSION_1 is not accepted", .request = legacy_dies);
