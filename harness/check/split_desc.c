// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a device may touch (2.7.5): not the table, not device-readable buffers, nothing beside
 * device-writable ones; and indirect descriptors (2.7.5.3).
 */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/split_kit.h"

#define MARK 0xc7

/* --- buffers ----------------------------------------------------------------------------------------- */

/* One request of each kind that the device knows, well-formed. */
struct kind {
	u32 type;
	u32 len;
	u64 feature;
};

static const struct kind kinds[] = {
	{ VIRTIO_BLK_T_IN, 4 * VIRTIO_BLK_SECTOR, 0 },
	{ VIRTIO_BLK_T_OUT, 4 * VIRTIO_BLK_SECTOR, 0 },
	{ VIRTIO_BLK_T_FLUSH, 0, BIT_ULL(VIRTIO_BLK_F_FLUSH) },
	{ VIRTIO_BLK_T_GET_ID, VIRTIO_BLK_ID_LEN, 0 },
	{ VIRTIO_BLK_T_DISCARD, 16, BIT_ULL(VIRTIO_BLK_F_DISCARD) },
	{ VIRTIO_BLK_T_WRITE_ZEROES, 16, BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES) },
};

#define KIND_FEATURES                                                                              \
	(BIT_ULL(VIRTIO_BLK_F_FLUSH) | BIT_ULL(VIRTIO_BLK_F_DISCARD) |                             \
	 BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES))

static void prepare_kind(struct blk_req *r)
{
	struct virtio_blk_discard_write_zeroes range = { .num_sectors = le32(8) };

	if (r->type == VIRTIO_BLK_T_OUT)
		ck_fill(r->data.hva, r->data.len, 3);
	else if (!blk_type_is_in(r->type) && r->data.len)
		__builtin_memcpy(r->data.hva, &range, sizeof(range));
	else
		__builtin_memset(r->data.hva, 0, r->data.len);
	blk_prepare(r);
}

/* Every kind in turn, to `one`; the request is in *r, its status is not looked at. */
static void each_kind(struct ck *c, bool (*one)(struct ck *c, const struct kind *k))
{
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if ((c->features & kinds[i].feature) == kinds[i].feature && !one(c, &kinds[i]))
			return;
}

static bool first_difference(const u8 *a, const u8 *b, u32 len, u32 *at)
{
	for (*at = 0; *at < len; ++*at)
		if (a[*at] != b[*at])
			return true;
	return false;
}

#define READABLE "v14.split-ring.desc-table.dev.1"

static bool readable_intact(struct ck *c, const struct kind *k)
{
	struct tp_buf copy;
	struct ckb_result res;
	struct blk_req r;
	u32 len, at;

	if (!ckb_make(c, &r, k->type, 0, k->len) || !ck_alloc(c, r.hdr.len + r.data.len, 16, &copy))
		return false;
	prepare_kind(&r);
	/* Header and outgoing data lie side by side. */
	len = r.hdr.len + (blk_type_is_in(k->type) ? 0 : r.data.len);
	__builtin_memcpy(copy.hva, r.hdr.hva, len);
	if (!ckb_do(c, 0, &r, BLK_LAYOUT_USUAL, &res))
		return false;
	return !first_difference(r.hdr.hva, copy.hva, len, &at) ||
	       ck_fail(c, READABLE, "device-readable memory is as the driver left it",
		       "%s: byte %u of %s was 0x%02x and is 0x%02x", blk_type_name(k->type),
		       at < r.hdr.len ? at : at - r.hdr.len,
		       at < r.hdr.len ? "the header" : "the data", copy.hva[at], r.hdr.hva[at]);
}

static void readable(struct ck *c)
{
	if (ck_start(c, ck_ring_features() | KIND_FEATURES))
		each_kind(c, readable_intact);
}

CHECK(readable, .id = "split.desc.readable-intact", .clauses = { READABLE },
      .stimulus = "one request of each type that the device knows",
      .oracle = "header and outgoing data are as before", .device = VIRTIO_ID_BLOCK,
      .run = readable);

