// SPDX-License-Identifier: BSD-3-Clause
/*
 * Message framing (2.7.4): how a request is cut into descriptors makes no difference.
 *
 * The usual cut comes first and is set-up; every other one must give the same status, the same data
 * and the same used length.
 */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/split_kit.h"

#define FRAMING	       "v14.split-ring.message-framing.dev.1"
#define PACKED_FRAMING "ROB.packed.framing"
#define FRAMING_LONG   "v14.split-ring.message-framing.dev.2"
#define FRAMING_PASS   "same status, same data, same used length as with the usual framing"
#define FRAMING_SIZE   1024
#define DATA_SECTORS   3
#define ZEROES_SECTOR  64

static bool start(struct ck *c, u64 want)
{
	struct ck_queue_opts o = { .size = FRAMING_SIZE };

	return ck_negotiate(c, ck_ring_features() | want) && ck_queue_start(c, 0, &o) &&
	       ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK");
}

/* Pieces of data that a request may have; the driver must keep to seg_max where it is offered. */
static u32 seg_limit(struct ck *c)
{
	struct virtio_blk_config cfg;

	if (!(c->offered & BIT_ULL(VIRTIO_BLK_F_SEG_MAX)) || !(c->tp->caps & TP_CAP_CONFIG) ||
	    !ckb_config(c, &cfg))
		return FRAMING_SIZE;
	return le32(cfg.seg_max);
}

/* --- a request in any framing ------------------------------------------------------------------- */

/* What of a request must not depend on its framing. */
struct outcome {
	u8 status;
	u32 len;
};

/* Data for a request: what is written, or poison for what is read. */
static void fill(const struct blk_req *r, u32 seed)
{
	struct virtio_blk_discard_write_zeroes range = {
		.sector = le64(ZEROES_SECTOR),
		.num_sectors = le32(8),
	};

	if (r->type == VIRTIO_BLK_T_OUT)
		ck_fill(r->data.hva, r->data.len, seed);
	else if (blk_type_is_in(r->type))
		__builtin_memset(r->data.hva, 0, r->data.len);
	else if (r->data.len)
		__builtin_memcpy(r->data.hva, &range, sizeof(range));
}

static bool carry_out(struct ck *c, struct blk_req *r, const struct vq_sg *sg, unsigned out,
		      unsigned in, bool indirect, const char *how, struct outcome *o)
{
	struct vq *vq = &c->q[0].vq;
	struct ck_used u;
	int head;

	blk_prepare(r);
	if (indirect) {
		struct tp_buf table;

		if (!ck_alloc(c, (out + in) * (u32)sizeof(struct vring_desc), 16, &table))
			return false;
		head = vq_add_indirect(vq, table.hva, table.gpa, sg, out, in, r);
	} else {
		head = vq_add(vq, sg, out, in, r);
	}
	if (head < 0)
		return ck_error(c, "the queue has no room for %u descriptors", out + in);
	ck_log(c, "  q0 head %d: %s sector=%llu data=%u, %s, %u readable + %u writable%s", head,
	       blk_type_name(r->type), (unsigned long long)r->sector, r->data.len, how, out, in,
	       indirect ? ", indirect" : "");
	if (!ck_publish(c, 0))
		return false;
	if (!ck_reap(c, 0, &u) || u.head != head) {
		*o = (struct outcome){ BLK_STATUS_UNSET, 0 };
		return true;
	}
	*o = (struct outcome){ blk_status(r), u.len };
	ck_log(c, "  status %u (%s)", o->status, blk_status_name(o->status));
	return true;
}

/* A medium to read from, and what is on it afterwards. */
static bool before(struct ck *c, const struct blk_req *r)
{
	if (r->type == VIRTIO_BLK_T_IN)
		return ckb_write_fill(c, 0, r->sector, r->data.len / VIRTIO_BLK_SECTOR, 1);
	if (r->type == VIRTIO_BLK_T_WRITE_ZEROES)
		return ckb_write_fill(c, 0, ZEROES_SECTOR, 8, 2);
	return true;
}

