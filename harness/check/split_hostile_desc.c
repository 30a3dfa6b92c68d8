// SPDX-License-Identifier: BSD-3-Clause
/*
 * Descriptors that no driver should make: outside memory, across its borders, of no length, in the
 * wrong order.
 */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/split_kit.h"

#define R 0
#define W VRING_DESC_F_WRITE

#define HDR(h)	  (h)->parts.hdr.gpa.v, (h)->parts.hdr.len
#define DATA(h)	  (h)->parts.data.gpa.v, (h)->parts.data.len
#define STATUS(h) (h)->parts.status.gpa.v, (h)->parts.status.len

#define ORACLE                                                                                     \
	"each time a good request behind it is served, or the device shows that it is in error "   \
	"and serves in a new session"

/* An IN of one sector with one part replaced. */
static u16 replaced(struct ck *c, struct sk_hostile *h, unsigned part, u64 addr, u32 len)
{
	struct vq_sg sg[] = {
		{ h->parts.hdr.gpa, h->parts.hdr.len },
		{ h->parts.data.gpa, h->parts.data.len },
		{ h->parts.status.gpa, h->parts.status.len },
	};

	sg[part] = (struct vq_sg){ { addr }, len };
	sk_desc_then(c, 0, sg[0].addr.v, sg[0].len, R);
	sk_desc_then(c, 1, sg[1].addr.v, sg[1].len, W);
	sk_desc(c, 2, sg[2].addr.v, sg[2].len, W, 0);
	return SK_RAW;
}

enum part {
	PART_HDR,
	PART_DATA,
	PART_STATUS
};

static const u32 part_len[] = { sizeof(struct virtio_blk_outhdr), VIRTIO_BLK_SECTOR, 1 };

static u64 gap(const struct ck *c)
{
	return c->tp->mem[0].gpa.v + c->tp->mem[0].len;
}

static u16 in_gap(struct ck *c, struct sk_hostile *h, u64 part)
{
	return replaced(c, h, (unsigned)part, gap(c), part_len[part]);
}

static u16 above(struct ck *c, struct sk_hostile *h, u64 part)
{
	return replaced(c, h, (unsigned)part, ck_unmapped(c).v, part_len[part]);
}

static u16 at_zero(struct ck *c, struct sk_hostile *h, u64 part)
{
	return replaced(c, h, (unsigned)part, 0, part_len[part]);
}

static u16 near_top(struct ck *c, struct sk_hostile *h, u64 part)
{
	return replaced(c, h, (unsigned)part, 0xfffffffffffff000, part_len[part]);
}

static u16 table_outside(struct ck *c, struct sk_hostile *h, u64 addr)
{
	sk_desc(c, 0, addr ? addr : gap(c), 48, VRING_DESC_F_INDIRECT, 0);
	return SK_RAW;
}

static void desc_outside(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "header in a gap", in_gap, PART_HDR },
		{ "data in a gap", in_gap, PART_DATA },
		{ "status in a gap", in_gap, PART_STATUS },
		{ "header above all memory", above, PART_HDR },
		{ "data above all memory", above, PART_DATA },
		{ "status above all memory", above, PART_STATUS },
		{ "header at address 0", at_zero, PART_HDR },
		{ "data at address 0", at_zero, PART_DATA },
		{ "status at address 0", at_zero, PART_STATUS },
		{ "header at 2^64 - 4096", near_top, PART_HDR },
		{ "data at 2^64 - 4096", near_top, PART_DATA },
		{ "status at 2^64 - 4096", near_top, PART_STATUS },
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
      .stimulus = "header, data and status each in a gap of guest memory, above it, at 0 and near "
		  "2^64",
      .oracle = ORACLE, .device = VIRTIO_ID_BLOCK, .run = desc_outside);

static void indirect_outside(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "a table in a gap", table_outside, 0 },
		{ "a table near 2^64", table_outside, 0xffffffffffffffe0 },
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
      .device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
      .run = indirect_outside);

/* --- across borders ----------------------------------------------------------------------------------- */

/* Behind the last region there is nothing that a buffer could legally go on in. */
static u16 past_end(struct ck *c, struct sk_hostile *h, u64 len)
{
	const struct tp_buf *m = &c->tp->mem[c->tp->mem_count - 1];

	return replaced(c, h, PART_DATA, m->gpa.v + m->len - VIRTIO_BLK_SECTOR, (u32)len);
}

static u16 header_past_end(struct ck *c, struct sk_hostile *h, u64 there)
{
	const struct tp_buf *m = &c->tp->mem[c->tp->mem_count - 1];

	return replaced(c, h, PART_HDR, m->gpa.v + m->len - there, part_len[PART_HDR]);
}

static u16 wraps(struct ck *c, struct sk_hostile *h, u64 below)
{
	return replaced(c, h, PART_DATA, 0 - below, VIRTIO_BLK_SECTOR);
}

