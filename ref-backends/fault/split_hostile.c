// SPDX-License-Identifier: BSD-3-Clause
/*
 * Faults that only a hostile driver sees: each does to the back-end what a bug in that place did to
 * some other. What would be a crash there is an exit here, since a sanitizer would not let it be one.
 */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/device/blk.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/fault/vub_ring.h"

static void die(void)
{
	_exit(70);
}

/* The worker is gone and says nothing, until the ring is stopped. */
static enum fault_action go_silent(const struct dvq_split *vq)
{
	struct vub_ring *r = fault_vub_ring(vq);

	if (r)
		r->held = true;
	return FAULT_DONE;
}

static bool is_indirect(const struct dvq_split *vq, u16 head)
{
	return le16(vq->desc[head].flags) & VRING_DESC_F_INDIRECT;
}

/* --- malformed chains ---------------------------------------------------------------------------------- */

static enum fault_action cycle(struct dvq_split *vq, u16 head, int error)
{
	if (error == DVQ_E_LONG)
		die();
	return FAULT_PASS;
}

FAULT(chain_cycle_dies, .name = "chain-cycle-dies", .clause = "ROB.alive.chain-cycle",
      .summary = "ends when a chain is a loop", .bad_chain = cycle);

static enum fault_action next_range(struct dvq_split *vq, u16 head, int error)
{
	return error == DVQ_E_NEXT && !is_indirect(vq, head) ? go_silent(vq) : FAULT_PASS;
}

FAULT(next_range_silent, .name = "next-range-silent", .clause = "ROB.alive.next-range",
      .summary = "stops serving, and says nothing, after a next index out of range",
      .bad_chain = next_range);

static enum fault_action table_size(struct dvq_split *vq, u16 head, int error)
{
	if (error == DVQ_E_INDIRECT_SIZE)
		die();
	return FAULT_PASS;
}

FAULT(indirect_size_dies, .name = "indirect-size-dies", .clause = "ROB.alive.indirect-size",
      .summary = "ends when an indirect table is no multiple of 16 bytes", .bad_chain = table_size);

static enum fault_action nested(struct dvq_split *vq, u16 head, int error)
{
	if (error == DVQ_E_NESTED)
		die();
	return FAULT_PASS;
}

FAULT(indirect_nested_dies, .name = "indirect-nested-dies", .clause = "ROB.alive.indirect-nested",
      .summary = "ends when an entry of an indirect table is indirect", .bad_chain = nested);

static enum fault_action and_next(struct dvq_split *vq, u16 head, int error)
{
	return error == DVQ_E_INDIRECT_NEXT ? go_silent(vq) : FAULT_PASS;
}

FAULT(indirect_and_next_silent, .name = "indirect-and-next-silent",
      .clause = "ROB.alive.indirect-and-next",
      .summary = "stops serving, and says nothing, after INDIRECT together with NEXT",
      .bad_chain = and_next);

static enum fault_action not_negotiated(struct dvq_split *vq, u16 head, int error)
{
	if (error == DVQ_E_INDIRECT)
		die();
	return FAULT_PASS;
}

FAULT(indirect_off_dies, .name = "indirect-off-dies", .clause = "ROB.alive.indirect-off",
      .summary = "ends when INDIRECT is set without the feature", .bad_chain = not_negotiated);

static enum fault_action order(struct dvq_split *vq, u16 head, int error)
{
	if (error == DVQ_E_ORDER)
		die();
	return FAULT_PASS;
}

FAULT(desc_order_dies, .name = "desc-order-dies", .clause = "ROB.alive.desc-order",
      .summary = "ends when a writable descriptor comes before a readable one", .bad_chain = order);

static enum fault_action total(struct dvq_split *vq, u16 head, int error)
{
	return error == DVQ_E_BYTES && vq->num > 1024 ? go_silent(vq) : FAULT_PASS;
}

FAULT(desc_total_silent, .name = "desc-total-silent", .clause = "ROB.alive.desc-total",
      .summary = "stops serving, and says nothing, after a chain of more than 4 GiB",
      .bad_chain = total);

