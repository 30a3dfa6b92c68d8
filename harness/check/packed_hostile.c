// SPDX-License-Identifier: BSD-3-Clause
/*
 * Buffers in a packed ring that no driver should make. A loop is not among them: there is none in such a
 * ring. The device may refuse what it is given in any way that shows, and serves what comes behind.
 */
#define CHECK_RING CHECK_RING_PACKED

#include "harness/check/packed_kit.h"

#define OUTSIDE	      "ROB.alive.desc-outside"
#define WRAPS	      "ROB.alive.desc-wrap"
#define ZERO	      "ROB.alive.desc-zero"
#define ORDER	      "ROB.alive.desc-order"
#define TOTAL	      "ROB.alive.desc-total"
#define SHORT	      "ROB.alive.short-request"
#define LONG	      "ROB.alive.chain-long"
#define ID	      "ROB.alive.packed-id"
#define FLAGS	      "ROB.alive.packed-flags"
#define INDIRECT_NEXT "ROB.alive.indirect-and-next"
#define INDIRECT_SIZE "ROB.alive.indirect-size"
#define INDIRECT_OFF  "ROB.alive.indirect-off"

/* A usual request; which of its descriptors is spoilt says the case. */
static bool usual(struct ck *c, struct pk_hostile *h, struct pk_buf *b)
{
	pk_fill(b, &h->parts);
	return true;
}

static bool data_addr(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 addr)
{
	usual(c, h, b);
	b->desc[1].addr = addr ? addr : ck_unmapped(c).v;
	return true;
}

static bool head_addr(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 addr)
{
	usual(c, h, b);
	b->desc[0].addr = addr ? addr : ck_unmapped(c).v;
	return true;
}

static bool status_addr(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 addr)
{
	usual(c, h, b);
	b->desc[2].addr = addr ? addr : ck_unmapped(c).v;
	return true;
}

