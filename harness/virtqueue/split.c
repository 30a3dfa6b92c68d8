// SPDX-License-Identifier: BSD-3-Clause
#include "harness/virtqueue/split.h"

#include <string.h>

/*
 * The rings are shared with somebody who may be malicious and is certainly concurrent. Every field
 * that the device can write is read exactly once, and every field it may read at any time is
 * written exactly once, by these.
 */
#define RING_READ(x)	 __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define RING_WRITE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

void vq_split_init(struct vq_split *vq, const struct vq_layout *layout, struct vq_slot *slots,
		   u16 base, bool event_idx)
{
	u16 size = layout->size;

	memset(layout->desc_hva, 0, vq_split_desc_bytes(size));
	memset(layout->driver_hva, 0, vq_split_avail_bytes(size));
	memset(layout->device_hva, 0, vq_split_used_bytes(size));
	*vq = (struct vq_split){
		.desc = layout->desc_hva,
		.avail = layout->driver_hva,
		.used = layout->device_hva,
		.slots = slots,
		.size = size,
		.mask = (u16)(size - 1),
		.event_idx = event_idx,
		.free_count = size,
		.avail_idx = base,
		.kicked_idx = base,
		.used_idx = base,
	};
	RING_WRITE(vq->avail->idx, le16(base));
	RING_WRITE(vq->used->idx, le16(base));
	for (u32 i = 0; i < size; i++)
		slots[i] = (struct vq_slot){ .next = (u16)((i + 1) & vq->mask) };
	if (event_idx) {
		vq_split_set_used_event(vq, base);
		/* What a device that came to `base` has left there: it wants to hear of the next one. */
		RING_WRITE(*vq_split_avail_event(vq), le16(base));
	}
}

typedef u64 __attribute__((may_alias)) any_u64;

/*
 * Only what is not there yet: a buffer is often at the place where the one before it was, and a line that is not
 * written stays in the device's cache.
 */
static inline void desc_write(struct vring_desc *d, u64 addr, u32 len, u16 flags, u16 next)
{
	any_u64 *half = (any_u64 *)d;
	const u64 is[] = { le64(addr), le64((u64)len | (u64)flags << 32 | (u64)next << 48) };

	if (RING_READ(half[0]) != is[0])
		RING_WRITE(half[0], is[0]);
	if (RING_READ(half[1]) != is[1])
		RING_WRITE(half[1], is[1]);
}

/* Device-writable bytes of a buffer: what a batch may have written of it (IN_ORDER). */
static u32 room(const struct vq_sg *sg, unsigned out, unsigned in)
{
	u32 bytes = 0;

	for (unsigned k = out; k < out + in; k++)
		bytes += sg[k].len;
	return bytes;
}

static void avail_push(struct vq_split *vq, u16 head)
{
	vq->avail->ring[vq->avail_idx & vq->mask] = le16(head);
	vq->avail_idx++;
}

/* The usual small buffer: one piece. There is room for it. */
static inline int add_one(struct vq_split *vq, const struct vq_sg *sg, u16 flags, void *token)
{
	const u16 head = vq->free_head;
	struct vq_slot *slot = &vq->slots[head];

	desc_write(&vq->desc[head], sg->addr.v, sg->len, flags, 0);
	vq->free_head = slot->next;
	vq->free_count--;
	slot->token = token;
	slot->count = 1;
	if (vq->in_order)
		slot->room = flags ? sg->len : 0;
	avail_push(vq, head);
	return head;
}

static __attribute__((noinline)) int add_list(struct vq_split *vq, const struct vq_sg *sg,
					      unsigned out, unsigned in, void *token)
{
	unsigned n = out + in;
	u16 head = vq->free_head;
	u16 i = head;

	if (n > vq->free_count)
		return VQ_EMPTY;
	for (unsigned k = 0; k < n; k++) {
		u16 next = vq->slots[i].next;
		u16 flags = k < out ? 0 : VRING_DESC_F_WRITE;

		if (k + 1 < n)
			desc_write(&vq->desc[i], sg[k].addr.v, sg[k].len, flags | VRING_DESC_F_NEXT,
				   next);
		else
			desc_write(&vq->desc[i], sg[k].addr.v, sg[k].len, flags, 0);
		i = next;
	}
	vq->free_head = i;
	vq->free_count -= (u16)n;
	vq->slots[head].token = token;
	vq->slots[head].count = (u16)n;
	if (vq->in_order)
		vq->slots[head].room = room(sg, out, in);
	avail_push(vq, head);
	return head;
}

