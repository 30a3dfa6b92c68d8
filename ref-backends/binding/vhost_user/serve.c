// SPDX-License-Identifier: BSD-3-Clause
/*
 * A ring's thread: fetch, serve, publish, call.
 *
 * In the steady state a request costs no lock, no allocation and, when nothing else is pending, two
 * system calls: the sleep that ends with the kick (which consumes it, too) and the write of the
 * call.
 */
#include "ref-backends/binding/vhost_user/serve.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"
#include "traces/trace.h"

#define BATCH	 64	/* chains between two looks at messages and completions */
#define SPIN_NS	 200000 /* a polled ring spins so long after its last request … */
#define DOZE_US	 100	/* … and then looks this often */
#define FAULT_US 1000	/* a fault that lets a ring run is asked again after this */

/*
 * A driver that reads on one queue what it has written on another orders the two itself, in memory
 * that ThreadSanitizer does not see. It is told here.
 */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
static char driver_order;
#define DRIVER_GAVE() __tsan_acquire(&driver_order)
#define DRIVER_GETS() __tsan_release(&driver_order)
#else
#define DRIVER_GAVE() (void)0
#define DRIVER_GETS() (void)0
#endif

/* Guest memory. */

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	struct vub_ring *r = ctx;
	void *hva = vub_mem_gpa(r->s->mem, gpa, len);

	if (fault_active && fault_active->translate)
		hva = fault_active->translate(r->s, gpa, *len, hva);
	return hva;
}

static void mark(struct vub_ring *r, u64 gpa, u64 len)
{
	if (fault_active && fault_active->log_write && !fault_active->log_write(r->s, gpa, len))
		return;
	vub_log_mark(&r->s->log, gpa, len);
	r->logged = true;
}

static bool logs(const struct vub_ring *r)
{
	return r->s->features & BIT_ULL(VU_F_LOG_ALL);
}

/* The used ring is logged where the front-end says, whether or not that is its address. */
static void used_written(void *ctx, u64 off, u64 len)
{
	struct vub_ring *r = ctx;

	if (logs(r) && r->addr.flags & VU_VRING_F_LOG)
		mark(r, r->addr.log + off, len);
}

const struct dvq_ops vub_dvq_ops = { .translate = translate, .used_written = used_written };

