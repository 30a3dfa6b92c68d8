// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/host/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "harness/bench/host/clock.h"

static void look_up(struct bench_session *s)
{
	if (s->cancelled && s->cancelled())
		s->load.cancel = true;
}

static void do_kick(void *arg)
{
	struct bench_session *s = arg;

	s->syscalls++;
	eventfd_write(s->fe.rings[0].kick, 1);
}

static void do_sleep(void *arg, u64 deadline)
{
	struct bench_session *s = arg;
	struct pollfd pfd = { .fd = s->fe.rings[0].call, .events = POLLIN };
	u64 now = clock_start(&s->clock);
	u64 ns = deadline > now ? clock_ns(&s->clock, deadline - now) : 0;
	struct timespec ts = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
	eventfd_t n;

	look_up(s);
	s->syscalls++;
	if (ppoll(&pfd, 1, &ts, NULL) <= 0)
		return;
	s->syscalls++;
	if (eventfd_read(pfd.fd, &n) == 0)
		s->calls += n;
}

static void do_relax(void *arg)
{
	struct bench_session *s = arg;

	look_up(s);
	if (s->crowded) {
		s->syscalls++;
		sched_yield();
		return;
	}
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static int fail(char *error, size_t room, const char *what, const char *why)
{
	snprintf(error, room, "%s: %s", what, why);
	return -1;
}

/* A ring in the first region, requests in the second: what a table of several regions costs is part of it. */
static int start_queue(struct bench_session *s, char *error, size_t room)
{
	struct tp *t = &s->fe.tp;
	u16 size = s->opts.ring_size;
	u32 need = 4 * s->opts.depth;
	struct vq_layout layout = { 0 };
	struct tp_buf ring = t->mem[0];
	struct tp_queue cfg;
	struct vq_mode mode = {
		.ring = s->features & BIT_ULL(VIRTIO_F_RING_PACKED) ? VQ_RING_PACKED
								    : VQ_RING_SPLIT,
		.event_idx = s->features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX),
		.in_order = s->features & BIT_ULL(VIRTIO_F_IN_ORDER),
	};
	int rc;

	if (!size) {
		u32 enough = 128;

		while (enough < need)
			enough *= 2;
		size = (u16)enough;
	}
	vq_lay_out(&layout, mode.ring, size, ring.hva, ring.gpa);
	s->slots = calloc(size, sizeof(*s->slots));
	if (!s->slots)
		return fail(error, room, "ring", "out of memory");
	mode.base = vq_start(mode.ring);
	vq_init(&s->vq, &mode, &layout, s->slots);
	cfg = (struct tp_queue){
		.size = size,
		.desc = layout.desc,
		.driver = layout.driver,
		.device = layout.device,
		.base = mode.base,
		.vq = &s->vq,
	};
	/*
	 * A driver that polls has a call descriptor too and asks for silence in the ring: not every
	 * back-end survives having none (libvhost-user of QEMU 7.2 breaks the device).
	 */
	rc = t->ops->queue_start(t, 0, &cfg);
	if (rc == TP_OK)
		rc = t->ops->driver_ok(t);
	return rc == TP_OK ? 0 : fail(error, room, "starting the queue", t->error);
}

static int prepare_load(struct bench_session *s, char *error, size_t room)
{
	const struct bench_opts *o = &s->opts;
	struct tp *t = &s->fe.tp;
	struct virtio_blk_config cfg = { 0 };
	u64 capacity;

	if (o->type != LOAD_NULL &&
	    t->ops->read_config(t, 0, &cfg, VIRTIO_BLK_CONFIG_SIZE) != TP_OK)
		return fail(error, room, "reading the configuration", t->error);
	capacity = le64(cfg.capacity);
	if (o->type != LOAD_NULL && capacity < o->block_size / VIRTIO_BLK_SECTOR) {
		snprintf(error, room,
			 "the device has %llu sectors, less than one block of %u bytes",
			 (unsigned long long)capacity, o->block_size);
		return -1;
	}
	s->load = (struct load){
		.vq = &s->vq,
		.clock = &s->clock,
		.ops = { do_kick, o->poll ? NULL : do_sleep, do_relax, s },
		.type = o->type,
		.depth = o->depth,
		.batch = o->batch,
		.sectors = capacity,
		.block_bytes = o->block_size,
		.sequential = o->sequential,
		.indirect = o->indirect,
		.rate = o->rate,
		.stall_ns = (u64)t->timeout_ms * 1000000,
		.slots = calloc(o->depth, sizeof(struct load_slot)),
	};
	if (!s->load.slots)
		return fail(error, room, "requests", "out of memory");
	if (load_prepare(&s->load, t->mem[1]) != LOAD_OK) {
		snprintf(error, room,
			 "%u requests of %u bytes do not fit into %u bytes of guest memory",
			 o->depth, o->block_size, t->mem[1].len);
		return -1;
	}
	return 0;
}

