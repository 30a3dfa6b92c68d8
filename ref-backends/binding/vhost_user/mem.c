// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/vhost_user/mem.h"

#include <string.h>

static bool overlap(u64 a, u64 b, u64 size_a, u64 size_b)
{
	/* By last bytes: a range may end at 2^64. */
	return a <= b + (size_b - 1) && b <= a + (size_a - 1);
}

/* Sizes are not 0 and no range wraps, here and below: both were checked when it was added. */
static bool wraps(u64 at, u64 size)
{
	return at + (size - 1) < at;
}

static const char *map(struct vub_map *map, const struct vu_mem_region_xen *x, int fd)
{
	if (x->flags)
		return vub_map_xen(map, fd, x);
	return vub_map(map, fd, x->region.mmap_offset, x->region.size);
}

const char *vub_mem_add(struct vub_mem *m, const struct vu_mem_region *r, int fd)
{
	const struct vu_mem_region_xen x = { .region = *r };

	return vub_mem_add_xen(m, &x, fd);
}

const char *vub_mem_add_xen(struct vub_mem *m, const struct vu_mem_region_xen *x, int fd)
{
	const struct vu_mem_region *r = &x->region;
	struct vub_region *new;
	struct vub_map mapping;
	const char *why;
	u32 at = 0;

	if (r->size == 0)
		return "empty region";
	if (wraps(r->gpa, r->size) || wraps(r->uva, r->size))
		return "region wraps the address space";
	if (m->n == VUB_MEM_SLOTS)
		return "no memory slot is left";
	for (u32 i = 0; i < m->n; i++) {
		const struct vub_region *o = &m->regions[i];

		if (overlap(r->gpa, o->gpa, r->size, o->size) ||
		    overlap(r->uva, o->uva, r->size, o->size))
			return "region overlaps another";
	}
	why = map(&mapping, x, fd);
	if (why)
		return why;
	while (at < m->n && m->regions[at].gpa < r->gpa)
		at++;
	new = &m->regions[at];
	memmove(new + 1, new, (m->n - at) * sizeof(*new));
	*new = (struct vub_region){ .gpa = r->gpa, .uva = r->uva, .size = r->size, .map = mapping };
	m->n++;
	return NULL;
}

bool vub_mem_remove(struct vub_mem *m, const struct vu_mem_region *r)
{
	for (u32 i = 0; i < m->n; i++) {
		struct vub_region *o = &m->regions[i];

		if (o->gpa != r->gpa || o->uva != r->uva || o->size != r->size)
			continue;
		vub_unmap(&o->map);
		m->n--;
		memmove(o, o + 1, (m->n - i) * sizeof(*o));
		return true;
	}
	return false;
}

void vub_mem_clear(struct vub_mem *m)
{
	for (u32 i = 0; i < m->n; i++)
		vub_unmap(&m->regions[i].map);
	m->n = 0;
}

/* The last region that begins at or below gpa, if gpa is in it. */
static const struct vub_region *find(const struct vub_mem *m, u64 gpa)
{
	u32 lo = 0, hi = m->n;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (m->regions[mid].gpa <= gpa)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || gpa - m->regions[lo - 1].gpa >= m->regions[lo - 1].size)
		return NULL;
	return &m->regions[lo - 1];
}

void *vub_mem_gpa(const struct vub_mem *m, u64 gpa, u64 *len)
{
	const struct vub_region *r = find(m, gpa);

	if (!r)
		return NULL;
	*len = MIN(*len, r->size - (gpa - r->gpa));
	return r->map.at + (gpa - r->gpa);
}

void vub_mem_region(const struct vub_mem *m, u64 gpa, struct dvq_window *w)
{
	const struct vub_region *r = find(m, gpa);

	if (!r)
		return;
	*w = (struct dvq_window){ r->gpa, r->size, r->map.at };
}

void *vub_mem_uva(const struct vub_mem *m, u64 uva, u64 len)
{
	for (u32 i = 0; i < m->n; i++) {
		const struct vub_region *r = &m->regions[i];
		u64 off = uva - r->uva;

		if (uva >= r->uva && off < r->size && len <= r->size - off)
			return r->map.at + off;
	}
	return NULL;
}

bool vub_mem_gpa_of(const struct vub_mem *m, const void *hva, u64 *gpa)
{
	for (u32 i = 0; i < m->n; i++) {
		const struct vub_region *r = &m->regions[i];
		u64 off = (u64)((const u8 *)hva - r->map.at);

		if ((const u8 *)hva < r->map.at || off >= r->size)
			continue;
		*gpa = r->gpa + off;
		return true;
	}
	return false;
}
