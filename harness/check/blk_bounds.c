// SPDX-License-Identifier: BSD-3-Clause
/*
 * Block device: requests that reach beyond the capacity or have an odd length. The driver must not
 * send them (5.2.6.1); the text does not say what a device then does. What every user needs is that
 * it refuses them as a whole and goes on.
 */
#include "harness/check/blk_util.h"

#include <string.h>

#define CAPACITY   "ROB.blk.capacity"
#define UNALIGNED  "ROB.blk.unaligned"
#define NEIGHBOURS "ROB.blk.neighbours"
#define RO	   BIT_ULL(VIRTIO_BLK_F_RO)

/* The medium has not grown. */
static bool same_capacity(struct ck *c, u64 capacity)
{
	u64 now = ckb_capacity(c);

	if (now && now != capacity)
		return ck_fail(c, CAPACITY, "the capacity stays what it was",
			       "%llu sectors before, %llu after", (unsigned long long)capacity,
			       (unsigned long long)now);
	return now != 0;
}

/* Cut into `pieces` descriptors of data, all of a length but the last. */
static bool refused_in_pieces(struct ck *c, u32 type, u64 sector, u32 len, u32 pieces,
			      const char *clause)
{
	bool out = type == VIRTIO_BLK_T_OUT;
	struct vq_sg sg[10];
	struct ckb_result res;
	struct blk_req r;
	u32 each = len / pieces, n = 0;

	if (!ckb_make(c, &r, type, sector, len))
		return false;
	if (out)
		memset(r.data.hva, 0xdd, len);
	sg[n++] = ckb_sg(&r.hdr);
	for (u32 i = 0; i < pieces; i++)
		sg[n++] = (struct vq_sg){ gpa_add(r.data.gpa, (u64)i * each),
					  i == pieces - 1 ? len - i * each : each };
	sg[n++] = ckb_sg(&r.status);
	return ckb_do_sg(c, 0, &r, sg, out ? 1 + pieces : 1, out ? 1 : pieces + 1, &res) &&
	       ckb_refused(c, &r, &res, clause) && ckb_alive(c, 0, CKB_ALIVE);
}

/* The tail of the medium in a known state, 16 sectors of it. */
#define TAIL 16

static u64 start_with_tail(struct ck *c)
{
	u64 capacity = ckb_room(c, 64);

	if (!capacity || !ck_start(c, ck_ring_features()))
		return 0;
	if (!(c->offered & RO) &&
	    (!ckb_lay(c, 0, 0, TAIL, 1) || !ckb_lay(c, 0, capacity - TAIL, TAIL, 2)))
		return 0;
	return capacity;
}

static bool tail_holds(struct ck *c, u64 capacity, const char *when)
{
	return ckb_holds(c, 0, 0, TAIL, 1, CAPACITY, when) &&
	       ckb_holds(c, 0, capacity - TAIL, TAIL, 2, CAPACITY, when) &&
	       same_capacity(c, capacity);
}

static void beyond(struct ck *c, u32 type)
{
	u64 capacity = start_with_tail(c);
	/* Sector numbers whose byte offset wraps to the start of the medium, too. */
	const u64 sectors[] = { capacity,	  capacity + 1, 1ull << 32, 1ull << 55,
				(1ull << 55) + 1, 1ull << 63,	~0ull };

	if (!capacity)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(sectors); i++)
		if (sectors[i] >= capacity &&
		    !refused_in_pieces(c, type, sectors[i], VIRTIO_BLK_SECTOR, 1, CAPACITY))
			return;
	if (type == VIRTIO_BLK_T_OUT)
		tail_holds(c, capacity, "after OUT beyond the capacity");
}

static void read_beyond(struct ck *c)
{
	beyond(c, VIRTIO_BLK_T_IN);
}

CHECK(read_beyond, .id = "blk.bounds.read-beyond", .clauses = { CAPACITY, CKB_ALIVE },
      .stimulus =
	      "IN of one sector at the capacity, one behind it, 2^32, 2^55 (whose byte offset is "
	      "0 modulo 2^64), 2^55 + 1, 2^63 and 2^64 - 1",
      .oracle = "an error status; a good read is served after each", .device = VIRTIO_ID_BLOCK,
      .caps = TP_CAP_CONFIG, .run = read_beyond);

static void write_beyond(struct ck *c)
{
	beyond(c, VIRTIO_BLK_T_OUT);
}

CHECK(write_beyond, .id = "blk.bounds.write-beyond", .clauses = { CAPACITY, CKB_ALIVE },
      .stimulus =
	      "OUT of one sector at the capacity, one behind it, 2^32, 2^55 (whose byte offset is "
	      "0 modulo 2^64), 2^55 + 1, 2^63 and 2^64 - 1",
      .oracle = "an error status; the first and the last 16 sectors and the capacity are "
		"unchanged; a "
		"good read is served after each",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .lacks = RO, .run = write_beyond);

static void crossing(struct ck *c, u32 type)
{
	static const struct {
		u32 back, sectors, pieces;
	} cases[] = {
		{ 1, 2, 1 }, { 1, 2, 2 }, { 1, 4, 4 }, { 3, 8, 8 }, { 8, 9, 3 }, { 8, 16, 2 },
	};
	u64 capacity = start_with_tail(c);

	if (!capacity)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		if (!refused_in_pieces(c, type, capacity - cases[i].back,
				       cases[i].sectors * VIRTIO_BLK_SECTOR, cases[i].pieces,
				       CAPACITY))
			return;
	if (type == VIRTIO_BLK_T_OUT)
		tail_holds(c, capacity, "after OUT across the end of the medium");
}

static void read_across(struct ck *c)
{
	crossing(c, VIRTIO_BLK_T_IN);
}

