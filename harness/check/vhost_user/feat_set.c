// SPDX-License-Identifier: BSD-3-Clause
/* What is negotiated: SET_FEATURES, SET_PROTOCOL_FEATURES, SET_OWNER, RESET_OWNER. */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/vhost_user/msg_kit.h"

#include <string.h>

#define BITS_HOLD     "VU.feat.set.be.1"
#define UNOFFERED     "VU.feat.set.be.2"
#define ENABLES_ALL   "VU.feat.set.be.3"
#define KEEPS_ENABLED "VU.feat.set.be.4"
#define LOG_ALL	      "VU.feat.set.be.5"
#define LEGACY	      "VU.feat.set.be.7"
#define NO_DEVICE_BIT "VU.feat.bit30.be.1"
#define GATING	      "VU.feat.gating.be.1"
#define PROTO_HOLDS   "VU.feat.set-proto.be.1"
#define PROTO_EARLY   "VU.feat.set-proto.be.2"
#define PROTO_UNACKED "VU.feat.set-proto.be.3"
#define PROTO_NO_GET  "VU.feat.set-proto.be.4"
#define PROTO_UNOFFER "VU.feat.set-proto.be.5"
#define ACK_NO_BIT_30 "VU.reply.ack.be.9"
#define OWNER	      "VU.owner.set.be.1"
#define OWNER_TWICE   "VU.owner.set.be.3"
#define OWNER_RESET   "VU.owner.reset.be.1"
#define OWNER_KEEPS   "VU.owner.reset.be.2"
#define NEW_SESSION   "ROB.live.new-session"

#define BIT_30	BIT_ULL(VU_F_PROTOCOL_FEATURES)
#define ACK_BIT BIT_ULL(VU_PF_REPLY_ACK)

/* How a message is answered: 1 once, 0 not at all; -1: an error was recorded. */
static int acks(struct ck *c, u32 request, const void *payload, u32 size, u64 *value)
{
	struct ckm_msg m = { .request = request, .size = size };
	struct ckm_answers a;

	m.spec = vu_msg_find(VU_CHAN_MAIN, request);
	if (size)
		memcpy(m.bytes, payload, size);
	ckm_exchange(c, &m, VU_VERSION | VU_FLAG_NEED_REPLY, &a);
	if (!ck_must(c, a.end, m.spec->name))
		return -1;
	if (a.count > 1 || (a.count && a.first.hdr.size != 8)) {
		ck_error(c, "%s: %u answers, the first of %u bytes", m.spec->name, a.count,
			 a.first.hdr.size);
		return -1;
	}
	*value = a.first.u64;
	return (int)a.count;
}

/* --- SET_FEATURES ------------------------------------------------------------------------------------ */

/* Set up message by message: features as told, and no SET_VRING_ENABLE. */
static bool start_ring(struct ck *c, u64 features)
{
	return ck_must(c, vu_set_u64(ckv(c), VU_SET_FEATURES, features), "SET_FEATURES") &&
	       ckm_run(c, 1, 10);
}

/*
 * EVENT_IDX first set, then taken back. With it, the driver's used_event of 0x4000 would keep every
 * signal away; without it there is a signal for each used buffer.
 */
static void bits_hold(struct ck *c)
{
	u64 with, without;

	if (!ckm_session(c, CKM_PF_NO_STATUS))
		return;
	without = ckv(c)->offered & (BIT_ULL(VIRTIO_F_VERSION_1) | BIT_30);
	with = without | BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	if (!ck_must(c, vu_set_u64(ckv(c), VU_SET_FEATURES, with), "SET_FEATURES") ||
	    !start_ring(c, without) ||
	    !ck_must(c, vu_set_state(ckv(c), VU_SET_VRING_ENABLE, 0, 1), "SET_VRING_ENABLE"))
		return;
	*vq_split_used_event(&c->q[0].vq.split) = le16(0x4000);
	c->q[0].vq.split.event_idx = false;
	ckv_signalled(ckv(c)->rings[0].call, c->tp->quiet_ms);
	for (unsigned i = 0; i < 3; i++) {
		if (!ckm_serves(c))
			return;
		if (!ckv_must_signal(c, ckv(c)->rings[0].call)) {
			ck_fail(c, BITS_HOLD, "the features last set",
				"EVENT_IDX was set and taken back, and request %u was used without "
				"a signal",
				i + 1);
			return;
		}
	}
}