static void outside(struct ck *c)
{
	static const struct pk_case cases[] = {
		{ "the data in no region", data_addr, 3, 0 },
		{ "the header in no region", head_addr, 3, 0 },
		{ "the status in no region", status_addr, 3, 0 },
		{ "the data at 2^64 - 16", data_addr, 3, ~0ull - 15 },
		{ "the header at 2^64 - 16", head_addr, 3, ~0ull - 15 },
	};
	struct pk_hostile h = { .clause = OUTSIDE };

	pk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(outside, .id = "packed.hostile.outside", .clauses = { OUTSIDE, PK_HOSTILE_CLAUSES },
      .stimulus = "header, data or status in no region, and at the end of the address space",
      .oracle =
	      "a good request behind each is served, or the device shows an error and serves in a "
	      "new session",
      .device = VIRTIO_ID_BLOCK, .disturbs = true, .run = outside);

static bool data_len(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 len)
{
	usual(c, h, b);
	b->desc[1].len = (u32)len;
	return true;
}

static bool over_the_end(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 inside)
{
	const struct tp_buf *m = &c->tp->mem[0];

	usual(c, h, b);
	b->desc[1].addr = m->gpa.v + m->len - inside;
	return true;
}

static void wraps(struct ck *c)
{
	static const struct pk_case cases[] = {
		{ "data of 0xffffffff bytes", data_len, 3, 0xffffffff },
		{ "data of 0x80000000 bytes", data_len, 3, 0x80000000 },
		{ "data over the end of a region", over_the_end, 3, 256 },
		{ "data from the last byte of a region on", over_the_end, 3, 1 },
	};
	struct pk_hostile h = { .clause = WRAPS };

	pk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(wraps, .id = "packed.hostile.too-large", .clauses = { WRAPS, PK_HOSTILE_CLAUSES },
      .stimulus = "data of 2^31 and 2^32 - 1 bytes, and data that reaches beyond its region",
      .oracle = "as packed.hostile.outside", .device = VIRTIO_ID_BLOCK, .disturbs = true,
      .run = wraps);

static bool zero(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 which)
{
	usual(c, h, b);
	b->desc[which].len = 0;
	return true;
}

static void zeroes(struct ck *c)
{
	static const struct pk_case cases[] = {
		{ "a header of 0 bytes", zero, 3, 0 },
		{ "data of 0 bytes", zero, 3, 1 },
		{ "a status of 0 bytes", zero, 3, 2 },
	};
	struct pk_hostile h = { .clause = ZERO };

	pk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(zeroes, .id = "packed.hostile.zero", .clauses = { ZERO, PK_HOSTILE_CLAUSES },
      .stimulus = "header, data or status of length 0", .oracle = "as packed.hostile.outside",
      .device = VIRTIO_ID_BLOCK, .disturbs = true, .run = zeroes);

static bool writable_first(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 arg)
{
	struct pk_desc d;

	usual(c, h, b);
	d = b->desc[0];
	b->desc[0] = b->desc[1];
	b->desc[1] = d;
	return true;
}

static bool all_of_one_kind(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 write)
{
	usual(c, h, b);
	for (unsigned i = 0; i < 3; i++) {
		b->desc[i].flags &= (u16)~VRING_DESC_F_WRITE;
		b->desc[i].flags |= write ? VRING_DESC_F_WRITE : 0;
	}
	return true;
}

static void order(struct ck *c)
{
	static const struct pk_case cases[] = {
		{ "the data before the header", writable_first, 3, 0 },
		{ "all writable", all_of_one_kind, 3, 1 },
		{ "all readable", all_of_one_kind, 3, 0 },
	};
	struct pk_hostile h = { .clause = ORDER };

	pk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(order, .id = "packed.hostile.order", .clauses = { ORDER, PK_HOSTILE_CLAUSES },
      .stimulus = "a writable descriptor before a readable one; all writable; all readable",
      .oracle = "as packed.hostile.outside", .device = VIRTIO_ID_BLOCK, .disturbs = true,
      .run = order);

static bool total(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 arg)
{
	const struct tp_buf *m = &c->tp->mem[0];

	usual(c, h, b);
	b->desc[7] = b->desc[2];
	for (unsigned i = 1; i < 7; i++)
		b->desc[i] = (struct pk_desc){ m->gpa.v, 0x40000000,
					       VRING_DESC_F_WRITE | VRING_DESC_F_NEXT };
	return true;
}

static void totals(struct ck *c)
{
	static const struct pk_case cases[] = {
		{ "six pieces of 2^30 bytes", total, 8, 0 },
	};
	struct pk_hostile h = { .clause = TOTAL };

	pk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(totals, .id = "packed.hostile.total", .clauses = { TOTAL, PK_HOSTILE_CLAUSES },
      .stimulus = "a list whose lengths add up to more than 2^32",
      .oracle = "as packed.hostile.outside", .device = VIRTIO_ID_BLOCK, .disturbs = true,
      .run = totals);

static bool short_one(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 len)
{
	usual(c, h, b);
	b->desc[0].len = (u32)len;
	b->desc[0].flags = 0;
	return true;
}

static bool no_status(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 arg)
{
	usual(c, h, b);
	b->desc[1].flags = 0;
	b->desc[1].len = 0;
	return true;
}

static void shorts(struct ck *c)
{
	static const struct pk_case cases[] = {
		{ "one readable byte", short_one, 1, 1 },
		{ "a header and nothing", short_one, 1, 16 },
		{ "a header and an empty descriptor", no_status, 2, 0 },
	};
	struct pk_hostile h = { .clause = SHORT };

	pk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(shorts, .id = "packed.hostile.short", .clauses = { SHORT, PK_HOSTILE_CLAUSES },
      .stimulus = "one readable byte; a header alone; a header and a descriptor of no bytes",
      .oracle = "as packed.hostile.outside", .device = VIRTIO_ID_BLOCK, .disturbs = true,
      .run = shorts);

/* --- the ring --------------------------------------------------------------------------------------------- */

/* The list has no end: every descriptor of the ring is available and chained. */
static void no_end(struct ck *c)
{
	struct pk_hostile h = { .clause = LONG };

	if (!pk_up(c, &h))
		return;
	ck_break_ring(c, 0);
	if (!pk_kick(c))
		return;
	ck_quiet(c);
	/* Nothing can come behind it in this ring: whether the device lives is told by a new session. */
	h.up = false;
	pk_up(c, &h);
}

CHECK(no_end, .id = "packed.hostile.no-end", .clauses = { LONG, PK_HOSTILE_CLAUSES },
      .stimulus =
	      "every descriptor of the ring available, each chained to the next; then a new session",
      .oracle = "it is served", .device = VIRTIO_ID_BLOCK, .disturbs = true, .run = no_end);

/* An end that is not the list's: the next descriptor in the ring is not available. */
static bool torn(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 flags)
{
	usual(c, h, b);
	b->desc[0].flags |= (u16)flags;
	return true;
}

static void flags(struct ck *c)
{
	static const struct pk_case cases[] = {
		{ "all flags that have no meaning set", torn, 3, 0x7f78 & ~VRING_DESC_F_INDIRECT },
	};
	struct pk_hostile h = { .clause = FLAGS };

	pk_cases(c, &h, cases, ARRAY_SIZE(cases));
	/* Flags that toggle while the device looks: available, used, neither, and at last available. */
	if (c->accused || !pk_up(c, &h))
		return;
	for (unsigned round = 0; round < 20 && h.up; round++) {
		struct vq_packed *vq = pk_vq(c);
		struct pk_buf b;

		if (!pk_take(c, &b, 3, &h.parts))
			return;
		usual(c, &h, &b);
		for (u32 i = 0; i < 2000; i++) {
			const bool wrap = i & 1 ? !b.at.wrap : b.at.wrap;

			vq_packed_raw_desc(vq, b.at.off, b.desc[0].addr, b.desc[0].len, b.id,
					   i & 2 ? vq_packed_used_bits(!wrap)
						 : b.desc[0].flags |
							   (wrap == b.at.wrap
								    ? 0
								    : vq_packed_avail_bits(wrap)));
		}
		pk_show(c, &b);
		if (!pk_kick(c) || !pk_settle(c, &h, "flags that were toggled") || !pk_up(c, &h))
			return;
	}
}

CHECK(flags, .id = "packed.hostile.flags", .clauses = { FLAGS, PK_HOSTILE_CLAUSES },
      .stimulus =
	      "flags without a meaning; and the flags of a descriptor toggled 2000 times before it is "
	      "available, 20 times",
      .oracle = "as packed.hostile.outside", .device = VIRTIO_ID_BLOCK, .disturbs = true,
      .run = flags);

/* --- ids --------------------------------------------------------------------------------------------------- */

/* The device has no use for an id but to give it back. */
static void ids(struct ck *c)
{
	static const u16 wild[] = { SK_SIZE, 0x8000, 0xffff };
	struct pk_hostile h = { .clause = ID };

	for (unsigned i = 0; i < ARRAY_SIZE(wild); i++) {
		struct vq_packed *vq;
		struct pk_buf b;
		u64 end;
		u16 id;

		if (!pk_up(c, &h) || !pk_take(c, &b, 3, &h.parts))
			return;
		vq = pk_vq(c);
		usual(c, &h, &b);
		id = b.id;
		b.id = wild[i];
		pk_show(c, &b);
		if (!pk_kick(c))
			return;
		/* Taken by hand: no driver's half follows a ring that names no buffer. */
		end = tp_deadline(c->tp, c->tp->timeout_ms);
		while (!vq_packed_used_pending(vq) && !tp_late(c->tp, end))
			c->tp->ops->relax(c->tp);
		if (vq_packed_used_pending(vq) && le16(vq->desc[vq->used.off].id) == wild[i])
			vq->desc[vq->used.off].id = le16(id);
		if (!pk_settle(c, &h, "an id that is out of range"))
			return;
	}
}

CHECK(ids, .id = "packed.hostile.id", .clauses = { ID, PK_HOSTILE_CLAUSES },
      .stimulus = "buffers with the ids 128 in a ring of as many, 0x8000 and 0xffff",
      .oracle =
	      "the id comes back as it is, or the device shows an error; what is behind is served",
      .device = VIRTIO_ID_BLOCK, .disturbs = true, .run = ids);

/* --- tables ------------------------------------------------------------------------------------------------- */

static bool table_of(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u32 len)
{
	struct vring_packed_desc *d;
	struct tp_buf table;

	if (!ck_alloc(c, 4096, 16, &table))
		return false;
	usual(c, h, b);
	d = (struct vring_packed_desc *)table.hva;
	for (unsigned i = 0; i < 3; i++)
		d[i] = (struct vring_packed_desc){
			.addr = le64(b->desc[i].addr),
			.len = le32(b->desc[i].len),
			.flags = le16(b->desc[i].flags & VRING_DESC_F_WRITE),
		};
	b->desc[0] = (struct pk_desc){ table.gpa.v, len, VRING_DESC_F_INDIRECT };
	return true;
}

static bool table_size(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 len)
{
	return table_of(c, h, b, (u32)len);
}

static bool table_outside(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 arg)
{
	if (!table_of(c, h, b, 48))
		return false;
	b->desc[0].addr = ck_unmapped(c).v;
	return true;
}

static void indirect_size(struct ck *c)
{
	static const struct pk_case cases[] = {
		{ "a table of 0 bytes", table_size, 1, 0 },
		{ "a table of 15 bytes", table_size, 1, 15 },
		{ "a table of 47 bytes", table_size, 1, 47 },
		{ "a table of 0xffffffff bytes", table_size, 1, 0xffffffff },
		{ "a table of 2^31 bytes", table_size, 1, 0x80000000 },
		{ "a table in no region", table_outside, 1, 0 },
	};
	struct pk_hostile h = { .clause = INDIRECT_SIZE };

	pk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(indirect_size, .id = "packed.hostile.indirect-size",
      .clauses = { INDIRECT_SIZE, PK_HOSTILE_CLAUSES },
      .stimulus = "tables of 0, 15, 47, 2^31 and 2^32 - 1 bytes, and one in no region",
      .oracle = "as packed.hostile.outside", .device = VIRTIO_ID_BLOCK,
      .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), .disturbs = true, .run = indirect_size);

static bool indirect_and_next(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 arg)
{
	if (!table_of(c, h, b, 48))
		return false;
	b->desc[0].flags |= VRING_DESC_F_NEXT;
	return true;
}

static bool indirect_in_list(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 arg)
{
	if (!table_of(c, h, b, 48))
		return false;
	b->desc[1] = b->desc[0];
	b->desc[0] = (struct pk_desc){ h->parts.hdr.gpa.v, h->parts.hdr.len, VRING_DESC_F_NEXT };
	return true;
}

static void indirect_next(struct ck *c)
{
	static const struct pk_case cases[] = {
		{ "INDIRECT and NEXT", indirect_and_next, 3, 0 },
		{ "a table at the end of a list", indirect_in_list, 2, 0 },
	};
	struct pk_hostile h = { .clause = INDIRECT_NEXT };

	pk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(indirect_next, .id = "packed.hostile.indirect-next",
      .clauses = { INDIRECT_NEXT, PK_HOSTILE_CLAUSES },
      .stimulus = "a descriptor with INDIRECT and NEXT; one with INDIRECT at the end of a list",
      .oracle = "as packed.hostile.outside", .device = VIRTIO_ID_BLOCK,
      .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), .disturbs = true, .run = indirect_next);

static void indirect_off(struct ck *c)
{
	struct pk_hostile h = { .clause = INDIRECT_OFF };
	struct pk_buf b;

	/* Not by pk_start(), which asks for tables. */
	if (!ck_negotiate(c, 0) ||
	    !ck_queue_start(c, 0, &(struct ck_queue_opts){ .size = SK_SIZE }) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK"))
		return;
	h.up = h.opened_once = true;
	if (!pk_up(c, &h) || !pk_take(c, &b, 1, &h.parts) || !table_of(c, &h, &b, 48))
		return;
	pk_show(c, &b);
	if (pk_kick(c) && pk_settle(c, &h, "INDIRECT without its feature") && !h.up)
		pk_up(c, &h);
}

CHECK(indirect_off, .id = "packed.hostile.indirect-off",
      .clauses = { INDIRECT_OFF, PK_HOSTILE_CLAUSES },
      .stimulus = "a table, though INDIRECT_DESC was not accepted",
      .oracle = "as packed.hostile.outside", .device = VIRTIO_ID_BLOCK, .disturbs = true,
      .run = indirect_off);
