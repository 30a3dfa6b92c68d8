// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the split ring. */
#include "ref-backends/fault/fault.h"
#include "ref-backends/virtqueue/split.h"

static enum fault_action len_plus_one(struct dvq_split *vq, u32 *id, u32 *len)
{
	if (*len > 4096)
		(*len)++;
	return FAULT_PASS;
}

FAULT(used_len_plus_one, .name = "used-len-plus-one", .clause = "v14.split-ring.used-ring.dev.2",
      .summary = "reports one byte more than was written when that is much", .used = len_plus_one);

static bool notify_by_flags(struct dvq_split *vq, bool due)
{
	return vq->event_idx ? !(vq->avail->flags & VRING_AVAIL_F_NO_INTERRUPT) && due : due;
}

FAULT(event_idx_obeys_flags, .name = "event-idx-obeys-flags",
      .clause = "v14.split-ring.used-notif-suppress.dev.4",
      .summary = "honours NO_INTERRUPT although the event index was negotiated",
      .notify = notify_by_flags);