CHECK(feat_bits_hold, .id = "vu.feat.set.last-one-holds",
      .clauses = { BITS_HOLD, "v14.split-ring.used-notif-suppress.dev.1" },
      .stimulus =
	      "SET_FEATURES with EVENT_IDX, then without; a ring with used_event far ahead, three "
	      "requests",
      .oracle = "a signal for each: EVENT_IDX is off", .caps = TP_CAP_VHOST_USER,
      .device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | BIT_30,
      .run = bits_hold, .own_session = true);

static void enables_all(struct ck *c)
{
	struct blk_req r;
	struct ck_used u;

	/* The usual way, as the measure. */
	if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_run(c, 0, ckm_setup_count) || !ckm_serves(c))
		return;
	if (!ckm_session(c, CKM_PF_NO_STATUS) ||
	    !start_ring(c, ckv(c)->offered & BIT_ULL(VIRTIO_F_VERSION_1)) ||
	    !ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) ||
	    ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 || !ck_publish(c, 0))
		return;
	if (!ck_reap(c, 0, &u))
		ck_fail(c, ENABLES_ALL, "the ring is enabled",
			"SET_FEATURES without bit 30, no SET_VRING_ENABLE: nothing is served");
}

CHECK(feat_enables_all, .id = "vu.feat.set.without-bit-30", .clauses = { ENABLES_ALL },
      .stimulus = "SET_FEATURES without bit 30, a ring set up without SET_VRING_ENABLE, a request",
      .oracle = "it is served", .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK,
      .run = enables_all, .own_session = true);

/* SET_FEATURES on a running ring; is it still served? */
static bool goes_on(struct ck *c, u64 features, const char *what, const char *clause)
{
	int rc = vu_set_u64(ckv(c), VU_SET_FEATURES, features);

	if (rc == TP_EREFUSED || rc == TP_EGONE)
		return ck_fail(c, clause, "the message is carried out while rings run", "%s: %s",
			       what, c->tp->error);
	return ck_must(c, rc, "SET_FEATURES") && ckb_alive(c, 0, clause);
}

static void while_running(struct ck *c)
{
	struct ckm_msg m;

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_make(c, VU_SET_FEATURES, &m) ||
	    !ckm_run(c, 0, ckm_setup_count) || !ckm_serves(c))
		return;
	if (!goes_on(c, m.u64, "the same features again", KEEPS_ENABLED) ||
	    !(ckv(c)->offered & BIT_ULL(VU_F_LOG_ALL)))
		return;
	if (goes_on(c, m.u64 | BIT_ULL(VU_F_LOG_ALL), "with LOG_ALL", LOG_ALL))
		goes_on(c, m.u64, "without LOG_ALL", LOG_ALL);
}

CHECK(feat_while_running, .id = "vu.feat.set.while-running", .clauses = { KEEPS_ENABLED, LOG_ALL },
      .stimulus =
	      "SET_FEATURES on a running ring: the same mask, then with LOG_ALL and without again",
      .oracle = "it is carried out and the ring goes on without a new SET_VRING_ENABLE",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .features = BIT_30,
      .run = while_running, .own_session = true);

/* Messages with bits that they should not have; what is asked for is that the back-end lives. */
static bool odd_bits(struct ck *c, u32 request, u64 mask, const char *accepted, const char *survive)
{
	enum ckv_reaction r;

	if (!ckm_session(c, CKM_PF_NO_STATUS))
		return false;
	r = ckv_provoke_or_hang(
		c, request,
		VU_VERSION | (vu_has_pf(ckv(c), VU_PF_REPLY_ACK) ? VU_FLAG_NEED_REPLY : 0), &mask,
		sizeof(mask), NULL, 0, survive);
	ck_log(c, "  %s: %s", vu_msg_name(VU_CHAN_MAIN, request), ckv_reaction_name(r));
	if (r == CKV_BROKEN)
		return false;
	if (r == CKV_ACK && accepted)
		ck_info(c, accepted, "%s 0x%llx with a bit that is not offered: %s",
			vu_msg_name(VU_CHAN_MAIN, request), (unsigned long long)mask,
			ckv_reaction_name(r));
	return ckv_reachable(c, survive);
}

static void unoffered(struct ck *c)
{
	u64 spare;

	if (!ckv_handshake(c, CKM_PF_ALL))
		return;
	spare = BIT_ULL(62) & ~ckv(c)->offered;
	if (!odd_bits(c, VU_SET_FEATURES, ckv(c)->offered | spare | BIT_ULL(63), UNOFFERED,
		      NEW_SESSION))
		return;
	if (ckv(c)->offered & BIT_30)
		odd_bits(c, VU_SET_PROTOCOL_FEATURES, ckv(c)->pf_offered | BIT_ULL(40),
			 PROTO_UNOFFER, NEW_SESSION);
}

