// SPDX-License-Identifier: BSD-3-Clause
/* GET_VRING_BASE and SET_VRING_BASE of packed rings: two places, each with its wrap counter. */
#define CHECK_RING CHECK_RING_PACKED

#include "harness/check/vhost_user/ring_io.h"

#include <string.h>

#define BOTH	      "VU.base.get.be.2"
#define LAYOUT	      "VU.layout.packed-index.be.1"
#define SURVIVES      "VU.base.get.be.5"
#define RESERVED      "VU.base.get.be.8"
#define NEVER_STARTED "VU.base.get.be.7"
#define DRAINS	      "VU.base.get.be.4"
#define NOTHING_LOST  "VU.base.get.be.9"
#define CONTINUES     "VU.vring.base.be.3"
#define DEFAULT	      "VU.vring.base.be.4"
#define RESUMES	      "VU.ring.start.be.4"
#define ONCE	      "ROB.chain.once"

#define SIZE 16

static bool expect_base(struct ck *c, u32 base, u32 expected, const char *when, const char *clause)
{
	const struct vq_packed_at avail = vq_packed_at(base & 0xffff),
				  used = vq_packed_at(base >> 16);

	if (base == expected)
		return true;
	return ck_fail(c, clause, "where the ring stands",
		       "%s: 0x%08x (available %u wrap %u, used %u wrap %u), not 0x%08x", when, base,
		       avail.off, avail.wrap, used.off, used.wrap, expected);
}

/* Three descriptors each. */
static bool serve(struct ck *c, unsigned n, const char *when, const char *clause)
{
	struct blk_req r;

	if (!ckr_read_req(c, &r, VIRTIO_BLK_SECTOR))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 || !ckr_publish(c, 0) ||
		    !ckr_served(c, 0, &r, when, clause))
			return false;
	return true;
}

static bool restart(struct ck *c, u32 base)
{
	/* 0 is a place like others here: the beginning of the second lap. */
	return ck_must(c, vu_set_state(ckv(c), VU_SET_VRING_BASE, 0, base), "SET_VRING_BASE") &&
	       ckr_send(c, 0, CKR_START & ~CKR_BASE, 0) && ckr_kick(c, 0);
}

static void get(struct ck *c)
{
	/* Across the ring's end, at it, and once round; how much of it each is, in requests. */
	static const u8 steps[] = { 3, 5, 8, 16, 1 };
	const struct vq *vq = &c->q[0].vq;
	u32 base;

	if (!ckr_session(c) || !ckr_run(c, 0, SIZE, 0))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		if (!serve(c, steps[i], "started again where it stood", CONTINUES) ||
		    !ckr_stop(c, 0, &base) ||
		    !expect_base(c, base, vq_where(vq), "after requests of three descriptors",
				 BOTH) ||
		    !ck_must(c, vu_get_vring_base(ckv(c), 0, &base), "asking again") ||
		    !expect_base(c, base, vq_where(vq), "asked again", SURVIVES) ||
		    !restart(c, base))
			return;
	}
}

CHECK(get, .id = "vu.base.packed-get", .clauses = { BOTH, LAYOUT, SURVIVES, CONTINUES, RESUMES },
      .stimulus = "a ring of 16; 3, 5, 8, 16 and 1 requests of three descriptors, after each "
		  "GET_VRING_BASE, twice, and a restart at what it says",
      .oracle = "both halves name the descriptor behind the last one, with the wrap counter of "
		"that lap; the requests behind a restart are served",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = get);

/* --- SET_VRING_BASE -------------------------------------------------------------------------------- */

#define AVAIL 7
#define USED  3

/* One that is available in a lap with this counter, and names a read of its own. */
static void stale(struct ck *c, const struct blk_req *r, u16 i, bool wrap)
{
	vq_packed_raw_desc(&c->q[0].vq.packed, i, r->data.gpa.v, r->data.len + 1, 0xabc,
			   VRING_DESC_F_WRITE | vq_packed_avail_bits(wrap));
}

static bool set_on(struct ck *c, bool wrap)
{
	const u32 half = vq_packed_off_wrap((struct vq_packed_at){ AVAIL, wrap });
	struct vq_packed *vq = &c->q[0].vq.packed;
	struct blk_req r, other;
	u32 base;

	if (!ckr_session(c) || !ckr_lay(c, 0, SIZE, half << 16 | half) ||
	    !ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) || !ckr_read_req(c, &other, VIRTIO_BLK_SECTOR))
		return false;
	/* As after a crash with four descriptors in flight, which somebody else has dealt with. */
	vq->used.off = USED;
	base = vq_packed_base(vq->avail, vq->used);
	/* Two descriptors at 7. Before it, everything is available in either lap. */
	if (ckb_add(c, 0, &r, BLK_LAYOUT_MERGED) < 0)
		return false;
	vq_packed_publish(vq);
	blk_prepare(&other);
	for (u16 i = 0; i < AVAIL; i++)
		stale(c, &other, i, i % 2 ? wrap : !wrap);
	for (u16 i = AVAIL + 2; i < SIZE; i++)
		stale(c, &other, i, !wrap);
	if (!ckr_send(c, 0, CKR_ALL, base) || !ckr_kick(c, 0))
		return false;
	if (!ckr_served(c, 0, &r,
			wrap ? "available 7, used 3, both with wrap counter 1"
			     : "available 7, used 3, both with wrap counter 0",
			CONTINUES))
		return false;
	ck_quiet(c);
	if (ckr_touched(&other))
		return ck_fail(c, CONTINUES, "what is available at 7 only",
			       "a descriptor elsewhere was carried out");
	if (!ckr_stop(c, 0, &base))
		return false;
	return expect_base(c, base,
			   vq_packed_base(vq->avail, (struct vq_packed_at){ USED + 2, wrap }),
			   "stopped behind that request", BOTH);
}

