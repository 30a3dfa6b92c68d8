// SPDX-License-Identifier: BSD-3-Clause
/* Faults of SET_VRING_ENABLE. */
#include "ref-backends/fault/vu_fault.h"

#include <string.h>

static bool flag[VU_FAULT_RINGS]; /* what for, each fault says */

static void forget(struct vub_session *s)
{
	memset(flag, 0, sizeof(flag));
}

static void forget_ring(struct vub_ring *r, u32 *base)
{
	flag[r->index] = false;
}

static bool is_enable(const struct vub_request *rq, u32 num)
{
	return rq->msg.hdr.request == VU_SET_VRING_ENABLE && rq->msg.state.num == num;
}

/* flag: enabled since it was started. */
static enum fault_action toggle(struct vub_session *s, struct vub_request *rq,
				struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	/* After that a ring may be disabled, and has to be enabled again. */
	if (rq->msg.hdr.request == VU_RESET_OWNER)
		forget(s);
	if (!r || !r->started)
		return FAULT_PASS;
	if (is_enable(rq, 0)) {
		flag[r->index] = false;
	} else if (is_enable(rq, 1)) {
		if (flag[r->index])
			rq->msg.state.num = 0;
		flag[r->index] = !flag[r->index];
	}
	return FAULT_PASS;
}

FAULT(enable_toggles, .name = "enable-toggles", .clause = "VU.ring.enable.be.1",
      .summary = "disables a running ring that is enabled for a second time",
      .session_start = forget, .ring_start = forget_ring, .request = toggle);

static enum fault_action disable_all(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	if (is_enable(rq, 0) && s->features & BIT_ULL(VU_F_PROTOCOL_FEATURES))
		for (u16 i = 0; i < s->num_rings; i++)
			vub_ring_enable(&s->rings[i], false);
	return FAULT_PASS;
}

FAULT(disables_all, .name = "disable-disables-all", .clause = "VU.ring.enable.be.3",
      .summary = "disables all rings when one is", .request = disable_all);

static enum fault_action enable_all(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	if (is_enable(rq, 1))
		for (u16 i = 0; i < s->num_rings; i++)
			if (s->rings[i].started)
				vub_ring_enable(&s->rings[i], true);
	return FAULT_PASS;
}

FAULT(enables_all, .name = "enable-enables-all", .clause = "VU.ring.enable.be.3",
      .summary = "enables all started rings when one is", .request = enable_all);

static bool rewind_fn(struct vub_ring *r, void *arg)
{
	r->vq.last_avail = r->vq.avail_seen = 0;
	return true;
}

/* flag: was enabled once since it was started. */
static enum fault_action rewind_ring(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	if (!r || !r->started || !is_enable(rq, 1))
		return FAULT_PASS;
	if (flag[r->index] && !r->enabled)
		vub_ring_call(r, rewind_fn, NULL);
	flag[r->index] = true;
	return FAULT_PASS;
}

FAULT(enable_rewinds, .name = "enable-resets-position", .clause = "VU.ring.enable.be.4",
      .summary = "begins at index 0 again when a disabled ring is enabled", .session_start = forget,
      .ring_start = forget_ring, .request = rewind_ring);

static enum fault_action needs_mq(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	if (r && r->index > 0 && is_enable(rq, 1) && !vub_has_pf(s, VU_PF_MQ))
		return vu_fault_ack(s, rq, rep, 1);
	return FAULT_PASS;
}

FAULT(enable_needs_mq, .name = "enable-needs-mq", .clause = "VU.ring.enable.be.5",
      .summary = "refuses SET_VRING_ENABLE of ring 1 without MQ", .request = needs_mq);

static enum fault_action unexpected(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	if (r && r->started && is_enable(rq, 0) && !(s->features & BIT_ULL(VU_F_PROTOCOL_FEATURES)))
		vu_fault_die();
	return FAULT_PASS;
}

FAULT(enable_unexpected, .name = "enable-without-bit-30-kills", .clause = "ROB.msg.order",
      .summary = "dies of SET_VRING_ENABLE of a running ring without bit 30",
      .request = unexpected);
