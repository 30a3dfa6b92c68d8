// SPDX-License-Identifier: BSD-3-Clause
/* Feature bits (2.2, 6): what is accepted, and that it then works. */
#include "harness/check/blk_io.h"

#define SUBSET	   "v14.basic.feature-bits.dev.2"
#define REFUSAL	   "v14.basic.feature-bits.dev.3"
#define HONOUR	   "v14.basic.feature-bits.dev.4"
#define AGAIN	   "v14.basic.feature-bits.dev.5"
#define NO_VERSION "v14.reserved-features.bits.dev.2"

#ifndef VIRTIO_F_ORDER_PLATFORM
#define VIRTIO_F_ORDER_PLATFORM 36
#endif

/* --- subsets ------------------------------------------------------------------------------------- */

/*
 * Bits that this harness can accept and drive a split ring with. Left out: what changes the ring or
 * the notifications (34, 38, 39, 40, 41), what belongs to an IOMMU (33), and legacy bits. Always in:
 * what a device may insist on (32, 36).
 */
static u64 optional_bits(const struct ck *c)
{
	static const u8 bits[] = { 1, 2, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 28, 29 };
	u64 set = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
		set |= BIT_ULL(bits[i]) & c->offered;
	return set;
}

static u64 demanded_bits(const struct ck *c)
{
	return (ck_demanded(c) | BIT_ULL(VIRTIO_F_ORDER_PLATFORM)) & c->offered;
}

/* A new session (or the one that is open) that accepts `features`. */
static bool accepted(struct ck *c, bool open, u64 features, const char *clause)
{
	int rc;

	if (open && !ck_open(c))
		return false;
	rc = c->tp->ops->set_features(c->tp, features);
	if (rc == TP_EREFUSED || rc == TP_EGONE)
		return ck_fail(c, clause, "accepted", "features 0x%llx: %s",
			       (unsigned long long)features, c->tp->error);
	if (!ck_must(c, rc, "negotiating features"))
		return false;
	c->features = features;
	return true;
}

static void subsets(struct ck *c)
{
	u64 optional = optional_bits(c), demanded = demanded_bits(c);

	if (!accepted(c, false, demanded, SUBSET) ||
	    !accepted(c, true, demanded | optional, SUBSET))
		return;
	for (unsigned i = 0; i < 32; i++) {
		u64 random = (u64)ck_random(c) << 32 | ck_random(c);

		if (!accepted(c, true, demanded | (optional & random), SUBSET))
			return;
	}
}

CHECK(subsets, .id = "basic.features.subsets", .clauses = { SUBSET },
      .stimulus =
	      "the smallest set, the largest one and 32 random sets between them, each in a new "
	      "session",
      .oracle = "each is accepted", .device = VIRTIO_ID_BLOCK, .run = subsets);

/* Write, read, compare, with notifications: what every feature set must be able to do. */
static bool works(struct ck *c, unsigned bit)
{
	struct blk_req out, in;
	struct ckb_result res;
	u32 at;

	if (!ck_queue_start(c, 0, NULL) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") ||
	    !ckb_make(c, &out, VIRTIO_BLK_T_OUT, 0, VIRTIO_BLK_SECTOR) ||
	    !ckb_make(c, &in, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR))
		return false;
	ck_fill(out.data.hva, out.data.len, bit);
	if (!ckb_do_or_fail(c, 0, &out, BLK_LAYOUT_USUAL, &res, HONOUR))
		return false;
	if (res.status != VIRTIO_BLK_S_OK)
		return ck_fail(c, HONOUR, "a device that works", "with bit %u: OUT has status %u",
			       bit, res.status);
	if (!(ck_has(c, VIRTIO_RING_F_INDIRECT_DESC)
		      ? ckb_add_indirect(c, 0, &in, BLK_LAYOUT_USUAL) >= 0
		      : ckb_add(c, 0, &in, BLK_LAYOUT_USUAL) >= 0) ||
	    !ck_publish(c, 0))
		return false;
	if (!ck_wait_used(c, 0, ck_added(c, 0)))
		return ck_fail(c, HONOUR, "a device that works", "with bit %u: IN is not used",
			       bit);
	if (blk_status(&in) != VIRTIO_BLK_S_OK)
		return ck_fail(c, HONOUR, "a device that works", "with bit %u: IN has status %u",
			       bit, blk_status(&in));
	at = ck_differs(in.data.hva, in.data.len, bit);
	return at == in.data.len || ck_fail(c, HONOUR, "a device that works",
					    "with bit %u: byte %u read is wrong", bit, at);
}

/* Without any first: what does not work then is no matter of a feature. */
static void each(struct ck *c)
{
	u64 optional = optional_bits(c), demanded = demanded_bits(c);

	if (!ck_must(c, c->tp->ops->set_features(c->tp, demanded), "negotiating features") ||
	    !ck_queue_start(c, 0, NULL) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") ||
	    !ckb_write_fill(c, 0, 0, 1, 99))
		return;
	for (unsigned bit = 0; bit < 64; bit++)
		if (optional & BIT_ULL(bit) &&
		    (!accepted(c, true, demanded | BIT_ULL(bit), SUBSET) || !works(c, bit)))
			return;
}

