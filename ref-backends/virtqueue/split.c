// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/virtqueue/split.h"

#include "ref-backends/fault/fault.h"

u64 dvq_desc_bytes(u32 num)
{
	return (u64)num * sizeof(struct vring_desc);
}

u64 dvq_avail_bytes(u32 num, bool event_idx)
{
	return 4 + (u64)num * 2 + (event_idx ? 2 : 0);
}

u64 dvq_used_bytes(u32 num, bool event_idx)
{
	return 4 + (u64)num * sizeof(struct vring_used_elem) + (event_idx ? 2 : 0);
}

static void used_written(struct dvq_split *vq, const volatile void *p, u64 len)
{
	if (vq->ops->used_written)
		vq->ops->used_written(vq->ctx, (u64)((const u8 *)p - (u8 *)vq->used), len);
}

void dvq_init(struct dvq_split *vq, u16 base)
{
	vq->broken = DVQ_OK;
	vq->last_avail = base;
	vq->avail_seen = base;
	vq->used_idx = le16(__atomic_load_n(&vq->used->idx, __ATOMIC_ACQUIRE));
	vq->used_shown = vq->signalled_used = vq->used_idx;
}

static enum dvq_error ring_broken(struct dvq_split *vq, enum dvq_error e)
{
	vq->broken = e;
	return e;
}

enum dvq_error dvq_fetch(struct dvq_split *vq, u16 *head)
{
	u16 h;

	if (vq->broken)
		return vq->broken;
	if (vq->last_avail == vq->avail_seen) {
		/* Pairs with the driver's barrier between ring entries and index. */
		u16 idx = le16(__atomic_load_n(&vq->avail->idx, __ATOMIC_ACQUIRE));

		if (fault_active && fault_active->avail_idx)
			idx = fault_active->avail_idx(vq, idx);
		if ((u16)(idx - vq->last_avail) > vq->num)
			return ring_broken(vq, DVQ_E_RUNAWAY);
		vq->avail_seen = idx;
		if (idx == vq->last_avail)
			return DVQ_EMPTY;
	}
	h = le16(__atomic_load_n(&vq->avail->ring[vq->last_avail & (vq->num - 1)],
				 __ATOMIC_RELAXED));
	if (fault_active && fault_active->head)
		h = fault_active->head(vq, h);
	if (h >= vq->num)
		return ring_broken(vq, DVQ_E_HEAD);
	vq->last_avail++;
	*head = h;
	return DVQ_OK;
}

void dvq_unfetch(struct dvq_split *vq)
{
	vq->last_avail--;
}

static void write_element(struct dvq_split *vq, u32 id, u32 len)
{
	const struct vring_used_elem *e = &vq->used->ring[vq->used_idx & (vq->num - 1)];

	dvq_write_element(vq, id, len);
	used_written(vq, e, sizeof(*e));
}

void dvq_flush(struct dvq_split *vq)
{
	if (vq->used_shown == vq->used_idx)
		return;
	vq->used_shown = vq->used_idx;
	/* The index is logged on both sides: never later than what it exposes, never before it. */
	used_written(vq, &vq->used->idx, sizeof(vq->used->idx));
	__atomic_store_n(&vq->used->idx, le16(vq->used_idx), __ATOMIC_RELEASE);
	used_written(vq, &vq->used->idx, sizeof(vq->used->idx));
}

static bool push_with_fault(struct dvq_split *vq, u16 head, u32 len)
{
	u32 id = head;

	if (fault_active->used && fault_active->used(vq, &id, &len) == FAULT_DONE) {
		/* It may have moved the index itself. */
		vq->used_shown = vq->used_idx;
		return false;
	}
	vq->used_shown = vq->used_idx;
	write_element(vq, id, len);
	dvq_flush(vq);
	if (fault_active->after_used)
		fault_active->after_used(vq, id, len);
	return true;
}

bool dvq_stage(struct dvq_split *vq, u16 head, u32 len)
{
	if (fault_active)
		return push_with_fault(vq, head, len);
	write_element(vq, head, len);
	return true;
}

bool dvq_push(struct dvq_split *vq, u16 head, u32 len)
{
	bool pushed = dvq_stage(vq, head, len);

	dvq_flush(vq);
	return pushed;
}

bool dvq_notify_due(struct dvq_split *vq)
{
	u16 old = vq->signalled_used, new = vq->used_idx;
	bool due;

	if (old == new)
		return false;
	vq->signalled_used = new;
	/* The used index is stored before the driver's wish is read; the driver does the reverse. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (vq->event_idx) {
		u16 event = le16(__atomic_load_n(&vq->avail->ring[vq->num], __ATOMIC_RELAXED));

		due = (u16)(new - event - 1) < (u16)(new - old);
	} else {
		u16 flags = le16(__atomic_load_n(&vq->avail->flags, __ATOMIC_RELAXED));

		due = !(flags & VRING_AVAIL_F_NO_INTERRUPT);
	}
	if (fault_active && fault_active->notify)
		due = fault_active->notify(vq, due);
	return due;
}

static void store_used_flags(struct dvq_split *vq, u16 flags)
{
	if (fault_active && fault_active->used_flags)
		flags = fault_active->used_flags(vq, flags);
	if (le16(__atomic_load_n(&vq->used->flags, __ATOMIC_RELAXED)) == flags)
		return;
	__atomic_store_n(&vq->used->flags, le16(flags), __ATOMIC_RELAXED);
	used_written(vq, &vq->used->flags, sizeof(vq->used->flags));
}

static void store_avail_event(struct dvq_split *vq, u16 event)
{
	u16 *slot = (u16 *)&vq->used->ring[vq->num];

	if (fault_active && fault_active->avail_event)
		event = fault_active->avail_event(vq, event);
	__atomic_store_n(slot, le16(event), __ATOMIC_RELAXED);
	used_written(vq, slot, sizeof(*slot));
}

void dvq_kick_disable(struct dvq_split *vq)
{
	/* With the event index an avail_event left behind does it; the flags must stay 0. */
	store_used_flags(vq, vq->event_idx ? 0 : VRING_USED_F_NO_NOTIFY);
}

bool dvq_kick_enable(struct dvq_split *vq)
{
	if (vq->event_idx)
		store_avail_event(vq, vq->last_avail);
	else
		store_used_flags(vq, 0);
	/* The wish is stored before the index is read; the driver does the reverse. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return le16(__atomic_load_n(&vq->avail->idx, __ATOMIC_RELAXED)) != vq->last_avail;
}

const char *dvq_error_name(enum dvq_error e)
{
	static const char *const names[] = {
		[DVQ_OK] = "no error",
		[DVQ_EMPTY] = "nothing available",
		[DVQ_E_RUNAWAY] = "available index is more than the queue size ahead",
		[DVQ_E_HEAD] = "head is outside the descriptor table",
		[DVQ_E_NEXT] = "next is outside its table",
		[DVQ_E_LONG] = "a loop, or too many descriptors",
		[DVQ_E_MEMORY] = "a buffer is outside memory",
		[DVQ_E_ORDER] = "device-readable after device-writable",
		[DVQ_E_INDIRECT] = "indirect descriptor without the feature",
		[DVQ_E_NESTED] = "nested indirect descriptor",
		[DVQ_E_INDIRECT_NEXT] = "INDIRECT and NEXT in one descriptor",
		[DVQ_E_INDIRECT_SIZE] = "bad length of an indirect table",
		[DVQ_E_BYTES] = "more than 2^32 bytes",
		[DVQ_E_SEGS] = "too many segments",
	};

	return (size_t)e < ARRAY_SIZE(names) ? names[e] : "unknown error";
}
