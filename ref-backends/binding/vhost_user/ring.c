// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/vhost_user/ring.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ref-backends/binding/vhost_user/serve.h"
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"
#include "traces/trace.h"

bool vub_ring_may_run(struct vub_ring *r)
{
	bool run = r->started && r->begun && r->enabled && r->vq.desc && !dvq_is_broken(&r->vq) &&
		   vub_driver_ok(r->s);

	if (fault_active && fault_active->may_run)
		run = fault_active->may_run(r, run);
	/* Whatever a fault wants: without memory there is no ring. */
	return run && r->vq.desc && r->begun;
}

/* Calls. */

void vub_ring_call(struct vub_ring *r, vub_ring_fn *fn, void *arg)
{
	r->call_arg = arg;
	__atomic_store_n(&r->call, fn, __ATOMIC_RELEASE);
	reactor_wake(&r->lead->reactor);
	vub_session_wait(r->s, r->call_done);
	/* It is NULL again; the load makes what the thread wrote visible here. */
	(void)__atomic_load_n(&r->call, __ATOMIC_ACQUIRE);
}

/* Addresses of the ring's parts, or NULL in all of them. Of a packed ring, `avail` and `used` are the
 * driver's and the device's event suppression structures. */
static void *part_at(struct vub_ring *r, u64 addr, u64 bytes, u8 perm)
{
	return vub_has_iommu(r->s) ? vub_iotlb_part(r, addr, bytes, perm)
				   : vub_mem_uva(r->s->mem, addr, bytes);
}

static const char *resolve(struct vub_ring *r)
{
	const struct dvq_shape shape = dvq_shape(r->ring.is_packed, r->num, r->vq.event_idx);
	const u8 read = VU_IOTLB_READ, both = VU_IOTLB_READ | VU_IOTLB_WRITE;
	const bool told = r->scattered;
	void *desc, *avail, *used;

	r->scattered = false;
	desc = part_at(r, r->addr.desc, shape.desc, r->ring.is_packed ? both : read);
	avail = desc ? part_at(r, r->addr.avail, shape.driver, read) : NULL;
	used = avail ? part_at(r, r->addr.used, shape.device, VU_IOTLB_WRITE) : NULL;

	r->missed = false;
	r->vq.window.size = 0;
	r->vq.desc = NULL;
	r->vq.avail = NULL;
	r->vq.used = NULL;
	if (r->scattered && !told) {
		vub_complain(r->s, "ring %u is in several pieces of memory: it is not served",
			     r->index);
		vub_needs_reset(r->s);
	}
	/* It comes, or never does: a ring that is started waits. */
	if (vub_has_iommu(r->s) && !used)
		return NULL;
	if (!desc || !avail || !used)
		return "ring is not in memory";
	if ((uintptr_t)desc % shape.desc_align || (uintptr_t)avail % shape.driver_align ||
	    (uintptr_t)used % shape.device_align)
		return "ring is not aligned";
	r->vq.desc = desc;
	r->vq.avail = avail;
	r->vq.used = used;
	return NULL;
}

/* Room for the largest chain and for the heads of an earlier process. Kept for the next start. */
static bool reserve(struct vub_ring *r)
{
	/* One descriptor can be in two regions, hence the reserve. */
	u32 cap = MAX(r->num, DVQ_MIN_LIMIT) + VUB_MEM_SLOTS;

	if (cap <= r->big_cap)
		return true;
	free(r->big);
	free(r->resubmit);
	r->big = calloc(cap, sizeof(*r->big));
	r->resubmit = calloc(cap, sizeof(*r->resubmit));
	r->big_cap = r->big && r->resubmit ? cap : 0;
	return r->big_cap;
}

u32 vub_ring_base(const struct vub_ring *r)
{
	const bool packed = r->s->features & BIT_ULL(VIRTIO_F_RING_PACKED);

	return r->has_base ? r->base : packed ? DVQ_PACKED_BASE : 0;
}

/* What a start needs beside the rings in memory. */
static const char *prepare(struct vub_ring *r)
{
	const u64 features = r->s->features;
	const bool packed = features & BIT_ULL(VIRTIO_F_RING_PACKED);
	const char *why;
	u32 base;

	if (r->num == 0 || !r->has_addr)
		return "ring has no size or no addresses";
	if (!dvq_size_valid(packed, r->num))
		return "size is not that of a split ring";
	why = vub_inflight_fits(&r->s->inflight, packed, r->index, r->num);
	if (why)
		return why;
	r->ring.is_packed = packed;
	base = vub_ring_base(r);
	if (packed ? (base & 0x7fff) >= r->num || (base >> 16 & 0x7fff) >= r->num : base > 0xffff)
		return "base is not in the ring";
	r->vq.num = r->num;
	r->vq.event_idx = features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	r->vq.indirect = features & BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);
	r->in_order = features & BIT_ULL(VIRTIO_F_IN_ORDER);
	why = resolve(r);
	if (why)
		return why;
	return reserve(r) ? NULL : "out of memory";
}

