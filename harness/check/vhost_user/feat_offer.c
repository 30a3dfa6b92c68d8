// SPDX-License-Identifier: BSD-3-Clause
/* What is offered: features and protocol features, when they can be asked for, what they promise. */
#include "harness/check/vhost_user/msg_kit.h"

#include <string.h>

#define GET_STABLE    "VU.feat.get.be.3"
#define PROTO_STABLE  "VU.feat.get-proto.be.6"
#define BIT_30	      "VU.feat.get.be.2"
#define PROTO_EARLY   "VU.feat.get-proto.be.2"
#define PROTO_UNACKED "VU.feat.get-proto.be.3"
#define IMPLEMENTED   "VU.feat.get-proto.be.4"
#define UNDEFINED     "VU.feat.get-proto.be.5"
#define PROVIDED      "VU.feat.get.be.4"
#define SKIP_DRAIN    "VU.feat.set-proto.be.7"
#define CHANNEL_BITS  "VU.feat.set-proto.be.8"
#define INBAND	      "VU.feat.set-proto.be.6"
#define MQ_OFFERED    "VU.mq.feature.be.1"
#define MQ_NUM	      "VU.mq.num.be.1"
#define MQ_RINGS      "VU.mq.num.be.2"
#define MQ_EARLY      "VU.mq.num.be.3"

/* A u64 that must be answered; no answer breaks `clause`. */
static bool ask_u64(struct ck *c, u32 request, u64 *v, const char *clause)
{
	struct vu_reply r;

	if (!ckv_call(c, request, VU_VERSION, NULL, 0, &r, clause))
		return false;
	*v = r.msg.u64;
	vu_reply_release(&r);
	return r.msg.hdr.size == 8 || ck_error(c, "%s: a reply of %u bytes",
					       vu_msg_name(VU_CHAN_MAIN, request), r.msg.hdr.size);
}

static bool same_as(struct ck *c, u32 request, u64 first, const char *when, const char *clause)
{
	u64 v;

	if (!ck_must(c, vu_get_u64(ckv(c), request, &v), vu_msg_name(VU_CHAN_MAIN, request)))
		return false;
	return v == first ||
	       ck_fail(c, clause, "the mask asked for first", "%s %s: 0x%llx, at first 0x%llx",
		       vu_msg_name(VU_CHAN_MAIN, request), when, (unsigned long long)v,
		       (unsigned long long)first);
}

static void stable(struct ck *c)
{
	static const struct {
		const char *when;
		unsigned from, to;
	} steps[] = {
		{ "after SET_FEATURES", 0, 1 },
		{ "after SET_MEM_TABLE", 1, 2 },
		{ "with a ring running", 2, 11 },
	};
	u64 proto;

	if (!ckm_session(c, CKM_PF_NO_STATUS))
		return;
	proto = ckv(c)->pf_offered;
	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		if (!ckm_run(c, steps[i].from, steps[i].to) ||
		    !same_as(c, VU_GET_FEATURES, ckv(c)->offered, steps[i].when, GET_STABLE))
			return;
		if (ckv(c)->offered & BIT_ULL(VU_F_PROTOCOL_FEATURES) &&
		    !same_as(c, VU_GET_PROTOCOL_FEATURES, proto, steps[i].when, PROTO_STABLE))
			return;
	}
}

CHECK(feat_stable, .id = "vu.feat.offer-is-stable", .clauses = { GET_STABLE, PROTO_STABLE },
      .stimulus = "GET_FEATURES and GET_PROTOCOL_FEATURES at first, after SET_FEATURES, after the "
		  "memory table, and with a ring running",
      .oracle = "the same masks each time", .caps = TP_CAP_VHOST_USER, .run = stable,
      .own_session = true);

/* --- asking for protocol features ------------------------------------------------------------------ */

static void proto_early(struct ck *c)
{
	u64 features, pf, again;

	if (!ckv_connect(c) ||
	    !ck_must(c, vu_get_u64(ckv(c), VU_GET_FEATURES, &features), "GET_FEATURES") ||
	    !ck_must(c, vu_get_u64(ckv(c), VU_GET_FEATURES, &features), "GET_FEATURES"))
		return;
	if (!(features & BIT_ULL(VU_F_PROTOCOL_FEATURES))) {
		ck_skip(c, "feature bit 30 is not offered");
		return;
	}
	if (!ask_u64(c, VU_GET_PROTOCOL_FEATURES, &pf, BIT_30))
		return;
	/* Asked again, with nothing set yet. */
	ask_u64(c, VU_GET_PROTOCOL_FEATURES, &again, PROTO_EARLY);
}

