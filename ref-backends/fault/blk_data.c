// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the block device: contents of sectors. */
#include <string.h>

#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/fault/blk_kit.h"

#define DATA "ROB.blk.data"

static bool was_read(const struct rblk_req *req)
{
	return req->type == VIRTIO_BLK_T_IN && req->status == VIRTIO_BLK_S_OK && req->in_len;
}

static bool was_written(const struct rblk_req *req)
{
	return req->type == VIRTIO_BLK_T_OUT && req->status == VIRTIO_BLK_S_OK && req->out_len;
}

/* Sector `i` of what was read comes as zeroes. */
static void lose(struct rblk_req *req, u64 i)
{
	fb_set_in(req, i * VIRTIO_BLK_SECTOR, VIRTIO_BLK_SECTOR, 0);
}

/* --- by size and place ------------------------------------------------------------------------------ */

static void long_read(struct rblk *blk, struct rblk_req *req)
{
	if (was_read(req) && fb_sectors(req) > 64)
		lose(req, fb_sectors(req) - 1);
}

FAULT(long_read_tail, .name = "blk-long-read-tail", .clause = DATA,
      .summary = "the last sector of a read of more than 64 comes as zeroes",
      .blk_complete = long_read);

static void odd_size(struct rblk *blk, struct rblk_req *req)
{
	if (was_read(req) && fb_sectors(req) == 23)
		lose(req, 11);
}

FAULT(odd_size_read, .name = "blk-odd-size-read", .clause = DATA,
      .summary = "a sector in the middle of a read of 23 comes as zeroes",
      .blk_complete = odd_size);

static void last_sector(struct rblk *blk, struct rblk_req *req)
{
	u64 n = fb_sectors(req);

	if (was_read(req) && req->sector + n == blk->capacity)
		lose(req, n - 1);
}

FAULT(last_sector_lost, .name = "blk-last-sector-lost", .clause = DATA,
      .summary = "the last sector of the medium reads as zeroes", .blk_complete = last_sector);

static void odd_address(struct rblk *blk, struct rblk_req *req)
{
	if (was_read(req) && fb_sectors(req) > 8 && (uintptr_t)req->in[0].base & 1)
		fb_set_in(req, 0, 1, 0);
}

FAULT(odd_address_read, .name = "blk-odd-address-read", .clause = DATA,
      .summary = "a longer read into a buffer at an odd address loses its first byte",
      .blk_complete = odd_address);

/* --- by memory region -------------------------------------------------------------------------------- */

static struct vub_session *session;

static void take_session(struct vub_session *s)
{
	session = s;
}

static u64 gigabyte(const void *hva)
{
	u64 gpa = 0;

	vub_mem_gpa_of(session->mem, hva, &gpa);
	return gpa >> 30;
}

/* Three parts of a request in three regions. */
static void three_regions(struct rblk *blk, struct rblk_req *req)
{
	u64 hdr, data, status;

	if (!was_read(req) || fb_sectors(req) < 2)
		return;
	hdr = gigabyte(req->base.chain.segs[0].base);
	data = gigabyte(req->in[0].base);
	status = gigabyte(req->status_at);
	if (hdr != data && data != status && status != hdr)
		lose(req, 0);
}

FAULT(three_regions_read, .name = "blk-three-regions-read", .clause = DATA,
      .summary = "a longer read over three memory regions loses its first sector",
      .session_start = take_session, .blk_complete = three_regions);

/* --- by what happened before ------------------------------------------------------------------------- */

/* One note per sector. Queues' threads may race for it, which these faults survive. */
static u8 notes[FB_NOTED];

static void note(u64 sector, u64 num, u8 what)
{
	for (u64 i = sector; i < sector + num && i < FB_NOTED; i++)
		__atomic_store_n(&notes[i], what, __ATOMIC_RELAXED);
}

static u8 noted(u64 sector)
{
	return sector < FB_NOTED ? __atomic_load_n(&notes[sector], __ATOMIC_RELAXED) : 0;
}

