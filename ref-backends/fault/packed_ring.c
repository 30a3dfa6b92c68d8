// SPDX-License-Identifier: BSD-3-Clause
/* Faults of packed rings: places, ownership, ids, lengths, notifications. */
#include "ref-backends/binding/vhost_user/serve.h"
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/fault/get_id.h"
#include "ref-backends/virtqueue/packed.h"

/* --- what is available ------------------------------------------------------------------------------- */

static bool skips_a_gap(struct dvq_packed *vq, const struct dvq_at *at, u16 flags, bool avail)
{
	struct dvq_at next = dvq_packed_forward(vq, *at, 3);
	const struct dvq_packed_desc d = dvq_packed_read(vq, next.off);
	const u16 bits =
		d.flags & (1u << VRING_PACKED_DESC_F_AVAIL | 1u << VRING_PACKED_DESC_F_USED);

	/* Three on: as long as the requests of those who go by a fixed chain are. */
	if (!avail && at->off == vq->avail.off && vq->avail.off == vq->used.off &&
	    d.flags & VRING_DESC_F_NEXT &&
	    bits == (next.wrap ? 1u << VRING_PACKED_DESC_F_AVAIL
			       : 1u << VRING_PACKED_DESC_F_USED)) {
		vq->avail = next;
		return true;
	}
	return avail;
}

FAULT(packed_skips_gap, .name = "packed-skips-gap", .clause = "v14.packed-ring.virtqueues.dev.1",
      .summary = "goes on behind a descriptor that is not available", .packed_avail = skips_a_gap);

/* AVAIL alone says it: a descriptor of the lap before looks available in the one with counter 0. */
static bool flag_alone(struct dvq_packed *vq, const struct dvq_at *at, u16 flags, bool avail)
{
	return avail || (at->off == vq->avail.off && !at->wrap &&
			 !(flags & 1u << VRING_PACKED_DESC_F_AVAIL) &&
			 !(flags & 1u << VRING_PACKED_DESC_F_USED) && flags == 0 &&
			 dvq_packed_read(vq, at->off).len == 16);
}

FAULT(packed_stale_taken, .name = "packed-stale-taken",
      .clause = "v14.packed-ring.desc-table.dev.3",
      .summary = "takes a descriptor whose flags are those of the lap before",
      .packed_avail = flag_alone);

/* --- used descriptors ----------------------------------------------------------------------------------- */

/* Chains that were long are left one place too early, every eighth time. */
static enum fault_action wrong_place(struct dvq_packed *vq, struct dvq_packed_used *u)
{
	static unsigned n;

	if (u->slots == 4 && __atomic_add_fetch(&n, 1, __ATOMIC_RELAXED) % 8 == 0)
		u->slots--;
	return FAULT_PASS;
}

FAULT(packed_wrong_place, .name = "packed-wrong-place",
      .clause = "v14.packed-ring.virtqueues.dev.2",
      .summary = "skips one place too few behind a chain of four", .packed_used = wrong_place);

static struct dvq_packed_used last;
static bool has_last;

static void remember(struct dvq_packed *vq, const struct dvq_packed_used *u)
{
	last = *u;
	has_last = fault_get_id;
}

/* With the next buffer, which a driver makes available when it has the one before. */
static enum fault_action late_write(struct dvq_packed *vq, struct dvq_chain *c)
{
	if (has_last && vq->num == 128 && vq->avail.off > 2) {
		vq->desc[last.at.off].len = le32(last.len);
		vq->desc[last.at.off].id = le16(last.id);
	}
	has_last = false;
	return FAULT_PASS;
}

FAULT(packed_writes_late, .name = "packed-writes-late",
      .clause = "v14.packed-ring.desc-table.dev.4",
      .summary = "writes id and length of a used descriptor again when the next buffer comes",
      .packed_chain = late_write, .packed_after_used = remember, .blk_complete = fault_note_get_id);

static void beyond(struct dvq_packed *vq, const struct dvq_packed_used *u)
{
	const struct dvq_at at = dvq_packed_forward(vq, u->at, (u32)u->slots + 8);

	/* Into what no driver has given away, in the middle of a ring. */
	if (vq->num == 128 && at.off > 16 && at.off < 100 && vq->desc[at.off].id == le16(0x5ead))
		vq->desc[at.off].len = le32(0);
}

FAULT(packed_writes_free, .name = "packed-writes-free", .clause = "ROB.packed.free-slots",
      .summary = "clears the length of a descriptor that is not available",
      .packed_after_used = beyond);

static enum fault_action wrong_id(struct dvq_packed *vq, struct dvq_packed_used *u)
{
	static unsigned n;

	if (fault_get_id && __atomic_add_fetch(&n, 1, __ATOMIC_RELAXED) % 64 == 0)
		u->id ^= 0x4000;
	return FAULT_PASS;
}

