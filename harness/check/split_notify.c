// SPDX-License-Identifier: BSD-3-Clause
/*
 * Used buffer notifications (2.7.7): who is notified, when, and when not.
 *
 * A used element is visible before its notification comes, so what must come is waited for with the
 * deadline, and what must not come is watched for in the quiet time.
 */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/split_kit.h"

#define USED_EVENT_IGNORED "v14.split-ring.used-notif-suppress.dev.1"
#define NOT_WITH_FLAG	   "v14.split-ring.used-notif-suppress.dev.2"
#define WITHOUT_FLAG	   "v14.split-ring.used-notif-suppress.dev.3"
#define FLAG_IGNORED	   "v14.split-ring.used-notif-suppress.dev.4"
#define AT_EVENT	   "v14.split-ring.used-notif-suppress.dev.5"
#define NOT_BEFORE_EVENT   "v14.split-ring.used-notif-suppress.dev.6"
#define SPURIOUS	   "ROB.notify.spurious"

#define HERD 64

static bool start(struct ck *c, bool event_idx, u16 base, struct sk_herd *h)
{
	struct ck_queue_opts o = { .base = base };

	return ck_negotiate(c, ck_ring_features() |
				       (event_idx ? BIT_ULL(VIRTIO_RING_F_EVENT_IDX) : 0)) &&
	       ck_queue_start(c, 0, &o) &&
	       ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") &&
	       sk_herd_make(c, h, sk_room_for(c, HERD), false);
}

/* `n` requests at once, and all of them back; notifications are not looked at. */
static bool serve(struct ck *c, unsigned q, const struct sk_herd *h, u32 n)
{
	struct vq_split *vq = &c->q[q].vq.split;
	struct ck_used u;

	for (u32 i = 0; i < n; i++)
		if (!sk_herd_add(c, q, h, i))
			return false;
	if (!ck_publish(c, q))
		return false;
	for (u32 i = 0; i < n; i++)
		if (!ck_reap(c, q, &u) || u.head < 0)
			return ck_error(c, "request %u of %u did not come back, used.idx %u", i, n,
					vq_split_raw_used_idx(vq));
	return true;
}

static bool called(struct ck *c, unsigned q, const char *clause, const char *expected,
		   const char *what)
{
	if (c->tp->ops->wait_call(c->tp, q, c->tp->timeout_ms)) {
		ck_log(c, "  q%u notified", q);
		return true;
	}
	return ck_fail(c, clause, expected, "%s: no notification within %u ms, used.idx %u", what,
		       c->tp->timeout_ms, c->q[q].vq.split.used_idx);
}

static bool not_called(struct ck *c, unsigned q, const char *clause, const char *expected,
		       const char *what)
{
	unsigned n;

	ck_quiet(c);
	n = c->tp->ops->take_calls(c->tp, q);
	if (!n)
		return true;
	return ck_fail(c, clause, expected, "%s: %u notifications, used.idx %u", what, n,
		       c->q[q].vq.split.used_idx);
}

/*
 * One request that wants its notification, before a check counts. A queue may be signalled when it is
 * started, so that the one that was waited for need not be the request's: whatever is still on its way
 * comes in the quiet time, and is none of the check's.
 */
static bool first(struct ck *c, const struct sk_herd *h, const char *clause, const char *expected)
{
	if (!serve(c, 0, h, 1) || !called(c, 0, clause, expected, "the first request"))
		return false;
	ck_quiet(c);
	c->tp->ops->take_calls(c->tp, 0);
	return true;
}

/* --- without the event index ------------------------------------------------------------------------ */

static void flag_clear(struct ck *c)
{
	struct sk_herd h;

	if (!start(c, false, 0, &h))
		return;
	for (unsigned i = 0; i < 20; i++)
		if (!serve(c, 0, &h, 1 + i % 3) ||
		    !called(c, 0, WITHOUT_FLAG, "a notification after used elements",
			    "avail.flags 0"))
			return;
}

