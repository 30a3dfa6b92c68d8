// SPDX-License-Identifier: BSD-3-Clause
/* Faults in who is answered, and with what. */
#include "ref-backends/fault/vu_filter.h"

/* --- requests that must be answered: the third in a row is not, or not in full ----------------------- */

#define THIRD_UNANSWERED(ident, text, id, question, broken)                                        \
	static enum fault_action ident##_drop(struct vub_session *s, struct vub_request *rq,       \
					      struct vub_reply *rep)                               \
	{                                                                                          \
		return vf_row(rq, id, question) == 3 ? FAULT_DONE : FAULT_PASS;                    \
	}                                                                                          \
	FAULT(ident, .name = text "-third-unanswered", .clause = broken,                           \
	      .summary = "does not answer the third such request in a row",                        \
	      .request = ident##_drop)

THIRD_UNANSWERED(get_features, "get-features", VU_GET_FEATURES, VU_GET_PROTOCOL_FEATURES,
		 "VU.reply.required-get-features.be.1");
THIRD_UNANSWERED(get_protocol_features, "get-protocol-features", VU_GET_PROTOCOL_FEATURES,
		 VU_GET_FEATURES, "VU.reply.required-get-protocol-features.be.1");
THIRD_UNANSWERED(get_vring_base, "get-vring-base", VU_GET_VRING_BASE, VU_GET_FEATURES,
		 "VU.reply.required-get-vring-base.be.1");
THIRD_UNANSWERED(set_log_base, "set-log-base", VU_SET_LOG_BASE, VU_GET_FEATURES,
		 "VU.reply.required-set-log-base.be.1");
THIRD_UNANSWERED(get_inflight_fd, "get-inflight-fd", VU_GET_INFLIGHT_FD, VU_GET_FEATURES,
		 "VU.reply.required-get-inflight-fd.be.1");

#define THIRD_SHORT(ident, text, id, question, bytes, broken)                                      \
	static void ident##_cut(struct vub_session *s, struct vub_request *rq,                     \
				struct vub_reply *rep)                                             \
	{                                                                                          \
		if (vf_row(rq, id, question) == 3)                                                 \
			rep->msg.hdr.size = bytes;                                                 \
	}                                                                                          \
	FAULT(ident, .name = text "-third-short", .clause = broken,                                \
	      .summary = "cuts the reply to the third such request in a row short",                \
	      .reply = ident##_cut)

THIRD_SHORT(get_features_short, "get-features", VU_GET_FEATURES, VU_GET_PROTOCOL_FEATURES, 4,
	    "VU.feat.get.be.1");
THIRD_SHORT(get_protocol_features_short, "get-protocol-features", VU_GET_PROTOCOL_FEATURES,
	    VU_GET_FEATURES, 4, "VU.feat.get-proto.be.1");
THIRD_SHORT(get_inflight_fd_short, "get-inflight-fd", VU_GET_INFLIGHT_FD, VU_GET_FEATURES, 20,
	    "VU.layout.inflight.be.1");

/* --- acknowledgements ------------------------------------------------------------------------------ */

static void never_acked(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VU_REM_MEM_REG))
		rep->send = false;
}

FAULT(ack_missing, .name = "ack-missing", .clause = "VU.reply.ack.be.1",
      .summary = "does not acknowledge REM_MEM_REG", .reply = never_acked);

static void acked_with_u32(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VU_SET_CONFIG) && s->status == 0)
		rep->msg.hdr.size = 4;
}

FAULT(ack_u32, .name = "ack-u32", .clause = "VU.reply.ack.be.4",
      .summary = "acknowledges SET_CONFIG with four bytes while the status is 0",
      .reply = acked_with_u32);

static void acked_with_size(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VU_SET_VRING_BASE) && rep->send && rep->msg.u64 == 0 &&
	    s->rings[0].num == 64 && !vub_has_pf(s, VU_PF_STATUS))
		rep->msg.u64 = rq->msg.hdr.size;
}

