// SPDX-License-Identifier: BSD-3-Clause
/*
 * Rings that no driver should make: an available index that runs away, heads out of range, one head
 * twice, impossible sizes and places. After these the ring itself may be beyond trust, so what must
 * follow is a device that lives and serves once it is set up again.
 */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/split_kit.h"

/* --- the available index ------------------------------------------------------------------------- */

struct jump {
	const char *what;
	u16 by;
};

/* Elements used since `from`; with more than the queue holds, the device ran after the index. */
static bool bounded(struct ck *c, struct sk_hostile *h, u16 from, const char *what)
{
	u16 used = (u16)(vq_split_raw_used_idx(&c->q[0].vq.split) - from);

	if (used <= c->q[0].vq.split.size)
		return true;
	return ck_fail(c, h->clause, "at most as many used elements as the queue has entries",
		       "%s: used.idx moved by %u", what, used);
}

/* Until the device shows an error state, or long enough to see whether it runs. */
static void watch(struct ck *c, struct sk_hostile *h)
{
	u64 end = tp_deadline(c->tp, c->tp->quiet_ms);

	while (c->tp->ops->now_ns(c->tp) < end && !sk_in_error(c, h))
		c->tp->ops->relax(c->tp);
}

static void run_away(struct ck *c, const struct jump *jumps, unsigned n)
{
	struct sk_hostile h = {
		.clause = "ROB.alive.avail-runaway",
		.want = ck_ring_features(),
	};

	for (unsigned i = 0; i < n; i++) {
		struct vq_split *vq = &c->q[0].vq.split;
		u16 from;

		if (!sk_up(c, &h))
			return;
		from = vq->used_idx;
		ck_log(c, "  avail.idx %u -> %u: %s", vq->avail_idx,
		       (u16)(vq->avail_idx + jumps[i].by), jumps[i].what);
		vq_split_raw_publish(vq, (u16)(vq->avail_idx + jumps[i].by));
		if (!ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
			return;
		watch(c, &h);
		if (!bounded(c, &h, from, jumps[i].what))
			return;
		sk_down(c, &h);
	}
	sk_up(c, &h);
}

static void avail_runaway(struct ck *c)
{
	static const struct jump jumps[] = {
		{ "queue size + 1 ahead", SK_SIZE + 1 },
		{ "0x8000 ahead", 0x8000 },
	};

	run_away(c, jumps, ARRAY_SIZE(jumps));
}

CHECK(avail_runaway, .id = "split.hostile.avail-runaway",
      .clauses = { "ROB.alive.avail-runaway", C_NO_HANG, C_NEW_SESSION },
      .stimulus = "an available index queue size + 1, and 0x8000, ahead of what was used",
      .oracle = "no more elements are used than the queue has entries, and a new session is served",
      .device = VIRTIO_ID_BLOCK, .run = avail_runaway);

static void avail_backwards(struct ck *c)
{
	static const struct jump jumps[] = {
		{ "one back", 0xffff },
		{ "two back", 0xfffe },
	};

	run_away(c, jumps, ARRAY_SIZE(jumps));
}

CHECK(avail_backwards, .id = "split.hostile.avail-backwards",
      .clauses = { "ROB.alive.avail-runaway", C_NO_HANG, C_NEW_SESSION },
      .stimulus = "an available index that goes back by one, and by two",
      .oracle = "no more elements are used than the queue has entries, and a new session is served",
      .device = VIRTIO_ID_BLOCK, .run = avail_backwards);

/* --- heads ------------------------------------------------------------------------------------------ */

static void head_range(struct ck *c)
{
	static const u16 heads[] = { SK_SIZE, 0x8000, 0xffff };
	struct sk_hostile h = {
		.clause = "ROB.alive.head-range",
		.want = ck_ring_features(),
	};

	for (unsigned i = 0; i < ARRAY_SIZE(heads); i++) {
		enum sk_fate fate;

		if (!sk_up(c, &h) || !sk_offer(c, heads[i], 1))
			return;
		fate = sk_settle(c, &h, heads[i], 1);
		if (fate != SK_OVER && h.back) {
			ck_fail(c, h.clause, "a head outside the table is not used",
				"a used element with id %u", heads[i]);
			return;
		}
		if (fate == SK_SILENT)
			ck_fail(c, h.clause,
				"the next good request is served, or the device shows an error",
				"head %u: a good request behind it is not used within %u ms",
				heads[i], c->tp->timeout_ms);
		if (fate == SK_SILENT || fate == SK_OVER)
			return;
		/* A ring with such an entry in it can be served no further even where it was. */
		sk_down(c, &h);
	}
	sk_up(c, &h);
}

CHECK(head_range, .id = "split.hostile.head-range",
      .clauses = { "ROB.alive.head-range", SK_HOSTILE_CLAUSES },
      .stimulus = "an available ring entry of queue size, 0x8000 and 0xffff",
      .oracle = "no used element with that id; a good request behind it is served, or the device "
		"shows that it is in error and serves in a new session",
      .device = VIRTIO_ID_BLOCK, .run = head_range);

static void avail_duplicate(struct ck *c)
{
	struct sk_hostile h = {
		.clause = "ROB.alive.avail-duplicate",
		.want = ck_ring_features(),
	};
	const u32 most = VIRTIO_BLK_SECTOR + 1;

	for (unsigned times = 2; times <= 3; times++) {
		enum sk_fate fate;

		if (!sk_up(c, &h))
			return;
		sk_desc_then(c, 0, h.parts.hdr.gpa.v, h.parts.hdr.len, 0);
		sk_desc_then(c, 1, h.parts.data.gpa.v, h.parts.data.len, VRING_DESC_F_WRITE);
		sk_desc(c, 2, h.parts.status.gpa.v, 1, VRING_DESC_F_WRITE, 0);
		if (!sk_offer(c, SK_RAW, times))
			return;
		fate = sk_settle(c, &h, SK_RAW, times);
		if (fate == SK_OVER)
			return;
		if (h.back && h.back_len > most) {
			ck_fail(c, h.clause, "a used length that the chain has room for",
				"used len %u, the chain has %u writable bytes", h.back_len, most);
			return;
		}
		if (fate == SK_SILENT) {
			ck_fail(c, h.clause,
				"the next good request is served, or the device shows an error",
				"one head %u times: a good request behind it is not used within "
				"%u ms",
				times, c->tp->timeout_ms);
			return;
		}
		/* One more may come back yet. */
		sk_down(c, &h);
	}
	sk_up(c, &h);
}

CHECK(avail_duplicate, .id = "split.hostile.avail-duplicate",
      .clauses = { "ROB.alive.avail-duplicate", C_USED_LEN, SK_HOSTILE_CLAUSES },
      .stimulus = "one good head made available twice, and three times, at once",
      .oracle = "it is used no more often than that, with a length that its chain has room for; a "
		"good request behind it is served, or the device shows that it is in error and "
		"serves in a new session",
      .device = VIRTIO_ID_BLOCK, .run = avail_duplicate);

/* --- sizes and places ---------------------------------------------------------------------------------- */

/* A session up to the point where queues are set up. The first one is open already. */
static bool fresh(struct ck *c, bool *first)
{
	bool ok = (*first || ck_open(c)) && ck_negotiate(c, ck_ring_features());

	*first = false;
	return ok;
}

/* Start a queue that cannot be. False: the check is over. *taken: it was not refused. */
static bool impossible(struct ck *c, const struct tp_queue *cfg, bool *taken)
{
	int rc = c->tp->ops->queue_start(c->tp, 0, cfg);

	*taken = false;
	if (rc == TP_OK)
		rc = c->tp->ops->driver_ok(c->tp);
	if (rc == TP_ETIMEOUT)
		return ck_fail(c, C_NO_HANG, "an answer, a refusal or a closed connection", "%s",
			       c->tp->error);
	*taken = rc == TP_OK;
	ck_log(c, "  %s", *taken ? "taken" : c->tp->error);
	return !*taken || ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying");
}

/* The proof of life, in a session of its own. */
static void must_serve(struct ck *c, const char *clause)
{
	ckb_alive_after_reopen(c, clause);
}

static void queue_size(struct ck *c)
{
	static const u16 sizes[] = { 0, 3, 100, 0xffff };
	const char *clause = "ROB.alive.queue-size";
	bool first = true;

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct tp_buf desc, avail, used;
		struct tp_queue cfg;
		bool taken;

		/* Room for the largest: what is asked is whether the size is looked at. */
		if (!fresh(c, &first) || !ck_alloc(c, 16 * 65536, 4096, &desc) ||
		    !ck_alloc(c, 6 + 2 * 65536, 256, &avail) ||
		    !ck_alloc(c, 6 + 8 * 65536, 256, &used))
			return;
		cfg = (struct tp_queue){
			.size = sizes[i],
			.desc = desc.gpa,
			.driver = avail.gpa,
			.device = used.gpa,
		};
		/* One chain of one readable byte. */
		*(struct vring_desc *)desc.hva = (struct vring_desc){
			.addr = le64(used.gpa.v),
			.len = le32(1),
		};
		((struct vring_avail *)avail.hva)->idx = le16(1);
		ck_log(c, "  a queue of %u entries:", sizes[i]);
		if (!impossible(c, &cfg, &taken))
			return;
		must_serve(c, clause);
		if (c->accused)
			return;
	}
}

