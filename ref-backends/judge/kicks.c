// SPDX-License-Identifier: BSD-3-Clause
/*
 * Available buffer notifications (VIRTIO 1.4, 2.7.10): too early, too many, none at all. Only what is
 * certain is told: a notification that is left out is not missed when another follows, since that looks
 * like one for both.
 */
#include "ref-backends/judge/steps.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	EARLY, /* 0 */
	NEVER_FLAGS,
	NEVER_EVENT,
	SURPLUS_FLAGS,
	SURPLUS_EVENT,
	CLAUSES
};

static const char *const clauses[CLAUSES] = {
	[EARLY] = "v14.init.device-init.drv.14",
	[NEVER_FLAGS] = "v14.split-ring.avail-notif-suppress.drv.4",
	[NEVER_EVENT] = "v14.split-ring.avail-notif-suppress.drv.6",
	[SURPLUS_FLAGS] = "v14.split-ring.avail-notif-suppress.drv.3",
	[SURPLUS_EVENT] = "v14.split-ring.avail-notif-suppress.drv.7",
};
static u64 looked[CLAUSES];

/* A front-end notifies of its own when it takes a ring over; a driver may be late by one. */
#define SLACK 2u

static struct ring {
	u64 kicks; /* before it started */
	/* The ring's thread. */
	u64 slept; /* atomic: kicks until the available ring was looked at last */
	u16 seen_idx;
	u64 seen;      /* buffers that were made available */
	u16 event;     /* avail_event as last seen */
	u64 wanted;    /* how many times it was moved, and once for where it began */
	u64 asked;     /* buffers that were seen before used flags went to 1 */
	bool unwanted; /* they did */
	/* The session's. */
	int never; /* a clause that is broken if nothing woke the ring for what is there; 0: none */
	u16 left_idx; /* the available index then */
} rings[JD_RINGS];

void jd_kicks_claims(jd_claim_fn *claim)
{
	for (size_t i = 0; i < CLAUSES; i++)
		claim(clauses[i], looked[i]);
}

/* Only of split rings is more told than that a notification came early. */
static bool split(const struct vub_ring *r)
{
	return !r->ring.is_packed && r->vq.desc;
}

static bool event_idx(const struct vub_ring *r)
{
	return r->s->features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
}

static u16 avail_event(const struct vub_ring *r)
{
	return le16(*(const u16 *)&r->vq.used->ring[r->vq.num]);
}

static u64 kicks_of(const struct vub_ring *r)
{
	return __atomic_load_n(&r->kick.events, __ATOMIC_RELAXED);
}

static u64 counted(const struct vub_ring *r)
{
	return kicks_of(r) - rings[r->index].kicks;
}

static bool waiting(const struct vub_ring *r)
{
	struct pollfd p = { .fd = r->kick_fd, .events = POLLIN };

	return r->kick_fd >= 0 && poll(&p, 1, 0) == 1 && p.revents & POLLIN;
}

void jd_kicks_ring_start(struct vub_ring *r)
{
	struct ring *k = &rings[r->index];

	*k = (struct ring){
		.kicks = kicks_of(r),
		.wanted = 1,
	};
	if (!split(r))
		return;
	k->seen_idx = r->vq.last_avail;
	k->event = event_idx(r) ? avail_event(r) : 0;
}

/* Each place that avail_event stood at is good for one notification, and one more per round. */
static void surplus_event(const struct vub_ring *r, u64 kicks)
{
	const struct ring *k = &rings[r->index];
	const unsigned long long most = k->wanted + (k->seen >> 16), were = kicks;

	if (!kicks)
		return;
	jd_look(&looked[SURPLUS_EVENT]);
	if (were > most + SLACK)
		jd_broke(clauses[SURPLUS_EVENT],
			 "ring %u: %llu notifications; the device asked for %llu at most", r->index,
			 were, most);
}

void jd_kicks_avail(struct vub_ring *r)
{
	struct ring *k = &rings[r->index];

	__atomic_store_n(&k->slept, kicks_of(r), __ATOMIC_RELAXED);
	k->seen += (u16)(r->vq.avail_seen - k->seen_idx);
	k->seen_idx = r->vq.avail_seen;
	if (!event_idx(r)) {
		if (!k->unwanted && le16(r->vq.used->flags) & VRING_USED_F_NO_NOTIFY) {
			k->unwanted = true;
			k->asked = k->seen;
		}
		return;
	}
	if (avail_event(r) != k->event) {
		k->event = avail_event(r);
		k->wanted++;
	}
	surplus_event(r, counted(r));
}

