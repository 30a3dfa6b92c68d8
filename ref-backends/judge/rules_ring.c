// SPDX-License-Identifier: BSD-3-Clause
/* What a driver may do with a split ring. */
#include "ref-backends/judge/rules.h"

#include <string.h>

#define EVENT_IDX BIT_ULL(VIRTIO_RING_F_EVENT_IDX)
#define INDIRECT  BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC)
#define IN_ORDER  BIT_ULL(VIRTIO_F_IN_ORDER)

/* When a ring starts. */

static bool fresh_used_flags(const struct vub_ring *r)
{
	return r->vq.last_avail == 0 && r->vq.used_idx == 0 && r->vq.used->flags != 0;
}

const struct jd_ring_rule jd_start_rules[] = {
	{ "v14.split-ring.avail-notif-suppress.drv.1", fresh_used_flags, 0, 0 },
	{ NULL, NULL, 0, 0 },
};

/* Whenever the available ring is looked at. */

static bool flags_not_0_or_1(const struct vub_ring *r)
{
	return r->vq.avail->flags > 1;
}

static bool flags_not_0(const struct vub_ring *r)
{
	return r->vq.avail->flags != 0;
}

const struct jd_ring_rule jd_avail_rules[] = {
	{ "v14.split-ring.used-notif-suppress.drv.1", flags_not_0_or_1, 0, EVENT_IDX },
	{ "v14.split-ring.used-notif-suppress.drv.3", flags_not_0, EVENT_IDX, 0 },
	{ NULL, NULL, 0, 0 },
};

/* Chains. */

static bool order(const struct jd_chain *c)
{
	return c->error == DVQ_E_ORDER;
}

static bool loop_or_bytes(const struct jd_chain *c)
{
	return c->error == DVQ_E_LONG || c->error == DVQ_E_BYTES;
}

static bool indirect_not_negotiated(const struct jd_chain *c)
{
	return c->error == DVQ_E_INDIRECT;
}

static bool nested(const struct jd_chain *c)
{
	return c->error == DVQ_E_NESTED;
}

static bool too_many(const struct jd_chain *c)
{
	return c->c->descs > c->r->num;
}

static bool indirect_and_next(const struct jd_chain *c)
{
	return c->error == DVQ_E_INDIRECT_NEXT;
}

/* Descriptors of a few bytes, each where the one before it ends: one would have done. */
#define SMALL	 64
#define NEEDLESS 8

static bool needlessly_many(const struct jd_chain *c)
{
	const struct dvq_chain *h = c->c;
	u32 n = 0;

	for (u32 i = 1; c->error == DVQ_OK && i < h->n_readable + h->n_writable; i++) {
		const struct dvq_seg *a = &h->segs[i - 1], *b = &h->segs[i];

		n += i != h->n_readable && a->len < SMALL && b->len < SMALL &&
		     (const u8 *)a->base + a->len == b->base;
	}
	return n >= NEEDLESS;
}

/* In order: which descriptor follows is no choice. */
static bool next_jumps(const struct jd_chain *c)
{
	const u32 num = c->r->num;
	u32 i = c->c->head;

	for (u32 n = 0; n < num && i < num; n++) {
		const struct vring_desc d = c->r->vq.desc[i];

		if (!(le16(d.flags) & VRING_DESC_F_NEXT))
			break;
		if (le16(d.next) != (i + 1) % num)
			return true;
		i = le16(d.next);
	}
	return false;
}

static bool indirect_next_jumps(const struct jd_chain *c)
{
	const struct vring_desc d = c->r->vq.desc[c->c->head];
	u64 len = MIN(le32(d.len), (u64)DVQ_MIN_LIMIT * sizeof(d));
	const u8 *table;

	if (!(le16(d.flags) & VRING_DESC_F_INDIRECT))
		return false;
	table = jd_table(c->r, le64(d.addr), &len);
	for (u64 i = 0; table && (i + 1) * sizeof(d) <= len; i++) {
		struct vring_desc e;

		memcpy(&e, table + i * sizeof(e), sizeof(e));
		if (!(le16(e.flags) & VRING_DESC_F_NEXT))
			break;
		if (le16(e.next) != i + 1)
			return true;
	}
	return false;
}

const struct jd_chain_rule jd_chain_rules[] = {
	{ "v14.split-ring.message-framing.drv.1", order, 0, 0 },
	{ "v14.split-ring.message-framing.drv.2", needlessly_many, 0, 0 },
	{ "v14.split-ring.desc-table.drv.1", loop_or_bytes, 0, 0 },
	{ "v14.split-ring.indirect.drv.1", indirect_not_negotiated, 0, INDIRECT },
	{ "v14.split-ring.indirect.drv.2", nested, INDIRECT, 0 },
	{ "v14.split-ring.indirect.drv.3", too_many, 0, 0 },
	{ "v14.split-ring.desc-table.drv.2", next_jumps, IN_ORDER, 0 },
	{ "v14.split-ring.indirect.drv.5", indirect_next_jumps, INDIRECT | IN_ORDER, 0 },
	{ "v14.split-ring.indirect.drv.4", indirect_and_next, INDIRECT, 0 },
	{ NULL, NULL, 0, 0 },
};