/* Where the data is wrong, or its length. */
static bool data_at(struct ck *c, const struct blk_req *r, u32 seed, const u8 *id, u32 *at)
{
	struct tp_buf back;

	*at = r->data.len;
	if (r->type == VIRTIO_BLK_T_IN) {
		*at = ck_differs(r->data.hva, r->data.len, 1);
	} else if (r->type == VIRTIO_BLK_T_OUT) {
		if (!ckb_read(c, 0, r->sector, r->data.len / VIRTIO_BLK_SECTOR, &back))
			return false;
		*at = ck_differs(back.hva, back.len, seed);
	} else if (r->type == VIRTIO_BLK_T_WRITE_ZEROES) {
		if (!ckb_read(c, 0, ZEROES_SECTOR, 8, &back))
			return false;
		*at = ck_not_value(back.hva, back.len, 0) < back.len ? 0 : r->data.len;
	} else if (r->type == VIRTIO_BLK_T_GET_ID) {
		/* Behind the end of the string a device may or may not pad. */
		for (u32 i = 0; i < VIRTIO_BLK_ID_LEN && *at == r->data.len; i++) {
			if (r->data.hva[i] != id[i])
				*at = i;
			if (!id[i])
				break;
		}
	}
	return true;
}

struct reference {
	struct outcome usual;
	u8 id[VIRTIO_BLK_ID_LEN];
};

/* The usual framing: what goes wrong here is no matter of framing. */
static bool reference(struct ck *c, struct blk_req *r, struct reference *ref)
{
	struct vq_sg sg[BLK_FRAME_MAX];
	unsigned out, in;
	u32 at;

	fill(r, 0);
	blk_frame(r, BLK_LAYOUT_USUAL, sg, &out, &in);
	if (!before(c, r) || !carry_out(c, r, sg, out, in, false, "usual", &ref->usual))
		return false;
	if (ref->usual.status != VIRTIO_BLK_S_OK)
		return ck_error(c, "%s: status %u (%s)", blk_type_name(r->type), ref->usual.status,
				blk_status_name(ref->usual.status));
	if (r->type == VIRTIO_BLK_T_GET_ID)
		__builtin_memcpy(ref->id, r->data.hva, sizeof(ref->id));
	if (!data_at(c, r, 0, ref->id, &at))
		return false;
	return at == r->data.len || ck_error(c, "%s: byte %u is wrong", blk_type_name(r->type), at);
}

static bool same(struct ck *c, struct blk_req *r, const struct vq_sg *sg, unsigned out, unsigned in,
		 bool indirect, u32 seed, const char *how, const struct reference *ref)
{
	const char *type = blk_type_name(r->type);
	struct outcome o;
	u32 at;

	fill(r, seed);
	if (!before(c, r) || !carry_out(c, r, sg, out, in, indirect, how, &o))
		return false;
	if (o.status != ref->usual.status)
		return ck_fail(c, FRAMING, FRAMING_PASS, "%s, %s: status %u (%s)", type, how,
			       o.status, blk_status_name(o.status));
	if (o.len != ref->usual.len)
		return ck_fail(c, FRAMING, FRAMING_PASS, "%s, %s: used len %u, was %u", type, how,
			       o.len, ref->usual.len);
	if (!data_at(c, r, seed, ref->id, &at))
		return false;
	if (at < r->data.len)
		return ck_fail(c, FRAMING, FRAMING_PASS, "%s, %s: byte %u of the data is wrong",
			       type, how, at);
	return true;
}

/* All layouts of a type. */
static void layouts(struct ck *c, u32 type, u32 len, u64 feature, bool indirect)
{
	struct reference ref;
	struct blk_req r;
	u32 limit;

	if (!start(c, feature) || !ckb_make(c, &r, type, 0, len) || !reference(c, &r, &ref))
		return;
	limit = seg_limit(c);
	for (unsigned l = 0; l < BLK_LAYOUTS; l++) {
		struct vq_sg sg[BLK_FRAME_MAX];
		unsigned out, in;

		blk_frame(&r, (enum blk_layout)l, sg, &out, &in);
		if (MAX(out, in) > limit + 1)
			continue;
		if (!same(c, &r, sg, out, in, indirect, l + 10, blk_layout_name((enum blk_layout)l),
			  &ref))
			return;
	}
}

#define LAYOUTS                                                                                    \
	"whole, header in two, header in 16 bytes, data cut at odd places and in bytes, all merged"

static void framing_in(struct ck *c)
{
	layouts(c, VIRTIO_BLK_T_IN, DATA_SECTORS * VIRTIO_BLK_SECTOR, 0, false);
}

CHECK(framing_in, .id = "split.framing.in", .clauses = { FRAMING },
      .stimulus = "an IN in seven framings: " LAYOUTS, .oracle = FRAMING_PASS,
      .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = framing_in);

