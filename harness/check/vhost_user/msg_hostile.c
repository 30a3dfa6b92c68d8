// SPDX-License-Identifier: BSD-3-Clause
/* Messages that no front-end should send: unknown, of the wrong size, out of order. */
#include "harness/check/vhost_user/msg_kit.h"

#include <string.h>

#define NO_HANG	      "ROB.live.no-hang"
#define NEW_SESSION   "ROB.live.new-session"
#define UNKNOWN	      "ROB.msg.unknown"
#define UNKNOWN_KIND  "VU.hdr.request.be.2"
#define PRIVATE	      "VU.hdr.request.be.3"
#define OTHER_VERSION "VU.hdr.version.be.2"
#define MSG_SIZE      "ROB.msg.size"
#define MISFIT	      "VU.hdr.size.be.3"
#define ABSURD	      "VU.hdr.size.be.4"
#define MSG_ORDER     "ROB.msg.order"

static u32 ask(struct ck *c)
{
	return vu_has_pf(ckv(c), VU_PF_REPLY_ACK) ? VU_FLAG_NEED_REPLY : 0;
}

/* --- version and reply bit ------------------------------------------------------------------------- */

static void version(struct ck *c)
{
	static const u32 flags[] = { 0x0, 0x2, 0x3, VU_VERSION | VU_FLAG_REPLY };
	struct ckm_msg m;

	if (!ckm_session(c, CKM_PF_ALL) || !ckm_make(c, VU_SET_VRING_NUM, &m))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		enum ckv_reaction r = ckv_provoke_or_hang(c, m.request, flags[i] | ask(c), m.bytes,
							  m.size, NULL, 0, NO_HANG);

		ck_log(c, "  flags 0x%x: %s", flags[i], ckv_reaction_name(r));
		if (r == CKV_ACK && (flags[i] & VU_FLAG_VERSION) != VU_VERSION)
			ck_info(c, OTHER_VERSION, "a message with version bits %u is carried out",
				flags[i] & VU_FLAG_VERSION);
		if (!ckm_session_again(c, r, CKM_PF_ALL, NEW_SESSION))
			return;
	}
	ckv_reachable(c, NEW_SESSION);
}

CHECK(msg_version, .id = "vu.msg.version", .clauses = { OTHER_VERSION, NO_HANG, NEW_SESSION },
      .stimulus = "SET_VRING_NUM with version 0, 2 and 3, and with the reply bit",
      .oracle = "the back-end answers or closes, and serves a new session; a wrong version is not "
		"acknowledged with 0 (the text does not say so: info)",
      .caps = TP_CAP_VHOST_USER, .run = version, .own_session = true);

/* --- ids -------------------------------------------------------------------------------------------- */

static bool unknown_id(struct ck *c, u32 id)
{
	enum ckv_reaction r;

	r = ckv_provoke_or_hang(c, id, VU_VERSION | ask(c), NULL, 0, NULL, 0, NO_HANG);
	ck_log(c, "  id %u: %s", id, ckv_reaction_name(r));
	if (r == CKV_ACK)
		return ck_fail(c, UNKNOWN, "a non-zero answer or a closed connection", "id %u: %s",
			       id, ckv_reaction_name(r));
	return ckm_session_again(c, r, CKM_PF_ALL, UNKNOWN);
}

static void unknown(struct ck *c)
{
	static const u32 ids[] = { 46, 200, 0x10000, 0xffffffff };

	if (!ckm_session(c, CKM_PF_ALL))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
		if (!unknown_id(c, ids[i]))
			return;
	ckv_reachable(c, UNKNOWN);
}

CHECK(msg_unknown, .id = "vu.msg.unknown-id", .clauses = { UNKNOWN, NO_HANG },
      .stimulus = "messages with the ids 46, 200, 0x10000 and 0xffffffff, with need_reply",
      .oracle = "a non-zero answer or a closed connection; a new session is served",
      .caps = TP_CAP_VHOST_USER, .run = unknown, .own_session = true);

static void id_zero(struct ck *c)
{
	if (ckm_session(c, CKM_PF_ALL) && unknown_id(c, VU_NONE))
		ckv_reachable(c, UNKNOWN);
}

CHECK(msg_id_zero, .id = "vu.msg.id-zero", .clauses = { UNKNOWN, NO_HANG },
      .stimulus = "a message with the reserved id 0, with need_reply",
      .oracle = "a non-zero answer or a closed connection; a new session is served",
      .caps = TP_CAP_VHOST_USER, .run = id_zero, .own_session = true);

static bool fits(const struct ckm_msg *m, const struct vu_message *answer)
{
	u32 size = answer->hdr.size;

	return answer->hdr.request == m->request &&
	       (size == 0 || size == 8 || size == m->spec->reply_size ||
		m->spec->reply_size == VU_SIZE_OPEN);
}

