// SPDX-License-Identifier: BSD-3-Clause
/* Which feature bits are offered (2.2, 6). */
#include "harness/check/check.h"
#include "harness/check/feature_rules.h"
#include "harness/transport/regs/regs.h"

#define CLOSED	  "v14.basic.feature-bits.dev.1"
#define HONOUR	  "v14.basic.feature-bits.dev.4"
#define WCE_FLUSH "v14.blk.init.dev.2"
#define VERSION_1 "v14.reserved-features.bits.dev.1"
#define SR_IOV	  "v14.reserved-features.bits.dev.10"

#define REGISTERS (TP_CAP_MMIO | TP_CAP_PCI)

static void version_1(struct ck *c)
{
	if (!(c->offered & BIT_ULL(VIRTIO_F_VERSION_1)))
		ck_fail(c, VERSION_1, "VIRTIO_F_VERSION_1 (32) is offered", "features are 0x%llx",
			(unsigned long long)c->offered);
}

CHECK(version_1, .id = "basic.features.version-1", .clauses = { VERSION_1 },
      .stimulus = "read the features", .oracle = "VIRTIO_F_VERSION_1 (32) is offered",
      .run = version_1);

/* All bits that are defined; vhost-user carries the first 64. */
static bool read_offer(struct ck *c, struct feature_set *s)
{
	struct regs *r = regs_from_tp(c->tp);

	*s = (struct feature_set){ { (u32)c->offered, (u32)(c->offered >> 32) } };
	for (u32 w = 2; c->tp->caps & REGISTERS && w < FEATURE_WORDS; w++)
		if (!ck_must(c, r->reg->get_features(r, w, &s->word[w]), "reading the features"))
			return false;
	return true;
}

static const struct feature_rules *rules(struct ck *c)
{
	const struct feature_rules *r = feature_rules_of(c->device);

	if (!r)
		ck_skip(c, "the specification does not say which bits device type %u has",
			c->device);
	return r;
}

/* Bits that vhost-user itself uses (26, 30) do not come through here. */
static bool is_defined(struct ck *c, const struct feature_rules *r, unsigned bit)
{
	/* 4.2.5: not over MMIO. Network devices have legacy bits in that place. */
	if (bit == VIRTIO_F_ADMIN_VQ && c->tp->caps & TP_CAP_MMIO && r->device != VIRTIO_ID_NET)
		return false;
	return feature_is_defined(r, bit);
}

static void defined(struct ck *c)
{
	const struct feature_rules *r = rules(c);
	struct feature_set s;

	if (!r || !read_offer(c, &s))
		return;
	for (unsigned bit = 0; bit < 32 * FEATURE_WORDS; bit++) {
		if (!feature_in(&s, bit) || is_defined(c, r, bit))
			continue;
		ck_fail(c, HONOUR, "no bit that nothing defines for this type and transport",
			"features 0x%08x%08x%08x%08x of a device of type %s contain bit %u",
			s.word[3], s.word[2], s.word[1], s.word[0], r->name, bit);
		return;
	}
}

CHECK(defined, .id = "basic.features.defined", .clauses = { HONOUR },
      .stimulus = "read the features, with registers up to bit 127",
      .oracle = "every bit is defined, for the device type or for all", .run = defined);

/* The block device's requirement stands in a sentence of its own as well. */
static void dependencies(struct ck *c)
{
	const struct feature_rules *r = rules(c);
	const struct feature_need *unmet;
	struct feature_set s;

	if (!r || !read_offer(c, &s))
		return;
	/* Where bits beyond 63 make no sense at all, that is said by basic.features.defined. */
	for (unsigned bit = 64; bit < 32 * FEATURE_WORDS; bit++)
		if (feature_in(&s, bit) && !is_defined(c, r, bit))
			s.word[2] = s.word[3] = 0;
	ck_log(c, "  type %s: %u requirements", r->name, r->need_count);
	unmet = feature_unmet(r, &s);
	if (unmet)
		ck_fail(c, CLOSED, "what an offered feature requires is offered, too",
			"%s is offered without %s", unmet->name, unmet->needs);
}

CHECK(dependencies, .id = "basic.features.dependencies", .clauses = { CLOSED, WCE_FLUSH },
      .stimulus = "read the features, with registers up to bit 127",
      .oracle = "the feature bit requirements of the device type are met", .run = dependencies);

/* A PCI function that has the capability: that is not looked for, since it is beyond byte 255. */
static void sr_iov(struct ck *c)
{
	if (!(c->offered & BIT_ULL(VIRTIO_F_SR_IOV)))
		return;
	if (c->tp->caps & TP_CAP_PCI) {
		ck_skip(c, "it is offered; whether the function has an SR-IOV capability is beyond "
			   "the first 256 bytes of its configuration space");
		return;
	}
	ck_fail(c, SR_IOV, "SR_IOV (37) is left to PCI devices that have the capability",
		"features are 0x%llx", (unsigned long long)c->offered);
}

CHECK(sr_iov, .id = "basic.features.sr-iov", .clauses = { SR_IOV }, .stimulus = "read the features",
      .oracle = "VIRTIO_F_SR_IOV (37) is not offered", .run = sr_iov);
