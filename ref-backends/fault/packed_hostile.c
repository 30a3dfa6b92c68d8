// SPDX-License-Identifier: BSD-3-Clause
/*
 * Faults that only a hostile driver of a packed ring sees, as those of split_hostile.c: what would be a
 * crash elsewhere is an exit here.
 */
#include <unistd.h>

#include "ref-backends/fault/fault.h"
#include "ref-backends/fault/packed_kit.h"

static void die(void)
{
	_exit(70);
}

/* --- malformed chains ---------------------------------------------------------------------------------- */

/* Is the first byte of it in memory? */
static bool begins_in_memory(const struct dvq_packed *vq, u64 addr)
{
	u64 len = 1;

	return vq->ops->translate(vq->ctx, addr, &len) != NULL;
}

static u64 bytes_in(const struct dvq_packed *vq, const struct dvq_chain *c)
{
	u64 n = 0;

	for (u32 i = 0; i < c->slots; i++)
		n += fault_packed_desc(vq, c, i).len;
	return n;
}

/* Those whose lengths add up to too much even when they are taken together. */
static bool too_many_bytes(const struct dvq_packed *vq, const struct dvq_chain *c)
{
	return c->slots > 3 && bytes_in(vq, c) > 1ull << 32;
}

/* The first direct descriptor with memory missing. */
static bool first_missing(const struct dvq_packed *vq, const struct dvq_chain *c,
			  struct dvq_packed_desc *d)
{
	for (u32 i = 0; i < c->slots; i++) {
		u64 there;

		*d = fault_packed_desc(vq, c, i);
		there = d->len;
		if (!(d->flags & VRING_DESC_F_INDIRECT) && d->len &&
		    (!vq->ops->translate(vq->ctx, d->addr, &there) || there < d->len))
			return true;
	}
	return false;
}

static enum fault_action outside(struct dvq_packed *vq, struct dvq_chain *c, int error)
{
	struct dvq_packed_desc d;

	/* Those near 2^64 are found by a check that they do not wrap. */
	if (error == DVQ_E_MEMORY && first_missing(vq, c, &d) && !begins_in_memory(vq, d.addr) &&
	    d.addr < 1ull << 63)
		die();
	return FAULT_PASS;
}

FAULT(packed_outside_dies, .name = "packed-outside-dies", .clause = "ROB.alive.desc-outside",
      .summary = "ends when a buffer of a packed ring is outside memory",
      .packed_bad_chain = outside);

static enum fault_action straddles(struct dvq_packed *vq, struct dvq_chain *c, int error)
{
	struct dvq_packed_desc d;

	if (error == DVQ_E_MEMORY && !too_many_bytes(vq, c) && first_missing(vq, c, &d) &&
	    begins_in_memory(vq, d.addr))
		die();
	return FAULT_PASS;
}

FAULT(packed_end_unchecked, .name = "packed-end-unchecked", .clause = "ROB.alive.desc-wrap",
      .summary = "ends when a buffer of a packed ring goes on behind its region",
      .packed_bad_chain = straddles);

static enum fault_action total(struct dvq_packed *vq, struct dvq_chain *c, int error)
{
	if (too_many_bytes(vq, c))
		die();
	return FAULT_PASS;
}

FAULT(packed_total_dies, .name = "packed-total-dies", .clause = "ROB.alive.desc-total",
      .summary = "ends when the lengths of a list in a packed ring add up to more than 2^32",
      .packed_bad_chain = total);

static enum fault_action order(struct dvq_packed *vq, struct dvq_chain *c, int error)
{
	/* What a table holds that nobody filled in is no order. */
	if (error == DVQ_E_ORDER && c->slots > 1)
		die();
	return FAULT_PASS;
}

FAULT(packed_order_dies, .name = "packed-order-dies", .clause = "ROB.alive.desc-order",
      .summary = "ends when a writable descriptor of a packed ring comes before a readable one",
      .packed_bad_chain = order);

