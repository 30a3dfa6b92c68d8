// SPDX-License-Identifier: BSD-3-Clause
/*
 * Packed rings over time: lists that are not whole, and descriptors that change while the device has
 * them.
 *
 * A descriptor is kept as it was when its chain was taken, and compared when that is returned. Not all of
 * them can be: used descriptors are written over those of chains that are still in flight, and what is
 * returned out of order frees as many places at the beginning as it took further on. Those places are
 * the driver's again, and nothing is said of them.
 */
#include "ref-backends/judge/packed.h"

#include <stdlib.h>

enum {
	CHANGED_USED, /* 0 */
	CHANGED_AVAIL,
	CHANGED_ANY,
	TOO_LONG,
	COUNTS_ON,
	NOT_RESERVED,
	HEAD_FIRST,
	CLAUSES
};

static const char *const clauses[CLAUSES] = {
	[CHANGED_USED] = "v14.packed-ring.desc-table.drv.1",
	[CHANGED_AVAIL] = "v14.packed-ring.desc-table.drv.2",
	[CHANGED_ANY] = "v14.init.device-cleanup.drv.1",
	[TOO_LONG] = "v14.packed-ring.scatter-gather.drv.2",
	[COUNTS_ON] = "v14.packed-ring.scatter-gather.drv.4",
	[NOT_RESERVED] = "v14.packed-ring.scatter-gather.drv.5",
	[HEAD_FIRST] = "v14.packed-ring.scatter-gather.drv.6",
};
static u64 looked[CLAUSES];

#define IDS 0x10000u /* buffer ids are the driver's choice */

/* A place in the ring, as it was when chain number `owner` was taken. 0: it says nothing. */
struct place {
	struct dvq_packed_desc desc;
	u64 owner;
};

/* A chain in flight. */
struct flight {
	u64 number; /* 0: none */
	u64 table;  /* the sum of its indirect table; 0: it has none */
	u16 first, slots;
	bool twice; /* another with this id was taken while it was in flight */
};

static struct book {
	u32 num;
	struct place *places;
	struct flight *flights; /* by buffer id */
	u64 number;
} books[JD_RINGS];

void jd_packed_claims(jd_claim_fn *claim)
{
	for (size_t i = 0; i < CLAUSES; i++)
		claim(clauses[i], looked[i]);
}

struct dvq_at jd_packed_first(const struct vub_ring *r, u16 slots)
{
	return dvq_packed_back(&r->ring.packed, r->ring.packed.avail, slots);
}

void jd_packed_ring_start(struct vub_ring *r)
{
	struct book *b = &books[r->index];

	free(b->places);
	free(b->flights);
	*b = (struct book){
		.num = r->num,
		.places = calloc(r->num, sizeof(*b->places)),
		.flights = calloc(IDS, sizeof(*b->flights)),
	};
	if (!b->places || !b->flights)
		b->num = 0;
}

u32 jd_packed_available(const struct dvq_packed *vq, bool list)
{
	struct dvq_at at = vq->avail;
	u32 n = 0;

	while (n < vq->num) {
		const u16 flags = dvq_packed_read(vq, at.off).flags;

		if (!dvq_packed_is_new(flags, at.wrap))
			break;
		n++;
		if (list && !(flags & VRING_DESC_F_NEXT))
			break;
		at = dvq_packed_forward(vq, at, 1);
	}
	return n;
}

/* In two laps. */
static u32 place(const struct dvq_packed *vq, struct dvq_at at)
{
	return at.off + (at.wrap ? 0 : vq->num);
}

u32 jd_packed_between(const struct dvq_packed *vq, struct dvq_at from, struct dvq_at to)
{
	const u32 circle = 2 * vq->num;

	return circle ? (place(vq, to) + circle - place(vq, from)) % circle : 0;
}

static void not_whole(const struct vub_ring *r)
{
	const struct dvq_packed *vq = &r->ring.packed;
	const u32 n = jd_packed_available(vq, true);
	/* Places that the driver does not have: taken, and not returned. */
	const u32 flying = jd_packed_between(vq, vq->used, vq->avail);
	static const char form[] =
		"ring %u of %u: a list begins with %u descriptors and does not go "
		"on; %u others are in flight";

	jd_broke(clauses[HEAD_FIRST], form, r->index, r->num, n, flying);
	if (n + flying < r->num)
		return;
	/* There is no room for the next one. */
	jd_broke(clauses[COUNTS_ON], form, r->index, r->num, n, flying);
	jd_broke(clauses[NOT_RESERVED], form, r->index, r->num, n, flying);
}