static void gated(struct ck *c)
{
	static const u32 ids[] = { 19, 20, 23, 26, 27, 33, 35, 41, 42, 43, 44, 45 };

	if (!ckm_session(c, CKM_PF_ALL))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
		struct ckm_msg m = { .request = ids[i] };
		struct ckm_answers a;

		m.spec = vu_msg_find(VU_CHAN_MAIN, ids[i]);
		/* Longer than the kit's room: only its beginning, which is as wrong. */
		m.size = MIN(m.spec->req_size_min, (u32)sizeof(m.bytes));
		ckm_exchange(c, &m, VU_VERSION | ask(c), &a);
		if (a.end == TP_ETIMEOUT) {
			ck_fail(c, NO_HANG, "an answer, or a closed connection", "after %s: %s",
				m.spec->name, ckv(c)->tp.error);
			return;
		}
		if (a.count && !fits(&m, &a.first))
			ck_info(c, PRIVATE, "%s: answered with message %u of %u bytes",
				m.spec->name, a.first.hdr.request, a.first.hdr.size);
		if (!ckm_session_again(c, a.end == TP_EGONE ? CKV_CLOSED : CKV_SILENT, CKM_PF_ALL,
				       NEW_SESSION))
			return;
	}
	ckv_reachable(c, NEW_SESSION);
}

CHECK(msg_gated, .id = "vu.msg.not-negotiated", .clauses = { PRIVATE, NO_HANG, NEW_SESSION },
      .stimulus = "messages of other devices and of features that were not negotiated",
      .oracle = "no answer, or one that belongs to that message (the text does not say so: info), "
		"or a "
		"closed connection; a new session is served",
      .caps = TP_CAP_VHOST_USER, .run = gated, .own_session = true);

/* --- sizes ------------------------------------------------------------------------------------------- */

/* One message of another size than its own. The bytes are really sent. */
static bool misfit(struct ck *c, const struct ckm_msg *m, u32 size)
{
	static const u8 zeroes[VU_MAX_PAYLOAD];
	const void *payload = size <= sizeof(m->bytes) ? m->bytes : zeroes;
	enum ckv_reaction r;

	r = ckv_provoke_or_hang(c, m->request, VU_VERSION | ask(c), payload, size, m->fds, m->nfds,
				MSG_SIZE);
	ck_log(c, "  %s with %u bytes instead of %u: %s", m->spec->name, size, m->size,
	       ckm_reaction_name(m, r));
	if (r == CKV_ACK && size < m->size && !(m->spec->reply_ack == VU_ACK_BODY))
		ck_info(c, MISFIT, "%s with %u bytes instead of %u: %s", m->spec->name, size,
			m->size, ckv_reaction_name(r));
	return ckm_session_again(c, r, CKM_PF_NO_STATUS, MSG_SIZE);
}

static bool misfits(struct ck *c, u32 request)
{
	struct ckm_msg m;
	bool ok = true;

	if (!ckm_make(c, request, &m))
		return true;
	for (unsigned i = 0; ok && i < 4; i++) {
		const u32 sizes[] = { 0, m.size - 1, m.size + 1, VU_MAX_PAYLOAD };

		/* A list or a text may have other sizes; so may what has no payload at all. */
		if (sizes[i] == m.size || (m.size == 0 && i == 1))
			continue;
		ok = misfit(c, &m, sizes[i]);
		ckm_done(&m);
		if (ok && !ckm_make(c, request, &m))
			break;
	}
	ckm_done(&m);
	return ok;
}

static void wrong_size(struct ck *c)
{
	if (!ckm_session(c, CKM_PF_NO_STATUS))
		return;
	for (unsigned i = 0; i < ckm_order_count; i++)
		if (!misfits(c, ckm_order[i]))
			return;
	for (unsigned i = 0; i < ckm_query_count; i++)
		if (ckm_queries[i] != VU_GET_VRING_BASE && !misfits(c, ckm_queries[i]))
			return;
	ckv_reachable(c, MSG_SIZE);
}

CHECK(msg_wrong_size, .id = "vu.msg.wrong-size", .clauses = { MSG_SIZE, MISFIT },
      .stimulus = "each message with no payload, one byte less, one more, and 4096",
      .oracle = "the back-end answers or closes, the next message is understood, and a new session "
		"is "
		"served; too little is not acknowledged with 0 (info)",
      .caps = TP_CAP_VHOST_USER, .run = wrong_size, .own_session = true);

