// SPDX-License-Identifier: BSD-3-Clause
#include "harness/virtqueue/packed.h"

#include <string.h>

/* See virtqueue/split.c: what is shared is read once, and written once. */
#define RING_READ(x)	 __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define RING_WRITE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

#define AVAIL_BIT (1u << VRING_PACKED_DESC_F_AVAIL)
#define USED_BIT  (1u << VRING_PACKED_DESC_F_USED)
#define WRAP_BIT  (1u << VRING_PACKED_EVENT_F_WRAP_CTR)

u16 vq_packed_avail_bits(bool wrap)
{
	return wrap ? AVAIL_BIT : USED_BIT;
}

u16 vq_packed_used_bits(bool wrap)
{
	return wrap ? AVAIL_BIT | USED_BIT : 0;
}

static inline void advance(const struct vq_packed *vq, struct vq_packed_at *at, u16 n)
{
	const u32 off = (u32)at->off + n;

	at->off = (u16)off;
	if (__builtin_expect(off >= vq->size, 0))
		*at = (struct vq_packed_at){ (u16)(off - vq->size), !at->wrap };
}

struct vq_packed_at vq_packed_forward(const struct vq_packed *vq, struct vq_packed_at at, u16 n)
{
	advance(vq, &at, n);
	return at;
}

void vq_packed_init(struct vq_packed *vq, const struct vq_layout *layout, struct vq_slot *slots,
		    struct vq_packed_at start, bool event_idx)
{
	u16 size = layout->size;

	memset(layout->desc_hva, 0, vq_packed_desc_bytes(size));
	memset(layout->driver_hva, 0, VQ_PACKED_EVENT_BYTES);
	memset(layout->device_hva, 0, VQ_PACKED_EVENT_BYTES);
	*vq = (struct vq_packed){
		.desc = layout->desc_hva,
		.driver = layout->driver_hva,
		.device = layout->device_hva,
		.slots = slots,
		.size = size,
		.event_idx = event_idx,
		.avail = start,
		.free_count = size,
		.used = start,
	};
	/*
	 * Cleared flags read as used in a lap with counter 0, and as nothing in one with counter 1. A ring
	 * that begins elsewhere needs each slot to look as left by the lap before.
	 */
	for (u32 i = 0; i < size; i++) {
		bool wrap = i < start.off ? start.wrap : !start.wrap;

		vq->desc[i].flags = le16(vq_packed_used_bits(wrap));
		slots[i] = (struct vq_slot){ .next = (u16)(i + 1 < size ? i + 1 : 0) };
	}
	if (event_idx)
		vq_packed_set_used_event(vq, start);
}

/* Device-writable bytes of a buffer: what a batch may have written of it (IN_ORDER). */
static u32 room(const struct vq_sg *sg, unsigned out, unsigned in)
{
	u32 bytes = 0;

	for (unsigned k = out; k < out + in; k++)
		bytes += sg[k].len;
	return bytes;
}

/* With IN_ORDER the ids are taken in turn: those outstanding are without a gap. */
static inline u16 take_id(struct vq_packed *vq, unsigned descs, void *token)
{
	const u16 id = vq->free_id;
	struct vq_slot *slot = &vq->slots[id];

	vq->free_id = slot->next;
	vq->free_count -= (u16)descs;
	vq->added++;
	slot->token = token;
	slot->count = (u16)descs;
	return id;
}

/*
 * Write one descriptor. The first one since the last publish is kept back: as long as it is not available, a
 * device does not look at those behind it (2.8.21.1), and one that polls it would take its cache line away
 * between its parts.
 */
static inline void put(struct vq_packed *vq, u64 addr, u32 len, u16 id, u16 flags)
{
	const bool first = vq->written == 0;
	struct vring_packed_desc *d = first ? &vq->unshown_desc : &vq->desc[vq->avail.off];

	if (first)
		vq->unshown = vq->avail;
	d->addr = le64(addr);
	d->len = le32(len);
	d->id = le16(id);
	RING_WRITE(d->flags, le16(flags | vq_packed_avail_bits(vq->avail.wrap)));
	vq->written++;
	advance(vq, &vq->avail, 1);
}

static __attribute__((noinline)) int add_list(struct vq_packed *vq, const struct vq_sg *sg,
					      unsigned out, unsigned in, void *token)
{
	unsigned n = out + in;
	u16 id;

	if (n > vq->free_count)
		return VQ_EMPTY;
	id = take_id(vq, n, token);
	if (vq->in_order)
		vq->slots[id].room = room(sg, out, in);
	for (unsigned k = 0; k < n; k++) {
		u16 flags = k < out ? 0 : VRING_DESC_F_WRITE;

		/* The id counts in the last one only (2.8.6); elsewhere it does no harm. */
		put(vq, sg[k].addr.v, sg[k].len, id, k + 1 < n ? flags | VRING_DESC_F_NEXT : flags);
	}
	return id;
}

