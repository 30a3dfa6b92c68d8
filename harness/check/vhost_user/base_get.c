// SPDX-License-Identifier: BSD-3-Clause
/* GET_VRING_BASE: what it says, when it says it, and what it may not wait for. */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/vhost_user/ring_io.h"

#include <stdio.h>

#define NEXT_INDEX    "VU.base.get.be.1"
#define RING_INDEX    "VU.base.get.be.3"
#define DRAINS	      "VU.base.get.be.4"
#define SURVIVES      "VU.base.get.be.5"
#define NO_WAITING    "VU.base.get.be.6"
#define NEVER_STARTED "VU.base.get.be.7"
#define RESERVED      "VU.base.get.be.8"
#define NOTHING_LOST  "VU.base.get.be.9"
#define RESUMES	      "VU.ring.start.be.4"
#define CONTINUES     "VU.vring.base.be.1"
#define DEFAULT	      "VU.vring.base.be.4"

/* The reply, whose header and ring index are checked here. */
static bool get_base(struct ck *c, unsigned q, u32 num, u32 *base, const char *clause)
{
	struct vu_vring_state s = { q, num };
	struct vu_reply r;
	bool ok = true;

	if (!ckv_call(c, VU_GET_VRING_BASE, VU_VERSION, &s, sizeof(s), &r, clause))
		return false;
	if (r.msg.hdr.size != sizeof(s))
		ok = ck_fail(c, RING_INDEX, "ring index and number, 8 bytes", "%u bytes",
			     r.msg.hdr.size);
	else if (r.msg.state.index != q)
		ok = ck_fail(c, RING_INDEX, "the ring index of the request",
			     "GET_VRING_BASE of ring %u: the reply is for ring %u", q,
			     r.msg.state.index);
	*base = r.msg.state.num;
	vu_reply_release(&r);
	return ok;
}

static bool expect_base(struct ck *c, u32 base, u32 expected, const char *when, const char *clause)
{
	char text[32];

	if (base == expected)
		return true;
	snprintf(text, sizeof(text), "%u", expected);
	return ck_fail(c, clause, text, "%s: %u", when, base);
}

static bool serve(struct ck *c, unsigned q, unsigned n)
{
	struct blk_req r;

	if (!ckr_read_req(c, &r, VIRTIO_BLK_SECTOR))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (ckb_add(c, q, &r, BLK_LAYOUT_USUAL) < 0 || !ckr_publish(c, q) ||
		    !ckr_served(c, q, &r, "a request in set-up", NULL))
			return false;
	return true;
}

static void next_index(struct ck *c)
{
	u32 base;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0) || !serve(c, 0, 5) ||
	    !get_base(c, 0, 0, &base, NEXT_INDEX) ||
	    !expect_base(c, base, 5, "after 5 requests", NEXT_INDEX))
		return;
	if (!get_base(c, 0, 1, &base, NEXT_INDEX) ||
	    !expect_base(c, base, 5, "asked again with num 1", RESERVED))
		return;
	if (c->queues < 2)
		return;
	if (ckr_run(c, 1, 16, 0) && serve(c, 1, 3) && get_base(c, 1, 0, &base, NEXT_INDEX))
		expect_base(c, base, 3, "ring 1 after 3 requests", NEXT_INDEX);
}

CHECK(next_index, .id = "vu.base.get", .clauses = { NEXT_INDEX, RING_INDEX, RESERVED, SURVIVES },
      .stimulus = "5 requests on ring 0, GET_VRING_BASE, and again with the reserved num set to 1; "
		  "3 requests on ring 1, GET_VRING_BASE",
      .oracle = "8 bytes: the ring's index, and 5, 5 and 3", .device = VIRTIO_ID_BLOCK,
      .own_session = true, .run = next_index);

static void twice(struct ck *c)
{
	u32 first, again;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0) || !serve(c, 0, 7) ||
	    !get_base(c, 0, 0, &first, SURVIVES))
		return;
	for (unsigned i = 0; i < 3; i++)
		if (!get_base(c, 0, 0, &again, SURVIVES) ||
		    !expect_base(c, again, first, "GET_VRING_BASE repeated", SURVIVES))
			return;
}

CHECK(twice, .id = "vu.base.get-again", .clauses = { SURVIVES, RING_INDEX, NEXT_INDEX },
      .stimulus = "7 requests, then GET_VRING_BASE four times",
      .oracle = "the same answer each time", .device = VIRTIO_ID_BLOCK, .own_session = true,
      .run = twice);

