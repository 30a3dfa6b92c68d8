// SPDX-License-Identifier: BSD-3-Clause
#include "tests/stress/pair.h"

#include <stdlib.h>

#include "harness/virtqueue/packed.h"
#include "ref-backends/virtqueue/packed.h"
#include "ref-backends/virtqueue/split.h"

/* Guest memory: the ring, then a table for each of its entries. Data is never touched. */
#define GPA	   0x100000000ull
#define DATA	   0x800000000000ull
#define TABLE_SIZE (PAIR_SEGS * 16u)

struct pair {
	struct pair_shape shape;
	u8 *ram;
	u64 bytes;
	u64 tables; /* offset */
	struct vq_split vs;
	struct vq_packed vp;
	void *slots;
	struct dvq_split ds;
	struct dvq_packed dp;
};

/* Data addresses translate to themselves, so that the device's view shows what the driver wrote. */
static void *translate(void *ctx, u64 gpa, u64 *len)
{
	struct pair *p = ctx;

	if (gpa >= DATA)
		return (void *)(uintptr_t)gpa;
	if (gpa < GPA || gpa - GPA >= p->bytes)
		return NULL;
	*len = MIN(*len, p->bytes - (gpa - GPA));
	return p->ram + (gpa - GPA);
}

static const struct dvq_ops ops = { .translate = translate };

static void make_split(struct pair *p, u64 avail, u64 used)
{
	const struct vq_layout l = {
		.size = p->shape.size,
		.desc = { GPA },
		.driver = { GPA + avail },
		.device = { GPA + used },
		.desc_hva = p->ram,
		.driver_hva = p->ram + avail,
		.device_hva = p->ram + used,
	};

	vq_split_init(&p->vs, &l, p->slots, p->shape.start, p->shape.event_idx);
	p->ds = (struct dvq_split){
		.desc = l.desc_hva,
		.avail = l.driver_hva,
		.used = l.device_hva,
		.ops = &ops,
		.ctx = p,
		.num = l.size,
		.event_idx = p->shape.event_idx,
		.indirect = true,
	};
	dvq_init(&p->ds, p->shape.start);
}

static void make_packed(struct pair *p, u64 driver, u64 device)
{
	const struct vq_layout l = {
		.size = p->shape.size,
		.desc = { GPA },
		.driver = { GPA + driver },
		.device = { GPA + device },
		.desc_hva = p->ram,
		.driver_hva = p->ram + driver,
		.device_hva = p->ram + device,
	};
	const u16 off = p->shape.start % l.size;
	const bool wrap = !(p->shape.start / l.size & 1);

	vq_packed_init(&p->vp, &l, p->slots, (struct vq_packed_at){ off, wrap },
		       p->shape.event_idx);
	p->dp = (struct dvq_packed){
		.desc = l.desc_hva,
		.driver = l.driver_hva,
		.device = l.device_hva,
		.ops = &ops,
		.ctx = p,
		.num = l.size,
		.event_idx = p->shape.event_idx,
		.indirect = true,
	};
	dvq_packed_init(&p->dp, (struct dvq_at){ off, wrap }, (struct dvq_at){ off, wrap });
}

struct pair *pair_make(const struct pair_shape *shape)
{
	struct pair *p = calloc(1, sizeof(*p));
	u64 second = 16ull * shape->size;
	u64 third = ALIGN_UP(second + vq_split_avail_bytes(shape->size), 64);

	if (!p)
		return NULL;
	p->shape = *shape;
	p->tables = ALIGN_UP(third + vq_split_used_bytes(shape->size), 64);
	p->bytes = p->tables + (u64)shape->size * TABLE_SIZE;
	p->ram = aligned_alloc(64, ALIGN_UP(p->bytes, 64));
	p->slots = calloc(shape->size, MAX(sizeof(struct vq_slot), sizeof(struct vq_slot)));
	if (!p->ram || !p->slots) {
		pair_free(p);
		return NULL;
	}
	(shape->packed ? make_packed : make_split)(p, second, third);
	return p;
}

void pair_free(struct pair *p)
{
	if (!p)
		return;
	free(p->ram);
	free(p->slots);
	free(p);
}

/* The table of a buffer id: free again when the id is. */
static void *table_of(struct pair *p, u16 id, u64 *gpa)
{
	const u64 at = p->tables + (u64)id * TABLE_SIZE;

	*gpa = GPA + at;
	return p->ram + at;
}

int pair_add(struct pair *p, const struct vq_sg *sg, unsigned out, unsigned in, bool indirect,
	     void *token)
{
	u64 gpa;
	void *table;

	if (!indirect)
		return p->shape.packed ? vq_packed_add(&p->vp, sg, out, in, token)
				       : vq_split_add(&p->vs, sg, out, in, token);
	table = table_of(p, p->shape.packed ? p->vp.free_id : p->vs.free_head, &gpa);
	return p->shape.packed ? vq_packed_add_indirect(&p->vp, table, (struct gpa){ gpa }, sg, out,
							in, token)
			       : vq_split_add_indirect(&p->vs, table, (struct gpa){ gpa }, sg, out,
						       in, token);
}

void pair_publish(struct pair *p)
{
	if (p->shape.packed)
		vq_packed_publish(&p->vp);
	else
		vq_split_publish(&p->vs);
}

bool pair_kick_due(struct pair *p)
{
	return p->shape.packed ? vq_packed_kick_due(&p->vp) : vq_split_kick_due(&p->vs);
}

int pair_reap(struct pair *p, u32 *len, void **token)
{
	u32 id;

	return p->shape.packed ? vq_packed_reap(&p->vp, &id, len, token)
			       : vq_split_reap(&p->vs, &id, len, token);
}

bool pair_enable_calls(struct pair *p)
{
	return p->shape.packed ? vq_packed_enable_calls(&p->vp) : vq_split_enable_calls(&p->vs);
}

void pair_disable_calls(struct pair *p)
{
	if (p->shape.packed)
		vq_packed_disable_calls(&p->vp);
	else
		vq_split_disable_calls(&p->vs);
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
	enum dvq_error e;

	if (p->shape.packed) {
		struct dvq_packed_chain pc;

		e = dvq_packed_fetch(&p->dp, &pc, &chain);
		if (e == DVQ_OK)
			*c = (struct pair_chain){ .id = pc.id, .slots = pc.slots };
	} else {
		u16 head;

		e = dvq_fetch(&p->ds, &head);
		if (e == DVQ_OK) {
			*c = (struct pair_chain){ .id = head };
			e = dvq_walk(&p->ds, head, &chain);
		}
	}
	if (e == DVQ_EMPTY)
		return 0;
	if (e != DVQ_OK)
		return -1;
	take_segs(c, &chain);
	return 1;
}

void pair_push(struct pair *p, const struct pair_chain *c, u32 len)
{
	if (p->shape.packed)
		dvq_packed_push(&p->dp, (struct dvq_packed_chain){ (u16)c->id, (u16)c->slots },
				len);
	else
		dvq_push(&p->ds, (u16)c->id, len);
}

bool pair_notify_due(struct pair *p)
{
	return p->shape.packed ? dvq_packed_notify_due(&p->dp) : dvq_notify_due(&p->ds);
}

bool pair_kick_enable(struct pair *p)
{
	return p->shape.packed ? dvq_packed_kick_enable(&p->dp) : dvq_kick_enable(&p->ds);
}

void pair_kick_disable(struct pair *p)
{
	if (p->shape.packed)
		dvq_packed_kick_disable(&p->dp);
	else
		dvq_kick_disable(&p->ds);
}
