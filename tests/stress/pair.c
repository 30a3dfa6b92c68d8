// SPDX-License-Identifier: BSD-3-Clause
#include "tests/stress/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/stress/fetch.h"

/* Guest memory: the ring, then a table for each of its entries. Data is never touched. */
#define GPA	   0x100000000ull
#define TABLE_SIZE (PAIR_SEGS * 16u)

/* Data addresses translate to themselves, so that the device's view shows what the driver wrote. */
static void *translate(void *ctx, u64 gpa, u64 *len)
{
	struct pair *p = ctx;

	if (gpa >= PAIR_DATA)
		return (void *)(uintptr_t)gpa;
	if (gpa < GPA || gpa - GPA >= p->bytes)
		return NULL;
	*len = MIN(*len, p->bytes - (gpa - GPA));
	return p->device_ram + (gpa - GPA);
}

static const struct dvq_ops ops = { .translate = translate };

static void init_driver(struct pair *p, struct vq_slot *slots)
{
	const struct pair_shape *sh = &p->shape;
	const struct vq_layout l = {
		.size = sh->size,
		.desc = { GPA },
		.driver = { GPA + p->second },
		.device = { GPA + p->third },
		.desc_hva = p->driver_ram,
		.driver_hva = p->driver_ram + p->second,
		.device_hva = p->driver_ram + p->third,
	};
	const struct vq_packed_at at = { sh->start % sh->size, !(sh->start / sh->size & 1) };
	const struct vq_mode mode = {
		.ring = sh->packed ? VQ_RING_PACKED : VQ_RING_SPLIT,
		.event_idx = sh->event_idx,
		.in_order = sh->in_order,
		.base = sh->packed ? vq_packed_base(at, at) : sh->start,
	};

	vq_init(&p->vq, &mode, &l, slots);
}

static void init_device(struct pair *p)
{
	const struct pair_shape *sh = &p->shape;
	u8 *ram = p->device_ram;
	const struct vq_packed_at at = { sh->start % sh->size, !(sh->start / sh->size & 1) };

	p->dvq = (struct dvq){ .is_packed = sh->packed };
	p->dvq.split.desc = (void *)ram;
	p->dvq.split.avail = (void *)(ram + p->second);
	p->dvq.split.used = (void *)(ram + p->third);
	p->dvq.split.ops = &ops;
	p->dvq.split.ctx = p;
	p->dvq.split.num = sh->size;
	p->dvq.split.event_idx = sh->event_idx;
	p->dvq.split.indirect = true;
	p->dvq.split.window =
		(struct dvq_window){ sh->near, sh->near_bytes, (u8 *)(uintptr_t)sh->near };
	dvq_ring_init(&p->dvq, sh->packed ? vq_packed_base(at, at) : sh->start);
}

static void lay_out(const struct pair_shape *shape, struct pair *p)
{
	p->second = 16ull * shape->size;
	p->third = ALIGN_UP(p->second + vq_split_avail_bytes(shape->size), 64);
	p->tables = ALIGN_UP(p->third + vq_split_used_bytes(shape->size), 64);
	p->bytes = p->tables + (u64)shape->size * TABLE_SIZE;
}

u64 pair_bytes(const struct pair_shape *shape)
{
	struct pair p;

	lay_out(shape, &p);
	return p.bytes;
}

void pair_init(struct pair *p, const struct pair_shape *shape, u8 *driver_ram, u8 *device_ram,
	       struct vq_slot *slots)
{
	*p = (struct pair){ .shape = *shape, .driver_ram = driver_ram, .device_ram = device_ram };
	lay_out(shape, p);
	init_driver(p, slots);
	/* The driver lays the ring out, then both see it. */
	if (device_ram != driver_ram)
		memcpy(device_ram, driver_ram, p->bytes);
	init_device(p);
}

static struct vq_slot *slots_of(const struct pair *p)
{
	return p->shape.packed ? p->vq.packed.slots : p->vq.split.slots;
}

void pair_reset(struct pair *p)
{
	const struct pair_shape shape = p->shape;

	pair_init(p, &shape, p->driver_ram, p->device_ram, slots_of(p));
}

static const char *place_in(const char *table, u64 i, const char *field, char *text, size_t room)
{
	snprintf(text, room, "%s[%llu]%s", table, (unsigned long long)i, field);
	return text;
}

static const char *place_split(const struct pair *p, u64 off, char *text, size_t room)
{
	const u64 avail = p->second, used = p->third, size = p->shape.size;

	if (off >= avail && off < avail + 4)
		return off < avail + 2 ? "avail.flags" : "avail.idx";
	if (off >= avail + 4 && off < avail + 4 + 2 * size)
		return place_in("avail.ring", (off - avail - 4) / 2, "", text, room);
	if (off >= avail + 4 && off < avail + 6 + 2 * size)
		return "avail.used_event";
	if (off >= used && off < used + 4)
		return off < used + 2 ? "used.flags" : "used.idx";
	if (off >= used + 4 && off < used + 4 + 8 * size)
		return place_in("used.ring", (off - used - 4) / 8,
				(off - used - 4) % 8 < 4 ? ".id" : ".len", text, room);
	return off >= used + 4 && off < used + 6 + 8 * size ? "used.avail_event" : NULL;
}

