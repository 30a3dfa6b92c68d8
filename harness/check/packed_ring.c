// SPDX-License-Identifier: BSD-3-Clause
/* The packed ring as such (2.8.1, 2.8.5, 2.8.6): places, laps, sizes, and whose a descriptor is. */
#define CHECK_RING CHECK_RING_PACKED

#include "harness/check/blk_util.h"
#include "harness/check/packed_kit.h"

#include <string.h>

/* --- order ----------------------------------------------------------------------------------------------- */

/* Nothing of these was touched. */
static bool untouched(const struct blk_req *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (blk_status(&r[i]) != BLK_STATUS_UNSET)
			return false;
	return true;
}

#define BEHIND 3

/*
 * Buffers behind a place whose descriptor is not available yet. The ring is processed in its order: none
 * of them is started before that one is.
 */
static void gap(struct ck *c)
{
	struct blk_req r[1 + BEHIND];
	struct pk_buf b[1 + BEHIND];

	if (!pk_start(c, 0, 0))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(r); i++) {
		if (!ckb_make(c, &r[i], VIRTIO_BLK_T_IN, i, VIRTIO_BLK_SECTOR) ||
		    !pk_take(c, &b[i], 3, &r[i]))
			return;
		blk_prepare(&r[i]);
		pk_fill(&b[i], &r[i]);
	}
	for (unsigned i = 1; i < ARRAY_SIZE(r); i++)
		pk_show(c, &b[i]);
	if (!pk_kick(c))
		return;
	ck_quiet(c);
	if (!untouched(r, ARRAY_SIZE(r)) || vq_packed_used_pending(pk_vq(c))) {
		ck_fail(c, C_PACKED_ORDER, "nothing behind a descriptor that is not available",
			"desc[0] is not available, and a buffer behind it was processed");
		return;
	}
	pk_show(c, &b[0]);
	if (!pk_kick(c))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(r); i++) {
		struct ck_used u;

		if (!ck_reap(c, 0, &u)) {
			ck_error(c, "buffer %u of %u does not come back", i, BEHIND + 1);
			return;
		}
	}
}

CHECK(gap, .id = "packed.ring.gap", .clauses = { C_PACKED_ORDER },
      .stimulus =
	      "three buffers available behind a descriptor that is not yet; a notification; then "
	      "that one, too",
      .oracle = "none is processed before the first is available; then all are",
      .device = VIRTIO_ID_BLOCK, .run = gap);

/* --- places ----------------------------------------------------------------------------------------------- */

#define MIXED 24

/*
 * Buffers of one to many descriptors, small and large, so that they are finished in an order of their
 * own. Whatever that is, the next used descriptor lies where the one before it ended.
 */
static bool mixed_round(struct ck *c, struct blk_req *r, unsigned round)
{
	struct vq_packed *vq = pk_vq(c);

	for (unsigned i = 0; i < MIXED; i++) {
		const enum blk_layout l = i % 3 ? BLK_LAYOUT_USUAL : BLK_LAYOUT_HEADER_SPLIT;

		if ((i % 4 == 1 ? ckb_add_indirect(c, 0, &r[i], l) : ckb_add(c, 0, &r[i], l)) < 0)
			return false;
	}
	if (!ck_publish(c, 0))
		return false;
	for (unsigned i = 0; i < MIXED; i++) {
		const struct vq_packed_at at = vq->used;
		struct ck_used u;

		if (!ck_reap(c, 0, &u)) {
			unsigned written = 0;

			for (unsigned k = 0; k < MIXED; k++)
				written += blk_status(&r[k]) != BLK_STATUS_UNSET;
			return ck_fail(c, C_PACKED_PLACES,
				       "each used descriptor where the one before it ended",
				       "round %u: desc[%u] is not used in the lap with wrap %u, %u "
				       "were taken, %u of %u statuses are written",
				       round, at.off, at.wrap, i, written, MIXED);
		}
		if (u.head == VQ_BADID)
			return ck_fail(c, C_PACKED_KNOWN_ID, "an id that is outstanding",
				       "desc[%u] is used with id %u", at.off, u.id);
	}
	return true;
}

