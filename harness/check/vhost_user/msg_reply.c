// SPDX-License-Identifier: BSD-3-Clause
/* Who is answered, when, and with what: replies and REPLY_ACK. */
#include "harness/check/vhost_user/msg_kit.h"

#include <string.h>

#define ACK_EVERY   "VU.reply.ack.be.1"
#define ACK_ZERO    "VU.reply.ack.be.2"
#define ACK_NONZERO "VU.reply.ack.be.3"
#define ACK_U64	    "VU.reply.ack.be.4"
#define ACK_BODY    "VU.reply.ack.be.5"
#define ACK_SAME    "VU.reply.ack.be.6"
#define ACK_AFTER   "VU.reply.ack.be.7"
#define ACK_UNASKED "VU.reply.ack.be.8"
#define ECHO	    "VU.hdr.reply.be.4"
#define NO_REPLY    "VU.reply.none.be.1"
#define NO_CLOSE    "VU.close.error.be.2"

#define HAS_ACK BIT_ULL(VU_PF_REPLY_ACK)
/* Indices of virtqueues have 16 bits. */
#define VU_RINGS_MAX 0x7fff

static bool ended_well(struct ck *c, const struct ckm_msg *m, const struct ckm_answers *a)
{
	return a->end == TP_OK || ck_error(c, "%s: %s", m->spec->name, ckv(c)->tp.error);
}

/* --- requests that always have a reply ------------------------------------------------------------ */

/*
 * Three times: a back-end may well answer the first one and not the others. `sized` NULL: the size
 * is not asked here.
 */
static void answered(struct ck *c, u32 request, const char *clause, const char *sized)
{
	if (!ckm_session(c, CKM_PF_ALL))
		return;
	for (unsigned i = 0; i < 3; i++) {
		struct ckm_answers a;
		struct ckm_msg m;

		if (!ckm_make(c, request, &m)) {
			ck_skip(c, "%s does not belong to this session",
				vu_msg_name(VU_CHAN_MAIN, request));
			return;
		}
		ckm_exchange(c, &m, VU_VERSION, &a);
		ckm_done(&m);
		if (a.count == 0 && (a.end == TP_OK || a.end == TP_ETIMEOUT)) {
			ck_fail(c, clause, "a reply", "%s, time %u: not answered", m.spec->name,
				i + 1);
			return;
		}
		if (!ended_well(c, &m, &a))
			return;
		if (sized && a.first.hdr.size != m.spec->reply_size) {
			ck_fail(c, sized, "a reply of the size of its payload",
				"%s, time %u: a reply of %u bytes, not %u", m.spec->name, i + 1,
				a.first.hdr.size, m.spec->reply_size);
			return;
		}
	}
}

#define ANSWERED(ident, text, request, gate, clause, sized)                                        \
	static void ident(struct ck *c)                                                            \
	{                                                                                          \
		answered(c, request, clause, sized);                                               \
	}                                                                                          \
	CHECK(ident, .id = "vu.msg.answered." text, .clauses = { clause, sized },                  \
	      .stimulus = "the request without need_reply, three times, each followed by a "       \
			  "question whose answer is known",                                        \
	      .oracle = "each time a reply arrives before the answer to that question",            \
	      .caps = TP_CAP_VHOST_USER, .pf = gate, .run = ident, .own_session = true)

ANSWERED(answered_get_features, "get-features", VU_GET_FEATURES, 0,
	 "VU.reply.required-get-features.be.1", "VU.feat.get.be.1");
ANSWERED(answered_get_protocol_features, "get-protocol-features", VU_GET_PROTOCOL_FEATURES, 0,
	 "VU.reply.required-get-protocol-features.be.1", "VU.feat.get-proto.be.1");
ANSWERED(answered_get_vring_base, "get-vring-base", VU_GET_VRING_BASE, 0,
	 "VU.reply.required-get-vring-base.be.1", NULL);
ANSWERED(answered_set_log_base, "set-log-base", VU_SET_LOG_BASE, BIT_ULL(VU_PF_LOG_SHMFD),
	 "VU.reply.required-set-log-base.be.1", NULL);
ANSWERED(answered_get_inflight_fd, "get-inflight-fd", VU_GET_INFLIGHT_FD,
	 BIT_ULL(VU_PF_INFLIGHT_SHMFD), "VU.reply.required-get-inflight-fd.be.1",
	 "VU.layout.inflight.be.1");