CHECK(flag_clear, .id = "split.notify.flag-clear", .clauses = { WITHOUT_FLAG },
      .stimulus = "20 times one to three requests with avail flags 0",
      .oracle = "a notification each time", .vehicle = true, .run = flag_clear);

static void flag_set(struct ck *c)
{
	struct sk_herd h;

	if (!start(c, false, 0, &h) ||
	    !first(c, &h, WITHOUT_FLAG, "a notification after used elements"))
		return;
	vq_split_disable_calls(&c->q[0].vq.split);
	for (unsigned i = 0; i < 8; i++)
		if (!serve(c, 0, &h, 1))
			return;
	not_called(c, 0, NOT_WITH_FLAG, "no notification",
		   "8 requests with avail.flags NO_INTERRUPT");
}

CHECK(flag_set, .id = "split.notify.flag-set", .clauses = { NOT_WITH_FLAG, WITHOUT_FLAG },
      .stimulus = "8 requests with avail flags NO_INTERRUPT", .oracle = "no notification",
      .vehicle = true, .run = flag_set);

static void flag_toggled(struct ck *c)
{
	struct vq_split *vq = &c->q[0].vq.split;
	struct sk_herd h;

	if (!start(c, false, 0, &h))
		return;
	for (unsigned i = 0; i < 200; i++) {
		vq_split_disable_calls(vq);
		if (!serve(c, 0, &h, 1))
			return;
		c->tp->ops->take_calls(c->tp, 0);
		vq_split_enable_calls(vq);
		if (!serve(c, 0, &h, 1) ||
		    !called(c, 0, WITHOUT_FLAG, "a notification after used elements",
			    "avail.flags back at 0"))
			return;
	}
}

CHECK(flag_toggled, .id = "split.notify.flag-toggled", .clauses = { WITHOUT_FLAG },
      .stimulus = "200 times one request with NO_INTERRUPT and one without",
      .oracle = "a notification for each that is without", .vehicle = true, .run = flag_toggled);

static void used_event_ignored(struct ck *c)
{
	static const u16 far[] = { 0, 1, 2, 100, 0x7fff, 0x8000, 0xfffe, 0xffff };
	struct vq_split *vq = &c->q[0].vq.split;
	struct sk_herd h;

	if (!start(c, false, 0, &h))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(far); i++) {
		vq_split_set_used_event(vq, (u16)(vq->used_idx + far[i]));
		if (!serve(c, 0, &h, 1) || !called(c, 0, USED_EVENT_IGNORED, "the field is ignored",
						   "used_event elsewhere"))
			return;
	}
}

CHECK(used_event_ignored, .id = "split.notify.used-event-ignored",
      .clauses = { USED_EVENT_IGNORED, WITHOUT_FLAG },
      .stimulus = "without the event index, one request each with eight values in the place of "
		  "used_event",
      .oracle = "a notification each time", .vehicle = true, .run = used_event_ignored);

/* --- with it -------------------------------------------------------------------------------------------- */

/*
 * The first notification of a session may be sent to be on the safe side: what was signalled before
 * is not known. So one request goes ahead that wants one.
 */
static bool start_event(struct ck *c, u16 base, struct sk_herd *h)
{
	if (!start(c, true, base, h))
		return false;
	vq_split_set_used_event(&c->q[0].vq.split, c->q[0].vq.split.used_idx);
	return first(c, h, AT_EVENT, "a notification when used_event is reached");
}

static void event_flag_ignored(struct ck *c)
{
	struct vq_split *vq = &c->q[0].vq.split;
	struct sk_herd h;

	if (!start_event(c, 0, &h))
		return;
	vq->avail->flags = le16(VRING_AVAIL_F_NO_INTERRUPT);
	for (unsigned i = 0; i < 8; i++) {
		vq_split_set_used_event(vq, vq->used_idx);
		if (!serve(c, 0, &h, 1) ||
		    !called(c, 0, FLAG_IGNORED, "avail.flags is ignored with the event index",
			    "NO_INTERRUPT set, used_event reached"))
			return;
	}
}

