// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/split_kit.h"

u32 sk_room_for(const struct ck *c, u32 count)
{
	return MIN(count, vq_size(&c->q[0].vq) / 2u);
}

bool sk_herd_make(struct ck *c, struct sk_herd *h, u32 count, bool indirect)
{
	const struct vehicle *v = vehicle_of(c->device);

	*h = (struct sk_herd){ .v = v, .count = count };
	if (!v)
		return ck_skip(c, "no request of this type of device is known");
	h->writable = ALIGN_UP(v->readable, 8);
	h->stride = ALIGN_UP(h->writable + v->writable, 16);
	if (!ck_alloc(c, count * h->stride, 16, &h->bufs))
		return false;
	return !indirect || ck_alloc(c, count * 2 * sizeof(struct vring_desc), 16, &h->tables);
}

bool sk_herd_pairs(struct ck *c, struct sk_herd *h, u32 count)
{
	if (!sk_herd_make(c, h, count, false))
		return false;
	return (h->v->readable && h->v->writable) ||
	       ck_skip(c, "%s takes one descriptor, and this needs two", h->v->name);
}

void sk_herd_fill(struct ck *c, const struct sk_herd *h, u32 i, struct vq_sg sg[2], unsigned *out,
		  unsigned *in)
{
	const struct gpa at = gpa_add(h->bufs.gpa, (u64)i * h->stride);
	u8 *buf = h->bufs.hva + (u64)i * h->stride;
	unsigned n = 0;

	__builtin_memset(buf, 0, h->writable);
	if (h->v->fill)
		h->v->fill(buf, c->requests++);
	__builtin_memset(buf + h->writable, VEHICLE_UNSET, h->v->writable);
	*out = h->v->readable != 0;
	*in = h->v->writable != 0;
	if (*out)
		sg[n++] = (struct vq_sg){ at, h->v->readable };
	if (*in)
		sg[n++] = (struct vq_sg){ gpa_add(at, h->writable), h->v->writable };
}

bool sk_herd_add(struct ck *c, unsigned q, const struct sk_herd *h, u32 i)
{
	const u32 table = i * 2 * (u32)sizeof(struct vring_desc);
	u8 *buf = h->bufs.hva + (u64)i * h->stride;
	struct vq_sg sg[2];
	unsigned out, in;
	int head;

	sk_herd_fill(c, h, i, sg, &out, &in);
	if (h->tables.len)
		head = vq_add_indirect(&c->q[q].vq, h->tables.hva + table,
				       gpa_add(h->tables.gpa, table), sg, out, in, buf);
	else
		head = vq_add(&c->q[q].vq, sg, out, in, buf);
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
		if (!vehicle_answered(h->v, token, (u8 *)token + h->writable))
			return ck_error(c, "head %u, %s, came back without an answer", id,
					h->v->name);
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
