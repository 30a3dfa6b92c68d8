// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a ring's thread does in its turns: fetch, serve, publish, call. When it does, and when it sleeps, is loop.c.
 *
 * In the steady state a request costs no lock, no allocation and, when nothing else is pending, two
 * system calls: the sleep that ends with the kick (which consumes it, too) and the write of the
 * call.
 */
#include "ref-backends/binding/vhost_user/serve.h"

#include <poll.h>
#include <unistd.h>

#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/device/host/measure.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"
#include "traces/trace.h"

#define BATCH 64 /* chains between two looks at messages and completions; several bursts */

#ifdef __SANITIZE_THREAD__
char vub_driver_order;
#endif

/* Guest memory. */

/* The window follows; the table does not change while the ring runs. */
static void *translate_for(struct vub_ring *r, u64 gpa, u64 *len, u8 perm)
{
	const bool iommu = vub_has_iommu(r->s);
	void *hva =
		iommu ? vub_iotlb_translate(r, gpa, len, perm) : vub_mem_gpa(r->s->mem, gpa, len);

	if (fault_active && fault_active->translate)
		hva = fault_active->translate(r->s, gpa, *len, hva);
	else if (!iommu)
		vub_mem_region(r->s->mem, gpa, &r->vq.window);
	return hva;
}

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	return translate_for(ctx, gpa, len, VU_IOTLB_READ);
}

static void *translate_writable(void *ctx, u64 gpa, u64 *len)
{
	return translate_for(ctx, gpa, len, VU_IOTLB_WRITE);
}

static void mark(struct vub_ring *r, u64 gpa, u64 len)
{
	if (fault_active && fault_active->log_write && !fault_active->log_write(r->s, gpa, len))
		return;
	vub_log_mark(&r->s->log, gpa, len);
	r->due |= VUB_DUE_LOG;
}

static bool logs(const struct vub_ring *r)
{
	return r->s->features & BIT_ULL(VU_F_LOG_ALL);
}

static bool logs_ring(const struct vub_ring *r)
{
	return logs(r) && r->addr.flags & VU_VRING_F_LOG;
}

static void mark_hva(struct vub_ring *r, const void *p, u64 len)
{
	u64 gpa;

	if (vub_mem_gpa_of(r->s->mem, p, &gpa))
		mark(r, gpa, len);
}

/*
 * The used ring is logged where the front-end says, whether or not that is its address. What that place is
 * in a packed ring, whose used descriptors stand among the others, the text does not say: front-ends name
 * the device's event structure, back-ends take it for the descriptors. So both are marked.
 */
/*
 * With VIRTIO_F_ACCESS_PLATFORM the place is the platform's address of it, as all guest addresses are; pages are
 * those of guest memory. What nobody translates can only be one of these.
 */
static void mark_platform(struct vub_ring *r, u64 iova, u64 len)
{
	while (len) {
		void *hva;
		u64 some = len;

		if (vub_iotlb_find(&r->s->iotlb, r->s->mem, iova, &some, VU_IOTLB_WRITE, &hva) ==
		    VUB_IOTLB_HIT) {
			mark_hva(r, hva, some);
		} else {
			some = 1;
			mark(r, iova, some);
		}
		iova += some;
		len -= some;
	}
}

static void used_written(void *ctx, u64 off, u64 len)
{
	struct vub_ring *r = ctx;

	if (!logs_ring(r))
		return;
	if (vub_has_iommu(r->s))
		mark_platform(r, r->addr.log + off, len);
	else
		mark(r, r->addr.log + off, len);
	if (r->ring.is_packed)
		mark_hva(r, (const u8 *)r->ring.packed.desc + off, len);
}

static void event_written(void *ctx)
{
	struct vub_ring *r = ctx;

	if (logs_ring(r))
		mark_hva(r, r->ring.packed.device, sizeof(*r->ring.packed.device));
}

const struct dvq_ops vub_dvq_ops = {
	.translate = translate,
	.translate_writable = translate_writable,
	.used_written = used_written,
	.event_written = event_written,
};

const struct dvq_ops vub_dvq_ops_unlogged = {
	.translate = translate,
	.translate_writable = translate_writable,
};

