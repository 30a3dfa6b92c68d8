// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/vhost_user/iotlb.h"

#include <string.h>
#include <unistd.h>

#include "ref-backends/binding/vhost_user/channel.h"
#include "ref-backends/binding/vhost_user/serve.h"
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/judge/judge.h"

/* The first entry that ends at `iova` or behind it. */
static u32 position(const struct vub_iotlb *t, u64 iova)
{
	u32 lo = 0, hi = t->n;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (t->entries[mid].last < iova)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void drop(struct vub_iotlb *t, u32 from, u32 to)
{
	memmove(&t->entries[from], &t->entries[to], (t->n - to) * sizeof(t->entries[0]));
	t->n -= to - from;
}

/* Whole entries, be it that only a part of them is meant: what is missed is asked for again. */
static void drop_range(struct vub_iotlb *t, u64 first, u64 last)
{
	u32 from = position(t, first), to = from;

	while (to < t->n && t->entries[to].iova <= last)
		to++;
	drop(t, from, to);
}

const char *vub_iotlb_update(struct vub_iotlb *t, const struct vub_mem *m,
			     const struct vu_iotlb *msg)
{
	const u64 last = msg->iova + (msg->size - 1);
	u32 at;

	if (msg->size == 0 || last < msg->iova)
		return "a range of addresses that is none";
	if (msg->perm == 0 || msg->perm > (VU_IOTLB_READ | VU_IOTLB_WRITE))
		return "permissions that are none";
	if (!vub_mem_uva(m, msg->uva, msg->size))
		return "not in memory";
	drop_range(t, msg->iova, last);
	if (t->n == VUB_IOTLB_ENTRIES) {
		at = t->victim++ % VUB_IOTLB_ENTRIES;
		drop(t, at, at + 1);
	}
	at = position(t, msg->iova);
	memmove(&t->entries[at + 1], &t->entries[at], (t->n - at) * sizeof(t->entries[0]));
	t->entries[at] = (struct vub_iotlb_entry){ msg->iova, last, msg->uva, msg->perm };
	t->n++;
	return NULL;
}

const char *vub_iotlb_invalidate(struct vub_iotlb *t, const struct vu_iotlb *msg)
{
	const u64 last = msg->iova + (msg->size - 1);

	if (msg->size == 0)
		return "a range of addresses that is none";
	/* The size of all there is does not fit into it. */
	drop_range(t, msg->iova, last < msg->iova ? ~0ull : last);
	return NULL;
}

enum vub_iotlb_found vub_iotlb_find(const struct vub_iotlb *t, const struct vub_mem *m, u64 iova,
				    u64 *len, u8 perm, void **hva)
{
	const u32 at = position(t, iova);
	const struct vub_iotlb_entry *e = &t->entries[at];
	u64 left;

	if (at == t->n || e->iova > iova)
		return VUB_IOTLB_ABSENT;
	if ((e->perm & perm) != perm)
		return VUB_IOTLB_DENIED;
	left = e->last - iova;
	if (*len && *len - 1 > left)
		*len = left + 1;
	/* The memory table may be another one since. */
	*hva = vub_mem_uva(m, e->uva + (iova - e->iova), *len);
	return *hva ? VUB_IOTLB_HIT : VUB_IOTLB_ABSENT;
}

/* --- the ring's thread ----------------------------------------------------------------------------- */

static int state_of(const struct vub_ring *r)
{
	return __atomic_load_n(&r->miss.state, __ATOMIC_ACQUIRE);
}

static void set_state(struct vub_ring *r, enum vub_miss_state state)
{
	__atomic_store_n(&r->miss.state, state, __ATOMIC_RELEASE);
}

bool vub_iotlb_waits(const struct vub_ring *r)
{
	const int state = state_of(r);

	return state == VUB_MISS_WANTED || state == VUB_MISS_SENT;
}

static void post(struct vub_ring *r, u64 iova, u8 perm, enum vu_iotlb_type type)
{
	u64 one = 1;

	r->miss.iova = iova;
	r->miss.perm = perm;
	r->miss.type = (u8)type;
	set_state(r, VUB_MISS_WANTED);
	if (write(r->s->event_fd, &one, sizeof(one)) < 0) {
		/* EAGAIN: already awake. */
	}
}

static bool is_refused(const struct vub_ring *r, u64 iova, u8 perm)
{
	return state_of(r) == VUB_MISS_REFUSED && r->miss.iova == iova && r->miss.perm == perm;
}

void *vub_iotlb_translate(struct vub_ring *r, u64 iova, u64 *len, u8 perm)
{
	void *hva = NULL;
	enum vub_iotlb_found found = vub_iotlb_find(&r->s->iotlb, r->s->mem, iova, len, perm, &hva);

	if (found == VUB_IOTLB_HIT)
		return hva;
	if (found == VUB_IOTLB_DENIED) {
		/* It is told, not asked; behind what was asked before. */
		if (vub_iotlb_waits(r))
			r->missed = true;
		else if (!__atomic_load_n(&r->s->deaf, __ATOMIC_ACQUIRE))
			post(r, iova, perm, VU_IOTLB_ACCESS_FAIL);
		return NULL;
	}
	if (is_refused(r, iova, perm)) {
		set_state(r, VUB_MISS_NONE);
		return NULL;
	}
	if (!vub_iotlb_waits(r)) {
		if (__atomic_load_n(&r->s->deaf, __ATOMIC_ACQUIRE))
			return NULL;
		post(r, iova, perm, VU_IOTLB_MISS);
	}
	r->missed = true;
	return NULL;
}

void *vub_iotlb_part(struct vub_ring *r, u64 iova, u64 bytes, u8 perm)
{
	u8 *first = NULL;

	for (u64 at = 0; at < bytes;) {
		u64 len = bytes - at;
		u8 *p = vub_iotlb_translate(r, iova + at, &len, perm);

		if (!p)
			return NULL;
		if (first && p != first + at) {
			r->scattered = true;
			return NULL;
		}
		if (!first)
			first = p;
		at += len;
	}
	return first;
}

/* --- the session's --------------------------------------------------------------------------------- */

static bool send_miss(struct vub_session *s, const struct vub_ring *r)
{
	struct vub_reply msg = {
		.msg.hdr = { VU_BACKEND_IOTLB_MSG, VU_VERSION, sizeof(struct vu_iotlb) },
		.msg.iotlb = { .iova = r->miss.iova, .perm = r->miss.perm, .type = r->miss.type },
		.fd = -1,
		.send = true,
	};

	if (vub_has_pf(s, VU_PF_REPLY_ACK))
		msg.msg.hdr.flags |= VU_FLAG_NEED_REPLY;
	return vub_channel_send(s, &msg);
}

static void wake(struct vub_ring *r)
{
	reactor_wake(&r->lead->reactor);
}

void vub_iotlb_ask(struct vub_session *s)
{
	const bool answers = vub_has_pf(s, VU_PF_REPLY_ACK);

	s->iotlb_pending = false;
	for (u16 i = 0; i < s->num_rings && !(answers && s->asking); i++) {
		struct vub_ring *r = &s->rings[i];

		if (state_of(r) != VUB_MISS_WANTED)
			continue;
		if (s->deaf) {
			set_state(r, VUB_MISS_REFUSED);
			wake(r);
			continue;
		}
		if (!send_miss(s, r)) {
			s->iotlb_pending = !s->deaf;
			return;
		}
		s->asking = answers ? r : NULL;
		r->miss.satisfied = false;
		if (judge_active)
			judge_active->miss(s, r);
		/* An access that failed has no answer that would matter. */
		set_state(r, r->miss.type == VU_IOTLB_MISS ? VUB_MISS_SENT : VUB_MISS_NONE);
		if (r->miss.type != VU_IOTLB_MISS)
			wake(r);
	}
}

/*
 * Was there a translation for what it waits for? Then it goes on; where that is gone since, it asks anew. What an
 * answer says is not asked: one that means that there is none may be 0 as well.
 */
static void settle(struct vub_session *s, struct vub_ring *r)
{
	void *hva;
	u64 len = 1;

	if (state_of(r) != VUB_MISS_SENT)
		return;
	set_state(r, !r->miss.satisfied && vub_iotlb_find(&s->iotlb, s->mem, r->miss.iova, &len,
							  r->miss.perm, &hva) == VUB_IOTLB_ABSENT
			     ? VUB_MISS_REFUSED
			     : VUB_MISS_NONE);
	wake(r);
}

void vub_iotlb_answered(struct vub_session *s)
{
	struct vub_ring *r = s->asking;

	s->asking = NULL;
	if (r) {
		settle(s, r);
		/* Its parts are looked for anew: one may be what was asked for. */
		vub_ring_hold(r);
		vub_ring_release(r);
	}
	vub_iotlb_ask(s);
}

void vub_iotlb_changed(struct vub_session *s, const struct vu_iotlb *msg)
{
	for (u16 i = 0; i < s->num_rings; i++) {
		struct vub_ring *r = &s->rings[i];

		if (state_of(r) != VUB_MISS_SENT)
			continue;
		if (msg && msg->type == VU_IOTLB_UPDATE && r->miss.iova - msg->iova < msg->size)
			r->miss.satisfied = true;
		/* Where no answers come this is one. */
		if (!vub_has_pf(s, VU_PF_REPLY_ACK))
			set_state(r, VUB_MISS_NONE);
	}
}

void vub_iotlb_no_channel(struct vub_session *s)
{
	s->asking = NULL;
	for (u16 i = 0; i < s->num_rings; i++)
		if (vub_iotlb_waits(&s->rings[i])) {
			set_state(&s->rings[i], VUB_MISS_REFUSED);
			wake(&s->rings[i]);
		}
}
