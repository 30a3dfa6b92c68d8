// SPDX-License-Identifier: BSD-3-Clause
/* NET_SET_MTU and SEND_RARP: what a front-end tells a network device beside its rings. */
#include "harness/check/vhost_user/msg_kit.h"

#include <string.h>

#include "harness/check/net_kit.h"

#define MTU(n) "VU.net.mtu.be." #n
#define RARP   "VU.net.rarp.be.1"
#define HAS(b) BIT_ULL(VU_PF_##b)

#define ETHERTYPE_RARP 0x8035
#define USUAL_MTU      1500

/* A loop-back session with these protocol features, too. */
static bool session(struct ck *c, struct nk *k, u64 more, u64 want)
{
	struct vu_frontend *fe = ckv(c);
	const u64 saved = fe->pf_mask;
	bool ok;

	fe->pf_mask |= more;
	ok = ck_open(c) && (k ? nk_up(c, k, want) : ck_start(c, want));
	fe->pf_mask = saved;
	return ok;
}

/* How it answers; the session goes on, or there is a new one. */
static enum ckv_reaction set_mtu(struct ck *c, u64 mtu)
{
	enum ckv_reaction r = ckv_provoke(c, VU_NET_SET_MTU, &mtu, sizeof(mtu), NULL, 0);

	ck_log(c, "  NET_SET_MTU of %llu: %s", (unsigned long long)mtu, ckv_reaction_name(r));
	if (r == CKV_CLOSED && !session(c, NULL, HAS(MTU), NK_F(MTU)))
		return CKV_BROKEN;
	return r;
}

static void mtu_valid(struct ck *c)
{
	enum ckv_reaction r;

	if (!session(c, NULL, HAS(MTU), NK_F(MTU)))
		return;
	r = set_mtu(c, USUAL_MTU);
	if (r != CKV_ACK && r != CKV_BROKEN)
		ck_fail(c, MTU(1), "0", "NET_SET_MTU of %u: %s", USUAL_MTU, ckv_reaction_name(r));
}

CHECK(mtu_valid, .id = "vu.net.mtu", .clauses = { MTU(1) }, .caps = TP_CAP_VHOST_USER,
      .stimulus = "NET_SET_MTU of 1500, with need_reply", .oracle = "the answer is 0",
      .device = VIRTIO_ID_NET, .features = NK_F(MTU), .pf = HAS(MTU) | HAS(REPLY_ACK),
      .own_session = true, .run = mtu_valid);

static void mtu_invalid(struct ck *c)
{
	static const u64 no[] = { 0, 67, 65536, 1ull << 32 | 1500 };

	if (!session(c, NULL, HAS(MTU), NK_F(MTU)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
		enum ckv_reaction r = set_mtu(c, no[i]);

		if (r == CKV_BROKEN)
			return;
		if (r == CKV_ACK || r == CKV_SILENT) {
			ck_fail(c, MTU(2), "another answer than 0", "NET_SET_MTU of %llu: %s",
				(unsigned long long)no[i], ckv_reaction_name(r));
			return;
		}
	}
}

CHECK(mtu_invalid, .id = "vu.net.mtu-invalid", .clauses = { MTU(2) }, .caps = TP_CAP_VHOST_USER,
      .stimulus = "NET_SET_MTU of 0, 67, 65536 and 2^32 + 1500, with need_reply",
      .oracle = "none is answered with 0", .device = VIRTIO_ID_NET, .features = NK_F(MTU),
      .pf = HAS(MTU) | HAS(REPLY_ACK), .own_session = true, .disturbs = true, .run = mtu_invalid);

static void mtu_shown(struct ck *c)
{
	static const u16 values[] = { 1400, USUAL_MTU };

	if (!session(c, NULL, HAS(MTU), NK_F(MTU)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		u16 is;

		if (set_mtu(c, values[i]) != CKV_ACK) {
			ck_skip(c, "it does not take an MTU of %u", values[i]);
			return;
		}
		if (!ck_must(c,
			     vu_get_config(ckv(c), offsetof(struct virtio_net_config, mtu),
					   sizeof(is), &is),
			     "GET_CONFIG"))
			return;
		if (le16(is) != values[i]) {
			ck_fail(c, MTU(3), "the MTU that was set",
				"NET_SET_MTU of %u is answered with 0, and mtu is %u", values[i],
				le16(is));
			return;
		}
	}
}

CHECK(mtu_shown, .id = "vu.net.mtu-shown", .clauses = { MTU(3) }, .caps = TP_CAP_VHOST_USER,
      .stimulus = "NET_SET_MTU of 1400 and of 1500, and GET_CONFIG",
      .oracle = "the configuration space has it", .device = VIRTIO_ID_NET, .features = NK_F(MTU),
      .pf = HAS(MTU) | HAS(REPLY_ACK) | HAS(CONFIG), .own_session = true, .disturbs = true,
      .run = mtu_shown);

static bool is_rarp(const struct nk_frame *f, const u8 mac[6])
{
	static const u8 all[6] = { 255, 255, 255, 255, 255, 255 };

	return f->len >= 42 && net_be16(f->data + 12) == ETHERTYPE_RARP &&
	       memcmp(f->data, all, 6) == 0 && memcmp(f->data + 22, mac, 6) == 0;
}

static void rarp(struct ck *c)
{
	static const u8 mac[8] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
	struct net_layout at;
	struct nk_frame f;
	enum ckv_reaction r;
	struct nk k;

	if (!session(c, &k, HAS(RARP), 0))
		return;
	r = ckv_provoke(c, VU_SEND_RARP, mac, sizeof(mac), NULL, 0);
	if (r == CKV_BROKEN)
		return;
	if (r == CKV_NACK || r == CKV_CLOSED) {
		ck_fail(c, RARP, "carried out", "SEND_RARP: %s", ckv_reaction_name(r));
		return;
	}
	/* Some send it with the next frames only. */
	for (unsigned i = 0; i < 8; i++) {
		if (!nk_send_packet(c, &k, &(struct net_packet){ .payload = 100, .seed = i }, &at))
			return;
		for (unsigned n = 0; n < 3; n++) {
			if (!nk_expect(c, &k, &f))
				return;
			if (is_rarp(&f, mac))
				return;
			if (nk_same(&k, &f, at.len))
				break;
		}
	}
	ck_fail(c, RARP, "a broadcast of the address",
		"what is sent comes back, and no RARP of the address among it");
}

CHECK(rarp, .id = "vu.net.rarp", .clauses = { RARP }, .caps = TP_CAP_VHOST_USER,
      .stimulus = "SEND_RARP with an address, to a target in loop-back; then frames",
      .oracle = "a broadcast of type 0x8035 with that address is among what comes back",
      .device = VIRTIO_ID_NET, .pf = HAS(RARP), .own_session = true, .run = rarp);
