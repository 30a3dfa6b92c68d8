// SPDX-License-Identifier: BSD-3-Clause
/* What is marked in the dirty log, where, and when ("Migration"). */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/vhost_user/log_io.h"

#include <string.h>

#define DATA	 "VU.log.data.be.1"
#define PAGE	 "VU.log.math.be.1"
#define ALL	 "VU.log.math.be.4"
#define USED	 "VU.log.used.be.1"
#define USED_AT	 "VU.log.used.be.2"
#define USED_OFF "VU.log.used.be.3"
#define PACKED	 "VU.log.used.be.4"
#define ATOMIC	 "VU.log.atomic.be.1"
#define ORDER	 "VU.log.order.be.1"
#define LOG_OFF	 "VU.log.stop.be.1"
#define STOPPED	 "VU.log.stop.be.2"
#define STOPS	 "VU.ring.stop.be.1"

/* A read whose data begins `at` bytes into a page of region `region`, as set-up. */
static bool carve_at(struct ck *c, unsigned region, u32 at, u32 bytes, struct blk_req *r)
{
	struct tp_buf area;
	u32 lead = CKL_PAGE + at - (u32)sizeof(struct virtio_blk_outhdr);

	if (!ck_alloc_in(c, region, lead + 16 + bytes + 1, CKL_PAGE, &area))
		return false;
	area = (struct tp_buf){ area.hva + lead, gpa_add(area.gpa, lead), 17 + bytes };
	blk_carve(r, area, VIRTIO_BLK_T_IN, 0, bytes);
	/* Elsewhere, so that its mark is not taken for one of the data. */
	return ck_alloc_in(c, region == 1 ? 2 : 1, 1, CKL_PAGE, &r->status);
}

/* Are the pages of the data and of the status marked after a read? */
static bool marks(struct ck *c, struct ckl *l, struct blk_req *r, const char *clause)
{
	const struct tp_buf written[] = { r->data, r->status };
	u64 page, stray;

	ckl_clear(l);
	if (!ckb_ok(c, 0, r))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(written); i++) {
		if (ckl_covers(l, written[i].gpa, written[i].len, &page))
			continue;
		/* Something else in its place: then it is the arithmetic that is wrong. */
		stray = ckl_stray(l, written, ARRAY_SIZE(written));
		if (stray != ~0ull)
			return ck_fail(
				c, PAGE, "bit p % 8 of byte p / 8 for page p",
				"%u bytes at 0x%llx were written: page 0x%llx is not marked, "
				"page 0x%llx is",
				written[i].len, (unsigned long long)written[i].gpa.v,
				(unsigned long long)page, (unsigned long long)stray);
		return ck_fail(c, clause, "every page that was written is marked",
			       "%u bytes at 0x%llx were written: page 0x%llx is not marked",
			       written[i].len, (unsigned long long)written[i].gpa.v,
			       (unsigned long long)page);
	}
	return true;
}

static void data_in(struct ck *c, struct ckl *l)
{
	struct blk_req r;

	if (!ckl_run(c, l))
		return;
	for (unsigned region = 0; region < c->tp->mem_count; region++)
		for (unsigned i = 0; i < 10; i++)
			if (!carve_at(c, region, 1024, 512, &r) || !marks(c, l, &r, DATA))
				return;
	/* The status alone: nothing else is written. */
	if (ckb_make(c, &r, VIRTIO_BLK_T_OUT, 0, 512))
		marks(c, l, &r, DATA);
}

static void run_data(struct ck *c)
{
	struct ckl l = { .fd = -1 };

	data_in(c, &l);
	ckl_free(&l);
}

CHECK(log_data, .id = "vu.log.data", .clauses = { DATA, PAGE },
      .stimulus = "LOG_ALL; 10 reads of a sector into pages of each of three regions, one of them "
		  "above 4 GiB, the bitmap cleared before each; a write",
      .oracle = "bit p % 8 of byte p / 8 is set for the page of the data and of the status byte",
      CKL_NEEDS, .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = run_data);

CHECK_PACKED(packed_data, .id = "vu.log.packed-data", .clauses = { DATA, PAGE },
	     .stimulus = "the same as vu.log.data over a packed ring",
	     .oracle = "the page of the data and of the status byte is marked", CKL_NEEDS,
	     .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = run_data);