CHECK_PACKED(packed_readable, .id = "packed.desc.readable-intact",
	     .clauses = { "v14.packed-ring.desc-table.dev.1" },
	     .stimulus = "one request of each type that the device knows",
	     .oracle = "header and outgoing data are as before", .device = VIRTIO_ID_BLOCK,
	     .run = readable);

#define TABLE "v14.split-ring.desc-table.dev.4"

static bool table_intact(struct ck *c, const struct kind *k)
{
	u32 bytes = vq_split_desc_bytes(c->q[0].vq.split.size);
	struct tp_buf copy, indirect = { 0 };
	bool tried_indirect = false;
	struct blk_req r;

	if (!ckb_make(c, &r, k->type, 0, k->len) || !ck_alloc(c, bytes, 16, &copy) ||
	    !ck_alloc(c, BLK_FRAME_MAX * (u32)sizeof(struct vring_desc), 16, &indirect))
		return false;
	do {
		u8 *table = tried_indirect ? indirect.hva : (u8 *)c->q[0].vq.split.desc;
		u32 len = tried_indirect ? indirect.len : bytes, at;
		struct vq_sg sg[BLK_FRAME_MAX];
		unsigned out, in;
		struct ck_used u;
		int head;

		prepare_kind(&r);
		blk_frame(&r, BLK_LAYOUT_HEADER_SPLIT, sg, &out, &in);
		head = tried_indirect ? vq_split_add_indirect(&c->q[0].vq.split,
							      (struct vring_desc *)indirect.hva,
							      indirect.gpa, sg, out, in, &r)
				      : vq_split_add(&c->q[0].vq.split, sg, out, in, &r);
		if (head < 0)
			return ck_error(c, "the queue has no room");
		__builtin_memcpy(copy.hva, table, len);
		if (!ck_publish(c, 0))
			return false;
		if (!ck_reap(c, 0, &u))
			return ck_error(c, "%s did not come back", blk_type_name(k->type));
		if (first_difference(table, copy.hva, len, &at))
			return ck_fail(c, TABLE, "no entry is written by the device",
				       "%s: byte %u of entry %u of the %s was 0x%02x and is 0x%02x",
				       blk_type_name(k->type), at % 16, at / 16,
				       tried_indirect ? "indirect table" : "descriptor table",
				       copy.hva[at], table[at]);
		tried_indirect = !tried_indirect && ck_has(c, VIRTIO_RING_F_INDIRECT_DESC);
	} while (tried_indirect);
	return true;
}

static void table(struct ck *c)
{
	if (ck_start(c, ck_ring_features() | KIND_FEATURES))
		each_kind(c, table_intact);
}

CHECK(table, .id = "split.desc.table-intact", .clauses = { TABLE },
      .stimulus = "one request of each type that the device knows, direct and indirect",
      .oracle = "every byte of the descriptor table, and of the indirect one, is as before",
      .device = VIRTIO_ID_BLOCK, .run = table);

/*
 * Device-writable memory is no input. What stands there when the request comes must show neither in
 * the status nor in the data.
 */
#define WRITABLE "v14.split-ring.desc-table.dev.2"

