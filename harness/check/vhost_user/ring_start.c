// SPDX-License-Identifier: BSD-3-Clause
/* Starting rings: with and without a kick, one of many, again after a stop, under load. */
#include "harness/check/vhost_user/ring_io.h"

#define EXECUTES   "VU.ring.enabled.be.1"
#define ONCE	   "ROB.chain.once"
#define NEEDS_KICK "VU.ring.start.be.2"
#define RESTART	   "VU.ring.start.be.4"
#define ON_ITS_OWN "VU.ring.start.be.6"
#define ANY_ORDER  "VU.vring.addr.be.5"
#define SURVIVES   "ROB.msg.order"

static bool add_read(struct ck *c, unsigned q, struct blk_req *r)
{
	return ckr_read_req(c, r, VIRTIO_BLK_SECTOR) && ckb_add(c, q, r, BLK_LAYOUT_USUAL) >= 0;
}

static void executes(struct ck *c)
{
	struct ckr_load l;

	if (ckr_session(c) && ckr_run(c, 0, 128, 0) && ckr_load_open(c, &l, 0, 16) &&
	    ckr_load_run(c, &l, 1000, "1000 requests, 16 at a time", EXECUTES))
		ckr_load_drain(c, &l, "1000 requests, the last of them", EXECUTES);
}

CHECK(executes, .id = "vu.ring.executes", .clauses = { EXECUTES, ONCE },
      .stimulus = "1000 requests, 16 at a time, on a ring that is started and enabled: sectors are "
		  "written with something new each time and read back",
      .oracle = "each head comes back once, with status OK, and each read returns what was written",
      .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .own_session = true,
      .run = executes);

static void no_kick(struct ck *c)
{
	struct blk_req r;

	if (!ckr_session(c) || !ckr_lay(c, 0, 16, 0) || !add_read(c, 0, &r))
		return;
	vq_publish(&c->q[0].vq);
	if (!ckr_send(c, 0, CKR_SETUP | CKR_ENABLE, 0) || !ckr_send(c, 0, CKR_KICK, 0))
		return;
	if (ck_wait_used(c, 0, 1)) {
		ckr_served(c, 0, &r, "available before SET_VRING_KICK", NULL);
		return;
	}
	ck_hazard(
		c, NEEDS_KICK, "served without a kick",
		"a request that was available before SET_VRING_KICK is not served without a kick");
	if (ckr_kick(c, 0))
		ckr_served(c, 0, &r, "after a kick", NULL);
}

CHECK(no_kick, .id = "vu.ring.start-no-kick", .clauses = { NEEDS_KICK },
      .stimulus = "a request made available before SET_VRING_KICK, and no kick",
      .oracle =
	      "it is served. Older editions of the text start a ring at its first kick, so a "
	      "back-end that waits is reported as a hazard: front-ends that restore a guest do not "
	      "always kick again",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = no_kick);

static void restart(struct ck *c)
{
	struct blk_req r;
	u32 ignored;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0))
		return;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 5; i++)
			if (!add_read(c, 0, &r) || !ckr_publish(c, 0) ||
			    !ckr_served(c, 0, &r, "a ring in service", round ? RESTART : NULL))
				return;
		if (!ckr_stop(c, 0, &ignored) ||
		    !ckr_send(c, 0, CKR_START, vq_where(&c->q[0].vq)) || !ckr_kick(c, 0))
			return;
	}
	if (add_read(c, 0, &r) && ckr_publish(c, 0))
		ckr_served(c, 0, &r, "stopped and started again", RESTART);
}

CHECK(restart, .id = "vu.ring.restart", .clauses = { RESTART },
      .stimulus = "three times: 5 requests, GET_VRING_BASE, the ring set up again where it stood",
      .oracle = "requests go on in their turn, each served once", .device = VIRTIO_ID_BLOCK,
      .own_session = true, .run = restart);

static bool other_silent(struct ck *c, unsigned other, const char *when)
{
	struct vu_ring_fds *fds = &ckv(c)->rings[other];

	if (ckv_signalled(fds->call, 0))
		return ck_fail(c, ON_ITS_OWN, "no notification of the other ring",
			       "%s: the call descriptor of ring %u was signalled", when, other);
	if (ckv_signalled(fds->err, 0))
		return ck_fail(c, ON_ITS_OWN, "no error of the other ring",
			       "%s: the err descriptor of ring %u was signalled", when, other);
	return true;
}

static bool serve_four(struct ck *c, unsigned q, const char *when, const char *clause)
{
	struct blk_req r;

	for (unsigned i = 0; i < 4; i++)
		if (!add_read(c, q, &r) || !ckr_publish(c, q) ||
		    !ckr_served(c, q, &r, when, clause))
			return false;
	return true;
}

/* Only `q` is set up, and the back-end has never heard of the other ring. */
static bool only(struct ck *c, unsigned q, const char *when)
{
	return ckr_session(c) && ckr_run(c, q, 16, 0) && serve_four(c, q, when, ON_ITS_OWN);
}

