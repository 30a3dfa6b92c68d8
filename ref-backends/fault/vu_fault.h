/* SPDX-License-Identifier: BSD-3-Clause */
/* What the faults of the vhost-user binding share. */
#ifndef REF_BACKENDS_FAULT_VU_FAULT_H
#define REF_BACKENDS_FAULT_VU_FAULT_H

#include <signal.h>
#include <unistd.h>

#include "ref-backends/binding/vhost_user/dispatch.h"
#include "ref-backends/binding/vhost_user/serve.h"
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/fault/fault.h"

#define VU_FAULT_RINGS 256

/* For what would be a crash: no core, and nothing for a sanitizer to explain. */
static inline void vu_fault_die(void)
{
	kill(getpid(), SIGKILL);
}

/* The message is not carried out; whoever asked for an acknowledgement gets this one. */
static inline enum fault_action vu_fault_ack(struct vub_session *s, const struct vub_request *rq,
					     struct vub_reply *rep, u64 value)
{
	if (vub_has_pf(s, VU_PF_REPLY_ACK) && rq->msg.hdr.flags & VU_FLAG_NEED_REPLY)
		vub_reply_u64(rep, value);
	else if (value)
		return FAULT_CLOSE;
	return FAULT_DONE;
}

/* The ring of a vring state message, NULL when there is none. */
static inline struct vub_ring *vu_fault_ring(struct vub_session *s, const struct vub_request *rq)
{
	u32 i = rq->msg.state.index;

	return i < s->num_rings ? &s->rings[i] : NULL;
}

/* The ring of SET_VRING_KICK, CALL or ERR. */
static inline struct vub_ring *vu_fault_fd_ring(struct vub_session *s, const struct vub_request *rq)
{
	u64 i = rq->msg.u64 & VU_VRING_INDEX_MASK;

	return i < s->num_rings ? &s->rings[i] : NULL;
}

static inline struct vub_ring *vu_fault_ring_of(const struct dvq_split *vq)
{
	return vq->ctx;
}

/* The driver's available index; where it is not in memory, where the ring stands. */
static inline u16 vu_fault_avail(const struct vub_ring *r)
{
	if (!r->vq.desc)
		return r->vq.last_avail;
	return le16(__atomic_load_n(&r->vq.avail->idx, __ATOMIC_ACQUIRE));
}

/*
 * Rings that were stopped: did the driver make something available since? For faults of stopped
 * rings, which must not disturb what is left in one until it starts again.
 */
struct vu_fault_stops {
	struct {
		bool stopped;
		u16 avail;
	} ring[VU_FAULT_RINGS];
};

static inline void vu_fault_stopped(struct vu_fault_stops *f, const struct vub_ring *r)
{
	f->ring[r->index].avail = vu_fault_avail(r);
	f->ring[r->index].stopped = true;
}

static inline void vu_fault_started(struct vu_fault_stops *f, const struct vub_ring *r)
{
	f->ring[r->index].stopped = false;
}

static inline bool vu_fault_is_stopped(const struct vu_fault_stops *f, const struct vub_ring *r)
{
	return !r->started && f->ring[r->index].stopped && r->vq.desc;
}

static inline bool vu_fault_more_since(const struct vu_fault_stops *f, const struct vub_ring *r)
{
	return vu_fault_is_stopped(f, r) && vu_fault_avail(r) != f->ring[r->index].avail;
}

#endif
