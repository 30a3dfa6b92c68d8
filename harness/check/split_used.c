// SPDX-License-Identifier: BSD-3-Clause
/*
 * The used ring (2.7.8.2): the length of a used element.
 *
 * Every request is made twice over different poison: a byte that neither run changed was not
 * written. So what the device claims is compared with what it did, not with what it should have
 * done.
 */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/split_kit.h"

#define COMPLETE_LEN "ROB.used.complete-len"

/* Over both layouts: the clauses are of one each, and what else there is is the same. */
#define LEN_CHECKS(ident, topic, ...)                                                              \
	CHECK(ident, .id = "split.used-len." topic, .clauses = { C_USED_LEN, COMPLETE_LEN },       \
	      .device = VIRTIO_ID_BLOCK, __VA_ARGS__);                                             \
	CHECK_PACKED(packed_##ident, .id = "packed.used-len." topic,                               \
		     .clauses = { "ROB.packed.used-len", COMPLETE_LEN },                           \
		     .device = VIRTIO_ID_BLOCK, __VA_ARGS__)

struct seen {
	u32 len;     /* of the used element, the larger of both runs */
	u32 prefix;  /* writable bytes from the first on that were written */
	u32 written; /* all writable bytes that were */
	u8 status;
};

/* One run: the request with its data writable or readable, as `in` says. */
static bool once(struct ck *c, struct blk_req *r, bool in, struct ckb_result *res)
{
	struct vq_sg sg[3] = { { r->hdr.gpa, r->hdr.len } };
	unsigned n = 1, out;
	struct ck_used u;
	int head;

	if (r->data.len)
		sg[n++] = (struct vq_sg){ r->data.gpa, r->data.len };
	sg[n++] = (struct vq_sg){ r->status.gpa, r->status.len };
	out = in ? 1 : n - 1;
	blk_prepare(r);
	head = vq_add(&c->q[0].vq, sg, out, n - out, r);
	if (head < 0)
		return ck_error(c, "the queue has no room");
	ck_log(c, "  q0 head %d: %s (%u) sector=%llu, %u bytes %s", head, blk_type_name(r->type),
	       r->type, (unsigned long long)r->sector, r->data.len, in ? "writable" : "readable");
	if (!ck_publish(c, 0))
		return false;
	if (!ck_reap(c, 0, &u) || u.head != head)
		return ck_error(c, "%s request did not come back", blk_type_name(r->type));
	res->len = u.len;
	res->status = blk_status(r);
	return true;
}

static bool probe(struct ck *c, struct blk_req *r, bool in, struct seen *s)
{
	static const u8 poison[] = { 0x5a, 0xa5 };
	struct tp_buf written;

	*s = (struct seen){ 0 };
	if (!ck_alloc(c, r->data.len + 1, 1, &written))
		return false;
	for (unsigned run = 0; run < ARRAY_SIZE(poison); run++) {
		struct ckb_result res = { 0 };

		if (in)
			__builtin_memset(r->data.hva, poison[run], r->data.len);
		if (!once(c, r, in, &res))
			return false;
		for (u32 i = 0; in && i < r->data.len; i++)
			written.hva[i] |= r->data.hva[i] != poison[run];
		written.hva[in ? r->data.len : 0] |= res.status != BLK_STATUS_UNSET;
		s->len = MAX(s->len, res.len);
		s->status = res.status;
	}
	written.len = (in ? r->data.len : 0) + 1;
	for (u32 i = 0; i < written.len; i++)
		s->written += written.hva[i];
	while (s->prefix < written.len && written.hva[s->prefix])
		s->prefix++;
	return true;
}

static bool judge(struct ck *c, const struct blk_req *r, const struct seen *s)
{
	/*
	 * A length of 1 where only the status was written is how everybody counts; read to the
	 * letter the one byte would have to be the first of the data.
	 */
	if (s->len > s->prefix && s->len > MIN(s->written, 1))
		return ck_fail(c, C_USED_LEN, "at most the bytes the device wrote",
			       "%s of %u bytes, status %u (%s): used len %u, but only the first %u "
			       "writable bytes were written (%u in all)",
			       blk_type_name(r->type), r->data.len, s->status,
			       blk_status_name(s->status), s->len, s->prefix, s->written);
	/* What an error leaves in the data is nobody's length to count; the status is. */
	if (s->len < (s->status == VIRTIO_BLK_S_OK ? s->written : MIN(s->written, 1)))
		ck_hazard(c, COMPLETE_LEN, "all bytes the device wrote",
			  "%s of %u bytes, status %u (%s): used len %u, %u bytes were written",
			  blk_type_name(r->type), r->data.len, s->status,
			  blk_status_name(s->status), s->len, s->written);
	return true;
}

/* A request that must be carried out. */
static bool good(struct ck *c, u32 type, u64 sector, u32 len)
{
	struct blk_req r;
	struct seen s;

	if (!ckb_make(c, &r, type, sector, len) || !probe(c, &r, blk_type_is_in(type), &s))
		return false;
	if (s.status != VIRTIO_BLK_S_OK)
		return ck_error(c, "%s: status %u (%s)", blk_type_name(type), s.status,
				blk_status_name(s.status));
	return judge(c, &r, &s);
}

static void used_len_in(struct ck *c)
{
	static const u32 sectors[] = { 1, 2, 8, 64 };

	if (!ck_start(c, ck_ring_features()))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(sectors); i++)
		if (!good(c, VIRTIO_BLK_T_IN, i, sectors[i] * VIRTIO_BLK_SECTOR))
			return;
}