CHECK(read_across, .id = "blk.bounds.read-across", .clauses = { CAPACITY, CKB_ALIVE },
      .stimulus =
	      "IN that begins 1, 3 or 8 sectors before the end and reaches 1 to 8 beyond it, in 1 "
	      "to 8 descriptors of which some lie wholly inside",
      .oracle = "an error status for the whole; a good read is served after each",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .run = read_across);

static void write_across(struct ck *c)
{
	crossing(c, VIRTIO_BLK_T_OUT);
}

CHECK(write_across, .id = "blk.bounds.write-across", .clauses = { CAPACITY, CKB_ALIVE },
      .stimulus =
	      "OUT that begins 1, 3 or 8 sectors before the end and reaches 1 to 8 beyond it, in 1 "
	      "to 8 descriptors of which some lie wholly inside",
      .oracle = "an error status, and nothing written: not even the part that lies inside; the "
		"capacity is unchanged; a good read is served after each",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .lacks = RO, .run = write_across);

#define HUGE_PIECES 64

/* 64 descriptors, all over the same memory: far more data than is there. */
static bool huge(struct ck *c, u32 type, u64 sector, struct tp_buf mem)
{
	bool out = type == VIRTIO_BLK_T_OUT;
	struct vq_sg sg[HUGE_PIECES + 2];
	struct ckb_result res;
	struct blk_req r;

	if (!ckb_make(c, &r, type, sector, 0))
		return false;
	sg[0] = ckb_sg(&r.hdr);
	for (unsigned i = 0; i < HUGE_PIECES; i++)
		sg[1 + i] = ckb_sg(&mem);
	sg[1 + HUGE_PIECES] = ckb_sg(&r.status);
	return ckb_do_sg(c, 0, &r, sg, out ? 1 + HUGE_PIECES : 1, out ? 1 : HUGE_PIECES + 1,
			 &res) &&
	       ckb_refused(c, &r, &res, CAPACITY) && ckb_alive(c, 0, CKB_ALIVE);
}

static void huge_requests(struct ck *c)
{
	u64 capacity = start_with_tail(c);
	struct tp_buf mem;

	if (!capacity || !ck_alloc_in(c, c->tp->mem_count - 1, 1 << 20, 4096, &mem))
		return;
	memset(mem.hva, 0xdd, mem.len);
	if (huge(c, VIRTIO_BLK_T_IN, capacity - 1, mem) &&
	    huge(c, VIRTIO_BLK_T_OUT, capacity - 1, mem))
		tail_holds(c, capacity, "after OUT of 64 MiB at the last sector");
}

CHECK(huge_requests, .id = "blk.bounds.huge", .clauses = { CAPACITY, CKB_ALIVE },
      .stimulus =
	      "IN and OUT of 64 MiB at the last sector: 64 descriptors, all of the same 1 MiB of "
	      "memory",
      .oracle = "an error status, nothing written; a good read is served after each",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .lacks = RO, .run = huge_requests);

static void odd_lengths(struct ck *c, u32 type)
{
	static const struct {
		u32 len, pieces;
	} cases[] = {
		{ 1, 1 },   { 511, 1 },	 { 513, 1 },  { 513, 2 },
		{ 768, 2 }, { 1023, 3 }, { 1025, 4 }, { 4095, 1 },
	};

	if (!ckb_room(c, 64) || !ck_start(c, ck_ring_features()) ||
	    (type == VIRTIO_BLK_T_OUT && !ckb_lay(c, 0, 0, 32, 1)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		if (!refused_in_pieces(c, type, 8, cases[i].len, cases[i].pieces, UNALIGNED))
			return;
	if (type == VIRTIO_BLK_T_OUT)
		ckb_holds(c, 0, 0, 32, 1, UNALIGNED, "after OUT of odd lengths");
}

static void read_odd(struct ck *c)
{
	odd_lengths(c, VIRTIO_BLK_T_IN);
}

CHECK(read_odd, .id = "blk.bounds.read-length", .clauses = { UNALIGNED, CKB_ALIVE },
      .stimulus = "IN of 1, 511, 513, 768, 1023, 1025 and 4095 bytes, in 1 to 4 descriptors",
      .oracle = "an error status; a good read is served after each", .device = VIRTIO_ID_BLOCK,
      .caps = TP_CAP_CONFIG, .run = read_odd);

static void write_odd(struct ck *c)
{
	odd_lengths(c, VIRTIO_BLK_T_OUT);
}

CHECK(write_odd, .id = "blk.bounds.write-length", .clauses = { UNALIGNED, CKB_ALIVE },
      .stimulus = "OUT of 1, 511, 513, 768, 1023, 1025 and 4095 bytes, in 1 to 4 descriptors",
      .oracle = "an error status, no sector changed; a good read is served after each",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .lacks = RO, .run = write_odd);

static void empty(struct ck *c)
{
	static const u32 types[] = { VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT };

	if (!ckb_room(c, 64) || !ck_start(c, ck_ring_features()) || !ckb_lay(c, 0, 0, 16, 1))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		struct ckb_result res;
		struct blk_req r;

		if (!ckb_make(c, &r, types[i], 4, 0) || !ckb_try(c, &r, &res) ||
		    !ckb_defined(c, &r, &res) || !ckb_alive(c, 0, CKB_ALIVE))
			return;
	}
	ckb_holds(c, 0, 0, 16, 1, NEIGHBOURS, "after OUT without data");
}

CHECK(empty, .id = "blk.bounds.empty", .clauses = { CKB_ALIVE, NEIGHBOURS, "ROB.blk.status" },
      .stimulus = "IN and OUT without data",
      .oracle =
	      "answered with a status that exists; no sector changed; a good read is served after "
	      "each",
      .device = VIRTIO_ID_BLOCK, .lacks = RO, .run = empty);
