// SPDX-License-Identifier: BSD-3-Clause
/* Faults of kick, call and err descriptors. */
#include "ref-backends/fault/vu_fault.h"

#include <string.h>
#include <sys/stat.h>

static bool flag[VU_FAULT_RINGS]; /* what for, each fault says */

static unsigned swaps;

static void forget(struct vub_session *s)
{
	memset(flag, 0, sizeof(flag));
	swaps = 0;
}

static void forget_ring(struct vub_ring *r, u32 *base)
{
	flag[r->index] = false;
}

/* --- kick ------------------------------------------------------------------------------------------ */

static enum fault_action kick_ring_0(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_SET_VRING_KICK && s->rings[0].has_addr &&
	    !s->rings[0].started)
		rq->msg.u64 &= ~VU_VRING_INDEX_MASK;
	return FAULT_PASS;
}

FAULT(kick_index, .name = "kick-index-ignored", .clause = "VU.notify.kick.be.2",
      .summary = "takes SET_VRING_KICK for ring 0 while that is to be started",
      .request = kick_ring_0);

static u16 one_more(struct dvq_split *vq, u16 idx)
{
	struct vub_ring *r = vu_fault_ring_of(vq);

	if (r->kick.value < 1 << 20)
		return idx;
	r->kick.value = 0;
	return (u16)(idx + 1);
}

FAULT(kick_count, .name = "kick-count-trusted", .clause = "VU.notify.kick.be.1",
      .summary = "takes a large count in the kick descriptor for one request more",
      .avail_idx = one_more);

static enum fault_action close_on_nofd(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_SET_VRING_KICK && rq->msg.u64 & VU_VRING_NOFD && !rq->nfds)
		return FAULT_CLOSE;
	return FAULT_PASS;
}

FAULT(kick_nofd, .name = "kick-nofd-closes", .clause = "VU.notify.kick.be.3",
      .summary = "closes the connection on SET_VRING_KICK without a descriptor",
      .request = close_on_nofd);

static bool unless_polled(struct vub_ring *r, bool allowed)
{
	return allowed && !r->polled;
}

FAULT(not_polled, .name = "kick-nofd-not-polled", .clause = "VU.notify.kick.be.4",
      .summary = "never looks at a ring that has no kick descriptor", .may_run = unless_polled);

static enum fault_action nofd_with_fd(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_SET_VRING_KICK && rq->msg.u64 & VU_VRING_NOFD &&
	    rq->nfds == 1) {
		close(vub_take_fd(rq, 0));
		rq->nfds = 0;
	}
	return FAULT_PASS;
}

FAULT(kick_both, .name = "kick-nofd-with-descriptor", .clause = "VU.notify.kick.be.7",
      .summary = "accepts SET_VRING_KICK with bit 8 and a descriptor", .request = nofd_with_fd);

/* --- call ------------------------------------------------------------------------------------------ */

/* Of a driver that accepted no ring features. */
static bool plain_ring_1(const struct dvq_split *vq)
{
	return vq->queue == 1 && !vq->indirect && !vq->event_idx;
}

static bool not_ring_1(struct dvq_split *vq, bool due)
{
	return due && !plain_ring_1(vq);
}

FAULT(call_missing, .name = "ring-1-never-calls", .clause = "VU.notify.call.be.1",
      .summary = "does not signal the call descriptor of ring 1 without ring features",
      .notify = not_ring_1);

static bool call_ring_0(struct dvq_split *vq, bool due)
{
	struct vub_session *s = vu_fault_ring_of(vq)->s;

	if (!due || !plain_ring_1(vq) || !s->rings[0].started)
		return due;
	vub_signal(s->rings[0].call_fd, true);
	return false;
}

FAULT(call_ring, .name = "ring-1-calls-ring-0", .clause = "VU.notify.call.be.2",
      .summary = "signals the call descriptor of ring 0 for ring 1 without ring features",
      .notify = call_ring_0);

/* flag: a notification had nowhere to go. */
static bool stall_without(struct dvq_split *vq, bool due)
{
	struct vub_ring *r = vu_fault_ring_of(vq);

	if (due && r->call_fd < 0)
		flag[r->index] = true;
	return due;
}

static bool unless_flagged(struct vub_ring *r, bool allowed)
{
	return allowed && !flag[r->index];
}

FAULT(call_stalls, .name = "call-nofd-stalls", .clause = "VU.notify.call.be.3",
      .summary = "gives a ring up when a notification is due and there is no call descriptor",
      .session_start = forget, .ring_start = forget_ring, .notify = stall_without,
      .may_run = unless_flagged);

/* flag: the next notification gets lost. At every fourth change. */
static enum fault_action swapped(struct vub_session *s, struct vub_request *rq,
				 struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_fd_ring(s, rq);

	if (rq->msg.hdr.request == VU_SET_VRING_CALL && r && r->started && ++swaps % 4 == 0)
		__atomic_store_n(&flag[r->index], true, __ATOMIC_RELEASE);
	return FAULT_PASS;
}

static bool lose_one(struct dvq_split *vq, bool due)
{
	return due && !__atomic_exchange_n(&flag[vq->queue], false, __ATOMIC_ACQ_REL);
}

FAULT(call_lost, .name = "call-swap-loses-one", .clause = "VU.notify.call.be.4",
      .summary = "loses a notification at every fourth change of a running ring's call descriptor",
      .session_start = forget, .ring_start = forget_ring, .request = swapped, .notify = lose_one);

/* --- replaced descriptors -------------------------------------------------------------------------- */

/* A copy of a pipe that nobody closes. */
static void leak(int fd)
{
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && dup(fd) < 0)
		return;
}

static enum fault_action leak_kick(struct vub_session *s, struct vub_request *rq,
				   struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_fd_ring(s, rq);

	if (rq->msg.hdr.request == VU_SET_VRING_KICK && r && r->started)
		leak(r->kick_fd);
	return FAULT_PASS;
}

FAULT(kick_leaks, .name = "replaced-kick-fd-leaks", .clause = "VU.notify.kick.be.8",
      .summary = "keeps a pipe that was the kick descriptor of a running ring open",
      .request = leak_kick);

static enum fault_action leak_call(struct vub_session *s, struct vub_request *rq,
				   struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_fd_ring(s, rq);

	if (rq->msg.hdr.request == VU_SET_VRING_CALL && r && r->started)
		leak(r->call_fd);
	return FAULT_PASS;
}

FAULT(call_leaks, .name = "replaced-call-fd-leaks", .clause = "VU.notify.call.be.6",
      .summary = "keeps a pipe that was the call descriptor of a running ring open",
      .request = leak_call);

static enum fault_action leak_err(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_fd_ring(s, rq);

	if (rq->msg.hdr.request == VU_SET_VRING_ERR && r && r->started)
		leak(r->err_fd);
	return FAULT_PASS;
}

FAULT(err_leaks, .name = "replaced-err-fd-leaks", .clause = "VU.notify.err.be.4",
      .summary = "keeps a pipe that was the err descriptor of a running ring open",
      .request = leak_err);

static enum fault_action err_nofd(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_SET_VRING_ERR && rq->msg.u64 & VU_VRING_NOFD)
		return vu_fault_ack(s, rq, rep, 1);
	return FAULT_PASS;
}

FAULT(err_nofd_refused, .name = "err-nofd-refused", .clause = "VU.notify.err.be.2",
      .summary = "refuses SET_VRING_ERR without a descriptor", .request = err_nofd);
