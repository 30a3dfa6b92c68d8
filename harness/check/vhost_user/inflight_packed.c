// SPDX-License-Identifier: BSD-3-Clause
/* The in-flight region of a packed ring: how it is kept, and what a successor makes of it. */
#define CHECK_RING CHECK_RING_PACKED

#include "harness/check/vhost_user/inflight_io.h"

#include <string.h>

#define FORMAT	    "VU.inflight.layout.be.3"
#define GET_STEPS   "VU.inflight.packed-get.be.1"
#define PUT_STEPS   "VU.inflight.packed-put.be.1"
#define BATCH	    "VU.inflight.packed-recover.be.1"
#define FREE	    "VU.inflight.packed-recover.be.2"
#define ORDER	    "VU.inflight.packed-recover.be.3"
#define RESUBMITTED "VU.inflight.set.be.2"
#define ONCE	    "ROB.chain.once"

#define SIZE   16
#define MERGED 2 /* descriptors of a request in two pieces */

static struct vu_inflight_packed *queue_of(const struct cki *i)
{
	return (struct vu_inflight_packed *)i->map;
}

#define SEEN(field) __atomic_load_n(&(field), __ATOMIC_ACQUIRE)

/* The first entry in flight; SIZE: there is none. */
static unsigned marked(const struct vu_inflight_packed *s)
{
	unsigned i = 0;

	while (i < SIZE && !SEEN(s->desc[i].inflight))
		i++;
	return i;
}

static bool is_known(const struct vu_inflight_packed *s)
{
	return SEEN(s->version) == 1 && SEEN(s->desc_num) == SIZE;
}

static bool run(struct ck *c, struct cki *b)
{
	return cki_prepare(c, b, SIZE, 0) && cki_send(c, b) && ckr_send(c, 0, CKR_ALL, 0) &&
	       ckr_kick(c, 0);
}

/* Only where the books are kept as the text suggests can a check write into them. */
static bool format_known(struct ck *c)
{
	struct cki b = { .fd = -1 };
	struct blk_req r;
	u32 base;
	bool ok = run(c, &b) && ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) && ckb_ok(c, 0, &r) &&
		  ckr_stop(c, 0, &base);

	if (ok && (!is_known(queue_of(&b)) || SEEN(queue_of(&b)->used_idx) != 3))
		ok = ck_skip(c, "the target's in-flight region is not in the format that the text "
				"suggests");
	cki_free(&b);
	return ok;
}

/* --- the books -------------------------------------------------------------------------------------- */

/* One entry in flight: has it the descriptor that was made available first? A copy of that: where it stood
 * a used descriptor can be by now. */
static bool copied(struct ck *c, const struct vu_inflight_packed *s, unsigned entry,
		   const struct vring_packed_desc *d)
{
	const struct vu_inflight_packed_desc *e = &s->desc[entry];

	if (SEEN(e->num) != MERGED || SEEN(e->addr) != le64(d->addr) ||
	    SEEN(e->len) != le32(d->len) || SEEN(e->last) >= SIZE)
		return ck_fail(c, GET_STEPS, "copies of its descriptors",
			       "entry %u: %u descriptors, the first has address 0x%llx and length "
			       "%u; in the ring it is %u, 0x%llx and %u",
			       entry, e->num, (unsigned long long)e->addr, e->len, MERGED,
			       (unsigned long long)le64(d->addr), le32(d->len));
	return true;
}

/* Watch one read: marked before anything of it is carried out. */
static bool watch(struct ck *c, const struct cki *b, struct blk_req *r)
{
	const struct vu_inflight_packed *s = queue_of(b);
	struct vring_packed_desc first;
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);
	struct ck_used u;

	memset(r->data.hva, CKR_UNTOUCHED, r->data.len);
	if (ckb_add(c, 0, r, BLK_LAYOUT_MERGED) < 0)
		return false;
	first = c->q[0].vq.packed.unshown_desc;
	if (!ckr_publish(c, 0))
		return false;
	while (!vq_used_pending(&c->q[0].vq)) {
		/* The first byte comes first, or early. */
		const bool touched = SEEN(*r->data.hva) != CKR_UNTOUCHED;
		const unsigned entry = marked(s);

		if (tp_late(c->tp, end))
			return ck_error(c, "a read was not used within %u ms", c->tp->timeout_ms);
		if (vq_used_pending(&c->q[0].vq))
			break; /* it may have been cleared since */
		if (touched && entry == SIZE)
			return ck_fail(c, GET_STEPS, "marked before it is carried out",
				       "a read has written its buffer, and no entry is in flight");
		if (touched && !copied(c, s, entry, &first))
			return false;
	}
	return ck_reap(c, 0, &u);
}