void jd_packed_avail(struct vub_ring *r, int error)
{
	if (error == DVQ_EMPTY)
		return;
	for (int i = TOO_LONG; i <= HEAD_FIRST; i++)
		jd_look(&looked[i]);
	if (error == DVQ_E_NEXT)
		not_whole(r);
	else if (error == DVQ_E_LONG && jd_packed_available(&r->ring.packed, true) == r->num)
		jd_broke(clauses[TOO_LONG],
			 "ring %u: a list has no end in the %u descriptors of it", r->index,
			 r->num);
}

/* FNV-1a over an indirect table, as much of it as a chain can use. Never 0. */
static u64 table_sum(const struct vub_ring *r, const struct dvq_packed_desc *d)
{
	u64 len = MIN(d->len, (u64)DVQ_MIN_LIMIT * sizeof(struct vring_packed_desc));
	const u8 *table = jd_table(r, d->addr, &len);
	u64 sum = 0xcbf29ce484222325;

	for (u64 b = 0; table && b < len; b++)
		sum = (sum ^ table[b]) * 0x100000001b3;
	return sum | 1;
}

/* The table of a chain whose first descriptor this is; 0: there is none. */
static u64 table_of(const struct vub_ring *r, const struct dvq_packed_desc *d)
{
	return d->flags & VRING_DESC_F_INDIRECT ? table_sum(r, d) : 0;
}

void jd_packed_chain(struct vub_ring *r, const struct dvq_chain *c, int error)
{
	struct book *b = &books[r->index];
	struct dvq_packed *vq = &r->ring.packed;
	struct flight *f = b->num ? &b->flights[c->head] : NULL;
	struct dvq_at at = jd_packed_first(r, c->slots);

	if (!f)
		return;
	if (f->number) {
		f->twice = true;
		return;
	}
	*f = (struct flight){ .number = ++b->number, .first = at.off, .slots = c->slots };
	for (u32 n = 0; n < c->slots; n++) {
		b->places[at.off] = (struct place){ dvq_packed_read(vq, at.off), f->number };
		at = dvq_packed_forward(vq, at, 1);
	}
	if (!error)
		f->table = table_of(r, &b->places[f->first].desc);
}

static bool same(const struct dvq_packed_desc *a, const struct dvq_packed_desc *b)
{
	return a->addr == b->addr && a->len == b->len && a->id == b->id && a->flags == b->flags;
}

/* Are the chain's own descriptors as they were? Which is not, or -1. */
static int changed_at(const struct vub_ring *r, const struct flight *f)
{
	const struct book *b = &books[r->index];

	for (u32 n = 0; n < f->slots; n++) {
		const u32 off = (f->first + n) % b->num;
		const struct dvq_packed_desc now = dvq_packed_read(&r->ring.packed, (u16)off);

		if (b->places[off].owner == f->number && !same(&now, &b->places[off].desc))
			return (int)off;
	}
	return -1;
}

static void compare(const struct vub_ring *r, const struct flight *f, u16 id)
{
	const struct place *first = &books[r->index].places[f->first];
	int off = changed_at(r, f);

	for (int i = CHANGED_USED; i <= CHANGED_ANY; i++) {
		jd_look(&looked[i]);
		if (off >= 0)
			jd_broke(
				clauses[i],
				"ring %u: descriptor %d of buffer %u changed before it was returned",
				r->index, off, id);
	}
	/* Where the table was is known only as long as the descriptor is. */
	if (off < 0 && f->table && first->owner == f->number &&
	    table_sum(r, &first->desc) != f->table)
		jd_broke(clauses[CHANGED_ANY],
			 "ring %u: the table of buffer %u changed before it was returned", r->index,
			 id);
}

/* The used descriptor goes where `used` is, and the driver has that and what follows back. */
void jd_packed_used(struct vub_ring *r, u16 id)
{
	struct book *b = &books[r->index];
	struct flight *f = b->num ? &b->flights[id] : NULL;
	struct dvq_at at = r->ring.packed.used;

	if (!f || !f->number)
		return;
	if (!f->twice && r->vq.desc)
		compare(r, f, id);
	for (u32 n = 0; n < f->slots; n++) {
		b->places[(f->first + n) % b->num].owner = 0;
		b->places[at.off].owner = 0;
		at = dvq_packed_forward(&r->ring.packed, at, 1);
	}
	f->number = 0;
}