static void desc_wrap(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "data one sector longer than its region", past_end, 2 * VIRTIO_BLK_SECTOR },
		{ "data one byte longer than its region", past_end, VIRTIO_BLK_SECTOR + 1 },
		{ "data of 0xfffffe00 bytes", past_end, 0xfffffe00 },
		{ "data of 0xffffffff bytes", past_end, 0xffffffff },
		{ "header of which 8 bytes are in memory", header_past_end, 8 },
		{ "header of which 1 byte is in memory", header_past_end, 1 },
		{ "data whose address plus length is 2^64 + 256", wraps, 256 },
		{ "data whose address plus length is 2^64", wraps, VIRTIO_BLK_SECTOR },
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
      .stimulus =
	      "buffers that begin in the last region and end behind it, by one byte, by a sector "
	      "and by almost 4 GiB, and buffers whose end passes 2^64",
      .oracle = ORACLE, .device = VIRTIO_ID_BLOCK, .run = desc_wrap);

/* --- lengths -------------------------------------------------------------------------------------------- */

static u16 zero_between(struct ck *c, struct sk_hostile *h, u64 addr)
{
	sk_desc_then(c, 0, HDR(h), R);
	sk_desc_then(c, 1, addr ? addr : h->parts.data.gpa.v, 0, W);
	sk_desc_then(c, 2, DATA(h), W);
	sk_desc(c, 3, STATUS(h), W, 0);
	return SK_RAW;
}

static u16 zero_header(struct ck *c, struct sk_hostile *h, u64 addr)
{
	sk_desc_then(c, 0, addr ? addr : h->parts.hdr.gpa.v, 0, R);
	sk_desc_then(c, 1, HDR(h), R);
	sk_desc_then(c, 2, DATA(h), W);
	sk_desc(c, 3, STATUS(h), W, 0);
	return SK_RAW;
}

static u16 zero_part(struct ck *c, struct sk_hostile *h, u64 part)
{
	return replaced(c, h, (unsigned)part, h->parts.data.gpa.v, 0);
}

static void desc_zero(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "nothing before the header", zero_header, 0 },
		{ "nothing between header and data", zero_between, 0 },
		{ "nothing, at an address outside memory", zero_between, 0xfffffffffffff000 },
		{ "no data", zero_part, PART_DATA },
		{ "no status", zero_part, PART_STATUS },
		{ "no header", zero_part, PART_HDR },
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
      .stimulus = "descriptors of length 0: before the header, between header and data, outside "
		  "memory, in place of header, data and status",
      .oracle = ORACLE ". Serving the request is fine", .device = VIRTIO_ID_BLOCK,
      .run = desc_zero);

static u16 wrong_order(struct ck *c, struct sk_hostile *h, u64 shape)
{
	switch (shape) {
	case 0:
		sk_desc_then(c, 0, STATUS(h), W);
		sk_desc(c, 1, HDR(h), R, 0);
		break;
	case 1:
		sk_desc_then(c, 0, DATA(h), W);
		sk_desc_then(c, 1, HDR(h), R);
		sk_desc(c, 2, STATUS(h), W, 0);
		break;
	default:
		sk_desc_then(c, 0, HDR(h), R);
		sk_desc_then(c, 1, STATUS(h), W);
		sk_desc(c, 2, DATA(h), R, 0);
		break;
	}
	return SK_RAW;
}

static void desc_order(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "the status before the header", wrong_order, 0 },
		{ "the data before the header", wrong_order, 1 },
		{ "readable data behind the status", wrong_order, 2 },
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
      .device = VIRTIO_ID_BLOCK, .run = desc_order);

/*
 * More than 4 GiB in one request, all of it the same 4 MiB. The data is device-readable and the
 * sector beyond any medium: nothing need be moved.
 */
#define TOTAL_DESCS 1030

static u16 huge_total(struct ck *c, struct sk_hostile *h, u64 arg)
{
	const struct tp_buf *m = &c->tp->mem[1];

	h->parts.type = VIRTIO_BLK_T_OUT;
	h->parts.sector = 1ull << 40;
	blk_prepare(&h->parts);
	h->parts.type = VIRTIO_BLK_T_IN;
	h->parts.sector = 0;
	sk_desc_then(c, 0, HDR(h), R);
	ck_log(c, "  %u descriptors over the same %u bytes", TOTAL_DESCS, m->len);
	for (u16 i = 1; i <= TOTAL_DESCS; i++)
		vq_split_raw_desc(&c->q[0].vq.split, (u16)(SK_RAW + i), m->gpa.v, m->len,
				  VRING_DESC_F_NEXT, (u16)(SK_RAW + i + 1));
	sk_desc(c, TOTAL_DESCS + 1, STATUS(h), W, 0);
	return SK_RAW;
}

static void desc_total(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "an OUT of more than 4 GiB", huge_total, 0 },
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