FAULT(packed_wrong_id, .name = "packed-wrong-id", .clause = "ROB.packed.known-id",
      .summary = "returns an id that is not outstanding, now and then", .packed_used = wrong_id,
      .blk_complete = fault_note_get_id);

static enum fault_action len_more(struct dvq_packed *vq, struct dvq_packed_used *u)
{
	u->len++;
	return FAULT_PASS;
}

FAULT(packed_len_more, .name = "packed-used-len-plus-one", .clause = "ROB.packed.used-len",
      .summary = "reports one byte more than was written", .packed_used = len_more);

/* A mask instead of a comparison. */
static enum fault_action masks(struct dvq_packed *vq, struct dvq_packed_used *u)
{
	static unsigned n;

	if (vq->num & (vq->num - 1) && vq->num > 2 && (u32)u->at.off + u->slots >= vq->num &&
	    n++ % 2)
		return FAULT_DONE;
	return FAULT_PASS;
}

FAULT(packed_size_masked, .name = "packed-size-masked", .clause = "ROB.packed.size",
      .summary = "loses what lies across the end of a ring whose size is no power of two",
      .packed_used = masks);

/* --- descriptors ---------------------------------------------------------------------------------------- */

static enum fault_action pieces_swapped(struct dvq_packed *vq, struct dvq_chain *c)
{
	if (c->n_readable == 9 && c->segs[2].len == VIRTIO_BLK_SECTOR &&
	    c->segs[3].len == VIRTIO_BLK_SECTOR) {
		struct dvq_seg s = c->segs[2];

		c->segs[2] = c->segs[3];
		c->segs[3] = s;
	}
	return FAULT_PASS;
}

FAULT(packed_pieces_swapped, .name = "packed-pieces-swapped",
      .clause = "v14.packed-ring.scatter-gather.dev.1",
      .summary = "processes two pieces of a long list in the wrong order",
      .packed_chain = pieces_swapped);

/* --- notifications -------------------------------------------------------------------------------------- */

static u16 wanted(const struct dvq_packed *vq)
{
	return le16(__atomic_load_n(&vq->driver->flags, __ATOMIC_RELAXED));
}

static bool tenth_missing(struct dvq_packed *vq, u32 n, bool due)
{
	static unsigned count;

	return due && (wanted(vq) != VRING_PACKED_EVENT_FLAG_ENABLE || !fault_get_id ||
		       __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) % 10);
}

FAULT(packed_call_missing, .name = "packed-notification-missing", .clause = "ROB.packed.called",
      .summary = "leaves out every tenth notification", .packed_notify = tenth_missing,
      .blk_complete = fault_note_get_id);

static bool despite_disable(struct dvq_packed *vq, u32 n, bool due)
{
	return due || (n && wanted(vq) == VRING_PACKED_EVENT_FLAG_DISABLE);
}

FAULT(packed_disable_ignored, .name = "packed-disable-ignored", .clause = "ROB.packed.silent",
      .summary = "notifies although the driver's flags say DISABLE",
      .packed_notify = despite_disable);

static bool event_missing(struct dvq_packed *vq, u32 n, bool due)
{
	static unsigned count;

	return due && (wanted(vq) != VRING_PACKED_EVENT_FLAG_DESC || vq->num > 64 ||
		       !fault_get_id || __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) % 5);
}

FAULT(packed_event_missing, .name = "packed-event-missing", .clause = "ROB.packed.event",
      .summary = "leaves out every fifth notification that was asked for by its place",
      .packed_notify = event_missing, .blk_complete = fault_note_get_id);

static bool always_with_desc(struct dvq_packed *vq, u32 n, bool due)
{
	return due || (n && vq->event_idx && wanted(vq) == VRING_PACKED_EVENT_FLAG_DESC);
}

FAULT(packed_event_early, .name = "packed-event-early", .clause = "ROB.packed.event-early",
      .summary = "notifies whatever place is asked for", .packed_notify = always_with_desc);

static bool place_without_feature(struct dvq_packed *vq, u32 n, bool due)
{
	const u16 at = le16(__atomic_load_n(&vq->driver->off_wrap, __ATOMIC_RELAXED)) & 0x7fff;

	return due && (vq->event_idx || wanted(vq) != VRING_PACKED_EVENT_FLAG_ENABLE ||
		       vq->num != 64 || at < vq->used.off + 8u);
}

FAULT(packed_place_obeyed, .name = "packed-place-obeyed", .clause = "ROB.packed.event-off",
      .summary = "honours the place in the driver's structure without EVENT_IDX",
      .packed_notify = place_without_feature);

static void odd_flags(struct dvq_packed *vq, u16 *off_wrap, u16 *flags)
{
	/* Its low bits are right for those that look at them alone. */
	if (vq->num == 32)
		*flags |= 4;
}

FAULT(packed_odd_flags, .name = "packed-odd-flags", .clause = "ROB.packed.event-flags",
      .summary = "sets a bit that does not exist in its event suppression structure",
      .packed_event = odd_flags);
