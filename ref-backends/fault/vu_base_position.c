// SPDX-License-Identifier: BSD-3-Clause
/* Faults of GET_VRING_BASE and SET_VRING_BASE. */
#include "ref-backends/fault/vu_fault.h"

#include <string.h>

/* Per ring, of this session. */
static struct {
	u32 start; /* index at which it was started last; of a packed ring, both places */
	unsigned starts;
	bool stopped;	  /* once, at least */
	bool was_started; /* when the message under way came */
	bool large;	  /* its last request returned much */
	bool hidden;	  /* its used index is one too low */
} rings[VU_FAULT_RINGS];

static bool disowned; /* RESET_OWNER came: what that does to a position is not the subject */

static void forget(struct vub_session *s)
{
	memset(rings, 0, sizeof(rings));
	disowned = false;
}

static void on_start(struct vub_ring *r, u32 *base)
{
	rings[r->index].start = *base;
	rings[r->index].starts++;
}

static void on_stop(struct vub_ring *r)
{
	rings[r->index].stopped = true;
}

static bool is_get_base(const struct vub_request *rq)
{
	return rq->msg.hdr.request == VU_GET_VRING_BASE;
}

static enum fault_action note_state(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	if (is_get_base(rq) && r)
		rings[r->index].was_started = r->started && !disowned;
	disowned |= rq->msg.hdr.request == VU_RESET_OWNER;
	return FAULT_PASS;
}

static void base_zero(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	u32 i = rq->msg.state.index;

	if (is_get_base(rq) && i < s->num_rings && rings[i].was_started)
		rep->msg.state.num = 0;
}

FAULT(vring_base_zero, .name = "vring-base-zero", .clause = "VU.base.get.be.1",
      .summary = "answers GET_VRING_BASE of a running ring with 0", .session_start = forget,
      .request = note_state, .reply = base_zero);

static void index_zero(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (is_get_base(rq))
		rep->msg.state.index = 0;
}

FAULT(reply_index_zero, .name = "base-reply-index-zero", .clause = "VU.base.get.be.3",
      .summary = "answers every GET_VRING_BASE for ring 0", .reply = index_zero);

static void forget_base(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	u32 i = rq->msg.state.index;

	if (is_get_base(rq) && i < s->num_rings && !rings[i].was_started && rings[i].stopped &&
	    !disowned)
		rep->msg.state.num = 0;
}

FAULT(base_forgotten, .name = "base-forgotten-once-said", .clause = "VU.base.get.be.5",
      .summary = "answers 0 when GET_VRING_BASE is repeated", .session_start = forget,
      .ring_stop = on_stop, .request = note_state, .reply = forget_base);

static void no_wrap(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	u32 i = rq->msg.state.index;

	if (is_get_base(rq) && i < s->num_rings && rings[i].was_started &&
	    !s->rings[i].ring.is_packed && rep->msg.state.num < rings[i].start)
		rep->msg.state.num |= 0x10000;
}

FAULT(base_no_wrap, .name = "base-does-not-wrap", .clause = "VU.base.get.be.1",
      .summary = "counts beyond 65535 in GET_VRING_BASE", .session_start = forget,
      .ring_start = on_start, .request = note_state, .reply = no_wrap);

static enum fault_action wait_for_request(struct vub_session *s, struct vub_request *rq,
					  struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	if (!is_get_base(rq) || !r || !r->started ||
	    dvq_ring_base(&r->ring) != rings[r->index].start)
		return FAULT_PASS;
	vub_ring_stop(r);
	return FAULT_DONE; /* and no answer */
}

FAULT(base_waits, .name = "base-waits-for-a-request", .clause = "VU.base.get.be.6",
      .summary = "does not answer GET_VRING_BASE of a ring that has served nothing",
      .session_start = forget, .ring_start = on_start, .request = wait_for_request);

/* --- requests in flight ---------------------------------------------------------------------------- */

static enum fault_action note_size(struct dvq_split *vq, u32 *id, u32 *len)
{
	rings[vq->queue].large = *len >= 32768;
	return FAULT_PASS;
}

static void hide_last(struct vub_ring *r)
{
	if (!rings[r->index].large || !r->vq.desc || r->ring.is_packed)
		return;
	rings[r->index].hidden = true;
	__atomic_store_n(&r->vq.used->idx, le16((u16)(r->vq.used_idx - 1)), __ATOMIC_RELEASE);
}

static enum fault_action show_again(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	for (u16 i = 0; i < s->num_rings; i++) {
		struct vub_ring *r = &s->rings[i];

		if (rings[i].hidden && r->vq.desc)
			__atomic_store_n(&r->vq.used->idx, le16(r->vq.used_idx), __ATOMIC_RELEASE);
		rings[i].hidden = false;
	}
	return FAULT_PASS;
}

FAULT(base_before_drain, .name = "base-before-drain", .clause = "VU.base.get.be.4",
      .summary = "answers GET_VRING_BASE before the last large read is in the used ring",
      .session_start = forget, .used = note_size, .ring_stop = hide_last, .request = show_again);

static void step_back(struct vub_ring *r, u32 *base)
{
	on_start(r, base);
	if (rings[r->index].starts % 8 == 0 && !r->ring.is_packed)
		(*base)--;
}

FAULT(restart_repeats, .name = "restart-repeats-one", .clause = "VU.base.get.be.9",
      .summary = "repeats the last request at every eighth start of a ring",
      .session_start = forget, .ring_start = step_back);

/* --- SET_VRING_BASE -------------------------------------------------------------------------------- */

static void start_at_zero(struct vub_ring *r, u32 *base)
{
	on_start(r, base);
	if (rings[r->index].starts == 1 && *base < 8 && !r->ring.is_packed && !r->inflight.shared)
		*base = 0;
}

FAULT(base_ignored, .name = "small-base-ignored", .clause = "VU.vring.base.be.1",
      .summary = "starts at index 0 when the first SET_VRING_BASE says less than 8",
      .session_start = forget, .ring_start = start_at_zero);

static void used_from_base(struct vub_ring *r, u32 *base)
{
	/* dvq_init(), which comes next, reads it. */
	if (!r->inflight.shared && !r->ring.is_packed)
		__atomic_store_n(&r->vq.used->idx, le16((u16)*base), __ATOMIC_RELEASE);
}

FAULT(used_is_base, .name = "used-index-from-base", .clause = "VU.vring.base.be.2",
      .summary = "takes the used index from SET_VRING_BASE, not from memory",
      .ring_start = used_from_base);
