// SPDX-License-Identifier: BSD-3-Clause
/*
 * Descriptors that no driver should make: outside memory, across its borders, of no length, in the
 * wrong order.
 */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/split_kit.h"

#define R 0
#define W VRING_DESC_F_WRITE

#define ORACLE                                                                                     \
	"each time a good request behind it is served, or the device shows that it is in error "   \
	"and serves in a new session"

/* A request with one piece replaced. */
static u16 replaced(struct ck *c, struct sk_hostile *h, unsigned k, u64 addr, u32 len)
{
	struct sk_piece piece[RIDE_PARTS];
	const unsigned n = sk_pieces(h, piece);

	piece[k].addr = addr;
	piece[k].len = len;
	for (unsigned i = 0; i < n; i++)
		sk_desc(c, (u16)i, piece[i].addr, piece[i].len,
			piece[i].flags | (i + 1 < n ? VRING_DESC_F_NEXT : 0),
			i + 1 < n ? (u16)(SK_RAW + i + 1) : 0);
	return SK_RAW;
}

/* The same, elsewhere and no longer. */
static u16 moved(struct ck *c, struct sk_hostile *h, u64 k, u64 addr)
{
	return replaced(c, h, (unsigned)k, addr, sk_piece(h, (unsigned)k).len);
}

/* What is in the middle, where that is; else the last. */
static unsigned body(const struct sk_hostile *h)
{
	struct sk_piece piece[RIDE_PARTS];

	return MIN(1u, sk_pieces(h, piece) - 1);
}

static u64 gap(const struct ck *c)
{
	return c->tp->mem[0].gpa.v + c->tp->mem[0].len;
}

static u16 in_gap(struct ck *c, struct sk_hostile *h, u64 k)
{
	return moved(c, h, k, gap(c));
}

static u16 above(struct ck *c, struct sk_hostile *h, u64 k)
{
	return moved(c, h, k, ck_unmapped(c).v);
}

static u16 at_zero(struct ck *c, struct sk_hostile *h, u64 k)
{
	return moved(c, h, k, 0);
}

static u16 near_top(struct ck *c, struct sk_hostile *h, u64 k)
{
	return moved(c, h, k, 0xfffffffffffff000);
}

static u16 table_outside(struct ck *c, struct sk_hostile *h, u64 addr)
{
	sk_desc(c, 0, addr ? addr : gap(c), 48, VRING_DESC_F_INDIRECT, 0);
	return SK_RAW;
}

static void desc_outside(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "the first piece in a gap", in_gap, 0, 1 },
		{ "the second piece in a gap", in_gap, 1, 2 },
		{ "the third piece in a gap", in_gap, 2, 3 },
		{ "the first piece above all memory", above, 0, 1 },
		{ "the second piece above all memory", above, 1, 2 },
		{ "the third piece above all memory", above, 2, 3 },
		{ "the first piece at address 0", at_zero, 0, 1 },
		{ "the second piece at address 0", at_zero, 1, 2 },
		{ "the third piece at address 0", at_zero, 2, 3 },
		{ "the first piece at 2^64 - 4096", near_top, 0, 1 },
		{ "the second piece at 2^64 - 4096", near_top, 1, 2 },
		{ "the third piece at 2^64 - 4096", near_top, 2, 3 },
	};
	struct sk_hostile h = {
		.clause = "ROB.alive.desc-outside",
		.want = ck_ring_features(),
		.returned = true,
	};

	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(desc_outside, .id = "split.hostile.desc-outside",
      .clauses = { "ROB.alive.desc-outside", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus =
	      "each piece of a request (header, data, status) in a gap of guest memory, above it, "
	      "at 0 and near 2^64",
      .oracle = ORACLE, .vehicle = true, .run = desc_outside);

static void indirect_outside(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "a table in a gap", table_outside, 0, 1 },
		{ "a table near 2^64", table_outside, 0xffffffffffffffe0, 1 },
	};
	struct sk_hostile h = {
		.clause = "ROB.alive.desc-outside",
		.want = ck_ring_features(),
		.returned = true,
	};

	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(indirect_outside, .id = "split.hostile.indirect-outside",
      .clauses = { "ROB.alive.desc-outside", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus = "an indirect table in a gap of guest memory, and near 2^64", .oracle = ORACLE,
      .vehicle = true, .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), .run = indirect_outside);

