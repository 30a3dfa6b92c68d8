// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/vhost_user/inflight.h"

#include <stdlib.h>
#include <string.h>

#define LOAD  VUB_INFLIGHT_LOAD
#define STORE VUB_INFLIGHT_STORE

u64 vub_inflight_stride(bool packed, u16 queue_size)
{
	const u64 bytes = packed ? sizeof(struct vu_inflight_packed) +
					   queue_size * sizeof(struct vu_inflight_packed_desc)
				 : sizeof(struct vu_inflight_split) +
					   queue_size * sizeof(struct vu_inflight_desc);

	return ALIGN_UP(bytes, VUB_INFLIGHT_ALIGN);
}

u64 vub_inflight_bytes(bool packed, u16 num_queues, u16 queue_size)
{
	return num_queues * vub_inflight_stride(packed, queue_size);
}

const char *vub_inflight_set(struct vub_inflight *f, bool packed, int fd,
			     const struct vu_inflight *desc)
{
	struct vub_map map;
	const char *why;

	if (desc->num_queues == 0 || desc->queue_size == 0)
		return "no queues, or queues without entries";
	if (desc->mmap_size < vub_inflight_bytes(packed, desc->num_queues, desc->queue_size))
		return "buffer is too small for its queues";
	why = vub_map(&map, fd, desc->mmap_offset, desc->mmap_size);
	if (why)
		return why;
	if ((uintptr_t)map.at % _Alignof(struct vu_inflight_split)) {
		vub_unmap(&map);
		return "buffer is not aligned";
	}
	vub_inflight_clear(f);
	f->map = map;
	f->size = desc->mmap_size;
	f->num_queues = desc->num_queues;
	f->queue_size = desc->queue_size;
	return NULL;
}

void vub_inflight_clear(struct vub_inflight *f)
{
	vub_unmap(&f->map);
	f->num_queues = f->queue_size = 0;
	f->size = 0;
}

const char *vub_inflight_fits(const struct vub_inflight *f, bool packed, u16 queue, u32 num)
{
	if (!f->map.map || queue >= f->num_queues)
		return NULL;
	if (num > f->queue_size)
		return "ring is larger than its in-flight region";
	/* Features may have been agreed upon after the buffer came. */
	if (vub_inflight_bytes(packed, f->num_queues, f->queue_size) > f->size)
		return "in-flight buffer is for another kind of ring";
	return NULL;
}

static void format(struct vub_inflight_queue *q, u16 used_idx)
{
	memset(q->shared->desc, 0, q->size * sizeof(q->shared->desc[0]));
	q->shared->features = 0;
	q->shared->desc_num = q->size;
	q->shared->last_batch_head = 0;
	q->shared->used_idx = used_idx;
	STORE(q->shared->version, VUB_INFLIGHT_VERSION);
}

/* Heads whose used element was published without their mark being cleared. */
static void finish_last_batch(struct vub_inflight_queue *q, u16 used_idx)
{
	u16 batch = (u16)(used_idx - LOAD(q->shared->used_idx));
	u16 head = LOAD(q->shared->last_batch_head);

	/* A batch cannot be larger than the queue: the contents are not what we wrote. */
	for (u32 i = 0; i < MIN(batch, q->size) && head < q->size; i++) {
		STORE(q->shared->desc[head].inflight, 0);
		head = LOAD(q->shared->desc[head].next);
	}
	STORE(q->shared->used_idx, used_idx);
}

struct entry {
	u64 counter;
	u16 head;
};

static int by_counter(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->counter < y->counter ? -1 : x->counter > y->counter;
}

static u32 collect(struct vub_inflight_queue *q, u32 num, u16 *heads)
{
	struct entry *open = calloc(q->size, sizeof(*open));
	u32 n = 0;

	if (!open)
		abort(); /* to go on would lose requests */
	for (u32 i = 0; i < q->size; i++) {
		u64 counter = LOAD(q->shared->desc[i].counter);

		if (LOAD(q->shared->desc[i].inflight) != 1)
			continue;
		if (i >= num) {
			STORE(q->shared->desc[i].inflight, 0);
			continue;
		}
		open[n++] = (struct entry){ .counter = counter, .head = (u16)i };
		q->counter = MAX(q->counter, counter + 1);
	}
	qsort(open, n, sizeof(*open), by_counter);
	for (u32 i = 0; i < n; i++)
		heads[i] = open[i].head;
	free(open);
	return n;
}

u32 vub_inflight_open(struct vub_inflight *f, struct vub_inflight_queue *q, u16 queue, u32 num,
		      u16 used_idx, u16 *heads)
{
	memset(q, 0, sizeof(*q));
	if (!f->map.map || queue >= f->num_queues)
		return 0;
	q->shared = (struct vu_inflight_split *)(f->map.at +
						 queue * vub_inflight_stride(false, f->queue_size));
	q->size = f->queue_size;
	if (LOAD(q->shared->version) != VUB_INFLIGHT_VERSION ||
	    LOAD(q->shared->desc_num) != q->size) {
		/* Version 0 is a buffer never used; anything else cannot be relied on. */
		format(q, used_idx);
		return 0;
	}
	q->recovered = true;
	finish_last_batch(q, used_idx);
	return collect(q, num, heads);
}

void vub_inflight_get(struct vub_inflight_queue *q, u16 head)
{
	if (!q->shared)
		return;
	STORE(q->shared->desc[head].counter, q->counter++);
	STORE(q->shared->desc[head].inflight, 1);
}

void vub_inflight_put(struct vub_inflight_queue *q, u16 head)
{
	if (!q->shared)
		return;
	STORE(q->shared->desc[head].next, LOAD(q->shared->last_batch_head));
	STORE(q->shared->last_batch_head, head);
}

void vub_inflight_done(struct vub_inflight_queue *q, u16 head, u16 used_idx)
{
	if (!q->shared)
		return;
	STORE(q->shared->desc[head].inflight, 0);
	STORE(q->shared->used_idx, used_idx);
}

void vub_inflight_undo(struct vub_inflight_queue *q, u16 head)
{
	if (q->shared)
		STORE(q->shared->desc[head].inflight, 0);
}
