// SPDX-License-Identifier: BSD-3-Clause
/*
 * The rings as such: every chain comes back once, whatever the size of the queue and wherever the
 * 16-bit indices stand.
 */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/split_kit.h"

/* --- the used ring -------------------------------------------------------------------------------- */

#define UNUSED_ID  0x5eadbeef
#define UNUSED_LEN 0x5eadbeef

static void fill_used(struct vq_split *vq, u16 from, u16 n)
{
	for (u16 i = 0; i < n; i++) {
		struct vring_used_elem *e = &vq->used->ring[(u16)(from + i) & vq->mask];

		__atomic_store_n(&e->id, le32(UNUSED_ID), __ATOMIC_RELAXED);
		__atomic_store_n(&e->len, le32(UNUSED_LEN), __ATOMIC_RELAXED);
	}
}

#define LAPS 64

static void element_before_index(struct ck *c)
{
	const char *clause = "v14.split-ring.used-ring.dev.1";
	struct vq_split *vq = &c->q[0].vq.split;
	struct ck_queue_opts o = { .size = 64 };
	struct sk_herd h;
	u32 n;

	if (!ck_negotiate(c, ck_ring_features()) || !ck_queue_start(c, 0, &o) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") ||
	    !sk_herd_make(c, &h, 32, false))
		return;
	for (n = 0; n < LAPS * 32; n++) {
		u64 deadline;
		u16 at;

		/* Half a ring at a time; what will be written next holds no element's values. */
		if (n % 32 == 0) {
			fill_used(vq, vq->used_idx, 32);
			for (u32 i = 0; i < 32; i++)
				if (!sk_herd_add(c, 0, &h, i))
					return;
			vq_split_publish(vq);
			if (vq_split_kick_due(vq) &&
			    !ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
				return;
		}
		/* Every element as soon as the index covers it: no yielding. */
		deadline = tp_deadline(c->tp, c->tp->timeout_ms);
		while (!vq_split_used_pending(vq) && !tp_late(c->tp, deadline))
			;
		at = vq->used_idx & vq->mask;
		if (vq_split_used_pending(vq) && (vq->used->ring[at].len == le32(UNUSED_LEN) ||
						  vq->used->ring[at].id == le32(UNUSED_ID))) {
			ck_fail(c, clause, "the element is stored before the index covers it",
				"used[%u] still held what the driver had put there", vq->used_idx);
			return;
		}
		if (!sk_collect(c, 0, &h, 1))
			return;
	}
	ck_log(c, "  %u elements, each looked at in the moment the index covered it", n);
}

CHECK(element_before_index, .id = "split.used.element-first",
      .clauses = { "v14.split-ring.used-ring.dev.1", SK_RUN_CLAUSES },
      .stimulus = "2048 requests with a marked used ring, read in the moment the used index moves",
      .oracle = "no element still holds the mark", .vehicle = true, .run = element_before_index);

static void used_ids(struct ck *c)
{
	struct sk_herd h;

	if (ck_start(c, ck_ring_features()) && sk_herd_make(c, &h, sk_room_for(c, 64), false))
		sk_run(c, 0, &h, 2000);
}

CHECK(used_ids, .id = "split.used.ids", .clauses = { SK_RUN_CLAUSES },
      .stimulus = "2000 requests, 64 at a time",
      .oracle = "every used element names a head that is outstanding, every head comes back once",
      .vehicle = true, .run = used_ids);

static void used_step(struct ck *c)
{
	struct vq_split *vq = &c->q[0].vq.split;
	u16 last;
	u32 samples = 0;
	struct sk_herd h;

	if (!ck_start(c, ck_ring_features()) || !sk_herd_make(c, &h, sk_room_for(c, 64), false))
		return;
	for (unsigned round = 0; round < 64; round++) {
		u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);
		u16 target = (u16)(vq->used_idx + h.count);

		last = vq->used_idx;
		for (u32 i = 0; i < h.count; i++)
			if (!sk_herd_add(c, 0, &h, i))
				return;
		vq_split_publish(vq);
		if (vq_split_kick_due(vq) && !ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
			return;
		while (last != target && !tp_late(c->tp, deadline)) {
			u16 now = vq_split_raw_used_idx(vq);

			samples++;
			if ((u16)(now - last) > (u16)(target - last)) {
				ck_fail(c, C_USED_STEP, "forwards, by no more than is outstanding",
					"used.idx went from %u to %u with %u outstanding", last,
					now, (u16)(target - last));
				return;
			}
			last = now;
		}
		if (!sk_collect(c, 0, &h, h.count))
			return;
	}
	ck_log(c, "  %u samples", samples);
}

CHECK(used_step, .id = "split.used.step", .clauses = { SK_RUN_CLAUSES },
      .stimulus = "4096 requests, 64 at a time, the used index sampled all the while",
      .oracle = "it never goes back and never covers more than was made available", .vehicle = true,
      .run = used_step);

/* --- wrap ------------------------------------------------------------------------------------------- */

static bool start_at(struct ck *c, u16 size, u16 base)
{
	struct ck_queue_opts o = { .size = size, .base = base };

	if (!ck_negotiate(c, ck_ring_features()) || !ck_queue_start(c, 0, &o))
		return false;
	vq_split_disable_calls(&c->q[0].vq.split);
	return ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK");
}

static void wrap(struct ck *c)
{
	static const u16 bases[] = { 0xfff0, 0xffff, 0x7ff0 };
	struct sk_herd h;

	for (unsigned i = 0; i < ARRAY_SIZE(bases); i++) {
		if ((i > 0 && !ck_open(c)) || !start_at(c, 16, bases[i]) ||
		    !sk_herd_make(c, &h, 8, false))
			return;
		/* In eights and then one by one: the index wraps within a batch and between two. */
		if (!sk_run(c, 0, &h, 32))
			return;
		h.count = 1;
		if (!sk_run(c, 0, &h, 32))
			return;
	}
}

CHECK(wrap, .id = "split.wrap.index", .clauses = { SK_RUN_CLAUSES },
      .stimulus = "queues that start at index 0xfff0, 0xffff and 0x7ff0, 64 requests each",
      .oracle = "both indices pass 65535 to 0 and every request comes back once", .vehicle = true,
      .caps = TP_CAP_QUEUE_BASE, .run = wrap);

static void wrap_event(struct ck *c)
{
	struct ck_queue_opts o = { .size = 16, .base = 0xfff0 };
	struct sk_herd h;

	if (!ck_negotiate(c, ck_ring_features() | BIT_ULL(VIRTIO_RING_F_EVENT_IDX)) ||
	    !ck_queue_start(c, 0, &o) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") ||
	    !sk_herd_make(c, &h, 8, false) || !sk_run(c, 0, &h, 40))
		return;
	h.count = 1;
	sk_run(c, 0, &h, 40);
}

CHECK(wrap_event, .id = "split.wrap.event-index", .clauses = { SK_RUN_CLAUSES },
      .stimulus = "with the event index, from index 0xfff0 on: 80 requests, and no kick that "
		  "avail_event does not ask for",
      .oracle = "both indices pass 65535 to 0 and every request comes back once", .vehicle = true,
      .caps = TP_CAP_QUEUE_BASE, .features = BIT_ULL(VIRTIO_RING_F_EVENT_IDX), .run = wrap_event);

static void long_run(struct ck *c)
{
	struct sk_herd h;

	if (start_at(c, ck_queue_size(c, 256), 0) &&
	    sk_herd_make(c, &h, sk_room_for(c, 128), false))
		sk_run(c, 0, &h, 2 * 0x10000 + 1000);
}

CHECK(long_run, .id = "split.wrap.long-run", .clauses = { SK_RUN_CLAUSES },
      .stimulus = "132072 requests from index 0 on, 128 at a time",
      .oracle = "both indices pass 65535 to 0 and every request comes back once", .vehicle = true,
      .run = long_run);

/* --- queue sizes ------------------------------------------------------------------------------------- */

/*
 * Full queues of each size, several laps and a bit. How large a queue may be is the device's to
 * say, and vhost-user gives it no place to say it but a refusal.
 */
static bool of_size(struct ck *c, u16 size, bool indirect, bool first)
{
	struct ck_queue_opts o = { .size = size };
	u32 depth = indirect ? size : size / 2;
	struct sk_herd h;
	int rc;

	if ((!first && !ck_open(c)) || !ck_negotiate(c, indirect ? ck_ring_features() : 0))
		return false;
	o.not_start = true;
	if (!ck_queue_start(c, 0, &o))
		return false;
	rc = c->tp->ops->queue_start(c->tp, 0,
				     &(struct tp_queue){
					     .size = size,
					     .desc = c->q[0].layout.desc,
					     .driver = c->q[0].layout.driver,
					     .device = c->q[0].layout.device,
				     });
	if (rc == TP_EREFUSED || rc == TP_EGONE)
		return ck_info(c, C_CHAIN_ONCE, "a queue of %u entries is refused", size);
	if (!ck_must(c, rc, "starting a queue"))
		return false;
	rc = c->tp->ops->driver_ok(c->tp);
	/* The kernel's SCSI host makes room for as many requests when its queues begin to run. */
	if (rc == TP_EREFUSED)
		return ck_info(c, C_CHAIN_ONCE, "a queue of %u entries is refused: %s", size,
			       c->tp->error);
	if (!ck_must(c, rc, "setting DRIVER_OK"))
		return false;
	ck_log(c, "  a queue of %u entries:", size);
	return sk_herd_make(c, &h, depth, indirect) && sk_run(c, 0, &h, MIN(3 * depth + 5, 20000));
}

static void size_small(struct ck *c)
{
	if (of_size(c, 2, false, true) && of_size(c, 4, false, false))
		of_size(c, 8, false, false);
}

CHECK(size_small, .id = "split.size.small", .clauses = { SK_RUN_CLAUSES },
      .stimulus = "queues of 2, 4 and 8 entries, filled three times and more",
      .oracle = "every request comes back once; a refusal is noted", .vehicle = true,
      .run = size_small);

static void size_usual(struct ck *c)
{
	if (of_size(c, 64, false, true) && of_size(c, 256, false, false))
		of_size(c, 1024, false, false);
}

CHECK(size_usual, .id = "split.size.usual", .clauses = { SK_RUN_CLAUSES },
      .stimulus = "queues of 64, 256 and 1024 entries, filled three times and more",
      .oracle = "every request comes back once; a refusal is noted", .vehicle = true,
      .run = size_usual);

static void size_largest(struct ck *c)
{
	of_size(c, VIRTIO_QUEUE_SIZE_MAX, false, true);
}

CHECK(size_largest, .id = "split.size.largest", .clauses = { SK_RUN_CLAUSES },
      .stimulus = "a queue of 32768 entries, 16384 requests at once, then more",
      .oracle = "every request comes back once; a refusal is noted", .vehicle = true,
      .run = size_largest);

static void size_one(struct ck *c)
{
	of_size(c, 1, true, true);
}

CHECK(size_one, .id = "split.size.one", .clauses = { SK_RUN_CLAUSES },
      .stimulus = "a queue of one entry, with indirect requests",
      .oracle = "every request comes back once; a refusal is noted", .vehicle = true,
      .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), .run = size_one);