CHECK(queue_size, .id = "split.hostile.queue-size",
      .clauses = { "ROB.alive.queue-size", C_NO_HANG },
      .stimulus = "a queue of 0, 3, 100 and 65535 entries, started, with one head available",
      .oracle = "refused, or not; afterwards a new session is served", .device = VIRTIO_ID_BLOCK,
      .run = queue_size);

/* Of a part that straddles, so much is in memory: no whole one, but its beginning. */
#define THERE	16
#define OUTSIDE 16 /* chains made available */

enum ring_part {
	PART_USED,
	PART_AVAIL,
	PART_DESC,
	PARTS
};

static const struct {
	const char *name;
	u16 most; /* elements that can be used without leaving memory */
} ring_parts[PARTS] = {
	[PART_USED] = { "used ring", (THERE - 4) / sizeof(struct vring_used_elem) },
	[PART_AVAIL] = { "available ring", (THERE - 4) / sizeof(u16) },
	[PART_DESC] = { "descriptor table", OUTSIDE },
};

/* GET_IDs of two descriptors each, as far as there is memory for table and heads. */
static bool offer_ids(struct ck *c, const struct tp_buf part[PARTS])
{
	struct vring_avail *avail = (struct vring_avail *)part[PART_AVAIL].hva;
	struct vring_desc *d = (struct vring_desc *)part[PART_DESC].hva;
	struct sk_herd h;

	if (!sk_herd_make(c, &h, OUTSIDE, false))
		return false;
	for (u16 i = 0; i < OUTSIDE; i++) {
		struct vq_sg sg[2];
		unsigned out, in;

		sk_herd_fill(c, &h, i, sg, &out, &in);
		if ((2u * i + 2) * sizeof(*d) <= part[PART_DESC].len) {
			d[2 * i] = (struct vring_desc){ le64(sg[0].addr.v), le32(sg[0].len),
							le16(VRING_DESC_F_NEXT), le16(2 * i + 1) };
			d[2 * i + 1] = (struct vring_desc){ le64(sg[1].addr.v), le32(sg[1].len),
							    le16(VRING_DESC_F_WRITE), 0 };
		}
		if (4 + (i + 1) * sizeof(u16) <= part[PART_AVAIL].len)
			avail->ring[i] = le16(2 * i);
	}
	avail->idx = le16(OUTSIDE);
	return true;
}

