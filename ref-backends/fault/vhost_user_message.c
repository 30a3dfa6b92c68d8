// SPDX-License-Identifier: BSD-3-Clause
/* Faults of messages: replies, descriptors, sizes. */
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/fault/fault.h"

static void no_reply_bit(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_GET_MAX_MEM_SLOTS)
		rep->msg.hdr.flags &= ~VU_FLAG_REPLY;
}

FAULT(reply_bit_missing, .name = "reply-bit-missing", .clause = "VU.hdr.reply.be.1",
      .summary = "answers GET_MAX_MEM_SLOTS without the reply bit", .reply = no_reply_bit);