/* --- across borders ----------------------------------------------------------------------------------- */

#define LENGTH 512 /* of what borders are crossed with */

/* Behind the last region there is nothing that a buffer could legally go on in. */
static u16 past_end(struct ck *c, struct sk_hostile *h, u64 len)
{
	const struct tp_buf *m = &c->tp->mem[c->tp->mem_count - 1];

	return replaced(c, h, body(h), m->gpa.v + m->len - LENGTH, (u32)len);
}

static u16 first_past_end(struct ck *c, struct sk_hostile *h, u64 there)
{
	const struct tp_buf *m = &c->tp->mem[c->tp->mem_count - 1];

	return moved(c, h, 0, m->gpa.v + m->len - there);
}

static u16 all_but_one(struct ck *c, struct sk_hostile *h, u64 arg)
{
	return first_past_end(c, h, sk_piece(h, 0).len - 1);
}

static u16 wraps(struct ck *c, struct sk_hostile *h, u64 below)
{
	return replaced(c, h, body(h), 0 - below, LENGTH);
}

static void desc_wrap(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "data 512 bytes longer than its region", past_end, 2 * LENGTH, 1 },
		{ "data one byte longer than its region", past_end, LENGTH + 1, 1 },
		{ "data of 0xfffffe00 bytes", past_end, 0xfffffe00, 1 },
		{ "data of 0xffffffff bytes", past_end, 0xffffffff, 1 },
		{ "a first piece whose last byte is not in memory", all_but_one, 0, 1 },
		{ "a first piece of which 1 byte is in memory", first_past_end, 1, 1 },
		{ "data whose address plus length is 2^64 + 256", wraps, 256, 1 },
		{ "data whose address plus length is 2^64", wraps, LENGTH, 1 },
	};
	struct sk_hostile h = {
		.clause = "ROB.alive.desc-wrap",
		.want = ck_ring_features(),
		.returned = true,
	};

	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(desc_wrap, .id = "split.hostile.desc-wrap",
      .clauses = { "ROB.alive.desc-wrap", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus = "buffers that begin in the last region and end behind it, by one byte, by 512 "
		  "and by almost 4 GiB, and buffers whose end passes 2^64",
      .oracle = ORACLE, .vehicle = true, .run = desc_wrap);

/* --- lengths -------------------------------------------------------------------------------------------- */

static u16 zero_between(struct ck *c, struct sk_hostile *h, u64 addr)
{
	const struct sk_piece p = sk_piece(h, 1);

	sk_put_then(c, h, 0, 0);
	sk_desc_then(c, 1, addr ? addr : p.addr, 0, p.flags);
	sk_put_rest(c, h, 2, 1);
	return SK_RAW;
}

static u16 zero_first(struct ck *c, struct sk_hostile *h, u64 arg)
{
	const struct sk_piece p = sk_piece(h, 0);

	sk_desc_then(c, 0, p.addr, 0, p.flags);
	sk_put_rest(c, h, 1, 0);
	return SK_RAW;
}

static u16 zero_part(struct ck *c, struct sk_hostile *h, u64 k)
{
	return replaced(c, h, (unsigned)k, sk_piece(h, (unsigned)k).addr, 0);
}

static void desc_zero(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "nothing before the first piece", zero_first, 0, 1 },
		{ "nothing between the first two", zero_between, 0, 2 },
		{ "nothing, at an address outside memory", zero_between, 0xfffffffffffff000, 2 },
		{ "a second piece of no length", zero_part, 1, 2 },
		{ "a third piece of no length", zero_part, 2, 3 },
		{ "a first piece of no length", zero_part, 0, 1 },
	};
	struct sk_hostile h = {
		.clause = "ROB.alive.desc-zero",
		.want = ck_ring_features(),
		.returned = true,
	};

	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(desc_zero, .id = "split.hostile.desc-zero",
      .clauses = { "ROB.alive.desc-zero", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus =
	      "descriptors of length 0: before the first piece, between it and the next, outside "
	      "memory, in place of each piece (header, data, status)",
      .oracle = ORACLE ". Serving the request is fine", .vehicle = true, .run = desc_zero);

static u16 wrong_order(struct ck *c, struct sk_hostile *h, u64 shape)
{
	struct sk_piece p;

	switch (shape) {
	case 0:
		sk_put_then(c, h, 0, RIDE_PARTS);
		sk_put(c, h, 1, 0, 0, 0);
		break;
	case 1:
		sk_put_then(c, h, 0, 1);
		sk_put_then(c, h, 1, 0);
		sk_put(c, h, 2, 2, 0, 0);
		break;
	default:
		p = sk_piece(h, 1);
		sk_put_then(c, h, 0, 0);
		sk_put_then(c, h, 1, RIDE_PARTS);
		sk_desc(c, 2, p.addr, p.len, R, 0);
		break;
	}
	return SK_RAW;
}

static void desc_order(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "the last piece before the first", wrong_order, 0, 2 },
		{ "the second before the first", wrong_order, 1, 3 },
		{ "a readable one behind the last", wrong_order, 2, 2 },
	};
	struct sk_hostile h = {
		.clause = "ROB.alive.desc-order",
		.want = ck_ring_features(),
		.returned = true,
	};

	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(desc_order, .id = "split.hostile.desc-order",
      .clauses = { "ROB.alive.desc-order", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus = "device-writable descriptors before device-readable ones", .oracle = ORACLE,
      .vehicle = true, .run = desc_order);

/*
 * More than 4 GiB in one request, all of it the same 4 MiB. The data is device-readable and the
 * sector beyond any medium: nothing need be moved.
 */
#define TOTAL_DESCS 1030

static u16 huge_total(struct ck *c, struct sk_hostile *h, u64 arg)
{
	const struct virtio_blk_outhdr hdr = {
		.type = le32(VIRTIO_BLK_T_OUT),
		.sector = le64(1ull << 40),
	};
	const struct tp_buf *m = &c->tp->mem[1];

	__builtin_memcpy(h->parts.part[RIDE_OUT].hva, &hdr, sizeof(hdr));
	sk_put_then(c, h, 0, 0);
	ck_log(c, "  %u descriptors over the same %u bytes", TOTAL_DESCS, m->len);
	for (u16 i = 1; i <= TOTAL_DESCS; i++)
		vq_split_raw_desc(&c->q[0].vq.split, (u16)(SK_RAW + i), m->gpa.v, m->len,
				  VRING_DESC_F_NEXT, (u16)(SK_RAW + i + 1));
	sk_put(c, h, TOTAL_DESCS + 1, RIDE_PARTS, 0, 0);
	return SK_RAW;
}

static void desc_total(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "an OUT of more than 4 GiB", huge_total, 0, 1 },
	};
	struct sk_hostile h = {
		.clause = "ROB.alive.desc-total",
		.want = ck_ring_features(),
		.returned = true,
		.size = 2048,
	};
	struct tp_process before, after;
	bool see;

	if (c->tp->mem_count < 2 || (u64)TOTAL_DESCS * c->tp->mem[1].len >> 32 == 0) {
		ck_skip(c, "guest memory is too small");
		return;
	}
	if (!sk_up(c, &h))
		return;
	see = c->tp->caps & TP_CAP_PROCESS && c->tp->ops->process(c->tp, &before) == TP_OK;
	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
	if (see && !c->accused && c->tp->caps & TP_CAP_PROCESS &&
	    c->tp->ops->process(c->tp, &after) == TP_OK &&
	    after.rss_kib > before.rss_kib + (1u << 20))
		ck_fail(c, h.clause, "memory is not allocated by a total",
			"resident memory went from %llu KiB to %llu KiB",
			(unsigned long long)before.rss_kib, (unsigned long long)after.rss_kib);
}

CHECK(desc_total, .id = "split.hostile.desc-total",
      .clauses = { "ROB.alive.desc-total", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus = "an OUT beyond the medium whose 1030 descriptors add up to more than 4 GiB",
      .oracle = ORACLE ", and its resident memory does not grow by 1 GiB",
      .device = VIRTIO_ID_BLOCK, .run = desc_total);