static void places(struct ck *c)
{
	struct blk_req r[MIXED];

	if (!pk_start(c, 0, 0))
		return;
	for (unsigned i = 0; i < MIXED; i++)
		if (!ckb_make(c, &r[i], VIRTIO_BLK_T_IN, i, (i % 5 ? 1 : 64) * VIRTIO_BLK_SECTOR))
			return;
	if (vq_size(&c->q[0].vq) < 4 * MIXED) {
		ck_skip(c, "the queue has %u entries: too few", vq_size(&c->q[0].vq));
		return;
	}
	for (unsigned round = 0; round < 8; round++) {
		c->mem_used[0] += c->mem_used[0] & 15;
		if (!mixed_round(c, r, round))
			return;
	}
}

CHECK(places, .id = "packed.ring.places", .clauses = { C_PACKED_PLACES, C_PACKED_KNOWN_ID },
      .stimulus = "eight rounds of 24 reads of 1 and 64 sectors, in chains of two to four and in "
		  "tables, across the end of the ring",
      .oracle = "used descriptors without a gap: each begins where the one before ended, by the "
		"length of its chain",
      .device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), .run = places);

/* --- whose a descriptor is ------------------------------------------------------------------------------- */

/* Flags that make nothing available: those of the lap before, as used or as available then. */
static void stale(struct ck *c)
{
	struct vq_packed *vq;
	struct sk_herd h;

	if (!pk_start(c, 16, 0) || !sk_herd_pairs(c, &h, 8))
		return;
	vq = pk_vq(c);
	for (unsigned lap = 0; lap < 3; lap++) {
		static const char *const what[] = { "zeroes", "as used in the lap before",
						    "as available in the lap before" };
		const bool wrap = vq->avail.wrap;
		const u16 flags[] = { 0, vq_packed_used_bits(!wrap), vq_packed_avail_bits(!wrap) };

		for (unsigned f = 0; f < ARRAY_SIZE(flags); f++) {
			/* Cleared flags are those of a used descriptor with counter 0: never available. */
			ck_log(c, "  lap %u, wrap %u: all descriptors %s", lap, wrap, what[f]);
			for (u16 i = vq->avail.off; i < 16; i++)
				vq_packed_raw_desc(vq, i, h.bufs.gpa.v, 16, 0, flags[f]);
			if (!pk_kick(c))
				return;
			ck_quiet(c);
			for (u16 i = vq->avail.off; i < 16; i++) {
				if (pk_flags(c, i) == flags[f])
					continue;
				ck_fail(c, C_PACKED_STALE,
					"a descriptor that did not turn available is left",
					"wrap %u, flags %s: those of desc[%u] are 0x%x now, and were "
					"0x%x",
					wrap, what[f], i, pk_flags(c, i), flags[f]);
				return;
			}
		}
		/* And the ring still works where it stands: one lap of it. */
		if (!sk_run(c, 0, &h, 8))
			return;
	}
}

CHECK(stale, .id = "packed.ring.stale",
      .clauses = { C_PACKED_STALE, C_PACKED_KNOWN_ID, C_CHAIN_ONCE },
      .stimulus =
	      "in three laps: descriptors with zeroes in their flags, and with those of the lap "
	      "before, each followed by a notification; then a lap of requests",
      .oracle = "no descriptor is taken, and requests are served", .vehicle = true, .run = stale);

#define SENTINEL_ADDR 0x5eadbeef5eadbeefull
#define SENTINEL_LEN  0x5eadbeef
#define SENTINEL_ID   0x5ead

static bool is_sentinel(const struct vring_packed_desc *d)
{
	return le64(d->addr) == SENTINEL_ADDR && le32(d->len) == SENTINEL_LEN &&
	       le16(d->id) == SENTINEL_ID;
}

#define SETTLED_ROUNDS 64

/* The marks in the used descriptors of one round, two places each. */
static bool still_settled(struct ck *c, unsigned round, struct vq_packed_at begin, const u16 *flags)
{
	const struct vq_packed *vq = pk_vq(c);

	for (u32 i = 0; i < 32; i++) {
		const u16 off = vq_packed_forward(vq, begin, (u16)(2 * i)).off;

		if (is_sentinel(&vq->desc[off]) && pk_flags(c, off) == flags[i])
			continue;
		return ck_fail(
			c, C_PACKED_SETTLED, "a used descriptor is not written again",
			"round %u: desc[%u] was written after it was used: id %u len %u flags "
			"0x%x",
			round, off, le16(vq->desc[off].id), le32(vq->desc[off].len),
			pk_flags(c, off));
	}
	return true;
}

