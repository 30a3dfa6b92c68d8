// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/blk_util.h"

#include <string.h>

#define STATUS_CLAUSE "ROB.blk.status"
#define CANARY	      0xa5

/* What a sector starts with. The rest follows from it. */
struct label {
	u64 sector;
	u32 gen;
	u32 magic; /* no byte of it zero */
};

#define LABEL_MAGIC 0x6b6c6252

static struct label label_of(u64 sector, u32 gen)
{
	return (struct label){ le64(sector), le32(gen), le32(LABEL_MAGIC) };
}

static u32 rest_seed(u64 sector, u32 gen)
{
	return (u32)(sector * 31 + gen);
}

void ckb_pattern(u8 *p, u64 sector, u32 sectors, u32 gen)
{
	for (u32 i = 0; i < sectors; i++, p += VIRTIO_BLK_SECTOR) {
		struct label l = label_of(sector + i, gen);

		memcpy(p, &l, sizeof(l));
		ck_fill(p + sizeof(l), VIRTIO_BLK_SECTOR - sizeof(l), rest_seed(sector + i, gen));
	}
}

u32 ckb_pattern_differs(const u8 *p, u64 sector, u32 sectors, u32 gen)
{
	const u32 rest = VIRTIO_BLK_SECTOR - sizeof(struct label);

	for (u32 i = 0; i < sectors; i++, p += VIRTIO_BLK_SECTOR) {
		struct label l = label_of(sector + i, gen);

		if (memcmp(p, &l, sizeof(l)) != 0 ||
		    ck_differs(p + sizeof(l), rest, rest_seed(sector + i, gen)) != rest)
			return i;
	}
	return sectors;
}

bool ckb_put(struct ck *c, unsigned q, u64 sector, u32 sectors, u32 gen)
{
	struct blk_req r;

	if (!ckb_make(c, &r, VIRTIO_BLK_T_OUT, sector, sectors * VIRTIO_BLK_SECTOR))
		return false;
	ckb_pattern(r.data.hva, sector, sectors, gen);
	return ckb_ok(c, q, &r);
}

bool ckb_lay(struct ck *c, unsigned q, u64 sector, u32 sectors, u32 gen)
{
	return ckb_put(c, q, sector, sectors, gen) &&
	       ckb_holds(c, q, sector, sectors, gen, NULL, "set-up");
}

bool ckb_holds(struct ck *c, unsigned q, u64 sector, u32 sectors, u32 gen, const char *clause,
	       const char *when)
{
	struct tp_buf b;
	u32 bad;

	if (!ckb_read(c, q, sector, sectors, &b))
		return false;
	bad = ckb_pattern_differs(b.hva, sector, sectors, gen);
	if (bad < sectors) {
		const u8 *p = b.hva + bad * VIRTIO_BLK_SECTOR;
		unsigned long long at = sector + bad;
		struct label l;

		if (!clause)
			return ck_error(c, "%s: sector %llu does not hold what was written", when,
					at);
		memcpy(&l, p, sizeof(l));
		if (l.magic == le32(LABEL_MAGIC))
			return ck_fail(c, clause, "the bytes last written to the sector",
				       "%s: sector %llu holds write %u of sector %llu, not write "
				       "%u of its own",
				       when, at, le32(l.gen), (unsigned long long)le64(l.sector),
				       gen);
		return ck_fail(c, clause, "the bytes last written to the sector",
			       "%s: sector %llu begins with %02x %02x %02x %02x, not with what "
			       "was written",
			       when, at, p[0], p[1], p[2], p[3]);
	}
	return true;
}

bool ckb_zero(struct ck *c, unsigned q, u64 sector, u32 sectors, const char *clause,
	      const char *when)
{
	struct tp_buf b;
	u32 bad;

	if (!ckb_read(c, q, sector, sectors, &b))
		return false;
	bad = ck_not_value(b.hva, b.len, 0);
	if (bad < b.len) {
		unsigned long long at = sector + bad / VIRTIO_BLK_SECTOR;

		return ck_fail(c, clause, "zeroes", "%s: byte %u of sector %llu is 0x%02x", when,
			       bad % VIRTIO_BLK_SECTOR, at, b.hva[bad]);
	}
	return true;
}

u64 ckb_room(struct ck *c, u64 sectors)
{
	u64 capacity = ckb_capacity(c);

	if (capacity && capacity < sectors) {
		ck_skip(c, "needs %llu sectors, the device has %llu", (unsigned long long)sectors,
			(unsigned long long)capacity);
		return 0;
	}
	return capacity;
}