CHECK_PACKED(packed_framing_in, .id = "packed.framing.in", .clauses = { PACKED_FRAMING },
	     .stimulus = "an IN in seven framings: " LAYOUTS, .oracle = FRAMING_PASS,
	     .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = framing_in);

static void framing_out(struct ck *c)
{
	layouts(c, VIRTIO_BLK_T_OUT, DATA_SECTORS * VIRTIO_BLK_SECTOR, 0, false);
}

CHECK(framing_out, .id = "split.framing.out", .clauses = { FRAMING },
      .stimulus = "an OUT in seven framings: " LAYOUTS, .oracle = FRAMING_PASS,
      .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = framing_out);

CHECK_PACKED(packed_framing_out, .id = "packed.framing.out", .clauses = { PACKED_FRAMING },
	     .stimulus = "an OUT in seven framings: " LAYOUTS, .oracle = FRAMING_PASS,
	     .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = framing_out);

static void framing_get_id(struct ck *c)
{
	layouts(c, VIRTIO_BLK_T_GET_ID, VIRTIO_BLK_ID_LEN, 0, false);
}

CHECK(framing_get_id, .id = "split.framing.get-id", .clauses = { FRAMING },
      .stimulus = "a GET_ID in seven framings: " LAYOUTS, .oracle = FRAMING_PASS,
      .device = VIRTIO_ID_BLOCK, .run = framing_get_id);

CHECK_PACKED(packed_framing_get_id, .id = "packed.framing.get-id", .clauses = { PACKED_FRAMING },
	     .stimulus = "a GET_ID in seven framings: " LAYOUTS, .oracle = FRAMING_PASS,
	     .device = VIRTIO_ID_BLOCK, .run = framing_get_id);

static void framing_flush(struct ck *c)
{
	layouts(c, VIRTIO_BLK_T_FLUSH, 0, BIT_ULL(VIRTIO_BLK_F_FLUSH), false);
}

CHECK(framing_flush, .id = "split.framing.flush", .clauses = { FRAMING },
      .stimulus = "a FLUSH with its header whole, in two and in 16 bytes", .oracle = FRAMING_PASS,
      .device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VIRTIO_BLK_F_FLUSH), .run = framing_flush);

CHECK_PACKED(packed_framing_flush, .id = "packed.framing.flush", .clauses = { PACKED_FRAMING },
	     .stimulus = "a FLUSH with its header whole, in two and in 16 bytes",
	     .oracle = FRAMING_PASS, .device = VIRTIO_ID_BLOCK,
	     .features = BIT_ULL(VIRTIO_BLK_F_FLUSH), .run = framing_flush);

static void framing_discard(struct ck *c)
{
	layouts(c, VIRTIO_BLK_T_DISCARD, sizeof(struct virtio_blk_discard_write_zeroes),
		BIT_ULL(VIRTIO_BLK_F_DISCARD), false);
}

CHECK(framing_discard, .id = "split.framing.discard", .clauses = { FRAMING },
      .stimulus = "a DISCARD in seven framings: " LAYOUTS, .oracle = FRAMING_PASS,
      .device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VIRTIO_BLK_F_DISCARD), .run = framing_discard);

static void framing_write_zeroes(struct ck *c)
{
	layouts(c, VIRTIO_BLK_T_WRITE_ZEROES, sizeof(struct virtio_blk_discard_write_zeroes),
		BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES), false);
}

CHECK(framing_write_zeroes, .id = "split.framing.write-zeroes", .clauses = { FRAMING },
      .stimulus = "a WRITE_ZEROES in seven framings: " LAYOUTS,
      .oracle = FRAMING_PASS ", and the range reads zero", .device = VIRTIO_ID_BLOCK,
      .features = BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES), .run = framing_write_zeroes);

CHECK_PACKED(packed_framing_write_zeroes, .id = "packed.framing.write-zeroes",
	     .clauses = { PACKED_FRAMING },
	     .stimulus = "a WRITE_ZEROES in seven framings: " LAYOUTS,
	     .oracle = FRAMING_PASS ", and the range reads zero", .device = VIRTIO_ID_BLOCK,
	     .features = BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES), .run = framing_write_zeroes);

static void framing_indirect_in(struct ck *c)
{
	layouts(c, VIRTIO_BLK_T_IN, DATA_SECTORS * VIRTIO_BLK_SECTOR, 0, true);
}

