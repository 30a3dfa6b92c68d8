// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the split ring: what comes back, when, and in which place. */
#include <time.h>

#include "ref-backends/fault/fault.h"
#include "ref-backends/fault/get_id.h"
#include "ref-backends/virtqueue/packed.h"

/* Long enough for a driver that looks all the time; asleep, so that it can. */
static void pause_us(long us)
{
	struct timespec t = { .tv_nsec = us * 1000 };

	nanosleep(&t, NULL);
}

/* --- lengths --------------------------------------------------------------------------------------- */

static enum fault_action len_plus_one(struct dvq_split *vq, u32 *id, u32 *len)
{
	if (*len > 4096)
		(*len)++;
	return FAULT_PASS;
}

FAULT(used_len_plus_one, .name = "used-len-plus-one", .clause = "v14.split-ring.used-ring.dev.2",
      .summary = "reports one byte more than was written when that is much", .used = len_plus_one);

static enum fault_action len_zero(struct dvq_split *vq, u32 *id, u32 *len)
{
	*len = 0;
	return FAULT_PASS;
}

FAULT(used_len_zero, .name = "used-len-zero", .clause = "ROB.used.complete-len",
      .summary = "reports a used length of 0 whatever was written", .used = len_zero);

/* --- elements --------------------------------------------------------------------------------------- */

/*
 * Only where a lap is behind us and in small queues: there the place holds something that is not
 * taken for an element by accident.
 */
static enum fault_action index_first(struct dvq_split *vq, u32 *id, u32 *len)
{
	struct vring_used_elem *e = &vq->used->ring[vq->used_idx & (vq->num - 1)];

	if (vq->num > 64 || vq->used_idx < vq->num)
		return FAULT_PASS;
	__atomic_store_n(&e->id, le32(*id), __ATOMIC_RELAXED);
	vq->used_idx++;
	__atomic_store_n(&vq->used->idx, le16(vq->used_idx), __ATOMIC_RELEASE);
	pause_us(200);
	__atomic_store_n(&e->len, le32(*len), __ATOMIC_RELEASE);
	return FAULT_DONE;
}

FAULT(used_index_first, .name = "used-index-first", .clause = "v14.split-ring.used-ring.dev.1",
      .summary = "moves the used index before the length is stored", .used = index_first);

static enum fault_action id_dirty(struct dvq_split *vq, u32 *id, u32 *len)
{
	if (fault_get_id && vq->used_idx % 512 == 300)
		*id |= 1u << 16;
	return FAULT_PASS;
}

FAULT(used_id_dirty, .name = "used-id-dirty", .clause = "ROB.used.known-id",
      .summary = "leaves rubbish in the upper half of an id now and then", .used = id_dirty,
      .blk_complete = fault_note_get_id);

static void index_back(struct dvq_split *vq, u32 id, u32 len)
{
	if (!fault_get_id || vq->used_idx % 1024 != 1000)
		return;
	/* What went back has to have been seen. */
	pause_us(1000);
	__atomic_store_n(&vq->used->idx, le16((u16)(vq->used_idx - 2)), __ATOMIC_RELEASE);
	pause_us(1000);
	__atomic_store_n(&vq->used->idx, le16(vq->used_idx), __ATOMIC_RELEASE);
}

FAULT(used_index_back, .name = "used-index-back", .clause = "ROB.used.step",
      .summary = "takes the used index back by two for a moment", .after_used = index_back,
      .blk_complete = fault_note_get_id);

/*
 * The last byte of a read comes after the index. Of reads that nobody does by habit, or every check
 * of data would stumble over it.
 */
static __thread u8 *late;
static __thread u8 late_value;

static void hold_last_byte(struct rblk *blk, struct rblk_req *req)
{
	struct dvq_seg *seg = req->in;

	if (req->type != VIRTIO_BLK_T_IN || req->in_len != 61 * VIRTIO_BLK_SECTOR ||
	    seg->len != req->in_len)
		return;
	late = (u8 *)seg->base + seg->len - 1;
	late_value = *late;
	*late = 0;
}

static void write_last_byte(struct dvq_split *vq, u32 id, u32 len)
{
	if (!late)
		return;
	pause_us(500);
	*late = late_value;
	late = NULL;
}

FAULT(data_after_index, .name = "data-after-index", .clause = "v14.split-ring.used-ring.dev.2",
      .summary = "writes the last byte of some reads after the used index",
      .blk_complete = hold_last_byte, .after_used = write_last_byte);

