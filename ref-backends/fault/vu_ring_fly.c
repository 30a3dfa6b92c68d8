// SPDX-License-Identifier: BSD-3-Clause
/* Faults of messages that come while rings run, and of the silence when none does. */
#include "ref-backends/fault/vu_fault.h"

#include <string.h>

static struct vu_fault_stops stops;
static bool flag[VU_FAULT_RINGS]; /* what for, each fault says */

static void forget(struct vub_session *s)
{
	memset(&stops, 0, sizeof(stops));
	memset(flag, 0, sizeof(flag));
}

static void on_start(struct vub_ring *r, u32 *base)
{
	vu_fault_started(&stops, r);
	flag[r->index] = false;
}

static void on_stop(struct vub_ring *r)
{
	vu_fault_stopped(&stops, r);
}

static enum fault_action no_log_all(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_SET_FEATURES && vub_any_started(s) &&
	    (rq->msg.u64 ^ s->features) == BIT_ULL(VU_F_LOG_ALL))
		return vu_fault_ack(s, rq, rep, 1);
	return FAULT_PASS;
}

FAULT(log_all_refused, .name = "log-all-refused-while-running", .clause = "VU.feat.set.be.5",
      .summary = "refuses to switch LOG_ALL while a ring runs", .request = no_log_all);

static bool is_addr(const struct vub_request *rq, const struct vub_ring *r)
{
	return rq->msg.hdr.request == VU_SET_VRING_ADDR && r && r->started;
}

static enum fault_action no_addr(struct vub_session *s, struct vub_request *rq,
				 struct vub_reply *rep)
{
	if (is_addr(rq, vu_fault_ring(s, rq)))
		return vu_fault_ack(s, rq, rep, 1);
	return FAULT_PASS;
}

FAULT(addr_refused, .name = "addr-refused-while-running", .clause = "VU.vring.addr.be.3",
      .summary = "refuses every SET_VRING_ADDR of a running ring", .request = no_addr);

/* flag: stalled. */
static enum fault_action move(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	if (is_addr(rq, r) && rq->msg.addr.used != r->addr.used)
		__atomic_store_n(&flag[r->index], true, __ATOMIC_RELEASE);
	return FAULT_PASS;
}

static bool unless_stalled(struct vub_ring *r, bool allowed)
{
	return allowed && !__atomic_load_n(&flag[r->index], __ATOMIC_ACQUIRE);
}

FAULT(refused_move, .name = "refused-move-stalls-ring", .clause = "ROB.live.bad-request",
      .summary = "no longer processes a ring whose move it has refused", .session_start = forget,
      .ring_start = on_start, .request = move, .may_run = unless_stalled);

/* --- suspended ------------------------------------------------------------------------------------- */

static bool scribble(struct vub_ring *r, bool allowed)
{
	/* In a slot that will be written before anybody reads it. */
	if (vu_fault_is_stopped(&stops, r) && !vub_any_started(r->s) &&
	    !vub_has_pf(r->s, VU_PF_STATUS))
		r->vq.used->ring[r->vq.used_idx & (r->vq.num - 1)].len++;
	return allowed;
}

FAULT(writes_suspended, .name = "writes-while-suspended", .clause = "VU.suspend.mem.be.1",
      .summary = "writes to the used ring after all rings were stopped (without STATUS)",
      .session_start = forget, .ring_start = on_start, .ring_stop = on_stop, .may_run = scribble);

/* flag: signalled since it was stopped. */
static bool call_stopped(struct vub_ring *r, bool allowed)
{
	if (vu_fault_more_since(&stops, r) && !flag[r->index]) {
		flag[r->index] = true;
		vub_signal(r->call_fd, true);
	}
	return allowed;
}

FAULT(calls_suspended, .name = "calls-while-suspended", .clause = "VU.suspend.notify.be.1",
      .summary = "notifies the driver of a request that comes after the ring was stopped",
      .session_start = forget, .ring_start = on_start, .ring_stop = on_stop,
      .may_run = call_stopped);

static bool announce_at_once(struct vub_session *s, bool due)
{
	if (!s->announce_deferred)
		return due;
	s->announce_deferred = false;
	return true;
}

FAULT(announces_suspended, .name = "config-change-while-suspended", .clause = "VU.suspend.msg.be.1",
      .summary = "sends CONFIG_CHANGE_MSG while all rings are stopped",
      .announce = announce_at_once);

static void mute(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	bool stopped = false;

	for (u16 i = 0; i < s->num_rings; i++)
		stopped |= stops.ring[i].stopped;
	if (rq->msg.hdr.request == VU_GET_QUEUE_NUM && stopped && !vub_any_started(s))
		rep->send = false;
}

FAULT(mute_suspended, .name = "mute-while-suspended", .clause = "VU.suspend.serve.be.1",
      .summary = "does not answer GET_QUEUE_NUM once all rings were stopped",
      .session_start = forget, .ring_start = on_start, .ring_stop = on_stop, .reply = mute);
