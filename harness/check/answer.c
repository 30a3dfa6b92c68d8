// SPDX-License-Identifier: BSD-3-Clause
/* Answers, whatever the device's type: each to the request whose buffers it is in, and as long as is said. */
#include "harness/check/split_kit.h"

#define OWN	     "ROB.answer.own"
#define COMPLETE_LEN "ROB.used.complete-len"

#define HERD 16

struct taken {
	u8 *buf;
	u32 len;
};

/* A herd at once, and all of it back. */
static bool serve(struct ck *c, const struct sk_herd *h, struct taken *t)
{
	struct ck_used u;

	for (u32 i = 0; i < h->count; i++)
		if (!sk_herd_add(c, 0, h, i))
			return false;
	if (!ck_publish(c, 0))
		return false;
	for (u32 i = 0; i < h->count; i++) {
		if (!ck_reap_of(c, 0, h->bufs.hva, h->stride, h->count, &u))
			return false;
		t[i] = (struct taken){ u.token, u.len };
	}
	return true;
}

static bool start(struct ck *c, struct sk_herd *h)
{
	if (!ck_start(c, ck_ring_features()))
		return false;
	return sk_herd_make(c, h, sk_room_for(c, HERD), false);
}

static void own(struct ck *c)
{
	struct taken t[HERD];
	struct sk_herd h;

	if (!start(c, &h))
		return;
	for (unsigned round = 0; round < 20; round++) {
		if (!serve(c, &h, t))
			return;
		for (u32 i = 0; i < h.count; i++) {
			if (vehicle_answered(h.v, t[i].buf, t[i].buf + h.writable))
				continue;
			ck_fail(c, OWN, "an answer to each request", "round %u, %s %u: none", round,
				h.v->name, i);
			return;
		}
	}
}

CHECK(own, .id = "basic.answer.own", .clauses = { OWN },
      .stimulus =
	      "320 harmless requests of the device's type, 16 at a time, which can be told apart "
	      "where the type has means for that",
      .oracle = "each comes back with an answer, to it and no other", .vehicle = true, .run = own);

/* Writable bytes up to the last one that is not as it was. */
static u32 written(const struct sk_herd *h, const u8 *buf)
{
	u32 n = h->v->writable;

	while (n && buf[h->writable + n - 1] == VEHICLE_UNSET)
		n--;
	return n;
}

static void length(struct ck *c)
{
	struct taken t[HERD];
	struct sk_herd h;

	if (!start(c, &h) || !serve(c, &h, t))
		return;
	for (u32 i = 0; i < h.count; i++) {
		const u8 *answer = t[i].buf + h.writable;
		const u32 n = written(&h, t[i].buf);
		u32 right;

		if (!vehicle_answered(h.v, t[i].buf, answer)) {
			ck_error(c, "%s %u has no answer", h.v->name, i);
			return;
		}
		right = vehicle_length(h.v, answer);
		/* What was there before may be what was written: nobody is accused for that. */
		if (t[i].len > MAX(n, right)) {
			ck_fail(c, C_USED_LEN, "at most the bytes the device wrote",
				"%s %u: used len %u, but only %u bytes were written", h.v->name, i,
				t[i].len, n);
			return;
		}
		if (t[i].len < right) {
			ck_hazard(c, COMPLETE_LEN, "all bytes of the answer",
				  "%s %u: used len %u, the answer has %u bytes", h.v->name, i,
				  t[i].len, right);
			return;
		}
	}
}

CHECK_OF(length, NULL, CHECK_RING_SPLIT, .id = "split.used-len.answer",
	 .clauses = { C_USED_LEN, COMPLETE_LEN },
	 .stimulus = "16 harmless requests of the device's type over marked buffers",
	 .oracle = "used len is the length of the answer: not more than was written, not less",
	 .vehicle = true, .run = length);
CHECK_PACKED(packed_length, .id = "packed.used-len.answer",
	     .clauses = { "ROB.packed.used-len", COMPLETE_LEN },
	     .stimulus = "16 harmless requests of the device's type over marked buffers",
	     .oracle = "used len is the length of the answer: not more than was written, not less",
	     .vehicle = true, .run = length);
