// SPDX-License-Identifier: BSD-3-Clause
/* Notifications of a packed ring (2.8.7, 2.8.10, 2.8.14): the two event suppression structures. */
#define CHECK_RING CHECK_RING_PACKED

#include "harness/check/packed_kit.h"

#define CALLED	    "ROB.packed.called"
#define SILENT	    "ROB.packed.silent"
#define EVENT	    "ROB.packed.event"
#define EVENT_EARLY "ROB.packed.event-early"
#define EVENT_OFF   "ROB.packed.event-off"
#define EVENT_FLAGS "ROB.packed.event-flags"
#define EXTRA_KICK  "ROB.packed.extra-kick"

#define EVENT_IDX BIT_ULL(VIRTIO_RING_F_EVENT_IDX)

/* The driver's structure by hand: flags and place together. */
static void ask(struct ck *c, u16 flags, struct vq_packed_at at)
{
	struct vring_packed_desc_event *e = pk_vq(c)->driver;

	ck_log(c, "  driver's structure: flags %u, place %u wrap %u", flags, at.off, at.wrap);
	__atomic_store_n(&e->off_wrap, le16(vq_packed_off_wrap(at)), __ATOMIC_RELAXED);
	__atomic_store_n(&e->flags, le16(flags), __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* `n` requests of the herd, all used when it returns; their notifications are not taken. */
static bool serve(struct ck *c, const struct sk_herd *h, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (!sk_herd_add(c, 0, h, i))
			return false;
	vq_packed_publish(pk_vq(c));
	return pk_kick(c) && sk_collect(c, 0, h, n);
}

static bool called(struct ck *c, const char *clause, const char *when)
{
	if (c->tp->ops->wait_call(c->tp, 0, c->tp->timeout_ms) == 1)
		return true;
	return ck_fail(c, clause, "a notification", "%s: none within %u ms", when,
		       c->tp->timeout_ms);
}

static bool silent(struct ck *c, const char *clause, const char *when)
{
	unsigned n;

	ck_quiet(c);
	n = c->tp->ops->take_calls(c->tp, 0);
	return !n || ck_fail(c, clause, "no notification", "%s: there was one", when);
}

/*
 * A ring in which nothing is pending, and a herd for it. One request was notified of: until then a device
 * cannot know from where on the driver counts.
 */
static bool start(struct ck *c, u16 size, u64 want, struct sk_herd *h, u32 count)
{
	if (!pk_start(c, size, want) || !sk_herd_pairs(c, h, count))
		return false;
	c->tp->ops->take_calls(c->tp, 0);
	ask(c, VRING_PACKED_EVENT_FLAG_ENABLE, pk_vq(c)->used);
	return serve(c, h, 1) && called(c, CALLED, "flags ENABLE, the first request");
}

static void enable(struct ck *c)
{
	struct sk_herd h;

	if (!start(c, 0, 0, &h, 4))
		return;
	for (unsigned i = 0; i < 100; i++) {
		ask(c, VRING_PACKED_EVENT_FLAG_ENABLE, pk_vq(c)->used);
		if (!serve(c, &h, 1 + i % 4) || !called(c, CALLED, "flags ENABLE"))
			return;
	}
}

#define RUN_CLAUSES C_CHAIN_ONCE, C_PACKED_KNOWN_ID

CHECK(enable, .id = "packed.notify.enable", .clauses = { CALLED, RUN_CLAUSES },
      .stimulus = "flags ENABLE; 100 times one to four requests",
      .oracle = "a notification each time", .vehicle = true, .run = enable);

static void disable(struct ck *c)
{
	struct sk_herd h;

	if (!start(c, 0, 0, &h, 4))
		return;
	for (unsigned i = 0; i < 3; i++) {
		ask(c, VRING_PACKED_EVENT_FLAG_DISABLE, pk_vq(c)->used);
		if (!serve(c, &h, 4) || !silent(c, SILENT, "flags DISABLE"))
			return;
		ask(c, VRING_PACKED_EVENT_FLAG_ENABLE, pk_vq(c)->used);
		if (!serve(c, &h, 1) || !called(c, CALLED, "flags ENABLE after DISABLE"))
			return;
	}
}

CHECK(disable, .id = "packed.notify.disable", .clauses = { SILENT, CALLED, RUN_CLAUSES },
      .stimulus = "three times: flags DISABLE and four requests, flags ENABLE and one",
      .oracle = "no notification with DISABLE, one with ENABLE", .vehicle = true, .run = disable);

/* Buffers of two descriptors each: the place of the n-th that is used next. */
static struct vq_packed_at nth(struct ck *c, u16 n)
{
	return vq_packed_forward(pk_vq(c), pk_vq(c)->used, (u16)(2 * n));
}

static void event(struct ck *c)
{
	struct sk_herd h;

	if (!start(c, 16, EVENT_IDX, &h, 4))
		return;
	/* Sixteen places, eight buffers: every third time the place lies behind the end of the ring. */
	for (unsigned i = 0; i < 40; i++) {
		const u16 n = (u16)(i % 4);

		ask(c, VRING_PACKED_EVENT_FLAG_DESC, nth(c, n));
		if (!serve(c, &h, 4) || !called(c, EVENT, "the place was reached"))
			return;
	}
}

CHECK(event, .id = "packed.notify.event", .clauses = { EVENT, CALLED, RUN_CLAUSES },
      .stimulus =
	      "flags DESC with the place of the first, second, third and fourth of four requests, "
	      "ten laps of a ring of 16",
      .oracle = "a notification each time", .vehicle = true, .features = EVENT_IDX, .run = event);

static void event_early(struct ck *c)
{
	struct sk_herd h;

	if (!start(c, 64, EVENT_IDX, &h, 4))
		return;
	for (unsigned lap = 0; lap < 6; lap++) {
		ask(c, VRING_PACKED_EVENT_FLAG_DESC, nth(c, 6));
		if (!serve(c, &h, 4) ||
		    !silent(c, EVENT_EARLY, "the place is six buffers ahead, four were used") ||
		    !serve(c, &h, 4) || !called(c, EVENT, "the place was reached"))
			return;
	}
}

CHECK(event_early, .id = "packed.notify.event-early",
      .clauses = { EVENT_EARLY, EVENT, CALLED, RUN_CLAUSES },
      .stimulus =
	      "flags DESC with a place six buffers ahead; four requests, four more; six times in a "
	      "ring of 64, across its end",
      .oracle = "no notification after the first four, one after the others", .vehicle = true,
      .features = EVENT_IDX, .run = event_early);

/* The same place, in the lap that comes after the next end of the ring. */
static void event_lap(struct ck *c)
{
	struct vq_packed_at at;
	struct sk_herd h;

	if (!start(c, 16, EVENT_IDX, &h, 4))
		return;
	for (unsigned i = 0; i < 4; i++) {
		at = nth(c, 1);
		at.wrap = !at.wrap;
		ask(c, VRING_PACKED_EVENT_FLAG_DESC, at);
		if (!serve(c, &h, 4) ||
		    !silent(c, EVENT_EARLY,
			    "the place is one of the next lap, four buffers were used") ||
		    !serve(c, &h, 4) ||
		    !silent(c, EVENT_EARLY, "a whole lap was used, and the place is in the next") ||
		    !serve(c, &h, 4) || !called(c, EVENT, "the place was reached a lap later"))
			return;
	}
}

CHECK(event_lap, .id = "packed.notify.event-lap",
      .clauses = { EVENT_EARLY, EVENT, CALLED, RUN_CLAUSES },
      .stimulus =
	      "flags DESC with a place that is among the next four buffers, but with the other wrap "
	      "counter; three times four requests in a ring of eight",
      .oracle = "a notification after the last four, none before", .vehicle = true,
      .features = EVENT_IDX, .run = event_lap);

static void event_off(struct ck *c)
{
	struct sk_herd h;

	if (!start(c, 64, 0, &h, 2))
		return;
	for (unsigned i = 0; i < 8; i++) {
		struct vq_packed_at at = nth(c, 20);

		at.wrap ^= i & 1;
		ask(c, VRING_PACKED_EVENT_FLAG_ENABLE, at);
		if (!serve(c, &h, 2) || !called(c, EVENT_OFF, "flags ENABLE and a place far away"))
			return;
	}
}

CHECK(event_off, .id = "packed.notify.event-off", .clauses = { EVENT_OFF, CALLED, RUN_CLAUSES },
      .stimulus =
	      "EVENT_IDX not accepted; flags ENABLE with a place far away; eight times two requests",
      .oracle = "a notification each time", .vehicle = true, .run = event_off);

static bool device_flags(struct ck *c, bool event_idx)
{
	const u16 max = event_idx ? VRING_PACKED_EVENT_FLAG_DESC : VRING_PACKED_EVENT_FLAG_DISABLE;
	struct sk_herd h;

	if (!start(c, 32, event_idx ? EVENT_IDX : 0, &h, 8))
		return false;
	for (unsigned i = 0; i < 50; i++) {
		const struct vring_packed_desc_event *e = pk_vq(c)->device;
		u16 flags, off;

		if (!serve(c, &h, 1 + i % 8))
			return false;
		flags = le16(__atomic_load_n(&e->flags, __ATOMIC_RELAXED));
		off = le16(__atomic_load_n(&e->off_wrap, __ATOMIC_RELAXED)) & 0x7fff;
		if (flags > max)
			return ck_fail(c, EVENT_FLAGS, "ENABLE, DISABLE, or DESC with EVENT_IDX",
				       "flags 0x%x %s EVENT_IDX", flags,
				       event_idx ? "with" : "without");
		if (flags == VRING_PACKED_EVENT_FLAG_DESC && off >= 32)
			return ck_fail(c, EVENT_FLAGS, "a place in the ring",
				       "flags DESC with place %u in a ring of 32", off);
	}
	return true;
}

static void event_flags(struct ck *c)
{
	if (device_flags(c, false) && c->offered & EVENT_IDX && ck_open(c))
		device_flags(c, true);
}

CHECK(event_flags, .id = "packed.notify.device-flags",
      .clauses = { EVENT_FLAGS, CALLED, RUN_CLAUSES },
      .stimulus = "50 times one to eight requests, with and without EVENT_IDX",
      .oracle = "the device's structure holds flags that exist, and a place in the ring",
      .vehicle = true, .run = event_flags);

static void extra_kick(struct ck *c)
{
	struct sk_herd h;

	if (!start(c, 0, 0, &h, 4))
		return;
	for (unsigned i = 0; i < 20; i++) {
		for (unsigned k = 0; k < 5; k++)
			if (!pk_kick(c))
				return;
		for (u32 n = 0; n < 4; n++)
			if (!sk_herd_add(c, 0, &h, n))
				return;
		vq_packed_publish(pk_vq(c));
		for (unsigned k = 0; k < 5; k++)
			if (!pk_kick(c))
				return;
		if (!sk_collect(c, 0, &h, 4))
			return;
	}
	if (vq_packed_used_pending(pk_vq(c)))
		ck_fail(c, EXTRA_KICK, "nothing is used twice", "more is used than was available");
}

CHECK(extra_kick, .id = "packed.notify.extra-kicks", .clauses = { EXTRA_KICK, CALLED, RUN_CLAUSES },
      .stimulus =
	      "five notifications of an idle ring, four requests, five notifications more; 20 times",
      .oracle = "every request comes back, once", .vehicle = true, .run = extra_kick);

#define RACES 2000

/* Both sides go to sleep, a request at a time: whoever misses the other's store sleeps for ever. */
static void race(struct ck *c)
{
	struct vq_packed *vq;
	struct sk_herd h;

	if (!start(c, 16, EVENT_IDX, &h, 1))
		return;
	vq = pk_vq(c);
	for (unsigned i = 0; i < RACES; i++) {
		const bool pending = vq_packed_enable_calls(vq);

		if (pending || !sk_herd_add(c, 0, &h, 0))
			return;
		vq_packed_publish(vq);
		if (vq_packed_kick_due(vq) &&
		    !ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
			return;
		if (!vq_packed_used_pending(vq) &&
		    c->tp->ops->wait_call(c->tp, 0, c->tp->timeout_ms) != 1 &&
		    !vq_packed_used_pending(vq)) {
			ck_fail(c, "ROB.notify.race", "served, or notified of",
				"request %u: neither within %u ms", i, c->tp->timeout_ms);
			return;
		}
		if (!sk_collect(c, 0, &h, 1))
			return;
	}
}

CHECK(race, .id = "packed.notify.race", .clauses = { "ROB.notify.race", CALLED, RUN_CLAUSES },
      .stimulus = "2000 requests one at a time, notifying and waiting only as both structures say",
      .oracle = "every request is served", .vehicle = true, .run = race);

/* --- in order, and notifications with data ------------------------------------------------------------- */

static void in_order(struct ck *c)
{
	const char *clause = "v14.reserved-features.bits.dev.5";
	struct blk_req r[16];

	if (!pk_start(c, 64, BIT_ULL(VIRTIO_F_IN_ORDER)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(r); i++)
		if (!ckb_make(c, &r[i], VIRTIO_BLK_T_IN, i, (i % 3 ? 1 : 32) * VIRTIO_BLK_SECTOR))
			return;
	for (unsigned round = 0; round < 12; round++) {
		for (unsigned i = 0; i < ARRAY_SIZE(r); i++) {
			if (ckb_add(c, 0, &r[i], BLK_LAYOUT_USUAL) < 0)
				return;
			if (i == 4)
				vq_packed_publish(pk_vq(c));
		}
		vq_packed_publish(pk_vq(c));
		if (!pk_kick(c))
			return;
		for (unsigned i = 0; i < ARRAY_SIZE(r); i++) {
			struct ck_used u;

			if (!ck_reap(c, 0, &u)) {
				ck_fail(c, clause, "buffers are used in their order",
					"round %u: buffer %u is not where it has to be", round, i);
				return;
			}
			if (u.head == VQ_BADID || u.token != &r[i]) {
				ck_fail(c, clause, "buffers are used in their order",
					"round %u: id %u where buffer %u is due", round, u.id, i);
				return;
			}
			/* One descriptor may stand for a batch: the reads before it are done, too. */
			if (blk_status(&r[i]) == VIRTIO_BLK_S_OK)
				continue;
			ck_fail(c, clause, "a buffer that is used was processed",
				"round %u: buffer %u is used with status %u", round, i,
				blk_status(&r[i]));
			return;
		}
	}
}

CHECK(in_order, .id = "packed.ring.in-order", .clauses = { "v14.reserved-features.bits.dev.5" },
      .stimulus = "twelve rounds of 16 reads of 1 and 32 sectors with VIRTIO_F_IN_ORDER",
      .oracle = "they are used in the order in which they were made available, one by one or in "
		"batches, and each is done",
      .device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VIRTIO_F_IN_ORDER), .run = in_order);

static void data(struct ck *c)
{
	struct sk_herd h;

	if (!pk_start(c, 16, BIT_ULL(VIRTIO_F_NOTIFICATION_DATA)) || !sk_herd_make(c, &h, 4, false))
		return;
	for (unsigned i = 0; i < 20; i++) {
		for (u32 n = 0; n < 1 + i % 4; n++)
			if (!sk_herd_add(c, 0, &h, n))
				return;
		vq_packed_publish(pk_vq(c));
		if (!pk_kick(c))
			return;
		if (!ck_wait_used(c, 0, ck_added(c, 0))) {
			ck_fail(c, "v14.basic.feature-bits.dev.4", "served",
				"with NOTIFICATION_DATA 0x%x, %u of %u are used within %u ms",
				vq_next(&c->q[0].vq), ck_used(c, 0), ck_added(c, 0),
				c->tp->timeout_ms);
			return;
		}
		if (!sk_collect(c, 0, &h, 1 + i % 4))
			return;
	}
}

CHECK_OVER(
	data, CHECK_REGISTERS, .id = "packed.notify.data",
	.clauses = { "v14.basic.feature-bits.dev.4", RUN_CLAUSES },
	.stimulus =
		"20 times one to four requests with VIRTIO_F_NOTIFICATION_DATA: place and wrap "
		"counter of the next descriptor in the notification, across the end of a ring of 16",
	.oracle = "each is served", .device = VIRTIO_ID_BLOCK,
	.features = BIT_ULL(VIRTIO_F_NOTIFICATION_DATA), .run = data);

/* --- the queue's own reset -------------------------------------------------------------------------------- */

static void reset(struct ck *c)
{
	struct ck_queue_opts o = { .size = 16 };
	struct sk_herd h;
	u32 base;

	if (!start(c, 16, BIT_ULL(VIRTIO_F_RING_RESET), &h, 4))
		return;
	for (unsigned round = 0; round < 4; round++) {
		/* Into the lap with counter 0 in every other round. */
		if (!serve(c, &h, 4) || (round % 2 && !serve(c, &h, 4)) ||
		    !ck_must(c, c->tp->ops->queue_stop(c->tp, 0, &base), "resetting the queue"))
			return;
		ck_log(c, "  reset at desc[%u], wrap %u; the driver begins at desc[0], wrap 1",
		       pk_vq(c)->avail.off, pk_vq(c)->avail.wrap);
		o.size = round % 2 ? 16 : 12;
		if (!ck_queue_start(c, 0, &o))
			return;
		for (u32 i = 0; i < 4; i++)
			if (!sk_herd_add(c, 0, &h, i))
				return;
		vq_packed_publish(pk_vq(c));
		if (!pk_kick(c))
			return;
		if (!ck_wait_used(c, 0, 4)) {
			ck_fail(c, "v14.basic.vq-reenable.dev.1", "a ring that begins anew",
				"round %u: %u of 4 requests are used after the queue was enabled again",
				round, ck_used(c, 0));
			return;
		}
		if (!sk_collect(c, 0, &h, 4))
			return;
	}
}

CHECK_OVER(
	reset, CHECK_REGISTERS, .id = "packed.ring.reset",
	.clauses = { "v14.basic.vq-reenable.dev.1", CALLED, RUN_CLAUSES },
	.stimulus =
		"a queue reset in the lap with wrap counter 1, and in that with 0; enabled again, "
		"with another size every other time",
	.oracle = "it begins at the first descriptor with wrap counter 1",
	.device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VIRTIO_F_RING_RESET), .run = reset);
