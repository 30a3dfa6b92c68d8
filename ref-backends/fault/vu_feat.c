// SPDX-License-Identifier: BSD-3-Clause
/* Faults in features, protocol features and ownership. */
#include "ref-backends/fault/vu_filter.h"

#define BIT_30	BIT_ULL(VU_F_PROTOCOL_FEATURES)
#define ACK_BIT BIT_ULL(VU_PF_REPLY_ACK)

/* What has come in this session. */
static struct {
	bool owner;	  /* SET_OWNER … */
	bool owner_asked; /* … with need_reply */
	bool asked_proto; /* GET_PROTOCOL_FEATURES */
	unsigned nums;	  /* SET_VRING_NUM */
} seen;

static void seen_none(struct vub_session *s)
{
	memset(&seen, 0, sizeof(seen));
}

static void look_at(const struct vub_request *rq)
{
	seen.owner |= vf_is(rq, VU_SET_OWNER);
	seen.owner_asked |= vf_is(rq, VU_SET_OWNER) && rq->msg.hdr.flags & VU_FLAG_NEED_REPLY;
	seen.asked_proto |= vf_is(rq, VU_GET_PROTOCOL_FEATURES);
	seen.nums += vf_is(rq, VU_SET_VRING_NUM);
}

/* --- what is offered ------------------------------------------------------------------------------------ */

static void fewer_features(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VU_GET_FEATURES) && vf_any_started(s))
		rep->msg.u64 &= ~BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);
}

FAULT(features_shrink, .name = "features-shrink", .clause = "VU.feat.get.be.3",
      .summary = "offers fewer features while a ring runs", .reply = fewer_features);

static void fewer_protocol(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VU_GET_PROTOCOL_FEATURES) && vf_any_started(s))
		rep->msg.u64 &= ~BIT_ULL(VU_PF_MQ);
}

FAULT(protocol_features_shrink, .name = "protocol-features-shrink",
      .clause = "VU.feat.get-proto.be.6",
      .summary = "offers fewer protocol features while a ring runs", .reply = fewer_protocol);

/* How often was the same asked right before this one? */
static struct {
	u32 id;
	unsigned n;
} last;

static void asked_nothing(struct vub_session *s)
{
	last.n = 0;
}

static unsigned asked_before(const struct vub_request *rq, u32 id)
{
	unsigned before = last.id == id ? last.n : 0;

	last.n = vf_is(rq, last.id) ? last.n + 1 : 1;
	last.id = rq->msg.hdr.request;
	return before;
}

static enum fault_action proto_after_two(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	bool twice = asked_before(rq, VU_GET_FEATURES) == 2;

	return twice && vf_is(rq, VU_GET_PROTOCOL_FEATURES) && !s->features && !s->protocol_features
		       ? FAULT_DONE
		       : FAULT_PASS;
}

FAULT(proto_unanswered, .name = "get-proto-unanswered", .clause = "VU.feat.get.be.2",
      .summary = "offers bit 30 and does not answer GET_PROTOCOL_FEATURES after two GET_FEATURES",
      .session_start = asked_nothing, .request = proto_after_two);

static enum fault_action proto_once(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	bool again = asked_before(rq, VU_GET_PROTOCOL_FEATURES) > 0;

	return again && vf_is(rq, VU_GET_PROTOCOL_FEATURES) && !s->features ? FAULT_DONE
									    : FAULT_PASS;
}

FAULT(proto_once, .name = "get-proto-once", .clause = "VU.feat.get-proto.be.2",
      .summary = "answers GET_PROTOCOL_FEATURES once until features are set",
      .session_start = asked_nothing, .request = proto_once);

static enum fault_action proto_needs_bit(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	return vf_is(rq, VU_GET_PROTOCOL_FEATURES) && s->features && !(s->features & BIT_30)
		       ? FAULT_CLOSE
		       : FAULT_PASS;
}

FAULT(get_proto_needs_bit, .name = "get-proto-needs-bit-30", .clause = "VU.feat.get-proto.be.3",
      .summary = "closes on GET_PROTOCOL_FEATURES when bit 30 was not set",
      .request = proto_needs_bit);

