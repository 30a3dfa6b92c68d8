// SPDX-License-Identifier: BSD-3-Clause
/* SET_VRING_ENABLE: what it changes and what it leaves alone. */
#include "harness/check/vhost_user/ring_io.h"

#define ENABLE	      "VU.ring.enable.be.1"
#define OTHERS	      "VU.ring.enable.be.3"
#define POSITION      "VU.ring.enable.be.4"
#define WITHOUT_MQ    "VU.ring.enable.be.5"
#define ODD_NUM	      "VU.ring.enable.be.6"
#define UNNEGOTIATED  "VU.ring.enable.be.7"
#define STOP_ONE      "VU.ring.stop.be.2"
#define BASE_VALUE    "VU.base.get.be.1"
#define UNUSUAL_ORDER "ROB.msg.order"
#define WITH_ENABLE   .features = BIT_ULL(VU_F_PROTOCOL_FEATURES)

static bool serve_one(struct ck *c, unsigned q, const char *when, const char *clause)
{
	struct blk_req r;

	return ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) && ckb_add(c, q, &r, BLK_LAYOUT_USUAL) >= 0 &&
	       ckr_publish(c, q) && ckr_served(c, q, &r, when, clause);
}

static bool send_enable(struct ck *c, u32 index, u32 num, enum ckv_reaction *reaction)
{
	struct vu_vring_state s = { index, num };

	*reaction = ckv_provoke(c, VU_SET_VRING_ENABLE, &s, sizeof(s), NULL, 0);
	return *reaction != CKV_BROKEN;
}

static void enable(struct ck *c)
{
	enum ckv_reaction reaction;

	if (!ckr_session(c) || !ckr_lay(c, 0, 16, 0) || !ckr_send(c, 0, CKR_START, 0) ||
	    !ckr_kick(c, 0) || !send_enable(c, 0, 1, &reaction))
		return;
	if (reaction == CKV_NACK || reaction == CKV_CLOSED) {
		ck_fail(c, ENABLE, "the message is accepted", "SET_VRING_ENABLE {0, 1}: %s",
			ckv_reaction_name(reaction));
		return;
	}
	if (!serve_one(c, 0, "after SET_VRING_ENABLE {0, 1}", ENABLE) || !ckr_enable(c, 0, 1) ||
	    !serve_one(c, 0, "after a second SET_VRING_ENABLE {0, 1}", ENABLE) ||
	    !send_enable(c, 0, 2, &reaction) || reaction == CKV_CLOSED)
		return;
	/* Refused, ignored, or taken as "enable": the ring goes on in all three cases. */
	ck_log(c, "  num 2: %s", ckv_reaction_name(reaction));
	serve_one(c, 0, "after SET_VRING_ENABLE {0, 2}", ODD_NUM);
}

CHECK(enable, .id = "vu.ring.enable", .clauses = { ENABLE, ODD_NUM },
      .stimulus =
	      "SET_VRING_ENABLE {0, 1} on a started ring, a request; the same again; then {0, 2}, a "
	      "request",
      .oracle = "accepted and served; num 2 closes the connection or leaves the ring enabled",
      .device = VIRTIO_ID_BLOCK, WITH_ENABLE, .own_session = true, .run = enable);

static void others(struct ck *c)
{
	u32 base;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0) || !ckr_run(c, 1, 16, 0))
		return;
	if (!serve_one(c, 0, "two rings in service", NULL) ||
	    !serve_one(c, 1, "two rings in service", NULL))
		return;
	if (!ckr_enable(c, 1, 0) || !serve_one(c, 0, "ring 1 disabled, request on ring 0", OTHERS))
		return;
	if (!ckr_enable(c, 1, 1) || !serve_one(c, 0, "ring 1 enabled, request on ring 0", OTHERS) ||
	    !serve_one(c, 1, "ring 1 enabled again", NULL))
		return;
	if (ckr_stop(c, 1, &base))
		serve_one(c, 0, "ring 1 stopped, request on ring 0", STOP_ONE);
}

CHECK(others, .id = "vu.ring.others", .clauses = { OTHERS, STOP_ONE },
      .stimulus = "two rings in service; ring 1 is disabled, enabled and stopped",
      .oracle = "after each step a request on ring 0 is served", .device = VIRTIO_ID_BLOCK,
      WITH_ENABLE, .queues = 2, .own_session = true, .run = others);

static void not_enabled_by_others(struct ck *c)
{
	struct blk_req r;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0) || !ckr_enable(c, 0, 0) ||
	    !ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) || ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 ||
	    !ckr_publish(c, 0))
		return;
	ck_quiet(c);
	if (ckr_touched(&r) || ck_used(c, 0) != 0) {
		ck_skip(c, "the target processes disabled rings (vu.ring.disable looks at that)");
		return;
	}
	if (ckr_run(c, 1, 16, 0) && serve_one(c, 1, "ring 1 enabled", NULL))
		ckr_stays(c, 0, 0, &r, "ring 0 disabled, ring 1 enabled", OTHERS);
}

