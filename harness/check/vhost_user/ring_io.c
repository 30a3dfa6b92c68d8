// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/vhost_user/ring_io.h"

#include <stdio.h>
#include <string.h>

/* Under a clause when it is the subject, else an error. Always false. */
static bool accuse(struct ck *c, const char *clause, const char *expected, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static bool accuse(struct ck *c, const char *clause, const char *expected, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return clause ? ck_fail(c, clause, expected, "%s", text) : ck_error(c, "%s", text);
}

bool ckr_session_with(struct ck *c, u64 want, u64 pf_mask)
{
	return ckv_handshake(c, pf_mask & ~BIT_ULL(VU_PF_STATUS)) && ck_negotiate(c, want);
}

bool ckr_session(struct ck *c)
{
	return ckr_session_with(c, 0, ~0ull);
}

bool ckr_next_session(struct ck *c, const char *after, const char *clause)
{
	struct vu_frontend *fe = ckv(c);
	int rc = vu_connect(fe);

	/* A process that is about to end may still take a connection: it does not answer any more. */
	if (rc == TP_OK)
		rc = vu_barrier(fe);
	if (rc != TP_OK)
		return ck_fail(c, clause, "a new session works", "after %s: %s", after,
			       fe->tp.error);
	return ckr_session(c);
}

bool ckr_lay(struct ck *c, unsigned q, u16 size, u32 base)
{
	struct ck_queue_opts opts = { .size = size, .base = base, .not_start = true };

	return ck_queue_start(c, q, &opts) &&
	       ck_must(c, vu_ring_fds_make(ckv(c), q), "making descriptors");
}

struct tp_queue ckr_cfg(struct ck *c, unsigned q, u32 base)
{
	const struct vq_layout *l = &c->q[q].layout;
	const struct vq *vq = &c->q[q].vq;

	return (struct tp_queue){
		.size = l->size,
		.base = base ? base : vq_start(vq->ring),
		.desc = l->desc,
		.driver = l->driver,
		.device = l->device,
		.vq = vq,
	};
}

bool ckr_send(struct ck *c, unsigned q, unsigned msgs, u32 base)
{
	struct vu_frontend *fe = ckv(c);
	struct tp_queue cfg = ckr_cfg(c, q, base);
	int rc = TP_OK;

	if (msgs & CKR_NUM)
		rc = vu_set_state(fe, VU_SET_VRING_NUM, q, cfg.size);
	if (rc == TP_OK && msgs & CKR_BASE)
		rc = vu_set_state(fe, VU_SET_VRING_BASE, q, cfg.base);
	if (rc == TP_OK && msgs & CKR_ADDR)
		rc = vu_set_vring_addr(fe, q, &cfg, 0, 0);
	if (rc == TP_OK && msgs & CKR_ERR)
		rc = vu_set_vring_fd(fe, VU_SET_VRING_ERR, q, fe->rings[q].err);
	if (rc == TP_OK && msgs & CKR_CALL)
		rc = vu_set_vring_fd(fe, VU_SET_VRING_CALL, q, fe->rings[q].call);
	if (rc == TP_OK && msgs & CKR_KICK)
		rc = vu_set_vring_fd(fe, VU_SET_VRING_KICK, q, fe->rings[q].kick);
	/* Without bit 30 there is no such message, and the ring is enabled. */
	if (rc == TP_OK && msgs & CKR_ENABLE && fe->features & BIT_ULL(VU_F_PROTOCOL_FEATURES))
		rc = vu_set_state(fe, VU_SET_VRING_ENABLE, q, 1);
	return ck_must(c, rc, "setting a ring up");
}

bool ckr_run(struct ck *c, unsigned q, u16 size, u32 base)
{
	return ckr_lay(c, q, size, base) && ckr_send(c, q, CKR_ALL, base) && ckr_kick(c, q);
}

bool ckr_kick(struct ck *c, unsigned q)
{
	return ck_must(c, c->tp->ops->notify(c->tp, q), "kicking");
}

bool ckr_publish(struct ck *c, unsigned q)
{
	struct vq *vq = &c->q[q].vq;

	vq_publish(vq);
	vq_kick_due(vq);
	ck_log(c, "  q%u: %u made available, kick", q, vq_added(vq));
	return ckr_kick(c, q);
}

bool ckr_stop(struct ck *c, unsigned q, u32 *base)
{
	return ck_must(c, vu_get_vring_base(ckv(c), q, base), "stopping a ring");
}

bool ckr_enable(struct ck *c, unsigned q, u32 num)
{
	return ck_must(c, vu_set_state(ckv(c), VU_SET_VRING_ENABLE, q, num),
		       num ? "enabling a ring" : "disabling a ring");
}

bool ckr_read_req(struct ck *c, struct blk_req *r, u32 bytes)
{
	if (!ckb_make(c, r, VIRTIO_BLK_T_IN, 0, bytes))
		return false;
	memset(r->data.hva, CKR_UNTOUCHED, bytes);
	return true;
}

bool ckr_touched(const struct blk_req *r)
{
	return blk_status(r) != BLK_STATUS_UNSET ||
	       (r->type == VIRTIO_BLK_T_IN &&
		ck_not_value(r->data.hva, r->data.len, CKR_UNTOUCHED) != r->data.len);
}

bool ckr_stays(struct ck *c, unsigned q, u16 idx, const struct blk_req *r, const char *when,
	       const char *clause)
{
	u16 now;

	ck_quiet(c);
	now = ck_used(c, q);
	if (now != idx)
		return ck_fail(c, clause, "the ring is left alone",
			       "%s: used index of ring %u went from %u to %u", when, q, idx, now);
	if (r && ckr_touched(r))
		return ck_fail(c, clause, "the ring is left alone",
			       "%s: the buffers of a request on ring %u were written", when, q);
	return true;
}

bool ckr_served(struct ck *c, unsigned q, const struct blk_req *r, const char *when,
		const char *clause)
{
	struct ck_used u;

	if (!ck_reap(c, q, &u))
		return accuse(c, clause, "the request is served", "%s: not served within %u ms",
			      when, c->tp->timeout_ms);
	if (u.head == VQ_BADID || u.token != r)
		return accuse(c, clause, "the request is served",
			      "%s: a used element with id %u came instead", when, u.id);
	if (blk_status(r) != VIRTIO_BLK_S_OK)
		return accuse(c, clause, "the request succeeds", "%s: status %u (%s)", when,
			      blk_status(r), blk_status_name(blk_status(r)));
	return true;
}

bool ckr_add_write(struct ck *c, unsigned q, struct blk_req *r, u64 sector, u32 seed)
{
	if (!ckb_make(c, r, VIRTIO_BLK_T_OUT, sector, VIRTIO_BLK_SECTOR))
		return false;
	ck_fill(r->data.hva, r->data.len, seed);
	return ckb_add(c, q, r, BLK_LAYOUT_USUAL) >= 0;
}

bool ckr_medium_holds(struct ck *c, unsigned q, u64 sector, u32 seed, const char *when,
		      const char *clause)
{
	struct tp_buf data;
	u32 base, at;

	if (!ckr_stop(c, q, &base) || !ckr_run(c, q, 16, 0) || !ckb_read(c, q, sector, 1, &data))
		return false;
	at = ck_differs(data.hva, VIRTIO_BLK_SECTOR, seed);
	if (at < VIRTIO_BLK_SECTOR)
		return accuse(c, clause, "the medium is as it was before",
			      "%s: the write was carried out (sector %llu differs at byte %u)",
			      when, (unsigned long long)sector, at);
	return true;
}

bool ckr_load_open(struct ck *c, struct ckr_load *l, unsigned q, unsigned depth)
{
	*l = (struct ckr_load){ .q = q, .depth = depth, .sector = 64 + (u64)q * CKR_DEPTH };
	for (unsigned i = 0; i < depth; i++)
		if (!ckb_make(c, &l->slot[i].r, VIRTIO_BLK_T_OUT, l->sector + i, VIRTIO_BLK_SECTOR))
			return false;
	return true;
}

static u32 load_seed(const struct ckr_load *l, unsigned i)
{
	return l->slot[i].gen / 2 * CKR_DEPTH + i;
}

bool ckr_load_fill(struct ck *c, struct ckr_load *l)
{
	struct vq *vq = &c->q[l->q].vq;
	u32 before = l->outstanding;

	for (unsigned i = 0; i < l->depth; i++) {
		struct blk_req *r = &l->slot[i].r;
		struct vq_sg sg[BLK_FRAME_MAX];
		unsigned out, in;

		if (l->slot[i].busy)
			continue;
		r->type = l->slot[i].gen % 2 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT;
		if (r->type == VIRTIO_BLK_T_OUT)
			ck_fill(r->data.hva, r->data.len, load_seed(l, i));
		else
			memset(r->data.hva, 0, r->data.len);
		blk_prepare(r);
		blk_frame(r, BLK_LAYOUT_USUAL, sg, &out, &in);
		if (vq_add(vq, sg, out, in, r) < 0)
			break;
		l->slot[i].busy = true;
		l->outstanding++;
	}
	if (l->outstanding == before)
		return true;
	vq_publish(vq);
	return !vq_kick_due(vq) || ckr_kick(c, l->q);
}

bool ckr_load_take(struct ck *c, struct ckr_load *l)
{
	struct vq *vq = &c->q[l->q].vq;
	void *token;
	u32 id, len;
	int head;

	while ((head = vq_reap(vq, &id, &len, &token)) != VQ_EMPTY) {
		struct blk_req *r = token;
		unsigned i;

		if (head == VQ_BADID) {
			snprintf(l->wrong, sizeof(l->wrong),
				 "a used element names id %u, which is not outstanding", id);
			return false;
		}
		i = (unsigned)(r->sector - l->sector);
		l->slot[i].busy = false;
		l->outstanding--;
		l->done++;
		if (blk_status(r) != VIRTIO_BLK_S_OK) {
			snprintf(l->wrong, sizeof(l->wrong), "%s of sector %llu: status %u (%s)",
				 blk_type_name(r->type), (unsigned long long)r->sector,
				 blk_status(r), blk_status_name(blk_status(r)));
			return false;
		}
		if (r->type == VIRTIO_BLK_T_IN &&
		    ck_differs(r->data.hva, r->data.len, load_seed(l, i)) != r->data.len) {
			snprintf(l->wrong, sizeof(l->wrong),
				 "sector %llu does not hold what was last written to it",
				 (unsigned long long)r->sector);
			return false;
		}
		l->slot[i].gen++;
	}
	return true;
}

static bool load_until(struct ck *c, struct ckr_load *l, u32 done, bool refill, const char *when,
		       const char *clause)
{
	static const char *const expected = "every request is served once, with the right result";
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);
	u32 seen = l->done;

	while (refill ? (int)(l->done - done) < 0 : l->outstanding > 0) {
		if (refill && !ckr_load_fill(c, l))
			return false;
		if (!ckr_load_take(c, l))
			return accuse(c, clause, expected, "%s: %s", when, l->wrong);
		if (l->done != seen) {
			seen = l->done;
			end = tp_deadline(c->tp, c->tp->timeout_ms);
		} else if (tp_late(c->tp, end)) {
			return accuse(c, clause, expected,
				      "%s: %u requests outstanding, none came back within %u ms",
				      when, l->outstanding, c->tp->timeout_ms);
		}
		c->tp->ops->relax(c->tp);
	}
	return true;
}

bool ckr_load_run(struct ck *c, struct ckr_load *l, u32 n, const char *when, const char *clause)
{
	return load_until(c, l, l->done + n, true, when, clause);
}

bool ckr_load_drain(struct ck *c, struct ckr_load *l, const char *when, const char *clause)
{
	return load_until(c, l, 0, false, when, clause);
}