static bool at_rest(struct ck *c, const struct vu_inflight_packed *s)
{
	const struct vq_packed_at at = c->q[0].vq.packed.used;
	unsigned free = 0;

	if (!is_known(s))
		return ck_fail(c, FORMAT, "version 1 and the number of entries",
			       "version %u, %u entries", s->version, s->desc_num);
	if (marked(s) != SIZE)
		return ck_fail(c, PUT_STEPS, "nothing in flight", "entry %u is in flight",
			       marked(s));
	if (s->used_idx != at.off || s->used_wrap_counter != at.wrap ||
	    s->old_used_idx != s->used_idx || s->old_used_wrap_counter != s->used_wrap_counter ||
	    s->old_free_head != s->free_head)
		return ck_fail(c, PUT_STEPS, "where the ring stands, in both",
			       "the ring is at %u wrap %u; used_idx %u wrap %u, old %u wrap %u, "
			       "free_head %u, old %u",
			       at.off, at.wrap, s->used_idx, s->used_wrap_counter, s->old_used_idx,
			       s->old_used_wrap_counter, s->free_head, s->old_free_head);
	for (u16 i = s->free_head; i < SIZE && free < SIZE; i = s->desc[i].next)
		free++;
	return free == SIZE || ck_fail(c, PUT_STEPS, "every entry is free again",
				       "%u of %u are in the list", free, SIZE);
}

static void books_in(struct ck *c, struct cki *b)
{
	struct blk_req r;
	u32 base;

	if (!run(c, b) || !ckr_read_req(c, &r, 256 << 10))
		return;
	for (unsigned i = 0; i < 100; i++)
		if (!watch(c, b, &r))
			return;
	if (ckr_stop(c, 0, &base))
		at_rest(c, queue_of(b));
}

static void books(struct ck *c)
{
	struct cki b = { .fd = -1 };

	books_in(c, &b);
	cki_free(&b);
}

CHECK(books, .id = "vu.inflight.packed-books", .clauses = { FORMAT, GET_STEPS, PUT_STEPS },
      .stimulus =
	      "an in-flight buffer for a packed ring of 16, and 100 reads of 256 KiB; the buffer "
	      "looked at while each is under way, and when the ring is stopped",
      .oracle =
	      "an entry is marked, with copies of the descriptors, before the read has written "
	      "anything; in the end nothing is in flight, used_idx and its old twin are where the ring "
	      "stands, and all entries are in the free list",
      CKI_NEEDS, .run = books);

/* --- recovery --------------------------------------------------------------------------------------- */

/* The books of a back-end that has taken what is at `off` of the ring, and returned nothing. */
static void taken(struct ck *c, const struct cki *b, u16 off, u64 counter)
{
	struct vu_inflight_packed *s = queue_of(b);

	for (u16 i = off; i < off + MERGED; i++) {
		const struct vring_packed_desc *d = &c->q[0].vq.packed.desc[i];

		s->desc[i].addr = le64(d->addr);
		s->desc[i].len = le32(d->len);
		s->desc[i].flags = le16(d->flags);
		s->desc[i].id = le16(d->id);
	}
	s->desc[off].inflight = 1;
	s->desc[off].counter = counter;
	s->desc[off].num = MERGED;
	s->desc[off].last = off + MERGED - 1;
	s->free_head = s->old_free_head = off + MERGED;
}

/* Session, an empty region in use, and `n` reads of two descriptors in the ring, not told of yet. */
static bool crashed(struct ck *c, struct cki *b, struct blk_req *reqs, unsigned n)
{
	struct vu_inflight_packed *s;

	if (!cki_prepare(c, b, SIZE, 0))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!ckr_read_req(c, &reqs[i], VIRTIO_BLK_SECTOR) ||
		    ckb_add(c, 0, &reqs[i], BLK_LAYOUT_MERGED) < 0)
			return false;
	vq_publish(&c->q[0].vq);
	s = queue_of(b);
	s->version = 1;
	s->desc_num = SIZE;
	s->used_wrap_counter = s->old_used_wrap_counter = 1;
	for (u16 i = 0; i < SIZE; i++)
		s->desc[i].next = (u16)(i + 1);
	return true;
}

/* Start behind what was taken. */
static bool start(struct ck *c, const struct cki *b, u16 avail)
{
	const struct vq_packed_at at = { avail, true }, used = { 0, true };

	return cki_send(c, b) && ckr_send(c, 0, CKR_ALL, vq_packed_base(at, used)) &&
	       ckr_kick(c, 0);
}

