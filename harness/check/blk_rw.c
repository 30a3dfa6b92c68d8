// SPDX-License-Identifier: BSD-3-Clause
/* Block device: what is written is what is read, and nothing else is. */
#include "harness/check/blk_util.h"

#include <string.h>

#define DATA	      "ROB.blk.data"
#define NEIGHBOURS    "ROB.blk.neighbours"
#define FEATURE(name) BIT_ULL(VIRTIO_BLK_F_##name)

static void sizes(struct ck *c)
{
	static const u32 sectors[] = { 1,  2,  3,  7,	8,   9,	  15,  16, 17,
				       63, 64, 65, 127, 128, 129, 255, 256 };

	if (!ckb_room(c, 512) || !ck_start(c, ck_ring_features()))
		return;
	for (u32 i = 0; i < ARRAY_SIZE(sectors); i++)
		if (!ckb_put(c, 0, 3 + i, sectors[i], 10 + i) ||
		    !ckb_holds(c, 0, 3 + i, sectors[i], 10 + i, DATA, "read as written"))
			return;
}

CHECK(sizes, .id = "blk.rw.sizes", .clauses = { DATA },
      .stimulus =
	      "OUT, then IN, of 1 to 256 sectors at sectors 3, 4, 5, …: sizes next to powers of "
	      "two",
      .oracle = "every byte is read as it was written", .device = VIRTIO_ID_BLOCK,
      .lacks = FEATURE(RO), .run = sizes);

/* A request whose data begins `skew` bytes behind an address that is a multiple of 4096. */
static bool skewed(struct ck *c, u32 type, u64 sector, u32 sectors, u32 skew, struct blk_req *r)
{
	u32 len = sectors * VIRTIO_BLK_SECTOR;
	struct tp_buf area;

	if (!ckb_make(c, r, type, sector, 0) || !ck_alloc(c, skew + len, 4096, &area))
		return false;
	r->data = (struct tp_buf){ area.hva + skew, gpa_add(area.gpa, skew), len };
	return true;
}

static void unaligned(struct ck *c)
{
	static const u32 skews[] = { 1, 2, 3, 7, 8, 16, 511, 513, 4095 };
	struct blk_req out, in;

	if (!ckb_room(c, 64) || !ck_start(c, ck_ring_features()))
		return;
	for (u32 i = 0; i < ARRAY_SIZE(skews); i++) {
		/* Not the same skew twice: two wrongs would make a right. */
		u32 other = skews[(i + 4) % ARRAY_SIZE(skews)];

		if (!skewed(c, VIRTIO_BLK_T_OUT, 8, 9, skews[i], &out) ||
		    !skewed(c, VIRTIO_BLK_T_IN, 8, 9, other, &in))
			return;
		ckb_pattern(out.data.hva, 8, 9, i);
		if (!ckb_ok(c, 0, &out) || !ckb_ok(c, 0, &in))
			return;
		if (ckb_pattern_differs(in.data.hva, 8, 9, i) != 9) {
			ck_fail(c, DATA, "the bytes that were written",
				"written from an address of 4096 n + %u, read to 4096 n + %u: "
				"other bytes",
				skews[i], other);
			return;
		}
	}
}

CHECK(unaligned, .id = "blk.rw.unaligned", .clauses = { DATA },
      .stimulus = "OUT and IN of 9 sectors from and to buffers at odd guest addresses",
      .oracle = "every byte is read as it was written: buffers need no alignment",
      .device = VIRTIO_ID_BLOCK, .lacks = FEATURE(RO), .run = unaligned);

static void edges(struct ck *c)
{
	u64 capacity = ckb_room(c, 64);

	/* Sizes up to the end, and each edge again after the other was written. */
	if (!capacity || !ck_start(c, ck_ring_features()) || !ckb_put(c, 0, 0, 8, 1) ||
	    !ckb_put(c, 0, capacity - 8, 8, 2) || !ckb_put(c, 0, 0, 1, 3) ||
	    !ckb_put(c, 0, capacity - 1, 1, 4) ||
	    !ckb_holds(c, 0, 0, 1, 3, DATA, "the first sector") ||
	    !ckb_holds(c, 0, 1, 7, 1, DATA, "sectors 1 to 7") ||
	    !ckb_holds(c, 0, capacity - 8, 7, 2, DATA, "all but the last of the last 8 sectors") ||
	    !ckb_holds(c, 0, capacity - 1, 1, 4, DATA, "the last sector"))
		return;
}