#define OFFERS(ident, text, clause_id, says, more)                                                 \
	static u64 ident##_mask(u64 offered)                                                       \
	{                                                                                          \
		return more;                                                                       \
	}                                                                                          \
	FAULT(ident, .name = text, .clause = clause_id, .summary = says,                           \
	      .protocol_features = ident##_mask)

OFFERS(offers_skip_drain, "offers-skip-drain", "VU.feat.set-proto.be.7",
       "offers GET_VRING_BASE_SKIP_DRAIN without GET_VRING_BASE_INFLIGHT",
       offered | BIT_ULL(VU_PF_GET_VRING_BASE_SKIP_DRAIN));
OFFERS(offers_inband, "inband-alone", "VU.feat.set-proto.be.6",
       "offers INBAND_NOTIFICATIONS and takes it without REPLY_ACK and BACKEND_REQ",
       offered | BIT_ULL(VU_PF_INBAND_NOTIFICATIONS));
OFFERS(offers_undefined, "offers-undefined-bit", "VU.feat.get-proto.be.5",
       "offers protocol feature bit 30", offered | BIT_ULL(30));
OFFERS(offers_send_fd, "offers-send-fd-alone", "VU.feat.set-proto.be.8",
       "offers BACKEND_SEND_FD without BACKEND_REQ",
       (offered & ~BIT_ULL(VU_PF_BACKEND_REQ)) | BIT_ULL(VU_PF_BACKEND_SEND_FD));
OFFERS(offers_state, "offers-device-state", "VU.feat.get-proto.be.4",
       "offers DEVICE_STATE and does not know its messages", offered | BIT_ULL(VU_PF_DEVICE_STATE));
/* Where nothing was negotiated: elsewhere it would count as a mask that changes. */
static void no_mq(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VU_GET_PROTOCOL_FEATURES) && seen.owner && !s->protocol_features)
		rep->msg.u64 &= ~BIT_ULL(VU_PF_MQ);
	look_at(rq);
}

FAULT(offers_no_mq, .name = "offers-no-mq", .clause = "VU.mq.feature.be.1",
      .summary = "does not offer MQ after SET_OWNER while no protocol feature is set",
      .session_start = seen_none, .reply = no_mq);

static u64 reset_offered(u64 offered)
{
	return offered | BIT_ULL(VIRTIO_F_RING_RESET);
}

static enum fault_action reset_refused(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	const u64 alone = BIT_ULL(VIRTIO_F_RING_RESET) | BIT_ULL(VIRTIO_F_VERSION_1);

	return vf_is(rq, VU_SET_FEATURES) && (rq->msg.u64 & ~BIT_30) == alone
		       ? vf_ack(s, rq, rep, 1)
		       : FAULT_PASS;
}

FAULT(offered_refused, .name = "offered-refused", .clause = "VU.feat.get.be.4",
      .summary = "offers RING_RESET and refuses it alone with VERSION_1", .features = reset_offered,
      .request = reset_refused);

/* --- queues ---------------------------------------------------------------------------------------------- */

static void no_queue_later(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (asked_before(rq, VU_GET_QUEUE_NUM) && vf_is(rq, VU_GET_QUEUE_NUM))
		rep->msg.u64 = 0;
}

FAULT(no_queue_later, .name = "queue-num-0-again", .clause = "VU.mq.num.be.1",
      .summary = "answers a second GET_QUEUE_NUM in a row with 0", .session_start = asked_nothing,
      .reply = no_queue_later);

static enum fault_action queue_num_needs_mq(struct vub_session *s, struct vub_request *rq,
					    struct vub_reply *rep)
{
	return vf_is(rq, VU_GET_QUEUE_NUM) && !vub_has_pf(s, VU_PF_MQ) ? FAULT_CLOSE : FAULT_PASS;
}

FAULT(queue_num_needs_mq, .name = "queue-num-needs-mq", .clause = "VU.mq.num.be.3",
      .summary = "closes on GET_QUEUE_NUM while MQ is only offered", .request = queue_num_needs_mq);

/* With STATUS: a session like a device's, not a check's of single messages. */
static enum fault_action one_ring(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	return vf_is(rq, VU_SET_VRING_NUM) && rq->msg.state.index > 0 && vub_has_pf(s, VU_PF_STATUS)
		       ? vf_ack(s, rq, rep, 1)
		       : FAULT_PASS;
}

FAULT(one_ring, .name = "one-ring-only", .clause = "VU.mq.num.be.2",
      .summary = "refuses any ring but the first, with STATUS", .request = one_ring);