int bench_open(struct bench_session *s, const char *socket, const struct bench_opts *o, char *error,
	       size_t room)
{
	static const struct vu_region_spec regions[] = {
		{ 0x00100000, 0x7a0000200000, 4 << 20, 0 },
		{ 0x40000000, 0x7a0040000000, 256 << 20, 0 },
	};
	struct tp *t = &s->fe.tp;
	cpu_set_t cpus;
	u64 want;
	int rc;

	memset(s, 0, sizeof(*s));
	s->opts = *o;
	clock_calibrate(&s->clock);
	CPU_ZERO(&cpus);
	s->crowded = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) < 2;
	vu_transport_init(&s->fe, socket);
	t->timeout_ms = 5000;
	rc = vu_connect(&s->fe);
	if (rc == TP_OK)
		rc = vu_set_regions(&s->fe, regions, ARRAY_SIZE(regions));
	if (rc == TP_OK)
		rc = vu_handshake(&s->fe);
	if (rc != TP_OK)
		return fail(error, room, "handshake", t->error);
	want = BIT_ULL(VIRTIO_F_VERSION_1);
	if (o->type != LOAD_NULL)
		want |= BIT_ULL(VIRTIO_BLK_F_FLUSH) | BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE);
	if (o->indirect)
		want |= BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);
	if (o->event_idx)
		want |= BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	s->features = s->fe.offered & want;
	if (o->indirect && !(s->features & BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC)))
		return fail(error, room, "--indirect", "the target has no indirect descriptors");
	if (t->ops->set_features(t, s->features) != TP_OK)
		return fail(error, room, "negotiating features", t->error);
	if (start_queue(s, error, room) < 0)
		return -1;
	return prepare_load(s, error, room);
}

static int run_phase(struct bench_session *s, u64 requests, u64 duration_ns, char *error,
		     size_t room)
{
	s->load.requests = requests;
	s->load.duration_ns = duration_ns;
	switch (load_run(&s->load)) {
	case LOAD_OK:
		return 0;
	case LOAD_STALLED:
		snprintf(error, room, "no request completed for %u ms after %llu requests",
			 s->fe.tp.timeout_ms, (unsigned long long)s->load.completed);
		return -1;
	default:
		return fail(error, room, "the target",
			    "returned a descriptor that was not outstanding");
	}
}

int bench_measure(struct bench_session *s, struct bench_figures *f, char *error, size_t room)
{
	struct load *l = &s->load;

	*f = (struct bench_figures){ .latency = malloc(sizeof(*f->latency)) };
	if (!f->latency)
		return fail(error, room, "histogram", "out of memory");
	hist_reset(f->latency);
	l->latency = f->latency;
	if (s->opts.warmup_ns && run_phase(s, 0, s->opts.warmup_ns, error, room) < 0)
		return -1;
	hist_reset(f->latency);
	l->submitted = l->completed = l->errors = l->kicks = l->sleeps = 0;
	s->syscalls = s->calls = 0;
	if (run_phase(s, s->opts.requests, s->opts.requests ? 0 : s->opts.duration_ns, error,
		      room) < 0)
		return -1;
	f->requests = l->completed;
	f->errors = l->errors;
	f->first_bad = l->first_bad;
	f->elapsed_ns = l->elapsed_ns;
	f->kicks = l->kicks;
	f->calls = s->calls;
	f->syscalls = s->syscalls;
	return 0;
}

void bench_close(struct bench_session *s)
{
	vu_disconnect(&s->fe);
	free(s->slots);
	free(s->load.slots);
	s->slots = NULL;
	s->load.slots = NULL;
}

void bench_figures_free(struct bench_figures *f)
{
	free(f->latency);
	f->latency = NULL;
}