/* A used descriptor is the driver's from the moment its flags say so: it writes there at once. */
static void settled(struct ck *c)
{
	struct vq_packed_at begin[2];
	struct vq_packed *vq;
	u16 seen[2][32];
	struct sk_herd h;

	if (!pk_start(c, 128, 0) || !sk_herd_pairs(c, &h, 32))
		return;
	vq = pk_vq(c);
	for (unsigned round = 0; round < SETTLED_ROUNDS; round++) {
		u16 *const flags = seen[round % 2];

		begin[round % 2] = vq->used;

		for (u32 i = 0; i < h.count; i++)
			if (!sk_herd_add(c, 0, &h, i))
				return;
		vq_packed_publish(vq);
		if (!pk_kick(c))
			return;
		for (u32 i = 0; i < h.count; i++) {
			u64 end = tp_deadline(c->tp, c->tp->timeout_ms);
			const u16 off = vq->used.off;
			void *token;
			u32 id, len, right;

			while (!vq_packed_used_pending(vq)) {
				if (tp_late(c->tp, end)) {
					ck_fail(c, C_CHAIN_ONCE, "every buffer comes back",
						"buffer %u of round %u does not", i, round);
					return;
				}
				c->tp->ops->relax(c->tp);
			}
			flags[i] = pk_flags(c, off);
			if (vq_packed_reap(vq, &id, &len, &token) < 0) {
				ck_fail(c, C_PACKED_KNOWN_ID, "id and length before the flags",
					"desc[%u] is used with id %u", off, id);
				return;
			}
			right = vehicle_length(h.v, (u8 *)token + h.writable);
			if (len != right) {
				ck_fail(c, C_PACKED_USED_LEN, "id and length before the flags",
					"desc[%u] is used with length %u: the answer has %u bytes",
					off, len, right);
				return;
			}
			vq->desc[off].addr = le64(SENTINEL_ADDR);
			vq->desc[off].len = le32(SENTINEL_LEN);
			vq->desc[off].id = le16(SENTINEL_ID);
		}
		/* Those of the round before, too: a device may be late by as much. */
		if (!still_settled(c, round, begin[round % 2], flags) ||
		    (round &&
		     !still_settled(c, round - 1, begin[!(round % 2)], seen[!(round % 2)])))
			return;
	}
}

CHECK(settled, .id = "packed.ring.settled",
      .clauses = { C_PACKED_SETTLED, C_CHAIN_ONCE, C_PACKED_KNOWN_ID, C_PACKED_USED_LEN,
		   C_PACKED_FREE },
      .stimulus =
	      "64 rounds of 32 requests; each used descriptor is overwritten as soon as it is seen",
      .oracle = "id and length are right when the flags say used, and what was written stays",
      .vehicle = true, .run = settled);

/* Those that the driver has not given away. */
static void free_slots(struct ck *c)
{
	struct vq_packed *vq;
	struct sk_herd h;

	if (!pk_start(c, 128, 0) || !sk_herd_pairs(c, &h, 4))
		return;
	vq = pk_vq(c);
	for (unsigned round = 0; round < 40; round++) {
		const struct vq_packed_at next = vq_packed_forward(vq, vq->avail, 8);
		const u16 used = vq_packed_used_bits(!next.wrap);
		const u16 end = next.off > vq->avail.off ? 128 : vq->avail.off;

		/* What comes behind the eight that the round takes, as far as it is of one lap. */
		for (u16 i = next.off; i < end; i++)
			vq_packed_raw_desc(vq, i, SENTINEL_ADDR, SENTINEL_LEN, SENTINEL_ID, used);
		if (!sk_run(c, 0, &h, 4))
			return;
		for (u16 i = next.off; i < end; i++) {
			if (is_sentinel(&vq->desc[i]) && pk_flags(c, i) == used)
				continue;
			ck_fail(c, "ROB.packed.free-slots", "only what is available is written",
				"desc[%u] is the driver's, and was written: id %u len %u flags 0x%x",
				i, le16(vq->desc[i].id), le32(vq->desc[i].len), pk_flags(c, i));
			return;
		}
	}
}