static const char *place_packed(const struct pair *p, u64 off)
{
	if (off >= p->second && off < p->second + 4)
		return off < p->second + 2 ? "driver.off_wrap" : "driver.flags";
	if (off >= p->third && off < p->third + 4)
		return off < p->third + 2 ? "device.off_wrap" : "device.flags";
	return NULL;
}

const char *pair_place(const struct pair *p, u64 off, char *text, size_t room)
{
	static const char *const split[] = { ".addr", ".len", ".flags", ".next" };
	static const char *const packed[] = { ".addr", ".len", ".id", ".flags" };
	const unsigned at = off % 16 < 8 ? 0 : off % 16 < 12 ? 1 : off % 16 < 14 ? 2 : 3;
	const char *field = (p->shape.packed ? packed : split)[at];

	if (off < 16ull * p->shape.size)
		return place_in("desc", off / 16, field, text, room);
	if (off >= p->tables)
		return off < p->bytes ? place_in("table", (off - p->tables) / 16, field, text, room)
				      : NULL;
	return p->shape.packed ? place_packed(p, off) : place_split(p, off, text, room);
}

struct pair *pair_make(const struct pair_shape *shape)
{
	struct pair *p = calloc(1, sizeof(*p));
	u8 *ram = aligned_alloc(64, ALIGN_UP(pair_bytes(shape), 64));
	struct vq_slot *slots = calloc(shape->size, sizeof(*slots));

	if (!p || !ram || !slots) {
		free(p);
		free(ram);
		free(slots);
		return NULL;
	}
	pair_init(p, shape, ram, ram, slots);
	return p;
}

void pair_free(struct pair *p)
{
	if (!p)
		return;
	free(p->driver_ram);
	free(slots_of(p));
	free(p);
}

/* The table of a buffer id: free again when the id is. */
static void *table_of(struct pair *p, u16 id, u64 *gpa)
{
	const u64 at = p->tables + (u64)id * TABLE_SIZE;

	*gpa = GPA + at;
	return p->driver_ram + at;
}

int pair_add(struct pair *p, const struct vq_sg *sg, unsigned out, unsigned in, bool indirect,
	     void *token)
{
	u64 gpa;
	void *table;

	if (!indirect)
		return vq_add(&p->vq, sg, out, in, token);
	table = table_of(p, p->shape.packed ? p->vq.packed.free_id : p->vq.split.free_head, &gpa);
	return vq_add_indirect(&p->vq, table, (struct gpa){ gpa }, sg, out, in, token);
}

void pair_publish(struct pair *p)
{
	vq_publish(&p->vq);
}

bool pair_kick_due(struct pair *p)
{
	return vq_kick_due(&p->vq);
}

int pair_reap(struct pair *p, u32 *len, void **token)
{
	u32 id;

	return vq_reap(&p->vq, &id, len, token);
}

bool pair_enable_calls(struct pair *p)
{
	return vq_enable_calls(&p->vq);
}

void pair_disable_calls(struct pair *p)
{
	vq_disable_calls(&p->vq);
}

/* Segments are the driver's pieces again, since data is contiguous and translates to itself. */
static void take_segs(struct pair_chain *c, const struct dvq_chain *chain)
{
	c->out = chain->n_readable;
	c->in = chain->n_writable;
	for (unsigned i = 0; i < c->out + c->in && i < PAIR_SEGS; i++)
		c->sg[i] = (struct vq_sg){ { (u64)(uintptr_t)chain->segs[i].base },
					   (u32)chain->segs[i].len };
}

int pair_fetch(struct pair *p, struct pair_chain *c)
{
	struct dvq_seg segs[PAIR_SEGS];
	struct dvq_chain chain = { .segs = segs, .cap = PAIR_SEGS };
	enum dvq_error e = fetch_next(&p->dvq, &chain);

	if (e == DVQ_EMPTY)
		return 0;
	if (e != DVQ_OK)
		return -1;
	*c = (struct pair_chain){ .id = chain.head, .slots = chain.slots };
	take_segs(c, &chain);
	return 1;
}

void pair_stage(struct pair *p, const struct pair_chain *c, u32 len)
{
	const struct dvq_chain chain = { .head = (u16)c->id, .slots = (u16)c->slots };

	dvq_ring_stage(&p->dvq, &chain, len);
}

void pair_flush(struct pair *p)
{
	dvq_ring_flush(&p->dvq);
}

void pair_push(struct pair *p, const struct pair_chain *c, u32 len)
{
	pair_stage(p, c, len);
	pair_flush(p);
}

void pair_stage_batch(struct pair *p, const struct pair_chain *c, unsigned n, u32 len)
{
	struct pair_chain all = c[n - 1];

	/* 2.7.9, 2.8.9: one entry, where the first one's would be, and on from there as if all were written. */
	for (unsigned i = 0; i + 1 < n; i++)
		all.slots += c[i].slots;
	pair_stage(p, &all, len);
	if (!p->shape.packed)
		p->dvq.split.used_idx = (u16)(p->dvq.split.used_idx + n - 1);
}

bool pair_notify_due(struct pair *p)
{
	return dvq_ring_notify_due(&p->dvq);
}

bool pair_kick_enable(struct pair *p)
{
	return dvq_ring_kick_enable(&p->dvq);
}

void pair_kick_disable(struct pair *p)
{
	dvq_ring_kick_disable(&p->dvq);
}

bool pair_same_pieces(const struct vq_sg *a, const struct vq_sg *b, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (a[i].addr.v != b[i].addr.v || a[i].len != b[i].len)
			return false;
	return true;
}