CHECK(not_enabled_by_others, .id = "vu.ring.not-enabled-by-others", .clauses = { OTHERS },
      .stimulus = "ring 0 disabled with a request in it; then ring 1 is set up and enabled",
      .oracle = "the request on ring 0 is left alone, as it was before", .device = VIRTIO_ID_BLOCK,
      WITH_ENABLE, .queues = 2, .own_session = true, .run = not_enabled_by_others);

static void keeps_position(struct ck *c)
{
	u32 base;
	u16 used;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0))
		return;
	for (unsigned i = 0; i < 5; i++)
		if (!serve_one(c, 0, "before", NULL))
			return;
	if (!ckr_enable(c, 0, 0) || !ckr_enable(c, 0, 1))
		return;
	for (unsigned i = 0; i < 2; i++)
		if (!serve_one(c, 0, "disabled and enabled after 5 requests", POSITION))
			return;
	if (!ckr_stop(c, 0, &base))
		return;
	used = ck_used(c, 0);
	if (used != 7)
		ck_fail(c, POSITION, "none is served again",
			"disabled and enabled after 5 requests, 2 more: %u used elements", used);
	else if (base != vq_where(&c->q[0].vq))
		ck_fail(c, BASE_VALUE, "as many as were served",
			"GET_VRING_BASE after 5 requests, disable, enable, 2 requests: 0x%x", base);
}

CHECK(keeps_position, .id = "vu.ring.enable-keeps-position", .clauses = { POSITION, BASE_VALUE },
      .stimulus = "5 requests, SET_VRING_ENABLE 0, SET_VRING_ENABLE 1, 2 requests, GET_VRING_BASE",
      .oracle = "the two are served in their turn, none of the five again; the index is 7",
      .device = VIRTIO_ID_BLOCK, WITH_ENABLE, .own_session = true, .run = keeps_position);

static void without_mq(struct ck *c)
{
	unsigned last = c->queues - 1;
	enum ckv_reaction reaction;

	if (!ckr_session_with(c, 0, ~BIT_ULL(VU_PF_MQ)) || !send_enable(c, last, 1, &reaction))
		return;
	if (reaction == CKV_NACK || reaction == CKV_CLOSED) {
		ck_fail(c, WITHOUT_MQ, "the message is accepted", "SET_VRING_ENABLE {%u, 1}: %s",
			last, ckv_reaction_name(reaction));
		return;
	}
	if (ckr_run(c, 0, 16, 0))
		serve_one(c, 0, "MQ not negotiated", NULL);
}

CHECK(without_mq, .id = "vu.ring.enable-without-mq", .clauses = { WITHOUT_MQ },
      .stimulus = "MQ not negotiated; SET_VRING_ENABLE of the last ring the device has",
      .oracle = "it is accepted, and ring 0 works", .device = VIRTIO_ID_BLOCK, WITH_ENABLE,
      .queues = 2, .own_session = true, .run = without_mq);

static void unnegotiated(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	enum ckv_reaction reaction;
	struct blk_req r;

	if (!ckv_handshake(c, ~BIT_ULL(VU_PF_STATUS)))
		return;
	/* ck_negotiate() acknowledges bit 30 when it is offered. */
	fe->offered &= ~BIT_ULL(VU_F_PROTOCOL_FEATURES);
	if (!ck_negotiate(c, 0) || !ckr_run(c, 0, 16, 0) || !send_enable(c, 0, 0, &reaction))
		return;
	ck_log(c, "  SET_VRING_ENABLE {0, 0} without bit 30: %s", ckv_reaction_name(reaction));
	if (reaction != CKV_CLOSED) {
		if (!ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) ||
		    ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 || !ckr_publish(c, 0))
			return;
		ck_quiet(c);
		if (!ckr_touched(&r))
			ck_fail(c, UNNEGOTIATED, "refused or ignored",
				"SET_VRING_ENABLE {0, 0} without bit 30: %s, and obeyed",
				ckv_reaction_name(reaction));
	}
	ckv_reachable(c, UNUSUAL_ORDER);
}

CHECK(unnegotiated, .id = "vu.ring.enable-unnegotiated", .clauses = { UNNEGOTIATED, UNUSUAL_ORDER },
      .stimulus = "bit 30 not acknowledged, a ring in service, SET_VRING_ENABLE {0, 0}",
      .oracle = "refused, ignored or the connection closed; a new session is served",
      .device = VIRTIO_ID_BLOCK, WITH_ENABLE, .own_session = true, .run = unnegotiated);
