// SPDX-License-Identifier: BSD-3-Clause
/* Faults of ring states: start and enable mixed up. */
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
}

static void on_stop(struct vub_ring *r)
{
	vu_fault_stopped(&stops, r);
}

/* flag: was started in this session. */
static void remember_start(struct vub_ring *r, u32 *base)
{
	flag[r->index] = true;
}

static enum fault_action start_at_enable(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	if (rq->msg.hdr.request == VU_SET_VRING_ENABLE && r && rq->msg.state.num == 1 &&
	    !flag[r->index] && r->has_addr && r->num)
		vub_ring_start(r, -1);
	return FAULT_PASS;
}

FAULT(runs_before_kick, .name = "ring-runs-before-kick", .clause = "VU.ring.init.be.1",
      .summary = "starts a ring that is set up when it is enabled", .session_start = forget,
      .ring_start = remember_start, .request = start_at_enable);

/* flag: an enable message came. */
static enum fault_action remember_enable(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	if (rq->msg.hdr.request == VU_SET_VRING_ENABLE && r)
		__atomic_store_n(&flag[r->index], true, __ATOMIC_RELEASE);
	return FAULT_PASS;
}

static bool run_unless_told(struct vub_ring *r, bool allowed)
{
	return allowed || (r->started && !__atomic_load_n(&flag[r->index], __ATOMIC_ACQUIRE));
}

FAULT(begin_enabled, .name = "rings-begin-enabled", .clause = "VU.ring.init.be.2",
      .summary = "treats a ring as enabled until the first SET_VRING_ENABLE",
      .session_start = forget, .request = remember_enable, .may_run = run_unless_told);

static bool run_on(struct vub_ring *r, bool allowed)
{
	return allowed || (r->enabled && vu_fault_more_since(&stops, r));
}

FAULT(runs_on, .name = "stopped-ring-runs-on", .clause = "VU.ring.stop.be.1",
      .summary = "goes on with a ring after GET_VRING_BASE", .session_start = forget,
      .ring_start = on_start, .ring_stop = on_stop, .may_run = run_on);

/* flag: enabled after it was stopped. */
static enum fault_action enabled_when_stopped(struct vub_session *s, struct vub_request *rq,
					      struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	if (rq->msg.hdr.request == VU_SET_VRING_ENABLE && r)
		__atomic_store_n(&flag[r->index], rq->msg.state.num && !r->started,
				 __ATOMIC_RELEASE);
	return FAULT_PASS;
}

static bool run_when_enabled(struct vub_ring *r, bool allowed)
{
	return allowed || (__atomic_load_n(&flag[r->index], __ATOMIC_ACQUIRE) &&
			   vu_fault_more_since(&stops, r));
}

FAULT(enable_starts, .name = "enable-starts-stopped-ring", .clause = "VU.ring.stopped.be.1",
      .summary = "processes a stopped ring once it is enabled", .session_start = forget,
      .ring_start = on_start, .ring_stop = on_stop, .request = enabled_when_stopped,
      .may_run = run_when_enabled);

static enum fault_action lose_when_stopped(struct vub_session *s, struct vub_request *rq,
					   struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	if (rq->msg.hdr.request == VU_SET_VRING_ENABLE && r && !r->started &&
	    stops.ring[r->index].stopped)
		return vu_fault_ack(s, rq, rep, 0);
	return FAULT_PASS;
}

FAULT(enable_lost, .name = "enable-lost-while-stopped", .clause = "VU.ring.stopped.be.2",
      .summary = "forgets SET_VRING_ENABLE of a ring that GET_VRING_BASE stopped",
      .session_start = forget, .ring_start = on_start, .ring_stop = on_stop,
      .request = lose_when_stopped);

static enum fault_action no_disable(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	if (rq->msg.hdr.request == VU_SET_VRING_ENABLE && r && r->started && rq->msg.state.num == 0)
		return vu_fault_ack(s, rq, rep, 0);
	return FAULT_PASS;
}

FAULT(disable_ignored, .name = "disable-ignored", .clause = "VU.ring.enable.be.2",
      .summary = "acknowledges SET_VRING_ENABLE 0 of a running ring and goes on",
      .request = no_disable);

/* flag: a kick was consumed while the ring was disabled. */
static bool lose_kick(struct vub_ring *r, bool allowed)
{
	bool kicked = r->kick.value != 0;

	r->kick.value = 0;
	if (r->started && !r->enabled) {
		flag[r->index] |= kicked;
		return allowed;
	}
	if (kicked || !r->started)
		flag[r->index] = false;
	return allowed && !flag[r->index];
}

static void no_kick_yet(struct vub_ring *r, u32 *base)
{
	r->kick.value = 0;
	flag[r->index] = false;
}

FAULT(kick_lost, .name = "kick-lost-while-disabled", .clause = "VU.ring.start.be.5",
      .summary = "needs another kick when one came before the ring was enabled",
      .session_start = forget, .ring_start = no_kick_yet, .may_run = lose_kick);

static bool needs_err(struct vub_ring *r, bool allowed)
{
	return allowed && r->err_fd >= 0;
}

FAULT(start_needs_err, .name = "start-needs-err-fd", .clause = "VU.ring.start.be.1",
      .summary = "starts a ring only if it has an err descriptor", .may_run = needs_err);
