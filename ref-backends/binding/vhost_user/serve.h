/* SPDX-License-Identifier: BSD-3-Clause */
/* What a ring's thread does: ring.c is its state, loop.c its loop, serve.c its turns, short.c the shortest of those. */
#ifndef REF_BACKENDS_BINDING_VHOST_USER_SERVE_H
#define REF_BACKENDS_BINDING_VHOST_USER_SERVE_H

#include "ref-backends/binding/vhost_user/ring.h"
#include "ref-backends/fault/fault.h"

/*
 * A driver that reads on one queue what it has written on another orders the two itself, in memory
 * that ThreadSanitizer does not see. It is told here.
 */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
extern char vub_driver_order;
#define VUB_DRIVER_GAVE() __tsan_acquire(&vub_driver_order)
#define VUB_DRIVER_GETS() __tsan_release(&vub_driver_order)
#else
#define VUB_DRIVER_GAVE() (void)0
#define VUB_DRIVER_GETS() (void)0
#endif

/* The thread's function; `arg` is its first ring. */
void *vub_serve_main(void *arg);

/*
 * On the ring's thread, one turn: serve some of what is available and tell the driver. False: there was
 * nothing. This is what a request costs in the steady state (tests/bench/device_cost.c).
 */
bool vub_serve_once(struct vub_ring *r);

/* Take some of what is available and have it served. How many that were. */
unsigned vub_serve_batch(struct vub_ring *r);

/*
 * The same and notify, of a ring with a short way, none in flight and nothing else to be looked at. False: that
 * is not so any more, or there is what only the long way can serve.
 */
bool vub_serve_short(struct vub_ring *r);

/* The short way for a layout and an order. */
vub_take_plain_fn *vub_serve_plain(bool packed, bool in_order, bool pulls);

/* rdev_req.done of every slot that was taken the long way. */
void vub_serve_done(struct rdev_req *req);

/* With VIRTIO_F_IN_ORDER: behind all that were taken before. */
static inline void vub_line_up(struct vub_ring *r, struct vub_slot *slot)
{
	slot->next_taken = NULL;
	*(r->oldest ? &r->newest->next_taken : &r->oldest) = slot;
	r->newest = slot;
}

/*
 * Once awake there is nothing to say with the event index: nobody is told of a second chain, unless asked. And
 * nothing when it was said, and nothing was asked for since.
 */
static inline void vub_want_no_kicks(struct vub_ring *r)
{
	if (!(r->listens || fault_active) || (r->fresh && r->vq.event_idx))
		return;
	dvq_ring_kick_disable(&r->ring);
	r->listens = false;
}

/* Show the driver what was written as used. */
void vub_serve_flush(struct vub_ring *r);

/* Tell the driver of what was published, if it is due. */
void vub_serve_notify(struct vub_ring *r);

/* rdev.wake: look at this ring again. Any thread. */
void vub_serve_wake(struct vub_ring *r);

/* The device returns or puts back what it keeps for want of further chains. */
void vub_serve_let_go(struct vub_ring *r);

/* Nothing is in flight, and nothing is left of an earlier process that can be served now. */
bool vub_serve_drained(struct vub_ring *r);

/* Signal an event descriptor of the front-end without ever blocking on it. */
void vub_signal(int fd, bool may_block);

/* With and without a dirty log. */
extern const struct dvq_ops vub_dvq_ops, vub_dvq_ops_unlogged;

#endif