static void all_pages_in(struct ck *c, struct ckl *l)
{
	static const struct {
		u32 at, bytes;
	} rows[] = { { 0xfff, 512 }, { 0xe01, 512 }, { 0x801, 65536 }, { 0xffe, 4096 } };
	struct blk_req r;

	if (!ckl_run(c, l))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (!carve_at(c, i % c->tp->mem_count, rows[i].at, rows[i].bytes, &r) ||
		    !marks(c, l, &r, ALL))
			return;
}

static void run_all_pages(struct ck *c)
{
	struct ckl l = { .fd = -1 };

	all_pages_in(c, &l);
	ckl_free(&l);
}

CHECK(all_pages, .id = "vu.log.pages", .clauses = { ALL, PAGE, DATA },
      .stimulus = "reads into buffers that cross pages: 512 bytes from the last byte of a page, 64 "
		  "KiB at an odd offset (17 pages), and others",
      .oracle = "every page that the buffer touches is marked", CKL_NEEDS, .run = run_all_pages);

CHECK_PACKED(packed_pages, .id = "vu.log.packed-pages", .clauses = { ALL, PAGE, DATA },
	     .stimulus = "the same as vu.log.pages over a packed ring",
	     .oracle = "every page that the buffer touches is marked", CKL_NEEDS,
	     .run = run_all_pages);

/* Front-ends and back-ends do not agree on what the log address is of a packed ring: here it is that of the
 * descriptors, and their page is marked by either reading. */
static void packed_ring_in(struct ck *c, struct ckl *l)
{
	struct blk_req r;

	/* A page of descriptors: the event suppression structures are in another one. */
	if (!ckr_session(c) || !ckl_make(c, l, ckl_bytes(c), 0, 0) || !ckl_send(c, l) ||
	    !ckl_all(c, true) || !ckr_run(c, 0, 256, 0) || !ckr_read_req(c, &r, 512) ||
	    !ckb_ok(c, 0, &r))
		return;
	if (!ckl_ring(c, 0, true, c->q[0].layout.desc.v))
		return;
	for (unsigned i = 0; i < 50; i++) {
		const u64 at = c->q[0].layout.desc.v + c->q[0].vq.packed.used.off * 16u;

		ckl_clear(l);
		if (!ckb_ok(c, 0, &r))
			return;
		if (!ckl_bit(l, at / CKL_PAGE)) {
			ck_fail(c, PACKED, "used descriptors are marked",
				"a used descriptor was written at 0x%llx, with VHOST_VRING_F_LOG: "
				"its page is not marked",
				(unsigned long long)at);
			return;
		}
	}
}

static void run_packed_ring(struct ck *c)
{
	struct ckl l = { .fd = -1 };

	packed_ring_in(c, &l);
	ckl_free(&l);
}

CHECK_PACKED(packed_ring, .id = "vu.log.packed-ring", .clauses = { PACKED },
	     .stimulus = "SET_VRING_ADDR with VHOST_VRING_F_LOG and the log address of the "
			 "descriptors, and 50 reads, the bitmap cleared before each",
	     .oracle = "the page in which the used descriptor stands is marked", CKL_NEEDS,
	     .run = run_packed_ring);

/* The address in the log that used ring byte 0 is counted from: in no region, near a page's end. */
#define LOG_ADDRESS 0x2003ffcull