int vq_split_add(struct vq_split *vq, const struct vq_sg *sg, unsigned out, unsigned in,
		 void *token)
{
	if (out + in == 0 || vq->free_count == 0)
		return VQ_EMPTY;
	if (out + in == 1)
		return add_one(vq, sg, (u16)(in * VRING_DESC_F_WRITE), token);
	return add_list(vq, sg, out, in, token);
}

int vq_split_add_indirect(struct vq_split *vq, struct vring_desc *table, struct gpa table_addr,
			  const struct vq_sg *sg, unsigned out, unsigned in, void *token)
{
	unsigned n = out + in;
	u16 head = vq->free_head;

	if (n == 0 || vq->free_count == 0)
		return VQ_EMPTY;
	for (unsigned k = 0; k < n; k++) {
		u16 flags = k < out ? 0 : VRING_DESC_F_WRITE;
		bool last = k + 1 == n;

		desc_write(&table[k], sg[k].addr.v, sg[k].len,
			   last ? flags : flags | VRING_DESC_F_NEXT, last ? 0 : (u16)(k + 1));
	}
	vq->free_head = vq->slots[head].next;
	vq->free_count--;
	desc_write(&vq->desc[head], table_addr.v, n * (u32)sizeof(*table), VRING_DESC_F_INDIRECT,
		   0);
	vq->slots[head].token = token;
	vq->slots[head].count = 1;
	if (vq->in_order)
		vq->slots[head].room = room(sg, out, in);
	avail_push(vq, head);
	return head;
}

void vq_split_publish(struct vq_split *vq)
{
	/* 2.7.13.3: the entries are visible before the index that covers them. */
	__atomic_store_n(&vq->avail->idx, le16(vq->avail_idx), __ATOMIC_RELEASE);
}