/* --- need_reply ------------------------------------------------------------------------------------- */

static bool has_own_reply(const struct ckm_msg *m)
{
	return m->spec->reply_ack == VU_ACK_BODY;
}

static void ack_every(struct ck *c)
{
	if (!ckm_session(c, CKM_PF_ALL))
		return;
	for (unsigned i = 0; i < ckm_order_count; i++) {
		struct ckm_answers a;
		struct ckm_msg m;

		if (!ckm_make(c, ckm_order[i], &m))
			continue;
		ckm_exchange(c, &m, VU_VERSION | VU_FLAG_NEED_REPLY, &a);
		ckm_done(&m);
		if (!ended_well(c, &m, &a))
			return;
		if (has_own_reply(&m))
			continue;
		if (a.count != 1) {
			ck_fail(c, ACK_EVERY, "exactly one answer",
				"%s with need_reply: %u answers", m.spec->name, a.count);
			return;
		}
		if (a.first.hdr.size != 8) {
			ck_fail(c, ACK_U64, "a u64", "%s: acknowledged with %u bytes", m.spec->name,
				a.first.hdr.size);
			return;
		}
	}
}

CHECK(msg_ack_every, .id = "vu.msg.ack.every", .clauses = { ACK_EVERY, ACK_U64 },
      .stimulus = "each message of a full session with need_reply, followed by GET_FEATURES",
      .oracle = "exactly one answer of 8 bytes to each before that to GET_FEATURES",
      .caps = TP_CAP_VHOST_USER, .pf = HAS_ACK, .run = ack_every, .own_session = true);

/* A request on ring 0 is served: everything that it takes was carried out. */
static bool serves(struct ck *c)
{
	struct blk_req r;
	struct ck_used u;

	return ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) &&
	       ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) >= 0 && ck_publish(c, 0) && ck_reap(c, 0, &u);
}

static void ack_zero(struct ck *c)
{
	/* Without any of these no request can be served. */
	static const u32 needed[] = { VU_SET_MEM_TABLE,	 VU_SET_VRING_NUM,  VU_SET_VRING_BASE,
				      VU_SET_VRING_ADDR, VU_SET_VRING_KICK, VU_SET_VRING_ENABLE };
	const char *refused = NULL;
	u64 answer = 0;

	if (!ckm_session(c, CKM_PF_NO_STATUS))
		return;
	for (unsigned i = 0; i < ckm_setup_count; i++) {
		struct ckm_answers a;
		struct ckm_msg m;
		bool counts = false;

		if (!ckm_make(c, ckm_order[i], &m))
			continue;
		ckm_exchange(c, &m, VU_VERSION | VU_FLAG_NEED_REPLY, &a);
		ckm_done(&m);
		if (!ended_well(c, &m, &a))
			return;
		for (unsigned k = 0; k < ARRAY_SIZE(needed); k++)
			counts |= needed[k] == m.request;
		if (counts && a.count == 1 && a.first.hdr.size == 8 && a.first.u64 != 0) {
			refused = m.spec->name;
			answer = a.first.u64;
		}
	}
	if (!refused)
		return;
	if (serves(c))
		ck_fail(c, ACK_ZERO, "0 for what was carried out",
			"%s: acknowledged with %llu, but the ring works", refused,
			(unsigned long long)answer);
	else
		ck_error(c, "%s: refused with %llu", refused, (unsigned long long)answer);
}

CHECK(msg_ack_zero, .id = "vu.msg.ack.zero-on-success", .clauses = { ACK_ZERO },
      .stimulus = "the set-up of a ring with need_reply on each message, then a request",
      .oracle = "no message of a set-up that works is acknowledged with anything but 0",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .pf = HAS_ACK, .run = ack_zero,
      .own_session = true);

