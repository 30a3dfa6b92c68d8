// SPDX-License-Identifier: BSD-3-Clause
/* Block device: discard, write zeroes and secure erase, as a correct driver sends them (5.2.6). */
#include "harness/check/blk_util.h"

#include <string.h>

#define ZEROES	      "v14.blk.operation.dev.9"
#define NEIGHBOURS    "ROB.blk.neighbours"
#define SEGMENTS      "ROB.blk.config"
#define FRAMING	      "v14.split-ring.message-framing.dev.1"
#define FEATURE(name) BIT_ULL(VIRTIO_BLK_F_##name)
#define UNMAP	      VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP

/* One segment that must be carried out, as set-up of what is then looked at. */
static bool one_range(struct ck *c, u32 type, u64 sector, u32 num, u32 flags)
{
	const struct ckb_range range = { sector, num, flags };
	struct blk_req r;

	return ckb_make_ranges(c, &r, type, &range, 1) && ckb_ok(c, 0, &r);
}

static void write_zeroes(struct ck *c)
{
	static const struct {
		u32 num, flags;
	} cases[] = {
		{ 1, 0 },     { 1, UNMAP }, { 3, 0 },	   { 3, UNMAP },   { 8, 0 },
		{ 8, UNMAP }, { 65, 0 },    { 65, UNMAP }, { 128, UNMAP }, { 128, 0 },
	};
	struct ckb_limits l;

	if (!ckb_room(c, 512) || !ckb_limits(c, VIRTIO_BLK_T_WRITE_ZEROES, &l) ||
	    !ck_start(c, ck_ring_features() | FEATURE(WRITE_ZEROES)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 at = 8 * i, num = MIN(cases[i].num, l.max_sectors);

		if (!ckb_put(c, 0, at, num, i + 1) ||
		    !one_range(c, VIRTIO_BLK_T_WRITE_ZEROES, at, num, cases[i].flags) ||
		    !ckb_zero(c, 0, at, num, ZEROES,
			      cases[i].flags ? "after WRITE_ZEROES with unmap"
					     : "after WRITE_ZEROES without unmap"))
			return;
	}
}

CHECK(write_zeroes, .id = "blk.write-zeroes.zeroes", .clauses = { ZEROES },
      .stimulus = "fill 1, 3, 8, 65 and 128 sectors, WRITE_ZEROES without and with unmap, read",
      .oracle = "every byte is zero, whatever the unmap flag", .device = VIRTIO_ID_BLOCK,
      .caps = TP_CAP_CONFIG, .features = FEATURE(WRITE_ZEROES), .lacks = FEATURE(RO),
      .run = write_zeroes);

static void zero_again(struct ck *c)
{
	/* A device that remembers what was unmapped must forget it at the next write. */
	if (ckb_room(c, 64) && ck_start(c, ck_ring_features() | FEATURE(WRITE_ZEROES)) &&
	    ckb_put(c, 0, 0, 24, 1) && one_range(c, VIRTIO_BLK_T_WRITE_ZEROES, 0, 24, UNMAP) &&
	    ckb_put(c, 0, 8, 8, 2) && ckb_holds(c, 0, 8, 8, 2, "ROB.blk.data", "written again") &&
	    ckb_zero(c, 0, 0, 8, ZEROES, "before a write behind it"))
		ckb_zero(c, 0, 16, 8, ZEROES, "behind a write before it");
}

CHECK(zero_again, .id = "blk.write-zeroes.rewrite", .clauses = { ZEROES, "ROB.blk.data" },
      .stimulus = "WRITE_ZEROES with unmap of 24 sectors, write the 8 in the middle, read all",
      .oracle = "the 8 hold what was written, the others are zero", .device = VIRTIO_ID_BLOCK,
      .caps = TP_CAP_CONFIG, .features = FEATURE(WRITE_ZEROES), .lacks = FEATURE(RO),
      .run = zero_again);

static void neighbours(struct ck *c, u32 type)
{
	static const u32 nums[] = { 1, 7, 8, 9, 24 };
	struct ckb_limits l;

	if (!ckb_room(c, 4096) || !ckb_limits(c, type, &l) ||
	    !ck_start(c, ck_ring_features() | ckb_type_feature(type)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(nums); i++) {
		u32 num = (u32)ALIGN_UP(nums[i], l.align), at = (u32)ALIGN_UP(8, l.align);
		u32 all = at + num + 8, gen = i + 1;

		if (num > l.max_sectors || all > 2048)
			continue;
		if (!ckb_lay(c, 0, 0, all, gen) || !one_range(c, type, at, num, 0) ||
		    !ckb_holds(c, 0, 0, at, gen, NEIGHBOURS, "sectors before the range") ||
		    !ckb_holds(c, 0, at + num, 8, gen, NEIGHBOURS, "sectors behind the range"))
			return;
	}
}

/*
 * The range is cut where it does not end with a whole block of the device. Write zeroes has no
 * alignment; a discard of part of a block may do nothing, but may not do more.
 */
static void unaligned_neighbours(struct ck *c, u32 type)
{
	static const struct {
		u32 at, num;
	} cases[] = { { 9, 1 }, { 9, 14 }, { 15, 2 }, { 8, 13 } };
	struct ckb_result res;

	if (!ckb_room(c, 64) || !ck_start(c, ck_ring_features() | ckb_type_feature(type)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct ckb_range range = { cases[i].at, cases[i].num, 0 };
		u32 end = cases[i].at + cases[i].num, gen = i + 1;
		struct blk_req r;

		if (!ckb_lay(c, 0, 0, 32, gen) || !ckb_make_ranges(c, &r, type, &range, 1) ||
		    !ckb_do(c, 0, &r, BLK_LAYOUT_USUAL, &res))
			return;
		if (res.status != VIRTIO_BLK_S_OK)
			ck_log(c, "  not carried out: an alignment is a hint or a limit, the text "
				  "does not say");
		if (!ckb_holds(c, 0, 0, cases[i].at, gen, NEIGHBOURS, "sectors before the range") ||
		    !ckb_holds(c, 0, end, 32 - end, gen, NEIGHBOURS, "sectors behind the range"))
			return;
	}
}

static void several(struct ck *c, u32 type)
{
	struct ckb_range *ranges;
	struct ckb_limits l;
	struct ckb_result res;
	struct tp_buf mem;
	struct blk_req r;
	u32 n, step;

	if (!ckb_limits(c, type, &l))
		return;
	/* As many as may be, each a block with a block between it and the next. */
	n = MIN(l.max_segs, 256u);
	step = 2 * l.align;
	if (n * step > 4096) {
		ck_skip(c, "%u segments that are aligned to %u sectors are too much for this", n,
			l.align);
		return;
	}
	if (!ckb_room(c, n * step) || !ck_start(c, ck_ring_features() | ckb_type_feature(type)) ||
	    !ckb_lay(c, 0, 0, n * step, 5) || !ck_alloc(c, n * (u32)sizeof(*ranges), 16, &mem))
		return;
	ranges = (struct ckb_range *)mem.hva;
	for (u32 i = 0; i < n; i++)
		/* The later one first: an order that is not the medium's. */
		ranges[i] = (struct ckb_range){ (u64)(n - 1 - i) * step, l.align, 0 };
	/* If one alone does not work, the number is not why. */
	if (!one_range(c, type, 0, l.align, 0) || !ckb_make_ranges(c, &r, type, ranges, n) ||
	    !ckb_do(c, 0, &r, BLK_LAYOUT_USUAL, &res) ||
	    !ckb_status(c, &r, &res, VIRTIO_BLK_S_OK, SEGMENTS))
		return;
	for (u32 i = 0; i < n; i++)
		if (!ckb_holds(c, 0, i * step + l.align, l.align, 5, NEIGHBOURS,
			       "sectors between two segments") ||
		    (type == VIRTIO_BLK_T_WRITE_ZEROES &&
		     !ckb_zero(c, 0, i * step, l.align, ZEROES, "a segment of several")))
			return;
}

/* The same request in each layout: same status, and the same done. */
static void framings(struct ck *c, u32 type)
{
	const struct ckb_range ranges[] = { { 8, 8, 0 }, { 24, 8, 0 } };
	struct ckb_limits l;

	if (!ckb_room(c, 64) || !ckb_limits(c, type, &l) ||
	    !ck_start(c, ck_ring_features() | ckb_type_feature(type)))
		return;
	if (l.align > 8 || l.max_sectors < 8) {
		ck_skip(c, "8 sectors cannot be a segment of this device");
		return;
	}
	for (unsigned layout = 0; layout < BLK_LAYOUTS; layout++) {
		struct ckb_result res;
		struct blk_req r;

		if (!ckb_lay(c, 0, 0, 40, 10 + layout) ||
		    !ckb_make_ranges(c, &r, type, ranges, MIN(l.max_segs, 2u)) ||
		    !ckb_do(c, 0, &r, layout, &res))
			return;
		if (res.status != VIRTIO_BLK_S_OK) {
			/* If it does not work in the usual layout either, framing is not why. */
			if (layout == BLK_LAYOUT_USUAL)
				ck_error(c, "%s: status %u", blk_type_name(type), res.status);
			else
				ck_fail(c, FRAMING, "OK, as with header|data|status",
					"%s, %s: status %u (%s)", blk_type_name(type),
					blk_layout_name(layout), res.status,
					blk_status_name(res.status));
			return;
		}
		if (!ckb_holds(c, 0, 0, 8, 10 + layout, FRAMING,
			       "sectors before the first segment"))
			return;
		if (type == VIRTIO_BLK_T_WRITE_ZEROES &&
		    !ckb_zero(c, 0, 8, 8, layout == BLK_LAYOUT_USUAL ? ZEROES : FRAMING,
			      blk_layout_name(layout)))
			return;
	}
}

#define FRAMING_STIMULUS                                                                           \
	"the same request of two segments (one, if there may be no more) in each layout: header "  \
	"split, in single bytes, segments split at odd places, in single bytes, all merged"
#define FRAMING_ORACLE "OK each time, and the same is done: bytes count, not descriptors"

#define NEIGHBOURS_STIMULUS "fill, then one segment of 1 to 24 sectors, aligned as the device asks"
#define NEIGHBOURS_ORACLE   "the sectors before and behind hold what they held"

#define SEVERAL_STIMULUS                                                                           \
	"as many segments as the configuration announces (256 at most), each one aligned block, "  \
	"with a block between, in falling order"
#define SEVERAL_ORACLE "OK, and the blocks between hold what they held"

/* The family for one type. ZEROES is among the clauses where it can be accused under. */
#define FAMILY(ident, name, type, feature, ...)                                                    \
	static void ident##_neighbours(struct ck *c)                                               \
	{                                                                                          \
		neighbours(c, type);                                                               \
	}                                                                                          \
	CHECK(ident##_neighbours, .id = "blk." name ".neighbours", .clauses = { NEIGHBOURS },      \
	      .stimulus = NEIGHBOURS_STIMULUS, .oracle = NEIGHBOURS_ORACLE,                        \
	      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .features = feature,               \
	      .lacks = FEATURE(RO), .run = ident##_neighbours);                                    \
	static void ident##_several(struct ck *c)                                                  \
	{                                                                                          \
		several(c, type);                                                                  \
	}                                                                                          \
	CHECK(ident##_several, .id = "blk." name ".several",                                       \
	      .clauses = { SEGMENTS, NEIGHBOURS, ##__VA_ARGS__ }, .stimulus = SEVERAL_STIMULUS,    \
	      .oracle = SEVERAL_ORACLE, .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG,          \
	      .features = feature, .lacks = FEATURE(RO), .run = ident##_several);                  \
	static void ident##_framings(struct ck *c)                                                 \
	{                                                                                          \
		framings(c, type);                                                                 \
	}                                                                                          \
	CHECK(ident##_framings, .id = "blk." name ".framing",                                      \
	      .clauses = { FRAMING, "ROB.packed.framing", ##__VA_ARGS__ },                         \
	      .stimulus = FRAMING_STIMULUS, .oracle = FRAMING_ORACLE, .device = VIRTIO_ID_BLOCK,   \
	      .caps = TP_CAP_CONFIG, .features = feature, .lacks = FEATURE(RO),                    \
	      .run = ident##_framings)

FAMILY(discard, "discard", VIRTIO_BLK_T_DISCARD, FEATURE(DISCARD));
FAMILY(zeroes, "write-zeroes", VIRTIO_BLK_T_WRITE_ZEROES, FEATURE(WRITE_ZEROES), ZEROES);
FAMILY(erase, "secure-erase", VIRTIO_BLK_T_SECURE_ERASE, FEATURE(SECURE_ERASE));

static void discard_unaligned(struct ck *c)
{
	unaligned_neighbours(c, VIRTIO_BLK_T_DISCARD);
}

CHECK(discard_unaligned, .id = "blk.discard.unaligned", .clauses = { NEIGHBOURS },
      .stimulus = "segments of 1, 14, 2 and 13 sectors at sectors 9, 9, 15 and 8, unaligned to any "
		  "block",
      .oracle = "whatever the status, the sectors before and behind hold what they held",
      .device = VIRTIO_ID_BLOCK, .features = FEATURE(DISCARD), .lacks = FEATURE(RO),
      .run = discard_unaligned);

static void zeroes_unaligned(struct ck *c)
{
	unaligned_neighbours(c, VIRTIO_BLK_T_WRITE_ZEROES);
}

CHECK(zeroes_unaligned, .id = "blk.write-zeroes.unaligned", .clauses = { NEIGHBOURS },
      .stimulus = "segments of 1, 14, 2 and 13 sectors at sectors 9, 9, 15 and 8, unaligned to any "
		  "block",
      .oracle = "whatever the status, the sectors before and behind hold what they held",
      .device = VIRTIO_ID_BLOCK, .features = FEATURE(WRITE_ZEROES), .lacks = FEATURE(RO),
      .run = zeroes_unaligned);