CHECK(free_slots, .id = "packed.ring.free-slots",
      .clauses = { C_PACKED_FREE, C_PACKED_SETTLED, C_CHAIN_ONCE, C_PACKED_KNOWN_ID },
      .stimulus = "requests, with marks in all descriptors behind them that are not available",
      .oracle = "every mark stays", .vehicle = true, .run = free_slots);

/* --- sizes and laps --------------------------------------------------------------------------------------- */

static const u16 odd_sizes[] = { 2, 3, 7, 100, 127, 1000 };

static void sizes(struct ck *c)
{
	u16 max = 0;

	if (c->tp->ops->queue_max &&
	    !ck_must(c, c->tp->ops->queue_max(c->tp, 0, &max), "reading a queue's size"))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(odd_sizes); i++) {
		const u16 size = odd_sizes[i];
		struct sk_herd h;

		if (max && size > max)
			continue;
		ck_log(c, "  a queue of %u", size);
		if ((i && !ck_open(c)) || !pk_start(c, size, 0) ||
		    !sk_herd_make(c, &h, size / 2, false))
			return;
		for (u32 lap = 0; lap < 5; lap++) {
			/* What does not come back here does in a ring of a power of two. */
			if (sk_run(c, 0, &h, h.count))
				continue;
			return;
		}
	}
	/* One entry holds a request when it has a table. */
	if (c->offered & BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC)) {
		struct sk_herd h;

		ck_log(c, "  a queue of 1");
		if (ck_open(c) && pk_start(c, 1, 0) && sk_herd_make(c, &h, 1, true))
			sk_run(c, 0, &h, 5);
	}
}

CHECK(sizes, .id = "packed.ring.sizes",
      .clauses = { "ROB.packed.size", C_CHAIN_ONCE, C_PACKED_KNOWN_ID },
      .stimulus =
	      "queues of 2, 3, 7, 100, 127, 1000 and 1 entries, five laps each, as many requests as "
	      "fit at a time",
      .oracle = "every request comes back once", .vehicle = true, .run = sizes);

#define LAPS	  ((1u << 16) + 10)
#define LAPS_SLOW 1000
#define LAPS_MS	  4000

/* More laps than any counter of 16 bits has, where a round trip is cheap. */
static void laps(struct ck *c)
{
	struct sk_herd h;
	u64 end;
	u32 lap = 0;

	if (!pk_start(c, 2, 0) || !sk_herd_make(c, &h, 1, false))
		return;
	end = tp_deadline(c->tp, LAPS_MS);
	while (lap < LAPS && (lap < LAPS_SLOW || c->tp->ops->now_ns(c->tp) < end)) {
		const u32 n = MIN(100u, LAPS - lap);

		if (!sk_run(c, 0, &h, n))
			return;
		lap += n;
	}
	ck_log(c, "  %u laps", lap);
}

CHECK(laps, .id = "packed.ring.laps", .clauses = { C_CHAIN_ONCE, C_PACKED_KNOWN_ID },
      .stimulus =
	      "a queue of 2 entries, each request a lap: 65546 of them, or as many as go into four "
	      "seconds, a thousand at least",
      .oracle = "every request comes back once", .vehicle = true, .run = laps);

/* --- scatter-gather ----------------------------------------------------------------------------------------- */

