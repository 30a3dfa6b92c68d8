// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the block device: types that it does not know, and a device that offers RO. */
#include "ref-backends/fault/blk_kit.h"

#define UNKNOWN "ROB.blk.unknown-type"

static bool is_zone_type(u32 type)
{
	return type == VIRTIO_BLK_T_ZONE_APPEND ||
	       (type >= VIRTIO_BLK_T_ZONE_REPORT && type <= VIRTIO_BLK_T_ZONE_RESET_ALL &&
		!(type & 1));
}

static bool is_legacy_type(u32 type)
{
	return type == VIRTIO_BLK_T_SCSI_CMD ||
	       type == (VIRTIO_BLK_T_SCSI_CMD | VIRTIO_BLK_T_OUT) || type == VIRTIO_BLK_T_BARRIER;
}

static bool is_known_type(u32 type)
{
	switch (type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
	case VIRTIO_BLK_T_FLUSH:
	case VIRTIO_BLK_T_GET_ID:
	case VIRTIO_BLK_T_GET_LIFETIME:
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
	case VIRTIO_BLK_T_SECURE_ERASE:
		return true;
	default:
		return false;
	}
}

static void ioerr_instead(struct rblk_req *req, bool apply)
{
	if (apply && req->status == VIRTIO_BLK_S_UNSUPP)
		req->status = VIRTIO_BLK_S_IOERR;
}

static void unknown_ioerr(struct rblk *blk, struct rblk_req *req)
{
	ioerr_instead(req, !is_known_type(req->type) && !is_legacy_type(req->type) &&
				   !is_zone_type(req->type));
}

FAULT(unknown_type_ioerr, .name = "blk-unknown-type-ioerr", .clause = UNKNOWN,
      .summary = "a type that does not exist gives IOERR", .blk_complete = unknown_ioerr);

static enum fault_action unknown_ok(struct rblk *blk, struct rblk_req *req)
{
	if (req->type == 12)
		return fb_finish(req, VIRTIO_BLK_S_OK);
	return FAULT_PASS;
}

FAULT(unknown_type_ok, .name = "blk-unknown-type-ok", .clause = UNKNOWN,
      .summary = "type 12, which does not exist, succeeds", .blk_request = unknown_ok);

static void legacy_ioerr(struct rblk *blk, struct rblk_req *req)
{
	ioerr_instead(req, is_legacy_type(req->type));
}

FAULT(legacy_type_ioerr, .name = "blk-legacy-type-ioerr", .clause = UNKNOWN,
      .summary = "a SCSI command gives IOERR", .blk_complete = legacy_ioerr);

static void declined_ioerr(struct rblk *blk, struct rblk_req *req)
{
	bool flush = req->type == VIRTIO_BLK_T_FLUSH && !(blk->features & FB_FEATURE(FLUSH));
	bool discard = req->type == VIRTIO_BLK_T_DISCARD && !(blk->features & FB_FEATURE(DISCARD));

	ioerr_instead(req, flush || discard);
}

FAULT(declined_type_ioerr, .name = "blk-declined-type-ioerr", .clause = UNKNOWN,
      .summary = "FLUSH and DISCARD give IOERR when their features were not accepted",
      .blk_complete = declined_ioerr);

static void zone_ioerr(struct rblk *blk, struct rblk_req *req)
{
	ioerr_instead(req, is_zone_type(req->type));
}

FAULT(zone_type_ioerr, .name = "blk-zone-type-ioerr", .clause = "v14.blk.operation.dev.18",
      .summary = "zone requests give IOERR without ZONED", .blk_complete = zone_ioerr);

/* --- one bad request ------------------------------------------------------------------------------------ */

static bool offended;

static void forgive(struct vub_session *s)
{
	offended = false;
}

static enum fault_action sulk(struct rblk *blk, struct rblk_req *req)
{
	if (req->type > VIRTIO_BLK_T_ZONE_RESET_ALL)
		offended = true;
	else if (offended)
		return fb_finish(req, VIRTIO_BLK_S_IOERR);
	return FAULT_PASS;
}

FAULT(bad_request_sticks, .name = "blk-bad-request-sticks", .clause = "ROB.live.bad-request",
      .summary = "after a request of an unknown type everything fails", .session_start = forgive,
      .blk_request = sulk);

/* --- read-only ------------------------------------------------------------------------------------------- */

static void write_unsupp(struct rblk *blk, struct rblk_req *req)
{
	if (blk->read_only && req->type == VIRTIO_BLK_T_OUT)
		req->status = VIRTIO_BLK_S_UNSUPP;
}

FAULT(read_only_unsupp, .name = "blk-read-only-unsupp", .clause = "v14.blk.operation.dev.3",
      .summary = "read-only: writes give UNSUPP", .blk_complete = write_unsupp);

static enum fault_action write_anyway(struct rblk *blk, struct rblk_req *req)
{
	if (blk->read_only && req->type == VIRTIO_BLK_T_OUT)
		fb_spoil(req, req->sector, fb_sectors(req), 0x77);
	return FAULT_PASS;
}

FAULT(read_only_writes, .name = "blk-read-only-writes", .clause = "v14.blk.operation.dev.4",
      .summary = "read-only: writes give IOERR, and change the medium",
      .blk_request = write_anyway);

static enum fault_action discard_anyway(struct rblk *blk, struct rblk_req *req)
{
	if (blk->read_only && req->type == VIRTIO_BLK_T_DISCARD && fb_plain(req, 0))
		return fb_finish(req, VIRTIO_BLK_S_OK);
	return FAULT_PASS;
}

FAULT(read_only_discards, .name = "blk-read-only-discards", .clause = "ROB.blk.read-only",
      .summary = "read-only: DISCARD succeeds", .blk_request = discard_anyway);
