// SPDX-License-Identifier: BSD-3-Clause
/* A block request from chain to status byte. */
#include <string.h>

#include "ref-backends/device/blk.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"
#include "ref-backends/virtqueue/seg.h"

#define FEATURE(name) BIT_ULL(VIRTIO_BLK_F_##name)
#define TO_STORE      0xff /* no status yet: the request goes to the store */

/* Take up to `len` bytes off the front of a list of segments; returns how many there were. */
static u64 take_front(struct dvq_seg **segs, u32 *n, void *to, u64 len)
{
	u64 got = 0;

	while (*n && got < len) {
		u64 part = MIN((*segs)->len, len - got);

		memcpy((u8 *)to + got, (*segs)->base, part);
		got += part;
		if (part < (*segs)->len) {
			(*segs)->base = (u8 *)(*segs)->base + part;
			(*segs)->len -= part;
			break;
		}
		(*segs)++;
		(*n)--;
	}
	return got;
}

/* Zeroes from byte `from` of the list on. */
static void zero_from(struct dvq_seg *segs, u32 n, u64 from)
{
	for (u32 i = 0; i < n; i++) {
		if (from < segs[i].len)
			memset((u8 *)segs[i].base + from, 0, segs[i].len - from);
		from -= MIN(from, segs[i].len);
	}
}

void rblk_finish(struct rblk_req *req, u8 status)
{
	req->status = status;
	if (status != VIRTIO_BLK_S_OK)
		req->filled = 0;
	req->base.used_len = (u32)MIN(req->in_len + 1, 0xffffffffu);
	if (fault_active && fault_active->blk_complete)
		fault_active->blk_complete(req->blk, req);
	if (req->filled < req->in_len)
		zero_from(req->in, req->n_in, req->filled);
	*req->status_at = req->status;
	req->status_seg->len++; /* whole again */
	req->base.done(&req->base);
}

/* Sectors [sector, sector + num), without overflow. */
static bool in_range(struct rblk *blk, u64 sector, u64 num)
{
	u64 capacity = __atomic_load_n(&blk->capacity, __ATOMIC_RELAXED);

	return sector <= capacity && num <= capacity - sector;
}

static void submit(struct rblk_req *req)
{
	req->blk->store->ops->submit(req->blk->store, &req->io);
}

static void submit_range(struct rblk_req *req)
{
	u32 i = req->range++;

	req->io.offset = req->ranges[i].sector * VIRTIO_BLK_SECTOR;
	req->io.len = (u64)req->ranges[i].num * VIRTIO_BLK_SECTOR;
	req->io.unmap = req->ranges[i].flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	submit(req);
}

static void io_done(struct rblk_io *io, int error)
{
	struct rblk_req *req = (struct rblk_req *)((u8 *)io - offsetof(struct rblk_req, io));

	if (error) {
		rblk_finish(req, VIRTIO_BLK_S_IOERR);
	} else if (req->range < req->n_ranges) {
		submit_range(req);
	} else {
		if (io->op == RBLK_OP_READ)
			req->filled = io->len;
		rblk_finish(req, VIRTIO_BLK_S_OK);
	}
}

/*
 * One function per kind of request: judge it and prepare `io`. TO_STORE, or the status when there
 * is nothing to ask of the store.
 */

static u8 prepare_rw(struct rblk_req *req, struct dvq_seg *segs, u32 nsegs, u64 len)
{
	if (len % VIRTIO_BLK_SECTOR || !in_range(req->blk, req->sector, len / VIRTIO_BLK_SECTOR))
		return VIRTIO_BLK_S_IOERR;
	if (len == 0)
		return VIRTIO_BLK_S_OK;
	req->io.segs = segs;
	req->io.nsegs = nsegs;
	req->io.offset = req->sector * VIRTIO_BLK_SECTOR;
	req->io.len = len;
	return TO_STORE;
}

static u8 prepare_in(struct rblk_req *req)
{
	return prepare_rw(req, req->in, req->n_in, req->in_len);
}

static u8 prepare_out(struct rblk_req *req)
{
	if (req->blk->read_only)
		return VIRTIO_BLK_S_IOERR;
	req->io.durable = rblk_writethrough(req->blk);
	return prepare_rw(req, req->out, req->n_out, req->out_len);
}

static u8 prepare_flush(struct rblk_req *req)
{
	return TO_STORE;
}

static u8 prepare_get_id(struct rblk_req *req)
{
	req->filled = dvq_scatter(req->in, req->n_in, 0, req->blk->id, sizeof(req->blk->id));
	return VIRTIO_BLK_S_OK;
}

