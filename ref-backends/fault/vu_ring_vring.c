// SPDX-License-Identifier: BSD-3-Clause
/* Faults of SET_VRING_NUM and SET_VRING_ADDR. */
#include "ref-backends/fault/vu_fault.h"

static enum fault_action first_size(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_ring(s, rq);

	if (rq->msg.hdr.request == VU_SET_VRING_NUM && r && r->num && !r->started)
		return vu_fault_ack(s, rq, rep, 0);
	return FAULT_PASS;
}

FAULT(first_size_stays, .name = "first-size-stays", .clause = "VU.vring.num.be.1",
      .summary = "ignores every SET_VRING_NUM of a ring but the first", .request = first_size);

static bool has_index(u32 request)
{
	return request == VU_SET_VRING_NUM || request == VU_SET_VRING_ADDR ||
	       request == VU_SET_VRING_BASE || request == VU_GET_VRING_BASE ||
	       request == VU_SET_VRING_ENABLE;
}

static enum fault_action truncate_index(struct vub_session *s, struct vub_request *rq,
					struct vub_reply *rep)
{
	if (has_index(rq->msg.hdr.request))
		rq->msg.state.index &= 0xffff;
	return FAULT_PASS;
}

FAULT(index_truncated, .name = "ring-index-truncated", .clause = "ROB.msg.index",
      .summary = "takes ring index 0x10000 for 0", .request = truncate_index);

static enum fault_action ignore_index(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_SET_VRING_BASE && rq->msg.state.index > 0xffff)
		return vu_fault_ack(s, rq, rep, 0);
	return FAULT_PASS;
}

FAULT(index_ignored, .name = "ring-index-acknowledged", .clause = "VU.vring.num.be.2",
      .summary = "acknowledges SET_VRING_BASE of a ring that does not exist",
      .request = ignore_index);

static enum fault_action divide(struct vub_session *s, struct vub_request *rq,
				struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_SET_VRING_NUM && rq->msg.hdr.size == 8 &&
	    rq->msg.state.num == 0)
		vu_fault_die();
	return FAULT_PASS;
}

FAULT(size_zero, .name = "ring-size-zero-kills", .clause = "ROB.alive.queue-size",
      .summary = "dies of SET_VRING_NUM 0", .request = divide);

static void assume_order(struct vub_ring *r, u32 *base)
{
	void *desc = r->vq.desc;

	if (r->ring.is_packed || r->addr.desc <= r->addr.avail || r->addr.used % 8 == 0)
		return;
	r->vq.desc = (void *)r->vq.avail;
	r->vq.avail = desc;
}

FAULT(ascending, .name = "ring-addresses-must-ascend", .clause = "VU.vring.addr.be.1",
      .summary = "takes a descriptor table for the available ring that it lies behind",
      .ring_start = assume_order);

/* In a region, or so far away that nobody would believe it. */
static bool bearable(struct vub_session *s, u64 addr)
{
	return addr >> 32 || vub_mem_uva(s->mem, addr, 1);
}

static enum fault_action unresolved(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	struct vub_ring *r = vu_fault_fd_ring(s, rq);

	if (rq->msg.hdr.request == VU_SET_VRING_KICK && r && r->has_addr && !r->started &&
	    (!bearable(s, r->addr.desc) || !bearable(s, r->addr.avail) ||
	     !bearable(s, r->addr.used)))
		vu_fault_die();
	return FAULT_PASS;
}

FAULT(outside_kills, .name = "ring-outside-memory-kills", .clause = "ROB.alive.ring-outside",
      .summary = "dies when a ring starts with an address below 4 GiB in no region",
      .request = unresolved);