bool vq_split_kick_due(struct vq_split *vq)
{
	u16 old = vq->kicked_idx;

	vq->kicked_idx = vq->avail_idx;
	/*
	 * 2.7.13.4.1: the index is visible before the device's wish is read. Without the full barrier
	 * both sides can miss the other's store, and sleep.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (vq->event_idx) {
		u16 event = le16(RING_READ(*vq_split_avail_event(vq)));

		return vring_need_event(event, vq->avail_idx, old);
	}
	return !(le16(RING_READ(vq->used->flags)) & VRING_USED_F_NO_NOTIFY);
}

/* Give the slots of a chain back to the free list. */
static inline void slots_free(struct vq_split *vq, struct vq_slot *slot, u16 head)
{
	const u16 count = slot->count;
	struct vq_slot *last = slot;

	/* The bookkeeping's own links, never the table's: the device could have written that. */
	for (u16 k = 1; k < count; k++)
		last = &vq->slots[last->next];
	last->next = vq->free_head;
	vq->free_head = head;
	vq->free_count += count;
	slot->token = NULL;
}

/* Which of the buffers that are outstanding has the head `id`: the first is 1; 0: none. */
static u16 place_of(const struct vq_split *vq, u32 id)
{
	u16 head = vq->oldest;

	for (u16 n = 1; n <= vq->size && vq->slots[head].token; n++) {
		if (head == id)
			return n;
		head = (u16)(head + vq->slots[head].count) & vq->mask;
	}
	return 0;
}

/*
 * 2.7.9: buffers are used in the order in which they were made available, and one element, with the
 * head of the last, may stand for a batch. Descriptors are taken in the order of the table then, so
 * that the free ones need no list.
 */
static __attribute__((noinline)) bool batch_begin(struct vq_split *vq, const struct vq_done *done)
{
	vq->batch_len = done->len;
	vq->batch = place_of(vq, done->id);
	/* The index covers the whole batch, or none of it. */
	if (vq->batch > (u16)(vq_split_raw_used_idx(vq) - vq->used_idx))
		vq->batch = 0;
	return vq->batch;
}

static inline bool take_in_order(struct vq_split *vq, struct vq_done *done)
{
	const struct vring_used_elem *e = &vq->used->ring[vq->used_idx & vq->mask];
	const u16 head = vq->oldest;
	struct vq_slot *slot = &vq->slots[head];

	if (!vq->batch) {
		done->id = le32(RING_READ(e->id));
		done->len = le32(RING_READ(e->len));
		/* Mostly each is used by itself. */
		if ((done->id != head || !slot->token) && !batch_begin(vq, done))
			return false;
	}
	if (vq->batch) {
		done->id = head;
		done->len = --vq->batch ? slot->room : vq->batch_len;
	}
	done->token = slot->token;
	slot->token = NULL;
	vq->oldest = (u16)(head + slot->count) & vq->mask;
	vq->free_count += slot->count;
	vq->used_idx++;
	return true;
}

/* The next used element, which is there. False: it names no outstanding buffer, and nothing was taken. */
static inline bool take(struct vq_split *vq, struct vq_done *done)
{
	const struct vring_used_elem *e = &vq->used->ring[vq->used_idx & vq->mask];
	const u32 head = le32(RING_READ(e->id));
	struct vq_slot *slot;

	done->id = head;
	done->len = le32(RING_READ(e->len));
	if (head >= vq->size)
		return false;
	slot = &vq->slots[head];
	if (!slot->token)
		return false;
	done->token = slot->token;
	slots_free(vq, slot, (u16)head);
	vq->used_idx++;
	return true;
}

int vq_split_reap_some(struct vq_split *vq, struct vq_done *done, unsigned most)
{
	const u16 pending = (u16)(vq_split_raw_used_idx(vq) - vq->used_idx);
	const unsigned count = MIN(most, (unsigned)pending);
	unsigned n = 0;

	if (!count)
		return VQ_EMPTY;
	if (vq->in_order)
		while (n < count && take_in_order(vq, &done[n]))
			n++;
	else
		while (n < count && take(vq, &done[n]))
			n++;
	if (n)
		return (int)n;
	vq->used_idx++;
	return VQ_BADID;
}

int vq_split_reap(struct vq_split *vq, u32 *id, u32 *len, void **token)
{
	struct vq_done done = { 0 };
	const int n = vq_split_reap_some(vq, &done, 1);

	if (n == VQ_EMPTY)
		return n;
	*id = done.id;
	*len = done.len;
	if (n < 0)
		return n;
	*token = done.token;
	return (int)done.id;
}

void vq_split_set_used_event(struct vq_split *vq, u16 event)
{
	RING_WRITE(*vq_split_used_event(vq), le16(event));
}

bool vq_split_enable_calls(struct vq_split *vq)
{
	if (vq->event_idx)
		vq_split_set_used_event(vq, vq->used_idx);
	else
		RING_WRITE(vq->avail->flags, 0);
	/* The wish is visible before the index is read again: the device may have been faster. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return vq_split_used_pending(vq);
}

void vq_split_disable_calls(struct vq_split *vq)
{
	if (vq->event_idx)
		/* The place just passed is the one reached last, a whole lap of 2^16 away. */
		vq_split_set_used_event(vq, (u16)(vq->used_idx - 1));
	else
		RING_WRITE(vq->avail->flags, le16(VRING_AVAIL_F_NO_INTERRUPT));
}

void vq_split_raw_desc(struct vq_split *vq, u16 i, u64 addr, u32 len, u16 flags, u16 next)
{
	desc_write(&vq->desc[i], addr, len, flags, next);
}

void vq_split_raw_avail(struct vq_split *vq, u16 index, u16 head)
{
	vq->avail->ring[index & vq->mask] = le16(head);
}

void vq_split_raw_publish(struct vq_split *vq, u16 idx)
{
	__atomic_store_n(&vq->avail->idx, le16(idx), __ATOMIC_RELEASE);
}

u16 vq_split_raw_used_idx(const struct vq_split *vq)
{
	return le16(__atomic_load_n(&vq->used->idx, __ATOMIC_ACQUIRE));
}