static void set(struct ck *c)
{
	if (set_on(c, true))
		set_on(c, false);
}

CHECK(set, .id = "vu.base.packed-set", .clauses = { CONTINUES, BOTH, LAYOUT, ONCE },
      .stimulus =
	      "SET_VRING_BASE with the available place 7 and the used place 3, in the first lap "
	      "and in the second; one request at 7, all other descriptors name another read",
      .oracle = "the request is carried out, its used descriptor is at 3, nothing else happens; "
		"GET_VRING_BASE then says 9 and 5",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = set);

static void by_default(struct ck *c)
{
	const u32 said = 0x00050009;
	u32 base;

	if (!ckr_session(c) || !ckr_lay(c, 0, SIZE, 0) || !ckr_send(c, 0, CKR_NUM, 0) ||
	    !ckr_send(c, 0, CKR_BASE, said) || !ckr_stop(c, 0, &base) ||
	    !expect_base(c, base, said, "after SET_VRING_BASE, not started", NEVER_STARTED))
		return;
	if (!ckr_session(c) || !ckr_lay(c, 0, SIZE, 0) || !ckr_send(c, 0, CKR_ALL & ~CKR_BASE, 0) ||
	    !ckr_kick(c, 0))
		return;
	serve(c, 7, "SET_VRING_BASE not sent", DEFAULT);
}

CHECK(by_default, .id = "vu.base.packed-default", .clauses = { NEVER_STARTED, DEFAULT, LAYOUT },
      .stimulus = "SET_VRING_BASE, and GET_VRING_BASE of the ring that was not started; in a new "
		  "session, a ring started without SET_VRING_BASE",
      .oracle =
	      "what was set; then requests are served from the beginning, with wrap counters of 1 "
	      "(info when not: the text only implies it)",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = by_default);

/* --- under load ------------------------------------------------------------------------------------- */

/* What lies in the ring has been taken: then the place that is said is the one behind it. */
static bool drained(struct ck *c, struct ckr_load *l, u32 base)
{
	const struct vq_packed_at avail = vq_packed_at(base & 0xffff),
				  used = vq_packed_at(base >> 16);

	if (!ckr_load_take(c, l))
		return ck_fail(c, NOTHING_LOST, "every buffer comes back once", "%s", l->wrong);
	if (avail.off != used.off || avail.wrap != used.wrap)
		return ck_fail(c, DRAINS, "every request that was taken has been returned",
			       "GET_VRING_BASE says 0x%08x: the used place is another", base);
	if (vq_packed_off_wrap(c->q[0].vq.packed.used) != base >> 16)
		return ck_fail(c, BOTH, "the place behind the last used descriptor",
			       "GET_VRING_BASE says 0x%08x, and the ring goes on at 0x%04x", base,
			       vq_packed_off_wrap(c->q[0].vq.packed.used));
	return true;
}

static void nothing_lost(struct ck *c)
{
	struct ckr_load l;

	/* No power of two, and not a multiple of three: laps begin everywhere. */
	if (!ckr_session(c) || !ckr_run(c, 0, 100, 0) || !ckr_load_open(c, &l, 0, 24))
		return;
	for (unsigned round = 0; round < 24; round++) {
		u32 base;

		if (!ckr_load_run(c, &l, ck_random(c) % 32, "stopped and started again",
				  NOTHING_LOST) ||
		    !ckr_load_fill(c, &l) || !ckr_stop(c, 0, &base) || !drained(c, &l, base) ||
		    !restart(c, base))
			return;
	}
	if (ckr_load_drain(c, &l, "after the last restart", NOTHING_LOST))
		ck_log(c, "  %u requests", l.done);
}

CHECK(nothing_lost, .id = "vu.base.packed-nothing-lost",
      .clauses = { NOTHING_LOST, DRAINS, BOTH, LAYOUT, RESUMES, ONCE },
      .stimulus =
	      "tagged writes and reads, 24 at a time, through a ring of 100; 24 times, at random "
	      "moments, GET_VRING_BASE and a restart at what it says",
      .oracle =
	      "both places are that behind the last used descriptor; every buffer comes back once, "
	      "with status OK, and reads return what was written",
      .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .own_session = true,
      .run = nothing_lost);