static bool writable_unread(struct ck *c, const struct kind *k)
{
	static const u8 before[] = { BLK_STATUS_UNSET, VIRTIO_BLK_S_OK, VIRTIO_BLK_S_IOERR,
				     VIRTIO_BLK_S_UNSUPP, 0xff };
	bool in = blk_type_is_in(k->type);
	struct tp_buf first;
	struct blk_req r;
	u8 status = 0;

	if (!ckb_make(c, &r, k->type, 0, k->len) || !ck_alloc(c, k->len + 1, 16, &first))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(before); i++) {
		struct vq_sg sg[BLK_FRAME_MAX];
		unsigned out, inward;
		struct ck_used u;
		u32 at;

		prepare_kind(&r);
		*r.status.hva = before[i];
		blk_frame(&r, BLK_LAYOUT_USUAL, sg, &out, &inward);
		if (vq_add(&c->q[0].vq, sg, out, inward, &r) < 0 || !ck_publish(c, 0) ||
		    !ck_reap(c, 0, &u))
			return ck_error(c, "%s did not come back", blk_type_name(k->type));
		if (i == 0) {
			status = blk_status(&r);
			__builtin_memcpy(first.hva, r.data.hva, r.data.len);
			continue;
		}
		/* A byte that is not written at all looks like one that was read. */
		if (status == BLK_STATUS_UNSET)
			return ck_error(c, "%s: no status", blk_type_name(k->type));
		if (blk_status(&r) != status)
			return ck_fail(c, WRITABLE,
				       "a status that does not depend on what was there",
				       "%s: status %u where the byte held %u, status %u before",
				       blk_type_name(k->type), blk_status(&r), before[i], status);
		if (in && first_difference(r.data.hva, first.hva, r.data.len, &at))
			return ck_fail(c, WRITABLE, "data that does not depend on what was there",
				       "%s: byte %u is 0x%02x, was 0x%02x", blk_type_name(k->type),
				       at, r.data.hva[at], first.hva[at]);
	}
	return true;
}

static void writable(struct ck *c)
{
	if (ck_start(c, ck_ring_features() | KIND_FEATURES))
		each_kind(c, writable_unread);
}

CHECK(writable, .id = "split.desc.writable-unread", .clauses = { WRITABLE },
      .stimulus = "requests of each type over status bytes of 0, 1, 2, 0xee and 0xff",
      .oracle = "status and data are the same each time", .device = VIRTIO_ID_BLOCK,
      .run = writable);

CHECK_PACKED(packed_writable, .id = "packed.desc.writable-unread",
	     .clauses = { "v14.packed-ring.desc-table.dev.2" },
	     .stimulus = "requests of each type over status bytes of 0, 1, 2, 0xee and 0xff",
	     .oracle = "status and data are the same each time", .device = VIRTIO_ID_BLOCK,
	     .run = writable);

/* --- nothing beside them ---------------------------------------------------------------------------------- */

#define FIELD (16 * 1024)

static bool field_intact(struct ck *c, const struct tp_buf *field, u32 from, u32 to,
			 const char *what)
{
	for (u32 i = 0; i < field->len; i++)
		if ((i < from || i >= to) && field->hva[i] != MARK)
			return ck_fail(c, C_OUTSIDE, "only device-writable buffers are written",
				       "%s: byte %d relative to the buffer of %u bytes is 0x%02x",
				       what, (int)i - (int)from, to - from, field->hva[i]);
	return true;
}

/* The data of a request in the middle of a marked field, and the status in another. */
static bool beside(struct ck *c, const struct kind *k)
{
	struct tp_buf data, status;
	struct ckb_result res;
	struct blk_req r;
	u32 at;

	if (!blk_type_is_in(k->type) && k->len)
		return true;
	if (!ckb_make(c, &r, k->type, 0, k->len) || !ck_alloc(c, FIELD, 4096, &data) ||
	    !ck_alloc(c, FIELD, 4096, &status))
		return false;
	__builtin_memset(data.hva, MARK, FIELD);
	__builtin_memset(status.hva, MARK, FIELD);
	/* Odd, so that a device which rounds is seen. */
	at = FIELD / 2 - k->len / 2 + 3;
	r.data = (struct tp_buf){ data.hva + at, gpa_add(data.gpa, at), k->len };
	r.status = (struct tp_buf){ status.hva + FIELD / 2 + 5, gpa_add(status.gpa, FIELD / 2 + 5),
				    1 };
	return ckb_do(c, 0, &r, BLK_LAYOUT_USUAL, &res) &&
	       field_intact(c, &data, at, at + k->len, blk_type_name(k->type)) &&
	       field_intact(c, &status, FIELD / 2 + 5, FIELD / 2 + 6, "status");
}