CHECK(feat_proto_early, .id = "vu.feat.get-proto.first-thing", .clauses = { BIT_30, PROTO_EARLY },
      .stimulus =
	      "a connection that begins with GET_FEATURES and GET_PROTOCOL_FEATURES, each twice",
      .oracle = "with bit 30 offered, both are answered before anything was set",
      .caps = TP_CAP_VHOST_USER, .run = proto_early, .own_session = true);

static void proto_unacked(struct ck *c)
{
	u64 pf;

	if (!ckv_handshake(c, 0) ||
	    !ck_must(c,
		     vu_set_u64(ckv(c), VU_SET_FEATURES,
				ckv(c)->offered & BIT_ULL(VIRTIO_F_VERSION_1)),
		     "SET_FEATURES"))
		return;
	ask_u64(c, VU_GET_PROTOCOL_FEATURES, &pf, PROTO_UNACKED);
}

CHECK(feat_proto_unacked, .id = "vu.feat.get-proto.bit-30-not-set", .clauses = { PROTO_UNACKED },
      .stimulus = "SET_FEATURES without bit 30, then GET_PROTOCOL_FEATURES",
      .oracle = "it is answered: bit 30 need only be offered", .caps = TP_CAP_VHOST_USER,
      .features = BIT_ULL(VU_F_PROTOCOL_FEATURES), .run = proto_unacked, .own_session = true);

/* --- bits that go together -------------------------------------------------------------------------- */

static bool has(u64 pf, unsigned bit)
{
	return pf & BIT_ULL(bit);
}

static bool closes_without(struct ck *c, u64 mask)
{
	if (!ckv_connect(c) ||
	    !ck_must(c, vu_send(ckv(c), VU_SET_PROTOCOL_FEATURES, VU_VERSION, &mask, 8, NULL, 0),
		     "SET_PROTOCOL_FEATURES"))
		return false;
	return ckv_is_closed(c, ckv(c)->sock) ||
	       ck_fail(c, INBAND, "the connection is closed",
		       "INBAND_NOTIFICATIONS is accepted with the protocol features 0x%llx",
		       (unsigned long long)mask);
}

static void proto_bits(struct ck *c)
{
	u64 pf;

	if (!ckv_handshake(c, 0))
		return;
	pf = ckv(c)->pf_offered;
	if (has(pf, VU_PF_GET_VRING_BASE_SKIP_DRAIN) &&
	    !(has(pf, VU_PF_GET_VRING_BASE_INFLIGHT) && has(pf, VU_PF_INFLIGHT_SHMFD))) {
		ck_fail(c, SKIP_DRAIN, "bits 20 and 12 with bit 23", "protocol features 0x%llx",
			(unsigned long long)pf);
		return;
	}
	if (pf >> 24)
		ck_info(c, UNDEFINED, "protocol features 0x%llx have bits that the text does not",
			(unsigned long long)pf);
	if (!has(pf, VU_PF_BACKEND_REQ) && (has(pf, VU_PF_BACKEND_SEND_FD) ||
					    has(pf, VU_PF_HOST_NOTIFIER) || has(pf, VU_PF_SHMEM)))
		ck_info(c, CHANNEL_BITS,
			"protocol features 0x%llx need a back-end channel, which is not offered",
			(unsigned long long)pf);
	if (has(pf, VU_PF_INBAND_NOTIFICATIONS) &&
	    closes_without(c, BIT_ULL(VU_PF_INBAND_NOTIFICATIONS)) &&
	    closes_without(c, BIT_ULL(VU_PF_INBAND_NOTIFICATIONS) | BIT_ULL(VU_PF_REPLY_ACK)))
		closes_without(c, BIT_ULL(VU_PF_INBAND_NOTIFICATIONS) | BIT_ULL(VU_PF_BACKEND_REQ));
}

CHECK(feat_proto_bits, .id = "vu.feat.get-proto.bits",
      .clauses = { SKIP_DRAIN, INBAND, UNDEFINED, CHANNEL_BITS },
      .stimulus =
	      "GET_PROTOCOL_FEATURES; where bit 14 is offered, SET_PROTOCOL_FEATURES with it and "
	      "without bits 3 and 5",
      .oracle =
	      "bit 23 comes with 20 and 12; bit 14 alone closes the connection; no undefined bits, "
	      "and no bits of the back-end channel without it (the text does not say so: info)",
      .caps = TP_CAP_VHOST_USER, .features = BIT_ULL(VU_F_PROTOCOL_FEATURES), .run = proto_bits,
      .own_session = true);

