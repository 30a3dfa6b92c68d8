// SPDX-License-Identifier: BSD-3-Clause
/* I2C adapter: requests in other pieces, to addresses that are none, and that are no requests. */
#include <string.h>

#include "harness/check/i2c_kit.h"

#define FRAMING	 "v14.split-ring.message-framing.dev.1"
#define HARDWARE IK_OP(3)
#define PIECES	 6

/* A request's bytes: `out` of them the driver's, `in` the device's, and where each piece ends. */
struct shape {
	u32 out, in;
	u8 ends[PIECES]; /* in ascending order; what is behind the last is one piece more */
};

struct raw {
	struct tp_buf area;
	u32 used_len;
};

/* Cut and published; waits for it. 1 it is back, 0 it does not come, -1 it is over. */
static int put(struct ck *c, struct ik *k, struct raw *r, const struct shape *s)
{
	struct vq_sg sg[2 * PIECES];
	unsigned n_out = 0, n = 0;
	u32 at = 0;
	struct ck_used u;

	for (unsigned i = 0; at < s->out + s->in; i++) {
		u32 end = i < PIECES && s->ends[i] ? s->ends[i] : s->out + s->in;

		/* What the driver has and what the device has are never in one piece. */
		if (at < s->out && end > s->out)
			end = s->out;
		if (end <= at)
			end = s->out + s->in;
		sg[n++] = (struct vq_sg){ gpa_add(r->area.gpa, at), end - at };
		n_out += at < s->out;
		at = end;
	}
	if (!ik_add(c, k, 0, sg, n_out, n - n_out, n > vq_size(&c->q[0].vq), r) ||
	    !ck_publish(c, 0))
		return -1;
	if (!ck_reap(c, 0, &u))
		return 0;
	r->used_len = u.len;
	return 1;
}

static void header(u8 *at, u16 addr, u32 flags)
{
	const struct virtio_i2c_out_hdr hdr = { .addr = le16(addr), .flags = le32(flags) };

	memcpy(at, &hdr, sizeof(hdr));
}

static bool raw_up(struct ck *c, struct ik *k, struct raw *r)
{
	return ik_up(c, k) && ck_alloc(c, 4096, 64, &r->area);
}

/* --- pieces ---------------------------------------------------------------------------------------------- */

static const struct shape cuts[] = {
	{ I2C_HEADER, 5, { 12 } },	    { I2C_HEADER, 5, { 3, 12 } },
	{ I2C_HEADER, 5, { 0 } },	    { I2C_HEADER, 5, { 8, 9, 10, 12 } },
	{ I2C_HEADER, 5, { 1, 2, 9, 11 } },
};

static void framing(struct ck *c)
{
	struct raw r;
	struct ik k;

	if (!raw_up(c, &k, &r))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		const u32 last = cuts[i].out + cuts[i].in - 1;
		int rc;

		memset(r.area.hva, IK_UNSET, 64);
		header(r.area.hva, i2c_addr_field(k.chip), (u32)VIRTIO_I2C_FLAGS_M_RD);
		rc = put(c, &k, &r, &cuts[i]);
		if (rc < 0)
			return;
		if (!rc) {
			ck_fail(c, FRAMING, "the same answer however it is cut",
				"a read of 4 bytes, cut number %zu, does not come back", i);
			return;
		}
		if (r.area.hva[last] != VIRTIO_I2C_MSG_OK) {
			ck_fail(c, FRAMING, "the same answer however it is cut",
				"a read of 4 bytes, cut number %zu, has status 0x%02x", i,
				r.area.hva[last]);
			return;
		}
	}
}

CHECK(framing, .id = "i2c.read.framing", .clauses = { FRAMING, "ROB.packed.framing" },
      .stimulus =
	      "a read of 4 bytes, cut between header, bytes and status, within them, and nowhere",
      .oracle = "its status is 0 each time", .device = VIRTIO_ID_I2C_ADAPTER, .run = framing);

/* --- addresses --------------------------------------------------------------------------------------------- */

