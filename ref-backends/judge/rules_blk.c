// SPDX-License-Identifier: BSD-3-Clause
/* What a driver may ask of a block device (VIRTIO 1.4, 5.2.6.1). */
#include <string.h>

#include "ref-backends/judge/rules.h"

#define SEG sizeof(struct virtio_blk_discard_write_zeroes)

/* Segment i of a discard or its like, wherever the driver put it. False: there is none. */
static bool segment(const struct rblk_req *req, u64 i, struct virtio_blk_discard_write_zeroes *out)
{
	u64 skip = i * SEG, got = 0;

	for (u32 n = 0; n < req->n_out && got < SEG; n++) {
		const struct dvq_seg *seg = &req->out[n];
		u64 from = MIN(skip, seg->len), part = MIN(seg->len - from, SEG - got);

		memcpy((u8 *)out + got, (const u8 *)seg->base + from, part);
		skip -= from;
		got += part;
	}
	return got == SEG;
}

static bool beyond(const struct rblk *blk, u64 sector, u64 num)
{
	u64 capacity = __atomic_load_n(&blk->capacity, __ATOMIC_RELAXED);

	return sector > capacity || num > capacity - sector;
}

static bool data_beyond(const struct rblk *blk, const struct rblk_req *req)
{
	u64 len = req->type == VIRTIO_BLK_T_IN ? req->in_len : req->out_len;

	return len && beyond(blk, req->sector, (len + VIRTIO_BLK_SECTOR - 1) / VIRTIO_BLK_SECTOR);
}

static bool segment_beyond(const struct rblk *blk, const struct rblk_req *req)
{
	struct virtio_blk_discard_write_zeroes seg;

	for (u64 i = 0; segment(req, i, &seg); i++)
		if (beyond(blk, le64(seg.sector), le32(seg.num_sectors)))
			return true;
	return false;
}

static bool sector_not_0(const struct rblk *blk, const struct rblk_req *req)
{
	return req->sector != 0;
}

static bool has_data(const struct rblk *blk, const struct rblk_req *req)
{
	return req->out_len || req->in_len;
}

static bool not_sectors(const struct rblk *blk, const struct rblk_req *req)
{
	return (req->type == VIRTIO_BLK_T_IN ? req->in_len : req->out_len) % VIRTIO_BLK_SECTOR;
}

static bool not_segments(const struct rblk *blk, const struct rblk_req *req)
{
	return req->out_len % SEG;
}

static bool not_20_bytes(const struct rblk *blk, const struct rblk_req *req)
{
	return req->in_len != VIRTIO_BLK_ID_LEN;
}

static bool too_many_segments(const struct rblk *blk, const struct rblk_req *req)
{
	return req->out_len / SEG > RBLK_MAX_RANGES;
}

static bool unmap_set(const struct rblk *blk, const struct rblk_req *req)
{
	struct virtio_blk_discard_write_zeroes seg;

	for (u64 i = 0; segment(req, i, &seg); i++)
		if (le32(seg.flags) & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP)
			return true;
	return false;
}

#define SEGMENT_TYPES                                                                              \
	{                                                                                          \
		VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_SECURE_ERASE, VIRTIO_BLK_T_WRITE_ZEROES         \
	}

const struct jd_blk_rule jd_blk_rules[] = {
	{ "v14.blk.operation.drv.2", { JD_IN, VIRTIO_BLK_T_OUT }, data_beyond },
	{ "v14.blk.operation.drv.2", SEGMENT_TYPES, segment_beyond },
	{ "v14.blk.operation.drv.4", { VIRTIO_BLK_T_FLUSH }, sector_not_0 },
	{ "v14.blk.operation.drv.5", { VIRTIO_BLK_T_FLUSH }, has_data },
	{ "v14.blk.operation.drv.6", { JD_IN, VIRTIO_BLK_T_OUT }, not_sectors },
	{ "v14.blk.operation.drv.7", SEGMENT_TYPES, not_segments },
	{ "v14.blk.operation.drv.8", { VIRTIO_BLK_T_GET_ID }, not_20_bytes },
	{ "v14.blk.operation.drv.9", { VIRTIO_BLK_T_DISCARD }, too_many_segments },
	{ "v14.blk.operation.drv.10", { VIRTIO_BLK_T_SECURE_ERASE }, too_many_segments },
	{ "v14.blk.operation.drv.11", { VIRTIO_BLK_T_WRITE_ZEROES }, too_many_segments },
	{ "v14.blk.operation.drv.14", { VIRTIO_BLK_T_DISCARD }, unmap_set },
	{ NULL, { 0 }, NULL },
};