CHECK(event_flag_ignored, .id = "split.notify.event-flag-ignored",
      .clauses = { FLAG_IGNORED, AT_EVENT },
      .stimulus = "with the event index, 8 requests with NO_INTERRUPT set and used_event at each",
      .oracle = "a notification each time", .vehicle = true,
      .features = BIT_ULL(VIRTIO_RING_F_EVENT_IDX), .run = event_flag_ignored);

/* The event `ahead` elements from here: nothing for those before it, then one notification. */
static bool event_at(struct ck *c, const struct sk_herd *h, u16 ahead)
{
	struct vq_split *vq = &c->q[0].vq.split;
	u16 event = (u16)(vq->used_idx + ahead);

	ck_log(c, "  used_event %u, used.idx %u", event, vq->used_idx);
	vq_split_set_used_event(vq, event);
	for (u16 i = 0; i < ahead; i++)
		if (!serve(c, 0, h, 1))
			return false;
	if (ahead && !not_called(c, 0, NOT_BEFORE_EVENT, "no notification before used_event",
				 "used_event not reached"))
		return false;
	return serve(c, 0, h, 1) &&
	       called(c, 0, AT_EVENT, "a notification when used_event is reached",
		      "used_event reached");
}

static void event_exact(struct ck *c)
{
	static const u16 ahead[] = { 0, 3, 0, 1 };
	struct sk_herd h;

	if (!start_event(c, 0, &h))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(ahead); i++)
		if (!event_at(c, &h, ahead[i]))
			return;
}

CHECK(event_exact, .id = "split.notify.event-exact", .clauses = { AT_EVENT, NOT_BEFORE_EVENT },
      .stimulus = "used_event at the next element, three further, the next, one further; one "
		  "request at a time",
      .oracle = "a notification for exactly the element at used_event", .vehicle = true,
      .features = BIT_ULL(VIRTIO_RING_F_EVENT_IDX), .run = event_exact);

static void event_wrap(struct ck *c)
{
	struct sk_herd h;

	/* 65532 goes ahead; then 65533 to 0, 65535 on its own, and one past the wrap. */
	if (!start_event(c, 0xfffc, &h) || !event_at(c, &h, 2) || !event_at(c, &h, 2))
		return;
	event_at(c, &h, 0);
}

CHECK(event_wrap, .id = "split.notify.event-wrap", .clauses = { AT_EVENT, NOT_BEFORE_EVENT },
      .stimulus = "used_event at 65535, at 2 and at 3, from index 65532 on",
      .oracle = "a notification for exactly the element at used_event", .vehicle = true,
      .features = BIT_ULL(VIRTIO_RING_F_EVENT_IDX), .caps = TP_CAP_QUEUE_BASE, .run = event_wrap);

static void event_batch(struct ck *c)
{
	static const struct {
		u16 ahead, n;
	} batches[] = { { 0, 16 }, { 7, 16 }, { 15, 16 }, { 31, 64 } };
	struct vq_split *vq = &c->q[0].vq.split;
	struct sk_herd h;

	if (!start_event(c, 0xffe0, &h))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(batches); i++) {
		vq_split_set_used_event(vq, (u16)(vq->used_idx + batches[i].ahead));
		ck_log(c, "  used_event %u ahead of a batch of %u", batches[i].ahead, batches[i].n);
		if (!serve(c, 0, &h, sk_room_for(c, batches[i].n)) ||
		    !called(c, 0, AT_EVENT, "a notification when used_event is reached",
			    "used_event within a batch"))
			return;
		c->tp->ops->take_calls(c->tp, 0);
	}
}

CHECK(event_batch, .id = "split.notify.event-batch", .clauses = { AT_EVENT },
      .stimulus = "batches of 16 and 64 requests with used_event at the first, the last and in "
		  "between, across the wrap of the index",
      .oracle = "a notification for each batch", .vehicle = true,
      .features = BIT_ULL(VIRTIO_RING_F_EVENT_IDX), .caps = TP_CAP_QUEUE_BASE, .run = event_batch);

