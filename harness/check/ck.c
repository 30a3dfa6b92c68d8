// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/check.h"

#include <linux/virtio_mem.h>
#include <string.h>

#define RECORD(c, verdict, clause, expected, fmt)                                                  \
	do {                                                                                       \
		va_list ap_;                                                                       \
		va_start(ap_, fmt);                                                                \
		(c)->host->vrecord((c)->host, verdict, clause, expected, fmt, ap_);                \
		va_end(ap_);                                                                       \
	} while (0)

bool ck_fail(struct ck *c, const char *clause, const char *expected, const char *fmt, ...)
{
	RECORD(c, VERDICT_FAIL, clause, expected, fmt);
	c->accused = true;
	return false;
}

bool ck_hazard(struct ck *c, const char *clause, const char *expected, const char *fmt, ...)
{
	RECORD(c, VERDICT_HAZARD, clause, expected, fmt);
	return true;
}

bool ck_info(struct ck *c, const char *clause, const char *fmt, ...)
{
	RECORD(c, VERDICT_INFO, clause, NULL, fmt);
	return true;
}

bool ck_skip(struct ck *c, const char *fmt, ...)
{
	RECORD(c, VERDICT_SKIP, NULL, NULL, fmt);
	return false;
}

bool ck_error(struct ck *c, const char *fmt, ...)
{
	RECORD(c, VERDICT_ERROR, NULL, NULL, fmt);
	return false;
}

void ck_log(struct ck *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	c->host->vlog(c->host, fmt, ap);
	va_end(ap);
}

bool ck_must(struct ck *c, int result, const char *what)
{
	if (result == TP_OK)
		return true;
	/* What the transport or the device cannot be asked is no fault of it. */
	if (result == TP_EUNSUPPORTED)
		return ck_skip(c, "%s: %s", what,
			       c->tp->error[0] ? c->tp->error : tp_result_text(result));
	return ck_error(c, "%s: %s", what, c->tp->error[0] ? c->tp->error : tp_result_text(result));
}

void ck_forget(struct ck *c)
{
	for (unsigned q = 0; q < CK_QUEUES; q++)
		c->q[q].started = false;
	c->slots_used = 0;
	memset(c->mem_used, 0, sizeof(c->mem_used));
	c->features = 0;
}

bool ck_open(struct ck *c)
{
	c->tp->ops->close(c->tp);
	ck_forget(c);
	return ck_must(c, c->tp->ops->open(c->tp), "opening a session") &&
	       ck_must(c, c->tp->ops->get_features(c->tp, &c->offered), "reading the features") &&
	       ck_must(c, c->tp->ops->num_queues(c->tp, &c->queues), "asking for the queues");
}

u64 ck_demanded(const struct ck *c)
{
	u64 set = BIT_ULL(VIRTIO_F_VERSION_1);

	/* 5.15.5.2: without it the device may refuse to work. */
	if (c->device == VIRTIO_ID_MEM)
		set |= BIT_ULL(VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE);
	return set & c->offered;
}

bool ck_negotiate(struct ck *c, u64 want)
{
	u64 accept = (want & c->offered) | ck_demanded(c);

	if (!ck_must(c, c->tp->ops->set_features(c->tp, accept), "negotiating features"))
		return false;
	c->features = accept;
	return true;
}

bool ck_alloc_in(struct ck *c, unsigned region, u32 len, u32 align, struct tp_buf *out)
{
	struct tp_buf *m = &c->tp->mem[region];
	u64 at = ALIGN_UP((u64)c->mem_used[region], align);

	if (region >= c->tp->mem_count || at + len > m->len)
		return ck_error(c, "no guest memory left for %u bytes in region %u", len, region);
	*out = (struct tp_buf){ m->hva + at, gpa_add(m->gpa, at), len };
	c->mem_used[region] = (u32)(at + len);
	return true;
}

bool ck_alloc(struct ck *c, u32 len, u32 align, struct tp_buf *out)
{
	return ck_alloc_in(c, 0, len, align, out);
}

static bool lay_out(struct ck *c, struct ck_queue *q, u16 size, bool scatter)
{
	unsigned regions = scatter ? c->tp->mem_count : 1;
	struct tp_buf desc, avail, used;

	/*
	 * Apart by whole cache lines and more: what overruns one part must not look like a change of
	 * the next.
	 */
	if (!ck_alloc_in(c, 0, vq_split_desc_bytes(size), 4096, &desc) ||
	    !ck_alloc_in(c, regions > 1 ? 1 : 0, vq_split_avail_bytes(size), 256, &avail) ||
	    !ck_alloc_in(c, regions > 2 ? 2 : 0, vq_split_used_bytes(size), 256, &used))
		return false;
	q->layout = (struct vq_split_layout){
		.size = size,
		.desc = desc.gpa,
		.avail = avail.gpa,
		.used = used.gpa,
		.desc_hva = desc.hva,
		.avail_hva = avail.hva,
		.used_hva = used.hva,
	};
	return true;
}

