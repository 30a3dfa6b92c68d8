// SPDX-License-Identifier: BSD-3-Clause
/* Buffers used in the order in which they were made available (2.7.9, 6.2). */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/regs_kit.h"

#define IN_ORDER "v14.reserved-features.bits.dev.5"

#define REQUESTS 32
#define NOTHING	 0xffffffffu

/* Position of a head in the available ring, from `from` on; REQUESTS: it is not there. */
static unsigned position(const struct vq_split *vq, u32 id, unsigned from)
{
	while (from < REQUESTS && le16(vq->avail->ring[from & vq->mask]) != id)
		from++;
	return from;
}

/*
 * 2.7.9: a device may write one used element for a batch, that of its last buffer, and skip the places
 * of the others. What was written in a skipped place was not skipped.
 */
static bool ordered(struct ck *c)
{
	const struct vq_split *vq = &c->q[0].vq.split;

	for (unsigned at = 0; at < REQUESTS;) {
		const u32 id = le32(vq->used->ring[at & vq->mask].id);
		const unsigned which = position(vq, id, at);

		if (which == REQUESTS)
			return ck_fail(
				c, IN_ORDER, "heads in the order of the available ring",
				"used element %u has id %u, which is that of no buffer that was "
				"made available at %u or later",
				at, id, at);
		for (unsigned skipped = at + 1; skipped <= which; skipped++)
			if (le32(vq->used->ring[skipped & vq->mask].id) != NOTHING)
				return ck_fail(c, IN_ORDER,
					       "heads in the order of the available ring",
					       "used element %u is buffer %u, and element %u is "
					       "written, too: it is no batch",
					       at, which, skipped);
		at = which + 1;
	}
	return true;
}

static void in_order(struct ck *c)
{
	struct vq_split *vq = &c->q[0].vq.split;

	if (!rk_can_work(c) || !ck_start(c, ck_ring_features() | BIT_ULL(VIRTIO_F_IN_ORDER)))
		return;
	if (vq->size < REQUESTS * 3) {
		ck_skip(c, "the queue has %u entries: too few", vq->size);
		return;
	}
	for (unsigned i = 0; i < REQUESTS; i++)
		vq->used->ring[i].id = le32(NOTHING);
	/* Two notifications, so that a device has a batch, and more of it; of two kinds, so that what comes
	 * later may be done earlier. */
	for (unsigned i = 0; i < REQUESTS; i++)
		if (!(i % 4 ? rk_offer(c) : rk_offer_large(c)) ||
		    (i % (REQUESTS / 2) == 0 &&
		     !ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying")))
			return;
	if (!ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
		return;
	if (!ck_wait_used(c, 0, REQUESTS)) {
		ck_error(c, "%u of %u requests are used within %u ms", vq_split_raw_used_idx(vq),
			 REQUESTS, c->tp->timeout_ms);
		return;
	}
	ordered(c);
}

CHECK(in_order, .id = "regs.queue.in-order", .clauses = { IN_ORDER },
      .stimulus = "32 requests with VIRTIO_F_IN_ORDER, and three notifications",
      .oracle =
	      "the used elements are in the order of the available ring, or skip to the last of a "
	      "batch",
      .features = BIT_ULL(VIRTIO_F_IN_ORDER), .run = in_order);

CHECK_OVER(
	split_in_order, "vhost-user", .id = "split.used.in-order", .clauses = { IN_ORDER },
	.stimulus = "32 requests, large and small, with VIRTIO_F_IN_ORDER, and three notifications",
	.oracle = "the used elements are in the order of the available ring, or skip to the last "
		  "of a batch",
	.features = BIT_ULL(VIRTIO_F_IN_ORDER), .run = in_order);
