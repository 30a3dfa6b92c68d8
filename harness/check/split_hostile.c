// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/split_kit.h"

/* How often a device that does not answer is asked whether it is in error: at first, and later. */
#define PROBE_NS     1000000
#define PROBE_MAX_NS 16000000

/* What is in the buffer of a good request until it is served, and on the medium where we may write. */
#define POISON 0xa5
#define SEED   0x5afe

bool sk_room(struct ck *c, u32 len, struct tp_buf *out)
{
	return ck_alloc(c, len, 16, out);
}

static bool good_again(struct ck *c, struct sk_hostile *h)
{
	blk_prepare(&h->good);
	__builtin_memset(h->good.data.hva, POISON, h->good.data.len);
	return ckb_add(c, 0, &h->good, BLK_LAYOUT_USUAL) >= 0;
}

/* First in a session: what must work, and what later requests are compared with. */
static bool bring_up(struct ck *c, struct sk_hostile *h)
{
	struct ck_queue_opts o = { .size = h->size ? h->size : SK_SIZE };

	if (h->opened_once && !ck_open(c))
		return false;
	if (!ck_negotiate(c, h->want) || !ck_queue_start(c, 0, &o) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") ||
	    !ckb_make(c, &h->parts, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) ||
	    !ckb_make(c, &h->good, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR))
		return false;
	if (!h->opened_once && !(c->offered & BIT_ULL(VIRTIO_BLK_F_RO)) &&
	    !ckb_write_fill(c, 0, 0, 1, SEED))
		return false;
	return ckb_ok(c, 0, &h->good);
}

/* Position of the first byte of a good request that is not what it was, or its length. */
static u32 differs(const struct sk_hostile *h)
{
	u32 at = 0;

	while (at < h->good.data.len && h->good.data.hva[at] == h->expect[at])
		at++;
	return at;
}

bool sk_up(struct ck *c, struct sk_hostile *h)
{
	if (h->up) {
		blk_prepare(&h->parts);
		return true;
	}
	if (!bring_up(c, h)) {
		if (h->opened_once && h->clause)
			ck_fail(c, h->clause, "a new session afterwards, which is served",
				"no new session");
		return false;
	}
	if (!h->opened_once)
		__builtin_memcpy(h->expect, h->good.data.hva, sizeof(h->expect));
	else if (differs(h) < h->good.data.len)
		return ck_error(c, "sector 0 does not hold what it did before");
	blk_prepare(&h->parts);
	h->up = h->opened_once = true;
	return true;
}

void sk_down(struct ck *c, struct sk_hostile *h)
{
	c->tp->ops->close(c->tp);
	h->up = false;
}

void sk_desc(struct ck *c, u16 i, u64 addr, u32 len, u16 flags, u16 next)
{
	ck_log(c, "  desc[%u] addr=0x%llx len=%u flags=%u next=%u", SK_RAW + i,
	       (unsigned long long)addr, len, flags, next);
	vq_split_raw_desc(&c->q[0].vq.split, (u16)(SK_RAW + i), addr, len, flags, next);
}

void sk_desc_then(struct ck *c, u16 i, u64 addr, u32 len, u16 flags)
{
	sk_desc(c, i, addr, len, flags | VRING_DESC_F_NEXT, (u16)(SK_RAW + i + 1));
}

static bool kick(struct ck *c)
{
	/* Whether the device asks for it or not: what is in its ring may have confused it. */
	vq_split_kick_due(&c->q[0].vq.split);
	return ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying");
}

bool sk_offer(struct ck *c, u16 head, unsigned times)
{
	struct vq_split *vq = &c->q[0].vq.split;

	for (unsigned i = 0; i < times; i++)
		vq_split_raw_avail(vq, vq->avail_idx++, head);
	vq_split_publish(vq);
	ck_log(c, "  q0 head %u, %u times, avail.idx=%u, kick", head, times, vq->avail_idx);
	return kick(c);
}

bool sk_in_error(struct ck *c, struct sk_hostile *h)
{
	const struct tp_ops *ops = c->tp->ops;
	bool error = ops->queue_error && ops->queue_error(c->tp, 0);
	u8 status = 0;
	u64 features;
	int rc;

	if (error)
		ck_log(c, "  the device signals an error of the ring");
	rc = ops->get_features(c->tp, &features);
	if (rc == TP_OK && c->tp->caps & TP_CAP_STATUS)
		rc = ops->get_status(c->tp, &status);
	if (rc == TP_ETIMEOUT && h->clause)
		ck_fail(c, C_NO_HANG, "an answer, a refusal or a closed connection", "%s",
			c->tp->error);
	if (rc != TP_OK)
		ck_log(c, "  %s", c->tp->error);
	else if (status & VIRTIO_CONFIG_S_NEEDS_RESET)
		ck_log(c, "  the device status is 0x%02x: DEVICE_NEEDS_RESET", status);
	return error || rc != TP_OK || status & VIRTIO_CONFIG_S_NEEDS_RESET;
}

