// SPDX-License-Identifier: BSD-3-Clause
/* SET_MEM_TABLE: regions of every shape, and what a table must find where. */
#include "harness/check/vhost_user/mem_kit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALL_MAPPED  "VU.mem.table.be.1"
#define FD_ORDER    "VU.mem.table.be.2"
#define MMAP_OFFSET "VU.mem.table.be.3"
#define REPLACES    "VU.mem.table.be.4"
#define ONE_TO_8    "VU.mem.table.be.5"
#define PAGES	    "VU.mem.table.be.6"
#define TABLE	    "VU.layout.mem-table.be.1"
#define REGION	    "VU.layout.mem-region.be.1"
#define MAPPINGS    "ROB.leak.mappings"

#define MIB (1ull << 20)

/* --- how many ------------------------------------------------------------------------------------- */

static void one_to_eight(struct ck *c)
{
	struct vu_region_spec specs[VU_MAX_REGIONS];
	struct tp_buf at;
	char what[32];

	if (!ckg_usual_serves(c))
		return;
	for (unsigned n = 1; n <= VU_MAX_REGIONS; n++) {
		/* Gaps between them, and the user addresses in the other order. */
		for (unsigned i = 0; i < n; i++)
			specs[i] = (struct vu_region_spec){ (1 + 16 * i) * MIB,
							    0x7b0000000000 + (8 - i) * 32 * MIB,
							    2 * MIB, 0 };
		snprintf(what, sizeof(what), "%u regions", n);
		if (!ckg_session(c, specs, n) || !ckg_start(c, what, n == 1 ? TABLE : ONE_TO_8) ||
		    !ckg_room(c, n - 1, &at) ||
		    !ckg_read_at(c, at, what, n == 1 ? TABLE : ONE_TO_8))
			return;
	}
}

CHECK(mem_one_to_eight, .id = "vu.mem.table.one-to-eight", .clauses = { ONE_TO_8, TABLE },
      .stimulus =
	      "memory tables of 1 to 8 regions, 8 + 32 n bytes; the ring in the first region, a "
	      "request in the last",
      .oracle = "the table is taken and the request is served", .caps = TP_CAP_VHOST_USER,
      .device = VIRTIO_ID_BLOCK, .run = one_to_eight, .own_session = true);

/* Every part of a ring and of a request in another region than its neighbour. */
static void spread(struct ck *c)
{
	static const struct vu_region_spec specs[] = {
		{ 0x10000000, 0x7c0030000000, 2 * MIB, 0 },
		{ 0x30000000, 0x7c0010000000, 2 * MIB, 0 },
		{ 0x50000000, 0x7c0020000000, 2 * MIB, 0 },
	};
	static const char *const parts[] = { "header", "data", "status byte" };

	if (!ckg_usual_serves(c) || !ckv_handshake(c, CKM_PF_NO_STATUS) ||
	    !ck_must(c, vu_set_regions(ckv(c), specs, 3), "making regions") ||
	    !ck_must(c, vu_ring_fds_make(ckv(c), 0), "making event descriptors") ||
	    !ck_queue_start(
		    c, 0,
		    &(struct ck_queue_opts){ .size = 16, .not_start = true, .scatter = true }))
		return;
	if (!ckg_start(c, "ring parts in three regions", ALL_MAPPED))
		return;
	for (unsigned turn = 0; turn < 3; turn++) {
		struct tp_buf part[3];
		struct ck_used u;
		struct blk_req r = { .type = VIRTIO_BLK_T_IN };

		for (unsigned i = 0; i < 3; i++)
			if (!ckg_room(c, (turn + i) % 3, &part[i]))
				return;
		r.hdr = (struct tp_buf){ part[0].hva, part[0].gpa, 16 };
		r.data = (struct tp_buf){ part[1].hva, part[1].gpa, VIRTIO_BLK_SECTOR };
		r.status = (struct tp_buf){ part[2].hva, part[2].gpa, 1 };
		if (ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 || !ck_publish(c, 0))
			return;
		if (!ck_reap(c, 0, &u) || blk_status(&r) != VIRTIO_BLK_S_OK) {
			ck_fail(c, ALL_MAPPED, "addresses in every region resolve",
				"a request with its %s in region 0 is not served",
				parts[(3 - turn) % 3]);
			return;
		}
	}
}

CHECK(mem_spread, .id = "vu.mem.table.every-region", .clauses = { ALL_MAPPED },
      .stimulus = "three regions; the three parts of the ring in different ones, header, data and "
		  "status of requests as well, in three arrangements",
      .oracle = "the requests are served", .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK,
      .run = spread, .own_session = true);