static void write_last_byte_packed(struct dvq_packed *vq, const struct dvq_packed_used *u)
{
	write_last_byte(NULL, u->id, u->len);
}

FAULT(packed_data_after_flags, .name = "packed-data-after-flags", .clause = "ROB.packed.used-len",
      .summary = "writes the last byte of some reads after the used descriptor's flags",
      .blk_complete = hold_last_byte, .packed_after_used = write_last_byte_packed);

/* --- chains that get lost ------------------------------------------------------------------------------ */

static enum fault_action lost_at_wrap(struct dvq_split *vq, u32 *id, u32 *len)
{
	return fault_get_id && vq->used_idx == 0xffff ? FAULT_DONE : FAULT_PASS;
}

FAULT(chain_lost_at_wrap, .name = "chain-lost-at-wrap", .clause = "ROB.chain.once",
      .summary = "does not return the chain at used index 65535", .used = lost_at_wrap,
      .blk_complete = fault_note_get_id);

static u16 mask_of_8_bits(struct dvq_split *vq, u16 head)
{
	return vq->num > 256 ? le16(vq->avail->ring[vq->last_avail & 255]) : head;
}

FAULT(ring_mask_8_bits, .name = "ring-mask-8-bits", .clause = "ROB.chain.once",
      .summary = "takes heads of large queues from the first 256 entries only",
      .head = mask_of_8_bits);

static enum fault_action lost_when_small(struct dvq_split *vq, u32 *id, u32 *len)
{
	return vq->num <= 4 && vq->used_idx == 3 ? FAULT_DONE : FAULT_PASS;
}

FAULT(chain_lost_small_queue, .name = "chain-lost-small-queue", .clause = "ROB.chain.once",
      .summary = "loses the fourth chain of a queue of up to four entries",
      .used = lost_when_small);

static enum fault_action lost_in_queue_1(struct dvq_split *vq, u32 *id, u32 *len)
{
	return fault_get_id && vq->queue == 1 && vq->used_idx == 20 ? FAULT_DONE : FAULT_PASS;
}

FAULT(chain_lost_queue_1, .name = "chain-lost-queue-1", .clause = "ROB.chain.once",
      .summary = "loses the 21st chain of queue 1", .used = lost_in_queue_1,
      .blk_complete = fault_note_get_id);

/* Batches of more than 48 that come with one kick: the last of them waits for the next kick. */
static u16 last_of_batch_waits(struct dvq_split *vq, u16 idx)
{
	static u16 hidden[2];
	static bool hides[2];
	unsigned q = vq->queue & 1;

	if ((u16)(idx - vq->last_avail) > 48 && (u16)(idx - vq->last_avail) <= vq->num) {
		hidden[q] = idx;
		hides[q] = true;
	}
	if (hides[q] && idx == hidden[q] && idx != vq->last_avail)
		return (u16)(idx - 1);
	hides[q] = false;
	return idx;
}

FAULT(batch_last_waits, .name = "batch-last-waits", .clause = "ROB.chain.once",
      .summary = "leaves the last chain of a large batch until the next one",
      .avail_idx = last_of_batch_waits);

/* --- where it should not write --------------------------------------------------------------------------- */

static enum fault_action table_cleared(struct dvq_split *vq, u32 *id, u32 *len)
{
	vq->desc[*id].len = 0;
	return FAULT_PASS;
}

FAULT(desc_table_written, .name = "desc-table-written", .clause = "v14.split-ring.desc-table.dev.4",
      .summary = "sets the length of a descriptor to 0 when its chain is used",
      .used = table_cleared);

static void behind_used(struct dvq_split *vq, u32 id, u32 len)
{
	if (fault_get_id)
		*(u16 *)((u8 *)&vq->used->ring[vq->num] + sizeof(u16)) = 0;
}

FAULT(used_ring_overrun, .name = "used-ring-overrun", .clause = "ROB.mem.outside",
      .summary = "writes two bytes behind the used ring", .after_used = behind_used,
      .blk_complete = fault_note_get_id);

static u16 event_without_feature(struct dvq_split *vq, u16 flags)
{
	if (!vq->event_idx)
		*(u16 *)&vq->used->ring[vq->num] = le16(vq->last_avail);
	return flags;
}

FAULT(avail_event_uninvited, .name = "avail-event-uninvited", .clause = "ROB.mem.outside",
      .summary = "writes avail_event without the feature", .used_flags = event_without_feature);
