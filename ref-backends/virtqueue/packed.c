// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/virtqueue/packed.h"

#include "ref-backends/fault/fault.h"
#include "ref-backends/virtqueue/walk.h"

enum {
	AVAIL = 1 << VRING_PACKED_DESC_F_AVAIL,
	USED = 1 << VRING_PACKED_DESC_F_USED,
	WRAP = 1 << VRING_PACKED_EVENT_F_WRAP_CTR,
};

static struct dvq_packed_desc desc_of(const struct vring_packed_desc *raw)
{
	return (struct dvq_packed_desc){
		.addr = le64(__atomic_load_n(&raw->addr, __ATOMIC_RELAXED)),
		.len = le32(__atomic_load_n(&raw->len, __ATOMIC_RELAXED)),
		.id = le16(__atomic_load_n(&raw->id, __ATOMIC_RELAXED)),
		.flags = le16(__atomic_load_n(&raw->flags, __ATOMIC_RELAXED)),
	};
}

struct dvq_packed_desc dvq_packed_read(const struct dvq_packed *vq, u16 off)
{
	return desc_of(&vq->desc[off]);
}

struct dvq_at dvq_packed_back(const struct dvq_packed *vq, struct dvq_at at, u32 n)
{
	const bool under = n > at.off;

	return (struct dvq_at){ (u16)(at.off + (under ? vq->num : 0) - n), (u16)(at.wrap ^ under) };
}

static void written(struct dvq_packed *vq, const volatile void *p, u64 len)
{
	if (vq->ops->used_written)
		vq->ops->used_written(vq->ctx, (u64)((const u8 *)p - (u8 *)vq->desc), len);
}

void dvq_packed_init(struct dvq_packed *vq, struct dvq_at avail, struct dvq_at used)
{
	vq->broken = avail.off < vq->num && used.off < vq->num ? DVQ_OK : DVQ_E_HEAD;
	vq->avail = avail;
	vq->used = used;
	vq->unsignalled = 0;
	vq->staged = false;
}

/* 2.8.1: available when AVAIL is the lap's counter and USED is not. */
static bool is_available(struct dvq_packed *vq, struct dvq_at at)
{
	/* Pairs with the driver's barrier between a descriptor and its flags. */
	const u16 flags = le16(__atomic_load_n(&vq->desc[at.off].flags, __ATOMIC_ACQUIRE));
	const bool avail = !(flags & AVAIL) == !at.wrap && !(flags & USED) == !!at.wrap;

	if (fault_active && fault_active->packed_avail)
		return fault_active->packed_avail(vq, &at, flags, avail);
	return avail;
}

/* 2.8.7: the descriptors of a table follow one another; flags other than WRITE are reserved. */
static enum dvq_error walk_table(const struct dvq_memory *m, const struct dvq_packed_desc *d,
				 struct dvq_chain *c)
{
	struct dvq_table t;
	enum dvq_error e = dvq_table_open(&t, m, d->addr, d->len);

	for (u32 i = 0; !e && i < t.num; i++) {
		struct vring_packed_desc raw;
		struct dvq_packed_desc entry;

		if (!dvq_table_read(&t, i, &raw))
			return DVQ_E_MEMORY;
		entry = desc_of(&raw);
		if (entry.flags & VRING_DESC_F_INDIRECT)
			return DVQ_E_NESTED;
		e = dvq_chain_add(m, c, entry.addr, entry.len, entry.flags & VRING_DESC_F_WRITE);
	}
	return e;
}

static enum dvq_error take(struct dvq_packed *vq, const struct dvq_memory *m,
			   const struct dvq_packed_desc *d, struct dvq_chain *c)
{
	if (!(d->flags & VRING_DESC_F_INDIRECT))
		return dvq_chain_add(m, c, d->addr, d->len, d->flags & VRING_DESC_F_WRITE);
	if (!vq->indirect)
		return DVQ_E_INDIRECT;
	if (d->flags & VRING_DESC_F_NEXT || c->descs)
		return DVQ_E_INDIRECT_NEXT;
	return walk_table(m, d, c);
}

enum dvq_error dvq_packed_fetch(struct dvq_packed *vq, struct dvq_packed_chain *p,
				struct dvq_chain *c)
{
	const struct dvq_memory m = { vq->ops, vq->ctx, vq->num };
	enum dvq_error e = DVQ_OK;
	struct dvq_at at = vq->avail;
	struct dvq_packed_desc d;
	u32 n = 0;

	if (vq->broken)
		return vq->broken;
	if (!is_available(vq, at))
		return DVQ_EMPTY;
	dvq_chain_clear(c);
	/* The end is looked for even when something is wrong before it: the ring goes on behind it. */
	do {
		/* 2.8.17: a list is no longer than the ring, and its head becomes available last. */
		if (n == vq->num || (n && !is_available(vq, at))) {
			vq->broken = n == vq->num ? DVQ_E_LONG : DVQ_E_NEXT;
			return vq->broken;
		}
		d = desc_of(&vq->desc[at.off]);
		if (fault_active && fault_active->packed_desc)
			fault_active->packed_desc(vq, &at, &d);
		if (!e)
			e = take(vq, &m, &d, c);
		if (e == DVQ_E_SEGS)
			return e;
		at = dvq_packed_forward(vq, at, 1);
		n++;
	} while (d.flags & VRING_DESC_F_NEXT);
	*p = (struct dvq_packed_chain){ .id = d.id, .slots = (u16)n };
	c->head = d.id;
	c->slots = (u16)n;
	vq->avail = at;
	return e;
}