static void page_sized(struct ck *c)
{
	/* What QEMU makes of a PC's low memory, and regions of single pages. */
	static const struct vu_region_spec specs[] = {
		{ 0x0, 0x7c0000001000, 0xa0000, 0 },
		{ 0xc0000, 0x7c00000c1000, 0x41000, 0 },
		{ 0x102000, 0x7c0000200000, 0x1000, 0 },
		{ 0x104000, 0x7c0000300000, 0x3000, 0 },
	};

	if (!ckg_usual_serves(c) || !ckg_session(c, specs, ARRAY_SIZE(specs)) ||
	    !ckg_start(c, "regions of page granularity", PAGES))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(specs); i++) {
		const struct vu_region *r = &ckv(c)->regions[i];
		char what[48];

		snprintf(what, sizeof(what), "in a region of 0x%llx bytes",
			 (unsigned long long)r->size);
		/* Right up to its end. */
		if (!ckg_read_at(c, ckg_buf(r, r->size - (16 + VIRTIO_BLK_SECTOR + 1)), what,
				 PAGES))
			return;
	}
}

CHECK(mem_page_sized, .id = "vu.mem.table.page-granular", .clauses = { PAGES },
      .stimulus =
	      "regions of 0xa0000, 0x41000, 0x1000 and 0x3000 bytes at page addresses, requests "
	      "that end with each region",
      .oracle = "the table is taken and the requests are served", .caps = TP_CAP_VHOST_USER,
      .device = VIRTIO_ID_BLOCK, .run = page_sized, .own_session = true);

/* --- which bytes ----------------------------------------------------------------------------------- */

/*
 * A request whose header lies at the same offset in two places: the right one asks for a read into
 * the right place, the wrong one for a request that only writes its status.
 */
struct twin {
	struct blk_req good;
	u8 *wrong; /* where a back-end that errs finds and writes */
};

#define TWIN_BYTES 1024

static void twin_lay(struct twin *t, struct tp_buf at, u8 *wrong)
{
	struct virtio_blk_outhdr h = { .type = le32(VIRTIO_BLK_T_GET_ID + 0x100) };

	blk_carve(&t->good, at, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR);
	memset(t->good.data.hva, 0xa5, t->good.data.len);
	t->wrong = wrong;
	memset(wrong, 0xa5, TWIN_BYTES);
	memcpy(wrong, &h, sizeof(h));
}

/* Served from the right place? From the wrong one breaks `clause`; from none is an error. */
static bool twin_run(struct ck *c, struct twin *t, const char *what, const char *clause)
{
	struct ck_used u;
	bool used, right, wrong;

	if (ckb_add(c, 0, &t->good, BLK_LAYOUT_USUAL) < 0 || !ck_publish(c, 0))
		return false;
	used = ck_reap(c, 0, &u);
	right = blk_status(&t->good) == VIRTIO_BLK_S_OK &&
		ck_not_value(t->good.data.hva, t->good.data.len, 0xa5) < t->good.data.len;
	wrong = ck_not_value(t->wrong + 16, TWIN_BYTES - 16, 0xa5) < TWIN_BYTES - 16;
	if (right && !wrong)
		return true;
	if (wrong || (used && blk_status(&t->good) == BLK_STATUS_UNSET))
		return ck_fail(c, clause, "the request's own bytes are read and written",
			       "%s: the device %s", what,
			       wrong ? "read or wrote what lies at the wrong place"
				     : "wrote its status to another place");
	return ck_error(c, "%s: a request is %s", what, used ? "refused" : "not served");
}

static void fd_order(struct ck *c)
{
	static const struct vu_region_spec specs[] = {
		{ 0x10000000, 0x7c0030000000, 2 * MIB, 0 },
		{ 0x30000000, 0x7c0010000000, 2 * MIB, 0 },
		{ 0x50000000, 0x7c0020000000, 2 * MIB, 0 },
		{ 0x70000000, 0x7c0040000000, 2 * MIB, 0 },
	};
	struct vu_region *r = ckv(c)->regions;
	struct twin t;
	char what[48];

	if (!ckg_usual_serves(c) || !ckg_session(c, specs, 4) ||
	    !ckg_start(c, "four regions", NULL))
		return;
	for (unsigned i = 1; i < 4; i++) {
		unsigned other = i == 3 ? 1 : i + 1;

		snprintf(what, sizeof(what), "a request in region %u", i);
		twin_lay(&t, ckg_buf(&r[i], 64 << 10), r[other].hva + (64 << 10));
		if (!twin_run(c, &t, what, FD_ORDER))
			return;
	}
}