static void wraps(struct ck *c)
{
	u32 base;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0xfffe) || !serve(c, 0, 5) ||
	    !get_base(c, 0, 0, &base, NEXT_INDEX) ||
	    !expect_base(c, base, 3, "base 0xfffe, 5 requests", NEXT_INDEX))
		return;
	if (ckr_send(c, 0, CKR_START, 3) && ckr_kick(c, 0) && serve(c, 0, 20) &&
	    get_base(c, 0, 0, &base, NEXT_INDEX))
		expect_base(c, base, 23, "base 3, 20 requests", NEXT_INDEX);
}

CHECK(wraps, .id = "vu.base.wrap", .clauses = { NEXT_INDEX, CONTINUES, RING_INDEX },
      .stimulus =
	      "a ring that starts at 0xfffe, 5 requests, GET_VRING_BASE; started again at 3, 20 "
	      "requests",
      .oracle = "3 and 23: the index wraps at 65536, whatever the ring's size",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = wraps);

static void no_waiting(struct ck *c)
{
	u32 base;

	/* Nothing in the ring at all, kicked and not; then nothing left in it. */
	if (!ckr_session(c) || !ckr_lay(c, 0, 16, 0) || !ckr_send(c, 0, CKR_ALL, 0) ||
	    !get_base(c, 0, 0, &base, NO_WAITING))
		return;
	if (!ckr_send(c, 0, CKR_START, 0) || !ckr_kick(c, 0) ||
	    !get_base(c, 0, 0, &base, NO_WAITING))
		return;
	if (ckr_send(c, 0, CKR_START, 0) && ckr_kick(c, 0) && serve(c, 0, 1))
		get_base(c, 0, 0, &base, NO_WAITING);
}

CHECK(no_waiting, .id = "vu.base.get-idle", .clauses = { NO_WAITING, RING_INDEX },
      .stimulus =
	      "GET_VRING_BASE on a ring that is empty: never kicked, kicked, and after its only "
	      "request",
      .oracle = "answered each time: nothing more has to come from the driver",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = no_waiting);

static void never_started(struct ck *c)
{
	unsigned last;
	u32 base;

	if (!ckr_session(c))
		return;
	last = MIN(c->queues, CK_QUEUES) - 1;
	if (!get_base(c, last, 0, &base, RING_INDEX) ||
	    !expect_base(c, base, 0, "a ring that was never mentioned", NEVER_STARTED))
		return;
	if (!ckr_lay(c, last, 16, 0) || !ckr_send(c, last, CKR_NUM, 0) ||
	    !ckr_send(c, last, CKR_BASE, 9) || !get_base(c, last, 0, &base, RING_INDEX) ||
	    !expect_base(c, base, 9, "after SET_VRING_BASE 9, not started", NEVER_STARTED))
		return;
	/* And a ring for which no base is sent at all. */
	if (!ckr_session(c) || !ckr_lay(c, last, 16, 0) ||
	    !ckr_send(c, last, CKR_ALL & ~CKR_BASE, 0) || !ckr_kick(c, last))
		return;
	for (unsigned i = 0; i < 2; i++) {
		struct blk_req r;

		if (!ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) ||
		    ckb_add(c, last, &r, BLK_LAYOUT_USUAL) < 0 || !ckr_publish(c, last) ||
		    !ckr_served(c, last, &r, "SET_VRING_BASE not sent", DEFAULT))
			return;
	}
}

CHECK(never_started, .id = "vu.base.default", .clauses = { RING_INDEX, NEVER_STARTED, DEFAULT },
      .stimulus = "GET_VRING_BASE of the last ring, never mentioned before; SET_VRING_BASE 9 and "
		  "GET_VRING_BASE; in a new session, the ring started without SET_VRING_BASE",
      .oracle = "the reply names the ring; 0, then 9, then requests are served from the beginning "
		"(info when not: the text only implies it)",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = never_started);

/* --- requests in flight ---------------------------------------------------------------------------- */

#define READS 24