/* One part in no region, or with only its beginning in one; the others as they should be. */
static bool ring_outside_one(struct ck *c, enum ring_part which, bool straddles)
{
	const char *clause = "ROB.alive.ring-outside";
	const struct tp_buf *last = &c->tp->mem[c->tp->mem_count - 1];
	struct tp_buf part[PARTS];
	const u16 *idx;
	struct tp_queue cfg;
	bool taken;
	u64 end;

	if (!ck_alloc(c, vq_split_desc_bytes(SK_SIZE), 4096, &part[PART_DESC]) ||
	    !ck_alloc(c, vq_split_avail_bytes(SK_SIZE), 256, &part[PART_AVAIL]) ||
	    !ck_alloc(c, vq_split_used_bytes(SK_SIZE), 256, &part[PART_USED]))
		return false;
	if (straddles)
		part[which] = (struct tp_buf){ last->hva + last->len - THERE,
					       gpa_add(last->gpa, last->len - THERE), THERE };
	if (!offer_ids(c, part))
		return false;
	cfg = (struct tp_queue){
		.size = SK_SIZE,
		.desc = part[PART_DESC].gpa,
		.driver = part[PART_AVAIL].gpa,
		.device = part[PART_USED].gpa,
	};
	if (!straddles)
		*(which == PART_DESC	? &cfg.desc
		  : which == PART_AVAIL ? &cfg.driver
					: &cfg.device) = ck_unmapped(c);
	ck_log(c, "  %s %s:", ring_parts[which].name,
	       straddles ? "across the end of a region" : "in no region");
	if (!impossible(c, &cfg, &taken))
		return false;
	idx = &((struct vring_used *)part[PART_USED].hva)->idx;
	end = tp_deadline(c->tp, c->tp->quiet_ms);
	while (taken && straddles && c->tp->ops->now_ns(c->tp) < end) {
		u16 used = le16(__atomic_load_n(idx, __ATOMIC_RELAXED));

		if (used > ring_parts[which].most)
			return ck_fail(c, clause, "nothing behind the end of memory is accessed",
				       "%s across the end of a region: %u elements were used, "
				       "%u of its entries are in memory",
				       ring_parts[which].name, used, ring_parts[which].most);
		c->tp->ops->relax(c->tp);
	}
	must_serve(c, clause);
	return !c->accused;
}