/* Is the first byte of it in memory? */
static bool begins_in_memory(const struct dvq_split *vq, u64 addr)
{
	u64 len = 1;

	return vq->ops->translate(vq->ctx, addr, &len) != NULL;
}

/* The first direct descriptor with memory missing, or NULL. */
static const struct vring_desc *first_missing(const struct dvq_split *vq, u16 head)
{
	u32 i = head;

	for (u32 n = 0; n < vq->num; n++) {
		const struct vring_desc *d = &vq->desc[i];
		u64 len = le32(d->len), there = len;

		if (len && (!vq->ops->translate(vq->ctx, le64(d->addr), &there) || there < len))
			return d;
		if (!(le16(d->flags) & VRING_DESC_F_NEXT))
			break;
		i = le16(d->next) & (vq->num - 1);
	}
	return NULL;
}

static enum fault_action outside(struct dvq_split *vq, u16 head, int error)
{
	const struct vring_desc *d = error == DVQ_E_MEMORY ? first_missing(vq, head) : NULL;

	/* Those near 2^64 are found by a check that they do not wrap. */
	if (d && !is_indirect(vq, head) && !begins_in_memory(vq, le64(d->addr)) &&
	    le64(d->addr) < 1ull << 63)
		die();
	return FAULT_PASS;
}

FAULT(desc_outside_dies, .name = "desc-outside-dies", .clause = "ROB.alive.desc-outside",
      .summary = "ends when a buffer is outside memory", .bad_chain = outside);

static enum fault_action table_outside(struct dvq_split *vq, u16 head, int error)
{
	if (error == DVQ_E_MEMORY && is_indirect(vq, head) &&
	    !begins_in_memory(vq, le64(vq->desc[head].addr)))
		die();
	return FAULT_PASS;
}

FAULT(indirect_outside_dies, .name = "indirect-outside-dies", .clause = "ROB.alive.desc-outside",
      .summary = "ends when an indirect table is outside memory", .bad_chain = table_outside);

static enum fault_action straddles(struct dvq_split *vq, u16 head, int error)
{
	const struct vring_desc *d = error == DVQ_E_MEMORY ? first_missing(vq, head) : NULL;

	if (d && !is_indirect(vq, head) && begins_in_memory(vq, le64(d->addr)))
		die();
	return FAULT_PASS;
}

FAULT(desc_end_unchecked, .name = "desc-end-unchecked", .clause = "ROB.alive.desc-wrap",
      .summary = "ends when a buffer goes on behind its region", .bad_chain = straddles);

/* --- chains that are well-formed as such ----------------------------------------------------------------- */

static enum fault_action zero_length(struct dvq_split *vq, struct dvq_chain *c)
{
	u32 i = c->head;

	/* Not of a table that nobody filled in. */
	if (is_indirect(vq, c->head) || c->readable + c->writable == 0)
		return FAULT_PASS;
	for (u32 n = 0; n < vq->num; n++) {
		if (!vq->desc[i].len)
			die();
		if (!(le16(vq->desc[i].flags) & VRING_DESC_F_NEXT))
			break;
		i = le16(vq->desc[i].next) & (vq->num - 1);
	}
	return FAULT_PASS;
}

FAULT(desc_zero_dies, .name = "desc-zero-dies", .clause = "ROB.alive.desc-zero",
      .summary = "ends when a descriptor has length 0", .chain = zero_length);

static enum fault_action longer_than_queue(struct dvq_split *vq, struct dvq_chain *c)
{
	if (vq->num > 64 && c->descs > vq->num)
		die();
	return FAULT_PASS;
}

FAULT(chain_long_dies, .name = "chain-long-dies", .clause = "ROB.alive.chain-long",
      .summary = "ends when a chain has more descriptors than the queue",
      .chain = longer_than_queue);

static enum fault_action no_status(struct dvq_split *vq, struct dvq_chain *c)
{
	if (c->readable && !c->writable)
		die();
	return FAULT_PASS;
}

FAULT(no_status_dies, .name = "no-status-dies", .clause = "ROB.alive.short-request",
      .summary = "ends when a request has no place for a status", .chain = no_status);