CHECK(feat_unoffered, .id = "vu.feat.set.not-offered",
      .clauses = { UNOFFERED, PROTO_UNOFFER, NEW_SESSION },
      .stimulus = "SET_FEATURES with bits 62 and 63, SET_PROTOCOL_FEATURES with bit 40",
      .oracle = "not acknowledged with 0 (the text does not say so: info); a new session is served",
      .caps = TP_CAP_VHOST_USER, .run = unoffered, .own_session = true);

static void legacy(struct ck *c)
{
	if (ckv_handshake(c, CKM_PF_ALL))
		odd_bits(c, VU_SET_FEATURES, ckv(c)->offered & BIT_30, NULL, LEGACY);
}

CHECK(feat_legacy, .id = "vu.feat.set.without-version-1",
      .clauses = { LEGACY, "ROB.live.new-session" }, .stimulus = "SET_FEATURES without VERSION_1",
      .oracle = "whatever the back-end makes of it, a new session is served",
      .caps = TP_CAP_VHOST_USER, .features = BIT_ULL(VIRTIO_F_VERSION_1), .run = legacy,
      .own_session = true);

/* --- bit 30 is the protocol's own -------------------------------------------------------------------- */

struct seen {
	u8 config[VIRTIO_BLK_CONFIG_SIZE];
	u64 features;
	u8 status;
	u8 sector[VIRTIO_BLK_SECTOR];
};

static bool look(struct ck *c, bool bit_30, struct seen *s)
{
	u64 features = BIT_ULL(VIRTIO_F_VERSION_1) | (bit_30 ? BIT_30 : 0);
	struct blk_req r;
	struct ckb_result res;

	memset(s, 0, sizeof(*s));
	if (!ckm_session(c, CKM_PF_NO_STATUS) || !start_ring(c, ckv(c)->offered & features))
		return false;
	if (bit_30 &&
	    !ck_must(c, vu_set_state(ckv(c), VU_SET_VRING_ENABLE, 0, 1), "SET_VRING_ENABLE"))
		return false;
	if (vu_has_pf(ckv(c), VU_PF_CONFIG) &&
	    !ck_must(c, vu_get_config(ckv(c), 0, sizeof(s->config), s->config), "GET_CONFIG"))
		return false;
	if (!ck_must(c, vu_get_u64(ckv(c), VU_GET_FEATURES, &s->features), "GET_FEATURES") ||
	    !ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) ||
	    !ckb_do(c, 0, &r, BLK_LAYOUT_USUAL, &res))
		return false;
	s->status = res.status;
	memcpy(s->sector, r.data.hva, sizeof(s->sector));
	return true;
}

static void no_device_bit(struct ck *c)
{
	struct seen with, without;

	if (!look(c, true, &with) || !look(c, false, &without))
		return;
	if (memcmp(with.config, without.config, sizeof(with.config)) != 0)
		ck_fail(c, NO_DEVICE_BIT, "the same device with and without bit 30",
			"the configuration space is another one");
	else if (with.features != without.features)
		ck_fail(c, NO_DEVICE_BIT, "the same device with and without bit 30",
			"features 0x%llx with bit 30 set, 0x%llx without",
			(unsigned long long)with.features, (unsigned long long)without.features);
	else if (with.status != without.status ||
		 memcmp(with.sector, without.sector, sizeof(with.sector)) != 0)
		ck_fail(c, NO_DEVICE_BIT, "the same device with and without bit 30",
			"a read gives status %u and other data with bit 30 set, status %u without",
			with.status, without.status);
}

CHECK(feat_no_device_bit, .id = "vu.feat.set.bit-30-is-no-device-feature",
      .clauses = { NO_DEVICE_BIT },
      .stimulus =
	      "two sessions, with and without bit 30 in SET_FEATURES: configuration, features, a "
	      "read",
      .oracle = "the same device", .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK,
      .features = BIT_30, .run = no_device_bit, .own_session = true);

/* --- SET_PROTOCOL_FEATURES ----------------------------------------------------------------------------- */

/* Only the back-end channel: every message on it needs another feature. */
static void gating(struct ck *c)
{
	if (!ckm_session(c, BIT_ULL(VU_PF_BACKEND_REQ)) ||
	    !ck_must(c, vu_set_channel(ckv(c)), "SET_BACKEND_REQ_FD") ||
	    !ckm_run(c, 0, ckm_setup_count))
		return;
	if (c->device == VIRTIO_ID_BLOCK && !ckm_serves(c))
		return;
	/* It may have come while we waited for something else. */
	if (ckv(c)->event_count == 0)
		vu_channel_wait(ckv(c), c->tp->quiet_ms);
	if (ckv(c)->event_count)
		ck_fail(c, GATING, "nothing that needs a feature that was not negotiated",
			"request %u on the back-end channel, with BACKEND_REQ alone negotiated",
			ckv(c)->events[0].hdr.request);
}

