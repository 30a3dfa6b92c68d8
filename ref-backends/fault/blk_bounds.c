// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the block device: requests that reach beyond the capacity, or have an odd length. */
#include "ref-backends/fault/blk_kit.h"

#define CAPACITY  "ROB.blk.capacity"
#define UNALIGNED "ROB.blk.unaligned"

static u64 length(const struct rblk_req *req)
{
	return req->type == VIRTIO_BLK_T_IN ? req->in_len : req->out_len;
}

/* A request of `type` that a correct device refuses for its place. */
static bool outside(const struct rblk *blk, const struct rblk_req *req, u32 type)
{
	return req->type == type && length(req) && length(req) % VIRTIO_BLK_SECTOR == 0 &&
	       !fb_inside(blk, req->sector, fb_sectors(req)) &&
	       !(blk->read_only && type == VIRTIO_BLK_T_OUT);
}

static enum fault_action beyond_ok(struct rblk *blk, struct rblk_req *req, u32 type)
{
	if (outside(blk, req, type) && req->sector >= blk->capacity)
		return fb_finish(req, VIRTIO_BLK_S_OK);
	return FAULT_PASS;
}

static enum fault_action read_beyond(struct rblk *blk, struct rblk_req *req)
{
	return beyond_ok(blk, req, VIRTIO_BLK_T_IN);
}

FAULT(read_beyond_ok, .name = "blk-read-beyond-ok", .clause = CAPACITY,
      .summary = "reads behind the end of the medium give zeroes", .blk_request = read_beyond);

static enum fault_action write_beyond(struct rblk *blk, struct rblk_req *req)
{
	return beyond_ok(blk, req, VIRTIO_BLK_T_OUT);
}

FAULT(write_beyond_ok, .name = "blk-write-beyond-ok", .clause = CAPACITY,
      .summary = "writes behind the end of the medium succeed and vanish",
      .blk_request = write_beyond);

static enum fault_action wrap(struct rblk *blk, struct rblk_req *req)
{
	/* The byte offset as a u64. */
	const u64 most = 1ull << 55;

	if (outside(blk, req, VIRTIO_BLK_T_OUT) && req->sector >= most)
		req->sector %= most;
	return FAULT_PASS;
}

FAULT(write_offset_wraps, .name = "blk-write-offset-wraps", .clause = CAPACITY,
      .summary = "the byte offset of a write wraps at 2^64", .blk_request = wrap);

static enum fault_action across_ok(struct rblk *blk, struct rblk_req *req)
{
	if (outside(blk, req, VIRTIO_BLK_T_IN) && req->sector < blk->capacity &&
	    fb_sectors(req) < 64)
		return fb_finish(req, VIRTIO_BLK_S_OK);
	return FAULT_PASS;
}

FAULT(read_across_ok, .name = "blk-read-across-ok", .clause = CAPACITY,
      .summary = "a read across the end of the medium succeeds", .blk_request = across_ok);

static enum fault_action across_part(struct rblk *blk, struct rblk_req *req)
{
	if (outside(blk, req, VIRTIO_BLK_T_OUT) && req->sector < blk->capacity &&
	    fb_sectors(req) < 64)
		fb_spoil(req, req->sector, blk->capacity - req->sector, 0xdd);
	return FAULT_PASS;
}

FAULT(write_across_part, .name = "blk-write-across-part", .clause = CAPACITY,
      .summary = "a write across the end of the medium fails, after what fits was written",
      .blk_request = across_part);

static enum fault_action short_count(struct rblk *blk, struct rblk_req *req)
{
	if ((outside(blk, req, VIRTIO_BLK_T_IN) || outside(blk, req, VIRTIO_BLK_T_OUT)) &&
	    fb_inside(blk, req->sector, (u16)fb_sectors(req)))
		return fb_finish(req, VIRTIO_BLK_S_OK);
	return FAULT_PASS;
}

FAULT(bounds_16_bits, .name = "blk-bounds-16-bits", .clause = CAPACITY,
      .summary = "the bounds are checked with the number of sectors modulo 65536",
      .blk_request = short_count);

/* --- odd lengths --------------------------------------------------------------------------------------- */

static enum fault_action odd_ok(struct rblk *blk, struct rblk_req *req, u32 type)
{
	if (req->type == type && length(req) % VIRTIO_BLK_SECTOR && !blk->read_only &&
	    length(req) > VIRTIO_BLK_SECTOR && fb_inside(blk, req->sector, fb_sectors(req) + 1))
		return fb_finish(req, VIRTIO_BLK_S_OK);
	return FAULT_PASS;
}

static enum fault_action read_odd(struct rblk *blk, struct rblk_req *req)
{
	return odd_ok(blk, req, VIRTIO_BLK_T_IN);
}

FAULT(read_odd_length, .name = "blk-read-odd-length", .clause = UNALIGNED,
      .summary = "a read whose length is no multiple of 512 succeeds", .blk_request = read_odd);

static enum fault_action write_odd(struct rblk *blk, struct rblk_req *req)
{
	return odd_ok(blk, req, VIRTIO_BLK_T_OUT);
}

FAULT(write_odd_length, .name = "blk-write-odd-length", .clause = UNALIGNED,
      .summary = "a write whose length is no multiple of 512 succeeds", .blk_request = write_odd);
