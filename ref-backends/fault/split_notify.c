// SPDX-License-Identifier: BSD-3-Clause
/* Faults of notifications, both ways. */
#include "ref-backends/binding/vhost_user/serve.h"
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/fault/get_id.h"
#include "ref-backends/fault/vub_ring.h"

/* --- used buffer notifications ------------------------------------------------------------------------ */

static u16 used_event(const struct dvq_split *vq)
{
	return le16(__atomic_load_n(&vq->avail->ring[vq->num], __ATOMIC_RELAXED));
}

static bool notify_by_flags(struct dvq_split *vq, bool due)
{
	return vq->event_idx ? !(vq->avail->flags & VRING_AVAIL_F_NO_INTERRUPT) && due : due;
}

FAULT(event_idx_obeys_flags, .name = "event-idx-obeys-flags",
      .clause = "v14.split-ring.used-notif-suppress.dev.4",
      .summary = "honours NO_INTERRUPT although the event index was negotiated",
      .notify = notify_by_flags);

static bool event_without_feature(struct dvq_split *vq, bool due)
{
	/* A driver that does not know of the field leaves 0 there. */
	return due &&
	       (vq->event_idx || !used_event(vq) || used_event(vq) == (u16)(vq->used_idx - 1));
}

FAULT(used_event_obeyed, .name = "used-event-obeyed",
      .clause = "v14.split-ring.used-notif-suppress.dev.1",
      .summary = "honours used_event without the event index", .notify = event_without_feature,
      .blk_complete = fault_note_get_id);

static bool flag_ignored(struct dvq_split *vq, bool due)
{
	return due || !vq->event_idx;
}

FAULT(no_interrupt_ignored, .name = "no-interrupt-ignored",
      .clause = "v14.split-ring.used-notif-suppress.dev.2",
      .summary = "notifies although avail flags say NO_INTERRUPT", .notify = flag_ignored);

/* Not the first ones: those are waited for by everybody. */
static bool every_eighth_missing(struct dvq_split *vq, bool due)
{
	static unsigned n;

	return due &&
	       (vq->event_idx || !fault_get_id || __atomic_add_fetch(&n, 1, __ATOMIC_RELAXED) % 8);
}

FAULT(notification_missing, .name = "notification-missing",
      .clause = "v14.split-ring.used-notif-suppress.dev.3",
      .summary = "leaves out every eighth notification", .notify = every_eighth_missing,
      .blk_complete = fault_note_get_id);

static bool queue_1_silent(struct dvq_split *vq, bool due)
{
	return due && (vq->event_idx || vq->queue == 0 || !fault_get_id);
}

FAULT(queue_1_silent, .name = "queue-1-silent",
      .clause = "v14.split-ring.used-notif-suppress.dev.3", .summary = "never notifies of queue 1",
      .notify = queue_1_silent, .blk_complete = fault_note_get_id);

static bool event_not_modulo(struct dvq_split *vq, bool due)
{
	/* The first batch behind the wrap: as integers, what was signalled is the larger. */
	return due && !(vq->event_idx && vq->used_idx < 0x100 && used_event(vq) > 0xff00) &&
	       !(vq->event_idx && vq->used_idx == 0);
}

FAULT(event_idx_not_modulo, .name = "event-idx-not-modulo",
      .clause = "v14.split-ring.used-notif-suppress.dev.5",
      .summary = "compares used_event without regard to the wrap", .notify = event_not_modulo);

static bool event_of_last_only(struct dvq_split *vq, bool due)
{
	return due && (!vq->event_idx || used_event(vq) == (u16)(vq->used_idx - 1));
}

FAULT(event_idx_last_only, .name = "event-idx-last-only",
      .clause = "v14.split-ring.used-notif-suppress.dev.5",
      .summary = "compares used_event with the last element of a batch only",
      .notify = event_of_last_only);

static bool event_one_late(struct dvq_split *vq, bool due)
{
	return vq->event_idx ? used_event(vq) == (u16)(vq->used_idx - 2) : due;
}

FAULT(event_idx_one_late, .name = "event-idx-one-late",
      .clause = "v14.split-ring.used-notif-suppress.dev.5",
      .summary = "notifies one element after used_event", .notify = event_one_late);