static void addresses(struct ck *c)
{
	static const struct shape one = { I2C_HEADER, 2, { I2C_HEADER, 9 } };
	struct raw r;
	struct ik k;

	if (!raw_up(c, &k, &r))
		return;
	for (unsigned i = 0; i < 3; i++) {
		const u16 field = i2c_addr_field(k.chip);
		const u16 bad[] = { field | 1, field | 0x100, field | 0x8000 };

		memset(r.area.hva, IK_UNSET, 64);
		header(r.area.hva, bad[i], (u32)VIRTIO_I2C_FLAGS_M_RD);
		if (put(c, &k, &r, &one) <= 0) {
			ck_error(c, "a read with address field 0x%04x does not come back", bad[i]);
			return;
		}
		ck_log(c, "  address field 0x%04x: status %u", bad[i], r.area.hva[9]);
		/* No sentence says what to do with it. */
		if (r.area.hva[9] == VIRTIO_I2C_MSG_OK)
			ck_info(c, HARDWARE,
				"an address field of 0x%04x, which is no address, is taken for that "
				"of the chip at 0x%02x",
				bad[i], k.chip);
	}
}

CHECK(addresses, .id = "i2c.bus.no-address", .clauses = { HARDWARE },
      .stimulus = "reads with an address field that is neither one of 7 nor of 10 bits",
      .oracle = "they fail", .device = VIRTIO_ID_I2C_ADAPTER, .run = addresses);

/* --- what is no request -------------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	struct shape shape;
	u32 flags;
} hostile[] = {
	{ "a header of 7 bytes", { 7, 1, { 7 } }, 0 },
	{ "no header", { 0, 4, { 0 } }, 0 },
	{ "no status", { I2C_HEADER, 0, { 0 } }, 0 },
	{ "a write without a status", { I2C_HEADER + 4, 0, { I2C_HEADER } }, 0 },
	{ "a read with bytes to write", { I2C_HEADER + 4, 5, { I2C_HEADER, 12 } }, 2 },
	{ "a write with a buffer to read to", { I2C_HEADER, 5, { I2C_HEADER, 12 } }, 0 },
	{ "a write with buffers both ways", { I2C_HEADER + 4, 5, { I2C_HEADER, 12, 16 } }, 0 },
	{ "reserved flags", { I2C_HEADER, 2, { I2C_HEADER, 9 } }, 0xfffffffe },
	{ "a read of 3 KiB", { I2C_HEADER, 3072, { I2C_HEADER } }, 2 },
	{ "a write of 3 KiB", { 3072, 1, { I2C_HEADER } }, 0 },
	{ "a group that has no end", { I2C_HEADER, 1, { I2C_HEADER } }, 1 },
};

static void bad_requests(struct ck *c)
{
	struct raw r;
	struct ik k;

	if (!raw_up(c, &k, &r))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		const u8 addr = i & 1 ? k.chip : k.absent;
		struct ck_used u;
		int rc;

		ck_log(c, "  %s:", hostile[i].what);
		memset(r.area.hva, 0, r.area.len);
		header(r.area.hva, i2c_addr_field(addr), hostile[i].flags);
		rc = put(c, &k, &r, &hostile[i].shape);
		if (rc < 0)
			return;
		/* One that it says is in error is set up again. */
		if (c->tp->ops->queue_error && c->tp->ops->queue_error(c->tp, 0)) {
			if (!ck_open(c) || !raw_up(c, &k, &r))
				return;
			continue;
		}
		/* The end of that group, which may be failed for what was in front of it. */
		if (hostile[i].flags & 1) {
			header(r.area.hva, i2c_addr_field(k.chip), 0);
			if (put(c, &k, &r, &hostile[i].shape) < 0)
				return;
		}
		if (!ik_alive(c, &k, IK_ALIVE, hostile[i].what))
			return;
		/* It comes late, or never did. */
		if (!rc && vq_used_pending(&c->q[0].vq))
			ck_reap(c, 0, &u);
	}
}

CHECK(bad_requests, .id = "i2c.hostile.requests", .clauses = { IK_ALIVE },
      .stimulus =
	      "requests without header or status, with buffers both ways, large ones, and groups "
	      "without an end; after each a good read",
      .oracle = "that is served", .device = VIRTIO_ID_I2C_ADAPTER, .disturbs = true,
      .run = bad_requests);
