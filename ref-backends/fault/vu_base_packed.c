// SPDX-License-Identifier: BSD-3-Clause
/* Faults of GET_VRING_BASE and SET_VRING_BASE with packed rings. */
#include "ref-backends/fault/vu_fault.h"

#include <string.h>

#define WRAPS DVQ_PACKED_BASE
#define LIST  3 /* descriptors of a usual request */

static unsigned starts[VU_FAULT_RINGS];

static void forget(struct vub_session *s)
{
	memset(starts, 0, sizeof(starts));
}

/* The ring that GET_VRING_BASE is about, if it is a packed one. */
static struct vub_ring *asked(struct vub_session *s, const struct vub_request *rq)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	return rq->msg.hdr.request == VU_GET_VRING_BASE && r && r->ring.is_packed ? r : NULL;
}

static void no_wrap(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (asked(s, rq))
		rep->msg.state.num |= WRAPS;
}

FAULT(base_no_wrap, .name = "packed-base-first-lap", .clause = "VU.base.get.be.2",
      .summary = "answers GET_VRING_BASE of a packed ring with wrap counters of 1",
      .reply = no_wrap);

static void avail_twice(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	const struct vub_ring *r = asked(s, rq);

	/* Not of the ring on which load is, whose places differ for another reason then. */
	if (r && r->num < 64)
		rep->msg.state.num &= 0xffff;
}

FAULT(base_half, .name = "packed-base-without-used", .clause = "VU.base.get.be.2",
      .summary = "answers GET_VRING_BASE of a packed ring with the available place only",
      .reply = avail_twice);

/* The used place is that of a request ago: it was answered before that was used. */
static void before_drain(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	const struct vub_ring *r = asked(s, rq);
	struct dvq_at used;

	if (!r || r->num < 64)
		return;
	used = dvq_packed_back(&r->ring.packed, dvq_at_of(rep->msg.state.num >> 16), LIST);
	rep->msg.state.num =
		(rep->msg.state.num & 0xffff) | (u32)used.off << 16 | (u32)used.wrap << 31;
}

FAULT(base_early, .name = "packed-base-before-drain", .clause = "VU.base.get.be.4",
      .summary =
	      "answers GET_VRING_BASE of a packed ring of 64 and more before its last request is used",
      .reply = before_drain);

static void used_is_avail(struct vub_ring *r, u32 *base)
{
	if (r->ring.is_packed && !r->inflight.recovered)
		*base = (*base & 0xffff) | *base << 16;
}

FAULT(set_half, .name = "packed-base-used-ignored", .clause = "VU.vring.base.be.3",
      .summary = "takes the available place of SET_VRING_BASE for the used place, too",
      .ring_start = used_is_avail);

static void first_lap(struct vub_ring *r, u32 *base)
{
	if (r->ring.is_packed && !r->inflight.recovered)
		*base |= WRAPS;
}

FAULT(set_no_wrap, .name = "packed-base-wrap-ignored", .clause = "VU.vring.base.be.3",
      .summary = "starts a packed ring with wrap counters of 1, whatever SET_VRING_BASE says",
      .ring_start = first_lap);

static void wrap_0(struct vub_ring *r, u32 *base)
{
	if (r->ring.is_packed && !r->has_base)
		*base = 0;
}

FAULT(default_wrap, .name = "packed-base-default-zero", .clause = "VU.vring.base.be.4",
      .summary = "starts a packed ring with wrap counters of 0 when there was no SET_VRING_BASE",
      .ring_start = wrap_0);

static void unsaid(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	const struct vub_ring *r = vu_fault_ring(s, rq);

	if (rq->msg.hdr.request == VU_GET_VRING_BASE && r && !r->vq.desc && r->has_base &&
	    s->features & BIT_ULL(VIRTIO_F_RING_PACKED))
		rep->msg.state.num = WRAPS;
}

FAULT(never_started, .name = "packed-base-unstarted-new", .clause = "VU.base.get.be.7",
      .summary = "answers GET_VRING_BASE of a packed ring that never ran as of a new one",
      .reply = unsaid);

static void rewind_avail(struct vub_ring *r, u32 *base)
{
	struct dvq_at avail;

	if (!r->ring.is_packed || ++starts[r->index] % 8)
		return;
	avail = dvq_packed_back(&r->ring.packed, dvq_at_of(*base & 0xffff), LIST);
	*base = (*base & 0xffff0000) | avail.off | (u32)avail.wrap << 15;
}

FAULT(restart_rewinds, .name = "packed-restart-rewinds", .clause = "VU.base.get.be.9",
      .summary = "looks at the last request again at every eighth start of a packed ring",
      .session_start = forget, .ring_start = rewind_avail);