/* The other ring has its descriptors and nothing else: nobody may use them. */
static bool beside(struct ck *c, unsigned q, const char *when)
{
	unsigned other = !q;

	if (!ckr_session(c) || !ckr_lay(c, other, 16, 0) ||
	    !ckr_send(c, other, CKR_ERR | CKR_CALL, 0) || !ckr_run(c, q, 16, 0))
		return false;
	/* One signal on setting a call descriptor is allowed. */
	ckv_signalled(ckv(c)->rings[other].call, 0);
	return serve_four(c, q, when, NULL) && other_silent(c, other, when);
}

static void only_one(struct ck *c)
{
	if (only(c, 0, "only ring 0 is set up") && only(c, 1, "only ring 1 is set up") &&
	    beside(c, 0, "ring 0 is set up, ring 1 has descriptors"))
		beside(c, 1, "ring 1 is set up, ring 0 has descriptors");
}

CHECK(only_one, .id = "vu.ring.only-one", .clauses = { ON_ITS_OWN },
      .stimulus =
	      "ring 0 set up alone, then ring 1 alone; then both again beside a ring that has call "
	      "and err descriptors and nothing else",
      .oracle = "requests are served, and nothing is signalled for the ring that was not set up",
      .device = VIRTIO_ID_BLOCK, .queues = 2, .own_session = true, .run = only_one);

/* --- order --------------------------------------------------------------------------------------- */

enum {
	TABLE = 1 << 7
};

static bool send_step(struct ck *c, unsigned step, bool *refused)
{
	struct vu_frontend *fe = ckv(c);
	struct tp_queue cfg = ckr_cfg(c, 0, 0);
	int rc;

	switch (step) {
	case TABLE:
		rc = vu_set_mem_table(fe);
		break;
	case CKR_NUM:
		rc = vu_set_state(fe, VU_SET_VRING_NUM, 0, cfg.size);
		break;
	case CKR_BASE:
		rc = vu_set_state(fe, VU_SET_VRING_BASE, 0, cfg.base);
		break;
	case CKR_ADDR:
		rc = vu_set_vring_addr(fe, 0, &cfg, 0, 0);
		break;
	default:
		rc = vu_set_vring_fd(fe, VU_SET_VRING_CALL, 0, fe->rings[0].call);
		break;
	}
	*refused = rc == TP_EREFUSED || rc == TP_EGONE;
	return rc == TP_OK || *refused || ck_must(c, rc, "setting a ring up");
}

static const struct {
	const char *text;
	u8 step[5];
} orders[] = {
	{ "NUM, BASE, ADDR, CALL, MEM_TABLE", { CKR_NUM, CKR_BASE, CKR_ADDR, CKR_CALL, TABLE } },
	{ "CALL, ADDR, MEM_TABLE, BASE, NUM", { CKR_CALL, CKR_ADDR, TABLE, CKR_BASE, CKR_NUM } },
	{ "MEM_TABLE, ADDR, NUM, BASE, CALL", { TABLE, CKR_ADDR, CKR_NUM, CKR_BASE, CKR_CALL } },
	{ "BASE, CALL, MEM_TABLE, NUM, ADDR", { CKR_BASE, CKR_CALL, TABLE, CKR_NUM, CKR_ADDR } },
};

/* False: the check is over. */
static bool try_order(struct ck *c, unsigned n)
{
	struct vu_frontend *fe = ckv(c);
	struct blk_req r;
	bool refused;

	if (!ckr_next_session(c, n ? orders[n - 1].text : "nothing", SURVIVES) ||
	    !ckv_handshake(c, ~BIT_ULL(VU_PF_STATUS)))
		return false;
	/* No table yet. */
	fe->table_sent = true;
	if (!ck_negotiate(c, 0) || !ckr_lay(c, 0, 16, 0) || !add_read(c, 0, &r) ||
	    !ckr_send(c, 0, CKR_ERR, 0))
		return false;
	vq_publish(&c->q[0].vq);
	for (unsigned i = 0; i < 5; i++) {
		if (!send_step(c, orders[n].step[i], &refused))
			return false;
		if (refused)
			return ck_fail(c, ANY_ORDER, "the order does not matter", "%s: %s",
				       orders[n].text, fe->tp.error);
	}
	if (vu_set_vring_fd(fe, VU_SET_VRING_KICK, 0, fe->rings[0].kick) != TP_OK ||
	    (fe->features & BIT_ULL(VU_F_PROTOCOL_FEATURES) &&
	     vu_set_state(fe, VU_SET_VRING_ENABLE, 0, 1) != TP_OK))
		return ck_fail(c, ANY_ORDER, "the order does not matter", "%s, KICK: %s",
			       orders[n].text, fe->tp.error);
	return ckr_kick(c, 0) && ckr_served(c, 0, &r, orders[n].text, ANY_ORDER);
}

static void any_order(struct ck *c)
{
	for (unsigned n = 0; n < ARRAY_SIZE(orders); n++)
		if (!try_order(c, n))
			break;
	ckv_reachable(c, SURVIVES);
}

CHECK(any_order, .id = "vu.ring.set-up-order", .clauses = { ANY_ORDER, SURVIVES },
      .stimulus = "SET_MEM_TABLE, SET_VRING_NUM, BASE, ADDR and CALL in four unusual orders, then "
		  "SET_VRING_KICK, ENABLE, a kick",
      .oracle =
	      "a request is served (info when not: the text says nothing of the order), and a new "
	      "session works",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = any_order);
