// SPDX-License-Identifier: BSD-3-Clause
/* Serving the queues of a device with registers: fetch, walk, serve, publish, interrupt. */
#include <string.h>

#include "ref-backends/binding/registers/rreg.h"
#include "ref-backends/fault/fault.h"
#include "traces/trace.h"

#define DEPTH	  64  /* requests in flight, all queues together */
#define SLOT_SEGS 130 /* segments of a usual chain */
#define BIG_EXTRA 8   /* one buffer may be in two pieces of memory */
#define BATCH	  256 /* chains of one queue before others have their turn */

/* A request in flight. `req` begins the device's own structure, which follows. */
struct rreg_slot {
	struct rreg_slot *next; /* that is free, or that was taken after this one */
	struct rreg_queue *q;
	bool finished, dropped; /* with VIRTIO_F_IN_ORDER; a fault keeps it from being used */
	struct dvq_seg segs[SLOT_SEGS];
	struct rdev_req req;
};

static size_t slot_size(const struct rdev *dev)
{
	return ALIGN_UP(offsetof(struct rreg_slot, req) + dev->ops->req_size, 64);
}

static u32 big_cap(u16 queue_size)
{
	return MAX((u32)queue_size, DVQ_MIN_LIMIT) + BIG_EXTRA;
}

size_t rreg_slots_memory(const struct rreg_opts *o)
{
	return DEPTH * slot_size(o->dev) + big_cap(o->queue_size) * sizeof(struct dvq_seg);
}

/* --- rings ------------------------------------------------------------------------------------------- */

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	struct rreg_queue *q = ctx;

	return q->r->ops->translate(q->r->ctx, gpa, len);
}

static const struct dvq_ops ring_ops = { .translate = translate };

/* A part of the ring, which has to be in one piece here. */
static void *part(struct rreg_queue *q, u64 gpa, u64 len, u64 align)
{
	u64 there = len;
	void *p = gpa % align ? NULL : translate(q, gpa, &there);

	return there < len ? NULL : p;
}

void rreg_queue_begin(struct rreg_queue *q)
{
	const bool packed = rreg_negotiated(q->r, VIRTIO_F_RING_PACKED);
	const bool event_idx = rreg_negotiated(q->r, VIRTIO_RING_F_EVENT_IDX);
	const struct dvq_shape shape = dvq_shape(packed, q->size, event_idx);

	q->ring = (struct dvq){
		.is_packed = packed,
		.split = {
			.ops = &ring_ops,
			.ctx = q,
			.num = q->size,
			.queue = q->index,
			.event_idx = event_idx,
			.indirect = rreg_negotiated(q->r, VIRTIO_RING_F_INDIRECT_DESC),
			.desc = part(q, q->desc, shape.desc, shape.desc_align),
			.avail = part(q, q->avail, shape.driver, shape.driver_align),
			.used = part(q, q->used, shape.device, shape.device_align),
		},
	};
	q->faulty = !q->vq.desc || !q->vq.avail || !q->vq.used;
	if (q->faulty)
		return;
	/* Whatever the driver left in the used ring: a queue begins at 0 on both sides. */
	dvq_ring_init(&q->ring, packed ? DVQ_PACKED_BASE : 0);
	if (!packed)
		q->vq.used_idx = q->vq.used_shown = q->vq.signalled_used = 0;
	if (fault_active && fault_active->reg_queue_begin)
		fault_active->reg_queue_begin(q);
	trace_start(q->index, 0, q->seq, 0);
}

static bool may_run(struct rreg_queue *q)
{
	const u8 live = VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;
	const struct rreg *r = q->r;
	bool run = q->enabled && q->stop == RREG_RUNS && (r->status & live) == live &&
		   !r->resetting && !rreg_asleep(r, RREG_ASLEEP_QUEUES) &&
		   (!r->face->dma || r->face->dma(r));

	if (fault_active && fault_active->reg_may_run)
		run = fault_active->reg_may_run(q, run);
	return run;
}

/* --- requests ------------------------------------------------------------------------------------------- */

/* What of this queue was written as used can now be seen by the driver. */
static void __attribute__((noinline)) trace_shown(struct rreg_queue *q)
{
	struct rreg *r = q->r;
	u32 kept = 0;

	for (u32 i = 0; i < r->n_noted; i++) {
		const struct rreg_noted *n = &r->noted[i];

		if (n->queue != q->index) {
			r->noted[kept++] = *n;
			continue;
		}
		trace_publish(n->queue, n->head, n->seq, n->len);
		q->unsignalled++;
		q->last_seq = n->seq;
		q->last_head = n->head;
	}
	r->n_noted = kept;
}

static void show(struct rreg_queue *q)
{
	dvq_ring_flush(&q->ring);
	if (__builtin_expect(q->r->n_noted, 0))
		trace_shown(q);
}

