// SPDX-License-Identifier: BSD-3-Clause
/* Split ring: the used ring (2.7.8.2). */
#include "harness/check/blk_io.h"

#define USED_LEN "v14.split-ring.used-ring.dev.2"

static bool exact_len(struct ck *c, struct blk_req *r)
{
	struct ckb_result res;
	u32 written = blk_written_on_success(r);

	if (!ckb_do(c, 0, r, BLK_LAYOUT_USUAL, &res))
		return false;
	if (res.status != VIRTIO_BLK_S_OK)
		return ck_error(c, "%s: status %u (%s)", blk_type_name(r->type), res.status,
				blk_status_name(res.status));
	if (res.len > written)
		return ck_fail(
			c, USED_LEN, "at most the bytes the device wrote",
			"%s of %u bytes: used len %u, but only %u bytes can have been written",
			blk_type_name(r->type), r->data.len, res.len, written);
	if (res.len < written)
		ck_hazard(c, "ROB.used.complete-len", "all bytes the device wrote",
			  "%s of %u bytes: used len %u, %u bytes were written",
			  blk_type_name(r->type), r->data.len, res.len, written);
	return true;
}

static void used_len_in(struct ck *c)
{
	static const u32 sectors[] = { 1, 2, 8, 64 };
	struct blk_req r;

	if (!ck_start(c, ck_ring_features()))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(sectors); i++)
		if (!ckb_make(c, &r, VIRTIO_BLK_T_IN, i, sectors[i] * VIRTIO_BLK_SECTOR) ||
		    !exact_len(c, &r))
			return;
}

CHECK(used_len_in, .id = "split.used-len.in", .clauses = { USED_LEN, "ROB.used.complete-len" },
      .stimulus = "IN requests of 1, 2, 8 and 64 sectors",
      .oracle =
	      "used len is the data plus the status byte: not more (nothing else was written), not "
	      "less (drivers size what they copy by it)",
      .device = VIRTIO_ID_BLOCK, .run = used_len_in);