CHECK(framing_indirect_in, .id = "split.framing.indirect-in", .clauses = { FRAMING },
      .stimulus = "an IN from an indirect table in seven framings: " LAYOUTS,
      .oracle = FRAMING_PASS, .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO),
      .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), .run = framing_indirect_in);

CHECK_PACKED(packed_framing_indirect_in, .id = "packed.framing.indirect-in",
	     .clauses = { PACKED_FRAMING },
	     .stimulus = "an IN from an indirect table in seven framings: " LAYOUTS,
	     .oracle = FRAMING_PASS, .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO),
	     .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), .run = framing_indirect_in);

static void framing_indirect_out(struct ck *c)
{
	layouts(c, VIRTIO_BLK_T_OUT, DATA_SECTORS * VIRTIO_BLK_SECTOR, 0, true);
}

CHECK(framing_indirect_out, .id = "split.framing.indirect-out", .clauses = { FRAMING },
      .stimulus = "an OUT from an indirect table in seven framings: " LAYOUTS,
      .oracle = FRAMING_PASS, .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO),
      .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), .run = framing_indirect_out);

CHECK_PACKED(packed_framing_indirect_out, .id = "packed.framing.indirect-out",
	     .clauses = { PACKED_FRAMING },
	     .stimulus = "an OUT from an indirect table in seven framings: " LAYOUTS,
	     .oracle = FRAMING_PASS, .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO),
	     .features = BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), .run = framing_indirect_out);

/* --- cuts anywhere ------------------------------------------------------------------------------------ */

/* A run of bytes in pieces that end at `cuts` random places. ckb_make() lays all parts side by side. */
static unsigned cut_random(struct ck *c, struct vq_sg *sg, struct gpa at, u32 len, unsigned cuts)
{
	unsigned n = 0;

	while (len > 1 && cuts--) {
		u32 piece = 1 + ck_random(c) % MIN(len - 1, 1 + 2 * len / (cuts + 2));

		sg[n++] = (struct vq_sg){ at, piece };
		at = gpa_add(at, piece);
		len -= piece;
	}
	sg[n++] = (struct vq_sg){ at, len };
	return n;
}

#define RANDOM_ROUNDS 64
#define RANDOM_CUTS   16

static void random_type(struct ck *c, u32 type, u32 limit)
{
	struct reference ref;
	struct blk_req r;
	bool incoming = blk_type_is_in(type);

	if (!ckb_make(c, &r, type, 8, 4 * VIRTIO_BLK_SECTOR) || !reference(c, &r, &ref))
		return;
	for (u32 round = 0; round < RANDOM_ROUNDS && !c->accused; round++) {
		u32 readable = r.hdr.len + (incoming ? 0 : r.data.len);
		u32 writable = (incoming ? r.data.len : 0) + r.status.len;
		struct vq_sg sg[2 * RANDOM_CUTS + 4];
		unsigned out, in;

		out = cut_random(c, sg, r.hdr.gpa, readable,
				 ck_random(c) % MIN(limit, RANDOM_CUTS));
		in = cut_random(c, sg + out,
				gpa_add(r.hdr.gpa, r.hdr.len + r.data.len + 1 - writable), writable,
				ck_random(c) % MIN(limit, RANDOM_CUTS));
		if (!same(c, &r, sg, out, in, false, round + 1, "cut at random places", &ref))
			return;
	}
}

static void framing_random(struct ck *c)
{
	u32 limit;

	if (!start(c, 0))
		return;
	limit = MAX(1, seg_limit(c));
	random_type(c, VIRTIO_BLK_T_IN, limit);
	if (!c->accused)
		random_type(c, VIRTIO_BLK_T_OUT, limit);
}

CHECK(framing_random, .id = "split.framing.random", .clauses = { FRAMING },
      .stimulus = "64 INs and 64 OUTs of 4 sectors cut at up to 15 random places each way, header, "
		  "data and status alike",
      .oracle = FRAMING_PASS, .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO),
      .run = framing_random);

CHECK_PACKED(
	packed_framing_random, .id = "packed.framing.random", .clauses = { PACKED_FRAMING },
	.stimulus =
		"64 INs and 64 OUTs of 4 sectors cut at up to 15 random places each way, header, "
		"data and status alike",
	.oracle = FRAMING_PASS, .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO),
	.run = framing_random);

