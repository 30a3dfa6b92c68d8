// SPDX-License-Identifier: BSD-3-Clause
/*
 * Translations over time ("IOMMU support"): what is asked for, and what comes of it. Only what is certain is
 * told. A front-end that answers that a translation was not to be had may have reasons; one that says that it
 * gave one, and gives it later, has none.
 */
#include "ref-backends/judge/steps.h"

#include <string.h>
#include <sys/socket.h>

enum {
	ANSWERED_EARLY, /* 0 */
	PUSHED,
	UNANSWERED,
	CLAUSES
};

static const char *const clauses[CLAUSES] = {
	[ANSWERED_EARLY] = "VU.iotlb.miss.fe.1",
	[PUSHED] = "VU.iotlb.miss.fe.2",
	[UNANSWERED] = "VU.breq.iotlb.fe.1",
};
static u64 looked[CLAUSES];

/* Messages after its update until nobody is about to answer a miss any more. */
#define PATIENCE 8

struct miss {
	u64 iova;
	u8 perm;
	bool open;	/* nothing came for it yet */
	bool satisfied; /* an update did */
};

static struct {
	struct miss misses[JD_RINGS]; /* the last of each ring */
	/* Where answers come there is one at a time: */
	struct miss *asked; /* not answered */
	bool fails;	    /* … and it is none: an access that is not allowed */
	u64 about;
	unsigned since; /* messages since it was satisfied, or told */
	/* Where none come: misses that an update may yet be for, be it that another one has satisfied them. */
	u64 owed;
	struct miss empty; /* answered with success, and there was no update; open: there is one */
} st;

void jd_iotlb_session_start(void)
{
	memset(&st, 0, sizeof(st));
}

void jd_iotlb_claims(jd_claim_fn *claim)
{
	for (size_t i = 0; i < CLAUSES; i++)
		claim(clauses[i], looked[i]);
}

static bool covers(const struct vu_iotlb *m, const struct miss *miss)
{
	return miss->iova - m->iova < m->size && (m->perm & miss->perm) == miss->perm;
}

void jd_iotlb_miss(struct vub_session *s, const struct vub_ring *r)
{
	struct miss *m = &st.misses[r->index % JD_RINGS];

	if (r->miss.type == VU_IOTLB_MISS)
		*m = (struct miss){ .iova = r->miss.iova, .perm = r->miss.perm, .open = true };
	if (!vub_has_pf(s, VU_PF_REPLY_ACK)) {
		st.owed += r->miss.type == VU_IOTLB_MISS;
		return;
	}
	st.asked = m;
	st.fails = r->miss.type != VU_IOTLB_MISS;
	st.about = r->miss.iova;
	st.since = 0;
	/* Asked for again, it may be given. */
	if (st.empty.open && st.empty.iova == m->iova)
		st.empty.open = false;
}

static bool anything_open(void)
{
	for (unsigned i = 0; i < JD_RINGS; i++)
		if (st.misses[i].open)
			return true;
	return false;
}

static void update(const struct vu_iotlb *m)
{
	jd_look(&looked[PUSHED]);
	if (!anything_open() && !st.asked && !st.owed)
		jd_broke(clauses[PUSHED],
			 "an update of 0x%llx, %llu bytes: no miss is without an answer",
			 (unsigned long long)m->iova, (unsigned long long)m->size);
	st.owed -= st.owed > 0;
	for (unsigned i = 0; i < JD_RINGS; i++) {
		struct miss *miss = &st.misses[i];

		if (!miss->open || !covers(m, miss))
			continue;
		miss->open = false;
		miss->satisfied = true;
	}
	if (!st.empty.open || !covers(m, &st.empty) || st.asked)
		return;
	st.empty.open = false;
	jd_broke(clauses[ANSWERED_EARLY],
		 "the miss of 0x%llx was answered with 0, and the update came after that",
		 (unsigned long long)st.empty.iova);
}

void jd_iotlb_message(struct vub_session *s, const struct vub_request *rq)
{
	const struct vu_message *m = &rq->msg;

	if (m->hdr.request == VU_IOTLB_MSG && m->iotlb.type == VU_IOTLB_UPDATE && m->iotlb.size &&
	    vub_has_iommu(s))
		update(&m->iotlb);
	else if (m->hdr.request == VU_SET_BACKEND_REQ_FD)
		st.asked = NULL; /* nobody is to answer any more */
	else if (st.asked && (st.fails || st.asked->satisfied))
		st.since++;
}

void jd_iotlb_answer(const struct vu_header *hdr)
{
	if (hdr->request != VU_BACKEND_IOTLB_MSG)
		return;
	jd_look(&looked[UNANSWERED]);
	if (hdr->size != sizeof(u64))
		jd_broke(clauses[UNANSWERED], "an answer of %u bytes, not of 8", hdr->size);
}

void jd_iotlb_answered(struct vub_session *s, u64 answer)
{
	struct miss *m = st.asked;

	st.asked = NULL;
	if (!m || st.fails)
		return;
	if (answer == 0) {
		jd_look(&looked[ANSWERED_EARLY]);
		if (!m->satisfied)
			st.empty = *m;
	}
	m->open = false;
}

/* Is an answer on its way? */
static bool is_coming(const struct vub_session *s)
{
	u8 byte;

	return s->iotlb_answered || s->answer_have ||
	       (s->backend_fd >= 0 && recv(s->backend_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0);
}

void jd_iotlb_session_end(const struct vub_session *s)
{
	if (!st.asked || st.since < PATIENCE || is_coming(s))
		return;
	jd_look(&looked[UNANSWERED]);
	jd_broke(clauses[UNANSWERED],
		 "what was told of 0x%llx is not answered, %u messages after it was done",
		 (unsigned long long)st.about, st.since);
}