FAULT(ack_nonzero, .name = "ack-nonzero-on-success", .clause = "VU.reply.ack.be.2",
      .summary = "acknowledges SET_VRING_BASE of a ring of 64 entries with 8 after carrying it out",
      .reply = acked_with_size);

static enum fault_action no_such_ring(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	if (vf_is(rq, VU_SET_VRING_ENABLE) && rq->msg.state.index >= s->num_rings &&
	    rq->msg.state.num == 0)
		return vf_ack(s, rq, rep, 0);
	return FAULT_PASS;
}

FAULT(ack_zero_on_failure, .name = "ack-zero-on-failure", .clause = "VU.reply.ack.be.3",
      .summary = "acknowledges the disabling of a ring that it does not have",
      .request = no_such_ring);

static enum fault_action acked_early(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	if (!vf_is(rq, VU_SET_VRING_ENABLE) || rq->msg.state.num || !vf_asked(s, rq) ||
	    rq->msg.state.index >= s->num_rings || !vub_has_pf(s, VU_PF_STATUS))
		return FAULT_PASS;
	vf_send_u64(s, VU_SET_VRING_ENABLE, 0);
	usleep(20000);
	rq->msg.hdr.flags &= ~VU_FLAG_NEED_REPLY;
	return FAULT_PASS;
}

FAULT(ack_early, .name = "ack-early", .clause = "VU.reply.ack.be.7",
      .summary = "acknowledges the disabling of a ring 20 ms before carrying it out",
      .request = acked_early);

static void unasked(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VU_REM_MEM_REG) && !rep->send)
		vf_reply_u64(rep, 0);
}

FAULT(ack_unasked, .name = "ack-unasked", .clause = "VU.reply.none.be.1",
      .summary = "answers REM_MEM_REG also without need_reply", .reply = unasked);

static void not_negotiated(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (!vub_has_pf(s, VU_PF_REPLY_ACK) && rq->msg.hdr.flags & VU_FLAG_NEED_REPLY && !rep->send)
		vf_reply_u64(rep, 0);
}

FAULT(ack_not_negotiated, .name = "ack-not-negotiated", .clause = "VU.reply.ack.be.8",
      .summary = "answers need_reply without REPLY_ACK", .reply = not_negotiated);

/* --- need_reply on requests that have a reply anyway ------------------------------------------------- */

static bool victim(const struct vub_request *rq)
{
	return vf_is(rq, VU_GET_MAX_MEM_SLOTS) && rq->msg.hdr.flags & VU_FLAG_NEED_REPLY;
}

static void body_and_ack(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (victim(rq))
		vf_send_u64(s, VU_GET_MAX_MEM_SLOTS, 0);
}

FAULT(reply_and_ack, .name = "reply-and-ack", .clause = "VU.reply.ack.be.5",
      .summary = "sends an acknowledgement besides the reply to GET_MAX_MEM_SLOTS",
      .reply = body_and_ack);

static void other_body(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (victim(rq))
		rep->msg.u64 = 0;
}

FAULT(reply_other_body, .name = "reply-other-body", .clause = "VU.reply.ack.be.6",
      .summary = "answers GET_MAX_MEM_SLOTS with 0 when need_reply is set", .reply = other_body);

static void echo(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (victim(rq))
		rep->msg.hdr.flags |= VU_FLAG_NEED_REPLY;
}

FAULT(reply_echo, .name = "reply-echoes-need-reply", .clause = "VU.hdr.reply.be.4",
      .summary = "leaves need_reply set in the reply to GET_MAX_MEM_SLOTS", .reply = echo);

/* --- a whole session ----------------------------------------------------------------------------------- */

static enum fault_action reset_closes(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	return vf_is(rq, VU_RESET_DEVICE) && !vf_asked(s, rq) ? FAULT_CLOSE : FAULT_PASS;
}

FAULT(reset_closes, .name = "reset-device-closes", .clause = "VU.close.error.be.2",
      .summary = "closes the connection on RESET_DEVICE without need_reply",
      .request = reset_closes);
