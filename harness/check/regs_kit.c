// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/regs_kit.h"

#include <string.h>

#include "harness/check/blk_io.h"
#include "harness/device/rng.h"

#define RNG_BYTES   64
#define LARGE_BYTES 65536

bool rk_set_status(struct ck *c, u8 status)
{
	struct regs *r = rk_regs(c);

	return ck_must(c, r->reg->set_status(r, status), "writing the status");
}

bool rk_status(struct ck *c, u8 *status)
{
	struct regs *r = rk_regs(c);

	return ck_must(c, r->reg->get_status(r, status), "reading the status");
}

bool rk_wait_reset(struct ck *c, u8 *status)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);

	do {
		if (!rk_status(c, status))
			return false;
		if (*status == 0)
			return true;
		c->tp->ops->relax(c->tp);
	} while (!tp_late(c->tp, deadline));
	return true;
}

bool rk_enabled(struct ck *c, unsigned q, u32 *value)
{
	struct regs *r = rk_regs(c);

	return ck_must(c, r->reg->queue_enabled(r, q, value), "reading whether a queue is enabled");
}

bool rk_go_to(struct ck *c, u8 status)
{
	struct regs *r = rk_regs(c);
	static const u8 steps[] = { RK_ACK, RK_DRIVER, RK_FEATURES_OK, RK_DRIVER_OK };
	/* What a device may insist on (6.2), and what adds a state. */
	const u64 features = ck_demanded(c) | (c->offered & (BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) |
							     BIT_ULL(VIRTIO_F_ORDER_PLATFORM) |
							     BIT_ULL(VIRTIO_F_SUSPEND)));
	u8 now;

	if (!rk_set_status(c, 0) || !rk_wait_reset(c, &now))
		return false;
	if (now)
		return ck_error(c, "the status is 0x%02x after a reset", now);
	for (unsigned i = 0; i < ARRAY_SIZE(steps) && (status & steps[i]) == steps[i]; i++) {
		if (!rk_set_status(c, steps[i]))
			return false;
		/* 3.1.1: the driver's features are written once it has said that it is there. */
		if (steps[i] == RK_DRIVER &&
		    (!ck_must(c, r->reg->set_features(r, 0, (u32)features), "accepting features") ||
		     !ck_must(c, r->reg->set_features(r, 1, (u32)(features >> 32)),
			      "accepting features")))
			return false;
	}
	return true;
}

bool rk_can_work(struct ck *c)
{
	return rk_knows_work(c) ||
	       ck_skip(c, "needs a request that the device serves, and we know none for this type");
}

bool rk_offer(struct ck *c)
{
	struct tp_buf data;

	return rk_offer_in(c, &data);
}

static bool offer(struct ck *c, u32 blk_bytes, u32 rng_bytes, struct tp_buf *data)
{
	struct vq *vq = &c->q[0].vq;

	if (c->device == VIRTIO_ID_BLOCK) {
		struct blk_req r;

		if (!ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, blk_bytes) ||
		    ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0)
			return false;
		*data = r.data;
	} else {
		struct rng_req r = { .parts = 1 };
		struct vq_sg sg[RNG_PARTS];

		if (!ck_alloc(c, rng_bytes, 16, &r.buf))
			return false;
		if (vq_add(vq, sg, 0, rng_prepare(&r, sg), vq) < 0)
			return ck_error(c, "the queue is full");
		*data = r.buf;
	}
	vq_publish(vq);
	return true;
}

bool rk_offer_in(struct ck *c, struct tp_buf *data)
{
	return offer(c, VIRTIO_BLK_SECTOR, RNG_BYTES, data);
}

bool rk_offer_large(struct ck *c)
{
	struct tp_buf data;

	return offer(c, LARGE_BYTES, LARGE_BYTES, &data);
}

/* FNV-1a, word by word. */
u64 rk_digest(const struct ck *c)
{
	u64 h = 0xcbf29ce484222325ull;

	for (unsigned m = 0; m < c->tp->mem_count; m++) {
		for (u64 i = 0; i + 8 <= ALIGN_UP((u64)c->mem_used[m], 8); i += 8) {
			u64 v;

			memcpy(&v, c->tp->mem[m].hva + i, sizeof(v));
			h = (h ^ v) * 0x100000001b3ull;
		}
	}
	return h;
}

bool rk_served(struct ck *c)
{
	struct vq *vq = &c->q[0].vq;
	struct ck_used u;

	if (!ck_wait_used(c, 0, vq_added(vq)))
		return false;
	while (vq_used_pending(vq) && ck_reap(c, 0, &u) && u.head >= 0)
		;
	return true;
}

static bool offer_and_notify(struct ck *c)
{
	return rk_offer(c) && ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying");
}

bool rk_work(struct ck *c)
{
	if (!offer_and_notify(c))
		return false;
	return rk_served(c) ||
	       ck_error(c, "a request is not served within %u ms", c->tp->timeout_ms);
}

bool rk_work_or_fail(struct ck *c, const char *clause, const char *when)
{
	if (!offer_and_notify(c))
		return false;
	return rk_served(c) ||
	       ck_fail(c, clause, "a request is served", "%s, one is not served within %u ms", when,
		       c->tp->timeout_ms);
}

bool rk_break(struct ck *c)
{
	/*
	 * Long enough for who looks at the queue when it is notified. Nobody has to, and who is asked for the
	 * status all the time is never idle.
	 */
	const unsigned ms = c->tp->timeout_ms / 4;
	u64 deadline = tp_deadline(c->tp, ms);
	u8 status;

	ck_break_ring(c, 0);
	if (!ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
		return false;
	do {
		if (!rk_status(c, &status))
			return false;
		if (status & VIRTIO_CONFIG_S_NEEDS_RESET)
			return true;
		c->tp->ops->relax(c->tp);
	} while (!tp_waited(c->tp, deadline, ms));
	return ck_skip(c, "the device does not set DEVICE_NEEDS_RESET for a ring that makes no "
			  "sense");
}
