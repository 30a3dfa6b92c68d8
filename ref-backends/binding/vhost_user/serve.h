/* SPDX-License-Identifier: BSD-3-Clause */
/* What a ring's thread does: ring.c is its state, loop.c its loop, serve.c its turns. */
#ifndef REF_BACKENDS_BINDING_VHOST_USER_SERVE_H
#define REF_BACKENDS_BINDING_VHOST_USER_SERVE_H

#include "ref-backends/binding/vhost_user/ring.h"

/* The thread's function; `arg` is its first ring. */
void *vub_serve_main(void *arg);

/*
 * On the ring's thread, one turn: serve some of what is available and tell the driver. False: there was
 * nothing. This is what a request costs in the steady state (tests/bench/device_cost.c).
 */
bool vub_serve_once(struct vub_ring *r);

/* Take some of what is available and have it served. How many that were. */
unsigned vub_serve_batch(struct vub_ring *r);

/* rdev_req.done of every slot. */
void vub_serve_done(struct rdev_req *req);

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