static void used_in(struct ck *c, struct ckl *l)
{
	struct blk_req r;

	if (!ckl_run(c, l) || !ckr_read_req(c, &r, 512) || !ckb_ok(c, 0, &r))
		return;
	ckl_clear(l);
	if (!ckl_ring(c, 0, true, LOG_ADDRESS) || !ckb_ok(c, 0, &r))
		return;
	/* Bytes 0 to 3 are flags and index, then come the elements. */
	if (!ckl_bit(l, LOG_ADDRESS / CKL_PAGE) && !ckl_bit(l, LOG_ADDRESS / CKL_PAGE + 1)) {
		if (ckl_bit(l, c->q[0].layout.device.v / CKL_PAGE))
			ck_fail(c, USED_AT, "the log address is used, not the ring's own",
				"log address 0x%llx, used ring at 0x%llx: the page of the ring is "
				"marked",
				LOG_ADDRESS, (unsigned long long)c->q[0].layout.device.v);
		else
			ck_fail(c, USED, "the write to the used ring is marked",
				"a completion with VHOST_VRING_F_LOG marks no page of the log "
				"address 0x%llx",
				LOG_ADDRESS);
		return;
	}
	if (!ckl_bit(l, LOG_ADDRESS / CKL_PAGE) || !ckl_bit(l, LOG_ADDRESS / CKL_PAGE + 1)) {
		ck_fail(c, USED_AT, "used index and element are marked where they are",
			"log address 0x%llx: the page of the %s is not marked", LOG_ADDRESS,
			ckl_bit(l, LOG_ADDRESS / CKL_PAGE) ? "element" : "index");
		return;
	}
	/* And the other way round. */
	if (!ckl_ring(c, 0, false, LOG_ADDRESS) || !ckb_ok(c, 0, &r))
		return;
	ckl_clear(l);
	if (ckb_ok(c, 0, &r) && ckl_bit(l, LOG_ADDRESS / CKL_PAGE))
		ck_fail(c, USED_OFF, "used ring writes are not marked",
			"marked though VHOST_VRING_F_LOG is clear");
}

static void run_used(struct ck *c)
{
	struct ckl l = { .fd = -1 };

	used_in(c, &l);
	ckl_free(&l);
}

CHECK(log_used, .id = "vu.log.used", .clauses = { USED, USED_AT, USED_OFF },
      .stimulus = "SET_VRING_ADDR with VHOST_VRING_F_LOG and log address 0x2003ffc, which is in no "
		  "region; a read; then without the flag",
      .oracle = "pages 0x2003 (index) and 0x2004 (element) are marked; without the flag neither "
		"(info otherwise)",
      CKL_NEEDS, .run = run_used);

/* The driver side takes bits out of the log while the device puts others into the same bytes. */
static bool atomic_round(struct ck *c, u8 *byte, u8 theirs, struct blk_req *r, u8 *ours)
{
	struct ck_used u;
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);
	u8 others = (u8)~theirs;

	__atomic_and_fetch(byte, others, __ATOMIC_SEQ_CST);
	if (ckb_add(c, 0, r, BLK_LAYOUT_USUAL) < 0 || !ckr_publish(c, 0))
		return false;
	while (!vq_split_used_pending(&c->q[0].vq.split)) {
		u8 seen = __atomic_load_n(byte, __ATOMIC_SEQ_CST) & others;

		if (seen != *ours)
			return ck_fail(c, ATOMIC, "bits are set with an atomic OR",
				       "neighbouring bits were 0x%02x and became 0x%02x while page "
				       "0x%llx was marked",
				       *ours, seen, (unsigned long long)(r->data.gpa.v / CKL_PAGE));
		*ours = (u8)(*ours + 0x11) & others;
		/* Set what is new, then clear what is old: two atomic operations of our own. */
		__atomic_or_fetch(byte, *ours, __ATOMIC_SEQ_CST);
		__atomic_and_fetch(byte, (u8)(*ours | theirs), __ATOMIC_SEQ_CST);
		if (tp_late(c->tp, end))
			return ck_error(c, "a read was not used within %u ms", c->tp->timeout_ms);
	}
	ck_reap(c, 0, &u);
	return true;
}

static void atomic_in(struct ck *c, struct ckl *l)
{
	struct blk_req r;
	u8 *byte, theirs, ours = 0;
	u64 page;

	/* Data, status and header in one page: one bit of one byte. */
	if (!ckl_run(c, l) || !ck_alloc(c, 1, 8 * CKL_PAGE, &(struct tp_buf){ 0 }) ||
	    !carve_at(c, 0, 1024, 512, &r))
		return;
	page = r.data.gpa.v / CKL_PAGE;
	byte = &l->map[l->offset + page / 8];
	theirs = (u8)(1u << page % 8);
	ckl_clear(l);
	for (unsigned i = 0; i < 300; i++)
		if (!atomic_round(c, byte, theirs, &r, &ours))
			return;
}