static enum fault_action table_size(struct dvq_packed *vq, struct dvq_chain *c, int error)
{
	if (error == DVQ_E_INDIRECT_SIZE)
		die();
	return FAULT_PASS;
}

FAULT(packed_table_size_dies, .name = "packed-table-size-dies", .clause = "ROB.alive.indirect-size",
      .summary = "ends when a table of a packed ring is no multiple of 16 bytes",
      .packed_bad_chain = table_size);

static enum fault_action table_and_next(struct dvq_packed *vq, struct dvq_chain *c, int error)
{
	if (error == DVQ_E_INDIRECT_NEXT)
		die();
	return FAULT_PASS;
}

FAULT(packed_table_and_next_dies, .name = "packed-table-and-next-dies",
      .clause = "ROB.alive.indirect-and-next",
      .summary = "ends when a table of a packed ring is part of a list",
      .packed_bad_chain = table_and_next);

static enum fault_action table_off(struct dvq_packed *vq, struct dvq_chain *c, int error)
{
	if (error == DVQ_E_INDIRECT)
		die();
	return FAULT_PASS;
}

FAULT(packed_table_off_dies, .name = "packed-table-off-dies", .clause = "ROB.alive.indirect-off",
      .summary = "ends when a packed ring has a table without the feature",
      .packed_bad_chain = table_off);

/* --- chains that are well-formed as such ----------------------------------------------------------------- */

/* Not where something short is the fault: a table, and a status that is missing altogether. */
static void zero_length(struct dvq_packed *vq, const struct dvq_at *at, struct dvq_packed_desc *d)
{
	if (!d->len && d->flags & (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE) &&
	    !(d->flags & VRING_DESC_F_INDIRECT))
		die();
}

FAULT(packed_zero_dies, .name = "packed-zero-dies", .clause = "ROB.alive.desc-zero",
      .summary = "ends when a descriptor of a packed ring has length 0",
      .packed_desc = zero_length);

static enum fault_action header_alone(struct dvq_packed *vq, struct dvq_chain *c)
{
	if (c->readable && c->readable <= sizeof(struct virtio_blk_outhdr) && !c->writable)
		die();
	return FAULT_PASS;
}

FAULT(packed_header_alone_dies, .name = "packed-header-alone-dies",
      .clause = "ROB.alive.short-request",
      .summary = "ends when a request of a packed ring is a header, or less, and nothing else",
      .packed_chain = header_alone);

static enum fault_action wild_id(struct dvq_packed *vq, struct dvq_chain *c)
{
	if (c->head >= vq->num)
		die();
	return FAULT_PASS;
}

FAULT(packed_id_dies, .name = "packed-id-dies", .clause = "ROB.alive.packed-id",
      .summary = "ends when a buffer id is no smaller than the ring", .packed_chain = wild_id);

static void unknown_flags(struct dvq_packed *vq, const struct dvq_at *at, struct dvq_packed_desc *d)
{
	const u16 known = VRING_DESC_F_NEXT | VRING_DESC_F_WRITE | VRING_DESC_F_INDIRECT |
			  1u << VRING_PACKED_DESC_F_AVAIL | 1u << VRING_PACKED_DESC_F_USED;

	if (d->flags & ~known)
		die();
}

FAULT(packed_flags_die, .name = "packed-flags-die", .clause = "ROB.alive.packed-flags",
      .summary = "ends when a descriptor of a packed ring has flags without a meaning",
      .packed_desc = unknown_flags);

/* --- the ring --------------------------------------------------------------------------------------------- */

/* The last place of a list that began at the next one. */
static void whole_ring(struct dvq_packed *vq, const struct dvq_at *at, struct dvq_packed_desc *d)
{
	if (d->flags & VRING_DESC_F_NEXT && dvq_packed_forward(vq, *at, 1).off == vq->avail.off)
		die();
}

FAULT(packed_no_end_dies, .name = "packed-no-end-dies", .clause = "ROB.alive.chain-long",
      .summary = "ends when a list goes on through all of a packed ring",
      .packed_desc = whole_ring);
