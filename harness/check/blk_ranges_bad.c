// SPDX-License-Identifier: BSD-3-Clause
/* Block device: discard, write zeroes and secure erase that cannot be carried out (5.2.6.2). */
#include "harness/check/blk_util.h"

#include <string.h>

#define FLAGS_DISCARD "v14.blk.operation.dev.5a"
#define FLAGS_ERASE   "v14.blk.operation.dev.5b"
#define FLAGS_ZEROES  "v14.blk.operation.dev.5c"
#define UNMAP_DISCARD "v14.blk.operation.dev.6"
#define CAPACITY      "ROB.blk.capacity"
#define SEGMENTS      "ROB.blk.segments"
#define NEIGHBOURS    "ROB.blk.neighbours"
#define FEATURE(name) BIT_ULL(VIRTIO_BLK_F_##name)
#define UNMAP	      VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP

/* Sectors in a known state that nothing in here may change. */
#define WATCHED 32

static bool start(struct ck *c, u32 type, struct ckb_limits *l)
{
	return ckb_room(c, 2 * WATCHED) && ckb_limits(c, type, l) &&
	       ck_start(c, ck_ring_features() | ckb_type_feature(type)) &&
	       ckb_lay(c, 0, 0, WATCHED, 1);
}

static bool unsupported(struct ck *c, u32 type, const struct ckb_range *ranges, u32 n,
			const char *clause)
{
	struct ckb_result res;
	struct blk_req r;

	return ckb_make_ranges(c, &r, type, ranges, n) && ckb_try(c, &r, &res) &&
	       ckb_status(c, &r, &res, VIRTIO_BLK_S_UNSUPP, clause);
}

static void unknown_flags(struct ck *c, u32 type, const char *clause)
{
	static const u32 flags[] = { 2, 4, 0x80000000, 0xfffffffe, 0xffffffff };
	struct ckb_limits l;

	if (!start(c, type, &l))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		const struct ckb_range one = { 8, 8, flags[i] };
		/* In the last segment alone. */
		const struct ckb_range two[] = { { 8, 8, 0 }, { 24, 8, flags[i] } };

		if (!unsupported(c, type, &one, 1, clause))
			return;
		if (l.max_segs >= 2 && !unsupported(c, type, two, 2, clause))
			return;
	}
	if (!ckb_holds(c, 0, 0, 8, 1, NEIGHBOURS, "after requests with unknown flags") ||
	    !ckb_holds(c, 0, 16, 8, 1, NEIGHBOURS, "after requests with unknown flags"))
		return;
	ckb_alive(c, 0, CKB_ALIVE);
}

static void discard_unmap(struct ck *c)
{
	const struct ckb_range range = { 8, 8, UNMAP };
	struct ckb_limits l;

	if (start(c, VIRTIO_BLK_T_DISCARD, &l) &&
	    unsupported(c, VIRTIO_BLK_T_DISCARD, &range, 1, UNMAP_DISCARD))
		ckb_alive(c, 0, CKB_ALIVE);
}

CHECK(discard_unmap, .id = "blk.discard.unmap", .clauses = { UNMAP_DISCARD, CKB_ALIVE },
      .stimulus = "DISCARD of 8 sectors with the unmap flag (1)",
      .oracle = "UNSUPP; a good read is served afterwards", .device = VIRTIO_ID_BLOCK,
      .caps = TP_CAP_CONFIG, .features = FEATURE(DISCARD), .lacks = FEATURE(RO),
      .run = discard_unmap);

static bool refused(struct ck *c, u32 type, const struct ckb_range *ranges, u32 n,
		    const char *clause)
{
	struct ckb_result res;
	struct blk_req r;

	return ckb_make_ranges(c, &r, type, ranges, n) && ckb_try(c, &r, &res) &&
	       ckb_refused(c, &r, &res, clause) && ckb_alive(c, 0, CKB_ALIVE);
}

