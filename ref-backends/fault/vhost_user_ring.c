// SPDX-License-Identifier: BSD-3-Clause
/* Faults of ring states, positions and descriptors. */
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/fault/fault.h"

static void base_is_zero(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	u32 i = rq->msg.state.index;

	/* Of a ring that never ran the position is another clause's. */
	if (rq->msg.hdr.request == VU_GET_VRING_BASE && i > 0 && i < s->num_rings &&
	    s->rings[i].vq.num)
		rep->msg.state.num = 0;
}

FAULT(vring_base_zero, .name = "vring-base-zero", .clause = "VU.base.get.be.1",
      .summary = "answers GET_VRING_BASE with 0 for all rings but the first",
      .reply = base_is_zero);