CHECK(edges, .id = "blk.rw.edges", .clauses = { DATA },
      .stimulus = "OUT and IN of the first and the last sector, alone and as the end of 8",
      .oracle = "all of them can be written, and every byte is read as it was written",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .lacks = FEATURE(RO), .run = edges);

static void neighbours(struct ck *c)
{
	static const u32 sectors[] = { 1, 2, 7, 8, 9, 31 };

	if (!ckb_room(c, 64) || !ck_start(c, ck_ring_features()))
		return;
	for (u32 i = 0; i < ARRAY_SIZE(sectors); i++) {
		u32 n = sectors[i], gen = 20 + 2 * i;

		if (!ckb_lay(c, 0, 0, 48, gen) || !ckb_put(c, 0, 8, n, gen + 1) ||
		    !ckb_holds(c, 0, 0, 8, gen, NEIGHBOURS, "sectors before a write") ||
		    !ckb_holds(c, 0, 8 + n, 40 - n, gen, NEIGHBOURS, "sectors behind a write"))
			return;
	}
}

CHECK(neighbours, .id = "blk.rw.neighbours", .clauses = { NEIGHBOURS },
      .stimulus = "fill 48 sectors, write 1 to 31 of them again",
      .oracle = "the sectors before and behind hold what they held", .device = VIRTIO_ID_BLOCK,
      .lacks = FEATURE(RO), .run = neighbours);

#define MODEL_SECTORS 96
#define MODEL_ROUNDS  120

static void random_rw(struct ck *c)
{
	u32 gens[MODEL_SECTORS];
	struct tp_buf b;

	if (!ckb_room(c, MODEL_SECTORS) || !ck_start(c, ck_ring_features()) ||
	    !ckb_put(c, 0, 0, MODEL_SECTORS, 1000))
		return;
	for (u32 i = 0; i < MODEL_SECTORS; i++)
		gens[i] = 1000;
	for (u32 round = 0; round < MODEL_ROUNDS; round++) {
		u32 at = ck_random(c) % MODEL_SECTORS;
		u32 n = 1 + ck_random(c) % MIN(24u, MODEL_SECTORS - at);

		if (ck_random(c) & 1) {
			if (!ckb_put(c, 0, at, n, round))
				return;
			for (u32 i = 0; i < n; i++)
				gens[at + i] = round;
			continue;
		}
		if (!ckb_read(c, 0, at, n, &b))
			return;
		for (u32 i = 0; i < n; i++) {
			if (!ckb_pattern_differs(b.hva + i * VIRTIO_BLK_SECTOR, at + i, 1,
						 gens[at + i])) {
				ck_fail(c, DATA, "the bytes last written to each sector",
					"round %u: sector %u does not hold write %u", round, at + i,
					gens[at + i]);
				return;
			}
		}
	}
}

CHECK(random_rw, .id = "blk.rw.random", .clauses = { DATA },
      .stimulus =
	      "120 writes and reads of 1 to 24 sectors at random places of 96, the same in every "
	      "run",
      .oracle = "every sector read holds what was last written to it", .device = VIRTIO_ID_BLOCK,
      .lacks = FEATURE(RO), .run = random_rw);

#define DEPTH 32

/* All at once; results by token, since they may come back in any order. */
static bool do_all(struct ck *c, unsigned q, struct blk_req r[DEPTH])
{
	for (unsigned i = 0; i < DEPTH; i++)
		if (ckb_add(c, q, &r[i], BLK_LAYOUT_USUAL) < 0)
			return false;
	if (!ck_publish(c, q))
		return false;
	for (unsigned i = 0; i < DEPTH; i++) {
		struct ck_used u;

		if (!ck_reap(c, q, &u) || u.head < 0)
			return ck_error(c, "%u of %u requests came back", i, DEPTH);
	}
	for (unsigned i = 0; i < DEPTH; i++)
		if (blk_status(&r[i]) != VIRTIO_BLK_S_OK)
			return ck_error(c, "request %u of %u: status %u", i, DEPTH,
					blk_status(&r[i]));
	return true;
}