/* --- SET_FEATURES ---------------------------------------------------------------------------------------- */

static enum fault_action bits_stick(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	if (vf_is(rq, VU_SET_FEATURES) && !vf_any_started(s))
		rq->msg.u64 |= s->features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	return FAULT_PASS;
}

FAULT(features_stick, .name = "features-stick", .clause = "VU.feat.set.be.1",
      .summary = "keeps EVENT_IDX although a later SET_FEATURES does not have it",
      .request = bits_stick);

static bool not_by_itself(struct vub_ring *ring, bool allowed)
{
	return allowed && (ring->s->features & BIT_30 || ring->num != 64);
}

FAULT(never_enabled, .name = "enable-always-needed", .clause = "VU.feat.set.be.3",
      .summary = "leaves a ring of 64 entries disabled although SET_FEATURES had no bit 30",
      .may_run = not_by_itself);

static void disables_all(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (!vf_is(rq, VU_SET_FEATURES) || !vf_any_started(s) ||
	    s->features & BIT_ULL(VU_F_LOG_ALL))
		return;
	for (u16 i = 0; i < s->num_rings; i++)
		vub_ring_enable(&s->rings[i], false);
}

FAULT(features_disable, .name = "set-features-disables", .clause = "VU.feat.set.be.4",
      .summary = "disables all rings on a SET_FEATURES without LOG_ALL while one runs",
      .reply = disables_all);

static enum fault_action no_log_toggle(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	if (!vf_is(rq, VU_SET_FEATURES) || !vf_any_started(s) ||
	    !((rq->msg.u64 ^ s->features) & BIT_ULL(VU_F_LOG_ALL)))
		return FAULT_PASS;
	return vf_ack(s, rq, rep, 1);
}

FAULT(no_log_toggle, .name = "log-all-refused", .clause = "VU.feat.set.be.5",
      .summary = "refuses to change LOG_ALL while a ring runs", .request = no_log_toggle);

static enum fault_action any_feature(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	if (vf_is(rq, VU_SET_FEATURES) && !vub_has_pf(s, VU_PF_STATUS))
		rq->msg.u64 &= ~(3ull << 62);
	return FAULT_PASS;
}

FAULT(any_feature, .name = "unoffered-feature-taken", .clause = "VU.feat.set.be.2",
      .summary = "takes feature bits 62 and 63, which it does not offer, without STATUS",
      .request = any_feature);

static enum fault_action bit_63_kills(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	return vf_is(rq, VU_SET_FEATURES) && rq->msg.u64 >> 63 && rq->msg.hdr.size == 8
		       ? vf_die()
		       : FAULT_PASS;
}

FAULT(bit_63_kills, .name = "unoffered-feature-kills", .clause = "ROB.live.new-session",
      .summary = "dies of feature bit 63", .request = bit_63_kills);

static enum fault_action legacy_kills(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	return vf_is(rq, VU_SET_FEATURES) && rq->msg.hdr.size == 8 && rq->msg.u64 == BIT_30
		       ? vf_die()
		       : FAULT_PASS;
}

FAULT(legacy_kills, .name = "legacy-kills", .clause = "VU.feat.set.be.7",
      .summary = "dies of SET_FEATURES with bit 30 alone", .request = legacy_kills);

static void other_capacity(struct vub_session *s, u8 *config, size_t len)
{
	if (s->features && !(s->features & BIT_30))
		config[0] ^= 1;
}

FAULT(bit_30_counts, .name = "bit-30-changes-device", .clause = "VU.feat.bit30.be.1",
      .summary = "has another capacity when bit 30 was not set", .config = other_capacity);

/* --- SET_PROTOCOL_FEATURES ------------------------------------------------------------------------------- */

static enum fault_action any_protocol(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	if (vf_is(rq, VU_SET_PROTOCOL_FEATURES))
		rq->msg.u64 &= ~BIT_ULL(40);
	return FAULT_PASS;
}

FAULT(any_protocol, .name = "unoffered-protocol-feature-taken", .clause = "VU.feat.set-proto.be.5",
      .summary = "takes protocol feature bit 40, which it does not offer", .request = any_protocol);

