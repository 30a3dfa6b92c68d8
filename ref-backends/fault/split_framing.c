// SPDX-License-Identifier: BSD-3-Clause
/* Faults of message framing, of buffers, and of indirect descriptors. */
#include <string.h>

#include "ref-backends/device/blk.h"
#include "ref-backends/fault/fault.h"

/* --- framing ------------------------------------------------------------------------------------------- */

static enum fault_action whole_header_only(struct rblk *blk, struct rblk_req *req)
{
	if (req->base.chain.n_readable &&
	    req->base.chain.segs[0].len >= sizeof(struct virtio_blk_outhdr))
		return FAULT_PASS;
	rblk_finish(req, VIRTIO_BLK_S_IOERR);
	return FAULT_DONE;
}

FAULT(framing_header, .name = "framing-header", .clause = "v14.split-ring.message-framing.dev.1",
      .summary = "wants the header in one descriptor", .blk_request = whole_header_only);

static enum fault_action lone_status_only(struct rblk *blk, struct rblk_req *req)
{
	/* It was taken off its segment: what is left there is data. */
	if (!blk->features || req->status_seg->len == 0 || req->in_len < VIRTIO_BLK_SECTOR)
		return FAULT_PASS;
	rblk_finish(req, VIRTIO_BLK_S_IOERR);
	return FAULT_DONE;
}

FAULT(framing_status, .name = "framing-status", .clause = "v14.split-ring.message-framing.dev.1",
      .summary = "wants the status in a descriptor of its own", .blk_request = lone_status_only);

static void first_64_only(struct rblk *blk, struct rblk_req *req)
{
	if (req->type != VIRTIO_BLK_T_IN)
		return;
	for (u32 i = 64; i < req->n_in; i++)
		if (req->in[i].len < VIRTIO_BLK_SECTOR)
			memset(req->in[i].base, 0, req->in[i].len);
}

FAULT(framing_64_descriptors, .name = "framing-64-descriptors",
      .clause = "v14.split-ring.message-framing.dev.1",
      .summary = "fills the first 64 of many small descriptors only",
      .blk_complete = first_64_only);

/* --- buffers --------------------------------------------------------------------------------------------- */

static void header_scribbled(struct rblk *blk, struct rblk_req *req)
{
	struct dvq_seg *first = req->base.chain.segs;

	if (req->type == VIRTIO_BLK_T_OUT && req->base.chain.n_readable && first->len > 4)
		((u8 *)first->base)[4]++;
}

FAULT(readable_written, .name = "readable-written", .clause = "v14.split-ring.desc-table.dev.1",
      .summary = "counts in the ioprio field of a write", .blk_complete = header_scribbled);

static void status_taken_over(struct rblk *blk, struct rblk_req *req)
{
	if (*req->status_at == VIRTIO_BLK_S_IOERR)
		req->status = VIRTIO_BLK_S_IOERR;
}

FAULT(writable_read, .name = "writable-read", .clause = "v14.split-ring.desc-table.dev.2",
      .summary = "takes an IOERR that stands in the status byte for its own",
      .blk_complete = status_taken_over);

/* --- indirect descriptors -------------------------------------------------------------------------------- */

static u16 flags_of(const struct vring_desc *d)
{
	return le16(__atomic_load_n(&d->flags, __ATOMIC_RELAXED));
}

static enum fault_action write_flag_refused(struct dvq_split *vq, struct dvq_chain *c)
{
	u16 flags = flags_of(&vq->desc[c->head]);

	if (!(flags & VRING_DESC_F_INDIRECT) || !(flags & VRING_DESC_F_WRITE))
		return FAULT_PASS;
	dvq_push(vq, c->head, 0);
	return FAULT_DONE;
}

FAULT(indirect_write_flag, .name = "indirect-write-flag", .clause = "v14.split-ring.indirect.dev.1",
      .summary = "refuses an indirect descriptor with the WRITE flag", .chain = write_flag_refused);

static enum fault_action indirect_first_only(struct dvq_split *vq, struct dvq_chain *c)
{
	u32 i = c->head;

	if (flags_of(&vq->desc[i]) & VRING_DESC_F_INDIRECT)
		return FAULT_PASS;
	for (u32 n = 0; n < vq->num && flags_of(&vq->desc[i]) & VRING_DESC_F_NEXT; n++)
		i = le16(vq->desc[i].next) & (vq->num - 1);
	if (!(flags_of(&vq->desc[i]) & VRING_DESC_F_INDIRECT))
		return FAULT_PASS;
	dvq_push(vq, c->head, 0);
	return FAULT_DONE;
}

FAULT(indirect_first_only, .name = "indirect-first-only", .clause = "v14.split-ring.indirect.dev.2",
      .summary = "refuses an indirect descriptor behind direct ones", .chain = indirect_first_only);