static bool event_ignored(struct dvq_split *vq, bool due)
{
	return due || vq->event_idx;
}

FAULT(event_idx_ignored, .name = "event-idx-ignored",
      .clause = "v14.split-ring.used-notif-suppress.dev.6",
      .summary = "notifies of every element whatever used_event says", .notify = event_ignored);

static void call_neighbour(struct dvq_split *vq, u32 id, u32 len)
{
	struct vub_ring *r = fault_vub_ring(vq);

	if (fault_get_id && r && r->s->num_rings > 1)
		vub_signal(r->s->rings[!r->index].call_fd, true);
}

FAULT(call_neighbour, .name = "call-neighbour", .clause = "ROB.notify.spurious",
      .summary = "notifies of another queue, too", .after_used = call_neighbour,
      .blk_complete = fault_note_get_id);

static bool chatty;

static void begin_quiet(struct vub_session *s)
{
	chatty = false;
}

static void get_chatty(struct rblk *blk, struct rblk_req *req)
{
	chatty |= req->type == VIRTIO_BLK_T_GET_ID;
}

static bool call_all_the_time(struct vub_ring *r, bool allowed)
{
	if (chatty && allowed && !r->vq.event_idx &&
	    !(r->vq.avail->flags & VRING_AVAIL_F_NO_INTERRUPT))
		vub_signal(r->call_fd, true);
	return allowed;
}

FAULT(call_while_idle, .name = "call-while-idle", .clause = "ROB.notify.spurious",
      .summary = "notifies once in a millisecond while nothing is used",
      .session_start = begin_quiet, .blk_complete = get_chatty, .may_run = call_all_the_time);

/* --- available buffer notifications --------------------------------------------------------------------- */

static u16 second_bit(struct dvq_split *vq, u16 flags)
{
	return vq->event_idx ? flags : flags | 2;
}

FAULT(used_flags_second_bit, .name = "used-flags-second-bit",
      .clause = "v14.split-ring.avail-notif-suppress.dev.1", .summary = "sets bit 1 of used flags",
      .used_flags = second_bit);

static u16 no_notify(struct dvq_split *vq, u16 flags)
{
	return vq->event_idx ? VRING_USED_F_NO_NOTIFY : flags;
}

FAULT(used_flags_event_idx, .name = "used-flags-event-idx",
      .clause = "v14.split-ring.avail-notif-suppress.dev.3",
      .summary = "sets NO_NOTIFY although the event index was negotiated", .used_flags = no_notify);

/* Eight looks at an empty ring in a row: nobody but a driver that kicks for nothing causes that. */
static u16 replay(struct dvq_split *vq, u16 idx)
{
	static unsigned empty[2];
	unsigned q = vq->queue & 1;

	if (idx != vq->last_avail) {
		empty[q] = 0;
		return idx;
	}
	if (++empty[q] < 8 || !fault_get_id)
		return idx;
	empty[q] = 0;
	vq->last_avail--;
	return idx;
}

FAULT(kick_replays, .name = "kick-replays", .clause = "v14.split-ring.avail-notif-suppress.dev.5",
      .summary = "serves the last chain again after many kicks for nothing", .avail_idx = replay,
      .blk_complete = fault_note_get_id);

/* Asleep without having said so: the driver sees no reason to kick. */
static u16 sleepy_flags(struct dvq_split *vq, u16 flags)
{
	static unsigned n;

	return !vq->event_idx && !flags && ++n % 2500 == 0 ? VRING_USED_F_NO_NOTIFY : flags;
}

FAULT(kick_lost_flags, .name = "kick-lost-flags", .clause = "ROB.notify.race",
      .summary = "goes to sleep with NO_NOTIFY set once in a while", .used_flags = sleepy_flags);

static u16 sleepy_event(struct dvq_split *vq, u16 event)
{
	static unsigned n;

	return ++n % 1500 ? event : (u16)(event - 1);
}

FAULT(kick_lost_event, .name = "kick-lost-event", .clause = "ROB.notify.race",
      .summary = "goes to sleep with an old avail_event once in a while",
      .avail_event = sleepy_event);
