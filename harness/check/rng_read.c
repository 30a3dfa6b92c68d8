// SPDX-License-Identifier: BSD-3-Clause
/* Entropy device: buffers that come back filled (5.4.6.2). */
#include <string.h>

#include "harness/check/check.h"
#include "harness/device/rng.h"

#define ONE_BYTE "v14.entropy.operation.dev.1"
#define SHORTER	 "v14.entropy.operation.dev.2"
#define USED_LEN "v14.split-ring.used-ring.dev.2"
#define GUARD	 64

/* A buffer of `len` bytes with RNG_UNSET before and behind it, submitted and waited for. */
static bool ask(struct ck *c, struct rng_req *r, u32 len, unsigned parts, struct ck_used *u)
{
	struct vq_sg sg[RNG_PARTS];
	struct tp_buf area;
	unsigned n;

	if (!ck_alloc(c, len + 2 * GUARD, 16, &area))
		return false;
	memset(area.hva, RNG_UNSET, area.len);
	*r = (struct rng_req){
		.buf = { area.hva + GUARD, gpa_add(area.gpa, GUARD), len },
		.parts = MIN(parts, c->q[0].layout.size),
	};
	n = rng_prepare(r, sg);
	if (vq_add(&c->q[0].vq, sg, 0, n, r) < 0)
		return ck_error(c, "the queue is full");
	if (!ck_publish(c, 0))
		return false;
	/* How long it takes to have entropy is the device's affair (5.4.6): a set-up, not a failure. */
	if (!ck_reap(c, 0, u))
		return ck_error(c, "a buffer of %u bytes does not come back within %u ms", len,
				c->tp->timeout_ms);
	if (ck_not_value(area.hva, GUARD, RNG_UNSET) < GUARD ||
	    ck_not_value(area.hva + GUARD + len, GUARD, RNG_UNSET) < GUARD)
		return ck_error(c, "bytes outside of the buffer were written");
	return true;
}

static const struct {
	u32 len;
	unsigned parts;
} shapes[] = {
	{ 1, 1 },   { 2, 2 },	 { 16, 1 },    { 64, 4 },
	{ 333, 3 }, { 4096, 1 }, { 4096, 16 }, { 65536, 2 },
};

static void something(struct ck *c)
{
	if (!ck_start(c, ck_ring_features()))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct ck_used u;
		struct rng_req r;

		if (!ask(c, &r, shapes[i].len, shapes[i].parts, &u))
			return;
		if (u.len == 0) {
			ck_fail(c, ONE_BYTE, "at least one byte",
				"a buffer of %u bytes in %u "
				"descriptors came back with length 0",
				shapes[i].len, shapes[i].parts);
			return;
		}
		/* A real random tail looks untouched once in 256 times for each byte of it. */
		if (u.len >= 16 && rng_untouched(&r) == shapes[i].len) {
			ck_fail(c, ONE_BYTE, "random bytes",
				"a buffer of %u bytes came back with length %u, and nothing in it",
				shapes[i].len, u.len);
			return;
		}
	}
}

CHECK(something, .id = "rng.read.something", .clauses = { ONE_BYTE },
      .stimulus = "buffers of 1 to 65536 bytes, in 1 to 16 descriptors",
      .oracle = "each comes back with a length of at least 1, and with bytes in it",
      .device = VIRTIO_ID_RNG, .run = something);

static void fresh(struct ck *c)
{
	struct rng_req first, second;
	struct ck_used u, v;
	u32 len;

	if (!ck_start(c, ck_ring_features()) || !ask(c, &first, 64, 1, &u) ||
	    !ask(c, &second, 64, 1, &v))
		return;
	len = MIN(MIN(u.len, v.len), 64u);
	if (len < 8) {
		ck_skip(c, "too few bytes to compare: %u", len);
		return;
	}
	if (memcmp(first.buf.hva, second.buf.hva, len) == 0)
		ck_fail(c, ONE_BYTE, "random bytes", "two buffers came back with the same %u bytes",
			len);
	else if (ck_not_value(first.buf.hva, len, first.buf.hva[0]) == len)
		ck_fail(c, ONE_BYTE, "random bytes", "all %u bytes are 0x%02x", len,
			first.buf.hva[0]);
}

CHECK(fresh, .id = "rng.read.fresh", .clauses = { ONE_BYTE }, .stimulus = "two buffers of 64 bytes",
      .oracle = "they differ, and neither is one byte over and over", .device = VIRTIO_ID_RNG,
      .run = fresh);

static void used_len(struct ck *c)
{
	if (!ck_start(c, ck_ring_features()))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++) {
		const u32 len = shapes[i].len;
		struct ck_used u;
		struct rng_req r;

		if (!ask(c, &r, len, shapes[i].parts, &u))
			return;
		if (u.len > len) {
			ck_fail(c, USED_LEN, "at most the size of the buffer",
				"a buffer of %u bytes came back with length %u", len, u.len);
			return;
		}
		/* 16 random bytes that all happen to be RNG_UNSET: never. */
		if (u.len >= 16 && rng_untouched(&r) > len - u.len + 8) {
			ck_fail(c, USED_LEN, "as many bytes written as said",
				"length %u, and the last %u of %u bytes are untouched", u.len,
				rng_untouched(&r), len);
			return;
		}
		/* The other way round it is no lie by the letter; a driver throws those bytes away. */
		if (rng_untouched(&r) < len - u.len)
			ck_log(c, "  more is written than length %u says", u.len);
	}
}

CHECK(used_len, .id = "rng.read.used-len", .clauses = { USED_LEN, "ROB.packed.used-len", SHORTER },
      .stimulus = "buffers of 1 to 65536 bytes, in 1 to 16 descriptors, filled with 0xa5",
      .oracle = "the used length is at most the buffer's, and the bytes it covers are written",
      .device = VIRTIO_ID_RNG, .run = used_len);
