// SPDX-License-Identifier: BSD-3-Clause
/*
 * Chains that no driver should make: loops, indices out of range, bad indirect tables, requests
 * that are too short. The texts ask nothing of the device here, so the clauses are our own (ROB).
 */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/split_kit.h"

#define R     0
#define W     VRING_DESC_F_WRITE
#define NEXT  VRING_DESC_F_NEXT
#define INDIR VRING_DESC_F_INDIRECT

#define HDR(h)	  (h)->parts.hdr.gpa.v, (h)->parts.hdr.len
#define DATA(h)	  (h)->parts.data.gpa.v, (h)->parts.data.len
#define STATUS(h) (h)->parts.status.gpa.v, (h)->parts.status.len

#define ORACLE                                                                                     \
	"each time a good request behind it is served, or the device shows that it is in error "   \
	"and serves in a new session"

/* --- loops --------------------------------------------------------------------------------------- */

static u16 cycle(struct ck *c, struct sk_hostile *h, u64 shape)
{
	switch (shape) {
	case 0:
		sk_desc(c, 0, HDR(h), R | NEXT, SK_RAW);
		break;
	case 1:
		sk_desc_then(c, 0, HDR(h), R);
		sk_desc(c, 1, HDR(h), R | NEXT, SK_RAW);
		break;
	case 2:
		sk_desc_then(c, 0, HDR(h), R);
		sk_desc(c, 1, DATA(h), W | NEXT, SK_RAW + 1);
		break;
	default:
		sk_desc_then(c, 0, HDR(h), R);
		sk_desc_then(c, 1, DATA(h), W);
		sk_desc(c, 2, DATA(h), W | NEXT, SK_RAW + 1);
		break;
	}
	return SK_RAW;
}