static void run_atomic(struct ck *c)
{
	struct ckl l = { .fd = -1 };

	atomic_in(c, &l);
	ckl_free(&l);
}

CHECK(log_atomic, .id = "vu.log.atomic", .clauses = { ATOMIC },
      .stimulus =
	      "300 reads into one page, while the other seven bits of its byte in the log are set "
	      "and cleared with atomic operations",
      .oracle = "none of those bits changes by itself", CKL_NEEDS, .run = run_atomic);

static void order_in(struct ck *c, struct ckl *l)
{
	const struct vq *vq = &c->q[0].vq;
	struct blk_req r;

	if (!ckl_run(c, l) || !carve_at(c, 0, 1024, 16384, &r))
		return;
	for (unsigned i = 0; i < 64; i++) {
		u64 end = tp_deadline(c->tp, c->tp->timeout_ms), page;
		struct ck_used u;
		bool marked;

		ckl_clear(l);
		if (ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 || !ckr_publish(c, 0))
			return;
		while (!vq_used_pending(vq) && !tp_late(c->tp, end))
			;
		/* The page of the status is the last that is written: at once. */
		marked = ckl_covers(l, r.status.gpa, 1, &page) &&
			 ckl_covers(l, r.data.gpa, r.data.len, &page);
		if (!ck_reap(c, 0, &u)) {
			ck_error(c, "a read was not used within %u ms", c->tp->timeout_ms);
			return;
		}
		if (!marked) {
			ck_fail(c, ORDER, "marked no later than the used index that covers it",
				"read %u is in the used ring, and page 0x%llx is not marked", i,
				(unsigned long long)page);
			return;
		}
	}
}

static void run_order(struct ck *c)
{
	struct ckl l = { .fd = -1 };

	order_in(c, &l);
	ckl_free(&l);
}

CHECK(log_order, .id = "vu.log.order", .clauses = { ORDER },
      .stimulus =
	      "64 reads of 16 KiB, the log looked at in the moment in which the used index moves",
      .oracle = "every page of the buffer is marked by then", CKL_NEEDS, .run = run_order);

CHECK_PACKED(packed_order, .id = "vu.log.packed-order", .clauses = { ORDER },
	     .stimulus =
		     "64 reads of 16 KiB through a packed ring, the log looked at in the moment "
		     "in which the used descriptor is there",
	     .oracle = "every page of the buffer is marked by then", CKL_NEEDS, .run = run_order);

static void stop_in(struct ck *c, struct ckl *l)
{
	struct blk_req r;
	u32 base;

	if (!ckl_run(c, l) || !ckl_ring(c, 0, true, LOG_ADDRESS) || !ckr_read_req(c, &r, 4096) ||
	    !ckb_ok(c, 0, &r))
		return;
	if (!ckl_all(c, false))
		return;
	ckl_clear(l);
	if (!ckb_ok(c, 0, &r))
		return;
	/* The used ring has a flag of its own. */
	if (ckl_bit(l, r.data.gpa.v / CKL_PAGE) || ckl_bit(l, r.status.gpa.v / CKL_PAGE))
		ck_fail(c, LOG_OFF, "no data is marked any more",
			"LOG_ALL was cleared, and the pages of a read are marked");
	if (!ckl_all(c, true) || !ckb_ok(c, 0, &r) || !ckr_stop(c, 0, &base))
		return;
	ckl_clear(l);
	if (ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 || !ckr_publish(c, 0))
		return;
	ck_quiet(c);
	if (ckl_count(l))
		ck_fail(c, STOPPED, "the log is left alone",
			"after GET_VRING_BASE, %u pages were marked", ckl_count(l));
}

static void run_stop(struct ck *c)
{
	struct ckl l = { .fd = -1 };

	stop_in(c, &l);
	ckl_free(&l);
}

CHECK(log_stop, .id = "vu.log.stop", .clauses = { STOPPED, LOG_OFF, STOPS },
      .stimulus =
	      "LOG_ALL cleared, a read; LOG_ALL set again, the ring stopped, a request and a kick",
      .oracle = "no data is marked without LOG_ALL (info otherwise), and nothing at all while the "
		"ring is stopped",
      CKL_NEEDS, .run = run_stop);