static void beyond(struct ck *c, u32 type)
{
	struct ckb_limits l;
	u64 capacity = ckb_room(c, 2 * WATCHED);
	u32 a;

	if (!capacity || !start(c, type, &l) || !ckb_lay(c, 0, capacity - WATCHED, WATCHED, 2))
		return;
	a = l.align;
	const struct ckb_range ranges[] = {
		{ capacity, 1, 0 },	     { capacity / a * a, a, 0 },
		{ capacity - 1, 2, 0 },	     { ALIGN_UP(capacity, a) - a, 2 * a, 0 },
		{ 1ull << 55, 8, 0 },	     /* byte offset 0, modulo 2^64 */
		{ (1ull << 55) - 8, 16, 0 }, /* ends there */
		{ 1ull << 63, 8, 0 },	     { ~0ull, 1, 0 },
		{ ~0ull - 7, 16, 0 }, /* wraps in sectors */
		{ ~0ull, 0xffffffff, 0 },
	};
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
		/* With a capacity that is no multiple of the alignment some are the same. */
		if (ranges[i].sector + ranges[i].num <= capacity &&
		    ranges[i].sector + ranges[i].num >= ranges[i].sector)
			continue;
		if (!refused(c, type, &ranges[i], 1, CAPACITY))
			return;
	}
	/* The second of two, where two may be: it is the request that fails. */
	if (l.max_segs >= 2) {
		const struct ckb_range two[] = { { 0, 0, 0 }, { capacity, a, 0 } };

		if (!refused(c, type, two, 2, CAPACITY))
			return;
	}
	if (ckb_holds(c, 0, 0, WATCHED, 1, CAPACITY, "after ranges beyond the capacity"))
		ckb_holds(c, 0, capacity - WATCHED, WATCHED, 2, CAPACITY,
			  "after ranges beyond the capacity");
}

/* More than is announced, of either kind. */
static void too_many(struct ck *c, u32 type)
{
	struct ckb_range *ranges;
	struct ckb_limits l;
	struct tp_buf mem;
	u64 capacity = ckb_room(c, 2 * WATCHED);

	if (!capacity || !start(c, type, &l))
		return;
	if (l.max_segs <= 4096) {
		if (!ck_alloc(c, (l.max_segs + 1) * (u32)sizeof(*ranges), 16, &mem))
			return;
		ranges = (struct ckb_range *)mem.hva;
		for (u32 i = 0; i <= l.max_segs; i++)
			ranges[i] = (struct ckb_range){ 8, MIN(8u, l.max_sectors), 0 };
		if (!refused(c, type, ranges, l.max_segs + 1, SEGMENTS))
			return;
	}
	if (l.max_sectors < capacity) {
		const struct ckb_range range = { 0, l.max_sectors + 1, 0 };

		if (!refused(c, type, &range, 1, SEGMENTS))
			return;
	}
	/* Refused as a whole: not the first max_segs of them. */
	ckb_holds(c, 0, 0, WATCHED, 1, SEGMENTS, "after more than the configuration announces");
}

static void odd_payload(struct ck *c, u32 type)
{
	static const u32 lens[] = { 1, 8, 15, 17, 24, 31 };
	struct ckb_limits l;

	if (!start(c, type, &l))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
		const struct ckb_range ranges[] = { { 8, 8, 0 }, { 24, 8, 0 } };
		struct ckb_result res;
		struct blk_req r;

		/* Whole segments, cut short. */
		if (!ckb_make_ranges(c, &r, type, ranges, 2))
			return;
		r.data.len = lens[i];
		if (!ckb_try(c, &r, &res) || !ckb_refused(c, &r, &res, SEGMENTS) ||
		    !ckb_alive(c, 0, CKB_ALIVE))
			return;
	}
	ckb_holds(c, 0, 0, WATCHED, 1, SEGMENTS, "after payloads that are no multiple of 16");
}