/* --- several queues ------------------------------------------------------------------------------------ */

static void parallel(struct ck *c)
{
	unsigned queues = MIN(c->queues, CK_QUEUES);
	struct sk_herd h[CK_QUEUES];

	if (!ck_negotiate(c, ck_ring_features() | c->vehicle->features))
		return;
	for (unsigned q = 0; q < queues; q++) {
		/* Each its own size: what is taken from another queue shows. */
		struct ck_queue_opts o = { .size = (u16)(32 << q) };

		if (!ck_queue_start(c, q, &o) || !sk_herd_make(c, &h[q], 16, false))
			return;
	}
	if (!ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK"))
		return;
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned q = 0; q < queues; q++) {
			for (u32 i = 0; i < h[q].count; i++)
				if (!sk_herd_add(c, q, &h[q], i))
					return;
			vq_split_publish(&c->q[q].vq.split);
		}
		for (unsigned q = 0; q < queues; q++)
			if (vq_split_kick_due(&c->q[q].vq.split) &&
			    !ck_must(c, c->tp->ops->notify(c->tp, q), "notifying"))
				return;
		for (unsigned q = queues; q-- > 0;)
			if (!sk_collect(c, q, &h[q], h[q].count))
				return;
	}
}

CHECK(parallel, .id = "split.queues.parallel", .clauses = { SK_RUN_CLAUSES },
      .stimulus = "up to four queues of different sizes, all with requests at the same time",
      .oracle = "every request comes back once, in the queue it was made available in",
      .vehicle = true, .queues = 2, .run = parallel);
