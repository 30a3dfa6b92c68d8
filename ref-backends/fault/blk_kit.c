// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/fault/blk_kit.h"

#include <string.h>

void fb_set_in(struct rblk_req *req, u64 at, u64 len, u8 value)
{
	for (u32 i = 0; i < req->n_in && len; i++) {
		struct dvq_seg *seg = &req->in[i];

		if (at < seg->len) {
			u64 n = MIN(seg->len - at, len);

			memset((u8 *)seg->base + at, value, n);
			at += n;
			len -= n;
		}
		at -= MIN(at, seg->len);
	}
}

void fb_answer(struct rblk_req *req, const void *bytes, u64 len)
{
	u64 done = 0;

	for (u32 i = 0; i < req->n_in && done < len; i++) {
		u64 n = MIN(req->in[i].len, len - done);

		memcpy(req->in[i].base, (const u8 *)bytes + done, n);
		done += n;
	}
	req->filled = done;
}

static void ignore(struct rblk_io *io, int error)
{
	(void)io;
	(void)error;
}

void fb_spoil(struct rblk_req *req, u64 sector, u64 num, u8 value)
{
	struct rblk_store *st = req->blk->store;
	u8 bytes[VIRTIO_BLK_SECTOR];
	struct dvq_seg seg = { bytes, sizeof(bytes) };

	memset(bytes, value, sizeof(bytes));
	for (u64 i = 0; i < num && fb_inside(req->blk, sector + i, 1); i++) {
		/* Over when submit() returns, with the memory store. */
		struct rblk_io io = {
			.op = RBLK_OP_WRITE,
			.queue = req->base.queue,
			.nsegs = 1,
			.segs = &seg,
			.offset = (sector + i) * VIRTIO_BLK_SECTOR,
			.len = sizeof(bytes),
			.done = ignore,
		};

		st->ops->submit(st, &io);
	}
}

static bool has_ranges(u32 type)
{
	return type == VIRTIO_BLK_T_DISCARD || type == VIRTIO_BLK_T_WRITE_ZEROES ||
	       type == VIRTIO_BLK_T_SECURE_ERASE;
}

u32 fb_ranges(const struct rblk_req *req, struct fb_range *ranges, u32 most)
{
	struct virtio_blk_discard_write_zeroes raw[RBLK_MAX_RANGES];
	u64 n = req->out_len / sizeof(raw[0]), got = 0;

	if (!has_ranges(req->type) || req->out_len % sizeof(raw[0]) ||
	    n > MIN(most, RBLK_MAX_RANGES))
		return 0;
	for (u32 i = 0; i < req->n_out; i++) {
		memcpy((u8 *)raw + got, req->out[i].base, req->out[i].len);
		got += req->out[i].len;
	}
	for (u32 i = 0; i < n; i++)
		ranges[i] = (struct fb_range){ le64(raw[i].sector), le32(raw[i].num_sectors),
					       le32(raw[i].flags) };
	return (u32)n;
}

bool fb_plain(const struct rblk_req *req, u32 flags)
{
	struct fb_range ranges[RBLK_MAX_RANGES];
	u32 n = fb_ranges(req, ranges, RBLK_MAX_RANGES);

	for (u32 i = 0; i < n; i++)
		if (ranges[i].flags & ~flags || ranges[i].num > RBLK_MAX_RANGE ||
		    !fb_inside(req->blk, ranges[i].sector, ranges[i].num))
			return false;
	return n > 0;
}
