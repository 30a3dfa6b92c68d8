// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/check.h"

#include <linux/virtio_i2c.h>
#include <linux/virtio_mem.h>
#include <string.h>

#include "harness/device/vehicle.h"

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/*
 * What is said of both layouts has a clause in either chapter. A check that runs over both accuses under
 * that of split rings, and names both.
 */
static const char *clause_of(const struct ck *c, const char *clause)
{
	static const char *const both[][2] = {
		{ "v14.split-ring.used-ring.dev.2", "ROB.packed.used-len" },
		{ "v14.split-ring.desc-table.dev.1", "v14.packed-ring.desc-table.dev.1" },
		{ "v14.split-ring.desc-table.dev.2", "v14.packed-ring.desc-table.dev.2" },
		{ "v14.split-ring.message-framing.dev.1", "ROB.packed.framing" },
		{ "v14.split-ring.message-framing.dev.2", "v14.packed-ring.scatter-gather.dev.2" },
		{ "v14.split-ring.avail-notif-suppress.dev.5", "ROB.packed.extra-kick" },
		{ "ROB.used.known-id", "ROB.packed.known-id" },
	};

	for (size_t i = 0; clause && ck_has(c, VIRTIO_F_RING_PACKED) && i < ARRAY_SIZE(both); i++)
		if (same(clause, both[i][0]))
			return both[i][1];
	return clause;
}

#define RECORD(c, verdict, clause, expected, fmt)                                                  \
	do {                                                                                       \
		va_list ap_;                                                                       \
		va_start(ap_, fmt);                                                                \
		(c)->host->vrecord((c)->host, verdict, clause_of(c, clause), expected, fmt, ap_);  \
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
	c->before_started = false;
	c->slots_used = 0;
	memset(c->mem_used, 0, sizeof(c->mem_used));
	c->features = 0;
	c->requests = 0;
}

bool ck_open(struct ck *c)
{
	c->tp->ops->close(c->tp);
	ck_forget(c);
	if (!ck_must(c, c->tp->ops->open(c->tp), "opening a session") ||
	    !ck_must(c, c->tp->ops->get_features(c->tp, &c->offered), "reading the features") ||
	    !ck_must(c, c->tp->ops->num_queues(c->tp, &c->queues), "asking for the queues"))
		return false;
	if (c->vehicle)
		c->queues = vehicle_queues(c->vehicle, c->queues);
	return true;
}

u64 ck_demanded(const struct ck *c)
{
	u64 set = BIT_ULL(VIRTIO_F_VERSION_1) | c->tp->demanded;

	/* 5.15.5.2: without it the device may refuse to work. */
	if (c->device == VIRTIO_ID_MEM)
		set |= BIT_ULL(VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE);
	/* 5.16.6.4: without it the device refuses. */
	if (c->device == VIRTIO_ID_I2C_ADAPTER)
		set |= BIT_ULL(VIRTIO_I2C_F_ZERO_LENGTH_REQUEST);
	return set & c->offered;
}