static void __attribute__((noinline)) note(struct rreg_queue *q, const struct rdev_req *req)
{
	struct rreg *r = q->r;

	if (r->n_noted == RREG_NOTED)
		show(q);
	/* Of other queues: they are shown before long, and not noted. */
	if (r->n_noted == RREG_NOTED)
		return;
	r->noted[r->n_noted++] =
		(struct rreg_noted){ req->seq, req->used_len, q->index, req->chain.head };
}

static void trace_told(struct rreg_queue *q, u32 n)
{
	if (q->r->ops->injects)
		trace_inject(q->index, 0, 0, 0);
	else
		trace_call(q->index, q->last_head, q->last_seq, n);
}

static void notify_driver(struct rreg_queue *q)
{
	const struct rreg *r = q->r;
	u32 n;

	show(q);
	n = q->unsignalled;
	q->unsignalled = 0; /* decided, whichever way: a later notification is not for these */
	if (!dvq_ring_notify_due(&q->ring))
		return;
	/* A reset that has begun ends without a word. */
	if (r->resetting || q->stop == RREG_RESETS)
		return;
	r->face->interrupt(q->r, q->index);
	if (n)
		trace_told(q, n);
}

static void slot_put(struct rreg_slot *slot)
{
	struct rreg_queue *q = slot->q;
	struct rreg *r = q->r;

	if (slot->req.chain.segs == r->big)
		r->big_busy = false;
	slot->next = r->free;
	r->free = slot;
	q->in_flight--;
	r->in_flight--;
}

static void publish(struct rreg_slot *slot)
{
	struct rdev_req *req = &slot->req;

	if (!slot->dropped && dvq_ring_stage(&slot->q->ring, &req->chain, req->used_len) &&
	    trace_on())
		note(slot->q, req);
	slot_put(slot);
}

/* It was the last that was taken, so it is the newest, too. */
static void put_back(struct rreg_slot *slot)
{
	struct rreg_queue *q = slot->q;
	struct rreg_slot **at = &q->oldest, *before = NULL;

	slot->req.put_back = false;
	if (rreg_negotiated(q->r, VIRTIO_F_IN_ORDER)) {
		while (*at != slot) {
			before = *at;
			at = &before->next;
		}
		*at = NULL;
		q->newest = before;
	}
	dvq_ring_undo(&q->ring, &slot->req.chain);
	slot_put(slot);
}

static void enqueue(struct rreg_queue *q, struct rreg_slot *slot)
{
	slot->next = NULL;
	*(q->oldest ? &q->newest->next : &q->oldest) = slot;
	q->newest = slot;
}

/* A request is done. With VIRTIO_F_IN_ORDER it waits for those that were made available before it (6.2). */
static void complete(struct rreg_slot *slot)
{
	struct rreg_queue *q = slot->q;

	if (!rreg_negotiated(q->r, VIRTIO_F_IN_ORDER)) {
		publish(slot);
		return;
	}
	slot->finished = true;
	while (q->oldest && q->oldest->finished) {
		slot = q->oldest;
		q->oldest = slot->next;
		publish(slot);
	}
}

static void serve_done(struct rdev_req *req)
{
	struct rreg_slot *slot = (struct rreg_slot *)((u8 *)req - offsetof(struct rreg_slot, req));
	struct rreg_queue *q = slot->q;

	trace_serve_end(q->index, req->chain.head, req->seq, req->used_len);
	if (req->put_back) {
		put_back(slot);
		return;
	}
	complete(slot);
	if (q->batch)
		return;
	notify_driver(q);
	rreg_drained(q);
}

/* The next chain: into the slot's segments, or into the one large array if these do not suffice. */
static enum dvq_error next_chain(struct rreg_queue *q, struct rreg_slot *slot)
{
	struct dvq_chain *c = &slot->req.chain;
	struct rreg *r = q->r;
	enum dvq_error e;

	c->segs = slot->segs;
	c->cap = SLOT_SEGS;
	e = dvq_ring_next(&q->ring, c);
	if (e != DVQ_E_SEGS || r->big_busy)
		return e;
	c->segs = r->big;
	c->cap = r->big_cap;
	e = dvq_ring_next(&q->ring, c);
	if (e == DVQ_E_SEGS)
		return dvq_ring_refuse(&q->ring, c);
	r->big_busy = true;
	return e;
}

static void serve(struct rreg_queue *q, struct rreg_slot *slot, enum dvq_error e)
{
	struct rreg *r = q->r;
	struct dvq_chain *c = &slot->req.chain;
	u32 len;

	slot->req.seq = q->seq++;
	slot->req.queue = q->index;
	if (rreg_negotiated(r, VIRTIO_F_IN_ORDER))
		enqueue(q, slot);
	if (e) {
		slot->req.used_len = 0;
		slot->dropped = fault_active && dvq_ring_fault_bad(&q->ring, c, e) == FAULT_DONE;
		complete(slot);
		return;
	}
	len = (u32)(c->readable + c->writable);
	trace_fetch(q->index, c->head, slot->req.seq, len);
	if (fault_active && dvq_ring_fault_chain(&q->ring, c) == FAULT_DONE) {
		slot->dropped = true;
		complete(slot);
		return;
	}
	trace_serve_begin(q->index, c->head, slot->req.seq, len);
	r->dev->ops->serve(r->dev, &slot->req);
}