/* --- offered and provided ----------------------------------------------------------------------------- */

static void implemented(struct ck *c)
{
	/* Requests that must be answered once their bit is negotiated, whatever the device. */
	static const struct {
		unsigned bit;
		u32 request, size;
	} probes[] = {
		{ VU_PF_MQ, VU_GET_QUEUE_NUM, 0 },
		{ VU_PF_CONFIGURE_MEM_SLOTS, VU_GET_MAX_MEM_SLOTS, 0 },
		{ VU_PF_STATUS, VU_GET_STATUS, 0 },
		{ VU_PF_SHARED_OBJECT, 41, 16 },
		{ VU_PF_DEVICE_STATE, 43, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(probes); i++) {
		struct ckm_msg m = { .request = probes[i].request, .size = probes[i].size };
		u64 mask = BIT_ULL(probes[i].bit);
		struct ckm_answers a;

		if (!ckv_handshake(c, 0))
			return;
		if (!(ckv(c)->pf_offered & mask))
			continue;
		m.spec = vu_msg_find(VU_CHAN_MAIN, m.request);
		if (!ck_must(c,
			     vu_send(ckv(c), VU_SET_PROTOCOL_FEATURES, VU_VERSION, &mask, 8, NULL,
				     0),
			     "SET_PROTOCOL_FEATURES"))
			return;
		ckm_exchange(c, &m, VU_VERSION, &a);
		if (a.count == 0) {
			ck_fail(c, IMPLEMENTED, "what is offered is there",
				"protocol feature bit %u is offered, but %s is %s", probes[i].bit,
				m.spec->name,
				a.end == TP_EGONE ? "answered by closing" : "not answered");
			return;
		}
		if (!ck_must(c, a.end, m.spec->name))
			return;
	}
}

CHECK(feat_implemented, .id = "vu.feat.get-proto.implemented", .clauses = { IMPLEMENTED },
      .stimulus =
	      "for each protocol feature with a request that is always answered: a session with "
	      "that feature alone, and the request",
      .oracle = "it is answered", .caps = TP_CAP_VHOST_USER,
      .features = BIT_ULL(VU_F_PROTOCOL_FEATURES), .run = implemented, .own_session = true);

static void provided(struct ck *c)
{
	/*
	 * Bits whose use a driver must know more about than a plain request: the platform's addresses,
	 * the packed ring, administration, zones. Bits 24 to 27 are legacy or the protocol's own.
	 */
	const u64 beyond_us = BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) | BIT_ULL(VIRTIO_F_RING_PACKED) |
			      BIT_ULL(VIRTIO_F_ADMIN_VQ) | BIT_ULL(VIRTIO_BLK_F_ZONED) |
			      0xfull << 24 | BIT_ULL(VIRTIO_F_SR_IOV);
	u64 offered, version_1;

	if (!ck_start(c, 0) || !ckm_serves(c))
		return;
	offered = c->offered & ~beyond_us & ~BIT_ULL(VIRTIO_F_VERSION_1);
	version_1 = c->offered & BIT_ULL(VIRTIO_F_VERSION_1);
	for (unsigned bit = 0; bit < 64; bit++) {
		int rc;

		if (!(offered & BIT_ULL(bit)))
			continue;
		if (!ck_open(c))
			return;
		rc = c->tp->ops->set_features(c->tp, version_1 | BIT_ULL(bit));
		if (rc == TP_EREFUSED || rc == TP_EGONE) {
			ck_fail(c, PROVIDED, "what is offered can be negotiated",
				"feature bit %u alone: %s", bit, c->tp->error);
			return;
		}
		if (!ck_must(c, rc, "negotiating features"))
			return;
		c->features = version_1 | BIT_ULL(bit);
		if (!ck_queue_start(c, 0, NULL) ||
		    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") ||
		    !ckb_alive(c, 0, PROVIDED))
			return;
	}
}

CHECK(feat_provided, .id = "vu.feat.get.each-alone", .clauses = { PROVIDED },
      .stimulus = "each offered device feature alone with VERSION_1, and a request",
      .oracle = "it can be negotiated and the request is served", .caps = TP_CAP_VHOST_USER,
      .device = VIRTIO_ID_BLOCK, .run = provided);

