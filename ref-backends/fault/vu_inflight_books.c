// SPDX-License-Identifier: BSD-3-Clause
/* Faults of in-flight tracking. */
#include "ref-backends/fault/vu_fault.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static unsigned count;
static int first_fd = -1;

static void forget(struct vub_session *s)
{
	count = 0;
	vub_set_fd(&first_fd, -1);
}

static bool is_get(const struct vub_request *rq)
{
	return rq->msg.hdr.request == VU_GET_INFLIGHT_FD;
}

static bool is_set(const struct vub_request *rq)
{
	return rq->msg.hdr.request == VU_SET_INFLIGHT_FD && rq->nfds == 1 &&
	       rq->msg.hdr.size == sizeof(struct vu_inflight);
}

/* --- GET_INFLIGHT_FD ------------------------------------------------------------------------------- */

static void no_descriptor(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (is_get(rq))
		vub_set_fd(&rep->fd, -1);
}

FAULT(no_fd, .name = "inflight-without-descriptor", .clause = "VU.inflight.get.be.2",
      .summary = "answers GET_INFLIGHT_FD without a descriptor", .reply = no_descriptor);

static bool is_get_two(const struct vub_request *rq)
{
	return is_get(rq) && rq->msg.inflight.num_queues == 2;
}

static void half_size(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (is_get_two(rq))
		rep->msg.inflight.mmap_size /= 2;
}

FAULT(too_small, .name = "inflight-too-small", .clause = "VU.inflight.get.be.3",
      .summary = "gives a buffer for one queue when two are asked for", .reply = half_size);

/* A buffer that ends before its first byte: who maps it and looks is killed. */
static void short_file(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (is_get_two(rq) && rep->fd >= 0)
		vub_set_fd(&rep->fd, memfd_create("ringside-short", MFD_CLOEXEC));
}

FAULT(short_buffer, .name = "inflight-short-file", .clause = "VU.inflight.get.be.3",
      .summary = "gives an empty file as the buffer", .reply = short_file);

static void in_use(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	struct vu_inflight_split *q;

	if (!is_get(rq) || rep->fd < 0)
		return;
	q = mmap(NULL, rep->msg.inflight.mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED, rep->fd, 0);
	if (q == MAP_FAILED)
		return;
	q->version = 1;
	q->desc_num = rq->msg.inflight.queue_size;
	q->desc[1].inflight = 1;
	munmap(q, rep->msg.inflight.mmap_size);
}

FAULT(not_empty, .name = "inflight-not-empty", .clause = "VU.inflight.get.be.4",
      .summary = "gives a buffer in which a head is in flight", .reply = in_use);

static void one_of_two(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (is_get_two(rq))
		rep->msg.inflight.num_queues = 1;
}

FAULT(dimensions, .name = "inflight-dimensions-changed", .clause = "VU.inflight.get.be.5",
      .summary = "answers GET_INFLIGHT_FD for two queues with one", .reply = one_of_two);

static void same_again(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (!is_get(rq) || rep->fd < 0)
		return;
	if (first_fd < 0)
		first_fd = dup(rep->fd);
	else
		vub_set_fd(&rep->fd, dup(first_fd));
}

FAULT(same_buffer, .name = "inflight-same-buffer", .clause = "VU.inflight.get.be.7",
      .summary = "gives the same buffer twice", .session_start = forget, .reply = same_again);

static enum fault_action absurd(struct vub_session *s, struct vub_request *rq,
				struct vub_reply *rep)
{
	if (is_get(rq) && rq->msg.inflight.num_queues == 65535)
		vu_fault_die();
	return FAULT_PASS;
}

FAULT(absurd_kills, .name = "inflight-absurd-kills", .clause = "ROB.msg.inflight",
      .summary = "dies of GET_INFLIGHT_FD for 65535 queues", .request = absurd);

/* --- SET_INFLIGHT_FD ------------------------------------------------------------------------------- */

