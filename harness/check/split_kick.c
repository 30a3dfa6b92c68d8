// SPDX-License-Identifier: BSD-3-Clause
/*
 * Available buffer notifications (2.7.10): what the device says about them, and what it makes of
 * them. They carry no count and may be missing, late or too many.
 */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/split_kit.h"

#define FLAGS_0_OR_1 "v14.split-ring.avail-notif-suppress.dev.1"
#define FLAGS_0	     "v14.split-ring.avail-notif-suppress.dev.3"
#define KICKS	     "v14.split-ring.avail-notif-suppress.dev.5"
#define RACE	     "ROB.notify.race"
#define MARK	     0xc7

/* A used buffer notification that is lost breaks these, too. */
#define AT_EVENT     "v14.split-ring.used-notif-suppress.dev.5"
#define WITHOUT_FLAG "v14.split-ring.used-notif-suppress.dev.3"

/* --- used flags and avail_event -------------------------------------------------------------------- */

/* All values of used->flags seen while requests run, as a set of bits. */
static bool sample_flags(struct ck *c, u16 *seen, u32 *samples)
{
	struct vq_split *vq = &c->q[0].vq.split;
	struct sk_herd h;

	*seen = 0;
	*samples = 0;
	if (!sk_herd_make(c, &h, 16, false))
		return false;
	for (unsigned round = 0; round < 200; round++) {
		u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);

		for (u32 i = 0; i < h.count; i++)
			if (!sk_herd_add(c, 0, &h, i))
				return false;
		vq_split_publish(vq);
		if (vq_split_kick_due(vq) && !ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
			return false;
		while (vq_split_raw_used_idx(vq) != vq->avail_idx && !tp_late(c->tp, deadline)) {
			*seen |= le16(__atomic_load_n(&vq->used->flags, __ATOMIC_RELAXED));
			++*samples;
		}
		*seen |= le16(__atomic_load_n(&vq->used->flags, __ATOMIC_RELAXED));
		if (!sk_collect(c, 0, &h, h.count))
			return false;
	}
	ck_log(c, "  %u samples of used.flags, bits seen: 0x%x", *samples, *seen);
	return true;
}

static void flags_values(struct ck *c)
{
	u32 samples;
	u16 seen;

	if (!ck_start(c, ck_ring_features()) || !sample_flags(c, &seen, &samples))
		return;
	if (seen & ~VRING_USED_F_NO_NOTIFY)
		ck_fail(c, FLAGS_0_OR_1, "0 or 1", "used.flags had bits 0x%x", seen);
}

CHECK(flags_values, .id = "split.kick.flags", .clauses = { FLAGS_0_OR_1, SK_RUN_CLAUSES },
      .stimulus = "3200 requests without the event index, used.flags sampled all the while",
      .oracle = "it is always 0 or 1", .vehicle = true, .run = flags_values);

static void flags_event(struct ck *c)
{
	u32 samples;
	u16 seen;

	if (!ck_start(c, ck_ring_features() | BIT_ULL(VIRTIO_RING_F_EVENT_IDX)) ||
	    !sample_flags(c, &seen, &samples))
		return;
	if (seen)
		ck_fail(c, FLAGS_0, "0", "used.flags had bits 0x%x", seen);
}

CHECK(flags_event, .id = "split.kick.flags-event-index", .clauses = { FLAGS_0, SK_RUN_CLAUSES },
      .stimulus = "3200 requests with the event index, used.flags sampled all the while",
      .oracle = "it is always 0", .vehicle = true, .features = BIT_ULL(VIRTIO_RING_F_EVENT_IDX),
      .run = flags_event);

static void no_avail_event(struct ck *c)
{
	struct vq_split *vq = &c->q[0].vq.split;
	struct sk_herd h;
	u16 *slot;

	if (!ck_negotiate(c, ck_ring_features()) || !ck_queue_start(c, 0, NULL))
		return;
	slot = vq_split_avail_event(vq);
	__builtin_memset(slot, MARK, sizeof(*slot));
	if (!ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") ||
	    !sk_herd_make(c, &h, 16, false) || !sk_run(c, 0, &h, 200))
		return;
	/* Once more after it has gone to sleep: that is when it would say where to wake it. */
	ck_quiet(c);
	if (*slot != (u16)(MARK << 8 | MARK))
		ck_fail(c, C_OUTSIDE, "the field behind the used ring is left alone",
			"without the event index avail_event was written: 0x%04x", le16(*slot));
}