bool ck_negotiate(struct ck *c, u64 want)
{
	const u64 ring = c->ring == VQ_RING_PACKED ? BIT_ULL(VIRTIO_F_RING_PACKED) : 0;
	u64 accept = ((want | ring) & c->offered) | ck_demanded(c);

	if (c->check->ring == CHECK_RING_SPLIT)
		accept &= ~BIT_ULL(VIRTIO_F_RING_PACKED);
	/* It was offered when the check was chosen; who looks into a packed ring must have one. */
	if (c->check->ring == CHECK_RING_PACKED && !(accept & BIT_ULL(VIRTIO_F_RING_PACKED)))
		return ck_error(c, "VIRTIO_F_RING_PACKED is not offered any more");
	if (!ck_must(c, c->tp->ops->set_features(c->tp, accept), "negotiating features"))
		return false;
	/* Behind a reset, which took them away. */
	c->before_started = false;
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

static bool lay_out(struct ck *c, struct ck_queue *q, enum vq_ring ring, u16 size, bool scatter)
{
	unsigned regions = scatter ? c->tp->mem_count : 1;
	struct tp_buf desc, driver, device;

	/*
	 * Apart by whole cache lines and more: what overruns one part must not look like a change of
	 * the next.
	 */
	if (!ck_alloc_in(c, 0, vq_desc_bytes(size), 4096, &desc) ||
	    !ck_alloc_in(c, regions > 1 ? 1 : 0, vq_driver_bytes(ring, size), 256, &driver) ||
	    !ck_alloc_in(c, regions > 2 ? 2 : 0, vq_device_bytes(ring, size), 256, &device))
		return false;
	q->layout = (struct vq_layout){
		.size = size,
		.desc = desc.gpa,
		.driver = driver.gpa,
		.device = device.gpa,
		.desc_hva = desc.hva,
		.driver_hva = driver.hva,
		.device_hva = device.hva,
	};
	return true;
}

u16 ck_queue_size(const struct ck *c, u16 size)
{
	return c->vehicle && c->vehicle->size ? MIN(size, c->vehicle->size) : size;
}

/* Of a queue that nothing is put into: an empty ring of either layout is all zeroes. */
#define IDLE_SIZE 8

/* Queue `q` of the device itself. */
static bool start_idle(struct ck *c, unsigned q)
{
	const enum vq_ring ring = ck_has(c, VIRTIO_F_RING_PACKED) ? VQ_RING_PACKED : VQ_RING_SPLIT;
	struct ck_queue idle;
	struct tp_queue cfg;
	u16 size = IDLE_SIZE;

	if (c->tp->ops->queue_max &&
	    !ck_must(c, c->tp->ops->queue_max(c->tp, q, &size), "reading a queue's size"))
		return false;
	if (!size)
		return ck_error(c, "there is no queue %u", q);
	while (size > IDLE_SIZE || size & (size - 1))
		size = size > IDLE_SIZE ? IDLE_SIZE : size & (u16)(size - 1);
	if (!lay_out(c, &idle, ring, size, false))
		return false;
	cfg = (struct tp_queue){
		.size = size,
		.base = vq_start(ring),
		.desc = idle.layout.desc,
		.driver = idle.layout.driver,
		.device = idle.layout.device,
		.no_call = true,
	};
	return ck_must(c, c->tp->ops->queue_start(c->tp, q, &cfg), "starting an idle queue");
}

/*
 * The queues before the first that takes the vehicle: a device may ask for all of its queues before DRIVER_OK, and a
 * driver sets them up in order (3.1.1). A back-end of vhost-user is told of each by itself.
 */
static bool start_before(struct ck *c)
{
	const unsigned first = c->tp->first_queue;
	bool ok = true;

	if (c->before_started || c->tp->caps & TP_CAP_VHOST_USER)
		return true;
	c->tp->first_queue = 0;
	for (unsigned q = 0; ok && q < first; q++)
		ok = start_idle(c, q);
	c->tp->first_queue = first;
	c->before_started = ok;
	return ok;
}

bool ck_queue_start(struct ck *c, unsigned q, const struct ck_queue_opts *opts)
{
	static const struct ck_queue_opts defaults;
	const struct ck_queue_opts *o = opts ? opts : &defaults;
	struct ck_queue *queue = &c->q[q];
	u16 size = o->size ? o->size : ck_queue_size(c, 128), max;
	struct vq_mode mode = {
		.ring = ck_has(c, VIRTIO_F_RING_PACKED) ? VQ_RING_PACKED : VQ_RING_SPLIT,
		.event_idx = ck_has(c, VIRTIO_RING_F_EVENT_IDX),
		.in_order = ck_has(c, VIRTIO_F_IN_ORDER),
	};
	struct tp_queue cfg;

	mode.base = o->base ? o->base : vq_start(mode.ring);
	if (!o->size && c->tp->ops->queue_max) {
		if (!ck_must(c, c->tp->ops->queue_max(c->tp, q, &max), "reading a queue's size"))
			return false;
		size = MIN(size, max);
		if (!size)
			return ck_error(c, "there is no queue %u", tp_number(c->tp, q));
		/* Whether a size that is no power of two is right is for others to say. */
		while (size & (size - 1))
			size &= (u16)(size - 1);
	}

	if (q >= CK_QUEUES || c->slots_used + size > CK_SLOTS)
		return ck_error(c, "queue %u of %u entries is more than this runner has room for",
				q, size);
	if (!lay_out(c, queue, mode.ring, size, o->scatter))
		return false;
	vq_init(&queue->vq, &mode, &queue->layout, c->slots + c->slots_used);
	c->slots_used += size;
	cfg = (struct tp_queue){
		.size = size,
		.base = mode.base,
		.desc = queue->layout.desc,
		.driver = queue->layout.driver,
		.device = queue->layout.device,
		.vq = &queue->vq,
		.no_call = o->no_call,
	};
	if (!start_before(c))
		return false;
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

u16 ck_added(const struct ck *c, unsigned q)
{
	return vq_added(&c->q[q].vq);
}

u16 ck_used(const struct ck *c, unsigned q)
{
	return vq_used(&c->q[q].vq);
}

bool ck_wait_used(struct ck *c, unsigned q, u16 count)
{
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);

	while (ck_used(c, q) != count) {
		if (tp_late(c->tp, end))
			return ck_used(c, q) == count;
		c->tp->ops->relax(c->tp);
	}
	return true;
}

static void log_reap(struct ck *c, unsigned q, const struct vq *vq, struct vq_packed_at at,
		     const struct ck_used *u)
{
	if (vq->ring == VQ_RING_PACKED)
		ck_log(c, "  q%u desc[%u] used, wrap %u: id=%u len=%u", q, at.off, at.wrap, u->id,
		       u->len);
	else
		ck_log(c, "  q%u used[%u] id=%u len=%u", q, (u16)(vq->split.used_idx - 1), u->id,
		       u->len);
}

bool ck_reap(struct ck *c, unsigned q, struct ck_used *u)
{
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);
	struct vq *vq = &c->q[q].vq;
	struct vq_packed_at at = { 0 };

	while (!vq_used_pending(vq)) {
		if (tp_late(c->tp, end))
			break;
		c->tp->ops->relax(c->tp);
	}
	if (vq->ring == VQ_RING_PACKED)
		at = vq->packed.used;
	u->token = NULL;
	u->head = vq_reap(vq, &u->id, &u->len, &u->token);
	if (u->head == VQ_EMPTY)
		return false;
	log_reap(c, q, vq, at, u);
	return true;
}