static void log_data(struct vub_ring *r, const struct dvq_chain *c)
{
	const struct dvq_seg *seg = c->segs + c->n_readable;

	if (!logs(r))
		return;
	for (u32 i = 0; i < c->n_writable; i++)
		mark_hva(r, seg[i].base, seg[i].len);
}

/* Notification. */

void vub_signal(int fd, bool may_block)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	u64 one = 1;

	if (fd < 0 || (may_block && poll(&p, 1, 0) != 1))
		return;
	if (write(fd, &one, sizeof(one)) < 0) {
		/* EAGAIN: its counter is full, so it is signalled. EPIPE: nobody listens. */
	}
}

/* Those that are not noted were written before somebody began to record. */
static void __attribute__((noinline, cold)) trace_noted(struct vub_ring *r)
{
	for (u32 i = 0; i < r->n_noted; i++)
		trace_publish(r->index, r->staged[i].head, r->staged[i].seq, r->staged[i].len);
	r->n_noted = 0;
}

/* Without what is noted of them: of what was taken the short way nothing is. */
static inline void show(struct vub_ring *r)
{
	if (!r->n_staged)
		return;
	dvq_ring_flush(&r->ring);
	r->n_staged = 0;
}

void vub_serve_flush(struct vub_ring *r)
{
	if (!r->n_staged)
		return;
	show(r);
	if (__builtin_expect(r->n_noted, 0))
		trace_noted(r);
}

/* With all that was staged shown. True: the driver was notified. */
static inline bool notify(struct vub_ring *r)
{
	if (!dvq_ring_notify_due(&r->ring))
		return false;
	if (r->call_fd < 0) {
		r->call_missed = true;
		return false;
	}
	vub_signal(r->call_fd, r->call_may_block);
	measure_call();
	return true;
}

static void __attribute__((noinline, cold)) notify_due(struct vub_ring *r)
{
	const u32 n = r->unsignalled;

	trace_noted(r);
	r->unsignalled = 0; /* decided, whichever way: a later call is not for these */
	if (r->due & VUB_DUE_LOG)
		vub_signal(r->s->log_fd, true);
	r->due = 0;
	if (notify(r) && n)
		trace_call(r->index, r->last_head, r->last_seq, n);
}

void vub_serve_notify(struct vub_ring *r)
{
	show(r);
	/* The log's question is the tracer's, too, so that the latter costs nothing when it is off. */
	if (__builtin_expect(r->due, 0))
		notify_due(r);
	else
		notify(r);
}

/* Requests. */

static struct vub_slot *slot_get(struct vub_ring *r)
{
	struct vub_slot *slot = r->free;

	r->free = slot->next_free;
	r->in_flight++;
	slot->done = slot->dropped = false;
	return slot;
}

static void slot_put(struct vub_ring *r, struct vub_slot *slot)
{
	if (slot->req.chain.segs == r->big) {
		r->big_busy = false;
		vub_slot_segs(slot);
	}
	slot->next_free = r->free;
	r->free = slot;
	r->in_flight--;
}

/* Which chains are in flight outlives us: with that each is shown by itself, since the order counts. */
static void track_put(struct vub_ring *r, u16 entry)
{
	if (r->inflight.packed)
		vub_inflight_packed_put(&r->inflight, entry, &r->ring.packed);
	else
		vub_inflight_put(&r->inflight, entry);
}

static void track_done(struct vub_ring *r, u16 entry)
{
	if (r->inflight.packed)
		vub_inflight_packed_done(&r->inflight, entry);
	else
		vub_inflight_done(&r->inflight, entry, r->vq.used_idx);
}

/* For the tracer: who was written as used, and who was last. */
static void note(struct vub_ring *r, const struct rdev_req *req)
{
	if (r->n_noted == VUB_RING_DEPTH)
		trace_noted(r);
	r->due |= VUB_DUE_NOTED;
	r->unsignalled++;
	r->last_head = req->chain.head;
	r->last_seq = req->seq;
	r->staged[r->n_noted++] = (struct vub_staged){ req->seq, req->used_len, req->chain.head };
}

static inline void stage(struct vub_ring *r, struct rdev_req *req)
{
	if (!dvq_ring_stage(&r->ring, &req->chain, req->used_len))
		return;
	if (__builtin_expect(trace_on(), 0))
		note(r, req);
	r->n_staged++;
	if ((r->n_staged >= r->burst && !req->more) || r->n_staged == VUB_RING_DEPTH)
		vub_serve_flush(r);
}

