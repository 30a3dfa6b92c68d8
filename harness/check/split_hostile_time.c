// SPDX-License-Identifier: BSD-3-Clause
/* What shows only in time: a thread kept busy, and memory that changes while it is being read. */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/split_kit.h"

/* --- a thread kept busy ------------------------------------------------------------------------------ */

#define WINDOW_MS 150
#define WINDOWS	  4
/* A tenth of the time. */
#define MOST_NS (WINDOW_MS * 1000000ull / 10)

/* For how long the target wants a processor in a window without traffic. False: it cannot be seen. */
static bool window_cpu(struct ck *c, u64 *ns)
{
	u64 end = tp_deadline(c->tp, WINDOW_MS);
	struct tp_process a, b;

	/* Who has come so far has run: where that is not counted, nothing can be seen. */
	if (c->tp->ops->process(c->tp, &a) != TP_OK || !a.wanted_ns)
		return false;
	/* Mostly asleep, and without asking the target anything: what it answers takes its time, too. */
	while (c->tp->ops->now_ns(c->tp) < end)
		c->tp->ops->relax(c->tp);
	if (c->tp->ops->process(c->tp, &b) != TP_OK)
		return false;
	*ns = b.wanted_ns - a.wanted_ns;
	return true;
}

/*
 * The least of several windows, as soon as one is small: on a busy host what was begun before is finished
 * late, but a thread that is kept busy is so in all of them.
 */
static bool idle_cpu(struct ck *c, u64 *ns)
{
	u64 one;

	*ns = ~0ull;
	for (unsigned i = 0; i<WINDOWS && * ns> MOST_NS; i++) {
		if (!window_cpu(c, &one))
			return false;
		*ns = MIN(*ns, one);
	}
	return true;
}

static void cpu(struct ck *c)
{
	struct sk_hostile h = { .want = ck_ring_features() };
	u64 before, after;

	if (!sk_up(c, &h))
		return;
	if (!idle_cpu(c, &before)) {
		ck_skip(c, "how long the target's process runs cannot be seen");
		return;
	}
	if (before > MOST_NS) {
		ck_skip(c, "the target is busy when idle, too: it polls");
		return;
	}
	/* A loop, and behind it nothing. */
	sk_desc_then(c, 0, h.parts.hdr.gpa.v, h.parts.hdr.len, 0);
	sk_desc(c, 1, h.parts.data.gpa.v, h.parts.data.len, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT,
		SK_RAW + 1);
	if (!sk_offer(c, SK_RAW, 1))
		return;
	ck_quiet(c);
	if (!idle_cpu(c, &after)) {
		ck_error(c, "the target's process is gone");
		return;
	}
	ck_log(c, "  %llu us of a processor wanted in %u ms before, %llu us after",
	       (unsigned long long)before / 1000, WINDOW_MS, (unsigned long long)after / 1000);
	if (after > MOST_NS)
		ck_fail(c, "ROB.live.cpu", "less than a tenth of the time",
			"%llu ms of a processor wanted in %u ms without traffic",
			(unsigned long long)after / 1000000, WINDOW_MS);
}

CHECK(cpu, .id = "split.hostile.idle-cpu", .clauses = { "ROB.live.cpu" },
      .stimulus = "a chain that is a loop, and windows of 150 ms without traffic",
      .oracle =
	      "in one of four the target's threads run, or wait to, for less than a tenth of the time",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_PROCESS, .run = cpu);

/* --- fetched once -------------------------------------------------------------------------------------- */

#define FETCH_ONCE "ROB.fetch.once"

/* The two readings of a request that changes: both are good ones. */
#define FEW	  VIRTIO_BLK_SECTOR
#define MANY	  (8 * VIRTIO_BLK_SECTOR)
#define AT_A	  0
#define AT_B	  64
#define FETCH_FOR 150000000 /* ns */

struct readings {
	struct blk_req r;
	u32 few, many; /* used lengths of requests that hold still */
};

/* The request with `len` bytes of data, made available. */
static bool offer_read(struct ck *c, struct readings *s, u32 len)
{
	struct vq_split *vq = &c->q[0].vq.split;

	blk_prepare(&s->r);
	__builtin_memset(s->r.data.hva, 0, MANY);
	vq_split_raw_desc(vq, SK_RAW, s->r.hdr.gpa.v, s->r.hdr.len, VRING_DESC_F_NEXT, SK_RAW + 1);
	vq_split_raw_desc(vq, SK_RAW + 1, s->r.data.gpa.v, len,
			  VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, SK_RAW + 2);
	vq_split_raw_desc(vq, SK_RAW + 2, s->r.status.gpa.v, 1, VRING_DESC_F_WRITE, 0);
	vq_split_raw_avail(vq, vq->avail_idx++, SK_RAW);
	vq_split_publish(vq);
	return !vq_split_kick_due(vq) || ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying");
}