LEN_CHECKS(
	used_len_in, "in",
	.stimulus = "IN requests of 1, 2, 8 and 64 sectors, each over two kinds of poison",
	.oracle =
		"used len is the data plus the status byte: not more (nothing else was written), not "
		"less (drivers size what they copy by it)",
	.run = used_len_in);

static void used_len_out(struct ck *c)
{
	static const u32 sectors[] = { 1, 8, 64 };

	if (!ck_start(c, ck_ring_features()))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(sectors); i++)
		if (!good(c, VIRTIO_BLK_T_OUT, i, sectors[i] * VIRTIO_BLK_SECTOR))
			return;
}

LEN_CHECKS(used_len_out, "out", .stimulus = "OUT requests of 1, 8 and 64 sectors",
	   .oracle = "used len is 1, the status byte: what the device read does not count",
	   .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = used_len_out);

static void used_len_flush(struct ck *c)
{
	if (ck_start(c, ck_ring_features() | BIT_ULL(VIRTIO_BLK_F_FLUSH)))
		good(c, VIRTIO_BLK_T_FLUSH, 0, 0);
}

LEN_CHECKS(used_len_flush, "flush", .stimulus = "a FLUSH",
	   .oracle = "used len is 1, the status byte", .features = BIT_ULL(VIRTIO_BLK_F_FLUSH),
	   .run = used_len_flush);

static void used_len_get_id(struct ck *c)
{
	if (ck_start(c, ck_ring_features()))
		good(c, VIRTIO_BLK_T_GET_ID, 0, VIRTIO_BLK_ID_LEN);
}

LEN_CHECKS(used_len_get_id, "get-id",
	   .stimulus = "a GET_ID with a buffer of 20 bytes, over two kinds of poison",
	   .oracle = "used len does not exceed the bytes that were written, padding included",
	   .run = used_len_get_id);

/* A request that must not be carried out. */
static bool bad(struct ck *c, u32 type, u64 sector, u32 len, bool in)
{
	struct blk_req r;
	struct seen s;

	if (!ckb_make(c, &r, type, sector, len) || !probe(c, &r, in, &s))
		return false;
	if (s.status == VIRTIO_BLK_S_OK)
		return ck_error(c, "%s (%u) of sector %llu: status 0 (OK)", blk_type_name(type),
				type, (unsigned long long)sector);
	return judge(c, &r, &s);
}

static void used_len_error(struct ck *c)
{
	u64 end;

	if (!ck_start(c, ck_ring_features()))
		return;
	end = ckb_capacity(c);
	if (end && bad(c, VIRTIO_BLK_T_IN, end, 8 * VIRTIO_BLK_SECTOR, true))
		bad(c, VIRTIO_BLK_T_OUT, end, VIRTIO_BLK_SECTOR, false);
}

LEN_CHECKS(used_len_error, "error",
	   .stimulus = "an IN of 8 sectors and an OUT of one, both behind the end of the medium",
	   .oracle = "used len covers no byte that was not written: 1 when only the status was",
	   .caps = TP_CAP_CONFIG, .run = used_len_error);

static void used_len_unsupported(struct ck *c)
{
	const u32 type = 0x7fffffff;

	if (ck_start(c, ck_ring_features()) && bad(c, type, 0, VIRTIO_BLK_SECTOR, true))
		bad(c, type, 0, VIRTIO_BLK_SECTOR, false);
}

LEN_CHECKS(used_len_unsupported, "unsupported",
	   .stimulus = "requests of an unknown type with 512 writable, and with 512 readable bytes",
	   .oracle = "used len covers no byte that was not written: 1 when only the status was",
	   .run = used_len_unsupported);

/*
 * The moment the index moves: all data is there. The last byte is looked at first, since most
 * devices copy forwards.
 */
#define ORDER_SECTORS 61
#define ORDER_ROUNDS  200

static void data_before_index(struct ck *c)
{
	const u32 len = ORDER_SECTORS * VIRTIO_BLK_SECTOR;
	struct vq *vq = &c->q[0].vq;
	struct blk_req r;

	if (!ck_start(c, ck_ring_features()) || !ckb_write_fill(c, 0, 0, ORDER_SECTORS, 77) ||
	    !ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, len))
		return;
	for (unsigned round = 0; round < ORDER_ROUNDS; round++) {
		u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);
		struct ck_used u;
		u32 at;

		__builtin_memset(r.data.hva, 0, len);
		if (ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 || !ck_publish(c, 0))
			return;
		/* No yielding here: the reader must be as fast as it can be. */
		while (!vq_used_pending(vq) && !tp_late(c->tp, deadline))
			;
		/* At the deadline nothing is to be there yet: this round is none. */
		at = len;
		if (vq_used_pending(vq))
			at = r.data.hva[len - 1] ? ck_differs(r.data.hva, len, 77) : len - 1;
		if (!ck_reap(c, 0, &u)) {
			ck_error(c, "request %u did not come back", round);
			return;
		}
		if (at < len)
			ck_quiet(c);
		if (at < len && ck_differs(r.data.hva, len, 77) == len) {
			ck_fail(c, C_USED_LEN, "the data is written before the used index moves",
				"request %u: byte %u of %u came after the index", round, at, len);
			return;
		}
		if (at < len) {
			ck_error(c, "byte %u of the data is wrong", at);
			return;
		}
	}
}

LEN_CHECKS(data_before_index, "data-first",
	   .stimulus =
		   "200 reads of 61 sectors, the data looked at in the moment the used index moves",
	   .oracle = "every byte is there", .lacks = BIT_ULL(VIRTIO_BLK_F_RO),
	   .run = data_before_index);