static void publish(struct vub_ring *r, struct vub_slot *slot)
{
	const bool tracked = vub_inflight_on(&r->inflight);

	if (!slot->dropped) {
		if (judge_active)
			judge_active->used(r, slot->req.chain.head);
		if (tracked)
			track_put(r, slot->entry);
		VUB_DRIVER_GETS();
		stage(r, &slot->req);
		if (tracked) {
			vub_serve_flush(r);
			track_done(r, slot->entry);
		}
	}
	slot_put(r, slot);
}

/* A request is done. With VIRTIO_F_IN_ORDER it waits for those that were made available before it (6.2). */
static void complete(struct vub_ring *r, struct vub_slot *slot)
{
	if (__builtin_expect(!r->in_order, 1)) {
		publish(r, slot);
		return;
	}
	slot->done = true;
	while (r->oldest && r->oldest->done) {
		slot = r->oldest;
		r->oldest = slot->next_taken;
		publish(r, slot);
	}
}

/* It was the last that was taken, so it is the newest, too. */
static void put_back(struct vub_ring *r, struct vub_slot *slot)
{
	struct vub_slot **at = &r->oldest, *before = NULL;

	slot->req.put_back = false;
	if (r->in_order) {
		while (*at != slot) {
			before = *at;
			at = &before->next_taken;
		}
		*at = NULL;
		r->newest = before;
	}
	if (judge_active)
		judge_active->used(r, slot->req.chain.head);
	if (r->inflight.packed)
		vub_inflight_packed_undo(&r->inflight, slot->entry);
	else
		vub_inflight_undo(&r->inflight, slot->entry);
	dvq_ring_undo(&r->ring, &slot->req.chain);
	slot_put(r, slot);
}

void vub_serve_done(struct rdev_req *req)
{
	struct vub_slot *slot = (struct vub_slot *)((u8 *)req - offsetof(struct vub_slot, req));
	struct vub_ring *r = slot->ring;

	trace_serve_end(r->index, req->chain.head, req->seq, req->used_len);
	if (req->put_back) {
		put_back(r, slot);
		return;
	}
	log_data(r, &req->chain);
	complete(r, slot);
}

static void __attribute__((cold))
bad_chain(struct vub_ring *r, struct vub_slot *slot, enum dvq_error e)
{
	struct dvq_chain *c = &slot->req.chain;

	vub_complain(r->s, "ring %u: chain %u: %s", r->index, c->head, dvq_error_name(e));
	slot->dropped = fault_active && dvq_ring_fault_bad(&r->ring, c, e) == FAULT_DONE;
	slot->req.used_len = 0;
	complete(r, slot);
}

static void __attribute__((cold)) broken(struct vub_ring *r, enum dvq_error e)
{
	vub_complain(r->s, "ring %u is broken: %s", r->index, dvq_error_name(e));
	vub_signal(r->err_fd, true);
	vub_needs_reset(r->s);
}

/* The next chain of the ring, or that of an entry of the in-flight region. */
struct source {
	bool again;
	u16 entry;
};

static enum dvq_error next_chain(struct vub_ring *r, const struct source *from, struct dvq_chain *c)
{
	if (!from->again)
		return dvq_ring_next(&r->ring, c);
	if (r->inflight.packed)
		return vub_inflight_packed_walk(&r->inflight, from->entry, &r->ring.packed, c);
	return dvq_walk(&r->vq, from->entry, c);
}

/* Walk into the slot's segments, or into the one large array if these do not suffice. */
static enum dvq_error walk(struct vub_ring *r, const struct source *from, struct vub_slot *slot)
{
	struct dvq_chain *c = &slot->req.chain;
	enum dvq_error e;

	e = next_chain(r, from, c);
	if (e != DVQ_E_SEGS || r->big_busy)
		return e;
	c->segs = r->big;
	c->cap = r->big_cap;
	e = next_chain(r, from, c);
	/* Descriptors in so many pieces of memory that even this does not suffice. */
	if (e == DVQ_E_SEGS)
		return from->again ? DVQ_E_LONG : dvq_ring_refuse(&r->ring, c);
	r->big_busy = true;
	return e;
}