static void absurd_size(struct ck *c)
{
	static const u32 sizes[] = { 0xffffffff, 0x80000000, 0x10000000 };
	const u64 limit_kib = 64 << 10;
	struct tp_process before = { 0 }, after;
	bool seen;

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct vu_header h = { VU_GET_FEATURES, VU_VERSION, sizes[i] };
		struct vu_reply r;
		int rc;

		if (!ckm_session(c, CKM_PF_ALL))
			return;
		seen = c->tp->ops->process(c->tp, &before) == TP_OK;
		ck_log(c, "> GET_FEATURES with size 0x%x and no payload", sizes[i]);
		if (!ck_must(c,
			     vu_wire_send(ckv(c)->sock, &h, sizeof(h), NULL, 0,
					  tp_deadline(c->tp, c->tp->timeout_ms)),
			     "sending"))
			return;
		rc = vu_recv(ckv(c), &r, c->tp->timeout_ms);
		if (seen && c->tp->ops->process(c->tp, &after) == TP_OK &&
		    after.rss_kib > before.rss_kib + limit_kib) {
			ck_fail(c, MSG_SIZE, "nothing is allocated for it",
				"resident memory grew from %llu to %llu KiB",
				(unsigned long long)before.rss_kib,
				(unsigned long long)after.rss_kib);
			return;
		}
		if (rc == TP_ETIMEOUT) {
			ck_fail(c, ABSURD, "an answer, or a closed connection",
				"size 0x%x: the back-end waits for the payload", sizes[i]);
			return;
		}
		if (rc == TP_OK)
			vu_reply_release(&r);
		if (!ckm_session_or_fail(c, CKM_PF_ALL, MSG_SIZE))
			return;
	}
	ckv_reachable(c, MSG_SIZE);
}

CHECK(msg_absurd_size, .id = "vu.msg.absurd-size", .clauses = { ABSURD, MSG_SIZE },
      .stimulus = "headers with sizes of 0x10000000 bytes and more, and nothing behind them",
      .oracle =
	      "an answer or a closed connection in time, no memory taken, a new session is served",
      .caps = TP_CAP_VHOST_USER, .run = absurd_size, .own_session = true);

/* --- order --------------------------------------------------------------------------------------------- */

static bool out_of_order(struct ck *c, const u32 *requests, unsigned n)
{
	enum ckv_reaction r = CKV_SILENT;

	if (!ckm_session_or_fail(c, CKM_PF_NO_STATUS, MSG_ORDER))
		return false;
	for (unsigned i = 0; i < n && r != CKV_CLOSED; i++) {
		struct ckm_msg m;

		if (!ckm_make(c, requests[i], &m))
			continue;
		r = ckm_provoke(c, &m, NO_HANG);
		ckm_done(&m);
		ck_log(c, "  %s: %s", m.spec->name, ckm_reaction_name(&m, r));
		if (r == CKV_BROKEN)
			return false;
	}
	return true;
}

static void order(struct ck *c)
{
	static const u32 kick_first[] = { VU_SET_VRING_KICK, VU_SET_VRING_CALL, VU_SET_FEATURES,
					  VU_SET_MEM_TABLE };
	static const u32 enable_first[] = { VU_SET_VRING_ENABLE, VU_GET_VRING_BASE,
					    VU_SET_VRING_NUM, VU_SET_VRING_KICK };
	static const u32 base_first[] = { VU_GET_VRING_BASE, VU_GET_VRING_BASE, VU_SET_VRING_BASE };
	static const u32 addr_first[] = { VU_SET_VRING_ADDR, VU_SET_VRING_NUM, VU_SET_MEM_TABLE,
					  VU_SET_VRING_KICK, VU_SET_VRING_ENABLE };
	static const u32 log_first[] = { VU_SET_LOG_BASE, VU_SET_CONFIG, VU_REM_MEM_REG,
					 VU_ADD_MEM_REG, VU_SET_MEM_TABLE };
	static const u32 table_last[] = { VU_SET_FEATURES,   VU_SET_MEM_TABLE,	VU_SET_VRING_NUM,
					  VU_SET_VRING_ADDR, VU_SET_VRING_KICK, VU_SET_VRING_ENABLE,
					  VU_SET_MEM_TABLE,  VU_SET_VRING_ADDR, VU_SET_FEATURES,
					  VU_RESET_DEVICE,   VU_SET_VRING_KICK };

	if (out_of_order(c, kick_first, ARRAY_SIZE(kick_first)) &&
	    out_of_order(c, enable_first, ARRAY_SIZE(enable_first)) &&
	    out_of_order(c, base_first, ARRAY_SIZE(base_first)) &&
	    out_of_order(c, addr_first, ARRAY_SIZE(addr_first)) &&
	    out_of_order(c, log_first, ARRAY_SIZE(log_first)) &&
	    out_of_order(c, table_last, ARRAY_SIZE(table_last)))
		ckv_reachable(c, MSG_ORDER);
}

CHECK(msg_order, .id = "vu.msg.order", .clauses = { MSG_ORDER, NO_HANG },
      .stimulus =
	      "KICK before the memory table, ENABLE first, GET_VRING_BASE of an untouched ring, "
	      "ADDR before NUM, LOG_BASE before the features, a table while the ring runs",
      .oracle = "the back-end answers or closes each time, and serves a new session",
      .caps = TP_CAP_VHOST_USER, .run = order, .own_session = true);