/* A packed ring says itself where it stands, or the in-flight region does. */
static void begin_packed(struct vub_ring *r)
{
	u32 base;

	dvq_ring_init(&r->ring, vub_ring_base(r));
	r->n_resubmit = vub_inflight_packed_open(&r->s->inflight, &r->inflight, r->index,
						 &r->ring.packed, r->resubmit);
	base = dvq_ring_base(&r->ring);
	if (!fault_active || !fault_active->ring_start)
		return;
	fault_active->ring_start(r, &base);
	dvq_ring_init(&r->ring, base);
}

static void begin_split(struct vub_ring *r)
{
	u32 base = vub_ring_base(r);

	dvq_init(&r->vq, (u16)base);
	r->n_resubmit = vub_inflight_open(&r->s->inflight, &r->inflight, r->index, r->num,
					  r->vq.used_idx, r->resubmit);
	/*
	 * What was fetched is what was returned and what is in flight; see inflight.h. A front-end that
	 * lost its back-end cannot know: what it sends may be a used index that it read too early.
	 */
	if (r->inflight.recovered)
		base = (u16)(r->vq.used_idx + r->n_resubmit);
	if (fault_active && fault_active->ring_start)
		fault_active->ring_start(r, &base);
	dvq_init(&r->vq, (u16)base);
}

/* What happens to every request beside being served. */
static void choose_way(struct vub_ring *r)
{
	const bool logs = r->s->features & BIT_ULL(VU_F_LOG_ALL);

	r->vq.ops = logs || fault_active ? &vub_dvq_ops : &vub_dvq_ops_unlogged;
	r->take_plain = NULL;
	if (!logs && !fault_active && !judge_active && !vub_has_iommu(r->s) &&
	    !vub_inflight_on(&r->inflight))
		r->take_plain =
			vub_serve_plain(r->ring.is_packed, r->in_order, r->s->dev->ops->ready);
}

static void begin(struct vub_ring *r)
{
	r->begun = true;
	if (r->ring.is_packed)
		begin_packed(r);
	else
		begin_split(r);
	r->unsignalled = 0;
	r->n_staged = r->n_noted = 0;
	r->due &= VUB_DUE_LOG;
	r->listens = true;
	/* The last one may have been published, and its notification not sent any more. */
	r->call_missed = r->inflight.recovered && r->call_fd < 0;
	if (r->inflight.recovered)
		vub_signal(r->call_fd, r->call_may_block);
	choose_way(r);
	trace_start(r->index, 0, r->seq, 0);
	if (judge_active)
		judge_active->ring_start(r);
}

struct start {
	int fd;
	const char *why;
};

static void set_kick(struct vub_ring *r, int fd)
{
	r->kick.counted = judge_active || fault_active;
	reactor_watch_set(&r->lead->reactor, &r->kick, fd);
	vub_set_fd(&r->kick_fd, fd);
	r->polled = fd < 0;
}

static bool start_fn(struct vub_ring *r, void *arg)
{
	struct start *st = arg;

	if (!r->started) {
		r->scattered = false; /* an earlier driver was told, not this one */
		st->why = prepare(r);
		if (st->why)
			return true;
		r->started = true;
		r->begun = false;
		if (r->vq.desc)
			begin(r);
	}
	set_kick(r, st->fd);
	return true;
}

const char *vub_ring_start(struct vub_ring *r, int kick_fd)
{
	struct start st = { .fd = kick_fd };

	vub_ring_call(r, start_fn, &st);
	return st.why;
}

static bool stop_fn(struct vub_ring *r, void *arg)
{
	(void)arg;
	r->held = true;
	vub_serve_let_go(r);
	if (!vub_serve_drained(r))
		return false;
	r->held = false;
	if (!r->started)
		return true;
	if (r->vq.desc) {
		vub_serve_notify(r);
		/* Leave the used ring as a driver expects to find it. */
		if (!r->vq.event_idx)
			dvq_ring_kick_enable(&r->ring);
	}
	r->started = false;
	if (r->begun) {
		r->base = dvq_ring_base(&r->ring);
		r->has_base = true;
	}
	set_kick(r, -1);
	r->n_resubmit = r->next_resubmit = 0;
	if (fault_active && fault_active->ring_stop)
		fault_active->ring_stop(r);
	return true;
}

void vub_ring_stop(struct vub_ring *r)
{
	vub_ring_call(r, stop_fn, NULL);
}

static bool enable_fn(struct vub_ring *r, void *arg)
{
	r->enabled = arg != NULL;
	if (!r->enabled)
		vub_serve_let_go(r);
	/* No side effects from here on: not of requests taken before, either. */
	vub_serve_flush(r);
	return r->enabled || r->in_flight == 0;
}

void vub_ring_enable(struct vub_ring *r, bool enabled)
{
	if (enabled != r->enabled)
		vub_ring_call(r, enable_fn, enabled ? r : NULL);
}