CHECK(feat_gating, .id = "vu.feat.set-proto.nothing-else", .clauses = { GATING },
      .stimulus = "a session with BACKEND_REQ as its only protocol feature, a channel, a request",
      .oracle = "nothing comes on the channel: each of its messages needs another feature",
      .caps = TP_CAP_VHOST_USER, .pf = BIT_ULL(VU_PF_BACKEND_REQ), .run = gating,
      .own_session = true);

static bool set_proto(struct ck *c, u64 mask)
{
	return ck_must(c, vu_send(ckv(c), VU_SET_PROTOCOL_FEATURES, VU_VERSION, &mask, 8, NULL, 0),
		       "SET_PROTOCOL_FEATURES");
}

/* REPLY_ACK shows that it is in force; `when` says after what. */
static bool ack_in_force(struct ck *c, const char *when, const char *clause)
{
	struct vu_vring_state s = { 0, 64 };
	u64 v;
	int n = acks(c, VU_SET_VRING_NUM, &s, sizeof(s), &v);

	if (n < 0)
		return false;
	return n == 1 ||
	       ck_fail(c, clause, "need_reply is answered", "%s: no acknowledgement", when);
}

static void proto_early(struct ck *c)
{
	u64 v;

	if (!ckv_connect(c) ||
	    !ck_must(c, vu_get_u64(ckv(c), VU_GET_FEATURES, &ckv(c)->offered), "GET_FEATURES") ||
	    !ck_must(c, vu_get_u64(ckv(c), VU_GET_PROTOCOL_FEATURES, &v),
		     "GET_PROTOCOL_FEATURES") ||
	    !set_proto(c, ACK_BIT))
		return;
	if (!ack_in_force(c, "REPLY_ACK alone, before SET_FEATURES", PROTO_EARLY) ||
	    !ck_must(c, vu_send(ckv(c), VU_SET_OWNER, VU_VERSION, NULL, 0, NULL, 0), "SET_OWNER"))
		return;
	/* Again, after another message: it is no matter of the first one. */
	if (!ack_in_force(c, "REPLY_ACK before SET_FEATURES, a second message", ACK_NO_BIT_30))
		return;

	/* Without having asked. */
	if (!ckv_connect(c) ||
	    !ck_must(c, vu_get_u64(ckv(c), VU_GET_FEATURES, &ckv(c)->offered), "GET_FEATURES") ||
	    !set_proto(c, ACK_BIT))
		return;
	ack_in_force(c, "SET_PROTOCOL_FEATURES without GET_PROTOCOL_FEATURES", PROTO_NO_GET);
}

CHECK(feat_set_proto_early, .id = "vu.feat.set-proto.before-set-features",
      .clauses = { PROTO_EARLY, ACK_NO_BIT_30, PROTO_NO_GET },
      .stimulus = "SET_PROTOCOL_FEATURES with REPLY_ACK before SET_FEATURES, SET_VRING_NUM with "
		  "need_reply; and without GET_PROTOCOL_FEATURES before it",
      .oracle = "it is acknowledged (the last one: info)", .caps = TP_CAP_VHOST_USER,
      .features = BIT_30, .pf = ACK_BIT, .run = proto_early, .own_session = true);

static void proto_unacked(struct ck *c)
{
	if (ckm_session(c, ACK_BIT) && ack_in_force(c, "REPLY_ACK alone is set", PROTO_HOLDS) &&
	    ck_must(c,
		    vu_send(ckv(c), VU_SET_FEATURES, VU_VERSION,
			    &(u64){ ckv(c)->offered & BIT_ULL(VIRTIO_F_VERSION_1) }, 8, NULL, 0),
		    "SET_FEATURES"))
		ack_in_force(c, "after SET_FEATURES without bit 30", PROTO_UNACKED);
}

CHECK(feat_set_proto_unacked, .id = "vu.feat.set-proto.bit-30-not-set",
      .clauses = { PROTO_HOLDS, PROTO_UNACKED },
      .stimulus = "REPLY_ACK alone; SET_VRING_NUM with need_reply before and after SET_FEATURES "
		  "without bit 30",
      .oracle = "acknowledged both times", .caps = TP_CAP_VHOST_USER, .features = BIT_30,
      .pf = ACK_BIT, .run = proto_unacked, .own_session = true);