/* Where the ring is polled nobody reads its notifications: how many there were. */
static u64 unread(const struct vub_ring *r)
{
	u64 n = 0;

	return waiting(r) && read(r->kick_fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

/* A polled ring asks for none once it has begun: what was sent all the same? */
static void look_at_polled(struct vub_ring *r)
{
	const struct ring *k = &rings[r->index];
	const u64 kicks = counted(r) + unread(r);

	if (event_idx(r)) {
		surplus_event(r, kicks);
	} else if (k->unwanted) {
		jd_look(&looked[SURPLUS_FLAGS]);
		if (kicks > k->asked + SLACK)
			jd_broke(clauses[SURPLUS_FLAGS],
				 "ring %u: %llu notifications; used flags are 1 since the first "
				 "%llu buffers",
				 r->index, (unsigned long long)kicks, (unsigned long long)k->asked);
	}
}

/* Buffers are available, the ring asks to be told, and nobody has since it went to sleep? */
static void look_at_sleeping(struct vub_ring *r)
{
	const u16 idx = le16(__atomic_load_n(&r->vq.avail->idx, __ATOMIC_ACQUIRE));
	const u16 at = __atomic_load_n(&r->vq.last_avail, __ATOMIC_RELAXED);
	struct ring *k = &rings[r->index];
	int clause = event_idx(r) ? NEVER_EVENT : NEVER_FLAGS;

	if (!jd_steps_seen() || r->polled || !vub_ring_may_run(r))
		return;
	jd_look(&looked[clause]);
	if (idx == at || kicks_of(r) != __atomic_load_n(&k->slept, __ATOMIC_RELAXED) || waiting(r))
		return;
	if (event_idx(r) ? (u16)(idx - avail_event(r) - 1) >= (u16)(idx - at)
			 : le16(r->vq.used->flags) & VRING_USED_F_NO_NOTIFY)
		return;
	k->never = clause;
	k->left_idx = idx;
}

static void last_look(struct vub_ring *r)
{
	if (!r->started || !split(r) || dvq_is_broken(&r->vq))
		return;
	if (r->s->poll)
		look_at_polled(r);
	else
		look_at_sleeping(r);
}

/* The ring has stopped since: what was on its way has been counted now. */
static void conclude(struct vub_ring *r)
{
	struct ring *k = &rings[r->index];

	if (k->never && r->vq.last_avail != k->left_idx && kicks_of(r) == k->slept)
		jd_broke(clauses[k->never],
			 "ring %u: buffers are available from index %u to %u, and no notification "
			 "came until the ring was stopped",
			 r->index, r->vq.last_avail, k->left_idx);
	k->never = 0;
}

/*
 * Notifications before DRIVER_OK. One may be the front-end's own, which starts a ring so. They are told only
 * when they were there before anything else was sent: with an empty socket behind this message, which is
 * not DRIVER_OK, that was not sent yet.
 */
static void look_for_early(struct vub_session *s, const struct vub_request *rq)
{
	const u8 status = __atomic_load_n(&s->status, __ATOMIC_RELAXED);
	u8 byte;

	if (!jd_steps_seen() || status & VIRTIO_CONFIG_S_DRIVER_OK ||
	    rq->msg.hdr.request == VU_SET_STATUS || rq->msg.hdr.request == VU_SET_VRING_KICK)
		return;
	for (u16 i = 0; i < s->num_rings && i < JD_RINGS; i++) {
		const struct vub_ring *r = &s->rings[i];

		if (r->kick_fd < 0 || !r->started)
			continue;
		jd_look(&looked[EARLY]);
		if (counted(r) > 1 && recv(s->conn.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
			jd_broke(clauses[EARLY], "ring %u was notified %llu times until status %#x",
				 i, (unsigned long long)counted(r), status);
	}
}

void jd_kicks_message(struct vub_session *s, const struct vub_request *rq)
{
	const struct vu_message *m = &rq->msg;

	for (u16 i = 0; i < s->num_rings && i < JD_RINGS; i++)
		conclude(&s->rings[i]);
	look_for_early(s, rq);
	if (m->hdr.request == VU_GET_VRING_BASE && m->state.index < MIN(s->num_rings, JD_RINGS))
		last_look(&s->rings[m->state.index]);
	if ((m->hdr.request == VU_SET_STATUS && m->u64 == 0) || m->hdr.request == VU_RESET_DEVICE)
		for (u16 i = 0; i < s->num_rings && i < JD_RINGS; i++)
			last_look(&s->rings[i]);
}

void jd_kicks_session_end(struct vub_session *s)
{
	for (u16 i = 0; i < s->num_rings && i < JD_RINGS; i++) {
		struct vub_ring *r = &s->rings[i];

		conclude(r);
		if (s->poll && r->started && split(r))
			look_at_polled(r);
	}
}
