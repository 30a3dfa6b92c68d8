// SPDX-License-Identifier: BSD-3-Clause
/* Block device: the status byte, what is written around it, and how much the used ring claims. */
#include "harness/check/blk_util.h"

#include <string.h>

#define STATUS	      "ROB.blk.status"
#define OUTSIDE	      "ROB.mem.outside"
#define READABLE      "v14.split-ring.desc-table.dev.1"
#define USED_LEN      "v14.split-ring.used-ring.dev.2"
#define FEATURE(name) BIT_ULL(VIRTIO_BLK_F_##name)

/* Requests that end in every way there is. */
struct outcome {
	u32 type;
	u32 data_len;
	bool at_end; /* the sector is the device's capacity: refused */
};

static const struct outcome outcomes[] = {
	{ VIRTIO_BLK_T_IN, 512, false },
	{ VIRTIO_BLK_T_IN, 4096, false },
	{ VIRTIO_BLK_T_FLUSH, 0, false },
	{ VIRTIO_BLK_T_GET_ID, VIRTIO_BLK_ID_LEN, false },
	{ VIRTIO_BLK_T_IN, 512, true },
	{ VIRTIO_BLK_T_IN, 513, false },
	{ VIRTIO_BLK_T_OUT, 512, true },
	{ VIRTIO_BLK_T_OUT, 513, false },
	{ VIRTIO_BLK_T_DISCARD, 17, false },
	{ VIRTIO_BLK_T_WRITE_ZEROES, 17, false },
	{ 0x7f, 0, false },
	{ 0x7f, 512, false },
	/* Last, and not to a read-only device, which these checks never meet. */
	{ VIRTIO_BLK_T_OUT, 512, false },
	{ VIRTIO_BLK_T_OUT, 4096, false },
};

static bool guarded(struct ck *c, const struct outcome *o, u64 capacity, struct ckb_guarded *g,
		    struct ckb_result *res)
{
	if (!ckb_make_guarded(c, g, o->type, o->at_end ? capacity : 8, o->data_len))
		return false;
	if (!blk_type_is_in(o->type))
		ckb_pattern(g->r.data.hva, 8, o->data_len / VIRTIO_BLK_SECTOR, 1);
	return ckb_do(c, 0, &g->r, BLK_LAYOUT_USUAL, res);
}