enum dvq_error dvq_packed_walk(struct dvq_packed *vq, const struct dvq_packed_desc *descs, u32 n,
			       struct dvq_chain *c)
{
	const struct dvq_memory m = { vq->ops, vq->ctx, vq->num };
	enum dvq_error e = n ? DVQ_OK : DVQ_E_NEXT;

	dvq_chain_clear(c);
	for (u32 i = 0; i < n && !e; i++)
		e = take(vq, &m, &descs[i], c);
	c->head = n ? descs[n - 1].id : 0;
	c->slots = (u16)n;
	return e;
}

static void write_used(struct dvq_packed *vq, const struct dvq_packed_used *u)
{
	dvq_packed_write_used(vq, u);
	written(vq, &vq->desc[u->at.off], sizeof(vq->desc[0]));
}

void dvq_packed_flush(struct dvq_packed *vq)
{
	struct vring_packed_desc *d = &vq->desc[vq->staged_off];

	if (!vq->staged)
		return;
	vq->staged = false;
	__atomic_store_n(&d->id, le16(vq->staged_id), __ATOMIC_RELAXED);
	__atomic_store_n(&d->len, le32(vq->staged_len), __ATOMIC_RELAXED);
	__atomic_store_n(&d->flags, le16(vq->staged_flags), __ATOMIC_RELEASE);
	/* As with the used index: logged on both sides of the store that exposes it. */
	written(vq, d, sizeof(*d));
}

static bool push_with_fault(struct dvq_packed *vq, struct dvq_packed_used *u)
{
	if (fault_active->packed_used && fault_active->packed_used(vq, u) == FAULT_DONE)
		return false;
	write_used(vq, u);
	dvq_packed_flush(vq);
	if (fault_active->packed_after_used)
		fault_active->packed_after_used(vq, u);
	return true;
}

bool dvq_packed_stage(struct dvq_packed *vq, struct dvq_packed_chain p, u32 len)
{
	struct dvq_packed_used u = dvq_packed_used_of(vq, p, len);

	if (fault_active)
		return push_with_fault(vq, &u);
	write_used(vq, &u);
	return true;
}

bool dvq_packed_push(struct dvq_packed *vq, struct dvq_packed_chain p, u32 len)
{
	bool pushed = dvq_packed_stage(vq, p, len);

	dvq_packed_flush(vq);
	return pushed;
}

/* Has the place the driver named been passed by one of the last `n` descriptors used? */
static bool passed(const struct dvq_packed *vq, u16 event, u32 n)
{
	const u16 off = event & (WRAP - 1);
	/* Positions on a circle of two laps. */
	const u32 circle = 2 * vq->num;
	const u32 here = vq->used.off + (vq->used.wrap ? 0 : vq->num);
	const u32 there = off + (event & WRAP ? 0 : vq->num);
	const u32 behind = (here + circle - there) % circle;

	return off < vq->num && behind > 0 && behind <= n;
}

/* What the driver asked for (2.8.10). */
static bool wanted(const struct dvq_packed *vq, u32 n)
{
	const u16 flags = le16(__atomic_load_n(&vq->driver->flags, __ATOMIC_ACQUIRE)) & 3;

	if (flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return false;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !vq->event_idx)
		return true;
	return passed(vq, le16(__atomic_load_n(&vq->driver->off_wrap, __ATOMIC_RELAXED)), n);
}

bool dvq_packed_notify_due(struct dvq_packed *vq)
{
	const u32 n = vq->unsignalled;
	bool due;

	if (!n)
		return false;
	vq->unsignalled = 0;
	/* The flags are stored before the driver's wish is read; the driver does the reverse. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	due = wanted(vq, n);
	if (fault_active && fault_active->packed_notify)
		due = fault_active->packed_notify(vq, n, due);
	return due;
}

static void event_written(struct dvq_packed *vq)
{
	if (vq->ops->event_written)
		vq->ops->event_written(vq->ctx);
}

static void store_event(struct dvq_packed *vq, u16 off_wrap, u16 flags)
{
	if (fault_active && fault_active->packed_event)
		fault_active->packed_event(vq, &off_wrap, &flags);
	if (le16(__atomic_load_n(&vq->device->flags, __ATOMIC_RELAXED)) == flags &&
	    le16(__atomic_load_n(&vq->device->off_wrap, __ATOMIC_RELAXED)) == off_wrap)
		return;
	__atomic_store_n(&vq->device->off_wrap, le16(off_wrap), __ATOMIC_RELAXED);
	__atomic_store_n(&vq->device->flags, le16(flags), __ATOMIC_RELEASE);
	event_written(vq);
}

void dvq_packed_kick_disable(struct dvq_packed *vq)
{
	/* The offset means nothing then, and stays. */
	store_event(vq, le16(__atomic_load_n(&vq->device->off_wrap, __ATOMIC_RELAXED)),
		    VRING_PACKED_EVENT_FLAG_DISABLE);
}

bool dvq_packed_kick_enable(struct dvq_packed *vq)
{
	const struct dvq_at at = vq->avail;

	if (vq->event_idx)
		store_event(vq, (u16)(at.off | (at.wrap ? WRAP : 0)), VRING_PACKED_EVENT_FLAG_DESC);
	else
		store_event(vq, 0, VRING_PACKED_EVENT_FLAG_ENABLE);
	/* The wish is stored before the ring is read; the driver does the reverse. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !vq->broken && is_available(vq, at);
}
