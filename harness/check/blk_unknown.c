// SPDX-License-Identifier: BSD-3-Clause
/* Block device: types that it does not know, or that were not negotiated. */
#include "harness/check/blk_util.h"

#define UNKNOWN "ROB.blk.unknown-type"
#define ZONE	"v14.blk.operation.dev.18"

static bool unsupported(struct ck *c, u32 type, u32 data_len, bool writable, const char *clause)
{
	struct ckb_result res;
	struct vq_sg sg[3];
	struct blk_req r;
	unsigned n = 0;

	if (!ckb_make(c, &r, type, 0, data_len))
		return false;
	sg[n++] = ckb_sg(&r.hdr);
	if (data_len)
		sg[n++] = ckb_sg(&r.data);
	sg[n++] = ckb_sg(&r.status);
	return ckb_do_sg(c, 0, &r, sg, writable || !data_len ? 1 : 2, writable && data_len ? 2 : 1,
			 &res) &&
	       ckb_status(c, &r, &res, VIRTIO_BLK_S_UNSUPP, clause);
}

static void unknown_types(struct ck *c)
{
	/* Neither in 5.2.6 nor of the legacy interface. */
	static const u32 types[] = { 5,	   6,	  9,	   12,	       27,	  0x7f,
				     0xff, 0x100, 0x10000, 0x7fffffff, 0xffffffff };

	if (!ck_start(c, ck_ring_features()))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		if (!unsupported(c, types[i], 0, false, UNKNOWN) ||
		    !unsupported(c, types[i], VIRTIO_BLK_SECTOR, i & 1, UNKNOWN))
			return;
	ckb_alive(c, 0, CKB_ALIVE);
}

CHECK(unknown_types, .id = "blk.unknown.types", .clauses = { UNKNOWN, CKB_ALIVE },
      .stimulus = "types 5, 6, 9, 12, 27, 0x7f, 0xff, 0x100, 0x10000, 0x7fffffff and 0xffffffff, "
		  "without data and with 512 bytes",
      .oracle = "UNSUPP; a good read is served afterwards", .device = VIRTIO_ID_BLOCK,
      .run = unknown_types);

static bool legacy(struct ck *c, u32 type, const char *what)
{
	struct ckb_result res;
	struct blk_req r;

	if (!ckb_make(c, &r, type, 0, 0) || !ckb_try(c, &r, &res) || !ckb_defined(c, &r, &res))
		return false;
	if (res.status == VIRTIO_BLK_S_OK)
		ck_info(c, UNKNOWN, "%s (0x%x) ends with OK, as a legacy device may do", what,
			type);
	else if (res.status != VIRTIO_BLK_S_UNSUPP)
		return ck_fail(c, UNKNOWN, "UNSUPP", "%s (0x%x): status %u (%s)", what, type,
			       res.status, blk_status_name(res.status));
	return true;
}

static void legacy_types(struct ck *c)
{
	if (ck_start(c, ck_ring_features()) && legacy(c, 2, "SCSI command") &&
	    legacy(c, 3, "outgoing SCSI command") && legacy(c, VIRTIO_BLK_T_BARRIER, "BARRIER"))
		ckb_alive(c, 0, CKB_ALIVE);
}

CHECK(legacy_types, .id = "blk.unknown.legacy", .clauses = { UNKNOWN, CKB_ALIVE },
      .stimulus =
	      "types 2, 3 (SCSI commands) and bit 31 (BARRIER) of the legacy interface, without "
	      "data",
      .oracle = "UNSUPP; OK, as a legacy device may say, is reported; a good read is served "
		"afterwards",
      .device = VIRTIO_ID_BLOCK, .run = legacy_types);

static void zone_types(struct ck *c)
{
	/* 15 to 26: those that exist, and the numbers between them. */
	if (!ck_start(c, ck_ring_features()))
		return;
	for (u32 type = VIRTIO_BLK_T_ZONE_APPEND; type <= VIRTIO_BLK_T_ZONE_RESET_ALL; type++) {
		bool exists = type == VIRTIO_BLK_T_ZONE_APPEND || !(type & 1);
		const char *clause = exists ? ZONE : UNKNOWN;

		if (!unsupported(c, type, 0, false, clause) ||
		    !unsupported(c, type, 4096, type == VIRTIO_BLK_T_ZONE_REPORT, clause))
			return;
	}
}

CHECK(zone_types, .id = "blk.unknown.zone", .clauses = { ZONE, UNKNOWN },
      .stimulus = "do not accept ZONED; types 15 to 26, without data and with 4096 bytes",
      .oracle =
	      "UNSUPP for each zone request, and for the odd numbers between them, which are none",
      .device = VIRTIO_ID_BLOCK, .run = zone_types);

/* Whether a type is carried out whose feature was declined: the text has no sentence on it. */
static bool declined(struct ck *c, u32 type)
{
	const struct ckb_range range = { .sector = 8, .num = 8 };
	struct ckb_result res;
	struct blk_req r;

	if (type == VIRTIO_BLK_T_FLUSH || type == VIRTIO_BLK_T_GET_LIFETIME) {
		if (!ckb_make(c, &r, type, 0, type == VIRTIO_BLK_T_FLUSH ? 0 : 6))
			return false;
	} else if (!ckb_make_ranges(c, &r, type, &range, 1)) {
		return false;
	}
	if (!ckb_try(c, &r, &res) || !ckb_defined(c, &r, &res))
		return false;
	if (res.status == VIRTIO_BLK_S_IOERR)
		return ck_fail(c, UNKNOWN, "UNSUPP", "%s without its feature: IOERR",
			       blk_type_name(type));
	if (res.status == VIRTIO_BLK_S_OK)
		ck_info(c, UNKNOWN, "%s without its feature negotiated is carried out",
			blk_type_name(type));
	return true;
}

static void declined_types(struct ck *c)
{
	static const u32 types[] = { VIRTIO_BLK_T_FLUSH, VIRTIO_BLK_T_GET_LIFETIME,
				     VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES,
				     VIRTIO_BLK_T_SECURE_ERASE };

	if (!ckb_room(c, 64) || !ck_start(c, ck_ring_features()))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		if (!declined(c, types[i]))
			return;
	ckb_alive(c, 0, CKB_ALIVE);
}

CHECK(declined_types, .id = "blk.unknown.declined", .clauses = { UNKNOWN, CKB_ALIVE },
      .stimulus =
	      "accept no feature of the block device; FLUSH, GET_LIFETIME, DISCARD, WRITE_ZEROES "
	      "and SECURE_ERASE",
      .oracle = "UNSUPP; OK is reported, since no sentence forbids it; a good read is served "
		"afterwards",
      .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = declined_types);