static void ring_outside(struct ck *c)
{
	bool first = true;

	for (unsigned i = 0; i < 2 * PARTS; i++)
		if (!fresh(c, &first) ||
		    !ring_outside_one(c, (enum ring_part)(i % PARTS), i >= PARTS))
			return;
}

CHECK(ring_outside, .id = "split.hostile.ring-outside",
      .clauses = { "ROB.alive.ring-outside", C_NO_HANG },
      .stimulus = "descriptor table, available ring and used ring each in no region, and each "
		  "across the end of the last one, with 16 heads available",
      .oracle =
	      "refused, or no more elements are used than have their entries in memory; afterwards "
	      "a new session is served",
      .device = VIRTIO_ID_BLOCK, .disturbs = true, .run = ring_outside);

/* --- afterwards ------------------------------------------------------------------------------------------ */

/* In the same session where there still is one: stop, reset, all anew. */
static bool set_up_again(struct ck *c)
{
	const struct tp_ops *ops = c->tp->ops;
	int rc;
	u32 base;

	rc = ops->queue_stop(c->tp, 0, &base);
	/* A device with registers may only know how to be reset as a whole. */
	if (rc != TP_OK && !(rc == TP_EUNSUPPORTED && c->tp->caps & TP_CAP_STATUS))
		return false;
	if (c->tp->caps & TP_CAP_STATUS && ops->set_status(c->tp, 0) != TP_OK)
		return false;
	c->slots_used = 0;
	return ck_negotiate(c, ck_ring_features()) && ck_queue_start(c, 0, NULL) &&
	       ck_must(c, ops->driver_ok(c->tp), "setting DRIVER_OK");
}

