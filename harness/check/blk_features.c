// SPDX-License-Identifier: BSD-3-Clause
/* Block device: what is offered (5.2.3, 5.2.5.2), and whether what is offered is there. */
#include "harness/check/blk_util.h"

#include <string.h>

#define OFFER_FLUSH "v14.blk.init.dev.1"
#define WCE_FLUSH   "v14.blk.init.dev.2"
/* The same in general: one feature requires another. */
#define CLOSED	      "v14.basic.feature-bits.dev.1"
#define HONOUR	      "v14.basic.feature-bits.dev.4"
#define MEANINGLESS   "v14.blk.operation.dev.16"
#define RESERVED      "v14.blk.operation.dev.17"
#define FEATURE(name) BIT_ULL(VIRTIO_BLK_F_##name)

static bool offers(const struct ck *c, unsigned bit)
{
	return c->offered & BIT_ULL(bit);
}

static void offer_flush(struct ck *c)
{
	/* CONFIG_WCE without it is worse, and said by blk.features.wce. */
	if (!offers(c, VIRTIO_BLK_F_FLUSH) && !offers(c, VIRTIO_BLK_F_CONFIG_WCE))
		ck_fail(c, OFFER_FLUSH, "VIRTIO_BLK_F_FLUSH offered", "features 0x%llx",
			(unsigned long long)c->offered);
}

CHECK(offer_flush, .id = "blk.features.flush", .clauses = { OFFER_FLUSH },
      .stimulus = "read the offered features",
      .oracle = "VIRTIO_BLK_F_FLUSH (9) is among them, or CONFIG_WCE, which needs it",
      .device = VIRTIO_ID_BLOCK, .run = offer_flush);

static void wce_needs_flush(struct ck *c)
{
	if (offers(c, VIRTIO_BLK_F_CONFIG_WCE) && !offers(c, VIRTIO_BLK_F_FLUSH))
		ck_fail(c, WCE_FLUSH, "VIRTIO_BLK_F_FLUSH offered as well",
			"features 0x%llx have CONFIG_WCE without FLUSH",
			(unsigned long long)c->offered);
}

CHECK(wce_needs_flush, .id = "blk.features.wce", .clauses = { WCE_FLUSH, CLOSED },
      .stimulus = "read the offered features",
      .oracle = "with VIRTIO_BLK_F_CONFIG_WCE (11) there is VIRTIO_BLK_F_FLUSH (9)",
      .device = VIRTIO_ID_BLOCK, .run = wce_needs_flush);

/* What is negotiated is carried out, in its simplest form. */
static bool honoured(struct ck *c, u32 type)
{
	struct ckb_range range = { .sector = 0, .num = 8 };
	struct ckb_result res;
	struct blk_req r;

	if (!(c->features & ckb_type_feature(type)))
		return true;
	if (type == VIRTIO_BLK_T_FLUSH) {
		if (!ckb_make(c, &r, type, 0, 0))
			return false;
	} else {
		struct ckb_limits l;

		if (!ckb_limits(c, type, &l))
			return false;
		range.num = MIN(MAX(range.num, l.align), l.max_sectors);
		if (!ckb_make_ranges(c, &r, type, &range, 1))
			return false;
	}
	return ckb_do(c, 0, &r, BLK_LAYOUT_USUAL, &res) &&
	       ckb_status(c, &r, &res, VIRTIO_BLK_S_OK, HONOUR);
}

static void features_honoured(struct ck *c)
{
	static const u32 types[] = { VIRTIO_BLK_T_FLUSH, VIRTIO_BLK_T_DISCARD,
				     VIRTIO_BLK_T_WRITE_ZEROES, VIRTIO_BLK_T_SECURE_ERASE };
	bool read_only = offers(c, VIRTIO_BLK_F_RO);

	if (!ckb_room(c, 4096) ||
	    !ck_start(c, ck_ring_features() | FEATURE(FLUSH) | FEATURE(DISCARD) |
				 FEATURE(WRITE_ZEROES) | FEATURE(SECURE_ERASE)))
		return;
	for (unsigned i = 0; i < (read_only ? 1 : ARRAY_SIZE(types)); i++)
		if (!honoured(c, types[i]))
			return;
}

CHECK(features_honoured, .id = "blk.features.honoured", .clauses = { HONOUR },
      .stimulus =
	      "accept FLUSH, DISCARD, WRITE_ZEROES and SECURE_ERASE where they are offered, and "
	      "send one plain request of each (FLUSH alone to a read-only device)",
      .oracle = "status OK: what the device cannot do it does not offer", .device = VIRTIO_ID_BLOCK,
      .run = features_honoured);

struct lifetime {
	u16 pre_eol_info, est_typ_a, est_typ_b;
};

static void lifetime(struct ck *c)
{
	struct lifetime l;
	struct blk_req r;

	if (!offers(c, VIRTIO_BLK_F_LIFETIME))
		return;
	if (!ck_start(c, ck_ring_features() | FEATURE(LIFETIME)) ||
	    !ckb_make(c, &r, VIRTIO_BLK_T_GET_LIFETIME, 0, sizeof(l)) || !ckb_ok(c, 0, &r))
		return;
	memcpy(&l, r.data.hva, sizeof(l));
	ck_log(c, "  pre_eol_info=%u device_lifetime_est_typ_a=%u device_lifetime_est_typ_b=%u",
	       le16(l.pre_eol_info), le16(l.est_typ_a), le16(l.est_typ_b));
	if (le16(l.pre_eol_info) > 3 || le16(l.est_typ_a) > 11 || le16(l.est_typ_b) > 11)
		ck_fail(c, RESERVED, "pre_eol_info up to 3, estimates up to 11",
			"pre_eol_info %u, estimates %u and %u", le16(l.pre_eol_info),
			le16(l.est_typ_a), le16(l.est_typ_b));
	else if (!l.pre_eol_info && !l.est_typ_a && !l.est_typ_b)
		ck_fail(c, MEANINGLESS, "LIFETIME not offered when there is nothing to tell",
			"all three fields are 0, \"undefined\"");
}

CHECK(lifetime, .id = "blk.features.lifetime", .clauses = { MEANINGLESS, RESERVED },
      .stimulus = "where VIRTIO_BLK_F_LIFETIME is offered: accept it, GET_LIFETIME",
      .oracle = "no reserved value (pre_eol_info over 3, an estimate over 11), and not all three "
		"undefined",
      .device = VIRTIO_ID_BLOCK, .run = lifetime);
