// SPDX-License-Identifier: BSD-3-Clause
/* From a head to a list of segments: direct and indirect descriptors, every bound checked. */
#include <string.h>

#include "ref-backends/virtqueue/split.h"

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

/* The copy is the only value: the compiler must not read the source again. */
static void copy(void *to, const void *from, u64 len)
{
	memcpy(to, from, len);
	__asm__ volatile("" : : "r"(to) : "memory");
}

/* Copy guest memory that need be neither aligned nor contiguous here. */
static bool copy_from_guest(struct dvq_split *vq, void *to, u64 gpa, u64 len)
{
	u8 *out = to;

	while (len) {
		u64 n = len;
		void *p = vq->ops->translate(vq->ctx, gpa, &n);

		if (!p || n == 0)
			return false;
		copy(out, p, n);
		out += n;
		gpa += n;
		len -= n;
	}
	return true;
}

static enum dvq_error add(struct dvq_split *vq, struct dvq_chain *c, const struct desc *d)
{
	bool writable = d->flags & VRING_DESC_F_WRITE;
	u64 gpa = d->addr, left = d->len;

	if (c->descs++ == MAX(vq->num, DVQ_MIN_LIMIT))
		return DVQ_E_LONG;
	if (c->writing && !writable)
		return DVQ_E_ORDER;
	c->writing = writable;
	if (c->readable + c->writable + left > 1ull << 32)
		return DVQ_E_BYTES;
	while (left) {
		u64 n = left;
		void *p = vq->ops->translate(vq->ctx, gpa, &n);
		u32 at = c->n_readable + c->n_writable;

		if (!p || n == 0)
			return DVQ_E_MEMORY;
		if (at == c->cap)
			return DVQ_E_SEGS;
		c->segs[at] = (struct dvq_seg){ p, n };
		if (writable) {
			c->n_writable++;
			c->writable += n;
		} else {
			c->n_readable++;
			c->readable += n;
		}
		gpa += n;
		left -= n;
	}
	return DVQ_OK;
}

static enum dvq_error walk_indirect(struct dvq_split *vq, const struct desc *table,
				    struct dvq_chain *c)
{
	u32 num = table->len / sizeof(struct vring_desc), i = 0;
	u64 there = table->len;
	const u8 *whole;

	if (table->len == 0 || table->len % sizeof(struct vring_desc))
		return DVQ_E_INDIRECT_SIZE;
	whole = vq->ops->translate(vq->ctx, table->addr, &there);
	if (there < table->len)
		whole = NULL; /* it crosses from one memory region into the next */
	for (u32 n = 0; n < num; n++) {
		struct vring_desc raw;
		enum dvq_error e;
		struct desc d;

		if (whole)
			copy(&raw, whole + (u64)i * sizeof(raw), sizeof(raw));
		else if (!copy_from_guest(vq, &raw, table->addr + (u64)i * sizeof(raw),
					  sizeof(raw)))
			return DVQ_E_MEMORY;
		d = desc_of(&raw);
		if (d.flags & VRING_DESC_F_INDIRECT)
			return DVQ_E_NESTED;
		e = add(vq, c, &d);
		if (e || !(d.flags & VRING_DESC_F_NEXT))
			return e;
		i = d.next;
		if (i >= num)
			return DVQ_E_NEXT;
	}
	return DVQ_E_LONG;
}

static enum dvq_error walk(struct dvq_split *vq, struct dvq_chain *c)
{
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
			return walk_indirect(vq, &d, c);
		}
		e = add(vq, c, &d);
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
	c->head = head;
	c->n_readable = c->n_writable = c->descs = 0;
	c->readable = c->writable = 0;
	c->writing = false;
	return walk(vq, c);
}