static bool same_text(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static bool check_names(const struct ck *c, const char *clause)
{
	for (unsigned i = 0; i < CHECK_CLAUSES && c->check->clauses[i]; i++)
		if (same_text(c->check->clauses[i], clause))
			return true;
	return false;
}

bool ckb_defined(struct ck *c, const struct blk_req *r, const struct ckb_result *res)
{
	if (res->status <= VIRTIO_BLK_S_UNSUPP)
		return true;
	if (check_names(c, STATUS_CLAUSE))
		return ck_fail(c, STATUS_CLAUSE, "status 0, 1 or 2",
			       "%s (type %u, %u bytes): status %u (%s)", blk_type_name(r->type),
			       r->type, r->data.len, res->status, blk_status_name(res->status));
	return ck_error(c, "%s (type %u): status %u (%s)", blk_type_name(r->type), r->type,
			res->status, blk_status_name(res->status));
}

bool ckb_status(struct ck *c, const struct blk_req *r, const struct ckb_result *res, u8 want,
		const char *clause)
{
	if (!ckb_defined(c, r, res))
		return false;
	if (res->status == want)
		return true;
	return ck_fail(c, clause, blk_status_name(want),
		       "%s (type 0x%x, sector %llu, %u bytes): status %u (%s)",
		       blk_type_name(r->type), r->type, (unsigned long long)r->sector, r->data.len,
		       res->status, blk_status_name(res->status));
}

bool ckb_refused(struct ck *c, const struct blk_req *r, const struct ckb_result *res,
		 const char *clause)
{
	if (!ckb_defined(c, r, res))
		return false;
	if (res->status == VIRTIO_BLK_S_OK)
		return ck_fail(c, clause, "an error status",
			       "%s (type %u, sector %llu, %u bytes): status 0 (OK)",
			       blk_type_name(r->type), r->type, (unsigned long long)r->sector,
			       r->data.len);
	if (res->status != VIRTIO_BLK_S_IOERR)
		ck_log(c, "  refused with %s, not IOERR: no sentence decides that",
		       blk_status_name(res->status));
	return true;
}

/* With registers a device may answer by asking for a reset (2.1.2); CKB_ALIVE allows that. */
static bool asks_for_reset(struct ck *c)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);
	const struct vq *vq = &c->q[0].vq;
	u8 status;

	if (c->tp->caps & TP_CAP_VHOST_USER)
		return false;
	while (!vq_used_pending(vq) && !tp_late(c->tp, deadline)) {
		if (c->tp->ops->get_status(c->tp, &status) != TP_OK)
			return false;
		if (status & VIRTIO_CONFIG_S_NEEDS_RESET)
			return true;
		c->tp->ops->relax(c->tp);
	}
	return false;
}

bool ckb_try(struct ck *c, struct blk_req *r, struct ckb_result *res)
{
	if (ckb_add(c, 0, r, BLK_LAYOUT_USUAL) < 0 || !ck_publish(c, 0))
		return false;
	if (asks_for_reset(c)) {
		ck_info(c, CKB_ALIVE, "%s of %u bytes is answered with DEVICE_NEEDS_RESET",
			blk_type_name(r->type), r->data.len);
		return false;
	}
	return ckb_finish(c, 0, r, res, CKB_ALIVE);
}

bool ckb_do_sg(struct ck *c, unsigned q, struct blk_req *r, const struct vq_sg *sg, unsigned out,
	       unsigned in, struct ckb_result *res)
{
	struct ck_used u;
	int head;

	blk_prepare(r);
	head = vq_add(&c->q[q].vq, sg, out, in, r);
	if (head < 0)
		return ck_error(c, "queue %u has no room for a chain of %u", q, out + in);
	ck_log(c, "  q%u head %d: %s (0x%x) sector=%llu, %u readable + %u writable", q, head,
	       blk_type_name(r->type), r->type, (unsigned long long)r->sector, out, in);
	if (!ck_publish(c, q))
		return false;
	if (!ck_reap(c, q, &u)) {
		if (check_names(c, CKB_ALIVE))
			return ck_fail(c, CKB_ALIVE, "the request comes back in the used ring",
				       "%s request not used within %u ms", blk_type_name(r->type),
				       c->tp->timeout_ms);
		return ck_error(c, "%s request not used within %u ms", blk_type_name(r->type),
				c->tp->timeout_ms);
	}
	if (u.head == VQ_BADID || u.token != r)
		return ck_error(c, "used element with id %u is not the head made available", u.id);
	*res = (struct ckb_result){ blk_status(r), u.len, u.head };
	ck_log(c, "  status %u (%s)", res->status, blk_status_name(res->status));
	return true;
}

static struct tp_buf part(struct tp_buf area, u32 offset, u32 len)
{
	return (struct tp_buf){ area.hva + offset, gpa_add(area.gpa, offset), len };
}

bool ckb_make_guarded(struct ck *c, struct ckb_guarded *g, u32 type, u64 sector, u32 data_len)
{
	const u32 hdr_len = sizeof(struct virtio_blk_outhdr);
	u32 at = CKB_GUARD;

	if (!ck_alloc(c, 4 * CKB_GUARD + hdr_len + data_len + 1, 64, &g->area))
		return false;
	memset(g->area.hva, CANARY, g->area.len);
	g->r.type = type;
	g->r.sector = sector;
	g->r.hdr = part(g->area, at, hdr_len);
	at += hdr_len + CKB_GUARD;
	g->r.data = part(g->area, at, data_len);
	at += data_len + CKB_GUARD;
	g->r.status = part(g->area, at, 1);
	return true;
}

