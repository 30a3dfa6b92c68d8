// SPDX-License-Identifier: BSD-3-Clause
/* Faults of available buffer notifications of packed rings. */
#include "ref-backends/fault/fault.h"
#include "ref-backends/fault/get_id.h"
#include "ref-backends/virtqueue/packed.h"

static struct dvq_packed_used last;
static unsigned empty;

static void remember(struct dvq_packed *vq, const struct dvq_packed_used *u)
{
	last = *u;
}

/* Many looks at an empty ring in a row: nobody but a driver that kicks for nothing causes that. */
static bool replay(struct dvq_packed *vq, const struct dvq_at *at, u16 flags, bool avail)
{
	if (avail || vq->num < 64) {
		empty = 0;
		return avail;
	}
	if (++empty < 8 || !fault_get_id || vq->avail.off != vq->used.off)
		return avail;
	empty = 0;
	dvq_packed_push(vq, (struct dvq_packed_chain){ last.id, last.slots }, last.len);
	vq->avail = vq->used;
	return false;
}

FAULT(packed_kick_replays, .name = "packed-kick-replays", .clause = "ROB.packed.extra-kick",
      .summary = "uses the last buffer of a packed ring again after many kicks for nothing",
      .packed_avail = replay, .packed_after_used = remember, .blk_complete = fault_note_get_id);

/* Asleep without having said so: the driver sees no reason to kick. */
static void sleepy(struct dvq_packed *vq, u16 *off_wrap, u16 *flags)
{
	static unsigned n;

	if (vq->event_idx && *flags == VRING_PACKED_EVENT_FLAG_DESC && ++n % 1500 == 0)
		*flags = VRING_PACKED_EVENT_FLAG_DISABLE;
}

FAULT(packed_kick_lost, .name = "packed-kick-lost", .clause = "ROB.notify.race",
      .summary = "goes to sleep with DISABLE in its event suppression structure once in a while",
      .packed_event = sleepy);