static bool set_call_fn(struct vub_ring *r, void *arg)
{
	vub_set_fd(&r->call_fd, *(int *)arg);
	r->call_may_block = r->call_fd >= 0 && !(fcntl(r->call_fd, F_GETFL) & O_NONBLOCK);
	if (r->call_missed && r->started && r->call_fd >= 0) {
		r->call_missed = false;
		vub_signal(r->call_fd, r->call_may_block);
	}
	return true;
}

void vub_ring_set_call(struct vub_ring *r, int fd)
{
	vub_ring_call(r, set_call_fn, &fd);
}

static bool set_err_fn(struct vub_ring *r, void *arg)
{
	vub_set_fd(&r->err_fd, *(int *)arg);
	return true;
}

void vub_ring_set_err(struct vub_ring *r, int fd)
{
	vub_ring_call(r, set_err_fn, &fd);
}

static bool hold_fn(struct vub_ring *r, void *arg)
{
	(void)arg;
	r->held = true;
	vub_serve_let_go(r);
	if (r->in_flight)
		return false;
	if (r->vq.desc)
		vub_serve_notify(r);
	return true;
}

void vub_ring_hold(struct vub_ring *r)
{
	vub_ring_call(r, hold_fn, NULL);
}

static bool release_fn(struct vub_ring *r, void *arg)
{
	(void)arg;
	if (r->has_addr && r->num && (r->started || r->vq.desc))
		resolve(r);
	if (r->started && !r->begun && r->vq.desc)
		begin(r);
	choose_way(r);
	r->held = false;
	return true;
}

void vub_ring_release(struct vub_ring *r)
{
	vub_ring_call(r, release_fn, NULL);
}

static void clear_ring(struct vub_ring *r)
{
	r->ring = (struct dvq){
		.split = { .ops = &vub_dvq_ops, .ctx = r, .queue = r->index },
	};
}

static bool forget_fn(struct vub_ring *r, void *arg)
{
	(void)arg;
	vub_set_fd(&r->call_fd, -1);
	vub_set_fd(&r->err_fd, -1);
	memset(&r->addr, 0, sizeof(r->addr));
	memset(&r->inflight, 0, sizeof(r->inflight));
	memset(&r->miss, 0, sizeof(r->miss));
	r->num = 0;
	r->base = 0;
	r->has_base = r->has_addr = false;
	r->enabled = false;
	r->call_missed = false;
	clear_ring(r);
	return true;
}

void vub_ring_forget(struct vub_ring *r)
{
	vub_ring_call(r, forget_fn, NULL);
}

/* The thread. */

static int alloc_slots(struct vub_ring *r)
{
	size_t size = ALIGN_UP(offsetof(struct vub_slot, req) + r->s->dev->ops->req_size, 64);
	u8 *at = aligned_alloc(64, size * VUB_RING_DEPTH);

	if (!at)
		return -1;
	memset(at, 0, size * VUB_RING_DEPTH);
	r->slots = at;
	for (u32 i = 0; i < VUB_RING_DEPTH; i++) {
		struct vub_slot *slot = (struct vub_slot *)(at + i * size);

		slot->ring = r;
		slot->req.queue = r->index;
		vub_slot_segs(slot);
		slot->next_free = r->free;
		r->free = slot;
	}
	return 0;
}

static bool quit_fn(struct vub_ring *r, void *arg)
{
	(void)arg;
	r->quit = true;
	return true;
}

int vub_ring_open(struct vub_ring *r, struct vub_session *s, u16 index, struct vub_ring *lead)
{
	struct rdev *dev = s->dev;

	memset(r, 0, sizeof(*r));
	r->s = s;
	r->index = index;
	r->lead = lead;
	r->burst = dev->ops->burst ? dev->ops->burst : VUB_STAGED;
	r->kick_fd = r->call_fd = r->err_fd = -1;
	clear_ring(r);
	r->call_done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->call_done < 0 || alloc_slots(r) ||
	    (lead == r && reactor_init(&r->reactor, 2 * VUB_RING_DEPTH))) {
		perror("ringside-backend: queue");
		return -1;
	}
	reactor_watch_add(&lead->reactor, &r->kick, NULL);
	while (lead != r && lead->next)
		lead = lead->next;
	if (lead != r)
		lead->next = r;
	return dev->ops->queue_open(dev, index, &r->lead->reactor);
}

int vub_ring_run(struct vub_ring *r)
{
	if (pthread_create(&r->thread, NULL, vub_serve_main, r)) {
		perror("ringside-backend: thread");
		return -1;
	}
	return 0;
}

void vub_ring_close(struct vub_ring *r)
{
	if (r->lead == r) {
		vub_ring_call(r, quit_fn, NULL);
		pthread_join(r->thread, NULL);
	}
	r->s->dev->ops->queue_close(r->s->dev, r->index);
	if (r->lead == r)
		reactor_exit(&r->reactor);
	close(r->call_done);
	free(r->slots);
	free(r->big);
	free(r->resubmit);
}
