/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which feature bits the specification gives a device type, and which of them need others: the "Feature
 * bits" and "Feature bit requirements" of chapter 5 as tables.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_FEATURE_RULES_H
#define HARNESS_CHECK_FEATURE_RULES_H

#include "harness/spec/types.h"

/* 2.2: a device type's bits go up to 127. */
#define FEATURE_WORDS 4

struct feature_set {
	u32 word[FEATURE_WORDS];
};

static inline bool feature_in(const struct feature_set *s, unsigned bit)
{
	return bit < 32 * FEATURE_WORDS && s->word[bit / 32] >> bit % 32 & 1;
}

/* `bit` needs each of `all`, and one of `any` when there are any. */
struct feature_need {
	const char *name, *needs; /* in words */
	u8 bit;
	u8 all_count, any_count;
	u8 all[4], any[2];
};

struct feature_rules {
	u32 device; /* VIRTIO_ID_* */
	const char *name;
	const u8 *bits; /* that are defined, transitional ones too */
	unsigned bit_count;
	const struct feature_need *needs;
	unsigned need_count;
};

/* NULL for a type that the specification does not describe. */
const struct feature_rules *feature_rules_of(u32 device);

/* Bits of extensions of queues and feature negotiation, the same for all types (2.2, 6). */
bool feature_is_general(unsigned bit);

/* Does something define this bit for the type? */
bool feature_is_defined(const struct feature_rules *r, unsigned bit);

/* The first requirement that these bits leave open, or NULL. */
const struct feature_need *feature_unmet(const struct feature_rules *r,
					 const struct feature_set *s);

#endif