static void one_byte(struct ck *c)
{
	u64 capacity = ckb_room(c, 64);

	if (!capacity || !ck_start(c, ck_ring_features() | FEATURE(FLUSH)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(outcomes); i++) {
		struct ckb_guarded g;
		struct ckb_result res;

		if (!guarded(c, &outcomes[i], capacity, &g, &res) || !ckb_defined(c, &g.r, &res) ||
		    !ckb_status_guards(c, &g, STATUS))
			return;
	}
}

CHECK(one_byte, .id = "blk.status.byte", .clauses = { STATUS },
      .stimulus = "14 requests that succeed, are out of range, of an odd length or of an unknown "
		  "type, each with canaries around the status byte",
      .oracle = "the status is written, it is 0, 1 or 2, and the bytes before and behind it are "
		"untouched",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .lacks = FEATURE(RO), .run = one_byte);

static void outside(struct ck *c)
{
	u64 capacity = ckb_room(c, 64);

	if (!capacity || !ck_start(c, ck_ring_features() | FEATURE(FLUSH)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(outcomes); i++) {
		struct ckb_guarded g;
		struct ckb_result res;

		if (!guarded(c, &outcomes[i], capacity, &g, &res) ||
		    !ckb_other_guards(c, &g, OUTSIDE))
			return;
	}
}

CHECK(outside, .id = "blk.status.outside", .clauses = { OUTSIDE },
      .stimulus = "the same 14 requests with canaries around header and data",
      .oracle = "no byte outside the data and the status is written, however the request ends",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .lacks = FEATURE(RO), .run = outside);

static void readable(struct ck *c)
{
	u64 capacity = ckb_room(c, 64);

	if (!capacity || !ck_start(c, ck_ring_features() | FEATURE(FLUSH)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(outcomes); i++) {
		const struct outcome *o = &outcomes[i];
		struct ckb_guarded g;
		struct ckb_result res;
		struct virtio_blk_outhdr hdr;
		u8 data[4096];

		if (!ckb_make_guarded(c, &g, o->type, o->at_end ? capacity : 8, o->data_len))
			return;
		if (!blk_type_is_in(o->type))
			ckb_pattern(g.r.data.hva, 8, o->data_len / VIRTIO_BLK_SECTOR, 2);
		memcpy(data, g.r.data.hva, o->data_len);
		blk_prepare(&g.r);
		memcpy(&hdr, g.r.hdr.hva, sizeof(hdr));
		if (!ckb_do(c, 0, &g.r, BLK_LAYOUT_USUAL, &res))
			return;
		if (memcmp(&hdr, g.r.hdr.hva, sizeof(hdr)) != 0) {
			ck_fail(c, READABLE, "device-readable buffers keep their contents",
				"%s (type %u): the header was changed", blk_type_name(o->type),
				o->type);
			return;
		}
		if (!blk_type_is_in(o->type) && memcmp(data, g.r.data.hva, o->data_len) != 0) {
			ck_fail(c, READABLE, "device-readable buffers keep their contents",
				"%s (type %u): the data was changed", blk_type_name(o->type),
				o->type);
			return;
		}
	}
}

CHECK(readable, .id = "blk.status.readable",
      .clauses = { READABLE, "v14.packed-ring.desc-table.dev.1" },
      .stimulus = "the same 14 requests", .oracle = "header and outgoing data are not modified",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .lacks = FEATURE(RO), .run = readable);

/* The last writable byte is our reading; a status in the first one of its descriptor is reported. */
static void wide(struct ck *c)
{
	struct ckb_guarded g;
	struct ckb_result res;
	struct vq_sg sg[2];
	u8 *first, last;

	if (!ck_start(c, ck_ring_features() | FEATURE(FLUSH)) ||
	    !ckb_make_guarded(c, &g, VIRTIO_BLK_T_FLUSH, 0, 7))
		return;
	/* Seven bytes of room in front of the status, in one descriptor with it. */
	g.r.status = (struct tp_buf){ g.r.data.hva + 7, gpa_add(g.r.data.gpa, 7), 1 };
	first = g.r.data.hva;
	memset(first, BLK_STATUS_UNSET, 8);
	sg[0] = ckb_sg(&g.r.hdr);
	sg[1] = (struct vq_sg){ g.r.data.gpa, 8 };
	if (!ckb_do_sg(c, 0, &g.r, sg, 1, 1, &res))
		return;
	last = res.status;
	ck_log(c, "  first byte 0x%02x, last byte 0x%02x", *first, last);
	if (last > VIRTIO_BLK_S_UNSUPP && *first > VIRTIO_BLK_S_UNSUPP) {
		ck_fail(c, STATUS, "a status in the last writable byte",
			"FLUSH with 8 writable bytes: the first holds 0x%02x, the last 0x%02x",
			*first, last);
		return;
	}
	if (last > VIRTIO_BLK_S_UNSUPP)
		ck_info(c, STATUS,
			"FLUSH with 8 writable bytes: the status is in the first, not in the last");
	if (ck_not_value(first + 8, CKB_GUARD - 1, 0xa5) < CKB_GUARD - 1)
		ck_fail(c, STATUS, "nothing written behind the status",
			"FLUSH with 8 writable bytes: bytes behind them were changed");
}

CHECK(wide, .id = "blk.status.wide", .clauses = { STATUS },
      .stimulus = "FLUSH with one writable descriptor of 8 bytes",
      .oracle = "the status stands in the last of them (in the first: reported), nothing behind it",
      .device = VIRTIO_ID_BLOCK, .features = FEATURE(FLUSH), .run = wide);

/* --- used length ----------------------------------------------------------------------------------- */

/*
 * How many bytes from the first writable one on were written. The same request over two different
 * fills shows it: a byte that holds both of them was not.
 */
static bool written_prefix(struct ck *c, const struct outcome *o, u64 capacity, u32 *prefix,
			   struct ckb_result *res)
{
	static const u8 fills[] = { 0x5a, 0xa7 };
	struct blk_req r[ARRAY_SIZE(fills)];
	u32 in, n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(fills); i++) {
		if (!ckb_make(c, &r[i], o->type, o->at_end ? capacity : 8, o->data_len))
			return false;
		memset(r[i].data.hva, fills[i], r[i].data.len);
		if (!ckb_do(c, 0, &r[i], BLK_LAYOUT_USUAL, res))
			return false;
	}
	in = blk_type_is_in(o->type) ? o->data_len : 0;
	while (n < in && (r[0].data.hva[n] != fills[0] || r[1].data.hva[n] != fills[1]))
		n++;
	*prefix = n + (n == in && res->status != BLK_STATUS_UNSET);
	return true;
}

static void error_len(struct ck *c)
{
	u64 capacity = ckb_room(c, 64);

	if (!capacity || !ck_start(c, ck_ring_features() | FEATURE(FLUSH)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(outcomes); i++) {
		const struct outcome *o = &outcomes[i];
		struct ckb_result res = { 0 };
		u32 prefix;

		if (!written_prefix(c, o, capacity, &prefix, &res))
			return;
		if (res.status == VIRTIO_BLK_S_OK)
			continue;
		if (res.len <= prefix)
			continue;
		/*
		 * "1" for a status byte behind data that was not written is common, counts what was
		 * written, and yet is not counted from the first writable byte on.
		 */
		if (res.len == 1) {
			ck_info(c, USED_LEN,
				"%s that ends with %s: used len 1 counts the status behind %u "
				"bytes that were not written",
				blk_type_name(o->type), blk_status_name(res.status), o->data_len);
			continue;
		}
		ck_fail(c, USED_LEN, "no more than what was written, from the first byte on",
			"%s of %u bytes that ends with %s: used len %u, but of the data %u bytes "
			"were written",
			blk_type_name(o->type), o->data_len, blk_status_name(res.status), res.len,
			prefix);
		return;
	}
}

CHECK(error_len, .id = "blk.used-len.error", .clauses = { USED_LEN, "ROB.packed.used-len" },
      .stimulus =
	      "requests that are out of range, of an odd length or of an unknown type, each over "
	      "two different fills of the device-writable buffers",
      .oracle = "used len is not more than what was written from the first writable byte on",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .lacks = FEATURE(RO), .run = error_len);
