// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the block device: discard, write zeroes, secure erase. A family for each of the three. */
#include "ref-backends/fault/blk_kit.h"

#define UNMAP VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP

/* Is it one of `type`, and was that negotiated? */
static bool meant(const struct rblk *blk, const struct rblk_req *req, u32 type, u64 feature)
{
	return req->type == type && blk->features & feature;
}

static enum fault_action unknown_flags(struct rblk_req *req)
{
	struct fb_range ranges[RBLK_MAX_RANGES];
	u32 n = fb_ranges(req, ranges, RBLK_MAX_RANGES);

	for (u32 i = 0; i < n; i++)
		if (ranges[i].flags & ~UNMAP)
			return fb_finish(req, VIRTIO_BLK_S_OK);
	return FAULT_PASS;
}

static enum fault_action beyond(struct rblk *blk, struct rblk_req *req)
{
	struct fb_range ranges[RBLK_MAX_RANGES];
	u32 n = fb_ranges(req, ranges, RBLK_MAX_RANGES), out = 0;

	for (u32 i = 0; i < n; i++) {
		if (ranges[i].flags)
			return FAULT_PASS;
		out += !fb_inside(blk, ranges[i].sector, ranges[i].num);
	}
	return out ? fb_finish(req, VIRTIO_BLK_S_OK) : FAULT_PASS;
}

static enum fault_action only_one(struct rblk_req *req)
{
	if (fb_plain(req, UNMAP) && req->out_len > sizeof(struct virtio_blk_discard_write_zeroes))
		return fb_finish(req, VIRTIO_BLK_S_IOERR);
	return FAULT_PASS;
}

static enum fault_action too_many(struct rblk_req *req)
{
	const u64 each = sizeof(struct virtio_blk_discard_write_zeroes);

	if (req->out_len % each == 0 && req->out_len / each > RBLK_MAX_RANGES)
		return fb_finish(req, VIRTIO_BLK_S_OK);
	return FAULT_PASS;
}

static enum fault_action cut_short(struct rblk_req *req)
{
	if (req->out_len % sizeof(struct virtio_blk_discard_write_zeroes))
		return fb_finish(req, VIRTIO_BLK_S_OK);
	return FAULT_PASS;
}

static enum fault_action in_pieces(struct rblk_req *req)
{
	if (fb_plain(req, UNMAP) && req->n_out > 1)
		return fb_finish(req, VIRTIO_BLK_S_IOERR);
	return FAULT_PASS;
}

/* Completed: the sector behind each segment goes, too. */
static void one_more(struct rblk_req *req)
{
	for (u32 i = 0; req->status == VIRTIO_BLK_S_OK && i < req->n_ranges; i++)
		fb_spoil(req, req->ranges[i].sector + req->ranges[i].num, 1, 0);
}

#define REQUEST_FAULT(ident, suffix, type, feature, act, clause_id, text)                          \
	static enum fault_action ident(struct rblk *blk, struct rblk_req *req)                     \
	{                                                                                          \
		return meant(blk, req, type, feature) ? act : FAULT_PASS;                          \
	}                                                                                          \
	FAULT(ident, .name = suffix, .clause = clause_id, .summary = text, .blk_request = ident)

#define FAMILY(ident, word, type, feature)                                                         \
	REQUEST_FAULT(ident##_beyond, "blk-" word "-beyond-ok", type, feature, beyond(blk, req),   \
		      "ROB.blk.capacity", word " behind the end of the medium succeeds");          \
	REQUEST_FAULT(ident##_single, "blk-" word "-only-one", type, feature, only_one(req),       \
		      "ROB.blk.config", word " of several segments fails, though announced");      \
	REQUEST_FAULT(ident##_many, "blk-" word "-too-many-ok", type, feature, too_many(req),      \
		      "ROB.blk.segments", word " of more segments than announced succeeds");       \
	REQUEST_FAULT(ident##_short, "blk-" word "-payload-ok", type, feature, cut_short(req),     \
		      "ROB.blk.segments", word " with a segment cut short succeeds");              \
	REQUEST_FAULT(ident##_pieces, "blk-" word "-in-pieces", type, feature, in_pieces(req),     \
		      "v14.split-ring.message-framing.dev.1",                                      \
		      word " wants its segments in one descriptor");                               \
	static void ident##_one_more(struct rblk *blk, struct rblk_req *req)                       \
	{                                                                                          \
		if (meant(blk, req, type, feature))                                                \
			one_more(req);                                                             \
	}                                                                                          \
	FAULT(ident##_one_more, .name = "blk-" word "-one-more", .clause = "ROB.blk.neighbours",   \
	      .summary = word " clears one sector more than asked",                                \
	      .blk_complete = ident##_one_more)

FAMILY(discard, "discard", VIRTIO_BLK_T_DISCARD, FB_FEATURE(DISCARD));
FAMILY(zeroes, "write-zeroes", VIRTIO_BLK_T_WRITE_ZEROES, FB_FEATURE(WRITE_ZEROES));
FAMILY(erase, "secure-erase", VIRTIO_BLK_T_SECURE_ERASE, FB_FEATURE(SECURE_ERASE));

REQUEST_FAULT(discard_flags, "blk-discard-flags-ok", VIRTIO_BLK_T_DISCARD, FB_FEATURE(DISCARD),
	      unknown_flags(req), "v14.blk.operation.dev.5a",
	      "unknown flags of discard are ignored");
REQUEST_FAULT(erase_flags, "blk-secure-erase-flags-ok", VIRTIO_BLK_T_SECURE_ERASE,
	      FB_FEATURE(SECURE_ERASE), unknown_flags(req), "v14.blk.operation.dev.5b",
	      "unknown flags of secure-erase are ignored");
REQUEST_FAULT(zeroes_flags, "blk-write-zeroes-flags-ok", VIRTIO_BLK_T_WRITE_ZEROES,
	      FB_FEATURE(WRITE_ZEROES), unknown_flags(req), "v14.blk.operation.dev.5c",
	      "unknown flags of write-zeroes are ignored");

static enum fault_action unmap_taken(struct rblk_req *req)
{
	struct fb_range r;

	if (fb_ranges(req, &r, 1) == 1 && r.flags == UNMAP)
		return fb_finish(req, VIRTIO_BLK_S_OK);
	return FAULT_PASS;
}

REQUEST_FAULT(discard_unmap, "blk-discard-unmap-ok", VIRTIO_BLK_T_DISCARD, FB_FEATURE(DISCARD),
	      unmap_taken(req), "v14.blk.operation.dev.6", "discard with the unmap flag succeeds");

/* Deallocated, and what is read there is what was there. */
REQUEST_FAULT(zeroes_unmap, "blk-write-zeroes-unmap-keeps", VIRTIO_BLK_T_WRITE_ZEROES,
	      FB_FEATURE(WRITE_ZEROES), unmap_taken(req), "v14.blk.operation.dev.9",
	      "write-zeroes with unmap leaves the old contents");