/* Take the next chain and have it served. DVQ_OK also when it is malformed. */
static enum dvq_error take(struct rreg_queue *q)
{
	struct rreg *r = q->r;
	struct rreg_slot *slot = r->free;
	enum dvq_error e;

	r->free = slot->next;
	slot->q = q;
	slot->finished = slot->dropped = false;
	q->in_flight++;
	r->in_flight++;
	e = next_chain(q, slot);
	if (e == DVQ_EMPTY || e == DVQ_E_SEGS || dvq_ring_is_broken(&q->ring)) {
		slot_put(slot);
		return e;
	}
	serve(q, slot, e);
	return DVQ_OK;
}

/* Until nothing is available: true. Else there is more, for later. */
static bool serve_batch(struct rreg_queue *q)
{
	for (unsigned n = 0; n < BATCH;) {
		enum dvq_error e;

		if (!q->r->free)
			return false;
		/* The device says when it is: rdev_wake(). */
		if (!rdev_ready(q->r->dev, q->index))
			return true;
		e = take(q);
		if (e == DVQ_EMPTY) {
			if (dvq_ring_kick_enable(&q->ring))
				continue;
			return true;
		}
		if (e == DVQ_E_SEGS)
			return false;
		if (e) {
			q->faulty = true;
			return true;
		}
		if (n++ == 0)
			dvq_ring_kick_disable(&q->ring);
	}
	return false;
}

/* Another program serves it: that hears when it may run, and then of each notification. */
static void serve_elsewhere(struct rreg_queue *q)
{
	const struct rreg_ops *ops = q->r->ops;

	q->pending = false;
	if (q->elsewhere) {
		ops->queue_kick(q->r->ctx, q);
		return;
	}
	if (!q->faulty)
		q->elsewhere = ops->queue_start(q->r->ctx, q);
	if (!q->elsewhere) {
		q->faulty = true;
		rreg_needs_reset(q->r);
	}
}

void rreg_let_go(struct rreg *r)
{
	if (!r->dev->ops->let_go)
		return;
	for (u16 i = 0; i < r->num_queues; i++)
		if (r->queues[i].in_flight)
			r->dev->ops->let_go(r->dev, i);
}

void rreg_queue_serve(struct rreg_queue *q)
{
	struct rdev *dev = q->r->dev;

	if (!q->pending || q->batch || !may_run(q))
		return;
	if (q->r->ops->queue_start) {
		serve_elsewhere(q);
		return;
	}
	/* Whatever a fault wants: without memory there is no ring. */
	if (!q->faulty && q->vq.desc) {
		q->batch = true;
		/* What makes it ready meanwhile sets this again. */
		q->pending = false;
		q->pending |= !serve_batch(q);
		if (dev->ops->served)
			dev->ops->served(dev, q->index);
		q->batch = false;
		notify_driver(q);
	}
	if (q->faulty) {
		q->pending = false;
		rreg_needs_reset(q->r);
	}
	rreg_drained(q);
}

void rreg_kick(struct rreg *r, u32 queue)
{
	if (r->resetting || queue >= r->num_queues)
		return;
	r->queues[queue].pending = true;
	rreg_queue_serve(&r->queues[queue]);
}

void rreg_notify(struct rreg *r, u32 value)
{
	rreg_kick(r, rreg_notified(r, value));
}

void rreg_wake(struct rdev *dev, u16 queue)
{
	struct rreg *r = dev->binding;

	r->queues[queue].pending = true;
	rreg_queue_serve(&r->queues[queue]);
}

bool rreg_pending(const struct rreg *r)
{
	/* Without a free slot a completion has to come first. */
	if (!r->free)
		return false;
	for (unsigned i = 0; i < r->num_queues; i++)
		if (r->queues[i].pending && !r->big_busy &&
		    may_run((struct rreg_queue *)&r->queues[i]))
			return true;
	return false;
}

void rreg_run(struct rreg *r)
{
	for (unsigned i = 0; i < r->num_queues; i++)
		rreg_queue_serve(&r->queues[i]);
}

void rreg_slots_init(struct rreg *r, void *memory)
{
	size_t size = slot_size(r->dev);
	u8 *at = memory;

	for (unsigned i = 0; i < DEPTH; i++, at += size) {
		struct rreg_slot *slot = (struct rreg_slot *)at;

		slot->req.done = serve_done;
		slot->next = r->free;
		r->free = slot;
	}
	r->big = (struct dvq_seg *)at;
	r->big_cap = big_cap(r->queue_max);
}
