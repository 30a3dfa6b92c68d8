// SPDX-License-Identifier: BSD-3-Clause
#include "harness/probe/fdt/fdt.h"

#include "harness/run/core/text.h"

#define MAGIC 0xd00dfeedu

enum token {
	BEGIN_NODE = 1,
	END_NODE,
	PROP,
	NOP,
	END = 9
};

static u32 be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

/* A block of the blob that is inside it. */
static bool block(const struct fdt *t, u32 start, u32 len, u32 *end)
{
	*end = start + len;
	return start <= t->size && len <= t->size - start;
}

bool fdt_open(struct fdt *t, const void *blob, size_t max)
{
	const u8 *p = blob;

	if (!p || max < 40 || be32(p) != MAGIC || be32(p + 4) > max || be32(p + 20) < 17)
		return false;
	t->blob = p;
	t->size = be32(p + 4);
	t->nodes = be32(p + 8);
	t->strings = be32(p + 12);
	return t->size >= 40 && !(t->nodes & 3) &&
	       block(t, t->nodes, be32(p + 36), &t->nodes_end) &&
	       block(t, t->strings, be32(p + 32), &t->strings_end);
}

/* The next token, and moves behind it; END where the block ends. */
static u32 token(const struct fdt *t, u32 *at)
{
	u32 v;

	if (*at > t->nodes_end || t->nodes_end - *at < 4)
		return END;
	v = be32(t->blob + *at);
	*at += 4;
	return v;
}

/* A name in the structure block, and moves behind it. NULL: it does not end. */
static const char *node_name(const struct fdt *t, u32 *at)
{
	const u32 start = *at;

	while (*at < t->nodes_end && t->blob[*at])
		(*at)++;
	if (*at >= t->nodes_end)
		return NULL;
	*at = (u32)ALIGN_UP((u64)*at + 1, 4);
	return (const char *)t->blob + start;
}

/* Behind PROP: its name and value, and moves behind it. False: it leads out of its block. */
static bool take_prop(const struct fdt *t, u32 *at, const char **name, struct fdt_prop *p)
{
	u32 name_at;

	if (t->nodes_end - *at < 8)
		return false;
	p->len = be32(t->blob + *at);
	name_at = be32(t->blob + *at + 4);
	*at += 8;
	if (p->len > t->nodes_end - *at || name_at >= t->strings_end - t->strings)
		return false;
	p->data = t->blob + *at;
	*at = (u32)ALIGN_UP((u64)*at + p->len, 4);
	*name = (const char *)t->blob + t->strings + name_at;
	for (u32 i = t->strings + name_at; i < t->strings_end; i++)
		if (!t->blob[i])
			return true;
	return false;
}

bool fdt_prop(const struct fdt *t, const struct fdt_node *n, const char *name, struct fdt_prop *p)
{
	u32 at = n->props;

	for (;;) {
		const char *found;
		const u32 what = token(t, &at);

		if (what == NOP)
			continue;
		if (what != PROP || !take_prop(t, &at, &found, p))
			return false;
		if (text_same(found, name))
			return true;
	}
}

u32 fdt_cell(const struct fdt_prop *p, unsigned i)
{
	return p->len / 4 > i ? be32(p->data + 4 * (size_t)i) : 0;
}

static u8 cells(const struct fdt *t, const struct fdt_node *n, const char *name, u8 usual)
{
	struct fdt_prop p;

	if (!fdt_prop(t, n, name, &p) || p.len != 4)
		return usual;
	return (u8)MIN(fdt_cell(&p, 0), 4u);
}

bool fdt_next(const struct fdt *t, struct fdt_node *n)
{
	u32 at = n->next ? n->next : t->nodes;
	/* Depth of the node that the walk is in; before the root there is none. */
	unsigned depth = n->next ? n->depth + 1 : 0;

	for (;;) {
		struct fdt_prop skipped;
		const char *name;

		switch (token(t, &at)) {
		case NOP:
			break;
		case PROP:
			if (!take_prop(t, &at, &name, &skipped))
				return false;
			break;
		case END_NODE:
			if (depth-- == 0)
				return false;
			break;
		case BEGIN_NODE:
			n->name = node_name(t, &at);
			if (!n->name || depth >= FDT_DEPTH)
				return false;
			n->depth = depth;
			n->props = n->next = at;
			n->address_cells[depth] = cells(t, n, "#address-cells", 2);
			n->size_cells[depth] = cells(t, n, "#size-cells", 1);
			return true;
		default:
			return false;
		}
	}
}

const char *fdt_text(const struct fdt *t, const struct fdt_node *n, const char *name)
{
	struct fdt_prop p;

	if (!fdt_prop(t, n, name, &p) || p.len == 0 || p.data[p.len - 1])
		return NULL;
	return (const char *)p.data;
}

bool fdt_compatible(const struct fdt *t, const struct fdt_node *n, const char *name)
{
	struct fdt_prop p;
	u32 start = 0;

	if (!fdt_prop(t, n, "compatible", &p))
		return false;
	for (u32 i = 0; i < p.len; i++) {
		if (p.data[i])
			continue;
		if (text_same((const char *)p.data + start, name))
			return true;
		start = i + 1;
	}
	return false;
}

static u64 number(const struct fdt_prop *p, unsigned at, unsigned count)
{
	u64 v = 0;

	for (unsigned i = 0; i < count; i++)
		v = v << 32 | fdt_cell(p, at + i);
	return v;
}

bool fdt_reg(const struct fdt *t, const struct fdt_node *n, unsigned i, u64 *addr, u64 *size)
{
	struct fdt_prop p;
	unsigned a, s;

	if (n->depth == 0 || !fdt_prop(t, n, "reg", &p))
		return false;
	a = n->address_cells[n->depth - 1];
	s = n->size_cells[n->depth - 1];
	if (!(a + s) || p.len / 4 / (a + s) <= i)
		return false;
	*addr = number(&p, i * (a + s), a);
	*size = number(&p, i * (a + s) + a, s);
	return true;
}