/* To start again where it stood is what a stop is for. */
static bool restart(struct ck *c, u32 base)
{
	struct vu_frontend *fe = ckv(c);
	struct tp_queue cfg = ckr_cfg(c, 0, (u16)base);
	int rc = vu_set_state(fe, VU_SET_VRING_NUM, 0, cfg.size);

	if (rc == TP_OK)
		rc = vu_set_state(fe, VU_SET_VRING_BASE, 0, base);
	if (rc == TP_OK)
		rc = vu_set_vring_addr(fe, 0, &cfg, 0, 0);
	if (rc == TP_OK)
		rc = vu_set_vring_fd(fe, VU_SET_VRING_CALL, 0, fe->rings[0].call);
	if (rc == TP_OK)
		rc = vu_set_vring_fd(fe, VU_SET_VRING_KICK, 0, fe->rings[0].kick);
	if (rc != TP_OK)
		return ck_fail(c, NOTHING_LOST, "the ring starts again",
			       "stopped under load, set up again: %s", fe->tp.error);
	return ckr_kick(c, 0);
}

/* False: the check is over. */
static bool drain_round(struct ck *c, struct blk_req *reqs, u16 *position)
{
	u16 start = *position, used;
	u32 base;

	for (unsigned i = 0; i < READS; i++)
		if (ckb_add(c, 0, &reqs[i], BLK_LAYOUT_USUAL) < 0)
			return false;
	if (!ckr_publish(c, 0))
		return false;
	/* Some are under way once the first is back. */
	for (u64 end = tp_deadline(c->tp, c->tp->timeout_ms);
	     vq_split_raw_used_idx(&c->q[0].vq.split) == start; c->tp->ops->relax(c->tp))
		if (tp_late(c->tp, end))
			return ck_error(c, "none of %u reads came back", READS);
	if (!get_base(c, 0, 0, &base, DRAINS))
		return false;
	used = vq_split_raw_used_idx(&c->q[0].vq.split);
	if (used != (u16)base)
		return ck_fail(c, DRAINS, "every request that was taken has been returned",
			       "GET_VRING_BASE says %u when the used index is %u: %u in flight",
			       base, used, (u16)((u16)base - used));
	/* What was not taken is served after the restart. */
	if (!restart(c, base))
		return false;
	for (unsigned i = 0; i < READS; i++) {
		struct ck_used u;

		if (!ck_reap(c, 0, &u) || u.head == VQ_BADID)
			return ck_fail(c, NOTHING_LOST, "every request comes back once",
				       "after a restart at %u, %u of %u reads did", base, i, READS);
	}
	*position = (u16)(start + READS);
	return true;
}

static void drains(struct ck *c)
{
	struct blk_req reqs[READS];
	u16 position = 0;

	if (!ckr_session(c) || !ckr_run(c, 0, 128, 0))
		return;
	for (unsigned i = 0; i < READS; i++)
		if (!ckr_read_req(c, &reqs[i], 65536))
			return;
	for (unsigned round = 0; round < 6; round++)
		if (!drain_round(c, reqs, &position))
			return;
}

CHECK(drains, .id = "vu.base.drain",
      .clauses = { DRAINS, NOTHING_LOST, NEXT_INDEX, RING_INDEX, RESUMES },
      .stimulus = "six times: 24 reads of 64 KiB, GET_VRING_BASE when the first is back, and a "
		  "restart where the ring stood",
      .oracle = "when the reply arrives the used index equals the index in it; the rest is served "
		"after the restart",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = drains);

static void nothing_lost(struct ck *c)
{
	struct ckr_load l;

	if (!ckr_session(c) || !ckr_run(c, 0, 128, 0xff00) || !ckr_load_open(c, &l, 0, 24))
		return;
	for (unsigned round = 0; round < 24; round++) {
		u16 used;
		u32 base;

		if (!ckr_load_run(c, &l, ck_random(c) % 32, "stopped and started again",
				  NOTHING_LOST) ||
		    !ckr_load_fill(c, &l) || !ckr_stop(c, 0, &base))
			return;
		used = vq_split_raw_used_idx(&c->q[0].vq.split);
		if (used != (u16)base) {
			ck_fail(c, DRAINS, "every request that was taken has been returned",
				"GET_VRING_BASE says %u when the used index is %u", base, used);
			return;
		}
		if (!restart(c, base))
			return;
	}
	if (ckr_load_drain(c, &l, "after the last restart", NOTHING_LOST))
		ck_log(c, "  %u requests", l.done);
}

CHECK(nothing_lost, .id = "vu.base.nothing-lost",
      .clauses = { NOTHING_LOST, DRAINS, NEXT_INDEX, RING_INDEX, RESUMES },
      .stimulus = "tagged writes and reads, 24 at a time, across the wrap of the index; 24 times, "
		  "at random moments, GET_VRING_BASE and a restart at what it says",
      .oracle = "every head comes back once, with status OK, and reads return what was written",
      .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .own_session = true,
      .run = nothing_lost);