/* --- queues -------------------------------------------------------------------------------------------- */

static void mq_offered(struct ck *c)
{
	u64 again;

	if (!ckv_handshake(c, 0) ||
	    !ck_must(c, vu_get_u64(ckv(c), VU_GET_PROTOCOL_FEATURES, &again),
		     "GET_PROTOCOL_FEATURES"))
		return;
	if (!has(ckv(c)->pf_offered, VU_PF_MQ) || !has(again, VU_PF_MQ))
		ck_fail(c, MQ_OFFERED, "protocol feature bit 0", "protocol features 0x%llx",
			(unsigned long long)(ckv(c)->pf_offered & again));
}

CHECK(feat_mq_offered, .id = "vu.feat.mq-offered", .clauses = { MQ_OFFERED },
      .stimulus = "GET_PROTOCOL_FEATURES at first and after SET_OWNER",
      .oracle = "MQ is there: also a device with a fixed number of rings should offer it",
      .caps = TP_CAP_VHOST_USER, .features = BIT_ULL(VU_F_PROTOCOL_FEATURES), .run = mq_offered,
      .own_session = true);

static void queue_num(struct ck *c)
{
	struct ckm_msg m = { .request = VU_GET_QUEUE_NUM };
	struct ckm_answers a;
	u64 n = 0;

	if (!ckm_session(c, CKM_PF_ALL))
		return;
	/* The handshake has asked once already. */
	for (unsigned i = 0; i < 2; i++) {
		if (!ask_u64(c, VU_GET_QUEUE_NUM, &n, MQ_NUM))
			return;
		if (n == 0) {
			ck_fail(c, MQ_NUM, "at least one ring", "GET_QUEUE_NUM: 0");
			return;
		}
	}
	/* Before SET_PROTOCOL_FEATURES. */
	m.spec = vu_msg_find(VU_CHAN_MAIN, m.request);
	if (!ckv_connect(c) ||
	    !ck_must(c, vu_get_u64(ckv(c), VU_GET_FEATURES, &ckv(c)->offered), "GET_FEATURES") ||
	    !ck_must(c, vu_get_u64(ckv(c), VU_GET_PROTOCOL_FEATURES, &n), "GET_PROTOCOL_FEATURES"))
		return;
	ckm_exchange(c, &m, VU_VERSION, &a);
	if (a.count == 0)
		ck_info(c, MQ_EARLY, "GET_QUEUE_NUM is not answered before SET_PROTOCOL_FEATURES");
}

CHECK(feat_queue_num, .id = "vu.feat.queue-num", .clauses = { MQ_NUM, MQ_EARLY },
      .stimulus = "GET_QUEUE_NUM with MQ negotiated, twice; and before SET_PROTOCOL_FEATURES",
      .oracle =
	      "a count of at least 1; also answered when MQ is only offered (the text does not say "
	      "so: info)",
      .caps = TP_CAP_VHOST_USER, .pf = BIT_ULL(VU_PF_MQ), .run = queue_num, .own_session = true);

static void last_ring(struct ck *c)
{
	unsigned last = MIN(c->queues, CK_QUEUES) - 1;
	int rc;

	if (!ck_start(c, ck_ring_features()) || !ckm_serves(c))
		return;
	rc = vu_set_state(ckv(c), VU_SET_VRING_NUM, c->queues - 1, 64);
	if (rc == TP_EREFUSED || rc == TP_EGONE) {
		ck_fail(c, MQ_RINGS, "every ring below GET_QUEUE_NUM is there",
			"%u rings, and ring %u: %s", c->queues, c->queues - 1, c->tp->error);
		return;
	}
	if (ck_must(c, rc, "SET_VRING_NUM") && ck_queue_start(c, last, NULL))
		ckb_alive(c, last, MQ_RINGS);
}

CHECK(feat_last_ring, .id = "vu.feat.every-ring", .clauses = { MQ_RINGS },
      .stimulus = "the ring with the highest index below GET_QUEUE_NUM, set up beside ring 0",
      .oracle = "its messages are not refused and it serves", .caps = TP_CAP_VHOST_USER,
      .device = VIRTIO_ID_BLOCK, .pf = BIT_ULL(VU_PF_MQ), .queues = 2, .run = last_ring);