static void ack_body(struct ck *c)
{
	if (!ckm_session(c, CKM_PF_ALL))
		return;
	for (unsigned i = 0; i < ckm_query_count; i++) {
		struct ckm_answers plain, asked;
		struct ckm_msg m;

		if (!ckm_make(c, ckm_queries[i], &m))
			continue;
		ckm_exchange(c, &m, VU_VERSION, &plain);
		if (!ended_well(c, &m, &plain))
			return;
		if (plain.count != 1) {
			ck_error(c, "%s: %u replies", m.spec->name, plain.count);
			return;
		}
		ckm_exchange(c, &m, VU_VERSION | VU_FLAG_NEED_REPLY, &asked);
		if (!ended_well(c, &m, &asked))
			return;
		if (asked.count != 1) {
			ck_fail(c, ACK_BODY, "the one reply that it has anyway",
				"%s with need_reply: %u replies", m.spec->name, asked.count);
			return;
		}
		if (plain.first.hdr.size != asked.first.hdr.size ||
		    memcmp(plain.first.bytes, asked.first.bytes, plain.first.hdr.size) != 0) {
			ck_fail(c, ACK_SAME, "the same payload with and without need_reply",
				"%s: %u bytes beginning 0x%llx with need_reply, %u bytes beginning "
				"0x%llx without",
				m.spec->name, asked.first.hdr.size,
				(unsigned long long)asked.first.u64, plain.first.hdr.size,
				(unsigned long long)plain.first.u64);
			return;
		}
		if (asked.first.hdr.flags & VU_FLAG_NEED_REPLY)
			ck_info(c, ECHO, "%s: need_reply comes back in the reply's flags 0x%x",
				m.spec->name, asked.first.hdr.flags);
	}
}

CHECK(msg_ack_body, .id = "vu.msg.ack.own-reply", .clauses = { ACK_BODY, ACK_SAME, ECHO },
      .stimulus = "each request that has a reply of its own, without and with need_reply",
      .oracle =
	      "one reply each time, with the same payload; need_reply is not echoed (the text does "
	      "not say so: info)",
      .caps = TP_CAP_VHOST_USER, .pf = HAS_ACK, .run = ack_body, .own_session = true);

static void ack_failed(struct ck *c)
{
	struct vu_vring_state s = { 254, 0 };
	u64 said = 1;
	enum ckv_reaction r;

	if (!ckm_session(c, CKM_PF_ALL) || !ckm_run(c, 0, ckm_setup_count))
		return;
	/* A network device counts pairs, and a target may have more than we keep books of. */
	if (vu_has_pf(ckv(c), VU_PF_MQ) &&
	    !ck_must(c, vu_get_u64(ckv(c), VU_GET_QUEUE_NUM, &said), "GET_QUEUE_NUM"))
		return;
	if (said > VU_RINGS_MAX) {
		ck_skip(c, "the target says that it has %llu rings", (unsigned long long)said);
		return;
	}
	if (c->device == VIRTIO_ID_NET)
		said = 2 * said + 1;
	s.index = MAX(s.index, (u32)said);
	r = ckv_provoke(c, VU_SET_VRING_ENABLE, &s, sizeof(s), NULL, 0);
	if (r == CKV_ACK)
		ck_fail(c, ACK_NONZERO, "a non-zero answer or a closed connection",
			"SET_VRING_ENABLE of ring %u: %s", s.index, ckv_reaction_name(r));
	else if (r == CKV_SILENT)
		ck_error(c, "SET_VRING_ENABLE of ring %u: no answer", s.index);
}

CHECK(msg_ack_failed, .id = "vu.msg.ack.nonzero-on-failure", .clauses = { ACK_NONZERO },
      .stimulus =
	      "a message that cannot be carried out, with need_reply: SET_VRING_ENABLE 0 of ring "
	      "254, or of the one behind the last",
      .oracle = "an answer that is not 0, or a closed connection", .caps = TP_CAP_VHOST_USER,
      .features = BIT_ULL(VU_F_PROTOCOL_FEATURES), .pf = HAS_ACK, .run = ack_failed,
      .own_session = true);

/* Make a request available; was it used within the quiet time? False as result: an error. */
static bool served_in_quiet(struct ck *c, struct blk_req *r, bool *served)
{
	u16 before = ck_used(c, 0);

	if (!ckb_make(c, r, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) ||
	    ckb_add(c, 0, r, BLK_LAYOUT_USUAL) < 0 || !ck_publish(c, 0))
		return false;
	ck_quiet(c);
	*served = ck_used(c, 0) != before;
	return true;
}