static bool guard(struct ck *c, const struct ckb_guarded *g, const u8 *at, const char *where,
		  const char *clause)
{
	u32 bad = ck_not_value(at, CKB_GUARD, CANARY);

	if (bad < CKB_GUARD)
		return ck_fail(c, clause, "the bytes around a buffer are left alone",
			       "%s (type %u): byte %u of the %u %s was changed to 0x%02x",
			       blk_type_name(g->r.type), g->r.type, bad, CKB_GUARD, where, at[bad]);
	return true;
}

bool ckb_status_guards(struct ck *c, const struct ckb_guarded *g, const char *clause)
{
	return guard(c, g, g->r.status.hva - CKB_GUARD, "before the status byte", clause) &&
	       guard(c, g, g->r.status.hva + 1, "behind the status byte", clause);
}

bool ckb_other_guards(struct ck *c, const struct ckb_guarded *g, const char *clause)
{
	return guard(c, g, g->area.hva, "before the header", clause) &&
	       guard(c, g, g->r.hdr.hva + g->r.hdr.len, "behind the header", clause);
}

bool ckb_make_ranges(struct ck *c, struct blk_req *r, u32 type, const struct ckb_range *ranges,
		     u32 n)
{
	if (!ckb_make(c, r, type, 0, n * (u32)sizeof(struct virtio_blk_discard_write_zeroes)))
		return false;
	for (u32 i = 0; i < n; i++) {
		struct virtio_blk_discard_write_zeroes seg = {
			.sector = le64(ranges[i].sector),
			.num_sectors = le32(ranges[i].num),
			.flags = le32(ranges[i].flags),
		};

		memcpy(r->data.hva + i * sizeof(seg), &seg, sizeof(seg));
		if (i < 4)
			ck_log(c, "  segment %u: sector=%llu num_sectors=%u flags=0x%x", i,
			       (unsigned long long)ranges[i].sector, ranges[i].num,
			       ranges[i].flags);
	}
	return true;
}

u64 ckb_type_feature(u32 type)
{
	switch (type) {
	case VIRTIO_BLK_T_FLUSH:
		return BIT_ULL(VIRTIO_BLK_F_FLUSH);
	case VIRTIO_BLK_T_DISCARD:
		return BIT_ULL(VIRTIO_BLK_F_DISCARD);
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES);
	case VIRTIO_BLK_T_SECURE_ERASE:
		return BIT_ULL(VIRTIO_BLK_F_SECURE_ERASE);
	case VIRTIO_BLK_T_GET_LIFETIME:
		return BIT_ULL(VIRTIO_BLK_F_LIFETIME);
	default:
		return 0;
	}
}

/* Not yet judged. */
static bool read_limits(struct ck *c, u32 type, struct ckb_limits *l)
{
	struct virtio_blk_config cfg;
	u32 len = VIRTIO_BLK_CONFIG_SIZE;

	memset(&cfg, 0, sizeof(cfg));
	/* Fields of features that are not offered need not be there. */
	if (type == VIRTIO_BLK_T_SECURE_ERASE)
		len = offsetof(struct virtio_blk_config, secure_erase_sector_alignment) + 4;
	if (!ck_must(c, c->tp->ops->read_config(c->tp, 0, &cfg, len), "reading the configuration"))
		return false;
	if (type == VIRTIO_BLK_T_DISCARD)
		*l = (struct ckb_limits){ le32(cfg.max_discard_sectors), le32(cfg.max_discard_seg),
					  le32(cfg.discard_sector_alignment) };
	else if (type == VIRTIO_BLK_T_WRITE_ZEROES)
		*l = (struct ckb_limits){ le32(cfg.max_write_zeroes_sectors),
					  le32(cfg.max_write_zeroes_seg), 1 };
	else
		*l = (struct ckb_limits){ le32(cfg.max_secure_erase_sectors),
					  le32(cfg.max_secure_erase_seg),
					  le32(cfg.secure_erase_sector_alignment) };
	return true;
}

bool ckb_raw_limits(struct ck *c, u32 type, u32 *max_sectors, u32 *max_segs)
{
	struct ckb_limits l;

	if (!read_limits(c, type, &l))
		return false;
	*max_sectors = l.max_sectors;
	*max_segs = l.max_segs;
	return true;
}

bool ckb_limits(struct ck *c, u32 type, struct ckb_limits *l)
{
	if (!read_limits(c, type, l))
		return false;
	if (!l->max_sectors || !l->max_segs)
		return ck_error(c, "%s: the configuration announces %u segments of %u sectors",
				blk_type_name(type), l->max_segs, l->max_sectors);
	l->align = MAX(l->align, 1u);
	return true;
}
