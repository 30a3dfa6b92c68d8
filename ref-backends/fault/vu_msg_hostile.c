// SPDX-License-Identifier: BSD-3-Clause
/* Faults in front of messages that no front-end should send. */
#include "ref-backends/fault/vu_filter.h"

/* --- version ------------------------------------------------------------------------------------------ */

static u32 version_of(const struct vub_request *rq)
{
	return rq->msg.hdr.flags & VU_FLAG_VERSION;
}

static enum fault_action any_version(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	rq->msg.hdr.flags = (rq->msg.hdr.flags & ~VU_FLAG_VERSION) | VU_VERSION;
	return FAULT_PASS;
}

FAULT(version_ignored, .name = "version-ignored", .clause = "VU.hdr.version.be.2",
      .summary = "carries out messages of any version", .request = any_version);

static enum fault_action version_2_hangs(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	return version_of(rq) == 2 ? vf_hang() : FAULT_PASS;
}

FAULT(version_hangs, .name = "version-2-hangs", .clause = "ROB.live.no-hang",
      .summary = "blocks on a message of version 2", .request = version_2_hangs);

static enum fault_action version_3_kills(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	return version_of(rq) == 3 ? vf_die() : FAULT_PASS;
}

FAULT(version_kills, .name = "version-3-kills", .clause = "ROB.live.new-session",
      .summary = "dies of a message of version 3", .request = version_3_kills);

/* --- ids ------------------------------------------------------------------------------------------------ */

static enum fault_action unknown_done(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	return rq->msg.hdr.request > 45 ? vf_ack(s, rq, rep, 0) : FAULT_PASS;
}

FAULT(unknown_id_done, .name = "unknown-id-done", .clause = "ROB.msg.unknown",
      .summary = "acknowledges messages with unknown ids", .request = unknown_done);

static enum fault_action unknown_hangs(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	return vf_is(rq, 200) ? vf_hang() : FAULT_PASS;
}

FAULT(unknown_id_hangs, .name = "unknown-id-hangs", .clause = "ROB.live.no-hang",
      .summary = "blocks on a message with id 200", .request = unknown_hangs);

static enum fault_action zero_kills(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	return vf_is(rq, VU_NONE) ? vf_die() : FAULT_PASS;
}

FAULT(id_zero_kills, .name = "id-zero-kills", .clause = "ROB.msg.unknown",
      .summary = "dies of a message with id 0", .request = zero_kills);

static enum fault_action zero_hangs(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	return vf_is(rq, VU_NONE) ? vf_hang() : FAULT_PASS;
}

FAULT(id_zero_hangs, .name = "id-zero-hangs", .clause = "ROB.live.no-hang",
      .summary = "blocks on a message with id 0", .request = zero_hangs);

/* 44 is GET_SHMEM_CONFIG. */
static enum fault_action private_id(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	if (!vf_is(rq, 44))
		return FAULT_PASS;
	memset(rep->msg.bytes, 0, 16);
	rep->msg.hdr.size = 16;
	rep->send = true;
	return FAULT_DONE;
}

FAULT(private_id, .name = "private-id", .clause = "VU.hdr.request.be.3",
      .summary = "uses id 44 for a message of its own", .request = private_id);

static enum fault_action foreign_hangs(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	return vf_is(rq, 27) ? vf_hang() : FAULT_PASS;
}

FAULT(foreign_hangs, .name = "foreign-message-hangs", .clause = "ROB.live.no-hang",
      .summary = "blocks on CLOSE_CRYPTO_SESSION", .request = foreign_hangs);

static enum fault_action foreign_kills(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	return vf_is(rq, 26) ? vf_die() : FAULT_PASS;
}

FAULT(foreign_kills, .name = "foreign-message-kills", .clause = "ROB.live.new-session",
      .summary = "dies of CREATE_CRYPTO_SESSION", .request = foreign_kills);

/* --- sizes ------------------------------------------------------------------------------------------------ */

static enum fault_action short_is_done(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	if (vf_is(rq, VU_SET_VRING_BASE) && rq->msg.hdr.size == 7)
		rq->msg.hdr.size = 8;
	return FAULT_PASS;
}

FAULT(short_is_done, .name = "short-message-done", .clause = "VU.hdr.size.be.3",
      .summary = "carries out a SET_VRING_BASE of seven bytes", .request = short_is_done);

static enum fault_action long_kills(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	return vf_is(rq, VU_SET_VRING_NUM) && rq->msg.hdr.size > 8 ? vf_die() : FAULT_PASS;
}

FAULT(long_kills, .name = "long-message-kills", .clause = "ROB.msg.size",
      .summary = "dies of a SET_VRING_NUM of more than eight bytes", .request = long_kills);

/* --- order ------------------------------------------------------------------------------------------------ */

static bool kick_after_reset(const struct vub_request *rq)
{
	static u32 last;
	bool follows = last == VU_RESET_DEVICE;

	/* Questions between them do not count. */
	if (!vf_is(rq, VU_GET_FEATURES))
		last = rq->msg.hdr.request;
	return follows && vf_is(rq, VU_SET_VRING_KICK);
}

static enum fault_action order_kills(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	return kick_after_reset(rq) ? vf_die() : FAULT_PASS;
}

FAULT(order_kills, .name = "kick-after-reset-kills", .clause = "ROB.msg.order",
      .summary = "dies of SET_VRING_KICK right after RESET_DEVICE", .request = order_kills);

static enum fault_action order_hangs(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	return kick_after_reset(rq) ? vf_hang() : FAULT_PASS;
}

FAULT(order_hangs, .name = "kick-after-reset-hangs", .clause = "ROB.live.no-hang",
      .summary = "blocks on SET_VRING_KICK right after RESET_DEVICE", .request = order_hangs);
