// SPDX-License-Identifier: BSD-3-Clause
/* Faults of buffers in packed rings: how a request is cut, who may write where, and tables. */
#include <string.h>

#include "ref-backends/fault/fault.h"
#include "ref-backends/fault/get_id.h"
#include "ref-backends/fault/packed_kit.h"

/* --- framing ------------------------------------------------------------------------------------------- */

static enum fault_action whole_header_only(struct rblk *blk, struct rblk_req *req)
{
	if (!fault_is_packed(blk) ||
	    (req->base.chain.n_readable &&
	     req->base.chain.segs[0].len >= sizeof(struct virtio_blk_outhdr)))
		return FAULT_PASS;
	rblk_finish(req, VIRTIO_BLK_S_IOERR);
	return FAULT_DONE;
}

FAULT(packed_framing_header, .name = "packed-framing-header", .clause = "ROB.packed.framing",
      .summary = "wants the header in one descriptor of a packed ring",
      .blk_request = whole_header_only);

static void first_64_only(struct rblk *blk, struct rblk_req *req)
{
	if (req->type != VIRTIO_BLK_T_IN || !fault_is_packed(blk))
		return;
	for (u32 i = 64; i < req->n_in; i++)
		if (req->in[i].len < VIRTIO_BLK_SECTOR)
			memset(req->in[i].base, 0, req->in[i].len);
}

FAULT(packed_framing_64, .name = "packed-framing-64-descriptors", .clause = "ROB.packed.framing",
      .summary = "fills the first 64 of many small descriptors of a packed ring only",
      .blk_complete = first_64_only);

/* --- buffers --------------------------------------------------------------------------------------------- */

static void header_scribbled(struct rblk *blk, struct rblk_req *req)
{
	struct dvq_seg *first = req->base.chain.segs;

	if (req->type == VIRTIO_BLK_T_OUT && fault_is_packed(blk) && req->base.chain.n_readable &&
	    first->len > 4)
		((u8 *)first->base)[4]++;
}

FAULT(packed_readable_written, .name = "packed-readable-written",
      .clause = "v14.packed-ring.desc-table.dev.1",
      .summary = "counts in the ioprio field of a write from a packed ring",
      .blk_complete = header_scribbled);

static void status_taken_over(struct rblk *blk, struct rblk_req *req)
{
	if (fault_is_packed(blk) && *req->status_at == VIRTIO_BLK_S_IOERR)
		req->status = VIRTIO_BLK_S_IOERR;
}

FAULT(packed_writable_read, .name = "packed-writable-read",
      .clause = "v14.packed-ring.desc-table.dev.2",
      .summary =
	      "takes an IOERR that stands in the status byte of a packed ring's request for its own",
      .blk_complete = status_taken_over);

static void behind_device(struct dvq_packed *vq, const struct dvq_packed_used *u)
{
	if (fault_get_id)
		*(u16 *)(vq->device + 1) = 0;
}

FAULT(packed_event_overrun, .name = "packed-event-overrun", .clause = "ROB.mem.outside",
      .summary = "writes two bytes behind its event suppression structure",
      .packed_after_used = behind_device, .blk_complete = fault_note_get_id);

/* --- tables ---------------------------------------------------------------------------------------------- */

/* As if entries of a table were chained as those of a split ring are. */
static enum fault_action chained_table(struct dvq_packed *vq, struct dvq_chain *c)
{
	const struct dvq_packed_desc d = fault_packed_desc(vq, c, 0);
	const struct vring_packed_desc *table;
	u64 len = d.len;

	if (!(d.flags & VRING_DESC_F_INDIRECT))
		return FAULT_PASS;
	table = vq->ops->translate(vq->ctx, d.addr, &len);
	if (!table || !(le16(__atomic_load_n(&table->flags, __ATOMIC_RELAXED)) & VRING_DESC_F_NEXT))
		return FAULT_PASS;
	dvq_packed_push(vq, (struct dvq_packed_chain){ c->head, c->slots }, 0);
	return FAULT_DONE;
}

FAULT(packed_table_chained, .name = "packed-table-chained", .clause = "ROB.packed.table-flags",
      .summary = "refuses a table of a packed ring whose entries have the NEXT flag",
      .packed_chain = chained_table);

/* --- in order -------------------------------------------------------------------------------------------- */

/*
 * One of two waits for the other, which stands for both. To use the second alone first would show nothing:
 * it is what a device does that returns them together.
 */
static struct {
	const struct dvq_packed *ring;
	struct dvq_packed_chain chain;
	u32 len;
	bool passing;
} first;

static void begin(struct vub_session *s)
{
	first.ring = NULL;
}

static enum fault_action hold(struct dvq_packed *vq, struct dvq_packed_used *u)
{
	const struct vub_ring *r = fault_packed_vub_ring(vq);

	if (!r || !r->in_order || first.passing)
		return FAULT_PASS;
	if (first.ring) {
		u->slots += first.chain.slots;
		return FAULT_PASS;
	}
	first.ring = vq;
	first.chain = (struct dvq_packed_chain){ u->id, u->slots };
	first.len = u->len;
	return FAULT_DONE;
}

static void let_go(struct dvq_packed *vq, const struct dvq_packed_used *u)
{
	if (first.ring != vq)
		return;
	/* While it is published it is nobody's turn to wait. */
	first.ring = NULL;
	first.passing = true;
	dvq_packed_push(vq, first.chain, first.len);
	first.passing = false;
}

FAULT(packed_in_order_swapped, .name = "packed-in-order-swapped",
      .clause = "v14.reserved-features.bits.dev.5",
      .summary = "with IN_ORDER uses a buffer of a packed ring after one that stands for both",
      .session_start = begin, .packed_used = hold, .packed_after_used = let_go);