static u8 prepare_ranges(struct rblk_req *req)
{
	u32 known = req->type == VIRTIO_BLK_T_WRITE_ZEROES ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;
	struct virtio_blk_discard_write_zeroes seg;
	u64 n = req->out_len / sizeof(seg);

	if (req->out_len % sizeof(seg) || n > RBLK_MAX_RANGES)
		return VIRTIO_BLK_S_IOERR;
	for (u32 i = 0; i < n; i++) {
		take_front(&req->out, &req->n_out, &seg, sizeof(seg));
		req->ranges[i].sector = le64(seg.sector);
		req->ranges[i].num = le32(seg.num_sectors);
		req->ranges[i].flags = le32(seg.flags);
	}
	for (u32 i = 0; i < n; i++)
		if (req->ranges[i].flags & ~known)
			return VIRTIO_BLK_S_UNSUPP;
	for (u32 i = 0; i < n; i++)
		if (req->ranges[i].num > RBLK_MAX_RANGE ||
		    !in_range(req->blk, req->ranges[i].sector, req->ranges[i].num))
			return VIRTIO_BLK_S_IOERR;
	req->n_ranges = (u32)n;
	req->io.durable = rblk_writethrough(req->blk);
	return n ? TO_STORE : VIRTIO_BLK_S_OK;
}

/* What is not here is UNSUPP, and so is a row whose feature was not negotiated. */
static const struct {
	u32 type;
	enum rblk_op op;
	u64 feature;
	u8 (*prepare)(struct rblk_req *req);
} types[] = {
	{ VIRTIO_BLK_T_IN, RBLK_OP_READ, 0, prepare_in },
	{ VIRTIO_BLK_T_OUT, RBLK_OP_WRITE, 0, prepare_out },
	{ VIRTIO_BLK_T_FLUSH, RBLK_OP_FLUSH, FEATURE(FLUSH), prepare_flush },
	{ VIRTIO_BLK_T_GET_ID, RBLK_OP_READ, 0, prepare_get_id },
	{ VIRTIO_BLK_T_DISCARD, RBLK_OP_DISCARD, FEATURE(DISCARD), prepare_ranges },
	{ VIRTIO_BLK_T_WRITE_ZEROES, RBLK_OP_ZERO, FEATURE(WRITE_ZEROES), prepare_ranges },
	{ VIRTIO_BLK_T_SECURE_ERASE, RBLK_OP_ERASE, FEATURE(SECURE_ERASE), prepare_ranges },
};

static u8 prepare(struct rblk_req *req)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].type != req->type)
			continue;
		if ((types[i].feature & req->blk->features) != types[i].feature)
			break;
		req->io.op = types[i].op;
		return types[i].prepare(req);
	}
	return VIRTIO_BLK_S_UNSUPP;
}

/* Find header, data and status. False: there is no place for a status. */
static bool parse(struct rblk_req *req, bool *whole_header)
{
	struct dvq_chain *c = &req->base.chain;
	struct virtio_blk_outhdr hdr = { 0 };
	struct dvq_seg *last;

	if (c->writable == 0)
		return false;
	req->out = c->segs;
	req->n_out = c->n_readable;
	req->in = c->segs + c->n_readable;
	req->n_in = c->n_writable;

	last = &req->in[req->n_in - 1];
	req->status_at = (u8 *)last->base + last->len - 1;
	req->status_seg = last;
	last->len--;
	req->in_len = c->writable - 1;

	*whole_header = take_front(&req->out, &req->n_out, &hdr, sizeof(hdr)) == sizeof(hdr);
	req->out_len = *whole_header ? c->readable - sizeof(hdr) : 0;
	req->type = le32(hdr.type);
	req->sector = le64(hdr.sector);
	return true;
}

void rblk_serve(struct rdev *dev, struct rdev_req *base)
{
	struct rblk_req *req = (struct rblk_req *)base;
	bool whole_header;
	u8 status;

	req->blk = rblk_of(dev);
	req->filled = 0;
	req->n_ranges = req->range = 0;
	req->io = (struct rblk_io){ .queue = base->queue, .done = io_done };
	if (!parse(req, &whole_header)) {
		base->used_len = 0;
		base->done(base);
		return;
	}
	if (judge_active && whole_header)
		judge_active->blk(req->blk, req);
	if (fault_active && fault_active->blk_request &&
	    fault_active->blk_request(req->blk, req) == FAULT_DONE)
		return;
	status = whole_header ? prepare(req) : VIRTIO_BLK_S_IOERR;
	if (status != TO_STORE)
		rblk_finish(req, status);
	else if (req->n_ranges)
		submit_range(req);
	else
		submit(req);
}