static void log_data(struct vub_ring *r, const struct dvq_chain *c)
{
	const struct dvq_seg *seg = c->segs + c->n_readable;
	u64 gpa;

	if (!logs(r))
		return;
	for (u32 i = 0; i < c->n_writable; i++)
		if (vub_mem_gpa_of(r->s->mem, seg[i].base, &gpa))
			mark(r, gpa, seg[i].len);
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

void vub_serve_notify(struct vub_ring *r)
{
	u32 n = r->unsignalled;

	if (r->logged) {
		r->logged = false;
		vub_signal(r->s->log_fd, true);
	}
	r->unsignalled = 0; /* decided, whichever way: a later call is not for these */
	if (!dvq_notify_due(&r->vq))
		return;
	if (r->call_fd < 0) {
		r->call_missed = true;
		return;
	}
	vub_signal(r->call_fd, r->call_may_block);
	trace_call(r->index, r->last_head, r->last_seq, n);
}

/* Requests. */

static struct vub_slot *slot_get(struct vub_ring *r)
{
	struct vub_slot *slot = r->free;

	r->free = slot->next_free;
	r->in_flight++;
	return slot;
}

static void slot_put(struct vub_ring *r, struct vub_slot *slot)
{
	if (slot->req.chain.segs == r->big)
		r->big_busy = false;
	slot->next_free = r->free;
	r->free = slot;
	r->in_flight--;
}

static void publish(struct vub_ring *r, u16 head, u64 seq, u32 len)
{
	if (judge_active)
		judge_active->used(r, head);
	vub_inflight_put(&r->inflight, head);
	DRIVER_GETS();
	if (dvq_push(&r->vq, head, len)) {
		r->unsignalled++;
		r->last_head = head;
		r->last_seq = seq;
		trace_publish(r->index, head, seq, len);
	}
	vub_inflight_done(&r->inflight, head, r->vq.used_idx);
}

void vub_serve_done(struct rdev_req *req)
{
	struct vub_slot *slot = (struct vub_slot *)((u8 *)req - offsetof(struct vub_slot, req));
	struct vub_ring *r = slot->ring;

	trace_serve_end(r->index, req->chain.head, req->seq, req->used_len);
	log_data(r, &req->chain);
	publish(r, req->chain.head, req->seq, req->used_len);
	slot_put(r, slot);
}

static void bad_chain(struct vub_ring *r, struct vub_slot *slot, enum dvq_error e)
{
	u16 head = slot->req.chain.head;

	vub_complain(r->s, "ring %u: chain %u: %s", r->index, head, dvq_error_name(e));
	if (!fault_active || !fault_active->bad_chain ||
	    fault_active->bad_chain(&r->vq, head, (int)e) != FAULT_DONE)
		publish(r, head, slot->req.seq, 0);
	slot_put(r, slot);
}

static void broken(struct vub_ring *r, enum dvq_error e)
{
	vub_complain(r->s, "ring %u is broken: %s", r->index, dvq_error_name(e));
	vub_signal(r->err_fd, true);
	vub_needs_reset(r->s);
}

/* Walk into the slot's segments, or into the one large array if these do not suffice. */
static enum dvq_error walk(struct vub_ring *r, struct vub_slot *slot, u16 head)
{
	struct dvq_chain *c = &slot->req.chain;
	enum dvq_error e;

	c->segs = slot->segs;
	c->cap = ARRAY_SIZE(slot->segs);
	e = dvq_walk(&r->vq, head, c);
	if (e != DVQ_E_SEGS || r->big_busy)
		return e;
	c->segs = r->big;
	c->cap = r->big_cap;
	r->big_busy = true;
	e = dvq_walk(&r->vq, head, c);
	/* No memory layout makes so many pieces of so few descriptors by accident. */
	return e == DVQ_E_SEGS ? DVQ_E_LONG : e;
}

/* False when the chain has to wait for another request to complete. */
static bool take(struct vub_ring *r, u16 head, bool again)
{
	struct vub_slot *slot = slot_get(r);
	struct rdev *dev = r->s->dev;
	enum dvq_error e;

	DRIVER_GAVE();
	e = walk(r, slot, head);

	if (e == DVQ_E_SEGS) {
		slot_put(r, slot);
		return false;
	}
	if (!again)
		vub_inflight_get(&r->inflight, head);
	slot->req.seq = r->seq++;
	slot->req.queue = r->index;
	if (judge_active)
		judge_active->chain(r, &slot->req.chain, e);
	if (e) {
		bad_chain(r, slot, e);
		return true;
	}
	trace_fetch(r->index, head, slot->req.seq,
		    (u32)(slot->req.chain.readable + slot->req.chain.writable));
	if (fault_active && fault_active->chain &&
	    fault_active->chain(&r->vq, &slot->req.chain) == FAULT_DONE) {
		slot_put(r, slot);
		return true;
	}
	trace_serve_begin(r->index, head, slot->req.seq,
			  (u32)(slot->req.chain.readable + slot->req.chain.writable));
	dev->ops->serve(dev, &slot->req);
	return true;
}

/* Heads that an earlier process had in flight. */
static bool resubmit(struct vub_ring *r)
{
	if (r->next_resubmit == r->n_resubmit || !r->free)
		return false;
	if (!take(r, r->resubmit[r->next_resubmit], true))
		return false;
	r->next_resubmit++;
	return true;
}

static unsigned serve_batch(struct vub_ring *r)
{
	unsigned n = 0;

	while (n < BATCH && resubmit(r))
		n++;
	if (r->next_resubmit < r->n_resubmit || r->held)
		return n;
	for (; n < BATCH && r->free; n++) {
		u16 head;
		enum dvq_error e;

		if (!rdev_ready(r->s->dev, r->index))
			break;
		e = dvq_fetch(&r->vq, &head);
		if (judge_active)
			judge_active->avail(r, e);
		if (e == DVQ_EMPTY)
			break;
		if (e) {
			broken(r, e);
			break;
		}
		if (n == 0)
			dvq_kick_disable(&r->vq);
		if (!take(r, head, false)) {
			dvq_unfetch(&r->vq);
			break;
		}
	}
	return n;
}

bool vub_serve_drained(struct vub_ring *r)
{
	return r->in_flight == 0 && (r->next_resubmit == r->n_resubmit || !vub_ring_may_run(r));
}

/* The loop. */

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static void run_call(struct vub_ring *r)
{
	vub_ring_fn *fn = __atomic_load_n(&r->call, __ATOMIC_ACQUIRE);

	if (!fn || !fn(r, r->call_arg))
		return;
	__atomic_store_n(&r->call, NULL, __ATOMIC_RELEASE);
	vub_signal(r->call_done, false);
}

/* Let the processor's other half work for some cycles. */
static void rest(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Nothing to do now: sleep until a kick, a completion or a call from the session. */
static void idle(struct vub_ring *r, bool run, u64 *spin_until)
{
	if (fault_active && fault_active->may_run) {
		reactor_wait(&r->reactor, FAULT_US);
		return;
	}
	if (run && r->s->poll && !r->held) {
		rest();
		reactor_poll(&r->reactor);
		return;
	}
	if (run && r->polled && !r->held) {
		if (now_ns() < *spin_until)
			reactor_poll(&r->reactor);
		else
			reactor_wait(&r->reactor, DOZE_US);
		return;
	}
	/*
	 * Without a free slot, or for the large one, a completion has to come first; and the device
	 * says when it is ready (rdev_wake, or its part of the reactor).
	 */
	if (run && !r->held && r->free && !r->big_busy && rdev_ready(r->s->dev, r->index) &&
	    dvq_kick_enable(&r->vq))
		return;
	reactor_wait(&r->reactor, -1);
}

void *vub_serve_main(void *arg)
{
	struct vub_ring *r = arg;
	u64 spin_until = 0;

	for (;;) {
		bool run;

		run_call(r);
		if (r->quit)
			break;
		run = vub_ring_may_run(r);
		if (run && serve_batch(r)) {
			reactor_poll(&r->reactor);
			vub_serve_notify(r);
			if (r->polled)
				spin_until = now_ns() + SPIN_NS;
			continue;
		}
		if (r->vq.desc)
			vub_serve_notify(r);
		idle(r, run, &spin_until);
	}
	return NULL;
}