int vq_packed_add(struct vq_packed *vq, const struct vq_sg *sg, unsigned out, unsigned in,
		  void *token)
{
	u16 id;

	if (out + in == 0 || vq->free_count == 0)
		return VQ_EMPTY;
	if (out + in > 1)
		return add_list(vq, sg, out, in, token);
	/* The usual small buffer: one piece. */
	id = take_id(vq, 1, token);
	if (vq->in_order)
		vq->slots[id].room = in ? sg->len : 0;
	put(vq, sg->addr.v, sg->len, id, (u16)(in * VRING_DESC_F_WRITE));
	return id;
}

int vq_packed_add_indirect(struct vq_packed *vq, struct vring_packed_desc *table,
			   struct gpa table_addr, const struct vq_sg *sg, unsigned out, unsigned in,
			   void *token)
{
	unsigned n = out + in;
	u16 id;

	if (n == 0 || vq->free_count == 0)
		return VQ_EMPTY;
	/* 2.8.19: entries of a table have no flag but WRITE; their order is that of the table. */
	for (unsigned k = 0; k < n; k++)
		table[k] = (struct vring_packed_desc){
			.addr = le64(sg[k].addr.v),
			.len = le32(sg[k].len),
			.flags = le16(k < out ? 0 : VRING_DESC_F_WRITE),
		};
	id = take_id(vq, 1, token);
	if (vq->in_order)
		vq->slots[id].room = room(sg, out, in);
	put(vq, table_addr.v, n * (u32)sizeof(*table), id, VRING_DESC_F_INDIRECT);
	return id;
}

void vq_packed_publish(struct vq_packed *vq)
{
	struct vring_packed_desc *d = &vq->desc[vq->unshown.off];

	if (!vq->written)
		return;
	d->addr = vq->unshown_desc.addr;
	d->len = vq->unshown_desc.len;
	d->id = vq->unshown_desc.id;
	/* 2.8.21.1.1: all else is visible before the flags that expose it. */
	__atomic_store_n(&d->flags, vq->unshown_desc.flags, __ATOMIC_RELEASE);
	vq->unkicked += vq->written;
	vq->written = 0;
}

typedef u32 __attribute__((may_alias)) any_u32;

/* Off and flags at once: the device may change its mind between two looks. */
static struct vring_packed_desc_event read_event(const struct vring_packed_desc_event *e)
{
	union {
		u32 both;
		struct vring_packed_desc_event e;
	} v = { __atomic_load_n((const any_u32 *)e, __ATOMIC_RELAXED) };

	return v.e;
}

bool vq_packed_kick_due(struct vq_packed *vq)
{
	const u16 shown = vq->unkicked;
	struct vring_packed_desc_event e;
	u16 flags, event;
	u32 back;

	vq->unkicked = 0;
	/* 2.8.21.3.1: the flags are visible before the device's wish is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	e = read_event(vq->device);
	flags = le16(e.flags) & 3;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !vq->event_idx)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	/* How far the event lies behind the next descriptor: among those just shown? */
	event = le16(e.off_wrap) & (WRAP_BIT - 1);
	back = (u32)vq->avail.off - event;
	if (!(le16(e.off_wrap) & WRAP_BIT) != !vq->avail.wrap)
		back += vq->size;
	return back - 1 < shown;
}

static inline bool desc_is_used(const struct vring_packed_desc *d, bool wrap)
{
	u16 flags = le16(__atomic_load_n(&d->flags, __ATOMIC_ACQUIRE));

	return (flags & (AVAIL_BIT | USED_BIT)) == vq_packed_used_bits(wrap);
}

static inline bool is_used(const struct vq_packed *vq, struct vq_packed_at at)
{
	return desc_is_used(&vq->desc[at.off], at.wrap);
}

bool vq_packed_used_pending(const struct vq_packed *vq)
{
	return vq->batch || is_used(vq, vq->used);
}

/* Which of the buffers that are outstanding has this id: the oldest is 1; 0: none. IN_ORDER. */
static u16 place_of(const struct vq_packed *vq, u32 id, u16 oldest)
{
	if (id >= vq->size || !vq->slots[id].token)
		return 0;
	return (u16)((id >= oldest ? id - oldest : id + vq->size - oldest) + 1);
}

/*
 * 2.8.9: buffers are used in the order in which they were made available, and one used descriptor, with
 * the id of the last, may stand for a batch. It lies where the first of them began.
 */
static __attribute__((noinline)) bool batch_begin(struct vq_packed *vq, const struct vq_done *done)
{
	vq->batch_len = done->len;
	vq->batch = place_of(vq, done->id, vq->oldest);
	return vq->batch;
}