static void recovers(struct ck *c)
{
	const char *clause = "ROB.live.recovers";
	struct sk_hostile h = { .clause = clause, .want = ck_ring_features() };
	u64 features;
	int rc;

	if (!sk_up(c, &h))
		return;
	vq_split_raw_publish(&c->q[0].vq.split, (u16)(c->q[0].vq.split.avail_idx + SK_SIZE + 1));
	ck_log(c, "  avail.idx runs away");
	if (!ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
		return;
	watch(c, &h);
	/* Twice: who is about to close the connection may still answer once. */
	rc = c->tp->ops->get_features(c->tp, &features);
	if (rc == TP_OK)
		rc = c->tp->ops->get_features(c->tp, &features);
	if (rc == TP_ETIMEOUT) {
		ck_fail(c, C_NO_HANG, "an answer, a refusal or a closed connection", "%s",
			c->tp->error);
		return;
	}
	if (rc != TP_OK) {
		ck_log(c, "  %s", c->tp->error);
		ckb_alive_after_reopen(c, clause);
		return;
	}
	ck_log(c, "  stop, and set up again:");
	if (set_up_again(c))
		ckb_alive(c, 0, clause);
	else
		ck_fail(c, clause, "the queue can be stopped and set up again", "%s", c->tp->error);
}

CHECK(recovers, .id = "split.hostile.recovers",
      .clauses = { "ROB.live.recovers", "ROB.alive.avail-runaway", C_NO_HANG },
      .stimulus = "a ring broken by its available index, then stopped and set up again, after a "
		  "reset where the device has a status; in a new session if it closed this one",
      .oracle = "the ring serves again", .device = VIRTIO_ID_BLOCK, .run = recovers);

/* What each kind of hostile session may leave behind. */
static bool hostile_session(struct ck *c, struct sk_hostile *h, unsigned kind)
{
	u16 head = SK_RAW;
	enum sk_fate fate;

	if (!sk_up(c, h))
		return false;
	switch (kind % 4) {
	case 0:
		sk_desc(c, 0, h->parts.hdr.gpa.v, 16, VRING_DESC_F_NEXT, SK_RAW);
		break;
	case 1:
		sk_desc(c, 0, ck_unmapped(c).v, 16, 0, 0);
		break;
	case 2:
		sk_desc(c, 0, h->parts.hdr.gpa.v, 16, 0, 0);
		break;
	default:
		head = 0xffff;
		break;
	}
	if (!sk_offer(c, head, 1))
		return false;
	fate = sk_settle(c, h, head, 1);
	sk_down(c, h);
	if (fate == SK_SILENT)
		return ck_error(c, "a good request behind a hostile one is not used");
	return fate != SK_OVER;
}

/* Sessions end behind our back: give the target time to put away what it had. */
static bool falls_to(struct ck *c, u32 fds, u32 threads, struct tp_process *now)
{
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);

	do {
		if (c->tp->ops->process(c->tp, now) != TP_OK)
			return false;
		if (now->fds <= fds && now->threads <= threads)
			return true;
		ck_quiet(c);
	} while (c->tp->ops->now_ns(c->tp) < end);
	return true;
}

#define LEAK_SESSIONS 16

static void leaks(struct ck *c)
{
	struct sk_hostile h = { .want = ck_ring_features() };
	struct tp_process before, after;

	/* One of each kind first: pools that grow once are not leaks. */
	for (unsigned i = 0; i < 4; i++)
		if (!hostile_session(c, &h, i))
			return;
	if (!sk_up(c, &h) || !ck_must(c, c->tp->ops->process(c->tp, &before), "reading /proc"))
		return;
	for (unsigned i = 0; i < LEAK_SESSIONS; i++)
		if (!hostile_session(c, &h, i))
			return;
	if (!sk_up(c, &h))
		return;
	if (!falls_to(c, before.fds, before.threads, &after)) {
		ck_error(c, "the process cannot be looked at any more: %s", c->tp->error);
		return;
	}
	ck_log(c, "  descriptors %u -> %u, threads %u -> %u", before.fds, after.fds, before.threads,
	       after.threads);
	if (after.fds > before.fds)
		ck_fail(c, "ROB.leak.fds", "as many open descriptors as before",
			"%u more after %u hostile sessions", after.fds - before.fds, LEAK_SESSIONS);
	/* A pool may grow by its own rules; one thread more for each session is a leak. */
	if (after.threads >= before.threads + LEAK_SESSIONS / 2)
		ck_fail(c, "ROB.leak.threads", "as many threads as before",
			"%u more after %u hostile sessions", after.threads - before.threads,
			LEAK_SESSIONS);
}

CHECK(leaks, .id = "split.hostile.leaks", .clauses = { "ROB.leak.fds", "ROB.leak.threads" },
      .stimulus = "16 sessions with a loop, a buffer outside memory, a request without status or a "
		  "head out of range",
      .oracle =
	      "afterwards the process has as many open descriptors as before, and no more threads",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_PROCESS, .run = leaks);