static enum fault_action drop_no_status(struct dvq_split *vq, struct dvq_chain *c)
{
	return c->readable && !c->writable ? FAULT_DONE : FAULT_PASS;
}

FAULT(no_status_dropped, .name = "no-status-dropped", .clause = "ROB.chain.returned",
      .summary = "never returns a request that has no place for a status", .chain = drop_no_status);

static enum fault_action drop_malformed(struct dvq_split *vq, u16 head, int error)
{
	return FAULT_DONE;
}

FAULT(malformed_dropped, .name = "malformed-dropped", .clause = "ROB.chain.returned",
      .summary = "never returns a malformed chain", .bad_chain = drop_malformed);

/* The driver's word of the length, asked for again when the request is done. */
static enum fault_action refetch_len(struct dvq_split *vq, u32 *id, u32 *len)
{
	const struct vring_desc *first = &vq->desc[*id], *data, *last;

	if (le16(first->flags) != VRING_DESC_F_NEXT)
		return FAULT_PASS;
	data = &vq->desc[le16(first->next) & (vq->num - 1)];
	last = &vq->desc[le16(data->next) & (vq->num - 1)];
	if (le16(data->flags) == (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE) && *len > 1 &&
	    le16(last->flags) == VRING_DESC_F_WRITE && le32(last->len) == 1) {
		/* The driver may need this very processor to change it. */
		usleep(100);
		*len = le32(__atomic_load_n(&data->len, __ATOMIC_RELAXED)) + 1;
	}
	return FAULT_PASS;
}

FAULT(len_fetched_twice, .name = "len-fetched-twice", .clause = "ROB.fetch.once",
      .summary = "reads the length of a buffer again for the used length", .used = refetch_len);

/* --- after a bad request ------------------------------------------------------------------------------------ */

static __thread bool upset;

static enum fault_action get_upset(struct dvq_split *vq, u16 head, int error)
{
	upset = true;
	return FAULT_PASS;
}

static void fail_once(struct rblk *blk, struct rblk_req *req)
{
	if (upset)
		req->status = VIRTIO_BLK_S_IOERR;
	upset = false;
}

FAULT(next_request_fails, .name = "next-request-fails", .clause = "ROB.live.bad-request",
      .summary = "fails the request behind a malformed chain", .bad_chain = get_upset,
      .blk_complete = fail_once);

/* Until the end of a second, once at a time. */
static void *spin(void *busy)
{
	time_t end = time(NULL) + 2;

	while (time(NULL) < end)
		;
	__atomic_store_n((bool *)busy, false, __ATOMIC_RELEASE);
	return NULL;
}

static enum fault_action keep_busy(struct dvq_split *vq, u16 head, int error)
{
	static bool busy;
	pthread_t t;

	if (error != DVQ_E_LONG || __atomic_exchange_n(&busy, true, __ATOMIC_ACQ_REL))
		return FAULT_PASS;
	if (pthread_create(&t, NULL, spin, &busy) == 0)
		pthread_detach(t);
	return FAULT_PASS;
}

FAULT(loop_keeps_busy, .name = "loop-keeps-busy", .clause = "ROB.live.cpu",
      .summary = "keeps a processor busy after a chain that is a loop", .bad_chain = keep_busy);

static enum fault_action leak_fd(struct dvq_split *vq, u16 head, int error)
{
	if (dup(STDERR_FILENO) < 0)
		die();
	return FAULT_PASS;
}

FAULT(malformed_leaks_fd, .name = "malformed-leaks-fd", .clause = "ROB.leak.fds",
      .summary = "loses a file descriptor for each malformed chain", .bad_chain = leak_fd);

static void *sleep_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static enum fault_action leak_thread(struct dvq_split *vq, u16 head, int error)
{
	pthread_t t;

	if (pthread_create(&t, NULL, sleep_for_ever, NULL) == 0)
		pthread_detach(t);
	return FAULT_PASS;
}

FAULT(malformed_leaks_thread, .name = "malformed-leaks-thread", .clause = "ROB.leak.threads",
      .summary = "leaves a thread behind for each malformed chain", .bad_chain = leak_thread);