static void ack_after(struct ck *c)
{
	struct blk_req first, second;
	bool early, still;

	if (!ck_start(c, ck_ring_features()) || !ckm_serves(c))
		return;
	if (!ck_must(c, vu_set_state(ckv(c), VU_SET_VRING_ENABLE, 0, 0), "SET_VRING_ENABLE 0") ||
	    !served_in_quiet(c, &first, &early) || !early)
		return;
	/* Served after the acknowledgement. Was the message late, or never carried out? */
	ck_quiet(c);
	if (!served_in_quiet(c, &second, &still))
		return;
	/* A slow target is none that has stopped. */
	if (still || ck_wait_used(c, 0, (u16)(ck_used(c, 0) + 1)))
		ck_skip(c, "SET_VRING_ENABLE 0 has no effect on this target at all");
	else
		ck_fail(c, ACK_AFTER, "nothing is served after the acknowledgement",
			"a request made available after SET_VRING_ENABLE 0 was acknowledged was "
			"served; later ones were not");
}

CHECK(msg_ack_after, .id = "vu.msg.ack.after-effect", .clauses = { ACK_AFTER },
      .stimulus = "SET_VRING_ENABLE 0 on a running ring with need_reply, then a request at once",
      .oracle = "the request is not served: the message had taken effect when it was acknowledged",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .pf = HAS_ACK,
      .features = BIT_ULL(VU_F_PROTOCOL_FEATURES), .run = ack_after);

/* --- no need_reply ------------------------------------------------------------------------------------ */

static void ack_none(struct ck *c)
{
	if (!ckm_session(c, CKM_PF_ALL))
		return;
	for (unsigned i = 0; i < ckm_order_count; i++) {
		struct ckm_answers a;
		struct ckm_msg m;

		if (!ckm_make(c, ckm_order[i], &m))
			continue;
		ckm_exchange(c, &m, VU_VERSION, &a);
		ckm_done(&m);
		if (!ended_well(c, &m, &a))
			return;
		if (!has_own_reply(&m) && a.count) {
			ck_fail(c, NO_REPLY, "no reply", "%s without need_reply: %u replies",
				m.spec->name, a.count);
			return;
		}
	}
}

CHECK(msg_ack_none, .id = "vu.msg.ack.not-asked-for", .clauses = { NO_REPLY },
      .stimulus = "each message of a full session without need_reply, followed by GET_FEATURES",
      .oracle = "the first thing that comes back is the reply to GET_FEATURES, except for messages "
		"that have a reply of their own",
      .caps = TP_CAP_VHOST_USER, .run = ack_none, .own_session = true);

static void ack_unasked(struct ck *c)
{
	struct ckm_answers a;
	struct ckm_msg m;

	if (!ckm_session(c, CKM_PF_NO_STATUS & ~HAS_ACK))
		return;
	if (!ckm_make(c, VU_SET_VRING_NUM, &m))
		return;
	ckm_exchange(c, &m, VU_VERSION | VU_FLAG_NEED_REPLY, &a);
	if (ended_well(c, &m, &a) && a.count)
		ck_info(c, ACK_UNASKED,
			"need_reply is answered although REPLY_ACK was not negotiated");
}

CHECK(msg_ack_unasked, .id = "vu.msg.ack.not-negotiated", .clauses = { ACK_UNASKED },
      .stimulus = "SET_VRING_NUM with need_reply in a session without REPLY_ACK",
      .oracle = "no answer (the text does not say so: info)", .caps = TP_CAP_VHOST_USER,
      .run = ack_unasked, .own_session = true);

/* --- a whole session ------------------------------------------------------------------------------------ */

static void no_close(struct ck *c)
{
	if (!ckm_session(c, CKM_PF_ALL))
		return;
	for (unsigned i = 0; i < ckm_order_count; i++) {
		struct ckm_answers a;
		struct ckm_msg m;

		if (!ckm_make(c, ckm_order[i], &m))
			continue;
		ckm_exchange(c, &m, VU_VERSION, &a);
		ckm_done(&m);
		if (a.end == TP_EGONE) {
			ck_fail(c, NO_CLOSE, "the connection stays", "closed after a good %s",
				m.spec->name);
			return;
		}
		if (!ended_well(c, &m, &a))
			return;
	}
}

CHECK(msg_no_close, .id = "vu.msg.session-stays", .clauses = { NO_CLOSE },
      .stimulus = "each message of a full session, as it should be",
      .oracle = "the back-end does not close the connection", .caps = TP_CAP_VHOST_USER,
      .run = no_close, .own_session = true);
