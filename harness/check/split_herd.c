// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/split_kit.h"

bool sk_herd_make(struct ck *c, struct sk_herd *h, u32 count, bool indirect)
{
	struct virtio_blk_outhdr hdr = { .type = le32(VIRTIO_BLK_T_GET_ID) };

	*h = (struct sk_herd){ .count = count };
	if (!ck_alloc(c, sizeof(hdr), 16, &h->hdr) ||
	    !ck_alloc(c, count * SK_HERD_BYTES, 16, &h->bufs))
		return false;
	if (indirect && !ck_alloc(c, count * 2 * sizeof(struct vring_desc), 16, &h->tables))
		return false;
	__builtin_memcpy(h->hdr.hva, &hdr, sizeof(hdr));
	return true;
}

bool sk_herd_add(struct ck *c, unsigned q, const struct sk_herd *h, u32 i)
{
	u8 *buf = h->bufs.hva + (u64)i * SK_HERD_BYTES;
	struct vq_sg sg[] = {
		{ h->hdr.gpa, h->hdr.len },
		{ gpa_add(h->bufs.gpa, (u64)i * SK_HERD_BYTES), SK_HERD_BYTES },
	};
	u32 table = i * 2 * (u32)sizeof(struct vring_desc);
	int head;

	buf[VIRTIO_BLK_ID_LEN] = BLK_STATUS_UNSET;
	if (h->tables.len)
		head = vq_add_indirect(&c->q[q].vq, h->tables.hva + table,
				       gpa_add(h->tables.gpa, table), sg, 1, 1, buf);
	else
		head = vq_add(&c->q[q].vq, sg, 1, 1, buf);
	return head >= 0 || ck_error(c, "queue %u has no room for request %u of a herd", q, i);
}

/* An index that runs ahead of what was made available; a packed ring has none. */
static bool index_in_bounds(struct ck *c, const struct vq *vq)
{
	const struct vq_split *s = &vq->split;
	u16 used, outstanding;

	if (vq->ring != VQ_RING_SPLIT)
		return true;
	used = vq_split_raw_used_idx(s);
	outstanding = (u16)(s->avail_idx - s->used_idx);
	return (u16)(used - s->used_idx) <= outstanding ||
	       ck_fail(c, C_USED_STEP, "the used index covers what was made available, no more",
		       "used.idx %u with %u requests outstanding from %u on", used, outstanding,
		       s->used_idx);
}

bool sk_collect(struct ck *c, unsigned q, const struct sk_herd *h, u32 n)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);
	struct vq *vq = &c->q[q].vq;

	while (n) {
		const u16 at = vq_reaped(vq);
		void *token;
		u32 id, len;

		if (!vq_used_pending(vq)) {
			if (tp_late(c->tp, deadline))
				return ck_fail(c, C_CHAIN_ONCE, "every chain comes back",
					       "%u of %u requests not used within %u ms: %u were "
					       "made available, %u are used",
					       n, n, c->tp->timeout_ms, vq_added(vq), vq_used(vq));
			c->tp->ops->relax(c->tp);
			continue;
		}
		if (!index_in_bounds(c, vq))
			return false;
		if (vq_reap(vq, &id, &len, &token) < 0)
			return ck_fail(c, C_KNOWN_ID, "an id that is outstanding",
				       "used buffer %u has id %u (len %u)", at, id, len);
		if (((u8 *)token)[VIRTIO_BLK_ID_LEN] == BLK_STATUS_UNSET)
			return ck_error(c, "head %u came back without a status", id);
		n--;
		if (!vq_used_pending(vq))
			deadline = tp_deadline(c->tp, c->tp->timeout_ms);
	}
	return true;
}

bool sk_run(struct ck *c, unsigned q, const struct sk_herd *h, u32 total)
{
	struct vq *vq = &c->q[q].vq;

	ck_log(c, "  q%u: %u requests, %u at a time, after %u", q, total, h->count, vq_added(vq));
	while (total) {
		u32 n = MIN(total, h->count);

		for (u32 i = 0; i < n; i++)
			if (!sk_herd_add(c, q, h, i))
				return false;
		vq_publish(vq);
		if (vq_kick_due(vq) && !ck_must(c, c->tp->ops->notify(c->tp, q), "notifying"))
			return false;
		if (!sk_collect(c, q, h, n))
			return false;
		total -= n;
	}
	return true;
}
