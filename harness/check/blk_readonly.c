// SPDX-License-Identifier: BSD-3-Clause
/* Block device: one that offers RO (5.2.6.2). */
#include "harness/check/blk_util.h"

#include <string.h>

#define WRITES	      "v14.blk.operation.dev.3"
#define UNCHANGED     "v14.blk.operation.dev.4"
#define ANY_TYPE      "ROB.blk.read-only"
#define HONOURED      "v14.basic.feature-bits.dev.4"
#define FEATURE(name) BIT_ULL(VIRTIO_BLK_F_##name)

#define SECTORS 32

/* What is on the medium is not ours to choose: a copy to compare with. */
static bool snapshot(struct ck *c, struct tp_buf *copy)
{
	return ckb_room(c, SECTORS) && ckb_read(c, 0, 0, SECTORS, copy);
}

static bool unchanged(struct ck *c, const struct tp_buf *copy, const char *clause, const char *when)
{
	struct tp_buf now;

	if (!ckb_read(c, 0, 0, SECTORS, &now))
		return false;
	for (u32 i = 0; i < now.len; i++)
		if (now.hva[i] != copy->hva[i])
			return ck_fail(c, clause, "the medium is as it was",
				       "%s: byte %u of sector %u changed from 0x%02x to 0x%02x",
				       when, i % VIRTIO_BLK_SECTOR, i / VIRTIO_BLK_SECTOR,
				       copy->hva[i], now.hva[i]);
	return true;
}

static bool try_write(struct ck *c, u64 sector, u32 sectors)
{
	struct ckb_result res;
	struct blk_req r;

	if (!ckb_make(c, &r, VIRTIO_BLK_T_OUT, sector, sectors * VIRTIO_BLK_SECTOR))
		return false;
	ckb_pattern(r.data.hva, sector, sectors, 77);
	return ckb_try(c, &r, &res) && ckb_status(c, &r, &res, VIRTIO_BLK_S_IOERR, WRITES);
}

static bool try_writes(struct ck *c, u64 want)
{
	return ck_start(c, want) && try_write(c, 0, 1) && try_write(c, 3, 8) && try_write(c, 31, 1);
}

static void write_ioerr(struct ck *c)
{
	/* "If offered": whether the driver took it does not matter. */
	if (ckb_room(c, SECTORS) && try_writes(c, ck_ring_features() | FEATURE(RO)) && ck_open(c))
		try_writes(c, ck_ring_features());
}

CHECK(write_ioerr, .id = "blk.read-only.write", .clauses = { WRITES, CKB_ALIVE },
      .stimulus = "OUT of 1 and of 8 sectors to a device that offers RO; RO accepted, and not",
      .oracle = "IOERR", .device = VIRTIO_ID_BLOCK, .features = FEATURE(RO), .run = write_ioerr);

static void write_unchanged(struct ck *c)
{
	struct ckb_result res;
	struct tp_buf copy;
	struct blk_req r;

	if (!ck_start(c, ck_ring_features() | FEATURE(RO)) || !snapshot(c, &copy) ||
	    !ckb_make(c, &r, VIRTIO_BLK_T_OUT, 3, 8 * VIRTIO_BLK_SECTOR))
		return;
	ckb_pattern(r.data.hva, 3, 8, 78);
	/* The status is another check's. */
	if (ckb_try(c, &r, &res))
		unchanged(c, &copy, UNCHANGED, "after OUT");
}

CHECK(write_unchanged, .id = "blk.read-only.unchanged", .clauses = { UNCHANGED, CKB_ALIVE },
      .stimulus = "read 32 sectors of a device that offers RO, OUT of 8 of them, read again",
      .oracle = "the same bytes", .device = VIRTIO_ID_BLOCK, .features = FEATURE(RO),
      .run = write_unchanged);

static bool try_range(struct ck *c, u32 type, const struct tp_buf *copy)
{
	const struct ckb_range range = { .sector = 8, .num = 8 };
	struct ckb_result res;
	struct blk_req r;

	return ckb_make_ranges(c, &r, type, &range, 1) && ckb_try(c, &r, &res) &&
	       ckb_refused(c, &r, &res, ANY_TYPE) &&
	       unchanged(c, copy, ANY_TYPE, blk_type_name(type));
}

static void other_types(struct ck *c)
{
	struct tp_buf copy;

	if (ck_start(c, ck_ring_features() | FEATURE(RO) | FEATURE(DISCARD) |
				FEATURE(WRITE_ZEROES) | FEATURE(SECURE_ERASE)) &&
	    snapshot(c, &copy) && try_range(c, VIRTIO_BLK_T_DISCARD, &copy) &&
	    try_range(c, VIRTIO_BLK_T_WRITE_ZEROES, &copy) &&
	    try_range(c, VIRTIO_BLK_T_SECURE_ERASE, &copy))
		ckb_alive(c, 0, CKB_ALIVE);
}

CHECK(other_types, .id = "blk.read-only.ranges", .clauses = { ANY_TYPE, CKB_ALIVE },
      .stimulus = "DISCARD, WRITE_ZEROES and SECURE_ERASE of 8 sectors of a device that offers RO, "
		  "their features accepted where they are offered",
      .oracle = "an error status, and the medium is as it was", .device = VIRTIO_ID_BLOCK,
      .features = FEATURE(RO), .run = other_types);

static void flush(struct ck *c)
{
	struct ckb_result res;
	struct blk_req r;

	if (ck_start(c, ck_ring_features() | FEATURE(RO) | FEATURE(FLUSH)) &&
	    ckb_make(c, &r, VIRTIO_BLK_T_FLUSH, 0, 0) && ckb_try(c, &r, &res))
		ckb_status(c, &r, &res, VIRTIO_BLK_S_OK, HONOURED);
}

CHECK(flush, .id = "blk.read-only.flush", .clauses = { HONOURED, CKB_ALIVE },
      .stimulus = "FLUSH to a device that offers RO and FLUSH", .oracle = "OK: it was offered",
      .device = VIRTIO_ID_BLOCK, .features = FEATURE(RO) | FEATURE(FLUSH), .run = flush);