/* The space between the parts of the ring, up to where the next one begins. */
static bool gap_intact(struct ck *c, const u8 *from, const u8 *to, const char *what)
{
	u32 len = (u32)(to - from), at = ck_not_value(from, len, MARK);

	return at == len || ck_fail(c, C_OUTSIDE, "nothing behind a part of the ring is written",
				    "byte %u behind the %s is 0x%02x", at, what, from[at]);
}

static void outside(struct ck *c)
{
	struct vq_layout *l = &c->q[0].layout;
	u8 *behind[3], *next[3];
	struct tp_buf after;
	enum vq_ring ring;

	if (!ck_negotiate(c, ck_ring_features() | KIND_FEATURES) || !ck_queue_start(c, 0, NULL) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") ||
	    !ck_alloc(c, 4096, 4096, &after))
		return;
	behind[0] = (u8 *)l->desc_hva + vq_desc_bytes(l->size);
	next[0] = l->driver_hva;
	ring = c->q[0].vq.ring;
	/* The slots of the event index belong to the ring whether it is used or not. */
	behind[1] = (u8 *)l->driver_hva + vq_driver_bytes(ring, l->size);
	next[1] = l->device_hva;
	behind[2] = (u8 *)l->device_hva + vq_device_bytes(ring, l->size);
	next[2] = after.hva + after.len;
	for (unsigned i = 0; i < ARRAY_SIZE(behind); i++)
		__builtin_memset(behind[i], MARK, (size_t)(next[i] - behind[i]));
	each_kind(c, beside);
	if (!c->accused && gap_intact(c, behind[0], next[0], "descriptor area") &&
	    gap_intact(c, behind[1], next[1], "driver area"))
		gap_intact(c, behind[2], next[2], "device area");
}

CHECK(outside, .id = "split.memory.outside", .clauses = { C_OUTSIDE },
      .stimulus = "requests of each type whose data and status lie in the middle of marked pages",
      .oracle = "no other byte of those pages has changed, nor any between the parts of the ring",
      .device = VIRTIO_ID_BLOCK, .run = outside);

CHECK_PACKED(
	packed_outside, .id = "packed.memory.outside", .clauses = { C_OUTSIDE },
	.stimulus = "requests of each type whose data and status lie in the middle of marked pages",
	.oracle = "no other byte of those pages has changed, nor any between the parts of the ring",
	.device = VIRTIO_ID_BLOCK, .run = outside);

/* --- indirect descriptors -------------------------------------------------------------------------------- */

static bool indirect_in(struct ck *c, struct blk_req *r, struct tp_buf *table_buf)
{
	struct vring_desc *d;

	if (!ckb_write_fill(c, 0, 0, 1, 5) ||
	    !ckb_make(c, r, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) ||
	    !ck_alloc(c, 3 * sizeof(*d), 16, table_buf))
		return false;
	d = (struct vring_desc *)table_buf->hva;
	d[0] = (struct vring_desc){ le64(r->hdr.gpa.v), le32(r->hdr.len), le16(VRING_DESC_F_NEXT),
				    le16(1) };
	d[1] = (struct vring_desc){ le64(r->data.gpa.v), le32(r->data.len),
				    le16(VRING_DESC_F_NEXT | VRING_DESC_F_WRITE), le16(2) };
	d[2] = (struct vring_desc){ le64(r->status.gpa.v), le32(r->status.len),
				    le16(VRING_DESC_F_WRITE), 0 };
	blk_prepare(r);
	return true;
}

/*
 * A request built by hand with head 0, and a good one behind it: when that is back and the first one
 * is not, a little patience is enough.
 */
