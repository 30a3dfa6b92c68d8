// SPDX-License-Identifier: BSD-3-Clause
/* From descriptors to a list of segments, every bound checked. */
#include <string.h>

#include "ref-backends/virtqueue/walk.h"

#define ENTRY_BYTES 16

/* The copy is the only value: the compiler must not read the source again. */
static void copy(void *to, const void *from, u64 len)
{
	memcpy(to, from, len);
	__asm__ volatile("" : : "r"(to) : "memory");
}

static bool copy_from_guest(const struct dvq_memory *m, void *to, u64 gpa, u64 len)
{
	u8 *out = to;

	while (len) {
		u64 n = len;
		void *p = m->ops->translate(m->ctx, gpa, &n);

		if (!p || n == 0)
			return false;
		copy(out, p, n);
		out += n;
		gpa += n;
		len -= n;
	}
	return true;
}

void dvq_chain_clear(struct dvq_chain *c)
{
	c->n_readable = c->n_writable = c->descs = 0;
	c->readable = c->writable = 0;
	c->writing = false;
}

enum dvq_error dvq_chain_add(const struct dvq_memory *m, struct dvq_chain *c, u64 addr, u32 len,
			     bool writable)
{
	void *(*const translate)(void *ctx, u64 gpa, u64 *len) =
		writable && m->ops->translate_writable ? m->ops->translate_writable
						       : m->ops->translate;
	u64 left = len;

	if (c->descs++ == MAX(m->num, DVQ_MIN_LIMIT))
		return DVQ_E_LONG;
	if (c->writing && !writable)
		return DVQ_E_ORDER;
	c->writing = writable;
	if (c->readable + c->writable + left > 1ull << 32)
		return DVQ_E_BYTES;
	while (left) {
		u64 n = left;
		void *p = translate(m->ctx, addr, &n);
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
		addr += n;
		left -= n;
	}
	return DVQ_OK;
}

enum dvq_error dvq_table_open(struct dvq_table *t, const struct dvq_memory *m, u64 addr, u32 len)
{
	u64 there = len;

	if (len == 0 || len % ENTRY_BYTES)
		return DVQ_E_INDIRECT_SIZE;
	*t = (struct dvq_table){ .m = m, .addr = addr, .num = len / ENTRY_BYTES };
	t->whole = m->ops->translate(m->ctx, addr, &there);
	if (there < len)
		t->whole = NULL;
	return DVQ_OK;
}

bool dvq_table_read(const struct dvq_table *t, u32 i, void *entry)
{
	const u64 at = (u64)i * ENTRY_BYTES;

	if (!t->whole)
		return copy_from_guest(t->m, entry, t->addr + at, ENTRY_BYTES);
	copy(entry, t->whole + at, ENTRY_BYTES);
	return true;
}
