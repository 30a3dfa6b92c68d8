// SPDX-License-Identifier: BSD-3-Clause
/* Faults of in-flight tracking with packed rings. */
#include "ref-backends/fault/vu_fault.h"

#include <stdlib.h>
#include <time.h>

static struct vu_inflight_packed *books_of(const struct vub_ring *r)
{
	return r->inflight.packed;
}

static enum fault_action no_copy(struct dvq_packed *vq, struct dvq_chain *c)
{
	struct vu_inflight_packed *s = books_of(vq->ctx);

	for (u32 i = 0; s && i < s->desc_num; i++)
		if (s->desc[i].inflight)
			VUB_INFLIGHT_STORE(s->desc[i].addr, 0);
	return FAULT_PASS;
}

/* Long enough to be seen. */
static void linger(struct rblk *blk, struct rblk_req *req)
{
	struct timespec ts = { .tv_nsec = 1000000 };

	nanosleep(&ts, NULL);
}

FAULT(no_copies, .name = "inflight-packed-no-copies", .clause = "VU.inflight.packed-get.be.1",
      .summary = "does not keep the addresses of what is in flight in a packed ring",
      .packed_chain = no_copy, .blk_complete = linger);

static void old_behind(struct vub_ring *r)
{
	struct vu_inflight_packed *s = books_of(r);

	if (s && s->used_idx)
		s->old_used_idx = s->used_idx - 1;
}

FAULT(not_committed, .name = "inflight-packed-not-committed",
      .clause = "VU.inflight.packed-put.be.1",
      .summary = "leaves old_used_idx behind when a packed ring stops", .ring_stop = old_behind);

static void no_version(struct vub_ring *r)
{
	if (books_of(r) && !r->inflight.recovered)
		books_of(r)->desc_num = 0;
}

FAULT(no_number, .name = "inflight-packed-no-number", .clause = "VU.inflight.layout.be.3",
      .summary = "does not say how many entries the region of a packed ring has",
      .ring_stop = no_version);

static int by_entry(const void *a, const void *b)
{
	return *(const u16 *)a - *(const u16 *)b;
}

static void table_order(struct vub_ring *r, u32 *base)
{
	if (r->n_resubmit && books_of(r))
		qsort(r->resubmit, r->n_resubmit, sizeof(*r->resubmit), by_entry);
}

FAULT(order, .name = "inflight-packed-table-order", .clause = "VU.inflight.packed-recover.be.3",
      .summary = "submits what was in flight in a packed ring in the order of the table",
      .ring_start = table_order);

/* The region of the first ring, before that starts. */
static struct vu_inflight_packed *region(struct vub_session *s, const struct vub_request *rq)
{
	if (rq->msg.hdr.request != VU_SET_VRING_KICK || rq->msg.u64 & VU_VRING_INDEX_MASK ||
	    s->rings[0].started || !s->inflight.map.map ||
	    !(s->features & BIT_ULL(VIRTIO_F_RING_PACKED)))
		return NULL;
	return (struct vu_inflight_packed *)s->inflight.map.at;
}

static enum fault_action always_back(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	struct vu_inflight_packed *q = region(s, rq);

	if (q && q->version) {
		q->used_idx = q->old_used_idx;
		q->used_wrap_counter = q->old_used_wrap_counter;
		q->free_head = q->old_free_head;
	}
	return FAULT_PASS;
}

FAULT(rolls_back, .name = "inflight-packed-rolls-back", .clause = "VU.inflight.packed-recover.be.1",
      .summary = "undoes the last return of a packed ring, whatever the ring says",
      .request = always_back);

static enum fault_action always_on(struct vub_session *s, struct vub_request *rq,
				   struct vub_reply *rep)
{
	struct vu_inflight_packed *q = region(s, rq);

	if (q && q->version) {
		q->old_used_idx = q->used_idx;
		q->old_used_wrap_counter = q->used_wrap_counter;
		q->old_free_head = q->free_head;
	}
	return FAULT_PASS;
}

FAULT(commits, .name = "inflight-packed-commits", .clause = "VU.inflight.packed-recover.be.1",
      .summary = "takes the last return of a packed ring for done, whatever the ring says",
      .request = always_on);

/* A mark that comes back when the ring is at rest: seen by a successor that does not clear it. */
static bool leave_mark(struct vub_ring *r, bool allowed)
{
	struct vu_inflight_packed *s = books_of(r);

	if (s && r->inflight.recovered && s->free_head < s->desc_num && !r->in_flight)
		VUB_INFLIGHT_STORE(s->desc[s->free_head].inflight, 1);
	return allowed;
}

FAULT(keeps_mark, .name = "inflight-packed-free-marked",
      .clause = "VU.inflight.packed-recover.be.2",
      .summary = "leaves the first free entry marked when a packed ring is started again",
      .may_run = leave_mark);
