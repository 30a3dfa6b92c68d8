// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/blk_io.h"

#include <string.h>

bool ckb_make(struct ck *c, struct blk_req *r, u32 type, u64 sector, u32 data_len)
{
	struct tp_buf area;

	if (!ck_alloc(c, sizeof(struct virtio_blk_outhdr) + data_len + 1, 64, &area))
		return false;
	blk_carve(r, area, type, sector, data_len);
	return true;
}

static void log_request(struct ck *c, unsigned q, int head, const struct blk_req *r,
			enum blk_layout layout, unsigned out, unsigned in, const char *how)
{
	ck_log(c, "  q%u head %d: %s (%u) sector=%llu data=%u, %s, %u readable + %u writable%s", q,
	       head, blk_type_name(r->type), r->type, (unsigned long long)r->sector, r->data.len,
	       blk_layout_name(layout), out, in, how);
}

int ckb_add(struct ck *c, unsigned q, struct blk_req *r, enum blk_layout layout)
{
	struct vq_sg sg[BLK_FRAME_MAX];
	unsigned out, in;
	int head;

	blk_prepare(r);
	blk_frame(r, layout, sg, &out, &in);
	head = vq_add(&c->q[q].vq, sg, out, in, r);
	if (head < 0)
		ck_error(c, "queue %u has no room for a chain of %u", q, out + in);
	else
		log_request(c, q, head, r, layout, out, in, "");
	return head;
}

int ckb_add_indirect(struct ck *c, unsigned q, struct blk_req *r, enum blk_layout layout)
{
	struct vq_sg sg[BLK_FRAME_MAX];
	struct tp_buf table;
	unsigned out, in;
	int head;

	blk_prepare(r);
	blk_frame(r, layout, sg, &out, &in);
	if (!ck_alloc(c, (out + in) * (u32)sizeof(struct vring_desc), 16, &table))
		return VQ_EMPTY;
	head = vq_add_indirect(&c->q[q].vq, table.hva, table.gpa, sg, out, in, r);
	if (head < 0)
		ck_error(c, "queue %u has no free descriptor", q);
	else
		log_request(c, q, head, r, layout, out, in, ", indirect");
	return head;
}

bool ckb_finish(struct ck *c, unsigned q, struct blk_req *r, struct ckb_result *res,
		const char *clause)
{
	struct ck_used u;

	if (!ck_reap(c, q, &u)) {
		const char *what = blk_type_name(r->type);

		if (clause)
			return ck_fail(c, clause, "the request comes back in the used ring",
				       "%s request not used within %u ms", what, c->tp->timeout_ms);
		return ck_error(c, "%s request not used within %u ms", what, c->tp->timeout_ms);
	}
	if (u.head == VQ_BADID || u.token != r) {
		if (clause)
			return ck_fail(c, clause, "the head that was made available comes back",
				       "used element with id %u", u.id);
		return ck_error(c, "used element with id %u is not the head made available", u.id);
	}
	res->head = u.head;
	res->len = u.len;
	res->status = blk_status(r);
	ck_log(c, "  status %u (%s)", res->status, blk_status_name(res->status));
	return true;
}

bool ckb_do(struct ck *c, unsigned q, struct blk_req *r, enum blk_layout layout,
	    struct ckb_result *res)
{
	return ckb_add(c, q, r, layout) >= 0 && ck_publish(c, q) && ckb_finish(c, q, r, res, NULL);
}

bool ckb_do_or_fail(struct ck *c, unsigned q, struct blk_req *r, enum blk_layout layout,
		    struct ckb_result *res, const char *clause)
{
	return ckb_add(c, q, r, layout) >= 0 && ck_publish(c, q) &&
	       ckb_finish(c, q, r, res, clause);
}

bool ckb_ok(struct ck *c, unsigned q, struct blk_req *r)
{
	struct ckb_result res;

	if (!ckb_do(c, q, r, BLK_LAYOUT_USUAL, &res))
		return false;
	if (res.status != VIRTIO_BLK_S_OK)
		return ck_error(c, "%s of sector %llu: status %u (%s)", blk_type_name(r->type),
				(unsigned long long)r->sector, res.status,
				blk_status_name(res.status));
	return true;
}

bool ckb_write_fill(struct ck *c, unsigned q, u64 sector, u32 sectors, u32 seed)
{
	struct blk_req r;

	if (!ckb_make(c, &r, VIRTIO_BLK_T_OUT, sector, sectors * VIRTIO_BLK_SECTOR))
		return false;
	ck_fill(r.data.hva, r.data.len, seed);
	return ckb_ok(c, q, &r);
}

bool ckb_read(struct ck *c, unsigned q, u64 sector, u32 sectors, struct tp_buf *out)
{
	struct blk_req r;

	if (!ckb_make(c, &r, VIRTIO_BLK_T_IN, sector, sectors * VIRTIO_BLK_SECTOR))
		return false;
	*out = r.data;
	return ckb_ok(c, q, &r);
}

bool ckb_alive(struct ck *c, unsigned q, const char *clause)
{
	struct ckb_result res;
	struct blk_req r;

	ck_log(c, "  a good request:");
	if (!ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) ||
	    !ckb_do_or_fail(c, q, &r, BLK_LAYOUT_USUAL, &res, clause))
		return false;
	if (res.status != VIRTIO_BLK_S_OK)
		return ck_fail(c, clause, "a good request afterwards succeeds", "status %u (%s)",
			       res.status, blk_status_name(res.status));
	return true;
}

bool ckb_alive_after_reopen(struct ck *c, const char *clause)
{
	int rc;

	ck_log(c, "  a new session:");
	c->tp->ops->close(c->tp);
	rc = c->tp->ops->open(c->tp);
	if (rc != TP_OK)
		return ck_fail(c, clause, "a new session can be opened", "%s", c->tp->error);
	return ck_open(c) && ck_start(c, ck_ring_features()) && ckb_alive(c, 0, clause);
}

bool ckb_config(struct ck *c, struct virtio_blk_config *cfg)
{
	u32 len = VIRTIO_BLK_CONFIG_SIZE;

	/* A device of an older version of the text ends before the fields that came later. */
	if (c->tp->config_len)
		len = MIN(len, c->tp->config_len);
	memset(cfg, 0, sizeof(*cfg));
	return ck_must(c, c->tp->ops->read_config(c->tp, 0, cfg, len), "reading the configuration");
}

u64 ckb_capacity(struct ck *c)
{
	struct virtio_blk_config cfg;

	if (!ckb_config(c, &cfg))
		return 0;
	if (le64(cfg.capacity) == 0)
		ck_error(c, "the device says it has no sectors");
	return le64(cfg.capacity);
}