CHECK(no_avail_event, .id = "split.kick.no-avail-event", .clauses = { C_OUTSIDE, SK_RUN_CLAUSES },
      .stimulus = "200 requests without the event index, the place of avail_event marked",
      .oracle = "it still holds the mark", .vehicle = true, .run = no_avail_event);

/* --- too many, too few ---------------------------------------------------------------------------------- */

static bool kicks(struct ck *c, unsigned n)
{
	while (n--)
		if (!ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
			return false;
	return true;
}

/* The same, each on its own, so that none is merged with another. */
static bool spaced_kicks(struct ck *c, unsigned n)
{
	while (n--) {
		u64 end = c->tp->ops->now_ns(c->tp) + 1000000;

		if (!kicks(c, 1))
			return false;
		while (c->tp->ops->now_ns(c->tp) < end)
			c->tp->ops->relax(c->tp);
	}
	return true;
}

/* A request that a device confused by kicks would not serve. */
static bool still_serves(struct ck *c, const struct sk_herd *h, u32 n, const char *what)
{
	struct vq_split *vq = &c->q[0].vq.split;
	struct ck_used u;

	for (u32 i = 0; i < n; i++)
		if (!sk_herd_add(c, 0, h, i))
			return false;
	if (!ck_publish(c, 0))
		return false;
	for (u32 i = 0; i < n; i++)
		if (!ck_reap(c, 0, &u))
			return ck_fail(c, KICKS, "notifications without new buffers do no harm",
				       "%s: a request is not used within %u ms", what,
				       c->tp->timeout_ms);
	if (vq_split_raw_used_idx(vq) != vq->used_idx)
		return ck_fail(c, KICKS, "notifications without new buffers do no harm",
			       "%s: more used elements than requests", what);
	return true;
}

static void spurious(struct ck *c)
{
	struct vq_split *vq = &c->q[0].vq.split;
	struct sk_herd h;

	if (!ck_start(c, ck_ring_features()) || !sk_herd_make(c, &h, 8, false) || !kicks(c, 2000))
		return;
	ck_quiet(c);
	if (vq_split_used_pending(vq)) {
		ck_fail(c, KICKS, "nothing is used where nothing was available",
			"used.idx is %u after kicks of an empty queue", vq_split_raw_used_idx(vq));
		return;
	}
	if (!still_serves(c, &h, 1, "kicks of an empty queue") || !kicks(c, 2000) ||
	    !still_serves(c, &h, 8, "kicks of an idle queue"))
		return;
	if (spaced_kicks(c, 40))
		still_serves(c, &h, 1, "kicks of an idle queue");
}

CHECK(spurious, .id = "split.kick.spurious", .clauses = { KICKS },
      .stimulus = "thousands of notifications of an empty queue, before the first request and "
		  "between requests",
      .oracle = "nothing is used that was not available, and requests are served", .vehicle = true,
      .run = spurious);

static void many_for_one(struct ck *c)
{
	struct vq_split *vq = &c->q[0].vq.split;
	struct sk_herd h;
	struct ck_used u;

	if (!ck_start(c, ck_ring_features()) || !sk_herd_make(c, &h, 8, false))
		return;
	for (unsigned round = 0; round < 50; round++) {
		if (!sk_herd_add(c, 0, &h, 0) || !ck_publish(c, 0) || !kicks(c, 3))
			return;
		if (!ck_reap(c, 0, &u)) {
			ck_fail(c, KICKS, "notifications without new buffers do no harm",
				"one request, four kicks: not used within %u ms",
				c->tp->timeout_ms);
			return;
		}
	}
	if (!spaced_kicks(c, 40))
		return;
	if (vq_split_raw_used_idx(vq) != vq->used_idx)
		ck_fail(c, KICKS, "notifications without new buffers do no harm",
			"%u elements were used, %u requests made", vq_split_raw_used_idx(vq),
			vq->used_idx);
}

CHECK(many_for_one, .id = "split.kick.many-for-one", .clauses = { KICKS },
      .stimulus = "50 requests, four notifications for each, and 40 without any",
      .oracle = "each request is used once, nothing else is", .vehicle = true, .run = many_for_one);

static void one_for_many(struct ck *c)
{
	struct sk_herd h;

	/* sk_run() notifies once for each herd, when the device asks for it. */
	if (ck_start(c, ck_ring_features()) && sk_herd_make(c, &h, sk_room_for(c, 60), false))
		sk_run(c, 0, &h, 50 * h.count);
}

CHECK(one_for_many, .id = "split.kick.one-for-many", .clauses = { SK_RUN_CLAUSES },
      .stimulus = "50 times 60 requests with one notification for all of them",
      .oracle = "every request comes back once", .vehicle = true, .run = one_for_many);

/* --- the race to sleep ------------------------------------------------------------------------------------ */

/*
 * Wait as a driver does: ask for a notification, look again, sleep. When the deadline passes, what
 * is there tells which of the two notifications was lost.
 */
static bool sleep_for_used(struct ck *c, u32 round)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);
	struct vq_split *vq = &c->q[0].vq.split;

	while (!vq_split_used_pending(vq)) {
		bool notified = vq_split_enable_calls(vq) ||
				c->tp->ops->wait_call(c->tp, 0, c->tp->timeout_ms);

		/* A notification without a used element is no reason to wait for ever. */
		if (notified && !tp_late(c->tp, deadline))
			continue;
		if (vq_split_used_pending(vq))
			return ck_fail(c, RACE, "no notification is lost",
				       "round %u: an element was used, the driver was not notified",
				       round);
		if (!ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
			return false;
		return ck_fail(c, RACE, "no notification is lost",
			       "round %u: the request is not used within %u ms, %s", round,
			       c->tp->timeout_ms,
			       ck_wait_used(c, 0, vq->avail_idx) ? "it is after a second kick"
								 : "nor after a second kick");
	}
	return true;
}