/* Every byte of header, id and status in a descriptor of its own. */
static void framing_bytes(struct ck *c)
{
	const u32 total = sizeof(struct virtio_blk_outhdr) + VIRTIO_BLK_ID_LEN + 1;
	struct reference ref;
	struct vq_sg sg[64];
	struct blk_req r;

	if (!start(c, 0) || seg_limit(c) < VIRTIO_BLK_ID_LEN ||
	    !ckb_make(c, &r, VIRTIO_BLK_T_GET_ID, 0, VIRTIO_BLK_ID_LEN) || !reference(c, &r, &ref))
		return;
	for (u32 i = 0; i < total; i++)
		sg[i] = (struct vq_sg){ gpa_add(r.hdr.gpa, i), 1 };
	if (same(c, &r, sg, r.hdr.len, VIRTIO_BLK_ID_LEN + 1, false, 0,
		 "37 descriptors of one byte", &ref) &&
	    ck_has(c, VIRTIO_RING_F_INDIRECT_DESC))
		same(c, &r, sg, r.hdr.len, VIRTIO_BLK_ID_LEN + 1, true, 0,
		     "37 indirect descriptors of one byte", &ref);
}

CHECK(framing_bytes, .id = "split.framing.bytes", .clauses = { FRAMING },
      .stimulus = "a GET_ID in 37 descriptors of one byte, direct and indirect",
      .oracle = FRAMING_PASS, .device = VIRTIO_ID_BLOCK, .run = framing_bytes);

CHECK_PACKED(packed_framing_bytes, .id = "packed.framing.bytes", .clauses = { PACKED_FRAMING },
	     .stimulus = "a GET_ID in 37 descriptors of one byte, direct and indirect",
	     .oracle = FRAMING_PASS, .device = VIRTIO_ID_BLOCK, .run = framing_bytes);

/* --- long chains --------------------------------------------------------------------------------------- */

/* Refusing is allowed; to serve a part and say OK is not. */
static bool long_chain(struct ck *c, struct blk_req *r, u32 pieces, bool *refused)
{
	static struct vq_sg sg[FRAMING_SIZE];
	u32 each = r->data.len / pieces;
	struct outcome o;
	u32 at;

	sg[0] = (struct vq_sg){ r->hdr.gpa, r->hdr.len };
	for (u32 i = 0; i < pieces; i++)
		sg[1 + i] = (struct vq_sg){
			gpa_add(r->data.gpa, i * each),
			i + 1 < pieces ? each : r->data.len - i * each,
		};
	sg[1 + pieces] = (struct vq_sg){ r->status.gpa, r->status.len };
	fill(r, 0);
	if (!carry_out(c, r, sg, 1, pieces + 1, false, "a long chain", &o))
		return false;
	*refused = o.status != VIRTIO_BLK_S_OK;
	if (*refused)
		return ck_info(c, FRAMING_LONG,
			       "an IN in %u descriptors is refused: status %u (%s)", pieces + 2,
			       o.status, blk_status_name(o.status));
	at = ck_differs(r->data.hva, r->data.len, 1);
	return at == r->data.len ||
	       ck_fail(c, FRAMING, "all of the data, or a refusal",
		       "IN in %u descriptors: status 0 (OK), but byte %u is wrong", pieces + 2, at);
}

static void framing_long(struct ck *c)
{
	static const u32 pieces[] = { 8, 30, 62, 126, 254, 510, 1022 };
	const u32 sectors = 32;
	struct blk_req r;
	u32 limit;

	if (!start(c, 0) || !ckb_write_fill(c, 0, 0, sectors, 1) ||
	    !ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, sectors * VIRTIO_BLK_SECTOR))
		return;
	limit = seg_limit(c);
	for (unsigned i = 0; i < ARRAY_SIZE(pieces) && pieces[i] <= limit; i++) {
		bool refused;

		if (!long_chain(c, &r, pieces[i], &refused) || refused)
			return;
	}
}

CHECK(framing_long, .id = "split.framing.long-chain", .clauses = { FRAMING, FRAMING_LONG },
      .stimulus = "an IN of 32 sectors in up to 1024 descriptors, as far as seg_max allows",
      .oracle = "served with all its data; a refusal is noted", .device = VIRTIO_ID_BLOCK,
      .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = framing_long);

CHECK_PACKED(packed_framing_long, .id = "packed.framing.long-chain",
	     .clauses = { PACKED_FRAMING, "v14.packed-ring.scatter-gather.dev.2" },
	     .stimulus = "an IN of 32 sectors in up to 1024 descriptors, as far as seg_max allows",
	     .oracle = "served with all its data; a refusal is noted", .device = VIRTIO_ID_BLOCK,
	     .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = framing_long);