/* Nothing to do: any status, and nothing done. */
static void nothing(struct ck *c, u32 type)
{
	const struct ckb_range none = { 8, 0, 0 };
	struct ckb_result res;
	struct ckb_limits l;
	struct blk_req r;

	if (!start(c, type, &l) || !ckb_make_ranges(c, &r, type, &none, 1) ||
	    !ckb_try(c, &r, &res) || !ckb_defined(c, &r, &res))
		return;
	ck_log(c, "  a segment of 0 sectors: %s", blk_status_name(res.status));
	if (!ckb_make_ranges(c, &r, type, &none, 0) || !ckb_try(c, &r, &res) ||
	    !ckb_defined(c, &r, &res))
		return;
	ck_log(c, "  no segment: %s", blk_status_name(res.status));
	if (ckb_alive(c, 0, CKB_ALIVE))
		ckb_holds(c, 0, 0, WATCHED, 1, NEIGHBOURS, "after ranges of nothing");
}

#define FLAGS_STIMULUS                                                                             \
	"segments with flags 2, 4, 0x80000000, 0xfffffffe and 0xffffffff, alone and behind a "     \
	"good "                                                                                    \
	"segment"
#define FLAGS_ORACLE "UNSUPP; no sector outside the segments changed; a good read served afterwards"

#define BEYOND_STIMULUS                                                                            \
	"segments at and across the capacity, at sector 2^55 (byte offset 0 modulo 2^64), across " \
	"it, at 2^63 and at 2^64 - 1 with 1 and 2^32 - 1 sectors, and behind a segment of nothing"
#define BEYOND_ORACLE                                                                              \
	"an error status each; the first and the last 32 sectors unchanged; a good read served "   \
	"after each"

#define MANY_STIMULUS                                                                              \
	"one segment more than the configuration announces; one segment of one sector more than "  \
	"it announces (if the capacity is greater)"
#define MANY_ORACLE "an error status, and no sector changed; a good read served after each"

#define ODD_STIMULUS "payloads of 1, 8, 15, 17, 24 and 31 bytes: segments cut short"
#define ODD_ORACLE   "an error status, and no sector changed; a good read served after each"

#define NOTHING_STIMULUS "one segment of 0 sectors; a request without a segment"
#define NOTHING_ORACLE	 "a status that exists; no sector changed; a good read served afterwards"

#define ONE(ident, func, suffix, type, feature, stim, orac, ...)                                   \
	static void ident(struct ck *c)                                                            \
	{                                                                                          \
		func;                                                                              \
	}                                                                                          \
	CHECK(ident, .id = suffix, .clauses = { __VA_ARGS__, CKB_ALIVE }, .stimulus = stim,        \
	      .oracle = orac, .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG,                    \
	      .features = feature, .lacks = FEATURE(RO), .run = ident)

#define FAMILY(ident, name, type, feature, flags_clause)                                           \
	ONE(ident##_flags, unknown_flags(c, type, flags_clause), "blk." name ".flags", type,       \
	    feature, FLAGS_STIMULUS, FLAGS_ORACLE, flags_clause, NEIGHBOURS);                      \
	ONE(ident##_beyond, beyond(c, type), "blk." name ".beyond", type, feature,                 \
	    BEYOND_STIMULUS, BEYOND_ORACLE, CAPACITY);                                             \
	ONE(ident##_many, too_many(c, type), "blk." name ".too-many", type, feature,               \
	    MANY_STIMULUS, MANY_ORACLE, SEGMENTS);                                                 \
	ONE(ident##_odd, odd_payload(c, type), "blk." name ".payload", type, feature,              \
	    ODD_STIMULUS, ODD_ORACLE, SEGMENTS);                                                   \
	ONE(ident##_nothing, nothing(c, type), "blk." name ".nothing", type, feature,              \
	    NOTHING_STIMULUS, NOTHING_ORACLE, NEIGHBOURS)

FAMILY(discard, "discard", VIRTIO_BLK_T_DISCARD, FEATURE(DISCARD), FLAGS_DISCARD);
FAMILY(zeroes, "write-zeroes", VIRTIO_BLK_T_WRITE_ZEROES, FEATURE(WRITE_ZEROES), FLAGS_ZEROES);
FAMILY(erase, "secure-erase", VIRTIO_BLK_T_SECURE_ERASE, FEATURE(SECURE_ERASE), FLAGS_ERASE);