static void announces(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	const struct vu_header m = { VU_BACKEND_CONFIG_CHANGE_MSG, VU_VERSION, 0 };

	if (vf_is(rq, VU_SET_BACKEND_REQ_FD) && s->backend_fd >= 0 &&
	    s->protocol_features == BIT_ULL(VU_PF_BACKEND_REQ) &&
	    send(s->backend_fd, &m, sizeof(m), MSG_NOSIGNAL) < 0) {
		/* Nobody there to see it. */
	}
}

FAULT(announces_ungated, .name = "announces-without-config", .clause = "VU.feat.gating.be.1",
      .summary = "sends CONFIG_CHANGE_MSG although CONFIG was not negotiated", .reply = announces);

/*
 * Acknowledgements that come or do not come by the state of the session. All look at SET_VRING_NUM in
 * sessions with REPLY_ACK as the only protocol feature.
 */
static bool judge_ack(const struct vub_session *s, const struct vub_request *rq)
{
	look_at(rq);
	return vf_is(rq, VU_SET_VRING_NUM) && s->protocol_features == ACK_BIT;
}

#define NO_ACK(ident, text, clause_id, says, when)                                                 \
	static void ident##_reply(struct vub_session *s, struct vub_request *rq,                   \
				  struct vub_reply *rep)                                           \
	{                                                                                          \
		if (judge_ack(s, rq) && (when))                                                    \
			rep->send = false;                                                         \
	}                                                                                          \
	FAULT(ident, .name = text, .clause = clause_id, .summary = says,                           \
	      .session_start = seen_none, .reply = ident##_reply)

NO_ACK(ack_needs_owner, "ack-needs-owner", "VU.feat.set-proto.be.2",
       "does not acknowledge before SET_OWNER", seen.asked_proto && !seen.owner);
NO_ACK(ack_once, "ack-once-before-features", "VU.reply.ack.be.9",
       "acknowledges one SET_VRING_NUM before SET_FEATURES, not the second",
       !s->features && seen.nums > 1);
NO_ACK(ack_alone, "ack-not-alone", "VU.feat.set-proto.be.1",
       "does not acknowledge when REPLY_ACK is the only protocol feature, before SET_FEATURES",
       !s->features && seen.owner_asked);
NO_ACK(ack_needs_bit, "ack-needs-bit-30", "VU.feat.set-proto.be.3",
       "does not acknowledge when bit 30 was not set", s->features && !(s->features & BIT_30));
NO_ACK(ack_needs_get, "ack-needs-get-proto", "VU.feat.set-proto.be.4",
       "does not acknowledge when GET_PROTOCOL_FEATURES was not sent", !seen.asked_proto);

/* --- owner ------------------------------------------------------------------------------------------------- */

static enum fault_action owner_refused(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	return vf_is(rq, VU_SET_OWNER) && s->protocol_features == ACK_BIT ? vf_ack(s, rq, rep, 1)
									  : FAULT_PASS;
}

FAULT(owner_refused, .name = "owner-refused", .clause = "VU.owner.set.be.1",
      .summary = "refuses SET_OWNER when REPLY_ACK is the only protocol feature",
      .request = owner_refused);

static enum fault_action owner_twice(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	bool before = seen.owner;

	look_at(rq);
	return vf_is(rq, VU_SET_OWNER) && before ? FAULT_CLOSE : FAULT_PASS;
}

FAULT(owner_twice, .name = "second-owner-closes", .clause = "VU.owner.set.be.3",
      .summary = "closes on a second SET_OWNER", .session_start = seen_none,
      .request = owner_twice);

static enum fault_action reset_owner_closes(struct vub_session *s, struct vub_request *rq,
					    struct vub_reply *rep)
{
	return vf_is(rq, VU_RESET_OWNER) ? FAULT_CLOSE : FAULT_PASS;
}

FAULT(reset_owner_closes, .name = "reset-owner-closes", .clause = "VU.owner.reset.be.1",
      .summary = "closes on RESET_OWNER", .request = reset_owner_closes);

static enum fault_action reset_owner_forgets(struct vub_session *s, struct vub_request *rq,
					     struct vub_reply *rep)
{
	if (vf_is(rq, VU_RESET_OWNER))
		s->protocol_features = 0;
	return FAULT_PASS;
}

FAULT(reset_owner_forgets, .name = "reset-owner-forgets", .clause = "VU.owner.reset.be.2",
      .summary = "forgets the protocol features on RESET_OWNER", .request = reset_owner_forgets);