static void chain_cycle(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "a header that is its own next", cycle, 0 },
		{ "two headers, each the other's next", cycle, 1 },
		{ "behind a good header, data that is its own next", cycle, 2 },
		{ "behind a good header, two data descriptors in a loop", cycle, 3 },
	};
	struct sk_hostile h = {
		.clause = "ROB.alive.chain-cycle",
		.want = ck_ring_features(),
		.returned = true,
	};

	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(chain_cycle, .id = "split.hostile.chain-cycle",
      .clauses = { "ROB.alive.chain-cycle", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus = "chains whose descriptors form a loop, from the header on and behind it",
      .oracle = ORACLE, .device = VIRTIO_ID_BLOCK, .run = chain_cycle);

/* --- next out of range ------------------------------------------------------------------------------ */

static u16 next_first(struct ck *c, struct sk_hostile *h, u64 next)
{
	sk_desc(c, 0, HDR(h), R | NEXT, (u16)next);
	return SK_RAW;
}

static u16 next_later(struct ck *c, struct sk_hostile *h, u64 next)
{
	sk_desc_then(c, 0, HDR(h), R);
	sk_desc(c, 1, DATA(h), W | NEXT, (u16)next);
	return SK_RAW;
}

static void next_range(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "header with next = queue size", next_first, SK_SIZE },
		{ "header with next = 0x7fff", next_first, 0x7fff },
		{ "header with next = 0xffff", next_first, 0xffff },
		{ "data with next = queue size", next_later, SK_SIZE },
		{ "data with next = 0xffff", next_later, 0xffff },
	};
	struct sk_hostile h = {
		.clause = "ROB.alive.next-range",
		.want = ck_ring_features(),
		.returned = true,
	};

	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(next_range, .id = "split.hostile.next-range",
      .clauses = { "ROB.alive.next-range", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus = "a next index of queue size, 0x7fff and 0xffff, in the first and in a later "
		  "descriptor",
      .oracle = ORACLE, .device = VIRTIO_ID_BLOCK, .run = next_range);

/* --- indirect tables -------------------------------------------------------------------------------- */

struct table {
	struct tp_buf buf;
	struct vring_desc *d;
};

static bool make_table(struct ck *c, struct table *t, u32 entries)
{
	if (!sk_room(c, entries * (u32)sizeof(struct vring_desc), &t->buf))
		return false;
	t->d = (struct vring_desc *)t->buf.hva;
	return true;
}

static void entry_quiet(struct table *t, u32 i, u64 addr, u32 len, u16 flags, u16 next)
{
	t->d[i] = (struct vring_desc){ le64(addr), le32(len), le16(flags), le16(next) };
}

static void entry(struct ck *c, struct table *t, u32 i, u64 addr, u32 len, u16 flags, u16 next)
{
	ck_log(c, "    table[%u] addr=0x%llx len=%u flags=%u next=%u", i, (unsigned long long)addr,
	       len, flags, next);
	entry_quiet(t, i, addr, len, flags, next);
}

/* A whole good IN in a table of three. */
static void good_table(struct ck *c, struct sk_hostile *h, struct table *t)
{
	entry(c, t, 0, HDR(h), R | NEXT, 1);
	entry(c, t, 1, DATA(h), W | NEXT, 2);
	entry(c, t, 2, STATUS(h), W, 0);
}

static u16 indirect_cycle(struct ck *c, struct sk_hostile *h, u64 to)
{
	struct table t;

	if (make_table(c, &t, 3)) {
		good_table(c, h, &t);
		entry(c, &t, to ? 1 : 0, HDR(h), R | NEXT, 0);
		sk_desc(c, 0, t.buf.gpa.v, t.buf.len, INDIR, 0);
	}
	return SK_RAW;
}

static void chain_cycle_indirect(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "an entry that is its own next", indirect_cycle, 0 },
		{ "two entries, each the other's next", indirect_cycle, 1 },
	};
	struct sk_hostile h = {
		.clause = "ROB.alive.chain-cycle",
		.want = ck_ring_features(),
		.returned = true,
	};

	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(chain_cycle_indirect, .id = "split.hostile.indirect-cycle",
      .clauses = { "ROB.alive.chain-cycle", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus = "indirect tables whose entries form a loop", .oracle = ORACLE,
      .device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
      .run = chain_cycle_indirect);

static u16 nested(struct ck *c, struct sk_hostile *h, u64 itself)
{
	struct table outer, inner;

	if (make_table(c, &outer, 3) && make_table(c, &inner, 3)) {
		good_table(c, h, &inner);
		entry(c, &outer, 0, itself ? outer.buf.gpa.v : inner.buf.gpa.v, inner.buf.len,
		      INDIR, 0);
		sk_desc(c, 0, outer.buf.gpa.v, sizeof(struct vring_desc), INDIR, 0);
	}
	return SK_RAW;
}

static void indirect_nested(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "an entry that points to a good second table", nested, 0 },
		{ "an entry that points to its own table", nested, 1 },
	};
	struct sk_hostile h = {
		.clause = "ROB.alive.indirect-nested",
		.want = ck_ring_features(),
		.returned = true,
	};

	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(indirect_nested, .id = "split.hostile.indirect-nested",
      .clauses = { "ROB.alive.indirect-nested", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus =
	      "an indirect table with an entry that is itself indirect: to a good table, to its "
	      "own",
      .oracle = ORACLE, .device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
      .run = indirect_nested);

static u16 indirect_and_next(struct ck *c, struct sk_hostile *h, u64 arg)
{
	struct table t;

	if (make_table(c, &t, 3)) {
		good_table(c, h, &t);
		sk_desc_then(c, 0, t.buf.gpa.v, t.buf.len, INDIR);
		sk_desc(c, 1, STATUS(h), W, 0);
	}
	return SK_RAW;
}

static void indirect_next(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "a good table in a descriptor that has a good next", indirect_and_next, 0 },
	};
	struct sk_hostile h = {
		.clause = "ROB.alive.indirect-and-next",
		.want = ck_ring_features(),
		.returned = true,
	};

	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(indirect_next, .id = "split.hostile.indirect-and-next",
      .clauses = { "ROB.alive.indirect-and-next", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus = "a descriptor with both INDIRECT and NEXT set", .oracle = ORACLE,
      .device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
      .run = indirect_next);

static u16 table_len(struct ck *c, struct sk_hostile *h, u64 len)
{
	struct table t;

	if (make_table(c, &t, 3)) {
		good_table(c, h, &t);
		sk_desc(c, 0, t.buf.gpa.v, (u32)len, INDIR, 0);
	}
	return SK_RAW;
}

static u16 table_next(struct ck *c, struct sk_hostile *h, u64 next)
{
	struct table t;

	if (make_table(c, &t, 3)) {
		good_table(c, h, &t);
		entry(c, &t, 1, DATA(h), W | NEXT, (u16)next);
		sk_desc(c, 0, t.buf.gpa.v, t.buf.len, INDIR, 0);
	}
	return SK_RAW;
}

/* Two of its three entries are in memory; behind them is a gap. */
static u16 table_cut(struct ck *c, struct sk_hostile *h, u64 arg)
{
	const struct tp_buf *m = &c->tp->mem[c->tp->mem_count - 1];
	const u32 there = 2 * sizeof(struct vring_desc);
	struct table t = {
		.buf = { m->hva + m->len - there, gpa_add(m->gpa, m->len - there), there },
		.d = (struct vring_desc *)(m->hva + m->len - there),
	};

	entry(c, &t, 0, HDR(h), R | NEXT, 1);
	entry(c, &t, 1, DATA(h), W | NEXT, 2);
	sk_desc(c, 0, t.buf.gpa.v, there + sizeof(struct vring_desc), INDIR, 0);
	return SK_RAW;
}

static void indirect_size(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "a table of 0 bytes", table_len, 0 },
		{ "a table of 8 bytes", table_len, 8 },
		{ "a table of 17 bytes", table_len, 17 },
		{ "a table of 0xfffffff0 bytes", table_len, 0xfffffff0 },
		{ "next = number of entries", table_next, 3 },
		{ "next = 0xffff", table_next, 0xffff },
		{ "a table cut by the end of its region", table_cut, 0 },
	};
	struct sk_hostile h = {
		.clause = "ROB.alive.indirect-size",
		.want = ck_ring_features(),
		.returned = true,
	};

	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(indirect_size, .id = "split.hostile.indirect-size",
      .clauses = { "ROB.alive.indirect-size", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus = "indirect tables of 0, 8, 17 and 0xfffffff0 bytes, with a next behind their end, "
		  "and cut by the end of a region",
      .oracle = ORACLE, .device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
      .run = indirect_size);

static void indirect_off(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "a good indirect request without the feature", table_len,
		  3 * sizeof(struct vring_desc) },
	};
	struct sk_hostile h = { .clause = "ROB.alive.indirect-off", .returned = true };

	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(indirect_off, .id = "split.hostile.indirect-off",
      .clauses = { "ROB.alive.indirect-off", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus = "an indirect request where VIRTIO_F_INDIRECT_DESC was not accepted",
      .oracle = ORACLE, .device = VIRTIO_ID_BLOCK, .run = indirect_off);

/* --- too long, too short ------------------------------------------------------------------------------ */

/* `direct` one-byte pieces of the header, the rest of the request in a table of `entries`. */
static u16 long_chain(struct ck *c, struct sk_hostile *h, u64 direct)
{
	u32 pieces = SK_SIZE, hdr = h->parts.hdr.len, n = 0;
	struct table t;

	for (u32 i = 0; i < direct; i++)
		sk_desc_then(c, (u16)i, h->parts.hdr.gpa.v + i, 1, R);
	if (!make_table(c, &t, pieces + 2))
		return SK_RAW;
	if (direct < hdr) {
		entry(c, &t, n, h->parts.hdr.gpa.v + direct, hdr - (u32)direct, R | NEXT,
		      (u16)(n + 1));
		n++;
	}
	ck_log(c, "    then the data in %u entries", pieces);
	for (u32 i = 0; i < pieces; i++, n++)
		entry_quiet(&t, n, h->parts.data.gpa.v + i * 4, 4, W | NEXT, (u16)(n + 1));
	entry(c, &t, n++, STATUS(h), W, 0);
	sk_desc(c, (u16)direct, t.buf.gpa.v, n * (u32)sizeof(struct vring_desc), INDIR, 0);
	return SK_RAW;
}

static void chain_long(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "a table with queue size + 2 entries", long_chain, 0 },
		{ "16 direct descriptors, then a table with queue size + 1 entries", long_chain,
		  sizeof(struct virtio_blk_outhdr) },
	};
	struct sk_hostile h = {
		.clause = "ROB.alive.chain-long",
		.want = ck_ring_features(),
		.returned = true,
	};

	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(chain_long, .id = "split.hostile.chain-long",
      .clauses = { "ROB.alive.chain-long", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus = "requests of more descriptors than the queue has entries: in one indirect table, "
		  "and in direct descriptors followed by one",
      .oracle = ORACLE ". Serving the long request is fine", .device = VIRTIO_ID_BLOCK,
      .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), .run = chain_long);