static void renote(u8 from, u8 to)
{
	for (u64 i = 0; i < FB_NOTED; i++)
		if (noted(i) == from)
			note(i, 1, to);
}

static void no_notes(struct vub_session *s)
{
	note(0, FB_NOTED, 0);
}

/* How much was available when the index was read last. */
static _Thread_local u16 batch;

static u16 see_batch(struct dvq_split *vq, u16 idx)
{
	batch = (u16)(idx - vq->last_avail);
	return idx;
}

static enum fault_action mix_up(struct rblk *blk, struct rblk_req *req)
{
	/* The place of another request of the same batch. */
	if (req->type == VIRTIO_BLK_T_IN && batch == 32 && req->sector < 128 &&
	    fb_sectors(req) <= 4)
		req->sector ^= 4;
	return FAULT_PASS;
}

FAULT(batch_mixed_up, .name = "blk-batch-mixed-up", .clause = DATA,
      .summary = "of 32 small reads at once each returns the sectors of another",
      .avail_idx = see_batch, .blk_request = mix_up);

static void stale_queue(struct rblk *blk, struct rblk_req *req)
{
	u8 mine = (u8)(req->base.queue + 1);

	if (was_written(req))
		note(req->sector, fb_sectors(req), mine);
	for (u64 i = 0; was_read(req) && i < fb_sectors(req); i++)
		if (noted(req->sector + i) && noted(req->sector + i) != mine)
			lose(req, i);
}

FAULT(queue_stale, .name = "blk-queue-stale", .clause = DATA,
      .summary = "what was written on one queue is not read on another", .session_start = no_notes,
      .blk_complete = stale_queue);

enum {
	WRITTEN = 1,
	FLUSHED,
	LOST
};

static void lose_flushed(struct vub_session *s)
{
	renote(LOST, 0);
	renote(FLUSHED, LOST);
}

static void not_flushed(struct rblk *blk, struct rblk_req *req)
{
	if (was_written(req))
		note(req->sector, fb_sectors(req), WRITTEN);
	if (req->type == VIRTIO_BLK_T_FLUSH && req->status == VIRTIO_BLK_S_OK)
		renote(WRITTEN, FLUSHED);
	for (u64 i = 0; was_read(req) && i < fb_sectors(req); i++)
		if (noted(req->sector + i) == LOST)
			lose(req, i);
}

FAULT(flush_undone, .name = "blk-flush-undone", .clause = DATA,
      .summary = "what was written and flushed is gone in the next session",
      .session_start = lose_flushed, .blk_complete = not_flushed);

/* What was unmapped stays so. */
static enum fault_action unmap_stays(struct rblk *blk, struct rblk_req *req)
{
	struct fb_range r;

	if (req->type == VIRTIO_BLK_T_WRITE_ZEROES && fb_ranges(req, &r, 1) == 1 &&
	    r.flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP && r.num == 24)
		note(r.sector, r.num, 1);
	if (req->type == VIRTIO_BLK_T_OUT && noted(req->sector) &&
	    noted(req->sector + fb_sectors(req) - 1))
		return fb_finish(req, VIRTIO_BLK_S_OK);
	return FAULT_PASS;
}

FAULT(unmapped_write_lost, .name = "blk-unmapped-write-lost", .clause = DATA,
      .summary = "writes to 24 sectors that were unmapped are lost", .session_start = no_notes,
      .blk_request = unmap_stays);

/* --- neighbours -------------------------------------------------------------------------------------- */

static void overrun(struct rblk *blk, struct rblk_req *req)
{
	if (was_written(req) && fb_sectors(req) == 31)
		fb_spoil(req, req->sector + 31, 1, 0);
}

FAULT(write_overruns, .name = "blk-write-overruns", .clause = "ROB.blk.neighbours",
      .summary = "a write of 31 sectors clears the one behind them", .blk_complete = overrun);