/* --- broken rings --------------------------------------------------------------------------------------------- */

/* Not an index of 0: that is what a front-end shows that clears the ring under us. */
static bool runs_away(const struct dvq_split *vq, u16 idx)
{
	return idx && (u16)(idx - vq->last_avail) > vq->num;
}

static u16 runaway(struct dvq_split *vq, u16 idx)
{
	if (runs_away(vq, idx))
		die();
	return idx;
}

FAULT(avail_runaway_dies, .name = "avail-runaway-dies", .clause = "ROB.alive.avail-runaway",
      .summary = "ends when the available index runs away", .avail_idx = runaway);

static u16 head_outside(struct dvq_split *vq, u16 head)
{
	if (head >= vq->num)
		die();
	return head;
}

FAULT(head_range_dies, .name = "head-range-dies", .clause = "ROB.alive.head-range",
      .summary = "ends when a head is out of range", .head = head_outside);

/* The same head in the entry behind this one, and that is available, too. */
static enum fault_action duplicate(struct dvq_split *vq, struct dvq_chain *c)
{
	if (vq->avail_seen != vq->last_avail && c->writable &&
	    le16(vq->avail->ring[vq->last_avail & (vq->num - 1)]) == c->head)
		die();
	return FAULT_PASS;
}

FAULT(avail_duplicate_dies, .name = "avail-duplicate-dies", .clause = "ROB.alive.avail-duplicate",
      .summary = "ends when a head is available twice at once", .chain = duplicate);

static enum fault_action odd_size(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	u32 num = rq->msg.state.num;

	if (rq->msg.hdr.request == VU_SET_VRING_NUM && num > 64 && num < 128)
		die();
	return FAULT_PASS;
}

FAULT(queue_size_dies, .name = "queue-size-dies", .clause = "ROB.alive.queue-size",
      .summary = "ends when a queue size between 64 and 128 is no power of two",
      .request = odd_size);

static enum fault_action ring_straddles(struct vub_session *s, struct vub_request *rq,
					struct vub_reply *rep)
{
	const struct vub_region *last = &s->mem->regions[s->mem->n - 1];
	u64 used = rq->msg.addr.used;

	if (rq->msg.hdr.request == VU_SET_VRING_ADDR && s->mem->n == 3 && used >= last->uva &&
	    used - last->uva < last->size && last->size - (used - last->uva) < 64)
		die();
	return FAULT_PASS;
}

FAULT(ring_end_unchecked, .name = "ring-end-unchecked", .clause = "ROB.alive.ring-outside",
      .summary = "ends when a used ring goes on behind the last region", .request = ring_straddles);

/* A ring ran away in this session. */
static bool ran_away;

static void forget_runaway(struct vub_session *s)
{
	ran_away = false;
}

static u16 note_runaway(struct dvq_split *vq, u16 idx)
{
	ran_away |= runs_away(vq, idx);
	return idx;
}

static enum fault_action no_answer(struct vub_session *s, struct vub_request *rq,
				   struct vub_reply *rep)
{
	return rq->msg.hdr.request == VU_GET_FEATURES && ran_away ? FAULT_DONE : FAULT_PASS;
}

FAULT(broken_ring_no_answer, .name = "broken-ring-no-answer", .clause = "ROB.live.no-hang",
      .summary = "does not answer GET_FEATURES once a ring ran away",
      .session_start = forget_runaway, .avail_idx = note_runaway, .request = no_answer);

static void end_with_session(struct vub_session *s)
{
	if (s->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		_exit(0);
}

FAULT(broken_ring_ends_program, .name = "broken-ring-ends-program",
      .clause = "ROB.live.new-session",
      .summary = "ends the program with the session in which a ring broke",
      .session_end = end_with_session);

static bool stay_broken(struct vub_ring *ring, bool allowed)
{
	return allowed && !ran_away;
}

FAULT(broken_ring_stays, .name = "broken-ring-stays", .clause = "ROB.live.recovers",
      .summary = "does not serve again when a broken ring was set up anew",
      .session_start = forget_runaway, .avail_idx = note_runaway, .may_run = stay_broken);