/* --- owner ------------------------------------------------------------------------------------------- */

static void owner(struct ck *c)
{
	u64 v;
	int n;

	if (!ckv_connect(c) ||
	    !ck_must(c, vu_get_u64(ckv(c), VU_GET_FEATURES, &ckv(c)->offered), "GET_FEATURES"))
		return;
	if (ckv(c)->offered & BIT_30 && !set_proto(c, ACK_BIT))
		return;
	n = acks(c, VU_SET_OWNER, NULL, 0, &v);
	if (n == 1 && v != 0) {
		ck_fail(c, OWNER, "0", "SET_OWNER: refused with %llu", (unsigned long long)v);
		return;
	}
	if (n < 0)
		return;
	ckm_exchange(c,
		     &(struct ckm_msg){ .request = VU_SET_OWNER,
					.spec = vu_msg_find(VU_CHAN_MAIN, VU_SET_OWNER) },
		     VU_VERSION, &(struct ckm_answers){ 0 });
	if (vu_barrier(ckv(c)) != TP_OK)
		ck_info(c, OWNER_TWICE, "a second SET_OWNER: %s", c->tp->error);
}

CHECK(feat_owner, .id = "vu.feat.owner", .clauses = { OWNER, OWNER_TWICE },
      .stimulus = "SET_OWNER with need_reply, then a second time",
      .oracle = "acknowledged with 0; the second one does no harm (the text does not say so: info)",
      .caps = TP_CAP_VHOST_USER, .features = BIT_30, .pf = ACK_BIT, .run = owner,
      .own_session = true);

/* The ring stops, its position is the right one, and it goes on from there. */
static bool position_holds(struct ck *c)
{
	u32 base, at = c->q[0].vq.split.avail_idx;

	if (!ck_must(c, vu_get_vring_base(ckv(c), 0, &base), "GET_VRING_BASE"))
		return false;
	if (base != at)
		return ck_error(c, "GET_VRING_BASE says %u after %u requests", base, at);
	/* All of the ring's set-up: who stops a ring may forget its descriptors. */
	return ckm_run(c, 4, 5) &&
	       ck_must(c, vu_set_state(ckv(c), VU_SET_VRING_BASE, 0, base), "SET_VRING_BASE") &&
	       ckm_run(c, 6, 10) && ckm_serves(c);
}

static void owner_reset(struct ck *c)
{
	u32 base, after;
	u64 v;
	int n;

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_run(c, 0, ckm_setup_count) ||
	    !ckm_serves(c) || !position_holds(c))
		return;
	base = c->q[0].vq.split.avail_idx;
	ck_log(c, "> RESET_OWNER");
	if (!ck_must(c, vu_send(ckv(c), VU_RESET_OWNER, VU_VERSION, NULL, 0, NULL, 0),
		     "RESET_OWNER"))
		return;
	if (vu_barrier(ckv(c)) != TP_OK) {
		ck_fail(c, OWNER_RESET, "it is ignored, or disables the rings", "RESET_OWNER: %s",
			c->tp->error);
		return;
	}
	/* Acknowledgements go on, and the ring stands where it stood. */
	n = acks(c, VU_SET_VRING_ENABLE, &(struct vu_vring_state){ 0, 1 },
		 sizeof(struct vu_vring_state), &v);
	if (n < 0)
		return;
	if (n == 0 && vu_has_pf(ckv(c), VU_PF_REPLY_ACK)) {
		ck_fail(c, OWNER_KEEPS, "what was negotiated stays",
			"RESET_OWNER: REPLY_ACK is gone");
		return;
	}
	if (!ckb_alive(c, 0, OWNER_RESET))
		return;
	if (ck_must(c, vu_get_vring_base(ckv(c), 0, &after), "GET_VRING_BASE") && after != base + 1)
		ck_fail(c, OWNER_KEEPS, "the ring's position stays",
			"GET_VRING_BASE says %u after RESET_OWNER and one request, %u before it",
			after, base);
}

CHECK(feat_owner_reset, .id = "vu.feat.owner-reset", .clauses = { OWNER_RESET, OWNER_KEEPS },
      .stimulus = "RESET_OWNER while a ring runs, SET_VRING_ENABLE with need_reply, a request, "
		  "GET_VRING_BASE",
      .oracle = "REPLY_ACK, memory and position are still there, and the request is served",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .features = BIT_30, .run = owner_reset,
      .own_session = true);