#define ROUNDS	 10000
#define RACE_FOR 3000000000ull /* ns, at most */

static void ping_pong(struct ck *c, u32 rounds)
{
	struct vq_split *vq = &c->q[0].vq.split;
	u64 end = c->tp->ops->now_ns(c->tp) + RACE_FOR;
	u32 kicked = 0, round;
	struct sk_herd h;

	if (!sk_herd_make(c, &h, 3, false))
		return;
	/* A slow device need not take all day: rounds that wait for it race with nobody. */
	for (round = 0; round < rounds && c->tp->ops->now_ns(c->tp) < end; round++) {
		u32 n = 1 + ck_random(c) % h.count, left = n;

		vq_split_disable_calls(vq);
		for (u32 i = 0; i < n; i++)
			if (!sk_herd_add(c, 0, &h, i))
				return;
		vq_split_publish(vq);
		if (vq_split_kick_due(vq)) {
			kicked++;
			if (!ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
				return;
		}
		while (left) {
			u32 id, len;
			void *token;

			if (!sleep_for_used(c, round))
				return;
			if (vq_split_reap(vq, &id, &len, &token) < 0) {
				ck_error(c, "used element with id %u", id);
				return;
			}
			left--;
		}
		/* Meet the device at different points on its way to sleep. */
		for (u32 i = ck_random(c) % 512; i; i--)
			__asm__ volatile("" ::: "memory");
	}
	ck_log(c, "  %u rounds, %u kicks", round, kicked);
}

static void race_event(struct ck *c)
{
	if (ck_start(c, ck_ring_features() | BIT_ULL(VIRTIO_RING_F_EVENT_IDX)))
		ping_pong(c, ROUNDS);
}

CHECK(race_event, .id = "split.kick.race-event-index", .clauses = { RACE, AT_EVENT },
      .stimulus = "10000 rounds of one to three requests with the event index, kicks and "
		  "notifications only as the text asks for them, after changing delays",
      .oracle = "each round is served and notified within the deadline", .vehicle = true,
      .features = BIT_ULL(VIRTIO_RING_F_EVENT_IDX), .run = race_event);

static void race_flags(struct ck *c)
{
	if (ck_start(c, ck_ring_features()))
		ping_pong(c, ROUNDS / 2);
}

CHECK(race_flags, .id = "split.kick.race-flags", .clauses = { RACE, WITHOUT_FLAG },
      .stimulus = "5000 rounds of one to three requests without the event index, kicks and "
		  "notifications only as the text asks for them, after changing delays",
      .oracle = "each round is served and notified within the deadline", .vehicle = true,
      .run = race_flags);