bool ck_queue_start(struct ck *c, unsigned q, const struct ck_queue_opts *opts)
{
	static const struct ck_queue_opts defaults;
	const struct ck_queue_opts *o = opts ? opts : &defaults;
	struct ck_queue *queue = &c->q[q];
	u16 size = o->size ? o->size : 128, max;
	struct tp_queue cfg;

	if (!o->size && c->tp->ops->queue_max) {
		if (!ck_must(c, c->tp->ops->queue_max(c->tp, q, &max), "reading a queue's size"))
			return false;
		size = MIN(size, max);
		if (!size)
			return ck_error(c, "there is no queue %u", q);
		/* Whether a size that is no power of two is right is for others to say. */
		while (size & (size - 1))
			size &= (u16)(size - 1);
	}

	if (q >= CK_QUEUES || c->slots_used + size > CK_SLOTS)
		return ck_error(c, "queue %u of %u entries is more than this runner has room for",
				q, size);
	if (!lay_out(c, queue, size, o->scatter))
		return false;
	vq_split_init(&queue->vq, &queue->layout, c->slots + c->slots_used, o->base,
		      ck_has(c, VIRTIO_RING_F_EVENT_IDX));
	c->slots_used += size;
	cfg = (struct tp_queue){
		.size = size,
		.base = o->base,
		.desc = queue->layout.desc,
		.avail = queue->layout.avail,
		.used = queue->layout.used,
		.no_call = o->no_call,
	};
	if (o->not_start)
		return true;
	if (!ck_must(c, c->tp->ops->queue_start(c->tp, q, &cfg), "starting a queue"))
		return false;
	queue->started = true;
	return true;
}

bool ck_start(struct ck *c, u64 want)
{
	return ck_negotiate(c, want) && ck_queue_start(c, 0, NULL) &&
	       ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK");
}

struct gpa ck_unmapped(const struct ck *c)
{
	u64 end = 0;

	for (unsigned i = 0; i < c->tp->mem_count; i++)
		end = MAX(end, c->tp->mem[i].gpa.v + c->tp->mem[i].len);
	return (struct gpa){ ALIGN_UP(end, 1ull << 30) + (1ull << 40) };
}

static u64 xorshift(u64 *state)
{
	u64 x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x;
}

u32 ck_random(struct ck *c)
{
	return (u32)(xorshift(&c->rng) >> 32);
}

static u8 fill_byte(u32 i, u32 seed)
{
	/* No two 512-byte sectors alike, no zero runs, and cheap. */
	u32 x = (i + 1) * 2654435761u ^ (seed + 1) * 2246822519u;

	return (u8)(x >> 24) | 1;
}

void ck_fill(u8 *p, u32 len, u32 seed)
{
	for (u32 i = 0; i < len; i++)
		p[i] = fill_byte(i, seed);
}

u32 ck_differs(const u8 *p, u32 len, u32 seed)
{
	for (u32 i = 0; i < len; i++)
		if (p[i] != fill_byte(i, seed))
			return i;
	return len;
}

u32 ck_not_value(const u8 *p, u32 len, u8 value)
{
	for (u32 i = 0; i < len; i++)
		if (p[i] != value)
			return i;
	return len;
}

void ck_quiet(struct ck *c)
{
	u64 end = tp_deadline(c->tp, c->tp->quiet_ms);

	while (c->tp->ops->now_ns(c->tp) < end)
		c->tp->ops->relax(c->tp);
}

bool ck_wait_used_idx(struct ck *c, unsigned q, u16 idx)
{
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);

	while (vq_split_raw_used_idx(&c->q[q].vq) != idx) {
		if (c->tp->ops->now_ns(c->tp) > end)
			return vq_split_raw_used_idx(&c->q[q].vq) == idx;
		c->tp->ops->relax(c->tp);
	}
	return true;
}

bool ck_reap(struct ck *c, unsigned q, struct ck_used *u)
{
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);
	struct vq_split *vq = &c->q[q].vq;

	while (!vq_split_used_pending(vq)) {
		if (c->tp->ops->now_ns(c->tp) > end)
			break;
		c->tp->ops->relax(c->tp);
	}
	u->token = NULL;
	u->head = vq_split_reap(vq, &u->id, &u->len, &u->token);
	if (u->head == VQ_EMPTY)
		return false;
	ck_log(c, "  q%u used[%u] id=%u len=%u", q, (u16)(vq->used_idx - 1), u->id, u->len);
	return true;
}

bool ck_publish(struct ck *c, unsigned q)
{
	struct vq_split *vq = &c->q[q].vq;
	bool due;

	vq_split_publish(vq);
	due = vq_split_kick_due(vq);
	ck_log(c, "  q%u avail.idx=%u%s", q, vq->avail_idx, due ? ", kick" : "");
	return !due || ck_must(c, c->tp->ops->notify(c->tp, q), "notifying");
}
