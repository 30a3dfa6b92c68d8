// SPDX-License-Identifier: BSD-3-Clause
/* SET_VRING_BASE: where a ring goes on. */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/vhost_user/ring_io.h"

#define CONTINUES  "VU.vring.base.be.1"
#define USED_INDEX "VU.vring.base.be.2"
#define ONCE	   "ROB.chain.once"

#define SIZE  16
#define BASE  7
#define LATER 11

/* A read as a descriptor chain of its own behind the driver's back: what stale entries point to. */
static bool stale_chain(struct ck *c, struct blk_req *r, u16 first)
{
	struct vq_split *vq = &c->q[0].vq.split;

	if (!ckr_read_req(c, r, VIRTIO_BLK_SECTOR))
		return false;
	blk_prepare(r);
	vq_split_raw_desc(vq, first, r->hdr.gpa.v, r->hdr.len, VRING_DESC_F_NEXT, first + 1);
	vq_split_raw_desc(vq, first + 1, r->data.gpa.v, r->data.len + 1, VRING_DESC_F_WRITE, 0);
	return true;
}

static void continues(struct ck *c)
{
	struct blk_req stale, reqs[2];
	struct vq_split *vq = &c->q[0].vq.split;

	if (!ckr_session(c) || !ckr_lay(c, 0, SIZE, BASE) || !stale_chain(c, &stale, 14))
		return;
	for (u16 i = 0; i < SIZE; i++)
		vq_split_raw_avail(vq, i, 14);
	/* Merged: two descriptors each, which leaves 14 and 15 alone. */
	for (unsigned i = 0; i < 2; i++)
		if (!ckr_read_req(c, &reqs[i], VIRTIO_BLK_SECTOR) ||
		    ckb_add(c, 0, &reqs[i], BLK_LAYOUT_MERGED) < 0)
			return;
	vq_split_publish(vq);
	if (!ckr_send(c, 0, CKR_ALL, BASE) || !ckr_kick(c, 0))
		return;
	for (unsigned i = 0; i < 2; i++) {
		struct ck_used u;

		if (!ck_reap(c, 0, &u)) {
			ck_fail(c, CONTINUES, "entries 7 and 8 are served",
				"base 7, available index 9: %u served", i);
			return;
		}
		if (u.head == VQ_BADID) {
			ck_fail(c, CONTINUES, "entries 7 and 8 only",
				"base 7, available index 9: a used element with id %u", u.id);
			return;
		}
	}
	if (ckr_stays(c, 0, BASE + 2, NULL, "base 7, available index 9, two served", CONTINUES) &&
	    ckr_touched(&stale))
		ck_fail(c, CONTINUES, "entries 7 and 8 only",
			"an entry before the base was served");
}

CHECK(continues, .id = "vu.base.set", .clauses = { CONTINUES, ONCE },
      .stimulus = "SET_VRING_BASE 7, available index 9; all other entries of the ring name a valid "
		  "read of their own",
      .oracle = "entries 7 and 8 are served, nothing else is", .device = VIRTIO_ID_BLOCK,
      .own_session = true, .run = continues);

static void used_index(struct ck *c)
{
	struct ck_queue *q = &c->q[0];
	struct ck_used u;
	struct blk_req r;

	if (!ckr_session(c) || !ckr_lay(c, 0, SIZE, LATER))
		return;
	/* As after a crash with 8 in flight, which somebody else has dealt with. */
	q->vq.split.used_idx = 3;
	__atomic_store_n(&q->vq.split.used->idx, le16(3), __ATOMIC_RELEASE);
	for (unsigned i = 0; i < SIZE; i++)
		q->vq.split.used->ring[i] = (struct vring_used_elem){ le32(0xffff), le32(0xffff) };
	if (!ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) || ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0)
		return;
	vq_split_publish(&q->vq.split);
	if (!ckr_send(c, 0, CKR_ALL, LATER) || !ckr_kick(c, 0))
		return;
	for (u64 end = tp_deadline(c->tp, c->tp->timeout_ms);
	     vq_split_raw_used_idx(&q->vq.split) == 3 && !tp_late(c->tp, end);)
		c->tp->ops->relax(c->tp);
	if (vq_split_raw_used_idx(&q->vq.split) != 4) {
		ck_fail(c, USED_INDEX, "4",
			"used index 3 and base 11 at the start, one request: the used index is %u",
			vq_split_raw_used_idx(&q->vq.split));
		return;
	}
	if (!ck_reap(c, 0, &u) || u.token != &r)
		ck_fail(c, USED_INDEX, "slot 3 names the request",
			"used index 3 and base 11 at the start, one request: slot 3 holds id %u",
			u.id);
}

CHECK(used_index, .id = "vu.base.used-index", .clauses = { USED_INDEX },
      .stimulus = "used->idx is 3 in memory, SET_VRING_BASE 11; one request",
      .oracle = "its used element is in slot 3 and the used index becomes 4",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = used_index);
