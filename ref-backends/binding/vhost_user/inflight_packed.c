// SPDX-License-Identifier: BSD-3-Clause
/*
 * In-flight tracking of packed rings. free_head, used_idx and used_wrap_counter are what is being changed,
 * their old_ twins what was reached for good: a chain is taken when old_free_head has moved past its
 * descriptors, and returned when the used descriptor stands in the ring, which is how a successor tells
 * whether an update is to be finished or to be undone.
 */
#include <stdlib.h>
#include <string.h>

#include "ref-backends/binding/vhost_user/inflight.h"

#define LOAD  VUB_INFLIGHT_LOAD
#define STORE VUB_INFLIGHT_STORE

enum {
	AVAIL = 1 << VRING_PACKED_DESC_F_AVAIL,
	USED = 1 << VRING_PACKED_DESC_F_USED,
};

static void format(struct vub_inflight_queue *q, struct dvq_at used)
{
	struct vu_inflight_packed *s = q->packed;

	STORE(s->version, 0);
	memset(s->desc, 0, q->size * sizeof(s->desc[0]));
	/* The last one's next is no entry: the list ends there. */
	for (u32 i = 0; i < q->size; i++)
		s->desc[i].next = (u16)(i + 1);
	s->features = 0;
	s->desc_num = q->size;
	s->free_head = s->old_free_head = 0;
	s->used_idx = s->old_used_idx = used.off;
	s->used_wrap_counter = s->old_used_wrap_counter = (u8)used.wrap;
	STORE(s->version, VUB_INFLIGHT_VERSION);
}

/* Positions and list heads lie in the ring and in the table. */
static bool sane(const struct vub_inflight_queue *q, u32 num)
{
	const struct vu_inflight_packed *s = q->packed;

	return LOAD(s->version) == VUB_INFLIGHT_VERSION && LOAD(s->desc_num) == q->size &&
	       LOAD(s->used_idx) < num && LOAD(s->old_used_idx) < num &&
	       LOAD(s->used_wrap_counter) <= 1 && LOAD(s->old_used_wrap_counter) <= 1 &&
	       LOAD(s->free_head) <= q->size && LOAD(s->old_free_head) <= q->size;
}

static void commit(struct vu_inflight_packed *s)
{
	STORE(s->old_free_head, LOAD(s->free_head));
	STORE(s->old_used_idx, LOAD(s->used_idx));
	STORE(s->old_used_wrap_counter, LOAD(s->used_wrap_counter));
}

static void roll_back(struct vu_inflight_packed *s)
{
	STORE(s->free_head, LOAD(s->old_free_head));
	STORE(s->used_idx, LOAD(s->old_used_idx));
	STORE(s->used_wrap_counter, LOAD(s->old_used_wrap_counter));
}

/* Was a used descriptor written where the last one that is certain ended? */
static bool was_shown(const struct vu_inflight_packed *s, const struct dvq_packed *vq)
{
	const u16 flags = dvq_packed_read(vq, LOAD(s->old_used_idx)).flags;

	/* Available in this lap: AVAIL as the wrap counter, USED not. */
	return (flags & (AVAIL | USED)) != (LOAD(s->old_used_wrap_counter) ? AVAIL : USED);
}

/* Where a batch that was interrupted stood, and what is free. */
static void settle(struct vub_inflight_queue *q, const struct dvq_packed *vq)
{
	struct vu_inflight_packed *s = q->packed;
	bool moved = LOAD(s->used_idx) != LOAD(s->old_used_idx) ||
		     LOAD(s->used_wrap_counter) != LOAD(s->old_used_wrap_counter);
	u16 at;

	if (moved && was_shown(s, vq))
		commit(s);
	roll_back(s);
	at = LOAD(s->free_head);
	for (u32 i = 0; i < q->size && at < q->size; i++) {
		STORE(s->desc[at].inflight, 0);
		at = LOAD(s->desc[at].next);
	}
}

struct entry {
	u64 counter;
	u16 index;
};

static int by_counter(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->counter < y->counter ? -1 : x->counter > y->counter;
}

/* Entries in flight, in their order; *descs is how many descriptors they have. */
static u32 collect(struct vub_inflight_queue *q, u32 num, u16 *entries, u32 *descs)
{
	struct entry *open = calloc(q->size, sizeof(*open));
	u32 n = 0;

	if (!open)
		abort(); /* to go on would lose requests */
	*descs = 0;
	for (u32 i = 0; i < q->size; i++) {
		struct vu_inflight_packed_desc *d = &q->packed->desc[i];
		u16 has = LOAD(d->num);

		if (LOAD(d->inflight) != 1)
			continue;
		/* More than the ring holds: not what we wrote. */
		if (has == 0 || has > num - *descs) {
			STORE(d->inflight, 0);
			continue;
		}
		*descs += has;
		open[n++] = (struct entry){ .counter = LOAD(d->counter), .index = (u16)i };
		q->counter = MAX(q->counter, LOAD(d->counter) + 1);
	}
	qsort(open, n, sizeof(*open), by_counter);
	for (u32 i = 0; i < n; i++)
		entries[i] = open[i].index;
	free(open);
	return n;
}

