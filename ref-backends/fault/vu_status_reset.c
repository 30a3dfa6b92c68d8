// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the device status and of RESET_DEVICE. */
#include "ref-backends/fault/vu_fault.h"

static bool noted;

static void forget(struct vub_session *s)
{
	noted = false;
}

static void no_acknowledge(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_GET_STATUS && rep->msg.u64 == VIRTIO_CONFIG_S_ACKNOWLEDGE)
		rep->msg.u64 = 0;
}

FAULT(status_lost, .name = "status-acknowledge-lost", .clause = "VU.status.set.be.1",
      .summary = "answers 0 to GET_STATUS after SET_STATUS 1", .reply = no_acknowledge);

/* noted: the features were refused, and nobody was told. */
static enum fault_action note_refusal(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_SET_FEATURES)
		noted = rq->msg.u64 & ~vub_features(s) && !(rq->msg.hdr.flags & VU_FLAG_NEED_REPLY);
	return FAULT_PASS;
}

static void features_ok(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_GET_STATUS && noted)
		rep->msg.u64 |= VIRTIO_CONFIG_S_FEATURES_OK;
}

FAULT(always_ok, .name = "features-ok-for-all", .clause = "VU.status.set.be.2",
      .summary = "shows FEATURES_OK though it has refused the features", .session_start = forget,
      .request = note_refusal, .reply = features_ok);

static enum fault_action truncate_status(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_SET_STATUS)
		rq->msg.u64 &= 0xff;
	return FAULT_PASS;
}

FAULT(status_truncated, .name = "status-truncated", .clause = "VU.status.set.be.4",
      .summary = "takes SET_STATUS 0x10f for 0xf", .request = truncate_status);

static void hide_needs_reset(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	for (u16 i = 0; i < s->num_rings; i++)
		if (rq->msg.hdr.request == VU_GET_STATUS && s->rings[i].vq.broken == DVQ_E_HEAD)
			rep->msg.u64 &= ~(u64)VIRTIO_CONFIG_S_NEEDS_RESET;
}

FAULT(needs_reset_hidden, .name = "needs-reset-hidden", .clause = "VU.status.get.be.2",
      .summary = "does not show DEVICE_NEEDS_RESET after a head outside the table",
      .reply = hide_needs_reset);

/* --- RESET_DEVICE ---------------------------------------------------------------------------------- */

static bool is_reset(const struct vub_request *rq)
{
	return rq->msg.hdr.request == VU_RESET_DEVICE;
}

static enum fault_action all_but_rings(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	if (!is_reset(rq))
		return FAULT_PASS;
	vub_hold_all(s);
	__atomic_store_n(&s->status, 0, __ATOMIC_RELEASE);
	s->dev->ops->reset(s->dev);
	vub_release_all(s);
	return vu_fault_ack(s, rq, rep, 0);
}

FAULT(reset_rings, .name = "reset-leaves-rings", .clause = "VU.reset.device.be.1",
      .summary = "leaves rings enabled at RESET_DEVICE", .request = all_but_rings);

static void status_stays(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (is_reset(rq))
		__atomic_store_n(&s->status, VIRTIO_CONFIG_S_ACKNOWLEDGE, __ATOMIC_RELEASE);
}

FAULT(reset_status, .name = "reset-leaves-status", .clause = "VU.reset.device.be.2",
      .summary = "leaves a status of 1 at RESET_DEVICE", .reply = status_stays);

/* noted: a ring was running. */
static enum fault_action note_running(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	if (is_reset(rq))
		noted = vub_any_started(s);
	return FAULT_PASS;
}

static void drop_protocol(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (!is_reset(rq) || !noted)
		return;
	vub_hold_all(s);
	s->protocol_features = 0;
	vub_release_all(s);
}

FAULT(reset_protocol, .name = "reset-drops-protocol-features", .clause = "VU.reset.device.be.3",
      .summary = "forgets the protocol features when a running device is reset",
      .request = note_running, .reply = drop_protocol);

static enum fault_action refuse_reset(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	return is_reset(rq) && vub_any_started(s) ? vu_fault_ack(s, rq, rep, 1) : FAULT_PASS;
}

FAULT(reset_refused, .name = "reset-refused", .clause = "VU.reset.device.be.4",
      .summary = "refuses RESET_DEVICE while a ring runs", .request = refuse_reset);