CHECK(mem_fd_order, .id = "vu.mem.table.descriptor-order", .clauses = { FD_ORDER },
      .stimulus =
	      "four regions of one size in four files, requests in each of the last three, and a "
	      "decoy at the same offset of another",
      .oracle = "the bytes of the right file are read and written, the decoy is untouched",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .run = fd_order, .own_session = true);

static void four_values(struct ck *c)
{
	/* No two fields of a region are alike, nor those of one region like those of another. */
	static const struct vu_region_spec specs[] = {
		{ 0x11000000, 0x7c0022000000, 3 * MIB, 4 * MIB },
		{ 0x7c0055000000, 0x33000000, 5 * MIB, 6 * MIB },
	};
	struct tp_buf at;

	if (!ckg_usual_serves(c) || !ckg_session(c, specs, 2) ||
	    !ckg_start(c, "regions with four different values", REGION) || !ckg_room(c, 1, &at))
		return;
	ckg_read_at(c, at, "regions with four different values", REGION);
}

CHECK(mem_four_values, .id = "vu.mem.table.region-fields", .clauses = { REGION },
      .stimulus =
	      "two regions whose guest address, size, user address and offset are all different",
      .oracle = "the table is taken, and a request in the second region is served",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .run = four_values,
      .own_session = true);

/* Our own mapping begins at the offset; the decoy is what a back-end finds that begins at 0. */
static bool offset_of(struct ck *c, u64 offset)
{
	const struct vu_region_spec specs[] = {
		{ 0x10000000, 0x7c0030000000, 2 * MIB, 0 },
		{ 0x30000000, 0x7c0010000000, 2 * MIB, offset },
	};
	struct vu_region *r = ckv(c)->regions;
	struct twin t;
	char what[48];
	u8 *below;
	bool ok;

	if (!ckg_session(c, specs, 2))
		return false;
	below = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, r[1].fd, 0);
	if (below == MAP_FAILED)
		return ck_error(c, "mmap: %s", strerror(errno));
	snprintf(what, sizeof(what), "a region at 0x%llx of its file", (unsigned long long)offset);
	twin_lay(&t, ckg_buf(&r[1], 0), below);
	ok = ckg_start(c, what, NULL) && twin_run(c, &t, what, MMAP_OFFSET);
	munmap(below, 4096);
	return ok;
}

static void mmap_offset(struct ck *c)
{
	if (ckg_usual_serves(c) && offset_of(c, 0x1000) && offset_of(c, 0x100000))
		offset_of(c, 0x200000);
}

CHECK(mem_mmap_offset, .id = "vu.mem.table.mmap-offset", .clauses = { MMAP_OFFSET },
      .stimulus =
	      "a region that begins 0x1000, 0x100000 and 0x200000 bytes into its file, with a decoy "
	      "at the beginning of the file",
      .oracle = "the request at the region's beginning is served, the decoy is untouched",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .run = mmap_offset,
      .own_session = true);

/* --- another table ------------------------------------------------------------------------------------ */

static void replaced(struct ck *c)
{
	static const struct vu_region_spec specs[] = {
		{ 0x10000000, 0x7c0030000000, 2 * MIB, 0 },
		{ 0x30000000, 0x7c0010000000, 2 * MIB, 0 },
	};
	struct vu_frontend *fe = ckv(c);
	struct tp_buf at;
	int old = -1;
	u32 base;

	if (!ckg_session(c, specs, 2) || !ckg_start(c, "the first table", NULL) ||
	    !ckg_room(c, 1, &at) || !ckg_read_at(c, at, "the first table", NULL) ||
	    !ck_must(c, vu_get_vring_base(fe, 0, &base), "GET_VRING_BASE"))
		return;
	old = dup(fe->regions[1].fd);
	/* The same addresses, other files. */
	ck_forget(c);
	if (!ck_must(c, vu_set_regions(fe, specs, 2), "making regions") ||
	    !ck_queue_start(c, 0, &(struct ck_queue_opts){ .size = 16, .not_start = true }) ||
	    !ckg_start(c, "a second table", NULL) || !ckg_room(c, 1, &at) ||
	    !ckg_read_at(c, at, "a second table with the same addresses and other files", REPLACES))
		goto out;
	if (ckg_mappings(c, fe->regions[1].fd) > 0 && ckg_mappings(c, old) > 0)
		ck_fail(c, MAPPINGS, "the files of the first table are unmapped",
			"a file of the first table is still mapped");
out:
	close(old);
}

CHECK(mem_replaced, .id = "vu.mem.table.replaced", .clauses = { REPLACES, MAPPINGS },
      .stimulus =
	      "a served request, GET_VRING_BASE, a second table with the same addresses in other "
	      "files, the ring set up again, a request",
      .oracle = "the request is served from the new files, and the old ones are no longer mapped",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .run = replaced, .own_session = true);
