// SPDX-License-Identifier: BSD-3-Clause
/* What a driver may do with a packed ring: lists and tables, each looked at when it is taken. */
#include "ref-backends/judge/packed.h"

#include <string.h>

#include "ref-backends/device/blk.h"

#define INDIRECT BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC)

/* Descriptors that a chain may have at most: of the ring, and of a block device that says so. */
static u32 limit_of(const struct vub_ring *r)
{
	const bool says = r->s->dev->ops->id == VIRTIO_ID_BLOCK &&
			  r->s->features & BIT_ULL(VIRTIO_BLK_F_SEG_MAX);

	/* seg_max is about data: header and status come on top. */
	return says ? MIN(r->num, RBLK_SEG_MAX + 2u) : r->num;
}

static struct dvq_packed_desc first_of(const struct jd_chain *c)
{
	const struct dvq_packed *vq = &c->r->ring.packed;

	return dvq_packed_read(vq, jd_packed_first(c->r, c->c->slots).off);
}

static bool is_indirect(const struct jd_chain *c)
{
	return first_of(c).flags & VRING_DESC_F_INDIRECT;
}

static bool list_beyond_limit(const struct jd_chain *c)
{
	return !is_indirect(c) && c->c->slots > limit_of(c->r);
}

static bool table_beyond_limit(const struct jd_chain *c)
{
	return is_indirect(c) &&
	       first_of(c).len / sizeof(struct vring_packed_desc) > limit_of(c->r);
}

static bool order(const struct jd_chain *c)
{
	return c->error == DVQ_E_ORDER;
}

static bool indirect_not_negotiated(const struct jd_chain *c)
{
	return c->error == DVQ_E_INDIRECT;
}

static bool indirect_and_next(const struct jd_chain *c)
{
	return c->error == DVQ_E_INDIRECT_NEXT;
}

static bool table_flags(const struct jd_chain *c)
{
	const struct dvq_packed_desc d = first_of(c);
	u64 len = MIN(d.len, (u64)DVQ_MIN_LIMIT * sizeof(struct vring_packed_desc));
	const u8 *table;

	if (!is_indirect(c))
		return false;
	table = jd_table(c->r, d.addr, &len);
	for (u64 at = 0; table && at + sizeof(struct vring_packed_desc) <= len;
	     at += sizeof(struct vring_packed_desc)) {
		struct vring_packed_desc e;

		memcpy(&e, table + at, sizeof(e));
		if (le16(e.flags) & ~VRING_DESC_F_WRITE)
			return true;
	}
	return false;
}

const struct jd_chain_rule jd_packed_chain_rules[] = {
	{ "v14.packed-ring.scatter-gather.drv.1", list_beyond_limit, 0, 0 },
	{ "v14.packed-ring.scatter-gather.drv.3", order, 0, 0 },
	{ "v14.packed-ring.indirect.drv.1", indirect_not_negotiated, 0, INDIRECT },
	{ "v14.packed-ring.indirect.drv.2", table_flags, INDIRECT, 0 },
	{ "v14.packed-ring.indirect.drv.3", table_beyond_limit, INDIRECT, 0 },
	{ "v14.packed-ring.indirect.drv.4", indirect_and_next, INDIRECT, 0 },
	{ NULL, NULL, 0, 0 },
};
