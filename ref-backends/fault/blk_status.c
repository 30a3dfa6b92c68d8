// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the block device: status byte, what is written around it, id. */
#include <string.h>

#include "ref-backends/fault/blk_kit.h"

#define STATUS "ROB.blk.status"
#define ID     "ROB.blk.get-id"

/* --- status --------------------------------------------------------------------------------------------- */

static void undefined(struct rblk *blk, struct rblk_req *req)
{
	if (req->type == VIRTIO_BLK_T_IN && req->status == VIRTIO_BLK_S_IOERR)
		req->status = 3;
}

FAULT(status_undefined, .name = "blk-status-undefined", .clause = STATUS,
      .summary = "a read that fails ends with status 3", .blk_complete = undefined);

static void two_bytes(struct rblk *blk, struct rblk_req *req)
{
	if (req->type == 0x7f)
		req->status_at[1] = 0;
}

FAULT(status_two_bytes, .name = "blk-status-two-bytes", .clause = STATUS,
      .summary = "the status of an unknown type is written as two bytes",
      .blk_complete = two_bytes);

static void lost(struct rblk *blk, struct rblk_req *req)
{
	static u8 elsewhere;

	if (req->type != VIRTIO_BLK_T_FLUSH || req->in_len == 0)
		return;
	req->status_at = &elsewhere;
	req->filled = req->in_len;
}

FAULT(status_wide_lost, .name = "blk-status-wide-lost", .clause = STATUS,
      .summary = "no status is written for a FLUSH with more than one writable byte",
      .blk_complete = lost);

static void flush_data(struct rblk *blk, struct rblk_req *req)
{
	if (req->type == VIRTIO_BLK_T_FLUSH && req->out_len)
		req->status = 0x80;
}

FAULT(status_flush_data, .name = "blk-status-flush-data", .clause = STATUS,
      .summary = "a FLUSH with data ends with status 128", .blk_complete = flush_data);

static void empty(struct rblk *blk, struct rblk_req *req)
{
	if (req->type == VIRTIO_BLK_T_OUT && req->out_len == 0 && req->base.chain.descs == 2)
		req->status = 0xff;
}

FAULT(status_empty_write, .name = "blk-status-empty-write", .clause = STATUS,
      .summary = "a write without data ends with status 255", .blk_complete = empty);

/* --- what is written ------------------------------------------------------------------------------------- */

static void before_data(struct rblk *blk, struct rblk_req *req)
{
	/* Larger buffers may begin where memory does. */
	if (req->type == VIRTIO_BLK_T_IN && req->status != VIRTIO_BLK_S_OK && req->in_len > 1 &&
	    req->in_len < 4096)
		((u8 *)req->in[0].base)[-1] = 0;
}

FAULT(read_underruns, .name = "blk-read-underruns", .clause = "ROB.mem.outside",
      .summary = "a read that fails clears the byte before its buffer",
      .blk_complete = before_data);

static void header_used(struct rblk *blk, struct rblk_req *req)
{
	struct dvq_seg *hdr = &req->base.chain.segs[0];

	/* As a place for the sector that was too large. */
	if (req->status == VIRTIO_BLK_S_IOERR && hdr->len == sizeof(struct virtio_blk_outhdr))
		memset((u8 *)hdr->base + offsetof(struct virtio_blk_outhdr, sector), 0xff, 8);
}

FAULT(header_written, .name = "blk-header-written", .clause = "v14.split-ring.desc-table.dev.1",
      .summary = "a request that fails has its header overwritten", .blk_complete = header_used);

static void unwritten(struct rblk *blk, struct rblk_req *req)
{
	if (req->type == VIRTIO_BLK_T_IN && req->status != VIRTIO_BLK_S_OK)
		req->filled = req->in_len;
}

FAULT(error_len_whole, .name = "blk-error-len-whole", .clause = "v14.split-ring.used-ring.dev.2",
      .summary = "a read that fails reports its whole buffer, and wrote the status only",
      .blk_complete = unwritten);

/* --- id --------------------------------------------------------------------------------------------------- */

static bool id_asked(const struct rblk_req *req)
{
	return req->type == VIRTIO_BLK_T_GET_ID && req->status == VIRTIO_BLK_S_OK;
}

static void not_padded(struct rblk *blk, struct rblk_req *req)
{
	if (!id_asked(req) || req->in_len != VIRTIO_BLK_ID_BYTES)
		return;
	fb_set_in(req, 10, 1, 0);
	fb_set_in(req, 11, VIRTIO_BLK_ID_BYTES - 11, 'x');
}

FAULT(id_not_padded, .name = "blk-id-not-padded", .clause = ID,
      .summary = "rubbish behind the zero that ends the id", .blk_complete = not_padded);

static char session_letter = '@';

static void next_letter(struct vub_session *s)
{
	session_letter = session_letter == 'Z' ? 'A' : (char)(session_letter + 1);
}

static void per_session(struct rblk *blk, struct rblk_req *req)
{
	if (id_asked(req) && req->in_len == VIRTIO_BLK_ID_BYTES)
		fb_set_in(req, 0, 1, (u8)session_letter);
}

FAULT(id_per_session, .name = "blk-id-per-session", .clause = ID,
      .summary = "each session has another id", .session_start = next_letter,
      .blk_complete = per_session);

static void long_id(struct rblk *blk, struct rblk_req *req)
{
	if (!id_asked(req) || req->in_len < 64)
		return;
	fb_set_in(req, VIRTIO_BLK_ID_BYTES, req->in_len - VIRTIO_BLK_ID_BYTES, '#');
	req->filled = req->in_len;
}

FAULT(id_too_long, .name = "blk-id-too-long", .clause = ID,
      .summary = "GET_ID with a buffer of 64 bytes or more writes rubbish behind byte 20",
      .blk_complete = long_id);