static u16 short_request(struct ck *c, struct sk_hostile *h, u64 shape)
{
	switch (shape) {
	case 0:
		sk_desc(c, 0, h->parts.hdr.gpa.v, 1, R, 0);
		break;
	case 1:
		sk_desc(c, 0, HDR(h), R, 0);
		break;
	case 2:
		sk_desc_then(c, 0, HDR(h), R);
		sk_desc(c, 1, DATA(h), R, 0);
		break;
	case 3:
		sk_desc(c, 0, STATUS(h), W, 0);
		break;
	default:
		sk_desc_then(c, 0, h->parts.hdr.gpa.v, 8, R);
		sk_desc(c, 1, STATUS(h), W, 0);
		break;
	}
	return SK_RAW;
}

static void request_short(struct ck *c)
{
	static const struct sk_case cases[] = {
		{ "one readable byte", short_request, 0 },
		{ "a header and nothing else", short_request, 1 },
		{ "header and readable data, no writable byte", short_request, 2 },
		{ "one writable byte and nothing else", short_request, 3 },
		{ "half a header and a status", short_request, 4 },
	};
	struct sk_hostile h = {
		.clause = "ROB.alive.short-request",
		.want = ck_ring_features(),
		.returned = true,
	};

	sk_cases(c, &h, cases, ARRAY_SIZE(cases));
}

