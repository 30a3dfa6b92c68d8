/* SPDX-License-Identifier: BSD-3-Clause */
/* What the faults of the block device share. They are run over the memory store. */
#ifndef REF_BACKENDS_FAULT_BLK_KIT_H
#define REF_BACKENDS_FAULT_BLK_KIT_H

#include "ref-backends/device/blk.h"
#include "ref-backends/fault/fault.h"

#define FB_FEATURE(name) BIT_ULL(VIRTIO_BLK_F_##name)

/* Sectors that a fault keeps notes on, from the first one on. */
#define FB_NOTED 8192

static inline enum fault_action fb_finish(struct rblk_req *req, u8 status)
{
	rblk_finish(req, status);
	return FAULT_DONE;
}

/* Sectors of an IN or OUT. */
static inline u64 fb_sectors(const struct rblk_req *req)
{
	return (req->type == VIRTIO_BLK_T_IN ? req->in_len : req->out_len) / VIRTIO_BLK_SECTOR;
}

/* All of [sector, sector + num) exists. */
static inline bool fb_inside(const struct rblk *blk, u64 sector, u64 num)
{
	return sector <= blk->capacity && num <= blk->capacity - sector;
}

/* Set bytes of the incoming data. */
void fb_set_in(struct rblk_req *req, u64 at, u64 len, u8 value);
/* Bytes that answer the request, from the first on. */
void fb_answer(struct rblk_req *req, const void *bytes, u64 len);

/* Overwrite sectors behind everybody's back. */
void fb_spoil(struct rblk_req *req, u64 sector, u64 num, u8 value);

/* Discard and its like. */
struct fb_range {
	u64 sector;
	u32 num, flags;
};

/*
 * The segments of a request whose payload is whole and not longer than `most`; returns how many, 0
 * for any other request. Nothing is consumed.
 */
u32 fb_ranges(const struct rblk_req *req, struct fb_range *ranges, u32 most);
/* Whole, within the limits, in range, without flags but those in `flags`. */
bool fb_plain(const struct rblk_req *req, u32 flags);

#endif
