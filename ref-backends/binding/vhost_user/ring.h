/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One ring and the thread that serves it: its own, or that of the first ring (its `lead`) where all
 * queues of the device belong together.
 *
 * The thread lives as long as the program. What it reads while it serves requests (its ring, the
 * memory table, features, the log) is changed by the session's thread only while the ring is held:
 * vub_ring_call() runs a function on the ring's thread, between two requests, and returns when that
 * function says that it is finished. So serving takes no lock.
 *
 * States, as in the text ("Ring states"): started or stopped, enabled or disabled. A ring that is
 * started but not enabled is left alone: that has no side effects, and nothing is lost. Here a ring
 * must also have its memory, must not be broken and, where the STATUS feature was negotiated,
 * DRIVER_OK must be set.
 */
#ifndef REF_BACKENDS_BINDING_VHOST_USER_RING_H
#define REF_BACKENDS_BINDING_VHOST_USER_RING_H

#include <pthread.h>

#include "harness/spec/vu_proto.h"
#include "ref-backends/binding/vhost_user/inflight.h"
#include "ref-backends/binding/vhost_user/iotlb.h"
#include "ref-backends/device/device.h"
#include "ref-backends/device/host/reactor.h"
#include "ref-backends/virtqueue/ring.h"

#define VUB_RING_DEPTH 256 /* requests in flight per ring */
#define VUB_SLOT_SEGS  (126 + 2 + 2)

struct vub_session;
struct vub_ring;

/* A request in flight. `req` begins the device's own structure, which follows. */
struct vub_slot {
	struct vub_slot *next_free;
	struct vub_ring *ring;
	struct vub_slot *next_taken; /* with VIRTIO_F_IN_ORDER: taken after this one */
	u16 entry;		     /* of the in-flight region */
	bool done, dropped;	     /* with IN_ORDER; a fault keeps it from being returned */
	struct dvq_seg segs[VUB_SLOT_SEGS];
	struct rdev_req req;
};

/* The chain's segments are the slot's own. */
static inline void vub_slot_segs(struct vub_slot *slot)
{
	slot->req.chain.segs = slot->segs;
	slot->req.chain.cap = VUB_SLOT_SEGS;
}

/* A chain that was written as used and is not shown yet. */
struct vub_staged {
	u64 seq;
	u32 len;
	u16 head;
};

/* The dirty log was written to since the last notification. */
#define VUB_DUE_LOG 1u
/* For the tracer: some were published about which notification is not decided. */
#define VUB_DUE_NOTED 2u

/* So many are shown at once where the device names no burst, and more when they belong together. */
#define VUB_STAGED 16

/* True when finished; called again after each event until then. On the ring's thread. */
typedef bool vub_ring_fn(struct vub_ring *r, void *arg);

/* Takes usual chains, at most vub_ring.burst, and has them served. How many; *unusual: the next one is not. */
typedef unsigned vub_take_plain_fn(struct vub_ring *r, bool *unusual);

struct vub_ring {
	struct vub_session *s;
	union {
		struct dvq ring;     /* of either layout */
		struct dvq_split vq; /* the same, where it is known to be split: see ring.h there */
	};
	u16 index;
	u16 burst; /* so many are shown at once: rdev_ops.burst or VUB_STAGED */

	/* As set by messages. */
	u32 num;
	u32 base;      /* where it starts; after a stop, where it stood: dvq_ring_base() */
	bool has_base; /* else it starts where a new ring does */
	bool enabled, started;
	bool begun; /* since it was started last, where it stands is known: its parts were translated */
	bool polled; /* started without kick descriptor */
	bool has_addr;
	struct vu_vring_addr addr;
	int kick_fd, call_fd, err_fd; /* -1: none */
	bool call_may_block;	      /* call_fd is not O_NONBLOCK */

	/* Serving. */
	bool held; /* fetches nothing */
	bool fresh; /* slept since its last turn: what it asked for then is passed by the first chain */
	bool listens;	/* the driver may think that it wants to be notified */
	bool missed;	/* a translation was not there, and is asked for */
	bool scattered; /* a part of the ring is in several pieces of memory: that is not served */
	struct vub_miss miss;
	bool call_missed; /* a notification was due and there was no descriptor */
	u8 due;		  /* VUB_DUE_*: beside the notification itself */
	struct vub_inflight_queue inflight;
	u16 *resubmit; /* heads in flight before, to be served first */
	u32 n_resubmit, next_resubmit;
	u32 in_flight;
	u64 seq;	 /* chains fetched since the program began */
	u32 unsignalled; /* published since notification was last decided on */
	u64 last_seq;	 /* of the last one published */
	u16 last_head;
	bool in_order;
	struct vub_slot *oldest, *newest; /* in flight, with VIRTIO_F_IN_ORDER */
	u32 n_staged;			  /* written as used, not shown to the driver */
	u32 n_noted;			  /* of those, for the tracer: */
	struct vub_staged staged[VUB_RING_DEPTH];
	/* The short way, where there is no fault, judge, in-flight tracking or log, and while nobody traces; else NULL. */
	vub_take_plain_fn *take_plain;
	struct vub_slot *free;
	void *slots;
	/* For chains with more segments than a slot has: one at a time. */
	struct dvq_seg *big;
	u32 big_cap;
	bool big_busy;

	/* Thread and the way to it. */
	struct vub_ring *lead; /* whose thread this is; itself, or the first */
	struct vub_ring *next; /* of the same thread */
	pthread_t thread;
	struct reactor reactor; /* the lead's */
	struct reactor_watch kick;
	u64 spin_until;
	vub_ring_fn *call; /* atomic */
	void *call_arg;
	int call_done; /* eventfd */
	bool quit;
};

/* Prepare ring `index`, which is to run on the thread of `lead`, with those there already: first of all
 * of its own. 0, or -1 after a line on stderr. */
int vub_ring_open(struct vub_ring *r, struct vub_session *s, u16 index, struct vub_ring *lead);
/* Start the thread; only of a lead, once all its rings are open. */
int vub_ring_run(struct vub_ring *r);
void vub_ring_close(struct vub_ring *r);

/* Run fn on the ring's thread and wait until it is finished. */
void vub_ring_call(struct vub_ring *r, vub_ring_fn *fn, void *arg);

/* Forget all that messages have set. The ring is stopped. */
void vub_ring_forget(struct vub_ring *r);

/*
 * The state changes below are made on the ring's thread, and have taken effect when they return.
 * A descriptor becomes the ring's, unless an error is returned.
 */

/* SET_VRING_KICK: start, or change the descriptor of a ring that is started. NULL, or why not. */
const char *vub_ring_start(struct vub_ring *r, int kick_fd);
/* Requests in flight are completed first; `base` is where it stood. */
void vub_ring_stop(struct vub_ring *r);
void vub_ring_enable(struct vub_ring *r, bool enabled);
void vub_ring_set_call(struct vub_ring *r, int fd);
void vub_ring_set_err(struct vub_ring *r, int fd);
/* Complete what is in flight and fetch nothing until vub_ring_release(). */
void vub_ring_hold(struct vub_ring *r);
/* Go on, with addresses translated anew. */
void vub_ring_release(struct vub_ring *r);

/* Where it starts, or stood when it was stopped. */
u32 vub_ring_base(const struct vub_ring *r);

/* On the ring's thread: may it process requests? */
bool vub_ring_may_run(struct vub_ring *r);

#endif