/* The order in which three come back, as a number; 0: it is over. */
static unsigned resubmit_once(struct ck *c, struct cki *b)
{
	static const u8 counters[] = { 9, 7 };
	struct blk_req reqs[3];
	unsigned order = 0;

	if (!crashed(c, b, reqs, 3))
		return 0;
	for (u16 i = 0; i < 2; i++)
		taken(c, b, i * MERGED, counters[i]);
	if (!start(c, b, 2 * MERGED))
		return 0;
	for (unsigned i = 0; i < 3; i++) {
		struct ck_used u;
		struct blk_req *r;

		if (!ck_reap(c, 0, &u)) {
			ck_fail(c, RESUBMITTED, "all three are carried out", "%u of 3 came back",
				i);
			return 0;
		}
		r = u.token;
		if (u.head == VQ_BADID) {
			ck_fail(c, ONCE, "each once", "a used descriptor with id %u", u.id);
			return 0;
		}
		if (blk_status(r) != VIRTIO_BLK_S_OK) {
			ck_fail(c, RESUBMITTED, "each is carried out", "status %u", blk_status(r));
			return 0;
		}
		order = order * 16 + (unsigned)(r - reqs) + 1;
	}
	ck_quiet(c);
	if (vq_used_pending(&c->q[0].vq)) {
		ck_fail(c, ONCE, "each once", "a fourth used descriptor");
		return 0;
	}
	return order;
}

#define TRIES 5
#define RIGHT 0x213u

static void resubmit(struct ck *c)
{
	unsigned first = 0;

	if (!format_known(c))
		return;
	/* One that serves requests side by side may return them in any order: then it varies. */
	for (unsigned i = 0; i < TRIES; i++) {
		struct cki b = { .fd = -1 };
		unsigned seen = resubmit_once(c, &b);

		cki_free(&b);
		if (seen == 0 || seen == RIGHT || (first && seen != first))
			return;
		first = seen;
	}
	ck_fail(c, ORDER, "the second, the first, the third: by counter",
		"they come back as %u, %u, %u, each time", first >> 8, first >> 4 & 15, first & 15);
}

CHECK(resubmit, .id = "vu.inflight.packed-resubmit", .clauses = { RESUBMITTED, ORDER, ONCE },
      .stimulus = "a buffer in which two reads are in flight with counters 9 and 7, one more "
		  "available behind them; up to five times",
      .oracle = "all three are carried out and returned, each once, those in flight by counter (a "
		"target whose order varies is not judged)",
      CKI_NEEDS, .run = resubmit);

/* The first of two was being returned: did its used descriptor get into the ring? */
static bool batch(struct ck *c, struct cki *b, bool shown)
{
	struct vq_packed *vq = &c->q[0].vq.packed;
	struct vu_inflight_packed *s;
	struct blk_req reqs[2];

	if (!crashed(c, b, reqs, 2))
		return false;
	taken(c, b, 0, 5);
	s = queue_of(b);
	s->free_head = 0;
	s->used_idx = MERGED;
	if (shown)
		vq_packed_raw_desc(vq, 0, 0, VIRTIO_BLK_SECTOR + 1, le16(vq->desc[1].id),
				   VRING_DESC_F_WRITE | vq_packed_used_bits(true));
	blk_prepare(&reqs[0]);
	if (!start(c, b, MERGED))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		struct ck_used u;

		if (!ck_reap(c, 0, &u))
			return ck_fail(c, BATCH, "the ring's flags decide", "%s: %u of 2 came back",
				       shown ? "used in the ring" : "still available in the ring",
				       i);
		if (u.token != &reqs[i])
			return ck_fail(c, BATCH, "the ring's flags decide",
				       "%s: used descriptor %u has id %u",
				       shown ? "used in the ring" : "still available in the ring",
				       i, u.id);
	}
	ck_quiet(c);
	if (shown && ckr_touched(&reqs[0]))
		return ck_fail(c, BATCH, "what is used is not carried out again",
			       "used in the ring: the read was carried out once more");
	if (!shown && blk_status(&reqs[0]) != VIRTIO_BLK_S_OK)
		return ck_fail(c, BATCH, "what is not used is carried out",
			       "still available in the ring: status %u", blk_status(&reqs[0]));
	if (marked(s) != SIZE)
		return ck_fail(c, FREE, "no entry of the free list is in flight", "entry %u is",
			       marked(s));
	return true;
}

static void batches(struct ck *c)
{
	bool ok = format_known(c);

	for (unsigned shown = 0; ok && shown < 2; shown++) {
		struct cki b = { .fd = -1 };

		ok = batch(c, &b, shown);
		cki_free(&b);
	}
}

CHECK(batches, .id = "vu.inflight.packed-batch", .clauses = { BATCH, FREE },
      .stimulus =
	      "used_idx is ahead of old_used_idx by a read that is still marked, and another is "
	      "available behind it; once with the read's used descriptor in the ring, once without",
      .oracle =
	      "with it the read is not carried out again, without it it is; the other one is served "
	      "in both cases",
      CKI_NEEDS, .run = batches);