bool ck_reap_of(struct ck *c, unsigned q, const void *first, size_t size, unsigned n,
		struct ck_used *u)
{
	const u8 *from = first, *back;

	if (!ck_reap(c, q, u))
		return ck_error(c, "a request does not come back within %u ms", c->tp->timeout_ms);
	back = u->token;
	if (u->head < 0 || back < from || back >= from + n * size)
		return ck_error(c, "a buffer that is not outstanding came back");
	return true;
}

bool ck_publish(struct ck *c, unsigned q)
{
	struct vq *vq = &c->q[q].vq;
	bool due;

	vq_publish(vq);
	due = vq_kick_due(vq);
	if (vq->ring == VQ_RING_PACKED)
		ck_log(c, "  q%u available up to desc[%u], wrap %u%s", q, vq->packed.avail.off,
		       vq->packed.avail.wrap, due ? ", kick" : "");
	else
		ck_log(c, "  q%u avail.idx=%u%s", q, vq->split.avail_idx, due ? ", kick" : "");
	return !due || ck_must(c, c->tp->ops->notify(c->tp, q), "notifying");
}

static void break_split(struct ck *c, struct vq_split *vq)
{
	const u16 idx = (u16)(vq->avail_idx + vq->size + 1);

	vq_split_raw_publish(vq, idx);
	ck_log(c, "  avail.idx %u -> %u", vq->avail_idx, idx);
}

static void break_packed(struct ck *c, struct vq_packed *vq)
{
	/* The first one last, as a driver would: then the whole list is there at once. */
	for (u16 n = vq->size; n-- > 0;) {
		const struct vq_packed_at at = vq_packed_forward(vq, vq->avail, n);

		vq_packed_raw_desc(vq, at.off, c->tp->mem[0].gpa.v, 16, 0,
				   VRING_DESC_F_NEXT | vq_packed_avail_bits(at.wrap));
	}
	ck_log(c, "  all %u descriptors are available, each chained to the next", vq->size);
}

void ck_break_ring(struct ck *c, unsigned q)
{
	struct vq *vq = &c->q[q].vq;

	if (vq->ring == VQ_RING_PACKED)
		break_packed(c, &vq->packed);
	else
		break_split(c, &vq->split);
}
