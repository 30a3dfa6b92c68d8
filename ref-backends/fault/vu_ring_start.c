// SPDX-License-Identifier: BSD-3-Clause
/* Faults of starting rings, alone and again. */
#include "ref-backends/fault/vu_fault.h"

#include <string.h>

#include "ref-backends/device/blk.h"

static bool flag[VU_FAULT_RINGS]; /* what for, each fault says */
static u32 count;

static void forget(struct vub_session *s)
{
	memset(flag, 0, sizeof(flag));
	count = 0;
}

static void begin_count(struct vub_ring *r, u32 *base)
{
	count = 0;
}

static enum fault_action forget_write(struct rblk *blk, struct rblk_req *req)
{
	struct vub_slot *slot = (struct vub_slot *)((u8 *)req - offsetof(struct vub_slot, req));
	const struct vub_session *s = slot->ring->s;

	/* With one ring only, so that `count` is one thread's. */
	if (req->type != VIRTIO_BLK_T_OUT || req->out_len != VIRTIO_BLK_SECTOR ||
	    slot->ring->index || (s->num_rings > 1 && s->rings[1].started) || ++count != 400)
		return FAULT_PASS;
	rblk_finish(req, VIRTIO_BLK_S_OK);
	return FAULT_DONE;
}

FAULT(forgets_write, .name = "busy-ring-forgets-write", .clause = "VU.ring.enabled.be.1",
      .summary = "returns the 400th write of a sector as done without doing it",
      .ring_start = begin_count, .blk_request = forget_write);

/* flag: not kicked since it was started. */
static void wait_for_kick(struct vub_ring *r, u32 *base)
{
	r->kick.value = 0;
	flag[r->index] = true;
}

static bool once_kicked(struct vub_ring *r, bool allowed)
{
	if (r->kick.value || r->polled)
		flag[r->index] = false;
	return allowed && !flag[r->index];
}

FAULT(needs_kick, .name = "start-needs-kick", .clause = "VU.ring.start.be.2",
      .summary = "looks at a ring only once it was kicked", .session_start = forget,
      .ring_start = wait_for_kick, .may_run = once_kicked);

/* flag: started before; the ring is left alone when it is again. */
static bool idle[VU_FAULT_RINGS];

static void second_start(struct vub_ring *r, u32 *base)
{
	idle[r->index] = flag[r->index] && *base != (r->ring.is_packed ? DVQ_PACKED_BASE : 0);
	flag[r->index] = true;
}

static bool unless_idle(struct vub_ring *r, bool allowed)
{
	return allowed && !idle[r->index];
}

static void forget_idle(struct vub_session *s)
{
	forget(s);
	memset(idle, 0, sizeof(idle));
}

FAULT(restart_idle, .name = "restarted-ring-idle", .clause = "VU.ring.start.be.4",
      .summary = "does not process a ring that is started again at another index than 0",
      .session_start = forget_idle, .ring_start = second_start, .may_run = unless_idle);

static bool call_others(struct dvq_split *vq, bool due)
{
	struct vub_session *s = vu_fault_ring_of(vq)->s;

	for (u16 i = 0; due && i < s->num_rings; i++)
		if (!s->rings[i].started && !s->rings[i].has_addr)
			vub_signal(s->rings[i].call_fd, true);
	return due;
}

FAULT(calls_unused, .name = "calls-unused-rings", .clause = "VU.ring.start.be.6",
      .summary = "signals the call descriptors of rings that were never set up, too",
      .notify = call_others);

static enum fault_action no_table(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	/* A message as it should be, for a ring that has its size. */
	if (rq->msg.hdr.request == VU_SET_VRING_ADDR && s->mem->n == 0 && r && r->num &&
	    rq->msg.hdr.size == sizeof(rq->msg.addr) && rq->nfds == 0)
		vu_fault_die();
	return FAULT_PASS;
}

FAULT(addr_before_table, .name = "addr-before-table-kills", .clause = "ROB.msg.order",
      .summary = "dies of SET_VRING_ADDR before SET_MEM_TABLE", .request = no_table);
