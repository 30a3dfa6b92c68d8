// SPDX-License-Identifier: BSD-3-Clause
/* A buffer as a back-end that was killed leaves it, and what the next one makes of it. */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/vhost_user/inflight_io.h"

#include <string.h>

#define RESUBMITTED "VU.inflight.set.be.2"
#define CORRUPT	    "VU.inflight.set.be.4"
#define LAST_BATCH  "VU.inflight.split-recover.be.1"
#define USED_IDX    "VU.inflight.split-recover.be.2"
#define ORDER	    "VU.inflight.split-recover.be.3"
#define BEHIND	    "VU.inflight.base.be.1"
#define ONCE	    "ROB.chain.once"

#define SIZE 16

static u16 used_id(struct ck *c, u16 slot)
{
	return (u16)le32(c->q[0].vq.split.used->ring[slot & (SIZE - 1)].id);
}

#define FIRST 10

static bool resubmit(struct ck *c, struct cki *b, u16 base, const char *when, const char *clause)
{
	return cki_prepare(c, b, SIZE, FIRST) && cki_resubmits(c, b, FIRST, base, when, clause);
}

static void resubmitted(struct ck *c)
{
	struct cki b = { .fd = -1 };
	bool ok = cki_format_known(c) &&
		  resubmit(c, &b, FIRST + 2, "heads 6 and 3 in flight, base behind them",
			   RESUBMITTED);

	cki_free(&b);
	/* What QEMU sends: it knows no better than the used index. */
	if (ok)
		resubmit(c, &b, FIRST, "heads 6 and 3 in flight, base at the used index", BEHIND);
	cki_free(&b);
}

CHECK(resubmitted, .id = "vu.inflight.resubmit", .clauses = { RESUBMITTED, BEHIND, ONCE },
      .stimulus = "a buffer in which two heads are in flight, one more available behind them; "
		  "SET_VRING_BASE behind the two, and in another session at the used index",
      .oracle = "all three are carried out and returned, each once (info for the second form: the "
		"text does not say which index counts)",
      CKI_NEEDS, .run = resubmitted);

static void last_batch_in(struct ck *c, struct cki *b)
{
	static const u16 heads[] = { 2, 7 };
	struct vu_inflight_split *s;
	struct blk_req reqs[2];

	/* Two elements were published; the books still say that they were not. */
	if (!cki_prepare(c, b, SIZE, 1))
		return;
	for (unsigned i = 0; i < 2; i++)
		if (!cki_chain(c, &reqs[i], heads[i]))
			return;
	s = cki_queue(b);
	cki_books(b, 0xffff);
	cki_mark(b, 2, 40);
	cki_mark(b, 7, 41);
	s->last_batch_head = 7;
	s->desc[7].next = 2;
	s->desc[2].next = 0;
	if (!cki_send(c, b) || !ckr_send(c, 0, CKR_ALL, 1) || !ckr_kick(c, 0) ||
	    !ckr_stays(c, 0, 1, &reqs[0], "last batch of two, published but not cleared",
		       LAST_BATCH))
		return;
	if (ckr_touched(&reqs[1])) {
		ck_fail(c, LAST_BATCH, "neither is carried out again", "head 7 was");
		return;
	}
	if (s->used_idx != 1)
		ck_fail(c, USED_IDX, "1, as in the ring", "used_idx is %u after the start",
			s->used_idx);
}

static void last_batch(struct ck *c)
{
	struct cki b = { .fd = -1 };

	if (cki_format_known(c))
		last_batch_in(c, &b);
	cki_free(&b);
}

CHECK(last_batch, .id = "vu.inflight.last-batch", .clauses = { LAST_BATCH, USED_IDX },
      .stimulus =
	      "used_idx 0xffff in the buffer, used index 1 in the ring, a last batch of two heads "
	      "that are still marked",
      .oracle = "neither is carried out again, and used_idx becomes 1", CKI_NEEDS,
      .run = last_batch);

/* The order in which three heads come back, as a number; 0 with an error or a failure recorded. */
static unsigned order_once(struct ck *c, struct cki *b)
{
	static const u16 heads[] = { 1, 5, 9 };
	static const u8 counters[] = { 9, 7, 8 };
	struct blk_req reqs[3];
	unsigned order = 0;

	if (!cki_prepare(c, b, SIZE, 0))
		return 0;
	for (unsigned i = 0; i < 3; i++) {
		if (!cki_chain(c, &reqs[i], heads[i]))
			return 0;
		cki_mark(b, heads[i], counters[i]);
	}
	cki_available(c, heads, 3, 0);
	cki_books(b, 0);
	if (!cki_send(c, b) || !ckr_send(c, 0, CKR_ALL, 3) || !ckr_kick(c, 0))
		return 0;
	if (!ck_wait_used(c, 0, 3)) {
		ck_fail(c, RESUBMITTED, "all three are carried out", "%u of 3 came back",
			vq_split_raw_used_idx(&c->q[0].vq.split));
		return 0;
	}
	for (u16 i = 0; i < 3; i++)
		order = order * 16 + used_id(c, i);
	return order;
}