static bool must_read(struct ck *c, struct blk_req *r, unsigned descs, const char *clause,
		      const char *expected)
{
	struct vq_split *vq = &c->q[0].vq.split;
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);
	struct blk_req behind;
	void *token = NULL;
	u32 at, id, len;

	vq->slots[0].token = r;
	vq->slots[0].count = (u16)descs;
	vq_split_raw_avail(vq, vq->avail_idx++, 0);
	if (!ckb_make(c, &behind, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) ||
	    ckb_add(c, 0, &behind, BLK_LAYOUT_USUAL) < 0 || !ck_publish(c, 0))
		return false;
	while (token != r) {
		if (tp_late(c->tp, end))
			return ck_fail(c, clause, expected, "the request is not used");
		c->tp->ops->relax(c->tp);
		if (vq_split_reap(vq, &id, &len, &token) == VQ_BADID)
			return ck_error(c, "used element with id %u", id);
		if (token == &behind)
			end = MIN(end, tp_deadline(c->tp, 5 * c->tp->quiet_ms));
	}
	if (blk_status(r) != VIRTIO_BLK_S_OK)
		return ck_fail(c, clause, expected, "status %u (%s)", blk_status(r),
			       blk_status_name(blk_status(r)));
	at = ck_differs(r->data.hva, r->data.len, 5);
	return at == r->data.len ||
	       ck_fail(c, clause, expected, "status 0 (OK), but byte %u of the data is wrong", at);
}

static void indirect_write_flag(struct ck *c)
{
	struct vq_split *vq = &c->q[0].vq.split;
	struct tp_buf table_buf;
	struct blk_req r;

	if (!ck_start(c, ck_ring_features()) || !indirect_in(c, &r, &table_buf))
		return;
	vq->free_head = vq->slots[0].next;
	vq->free_count--;
	vq_split_raw_desc(vq, 0, table_buf.gpa.v, table_buf.len,
			  VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE, 0);
	ck_log(c, "  desc[0] is INDIRECT | WRITE, to a table of 3");
	must_read(c, &r, 1, "v14.split-ring.indirect.dev.1", "the flag makes no difference");
}

CHECK(indirect_write_flag, .id = "split.indirect.write-flag",
      .clauses = { "v14.split-ring.indirect.dev.1" },
      .stimulus =
	      "an IN from an indirect table, with WRITE set in the descriptor that points to it",
      .oracle = "status OK and the data, as without the flag", .device = VIRTIO_ID_BLOCK,
      .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), .lacks = BIT_ULL(VIRTIO_BLK_F_RO),
      .run = indirect_write_flag);

static void indirect_after_direct(struct ck *c)
{
	struct vq_split *vq = &c->q[0].vq.split;
	struct tp_buf table_buf;
	struct vring_desc *d;
	struct blk_req r;

	if (!ck_start(c, ck_ring_features()) || !indirect_in(c, &r, &table_buf))
		return;
	/* The header goes first and direct; the table begins with the data. */
	d = (struct vring_desc *)table_buf.hva;
	d[0] = d[1];
	d[0].next = le16(1);
	d[1] = d[2];
	vq->free_head = vq->slots[vq->slots[0].next].next;
	vq->free_count -= 2;
	vq_split_raw_desc(vq, 0, r.hdr.gpa.v, r.hdr.len, VRING_DESC_F_NEXT, 1);
	vq_split_raw_desc(vq, 1, table_buf.gpa.v, 2 * sizeof(*d), VRING_DESC_F_INDIRECT, 0);
	ck_log(c, "  desc[0] is the header, desc[1] INDIRECT to data and status");
	must_read(c, &r, 2, "v14.split-ring.indirect.dev.2",
		  "direct descriptors that end in an indirect one are processed");
}

CHECK(indirect_after_direct, .id = "split.indirect.after-direct",
      .clauses = { "v14.split-ring.indirect.dev.2" },
      .stimulus = "an IN whose header is a direct descriptor, chained to an indirect one with data "
		  "and status",
      .oracle = "status OK and the data", .device = VIRTIO_ID_BLOCK,
      .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), .lacks = BIT_ULL(VIRTIO_BLK_F_RO),
      .run = indirect_after_direct);