/* A payload in eight pieces that lie backwards in memory: the order of the list counts. */
static void pieces(struct ck *c)
{
	const u32 len = 8 * VIRTIO_BLK_SECTOR, each = len / 8;
	struct vq_sg sg[10];
	struct ckb_result res;
	struct tp_buf back;
	struct blk_req r;
	u32 at;

	if (!pk_start(c, 0, 0) || !ckb_make(c, &r, VIRTIO_BLK_T_OUT, 0, len))
		return;
	for (unsigned round = 0; round < 2; round++) {
		const bool backwards = round == 0;

		sg[0] = (struct vq_sg){ r.hdr.gpa, r.hdr.len };
		for (u32 i = 0; i < 8; i++) {
			const u32 place = backwards ? 7 - i : (i * 5) % 8;
			u8 *p = r.data.hva + place * each;

			sg[1 + i] = (struct vq_sg){ gpa_add(r.data.gpa, place * each), each };
			memset(p, (int)(0x10 * (round + 1) + i), each);
		}
		sg[9] = (struct vq_sg){ r.status.gpa, r.status.len };
		if (!ckb_do_sg(c, 0, &r, sg, 9, 1, &res))
			return;
		if (res.status != VIRTIO_BLK_S_OK || !ckb_read(c, 0, 0, 8, &back)) {
			ck_error(c, "OUT in 8 pieces: status %u", res.status);
			return;
		}
		for (u32 i = 0; i < 8; i++) {
			at = ck_not_value(back.hva + i * each, each, (u8)(0x10 * (round + 1) + i));
			if (at == each)
				continue;
			ck_fail(c, C_PACKED_SCATTER,
				"the pieces of a list from the first to the last",
				"sector %u holds 0x%02x at byte %u: piece %u was 0x%02x", i,
				back.hva[i * each + at], at, i, 0x10 * (round + 1) + i);
			return;
		}
	}
}

CHECK(pieces, .id = "packed.scatter.order", .clauses = { C_PACKED_SCATTER },
      .stimulus = "OUTs of eight sectors in eight pieces, which lie in memory in another order",
      .oracle = "each sector holds the piece of its place in the list", .device = VIRTIO_ID_BLOCK,
      .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = pieces);

/* --- tables ---------------------------------------------------------------------------------------------------- */

/* In a table the place of an entry is its place in the list, and nothing but WRITE is looked at. */
static void table_flags(struct ck *c)
{
	static const u16 junk[] = { 0, VRING_DESC_F_NEXT,
				    1u << VRING_PACKED_DESC_F_AVAIL |
					    1u << VRING_PACKED_DESC_F_USED };
	const char *clause = "ROB.packed.table-flags";
	struct vring_packed_desc *d;
	struct tp_buf table;
	struct blk_req r;

	if (!pk_start(c, 0, 0) || !ckb_write_fill(c, 0, 0, 1, 5) ||
	    !ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) ||
	    !ck_alloc(c, 3 * sizeof(*d), 16, &table))
		return;
	d = (struct vring_packed_desc *)table.hva;
	for (unsigned i = 0; i < ARRAY_SIZE(junk); i++) {
		const struct vq_sg sg[] = { { r.hdr.gpa, r.hdr.len },
					    { r.data.gpa, r.data.len },
					    { r.status.gpa, r.status.len } };
		struct ckb_result res;

		blk_prepare(&r);
		memset(r.data.hva, 0, r.data.len);
		if (vq_add_indirect(&c->q[0].vq, table.hva, table.gpa, sg, 1, 2, &r) < 0) {
			ck_error(c, "the queue has no room");
			return;
		}
		for (unsigned k = 0; k < 3; k++) {
			d[k].flags |= le16(junk[i]);
			d[k].id = le16((u16)(i * 0x5555));
		}
		ck_log(c, "  a table whose entries have flags 0x%x beside WRITE, and id 0x%x",
		       junk[i], i * 0x5555);
		if (!ck_publish(c, 0) || !ckb_finish(c, 0, &r, &res, i ? clause : NULL))
			return;
		if (res.status == VIRTIO_BLK_S_OK &&
		    ck_differs(r.data.hva, r.data.len, 5) == r.data.len)
			continue;
		ck_fail(c, clause, "flags but WRITE, and ids, are ignored in a table",
			"flags 0x%x: status %u (%s), or wrong data", junk[i], res.status,
			blk_status_name(res.status));
		return;
	}
}

CHECK(table_flags, .id = "packed.indirect.flags", .clauses = { "ROB.packed.table-flags" },
      .stimulus =
	      "an IN from a table whose entries have no other flag, NEXT, AVAIL and USED, and ids",
      .oracle = "status OK and the data each time", .device = VIRTIO_ID_BLOCK,
      .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), .lacks = BIT_ULL(VIRTIO_BLK_F_RO),
      .run = table_flags);