/* Take what was used; says whether the good request is among it. */
static bool drain(struct ck *c, struct sk_hostile *h, u16 head, unsigned times, bool *bad)
{
	struct vq_split *vq = &c->q[0].vq.split;
	bool good = false;

	while (vq_split_used_pending(vq)) {
		struct vring_used_elem *e = &vq->used->ring[vq->used_idx & vq->mask];
		u32 id = le32(__atomic_load_n(&e->id, __ATOMIC_RELAXED));
		u32 len = le32(__atomic_load_n(&e->len, __ATOMIC_RELAXED));
		void *token = NULL;

		ck_log(c, "  q0 used[%u] id=%u len=%u", vq->used_idx, id, len);
		if (id == head && h->back < times) {
			vq->used_idx++;
			h->back++;
			h->back_len = len;
		} else if (vq_split_reap(vq, &id, &len, &token) < 0) {
			ck_error(c, "used element with id %u, which is not outstanding", id);
			*bad = true;
			return false;
		}
		good |= token == &h->good;
	}
	return good;
}

/* All of it that was ever going to come back has, or enough time has passed. */
static void wait_back(struct ck *c, struct sk_hostile *h, u16 head, unsigned times)
{
	/* What is malformed needs no medium, and what was behind it is already back. */
	u64 end = tp_deadline(c->tp, 5 * c->tp->quiet_ms);
	bool bad = false;

	while (h->back < times && !bad && !tp_waited(c->tp, end, 5 * c->tp->quiet_ms)) {
		drain(c, h, head, times, &bad);
		c->tp->ops->relax(c->tp);
	}
}

static enum sk_fate served(struct ck *c, struct sk_hostile *h, u16 head, unsigned times)
{
	u8 status = blk_status(&h->good);
	u32 at = differs(h);

	if (!h->clause)
		return SK_SERVED;
	if (status != VIRTIO_BLK_S_OK) {
		ck_fail(c, C_BAD_REQUEST, "the next well-formed request is served",
			"a good read behind it: status %u (%s)", status, blk_status_name(status));
		return SK_OVER;
	}
	if (at < h->good.data.len) {
		ck_fail(c, C_BAD_REQUEST, "the next well-formed request is served",
			"a good read behind it: byte %u is wrong", at);
		return SK_OVER;
	}
	if (!h->returned || h->lost)
		return SK_SERVED;
	wait_back(c, h, head, times);
	if (h->back < times && !sk_in_error(c, h)) {
		h->lost = true;
		ck_fail(c, C_RETURNED, "the head comes back, or the device shows an error state",
			"head %u came back %u of %u times; its slots are lost", head, h->back,
			times);
	}
	return SK_SERVED;
}

enum sk_fate sk_settle(struct ck *c, struct sk_hostile *h, u16 head, unsigned times)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms), probe = 0, pause = PROBE_NS;
	bool bad = false;

	h->back = 0;
	ck_log(c, "  behind it a good request:");
	if (!good_again(c, h))
		return SK_OVER;
	vq_split_publish(&c->q[0].vq.split);
	if (!kick(c))
		return SK_OVER;
	for (;;) {
		u64 now;

		if (drain(c, h, head, times, &bad))
			return served(c, h, head, times);
		if (bad)
			return SK_OVER;
		now = c->tp->ops->now_ns(c->tp);
		/* Most are done before the first look. */
		if (!probe)
			probe = now + pause;
		if (now > probe) {
			if (sk_in_error(c, h))
				return SK_ERROR;
			pause = MIN(2 * pause, (u64)PROBE_MAX_NS);
			probe = c->tp->ops->now_ns(c->tp) + pause;
		}
		if (tp_late(c->tp, deadline))
			return SK_SILENT;
		c->tp->ops->relax(c->tp);
	}
}

void sk_cases(struct ck *c, struct sk_hostile *h, const struct sk_case *cases, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		u16 head;

		if (!sk_up(c, h))
			return;
		ck_log(c, "  %s:", cases[i].what);
		head = cases[i].build(c, h, cases[i].arg);
		if (!sk_offer(c, head, 1))
			return;
		switch (sk_settle(c, h, head, 1)) {
		case SK_SERVED:
			break;
		case SK_ERROR:
			sk_down(c, h);
			break;
		case SK_SILENT:
			ck_fail(c, h->clause,
				"the next good request is served, or the device shows an error",
				"%s: a good request behind it is not used within %u ms",
				cases[i].what, c->tp->timeout_ms);
			return;
		case SK_OVER:
			return;
		}
	}
	sk_up(c, h);
}