static enum fault_action keep_first(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	if (is_set(rq) && ++count > 1)
		return vu_fault_ack(s, rq, rep, 0);
	return FAULT_PASS;
}

FAULT(second_ignored, .name = "second-inflight-ignored", .clause = "VU.inflight.set.be.5",
      .summary = "stays with the first buffer when SET_INFLIGHT_FD is repeated",
      .session_start = forget, .request = keep_first);

static enum fault_action accept_small(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	if (is_set(rq) && rq->msg.inflight.mmap_size < sizeof(struct vu_inflight_split) +
							       sizeof(struct vu_inflight_desc))
		return vu_fault_ack(s, rq, rep, 0);
	return FAULT_PASS;
}

FAULT(small_accepted, .name = "inflight-small-accepted", .clause = "VU.inflight.set.be.3",
      .summary = "acknowledges a buffer of 16 bytes", .request = accept_small);

/* The region of queue 0 in the buffer of SET_INFLIGHT_FD, before it is looked at. */
static struct vu_inflight_split *region(struct vub_session *s)
{
	return s->inflight.map.map ? (struct vu_inflight_split *)s->inflight.map.at : NULL;
}

static bool starts_ring_0(struct vub_session *s, const struct vub_request *rq)
{
	return rq->msg.hdr.request == VU_SET_VRING_KICK &&
	       (rq->msg.u64 & VU_VRING_INDEX_MASK) == 0 && !s->rings[0].started;
}

static enum fault_action trust_version_0(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	struct vu_inflight_split *q = region(s);

	if (starts_ring_0(s, rq) && q && q->version == 0) {
		q->desc_num = s->inflight.queue_size;
		q->version = 1;
	}
	return FAULT_PASS;
}

FAULT(version_0, .name = "inflight-version-0-trusted", .clause = "VU.inflight.layout.be.4",
      .summary = "believes what stands in a buffer of version 0", .request = trust_version_0);

static enum fault_action corrupt(struct vub_session *s, struct vub_request *rq,
				 struct vub_reply *rep)
{
	struct vu_inflight_split *q = region(s);

	if (starts_ring_0(s, rq) && q && q->version == 1 &&
	    q->last_batch_head >= s->inflight.queue_size)
		vu_fault_die();
	return FAULT_PASS;
}

FAULT(corrupt_kills, .name = "inflight-corrupt-kills", .clause = "VU.inflight.set.be.4",
      .summary = "dies of a last_batch_head that is no head", .request = corrupt);

/* --- the books while requests run ------------------------------------------------------------------ */

static void stale_index(struct vub_ring *r)
{
	if (r->inflight.shared)
		r->inflight.shared->used_idx--;
}

FAULT(index_stale, .name = "inflight-used-idx-stale", .clause = "VU.inflight.set.be.1",
      .summary = "leaves a used_idx behind that is one too low", .ring_stop = stale_index);

static void stays_marked(struct vub_ring *r)
{
	if (r->inflight.shared)
		r->inflight.shared->desc[0].inflight = 1;
}

FAULT(not_cleared, .name = "inflight-not-cleared", .clause = "VU.inflight.split-idle.be.1",
      .summary = "leaves head 0 marked when nothing is in flight", .ring_stop = stays_marked);

static void queue_0_only(struct vub_ring *r, u32 *base)
{
	if (r->index)
		r->inflight.shared = NULL;
}

FAULT(one_queue, .name = "inflight-queue-0-only", .clause = "VU.inflight.set.be.1",
      .summary = "tracks what is in flight on queue 0 only", .ring_start = queue_0_only);

static struct vu_inflight_split *books_of(struct dvq_split *vq)
{
	return vu_fault_ring_of(vq)->inflight.shared;
}

static enum fault_action unmark(struct dvq_split *vq, struct dvq_chain *c)
{
	if (books_of(vq))
		__atomic_store_n(&books_of(vq)->desc[c->head].inflight, 0, __ATOMIC_RELEASE);
	return FAULT_PASS;
}

