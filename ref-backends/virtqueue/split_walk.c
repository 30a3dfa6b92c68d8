// SPDX-License-Identifier: BSD-3-Clause
/* The split ring: from a head through next to next. */
#include "ref-backends/virtqueue/walk.h"

/* One descriptor in private memory and the host's byte order. */
struct desc {
	u64 addr;
	u32 len;
	u16 flags, next;
};

static struct desc desc_of(const struct vring_desc *raw)
{
	return (struct desc){
		.addr = le64(__atomic_load_n(&raw->addr, __ATOMIC_RELAXED)),
		.len = le32(__atomic_load_n(&raw->len, __ATOMIC_RELAXED)),
		.flags = le16(__atomic_load_n(&raw->flags, __ATOMIC_RELAXED)),
		.next = le16(__atomic_load_n(&raw->next, __ATOMIC_RELAXED)),
	};
}

static enum dvq_error add(const struct dvq_memory *m, struct dvq_chain *c, const struct desc *d)
{
	return dvq_chain_add(m, c, d->addr, d->len, d->flags & VRING_DESC_F_WRITE);
}

static enum dvq_error walk_indirect(const struct dvq_memory *m, const struct desc *d,
				    struct dvq_chain *c)
{
	struct dvq_table t;
	enum dvq_error e = dvq_table_open(&t, m, d->addr, d->len);
	u32 i = 0;

	if (e)
		return e;
	for (u32 n = 0; n < t.num; n++) {
		struct vring_desc raw;
		struct desc entry;

		if (!dvq_table_read(&t, i, &raw))
			return DVQ_E_MEMORY;
		entry = desc_of(&raw);
		if (entry.flags & VRING_DESC_F_INDIRECT)
			return DVQ_E_NESTED;
		e = add(m, c, &entry);
		if (e || !(entry.flags & VRING_DESC_F_NEXT))
			return e;
		i = entry.next;
		if (i >= t.num)
			return DVQ_E_NEXT;
	}
	return DVQ_E_LONG;
}

static enum dvq_error walk(struct dvq_split *vq, struct dvq_chain *c)
{
	const struct dvq_memory m = { vq->ops, vq->ctx, vq->num };
	u32 i = c->head;

	for (u32 n = 0; n < vq->num; n++) {
		struct desc d = desc_of(&vq->desc[i]);
		enum dvq_error e;

		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (!vq->indirect)
				return DVQ_E_INDIRECT;
			if (d.flags & VRING_DESC_F_NEXT)
				return DVQ_E_INDIRECT_NEXT;
			/* 2.7.5.3.2: its WRITE flag is ignored. */
			return walk_indirect(&m, &d, c);
		}
		e = add(&m, c, &d);
		if (e || !(d.flags & VRING_DESC_F_NEXT))
			return e;
		i = d.next;
		if (i >= vq->num)
			return DVQ_E_NEXT;
	}
	return DVQ_E_LONG;
}

enum dvq_error dvq_walk(struct dvq_split *vq, u16 head, struct dvq_chain *c)
{
	dvq_chain_clear(c);
	c->head = head;
	c->slots = 1;
	return walk(vq, c);
}