/* Take the element, flipping length and sector until it is there (`flip`), or just waiting. */
static bool take_read(struct ck *c, struct readings *s, bool flip, u32 *len)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);
	struct vq_split *vq = &c->q[0].vq.split;
	struct vring_desc *data = &vq->desc[SK_RAW + 1];
	struct virtio_blk_outhdr *hdr = (struct virtio_blk_outhdr *)s->r.hdr.hva;

	for (u32 i = 0; !vq_split_used_pending(vq); i++) {
		if (flip) {
			__atomic_store_n(&data->len, le32(i & 1 ? MANY : FEW), __ATOMIC_RELAXED);
			__atomic_store_n(&hdr->sector, le64(i & 2 ? AT_B : AT_A), __ATOMIC_RELAXED);
		}
		if (i % 256 == 0 && tp_late(c->tp, deadline))
			return ck_error(c, "the request is not used within %u ms",
					c->tp->timeout_ms);
	}
	*len = le32(vq->used->ring[vq->used_idx++ & vq->mask].len);
	return true;
}

/* The answer fits one length and one sector, all through. */
static bool fits(struct ck *c, const struct readings *s, u32 len)
{
	const u8 *data = s->r.data.hva;
	u32 bytes = len == s->few ? FEW : MANY;

	if (len != s->few && len != s->many)
		return ck_fail(c, FETCH_ONCE, "a used length that fits one of the two readings",
			       "used len %u, for %u bytes it is %u and for %u it is %u", len, FEW,
			       s->few, MANY, s->many);
	if (ck_differs(data, bytes, AT_A) < bytes && ck_differs(data, bytes, AT_B) < bytes)
		return ck_fail(c, FETCH_ONCE, "data that fits one of the two readings",
			       "used len %u, but the data is not that of sector %u nor of %u", len,
			       AT_A, AT_B);
	if (ck_not_value(data + bytes, MANY - bytes, 0) < MANY - bytes)
		return ck_fail(c, FETCH_ONCE, "data that fits one of the two readings",
			       "used len %u, and more than that was written", len);
	return true;
}

static void fetch_once(struct ck *c)
{
	u32 rounds = 0, many = 0, len;
	struct readings s;
	u64 end;

	if (!ck_start(c, ck_ring_features()) || !ckb_write_fill(c, 0, AT_A, 8, AT_A) ||
	    !ckb_write_fill(c, 0, AT_B, 8, AT_B) ||
	    !ckb_make(c, &s.r, VIRTIO_BLK_T_IN, AT_A, MANY) || !offer_read(c, &s, FEW) ||
	    !take_read(c, &s, false, &s.few) || !offer_read(c, &s, MANY) ||
	    !take_read(c, &s, false, &s.many))
		return;
	if (s.few == s.many) {
		ck_skip(c, "used lengths do not tell the two readings apart");
		return;
	}
	end = c->tp->ops->now_ns(c->tp) + FETCH_FOR;
	while (c->tp->ops->now_ns(c->tp) < end) {
		if (!offer_read(c, &s, FEW) || !take_read(c, &s, true, &len))
			return;
		rounds++;
		many += len == s.many;
		/* Refusing is no harm done. */
		if (blk_status(&s.r) == VIRTIO_BLK_S_OK && !fits(c, &s, len))
			return;
	}
	ck_log(c, "  %u rounds, %u with the larger length", rounds, many);
}

CHECK(fetch_once, .id = "split.hostile.fetch-once", .clauses = { FETCH_ONCE },
      .stimulus = "reads whose length and sector change all the while, for 150 ms",
      .oracle = "used length and data fit one length and one sector; a pass proves little",
      .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = fetch_once);

/* Here one of the readings is no memory at all. */
static void fetch_address(struct ck *c)
{
	struct sk_hostile h = {
		.clause = "ROB.alive.desc-outside",
		.want = ck_ring_features(),
		.returned = true,
	};
	u64 end = c->tp->ops->now_ns(c->tp) + FETCH_FOR / 2;

	while (c->tp->ops->now_ns(c->tp) < end) {
		struct vring_desc *data;
		enum sk_fate fate;
		u64 good, bad;

		if (!sk_up(c, &h))
			return;
		good = h.parts.data.gpa.v;
		bad = ck_unmapped(c).v;
		data = &c->q[0].vq.split.desc[SK_RAW + 1];
		sk_desc_then(c, 0, h.parts.hdr.gpa.v, h.parts.hdr.len, 0);
		sk_desc_then(c, 1, good, h.parts.data.len, VRING_DESC_F_WRITE);
		sk_desc(c, 2, h.parts.status.gpa.v, 1, VRING_DESC_F_WRITE, 0);
		if (!sk_offer(c, SK_RAW, 1))
			return;
		for (u32 i = 0; i < 20000 && !vq_split_used_pending(&c->q[0].vq.split); i++)
			__atomic_store_n(&data->addr, le64(i & 1 ? bad : good), __ATOMIC_RELAXED);
		fate = sk_settle(c, &h, SK_RAW, 1);
		if (fate == SK_SILENT)
			ck_fail(c, h.clause,
				"the next good request is served, or the device shows an error",
				"a good request behind it is not used within %u ms",
				c->tp->timeout_ms);
		if (fate == SK_SILENT || fate == SK_OVER)
			return;
		if (fate == SK_ERROR)
			sk_down(c, &h);
	}
	sk_up(c, &h);
}

CHECK(fetch_address, .id = "split.hostile.fetch-address",
      .clauses = { "ROB.alive.desc-outside", C_RETURNED, SK_HOSTILE_CLAUSES },
      .stimulus = "reads whose data moves into memory and out of it all the while",
      .oracle = "each time a good request behind it is served, or the device shows that it is in "
		"error and serves in a new session",
      .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = fetch_address);