static void depth(struct ck *c)
{
	struct blk_req out[DEPTH], in[DEPTH];
	u32 gen = 300;

	if (!ckb_room(c, DEPTH * 4) || !ck_start(c, ck_ring_features()))
		return;
	for (u32 i = 0; i < DEPTH; i++) {
		/* Neighbours are never submitted in the order of their sectors. */
		u32 at = (i * 13 % DEPTH) * 4, n = 1 + i % 4;

		if (!ckb_make(c, &out[i], VIRTIO_BLK_T_OUT, at, n * VIRTIO_BLK_SECTOR) ||
		    !ckb_make(c, &in[i], VIRTIO_BLK_T_IN, at, n * VIRTIO_BLK_SECTOR))
			return;
		ckb_pattern(out[i].data.hva, at, n, gen + i);
	}
	if (!do_all(c, 0, out) || !do_all(c, 0, in))
		return;
	for (u32 i = 0; i < DEPTH; i++) {
		u32 n = in[i].data.len / VIRTIO_BLK_SECTOR;

		if (ckb_pattern_differs(in[i].data.hva, in[i].sector, n, gen + i) != n) {
			ck_fail(c, DATA, "each read returns the bytes of its own sectors",
				"32 requests at once: the read of %u sectors at %llu returned "
				"others",
				n, (unsigned long long)in[i].sector);
			return;
		}
	}
}

CHECK(depth, .id = "blk.rw.depth", .clauses = { DATA },
      .stimulus = "32 OUT requests of 1 to 4 sectors made available at once, then 32 IN",
      .oracle =
	      "each read returns its own sectors as they were written, in whatever order requests "
	      "complete",
      .device = VIRTIO_ID_BLOCK, .lacks = FEATURE(RO), .run = depth);

static void across_queues(struct ck *c)
{
	if (!ckb_room(c, 64) || !ck_negotiate(c, ck_ring_features() | FEATURE(MQ)) ||
	    !ck_queue_start(c, 0, NULL) || !ck_queue_start(c, 1, NULL) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK"))
		return;
	for (u32 gen = 1; gen <= 16; gen++) {
		unsigned q = gen & 1;

		if (!ckb_put(c, q, 16, 8, gen) ||
		    !ckb_holds(c, !q, 16, 8, gen, DATA, "written on one queue, read on another"))
			return;
	}
}

CHECK(across_queues, .id = "blk.rw.queues", .clauses = { DATA },
      .stimulus = "write on one queue; once that is used, read on the other; 16 times, in turns",
      .oracle = "the read returns what was written", .device = VIRTIO_ID_BLOCK,
      .lacks = FEATURE(RO), .queues = 2, .run = across_queues);

/* Header, data and status each in a region of their own, as far as there are several. */
static bool far_apart(struct ck *c, struct blk_req *r, u32 type, u64 sector, u32 len, unsigned turn)
{
	unsigned n = c->tp->mem_count;

	r->type = type;
	r->sector = sector;
	return ck_alloc_in(c, turn % n, sizeof(struct virtio_blk_outhdr), 8, &r->hdr) &&
	       ck_alloc_in(c, (turn + 1) % n, len, 8, &r->data) &&
	       ck_alloc_in(c, (turn + 2) % n, 1, 1, &r->status);
}

static void regions(struct ck *c)
{
	struct blk_req out, in;

	if (!ckb_room(c, 64) || !ck_start(c, ck_ring_features()))
		return;
	for (u32 turn = 0; turn < MAX(c->tp->mem_count, 3u); turn++) {
		if (!far_apart(c, &out, VIRTIO_BLK_T_OUT, 24, 8 * VIRTIO_BLK_SECTOR, turn) ||
		    !far_apart(c, &in, VIRTIO_BLK_T_IN, 24, 8 * VIRTIO_BLK_SECTOR, turn + 1))
			return;
		ckb_pattern(out.data.hva, 24, 8, turn);
		if (!ckb_ok(c, 0, &out) || !ckb_ok(c, 0, &in))
			return;
		if (ckb_pattern_differs(in.data.hva, 24, 8, turn) != 8) {
			ck_fail(c, DATA, "the bytes that were written",
				"with header, data and status in different memory regions other "
				"bytes were read");
			return;
		}
	}
}

CHECK(regions, .id = "blk.rw.regions", .clauses = { DATA },
      .stimulus =
	      "OUT and IN with header, data and status in different memory regions, in all turns",
      .oracle = "every byte is read as it was written", .device = VIRTIO_ID_BLOCK,
      .lacks = FEATURE(RO), .run = regions);