static inline bool take_in_order(struct vq_packed *vq, const struct vring_packed_desc *d,
				 struct vq_done *done)
{
	const u16 id = vq->oldest;
	struct vq_slot *slot = &vq->slots[id];

	if (!vq->batch) {
		done->id = le16(RING_READ(d->id));
		done->len = le32(RING_READ(d->len));
		/* Mostly each is used by itself. */
		if ((done->id != id || !slot->token) && !batch_begin(vq, done))
			return false;
	}
	if (vq->batch) {
		done->id = id;
		done->len = --vq->batch ? slot->room : vq->batch_len;
	}
	done->token = slot->token;
	slot->token = NULL;
	vq->oldest = slot->next;
	advance(vq, &vq->used, slot->count);
	vq->free_count += slot->count;
	vq->reaped++;
	return true;
}

/* The used descriptor `d`, which is the next. False: it names no outstanding buffer. */
static inline bool take(struct vq_packed *vq, const struct vring_packed_desc *d,
			struct vq_done *done)
{
	const u16 id = le16(RING_READ(d->id));
	struct vq_slot *slot;
	u16 count;

	done->id = id;
	done->len = le32(RING_READ(d->len));
	if (id >= vq->size)
		return false;
	slot = &vq->slots[id];
	if (!slot->token)
		return false;
	done->token = slot->token;
	count = slot->count;
	slot->token = NULL;
	slot->next = vq->free_id;
	vq->free_id = id;
	vq->free_count += count;
	vq->reaped++;
	advance(vq, &vq->used, count);
	return true;
}

int vq_packed_reap_some(struct vq_packed *vq, struct vq_done *done, unsigned most)
{
	int none = VQ_EMPTY;
	unsigned n = 0;

	while (n < most) {
		const struct vring_packed_desc *d = &vq->desc[vq->used.off];

		if (!vq->batch && !desc_is_used(d, vq->used.wrap))
			break;
		if (!(vq->in_order ? take_in_order(vq, d, &done[n]) : take(vq, d, &done[n]))) {
			none = VQ_BADID;
			break;
		}
		n++;
	}
	return n ? (int)n : none;
}

int vq_packed_reap(struct vq_packed *vq, u32 *id, u32 *len, void **token)
{
	struct vq_done done = { 0 };
	const int n = vq_packed_reap_some(vq, &done, 1);

	if (n == VQ_EMPTY)
		return n;
	*id = done.id;
	*len = done.len;
	if (n < 0)
		return n;
	*token = done.token;
	return (int)done.id;
}

u16 vq_packed_used(const struct vq_packed *vq)
{
	const u16 outstanding = (u16)(vq->added - vq->reaped);
	struct vq_packed_at at = vq->used;
	u16 n = 0, batch = vq->batch, oldest = vq->oldest;

	while (n < outstanding && (batch || is_used(vq, at))) {
		u32 id = le16(RING_READ(vq->desc[at.off].id));

		n++;
		if (vq->in_order) {
			if (!batch)
				batch = place_of(vq, id, oldest);
			if (!batch)
				break;
			batch--;
			id = oldest;
			oldest = vq->slots[oldest].next;
		}
		if (id >= vq->size || !vq->slots[id].token)
			break;
		at = vq_packed_forward(vq, at, vq->slots[id].count);
	}
	return (u16)(vq->reaped + n);
}

void vq_packed_set_used_event(struct vq_packed *vq, struct vq_packed_at event)
{
	RING_WRITE(vq->driver->off_wrap, le16(vq_packed_off_wrap(event)));
	/* The place before the flags that make it count. */
	__atomic_store_n(&vq->driver->flags, le16(VRING_PACKED_EVENT_FLAG_DESC), __ATOMIC_RELEASE);
}

bool vq_packed_enable_calls(struct vq_packed *vq)
{
	if (vq->event_idx)
		vq_packed_set_used_event(vq, vq->used);
	else
		RING_WRITE(vq->driver->flags, le16(VRING_PACKED_EVENT_FLAG_ENABLE));
	/* The wish is visible before the ring is read again: the device may have been faster. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return vq_packed_used_pending(vq);
}

void vq_packed_disable_calls(struct vq_packed *vq)
{
	RING_WRITE(vq->driver->flags, le16(VRING_PACKED_EVENT_FLAG_DISABLE));
}

void vq_packed_raw_desc(struct vq_packed *vq, u16 i, u64 addr, u32 len, u16 id, u16 flags)
{
	struct vring_packed_desc *d = &vq->desc[i];

	d->addr = le64(addr);
	d->len = le32(len);
	d->id = le16(id);
	__atomic_store_n(&d->flags, le16(flags), __ATOMIC_RELEASE);
}