#define TRIES 5
#define RIGHT 0x591u

static void order(struct ck *c)
{
	unsigned first = 0;

	if (!cki_format_known(c))
		return;
	/* One that serves requests side by side may return them in any order: then it varies. */
	for (unsigned i = 0; i < TRIES; i++) {
		struct cki b = { .fd = -1 };
		unsigned seen = order_once(c, &b);

		cki_free(&b);
		if (seen == 0 || seen == RIGHT || (first && seen != first))
			return;
		first = seen;
	}
	ck_fail(c, ORDER, "heads 5, 9, 1: by counter",
		"three heads in flight come back as %u, %u, %u, each time", first >> 8,
		first >> 4 & 15, first & 15);
}

CHECK(order, .id = "vu.inflight.order", .clauses = { ORDER, RESUBMITTED },
      .stimulus = "heads 1, 5 and 9 in flight with counters 9, 7 and 8, up to five times",
      .oracle = "5, 9 and 1 come back in this order (a target whose order varies is not judged)",
      CKI_NEEDS, .run = order);

/* What the front-end wrote, or a broken disk. */
static void corrupt_with(struct cki *b, unsigned kind)
{
	struct vu_inflight_split *s = cki_queue(b);

	cki_books(b, 0);
	switch (kind) {
	case 0:
		s->last_batch_head = 0xffff;
		s->used_idx = 0x8000;
		break;
	case 1:
		for (unsigned i = 0; i < SIZE; i++) {
			s->desc[i].next = 0xffff;
			s->desc[i].inflight = 7;
		}
		s->used_idx = 0xfff0;
		break;
	case 2:
		s->desc_num = 0xffff;
		cki_mark(b, 3, ~0ull);
		break;
	case 3:
		/* A list that goes round, and heads whose chains are nothing. */
		for (u16 i = 0; i < SIZE; i++) {
			cki_mark(b, i, 5);
			s->desc[i].next = i;
		}
		s->used_idx = 0xfff8;
		break;
	default:
		memset(b->map, 0xff, b->desc.mmap_size);
		s->version = 1;
		break;
	}
}

#define KINDS 5

static bool corrupt_one(struct ck *c, struct cki *b, unsigned kind)
{
	struct vu_frontend *fe = ckv(c);

	if (!ckr_next_session(c, "a corrupt buffer", CORRUPT) || !cki_prepare(c, b, SIZE, 0))
		return false;
	corrupt_with(b, kind);
	ck_log(c, "  corruption %u", kind);
	/* Any of these may be refused. */
	if (vu_cmd(fe, VU_SET_INFLIGHT_FD, &b->desc, sizeof(b->desc), &b->fd, 1) != TP_OK)
		return true;
	if (vu_set_state(fe, VU_SET_VRING_NUM, 0, SIZE) == TP_OK &&
	    vu_set_state(fe, VU_SET_VRING_BASE, 0, 0) == TP_OK) {
		struct tp_queue cfg = ckr_cfg(c, 0, 0);

		if (vu_set_vring_addr(fe, 0, &cfg, 0, 0) == TP_OK &&
		    vu_set_vring_fd(fe, VU_SET_VRING_KICK, 0, fe->rings[0].kick) == TP_OK &&
		    vu_set_state(fe, VU_SET_VRING_ENABLE, 0, 1) == TP_OK && ckr_kick(c, 0))
			for (unsigned i = 0; i < 4 && vu_barrier(fe) == TP_OK; i++)
				c->tp->ops->relax(c->tp);
	}
	return true;
}

static void corrupt(struct ck *c)
{
	for (unsigned kind = 0; kind < KINDS; kind++) {
		struct cki b = { .fd = -1 };
		bool ok = corrupt_one(c, &b, kind);

		cki_free(&b);
		if (!ok)
			return;
	}
	ckv_reachable(c, CORRUPT);
}

CHECK(corrupt, .id = "vu.inflight.corrupt", .clauses = { CORRUPT, "ROB.live.new-session" },
      .stimulus = "buffers with a last_batch_head and next of 0xffff, inflight 7, desc_num 0xffff, "
		  "lists that go round, all heads marked, all bytes 0xff; the ring starts",
      .oracle = "whatever becomes of the ring, a new session is served", CKI_NEEDS,
      .disturbs = true, .run = corrupt);