u32 vub_inflight_packed_open(struct vub_inflight *f, struct vub_inflight_queue *q, u16 queue,
			     struct dvq_packed *vq, u16 *entries)
{
	u32 n, descs;

	memset(q, 0, sizeof(*q));
	if (!f->map.map || queue >= f->num_queues)
		return 0;
	q->packed = (struct vu_inflight_packed *)(f->map.at +
						  queue * vub_inflight_stride(true, f->queue_size));
	q->size = f->queue_size;
	if (!sane(q, vq->num)) {
		/* Version 0 is a buffer never used; anything else cannot be relied on. */
		format(q, vq->used);
		return 0;
	}
	q->recovered = true;
	settle(q, vq);
	n = collect(q, vq->num, entries, &descs);
	vq->used = (struct dvq_at){ LOAD(q->packed->used_idx), LOAD(q->packed->used_wrap_counter) };
	vq->avail = dvq_packed_forward(vq, vq->used, descs);
	return n;
}

enum dvq_error vub_inflight_packed_walk(const struct vub_inflight_queue *q, u16 entry,
					struct dvq_packed *vq, struct dvq_chain *c)
{
	u32 n = LOAD(q->packed->desc[entry].num);
	struct dvq_packed_desc *descs = calloc(MAX(n, 1), sizeof(*descs));
	enum dvq_error e = DVQ_E_NEXT;
	u16 at = entry;
	u32 i;

	if (!descs)
		abort();
	for (i = 0; i < n && at < q->size; i++) {
		const struct vu_inflight_packed_desc *d = &q->packed->desc[at];

		descs[i] = (struct dvq_packed_desc){ LOAD(d->addr), LOAD(d->len), LOAD(d->id),
						     LOAD(d->flags) };
		at = LOAD(d->next);
	}
	e = dvq_packed_walk(vq, descs, i, c);
	/* Its place in the ring is what was counted, however much of it is left. */
	c->slots = (u16)n;
	free(descs);
	return i < n ? DVQ_E_NEXT : e;
}

/* The first free entry. In a ring that is used as it should be there always is one. */
static u16 first_free(const struct vub_inflight_queue *q)
{
	const u16 at = LOAD(q->packed->free_head);

	return at < q->size ? at : 0;
}

u16 vub_inflight_packed_get(struct vub_inflight_queue *q, const struct dvq_packed *vq,
			    const struct dvq_chain *c)
{
	struct vu_inflight_packed *s = q->packed;
	struct dvq_at at = dvq_packed_back(vq, vq->avail, c->slots);
	const u16 head = first_free(q);

	STORE(s->desc[head].num, 0);
	STORE(s->desc[head].counter, q->counter++);
	STORE(s->desc[head].inflight, 1);
	for (u32 i = 0; i < c->slots; i++) {
		const struct dvq_packed_desc d = dvq_packed_read(vq, at.off);
		const u16 free_head = first_free(q);
		struct vu_inflight_packed_desc *e = &s->desc[free_head];

		if (i + 1 == c->slots)
			STORE(s->desc[head].last, free_head);
		STORE(s->desc[head].num, (u16)(i + 1));
		STORE(e->addr, d.addr);
		STORE(e->len, d.len);
		STORE(e->flags, d.flags);
		STORE(e->id, i + 1 == c->slots ? c->head : d.id);
		STORE(s->free_head, LOAD(e->next));
		at = dvq_packed_forward(vq, at, 1);
	}
	STORE(s->old_free_head, LOAD(s->free_head));
	return head;
}

void vub_inflight_packed_put(struct vub_inflight_queue *q, u16 entry, const struct dvq_packed *vq)
{
	struct vu_inflight_packed *s = q->packed;
	struct vu_inflight_packed_desc *e = &s->desc[entry];
	const struct dvq_at after = dvq_packed_forward(vq, vq->used, LOAD(e->num));
	const u16 last = LOAD(e->last);

	if (last < q->size)
		STORE(s->desc[last].next, LOAD(s->free_head));
	STORE(s->free_head, entry);
	STORE(s->used_idx, after.off);
	STORE(s->used_wrap_counter, (u8)after.wrap);
}

void vub_inflight_packed_done(struct vub_inflight_queue *q, u16 entry)
{
	STORE(q->packed->desc[entry].inflight, 0);
	commit(q->packed);
}

void vub_inflight_packed_undo(struct vub_inflight_queue *q, u16 entry)
{
	struct vu_inflight_packed *s = q->packed;
	const u16 last = LOAD(s->desc[entry].last);

	if (last < q->size)
		STORE(s->desc[last].next, LOAD(s->free_head));
	STORE(s->free_head, entry);
	STORE(s->desc[entry].inflight, 0);
	commit(s);
}
