// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/packed_kit.h"

bool pk_take(struct ck *c, struct pk_buf *b, u16 count, void *token)
{
	struct vq_packed *vq = pk_vq(c);

	*b = (struct pk_buf){ .at = vq->avail, .id = vq->free_id, .count = count };
	if (count > vq->free_count || count > PK_PIECES)
		return ck_error(c, "the queue has no room for a buffer of %u", count);
	vq->slots[b->id].token = token;
	vq->slots[b->id].count = count;
	vq->free_id = vq->slots[b->id].next;
	vq->free_count -= count;
	vq->added++;
	vq->avail = vq_packed_forward(vq, vq->avail, count);
	return true;
}

void pk_show(struct ck *c, const struct pk_buf *b)
{
	struct vq_packed *vq = pk_vq(c);

	for (u16 n = b->count; n-- > 0;) {
		const struct vq_packed_at at = vq_packed_forward(vq, b->at, n);
		const struct pk_desc *d = &b->desc[n];

		ck_log(c, "  desc[%u] addr=0x%llx len=%u id=%u flags=0x%x, wrap %u", at.off,
		       (unsigned long long)d->addr, d->len, b->id, d->flags, at.wrap);
		vq_packed_raw_desc(vq, at.off, d->addr, d->len, b->id,
				   d->flags | vq_packed_avail_bits(at.wrap));
	}
}

void pk_fill(struct pk_buf *b, const struct blk_req *r)
{
	const u16 in = blk_type_is_in(r->type) ? VRING_DESC_F_WRITE : 0;
	unsigned n = 0;

	b->desc[n++] = (struct pk_desc){ r->hdr.gpa.v, r->hdr.len, VRING_DESC_F_NEXT };
	if (r->data.len)
		b->desc[n++] =
			(struct pk_desc){ r->data.gpa.v, r->data.len, in | VRING_DESC_F_NEXT };
	b->desc[n++] = (struct pk_desc){ r->status.gpa.v, r->status.len, VRING_DESC_F_WRITE };
}

bool pk_kick(struct ck *c)
{
	vq_packed_kick_due(pk_vq(c));
	return ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying");
}

bool pk_start(struct ck *c, u16 size, u64 want)
{
	const struct ck_queue_opts o = { .size = size };
	u16 max = 32768;

	if (!ck_negotiate(c, ck_ring_features() | want))
		return false;
	if (size && c->tp->ops->queue_max &&
	    !ck_must(c, c->tp->ops->queue_max(c->tp, 0, &max), "reading a queue's size"))
		return false;
	if (size > max)
		return ck_skip(c, "the queue has at most %u entries", max);
	return ck_queue_start(c, 0, &o) &&
	       ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK");
}

u16 pk_flags(struct ck *c, u16 off)
{
	return le16(__atomic_load_n(&pk_vq(c)->desc[off].flags, __ATOMIC_ACQUIRE));
}

/* --- hostile buffers --------------------------------------------------------------------------------- */

static bool good(struct ck *c, struct pk_hostile *h)
{
	__builtin_memset(h->good.data.hva, 0, h->good.data.len);
	return ckb_add(c, 0, &h->good, BLK_LAYOUT_USUAL) >= 0 &&
	       (vq_packed_publish(pk_vq(c)), pk_kick(c));
}

bool pk_up(struct ck *c, struct pk_hostile *h)
{
	struct ck_used u;

	if (!h->up) {
		if (h->opened_once) {
			c->tp->ops->close(c->tp);
			if (c->tp->ops->open(c->tp) != TP_OK)
				return ck_fail(c, C_NEW_SESSION, "a new session", "%s",
					       c->tp->error);
			if (!ck_open(c))
				return false;
		}
		if (!pk_start(c, SK_SIZE, h->want))
			return false;
	}
	for (unsigned m = 0; m < TP_MEM_MAX && !h->up; m++)
		c->mem_used[m] = (u32)ALIGN_UP((u64)c->mem_used[m], 4096);
	if (!ckb_make(c, &h->good, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) ||
	    !ckb_make(c, &h->parts, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR))
		return false;
	blk_prepare(&h->parts);
	if (!h->up) {
		if (!good(c, h))
			return false;
		if (!ck_reap(c, 0, &u) || u.token != &h->good)
			return h->opened_once ? ck_fail(c, C_NEW_SESSION, "a new session is served",
							"a good request in it is not")
					      : ck_error(c, "a good request is not served");
	}
	h->up = h->opened_once = true;
	return true;
}

/* Does the device show that it is in error? Also whether it answers at all. */
static bool in_error(struct ck *c)
{
	const struct tp_ops *ops = c->tp->ops;
	bool error = ops->queue_error && ops->queue_error(c->tp, 0);
	u8 status = 0;
	u64 features;
	int rc = ops->get_features(c->tp, &features);

	if (rc == TP_OK && c->tp->caps & TP_CAP_STATUS)
		rc = ops->get_status(c->tp, &status);
	if (rc == TP_ETIMEOUT)
		ck_fail(c, C_NO_HANG, "an answer, a refusal or a closed connection", "%s",
			c->tp->error);
	if (rc != TP_OK)
		ck_log(c, "  %s", c->tp->error);
	return error || rc != TP_OK || status & VIRTIO_CONFIG_S_NEEDS_RESET;
}

#define LOOK_NS 2000000

bool pk_settle(struct ck *c, struct pk_hostile *h, const char *what)
{
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms), look;
	struct vq_packed *vq = pk_vq(c);

	ck_log(c, "  behind it a good request:");
	if (!good(c, h))
		return false;
	look = c->tp->ops->now_ns(c->tp) + LOOK_NS;
	for (;;) {
		void *token = NULL;
		u32 id, len;
		int rc = vq_packed_reap(vq, &id, &len, &token);
		u64 now = c->tp->ops->now_ns(c->tp);

		if (rc >= 0)
			ck_log(c, "  used id=%u len=%u", id, len);
		if (rc == VQ_BADID)
			return ck_fail(c, h->clause, "ids that are outstanding",
				       "%s: used descriptor with id %u", what, id);
		if (token == &h->good) {
			const u8 status = blk_status(&h->good);

			return status == VIRTIO_BLK_S_OK ||
			       ck_fail(c, C_BAD_REQUEST, "the next good request is served",
				       "%s: a good read behind it: status %u", what, status);
		}
		if (now > look) {
			if (in_error(c)) {
				ck_log(c, "  the device shows an error");
				h->up = false;
				return !c->accused;
			}
			look = now + LOOK_NS * 10;
		}
		if (tp_late(c->tp, end))
			return ck_fail(c, h->clause,
				       "the next good request is served, or the device shows an "
				       "error",
				       "%s: a good request behind it is not used within %u ms",
				       what, c->tp->timeout_ms);
		c->tp->ops->relax(c->tp);
	}
}

void pk_cases(struct ck *c, struct pk_hostile *h, const struct pk_case *cases, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		static u8 hostile;
		struct pk_buf b;

		if (!pk_up(c, h))
			return;
		ck_log(c, "  %s:", cases[i].what);
		if (!pk_take(c, &b, cases[i].pieces, &hostile) ||
		    !cases[i].build(c, h, &b, cases[i].arg))
			return;
		pk_show(c, &b);
		if (!pk_kick(c) || !pk_settle(c, h, cases[i].what))
			return;
	}
	/* And all is as if nothing had been. */
	if (h->up)
		pk_settle(c, h, "the last of them");
	else
		pk_up(c, h);
}