CHECK(request_short, .id = "split.hostile.short-request",
      .clauses = { "ROB.alive.short-request", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus = "chains without a whole header, without a status, without a writable byte",
      .oracle = ORACLE ". The chain itself comes back", .device = VIRTIO_ID_BLOCK,
      .run = request_short);

/* A queue's worth and more: a slot lost each time would leave none. */
static void chain_returned(struct ck *c)
{
	struct sk_hostile h = {
		.clause = C_RETURNED,
		.want = ck_ring_features(),
		.returned = true,
	};

	if (!sk_up(c, &h))
		return;
	for (unsigned i = 0; i < 2 * SK_SIZE; i += 16) {
		enum sk_fate fate;

		sk_desc(c, 0, HDR(&h), R, 0);
		if (!sk_offer(c, SK_RAW, 16))
			return;
		fate = sk_settle(c, &h, SK_RAW, 16);
		if (fate == SK_SILENT)
			ck_fail(c, "ROB.alive.short-request",
				"the next well-formed request is served",
				"it is not after %u headers without a status", i + 16);
		if (fate != SK_SERVED || h.lost)
			return;
	}
}

CHECK(chain_returned, .id = "split.hostile.returned",
      .clauses = { C_RETURNED, "ROB.alive.short-request", C_BAD_REQUEST, C_NO_HANG },
      .stimulus =
	      "twice as many chains that only lack their status as the queue has entries, 16 at "
	      "a time",
      .oracle = "every head comes back and good requests between are served, or the device shows "
		"that it is in error",
      .device = VIRTIO_ID_BLOCK, .run = chain_returned);