static void event_far(struct ck *c)
{
	struct vq_split *vq = &c->q[0].vq.split;
	struct sk_herd h;

	if (!start_event(c, 0, &h))
		return;
	vq_split_set_used_event(vq, (u16)(vq->used_idx + 0x8000));
	for (unsigned i = 0; i < 16; i++)
		if (!serve(c, 0, &h, 1 + i % 4))
			return;
	if (!not_called(c, 0, NOT_BEFORE_EVENT, "no notification before used_event",
			"used_event 0x8000 ahead"))
		return;
	/* Just behind: reached again after a whole lap. */
	vq_split_set_used_event(vq, (u16)(vq->used_idx - 1));
	for (unsigned i = 0; i < 16; i++)
		if (!serve(c, 0, &h, 1 + i % 4))
			return;
	not_called(c, 0, NOT_BEFORE_EVENT, "no notification before used_event",
		   "used_event one behind");
}

CHECK(event_far, .id = "split.notify.event-far", .clauses = { NOT_BEFORE_EVENT, AT_EVENT },
      .stimulus = "40 requests with used_event 0x8000 ahead, 40 with it one behind",
      .oracle = "no notification", .vehicle = true, .features = BIT_ULL(VIRTIO_RING_F_EVENT_IDX),
      .run = event_far);

/* --- whose it is, and how many --------------------------------------------------------------------------- */

static void own_queue(struct ck *c)
{
	struct sk_herd h;

	if (!ck_negotiate(c, ck_ring_features() | c->vehicle->features) ||
	    !ck_queue_start(c, 0, NULL) || !ck_queue_start(c, 1, NULL) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") ||
	    !sk_herd_make(c, &h, sk_room_for(c, HERD), false))
		return;
	/* Whatever giving them the descriptors and the first kicks may have caused. */
	ck_quiet(c);
	c->tp->ops->take_calls(c->tp, 0);
	c->tp->ops->take_calls(c->tp, 1);
	for (unsigned q = 0; q < 2; q++) {
		if (!serve(c, q, &h, 1) ||
		    !called(c, q, WITHOUT_FLAG, "a notification of the queue that was used",
			    q ? "queue 1" : "queue 0"))
			return;
		ck_quiet(c);
		if (c->tp->ops->take_calls(c->tp, !q)) {
			ck_hazard(c, SPURIOUS, "no notification of a queue that was not used",
				  "queue %u was used, queue %u notified", q, !q);
			return;
		}
		c->tp->ops->take_calls(c->tp, q);
	}
}

CHECK(own_queue, .id = "split.notify.own-queue", .clauses = { WITHOUT_FLAG, SPURIOUS },
      .stimulus = "a request in queue 0, then one in queue 1",
      .oracle = "a notification of that queue, and none of the other", .vehicle = true,
      .caps = TP_CAP_OWN_CALL, .queues = 2, .run = own_queue);

static void idle(struct ck *c)
{
	struct sk_herd h;
	unsigned n;

	if (!start(c, false, 0, &h))
		return;
	/* Whatever giving it the descriptor and the first kick may have caused. */
	ck_quiet(c);
	c->tp->ops->take_calls(c->tp, 0);
	ck_quiet(c);
	n = c->tp->ops->take_calls(c->tp, 0);
	if (n) {
		ck_hazard(c, SPURIOUS, "no notification of a queue that was never used",
			  "%u notifications", n);
		return;
	}
	if (!serve(c, 0, &h, 1) ||
	    !called(c, 0, WITHOUT_FLAG, "a notification after used elements", "avail.flags 0"))
		return;
	ck_quiet(c);
	n = c->tp->ops->take_calls(c->tp, 0);
	if (n > 1)
		ck_hazard(c, SPURIOUS, "one notification of one used element",
			  "%u more while nothing was used", n);
}

CHECK(idle, .id = "split.notify.idle", .clauses = { SPURIOUS, WITHOUT_FLAG },
      .stimulus = "an idle queue, then one request, then an idle queue again",
      .oracle = "one notification, and at most one more", .vehicle = true, .run = idle);