/* A chain was taken; `e` is what is wrong with it. */
static void serve(struct vub_ring *r, const struct source *from, struct vub_slot *slot,
		  enum dvq_error e)
{
	struct rdev *dev = r->s->dev;
	struct dvq_chain *c = &slot->req.chain;

	if (vub_inflight_on(&r->inflight)) {
		if (from->again)
			slot->entry = from->entry;
		else if (r->inflight.packed)
			slot->entry = vub_inflight_packed_get(&r->inflight, &r->ring.packed, c);
		else
			vub_inflight_get(&r->inflight, slot->entry = c->head);
	}
	slot->req.seq = r->seq++;
	slot->req.done = vub_serve_done;
	if (r->in_order)
		vub_line_up(r, slot);
	if (judge_active)
		judge_active->chain(r, c, e);
	if (e) {
		bad_chain(r, slot, e);
		return;
	}
	trace_fetch(r->index, c->head, slot->req.seq, (u32)(c->readable + c->writable));
	if (fault_active && dvq_ring_fault_chain(&r->ring, c) == FAULT_DONE) {
		slot->dropped = true;
		complete(r, slot);
		return;
	}
	trace_serve_begin(r->index, c->head, slot->req.seq, (u32)(c->readable + c->writable));
	dev->ops->serve(dev, &slot->req);
}

/* Take the next chain and have it served. False when there is none, or it has to wait. */
static bool take(struct vub_ring *r, const struct source *from)
{
	struct vub_slot *slot = slot_get(r);
	enum dvq_error e;

	VUB_DRIVER_GAVE();
	r->missed = false;
	e = walk(r, from, slot);
	if (r->missed) {
		/* Later: it stays in the ring until its translations are there. */
		if (e != DVQ_EMPTY && e != DVQ_E_SEGS && !from->again &&
		    !dvq_ring_is_broken(&r->ring))
			dvq_ring_undo(&r->ring, &slot->req.chain);
		slot_put(r, slot);
		return false;
	}
	if (judge_active && !from->again && e != DVQ_E_SEGS)
		judge_active->avail(r, dvq_ring_is_broken(&r->ring) || e == DVQ_EMPTY ? e : DVQ_OK);
	if (e == DVQ_EMPTY || e == DVQ_E_SEGS) {
		slot_put(r, slot);
		return false;
	}
	if (dvq_ring_is_broken(&r->ring)) {
		slot_put(r, slot);
		broken(r, e);
		return false;
	}
	serve(r, from, slot, e);
	return true;
}

/* What an earlier process had in flight. */
static bool resubmit(struct vub_ring *r)
{
	struct source from = { .again = true };

	if (r->next_resubmit == r->n_resubmit || !r->free)
		return false;
	from.entry = r->resubmit[r->next_resubmit];
	if (!take(r, &from))
		return false;
	r->next_resubmit++;
	return true;
}

static unsigned serve_chains(struct vub_ring *r)
{
	static const struct source ring = { .again = false };
	struct rdev *dev = r->s->dev;
	const bool plain = r->take_plain && !trace_on(), pulls = dev->ops->ready;
	unsigned n = 0;

	while (n < BATCH && resubmit(r))
		n++;
	if (r->next_resubmit < r->n_resubmit || r->held)
		return n;
	while (n < BATCH && r->free) {
		bool unusual = true;

		if (plain) {
			const unsigned some = r->take_plain(r, &unusual);

			show(r);
			n += some;
			if (some == r->burst)
				continue;
		}
		if (!unusual || (pulls && !dev->ops->ready(dev, r->index)) || !take(r, &ring))
			break;
		if (n++ == 0)
			vub_want_no_kicks(r);
	}
	return n;
}

unsigned vub_serve_batch(struct vub_ring *r)
{
	struct rdev *dev = r->s->dev;
	unsigned n = serve_chains(r);

	r->fresh = false;
	if (n && dev->ops->served)
		dev->ops->served(dev, r->index);
	return n;
}

void vub_serve_let_go(struct vub_ring *r)
{
	struct rdev *dev = r->s->dev;

	if (r->in_flight && dev->ops->let_go)
		dev->ops->let_go(dev, r->index);
}

bool vub_serve_drained(struct vub_ring *r)
{
	return r->in_flight == 0 &&
	       (r->next_resubmit == r->n_resubmit || !vub_ring_may_run(r) || vub_iotlb_waits(r));
}