CHECK(each, .id = "basic.features.each", .clauses = { HONOUR, SUBSET },
      .stimulus = "each bit that is offered alone, in a new session: one sector written and read "
		  "back, indirect where that is the bit",
      .oracle = "accepted, and the data is right", .device = VIRTIO_ID_BLOCK,
      .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = each);

static void again(struct ck *c)
{
	u64 features = demanded_bits(c) | optional_bits(c);

	if (!ck_must(c, c->tp->ops->set_features(c->tp, features), "negotiating features"))
		return;
	for (unsigned i = 0; i < 10; i++)
		if (!accepted(c, true, features, AGAIN))
			return;
	if (!(c->tp->caps & TP_CAP_RESET))
		return;
	for (unsigned i = 0; i < 10; i++)
		if (!ck_must(c, c->tp->ops->set_status(c->tp, 0), "resetting") ||
		    !accepted(c, false, features, AGAIN))
			return;
}

CHECK(again, .id = "basic.features.again", .clauses = { AGAIN },
      .stimulus = "the same features ten times in new sessions, and ten times after a reset where "
		  "the device has a status",
      .oracle = "accepted each time, as the first time", .device = VIRTIO_ID_BLOCK, .run = again);

/* --- refusals -------------------------------------------------------------------------------------- */

/*
 * Whether a bit that was not offered is refused, no sentence says to the device; but who refuses
 * must not say FEATURES_OK.
 */
static bool refusal(struct ck *c, u64 features)
{
	const u8 features_ok =
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK;
	const struct tp_ops *ops = c->tp->ops;
	int rc = ops->set_features(c->tp, features);
	u8 status;

	if (rc == TP_OK)
		return ck_info(c, REFUSAL, "features 0x%llx, with bits not offered, are accepted",
			       (unsigned long long)features);
	if (rc != TP_EREFUSED && rc != TP_EGONE)
		return ck_must(c, rc, "negotiating features");
	ck_log(c, "  %s", c->tp->error);
	if (rc == TP_EGONE || !(c->tp->caps & TP_CAP_STATUS))
		return true;
	/* It said no: saying FEATURES_OK all the same must not stick. */
	rc = ops->set_status(c->tp, features_ok);
	if (rc == TP_EREFUSED || rc == TP_EGONE)
		return true;
	if (!ck_must(c, rc, "setting the status") ||
	    !ck_must(c, ops->get_status(c->tp, &status), "reading the status"))
		return false;
	return !(status & VIRTIO_CONFIG_S_FEATURES_OK) ||
	       ck_fail(c, REFUSAL, "FEATURES_OK reads 0",
		       "features 0x%llx were refused and the status is 0x%02x",
		       (unsigned long long)features, status);
}

static void unoffered(struct ck *c)
{
	u64 free_bits = ~c->offered & ~(BIT_ULL(26) | BIT_ULL(30));
	u64 some = demanded_bits(c) | optional_bits(c);

	if (!free_bits) {
		ck_skip(c, "there is no feature bit that is not offered");
		return;
	}
	/* The lowest and the highest that is free, then all. */
	if (refusal(c, some | (free_bits & -free_bits)) && ck_open(c) &&
	    refusal(c, some | BIT_ULL(63 - __builtin_clzll(free_bits))) && ck_open(c))
		refusal(c, ~(BIT_ULL(26) | BIT_ULL(30)));
}

CHECK(unoffered, .id = "basic.features.unoffered", .clauses = { REFUSAL, "VU.status.set.be.2" },
      .stimulus = "features with one bit that was not offered, and all bits there are",
      .oracle = "refused, and FEATURES_OK reads 0 then; acceptance is noted",
      .device = VIRTIO_ID_BLOCK, .run = unoffered);

static void no_version_1(struct ck *c)
{
	u64 features = optional_bits(c);
	int rc = c->tp->ops->set_features(c->tp, features);

	ck_log(c, "  %s", rc == TP_OK ? "accepted" : c->tp->error);
	if (rc == TP_ETIMEOUT) {
		ck_fail(c, "ROB.live.no-hang", "accepted, refused or a closed connection", "%s",
			c->tp->error);
		return;
	}
	ckb_alive_after_reopen(c, "ROB.live.new-session");
}

CHECK(no_version_1, .id = "basic.features.no-version-1",
      .clauses = { NO_VERSION, "ROB.live.new-session", "ROB.live.no-hang" },
      .stimulus = "features without VIRTIO_F_VERSION_1",
      .oracle = "accepted or refused, and the next session is served", .device = VIRTIO_ID_BLOCK,
      .features = BIT_ULL(VIRTIO_F_VERSION_1), .run = no_version_1);