static enum fault_action mark_again(struct dvq_split *vq, u32 *id, u32 *len)
{
	if (books_of(vq))
		__atomic_store_n(&books_of(vq)->desc[*id].inflight, 1, __ATOMIC_RELEASE);
	return FAULT_PASS;
}

static void pause_us(long us)
{
	struct timespec ts = { .tv_nsec = us * 1000 };

	nanosleep(&ts, NULL);
}

/* Long enough to be seen. */
static void linger(struct rblk *blk, struct rblk_req *req)
{
	pause_us(1000);
}

FAULT(marked_late, .name = "inflight-marked-late", .clause = "VU.inflight.split-get.be.1",
      .summary = "marks a head after its request was carried out", .chain = unmark,
      .blk_complete = linger, .used = mark_again);

static void index_first(struct dvq_split *vq, u32 id, u32 len)
{
	if (!books_of(vq))
		return;
	__atomic_store_n(&books_of(vq)->used_idx, vq->used_idx, __ATOMIC_RELEASE);
	pause_us(1000);
}

FAULT(used_idx_first, .name = "inflight-used-idx-first", .clause = "VU.inflight.split-put.be.1",
      .summary = "stores used_idx before it clears the head's mark", .after_used = index_first);

static enum fault_action same_counter(struct dvq_split *vq, struct dvq_chain *c)
{
	if (books_of(vq))
		books_of(vq)->desc[c->head].counter = 0;
	return FAULT_PASS;
}

FAULT(counter_constant, .name = "inflight-counter-constant", .clause = "VU.inflight.split-get.be.1",
      .summary = "gives every request the counter 0", .chain = same_counter);

/* --- recovery -------------------------------------------------------------------------------------- */

static void no_resubmit(struct vub_ring *r, u32 *base)
{
	r->n_resubmit = 0;
}

FAULT(not_resubmitted, .name = "inflight-not-resubmitted", .clause = "VU.inflight.set.be.2",
      .summary = "does not submit what was in flight again", .ring_start = no_resubmit);

static int by_head(const void *a, const void *b)
{
	return *(const u16 *)a - *(const u16 *)b;
}

static void table_order(struct vub_ring *r, u32 *base)
{
	if (r->n_resubmit && r->inflight.shared)
		qsort(r->resubmit, r->n_resubmit, sizeof(*r->resubmit), by_head);
}

FAULT(resubmit_order, .name = "inflight-table-order", .clause = "VU.inflight.split-recover.be.3",
      .summary = "submits what was in flight in the order of the table", .ring_start = table_order);

static u16 ring_used_idx(struct vub_ring *r, u16 otherwise)
{
	struct vring_used *used = vub_mem_uva(r->s->mem, r->addr.used, sizeof(*used));

	return used ? le16(used->idx) : otherwise;
}

static enum fault_action head_only(struct vub_session *s, struct vub_request *rq,
				   struct vub_reply *rep)
{
	struct vu_inflight_split *q = region(s);

	if (starts_ring_0(s, rq) && q && q->version == 1) {
		u16 used = ring_used_idx(&s->rings[0], q->used_idx);

		if (used != q->used_idx)
			q->used_idx = (u16)(used - 1);
	}
	return FAULT_PASS;
}

FAULT(last_batch, .name = "inflight-last-batch-of-one", .clause = "VU.inflight.split-recover.be.1",
      .summary = "clears only the head of the last batch", .request = head_only);

static u16 old_index;

static enum fault_action note_index(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	if (starts_ring_0(s, rq) && region(s))
		old_index = region(s)->used_idx;
	return FAULT_PASS;
}

static void old_index_back(struct vub_ring *r, u32 *base)
{
	if (r->inflight.shared && r->index == 0)
		r->inflight.shared->used_idx = old_index;
}

FAULT(index_kept, .name = "inflight-used-idx-kept", .clause = "VU.inflight.split-recover.be.2",
      .summary = "does not bring used_idx up to date when a ring starts", .request = note_index,
      .ring_start = old_index_back);
