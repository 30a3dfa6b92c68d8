// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/host/session.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/bench/host/clock.h"
#include "harness/bench/host/layout.h"
#include "harness/bench/host/steps.h"

static void look_up(struct bench_queue *q)
{
	if (q->s->cancelled && q->s->cancelled())
		q->load.cancel = true;
}

static bool in_kernel(const struct bench_session *s)
{
	return s->tp == &s->kernel.tp;
}

u64 bench_offered(const struct bench_session *s)
{
	return in_kernel(s) ? s->kernel.offered : s->fe.offered;
}

static int call_fd(const struct bench_queue *q)
{
	return in_kernel(q->s) ? q->s->kernel.rings[q->number].call
			       : q->s->fe.rings[q->number].call;
}

static void do_kick(void *arg)
{
	struct bench_queue *q = arg;

	q->syscalls++;
	eventfd_write(q->kick, 1);
}

static void do_sleep(void *arg, u64 deadline)
{
	struct bench_queue *q = arg;
	const struct clock *clock = &q->s->clock;
	struct epoll_event told;
	u64 now = clock_start(clock);
	u64 ns = deadline > now ? clock_ns(clock, deadline - now) : 0;
	struct timespec ts = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };

	look_up(q);
	q->syscalls++;
	/* musl has no function for it. */
	if (syscall(SYS_epoll_pwait2, q->epoll, &told, 1, &ts, NULL, 0) <= 0)
		return;
	if (q->load.raw_room || q->load.events)
		q->load.woken = clock_start(clock);
}

static void do_relax(void *arg)
{
	struct bench_queue *q = arg;

	look_up(q);
	if (q->s->crowded) {
		q->syscalls++;
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

const char *bench_memory_name(enum bench_memory memory)
{
	static const char *const names[] = {
		[BENCH_DIRECT] = "direct",
		[BENCH_FAT] = "fat",
		[BENCH_COPY] = "copy",
	};

	return names[memory];
}

/* --- bringing it up -------------------------------------------------------------------------------- */

/* One system call a notification: the counter is read when all is over. */
static int watch_calls(struct bench_queue *q, char *error, size_t room)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };

	if (q->s->opts.poll)
		return 0;
	q->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (q->epoll < 0 || epoll_ctl(q->epoll, EPOLL_CTL_ADD, call_fd(q), &e) < 0)
		return fail(error, room, "watching the call descriptor", strerror(errno));
	return 0;
}

/* Notifications since the last time. */
static u64 take_calls(const struct bench_queue *q)
{
	eventfd_t n = 0;

	return eventfd_read(call_fd(q), &n) == 0 ? n : 0;
}

static int start_queue(struct bench_session *s, struct bench_queue *q, char *error, size_t room)
{
	struct tp *t = s->tp;
	const struct tp_buf ring = bench_ring_area(s, q->index);
	struct vq_layout layout;
	struct vq_mode mode = {
		.ring = bench_ring_of(&s->opts),
		.event_idx = s->features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX),
		.in_order = s->features & BIT_ULL(VIRTIO_F_IN_ORDER),
	};
	struct tp_queue cfg;

	mode.base = vq_start(mode.ring);
	vq_lay_out(&layout, mode.ring, bench_ring_size(&s->opts), ring.hva, ring.gpa);
	q->slots = calloc(layout.size, sizeof(*q->slots));
	if (!q->slots)
		return fail(error, room, "ring", "out of memory");
	vq_init(&q->vq, &mode, &layout, q->slots);
	cfg = (struct tp_queue){
		.size = layout.size,
		.base = mode.base,
		.desc = layout.desc,
		.driver = layout.driver,
		.device = layout.device,
		.vq = &q->vq,
	};
	/*
	 * A driver that polls has a call descriptor too and asks for silence in the ring: not every
	 * back-end survives having none (libvhost-user of QEMU 7.2 breaks the device).
	 */
	if (t->ops->queue_start(t, q->number, &cfg) != TP_OK)
		return fail(error, room, "starting a queue", t->error);
	q->kick = in_kernel(s) ? s->kernel.rings[q->number].kick : s->fe.rings[q->number].kick;
	return watch_calls(q, error, room);
}

/* Those that nothing is put into but messages before the load. */
static int start_idle(struct bench_session *s, char *error, size_t room)
{
	for (u32 left = s->opts.idle; left; left &= left - 1) {
		struct bench_queue *q = &s->idle[s->idle_count];

		if (s->idle_count == ASK_IDLE_MAX)
			return fail(error, room, "queues", "too many of them are idle");
		*q = (struct bench_queue){ .s = s,
					   .index = s->opts.queues + s->idle_count++,
					   .number = (unsigned)__builtin_ctz(left),
					   .epoll = -1 };
		if (start_queue(s, q, error, room) < 0)
			return -1;
		vq_disable_calls(&q->vq);
	}
	return 0;
}

/* Queue 0 takes what is left over of a number that is divided among them. */
static u64 share(const struct bench_session *s, const struct bench_queue *q, u64 n)
{
	return n / s->opts.queues + (q->index == 0 ? n % s->opts.queues : 0);
}

struct load_ops bench_load_ops(struct bench_queue *q)
{
	return (struct load_ops){ do_kick, q->s->opts.poll ? NULL : do_sleep, do_relax, q };
}

static int prepare_load(struct bench_session *s, struct bench_queue *q, u64 sectors, char *error,
			size_t room)
{
	const struct bench_opts *o = &s->opts;
	struct load *l = &q->load;

	*l = (struct load){
		.vq = &q->vq,
		.clock = &s->clock,
		.ops = bench_load_ops(q),
		.type = o->type,
		.depth = o->depth,
		.batch = o->batch,
		.sectors = sectors,
		.block_bytes = o->block_size,
		.sequential = o->sequential,
		.indirect = o->indirect,
		.notified = o->notified && !o->poll,
		.queue = (u16)q->number,
		.ask = o->ask,
		.rate = share(s, q, o->rate),
		.stall_ns = (u64)s->tp->timeout_ms * 1000000,
		.slots = calloc(o->depth, sizeof(struct load_slot)),
	};
	if (o->memory == BENCH_COPY)
		l->own = q->own = calloc(o->depth, o->block_size);
	q->latency = malloc(sizeof(*q->latency));
	l->latency = q->latency;
	if (!l->slots || !q->latency || (o->memory == BENCH_COPY && !q->own))
		return fail(error, room, "requests", "out of memory");
	if (load_prepare(l, bench_request_area(s, q->index)) != LOAD_OK)
		return fail(error, room, "requests", "they do not fit into guest memory");
	/* Queues do not ask for the same blocks in the same order. */
	l->rng ^= (u64)q->index * 0xbf58476d1ce4e5b9ull;
	return 0;
}

static int capacity(struct bench_session *s, u64 *sectors, char *error, size_t room)
{
	struct virtio_blk_config cfg = { 0 };
	struct tp *t = s->tp;

	*sectors = 0;
	if (!load_is_blk(s->opts.type))
		return 0;
	if (t->ops->read_config(t, 0, &cfg, VIRTIO_BLK_CONFIG_SIZE) != TP_OK)
		return fail(error, room, "reading the configuration", t->error);
	*sectors = le64(cfg.capacity);
	if (*sectors >= s->opts.block_size / VIRTIO_BLK_SECTOR)
		return 0;
	snprintf(error, room, "the device has %llu sectors, less than one block of %u bytes",
		 (unsigned long long)*sectors, s->opts.block_size);
	return -1;
}

static int negotiate(struct bench_session *s, char *error, size_t room)
{
	const struct bench_opts *o = &s->opts;
	const struct {
		bool asked;
		unsigned bit;
		const char *option, *why;
	} needs[] = {
		{ o->packed, VIRTIO_F_RING_PACKED, "--ring packed", "no packed rings" },
		{ o->in_order, VIRTIO_F_IN_ORDER, "--in-order", "not the feature IN_ORDER" },
		{ o->indirect, VIRTIO_RING_F_INDIRECT_DESC, "--indirect",
		  "no indirect descriptors" },
	};
	const unsigned queues = in_kernel(s) ? s->kernel.queues : s->fe.queues;
	const u64 offered = bench_offered(s);
	struct tp *t = s->tp;
	unsigned have;
	u64 want = BIT_ULL(VIRTIO_F_VERSION_1) | o->features | t->demanded;

	if (load_is_blk(o->type))
		want |= BIT_ULL(VIRTIO_BLK_F_FLUSH) | BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE);
	if (load_is_blk(o->type) && o->queues > 1)
		want |= BIT_ULL(VIRTIO_BLK_F_MQ);
	if (o->event_idx)
		want |= BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		if (!needs[i].asked)
			continue;
		if (!(offered & BIT_ULL(needs[i].bit))) {
			snprintf(error, room, "%s: the target has %s", needs[i].option,
				 needs[i].why);
			return -1;
		}
		want |= BIT_ULL(needs[i].bit);
	}
	/* One that cannot say how many it has says one, whichever it is that is driven. */
	have = queues > o->first ? queues - o->first : 1;
	if (o->queues > have) {
		snprintf(error, room, "--queues: the target has %u", have);
		return -1;
	}
	s->features = offered & want;
	return t->ops->set_features(t, s->features) == TP_OK
		       ? 0
		       : fail(error, room, "negotiating features", t->error);
}

static int connect_socket(struct bench_session *s, char *error, size_t room)
{
	struct tp *t = s->tp;
	int rc = vu_connect(&s->fe);

	if (rc == TP_OK && bench_share_memory(s) != TP_OK)
		return fail(error, room, "guest memory",
			    t->error[0] ? t->error : "the requests take more than there is");
	if (rc == TP_OK)
		rc = vu_handshake(&s->fe);
	return rc == TP_OK ? 0 : fail(error, room, "handshake", t->error);
}

/* Its guest memory is laid out as ours is with BENCH_DIRECT, but of one size. */
static int open_kernel(struct bench_session *s, char *error, size_t room)
{
	const struct bench_opts *o = &s->opts;
	struct tp *t = s->tp;

	if (o->memory != BENCH_DIRECT)
		return fail(error, room, "--memory", "only with vhost-user");
	if (t->ops->open(t) != TP_OK)
		return fail(error, room, "opening it", t->error);
	if (!bench_fits(s))
		return fail(error, room, "guest memory", "the requests take more than there is");
	return 0;
}

static void choose_transport(struct bench_session *s, const struct bench_where *where)
{
	if (where->socket)
		vu_transport_init(&s->fe, where->socket);
	else if (where->vdpa)
		vdpa_transport_init(&s->kernel, where->kernel);
	else
		vhost_transport_init(&s->kernel, where->kernel);
	s->tp = where->socket ? &s->fe.tp : &s->kernel.tp;
	s->fe.listener = where->listener;
	s->tp->timeout_ms = 5000;
}

int bench_open(struct bench_session *s, const struct bench_where *where, const struct bench_opts *o,
	       char *error, size_t room)
{
	cpu_set_t cpus;
	struct tp *t;
	u64 sectors;

	memset(s, 0, sizeof(*s));
	s->opts = *o;
	s->opts.queues = MAX(o->queues, 1u);
	choose_transport(s, where);
	t = s->tp;
	s->queue = calloc(s->opts.queues, sizeof(*s->queue));
	if (!s->queue)
		return fail(error, room, "queues", "out of memory");
	for (unsigned q = 0; q < s->opts.queues; q++) {
		s->queue[q].s = s;
		s->queue[q].index = q;
		s->queue[q].number = o->first + q;
		s->queue[q].epoll = -1;
	}
	if (o->counter_hz)
		s->clock = clock_of_counter(o->counter_hz);
	else
		clock_calibrate(&s->clock);
	CPU_ZERO(&cpus);
	s->crowded = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 &&
		     (unsigned)CPU_COUNT(&cpus) < s->opts.queues + 1;
	if ((in_kernel(s) ? open_kernel(s, error, room) : connect_socket(s, error, room)) < 0)
		return -1;
	if (negotiate(s, error, room) < 0 || capacity(s, &sectors, error, room) < 0)
		return -1;
	if (start_idle(s, error, room) < 0)
		return -1;
	for (unsigned q = 0; q < s->opts.queues; q++)
		if (start_queue(s, &s->queue[q], error, room) < 0 ||
		    prepare_load(s, &s->queue[q], sectors, error, room) < 0)
			return -1;
	if (o->raw) {
		s->raw = calloc(o->raw, sizeof(*s->raw));
		if (!s->raw)
			return fail(error, room, "time stamps", "out of memory");
		/* No page of it is to be touched first while something is measured. */
		memset(s->raw, 0xff, o->raw * sizeof(*s->raw));
	}
	if (t->ops->driver_ok(t) != TP_OK)
		return fail(error, room, "setting DRIVER_OK", t->error);
	return bench_take_steps(s, error, room);
}

/* --- measuring --------------------------------------------------------------------------------------- */

static void pin(const struct bench_queue *q)
{
	const struct bench_opts *o = &q->s->opts;
	cpu_set_t cpus;

	if (!o->pins)
		return;
	CPU_ZERO(&cpus);
	CPU_SET(o->pin[q->index % o->pins], &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

enum {
	GO = 1,
	GIVE_UP = 2,
};

static void *drive(void *arg)
{
	struct bench_queue *q = arg;

	unsigned go;

	q->load.tid = (u32)syscall(SYS_gettid);
	pin(q);
	while (!(go = __atomic_load_n(&q->s->go, __ATOMIC_ACQUIRE)))
		sched_yield();
	if (go == GO)
		q->result = load_run(&q->load);
	return NULL;
}

/* All queues at once: the first in this thread, which is put back to where it was. */
static int run_queues(struct bench_session *s, char *error, size_t room)
{
	unsigned started = 1;
	cpu_set_t before;
	int rc = 0;

	sched_getaffinity(0, sizeof(before), &before);
	__atomic_store_n(&s->go, 0, __ATOMIC_RELAXED);
	for (; started < s->opts.queues; started++) {
		struct bench_queue *q = &s->queue[started];

		rc = pthread_create(&q->thread, NULL, drive, q);
		if (rc)
			break;
	}
	__atomic_store_n(&s->go, rc ? GIVE_UP : GO, __ATOMIC_RELEASE);
	drive(&s->queue[0]);
	for (unsigned q = 1; q < started; q++)
		pthread_join(s->queue[q].thread, NULL);
	sched_setaffinity(0, sizeof(before), &before);
	return rc ? fail(error, room, "a thread for each queue", strerror(rc)) : 0;
}

static int run_phase(struct bench_session *s, u64 requests, u64 duration_ns, char *error,
		     size_t room)
{
	u64 completed = 0;

	for (unsigned i = 0; i < s->opts.queues; i++) {
		struct bench_queue *q = &s->queue[i];

		q->load.requests = share(s, q, requests);
		q->load.duration_ns = duration_ns;
		hist_reset(q->latency);
		q->load.submitted = q->load.completed = q->load.errors = 0;
		q->load.kicks = q->load.sleeps = 0;
		q->syscalls = q->calls = 0;
		take_calls(q);
	}
	if (run_queues(s, error, room) < 0)
		return -1;
	for (unsigned i = 0; i < s->opts.queues; i++) {
		completed += s->queue[i].load.completed;
		s->queue[i].calls = take_calls(&s->queue[i]);
	}
	for (unsigned i = 0; i < s->opts.queues; i++) {
		switch (s->queue[i].result) {
		case LOAD_OK:
			continue;
		case LOAD_STALLED:
			snprintf(error, room, "no request completed for %u ms after %llu requests",
				 s->tp->timeout_ms, (unsigned long long)completed);
			return -1;
		default:
			return fail(error, room, "the target",
				    "returned a descriptor that was not outstanding");
		}
	}
	return 0;
}

static void add_up(const struct bench_session *s, struct bench_figures *f)
{
	for (unsigned i = 0; i < s->opts.queues; i++) {
		const struct bench_queue *q = &s->queue[i];
		const struct load *l = &q->load;

		hist_merge(f->latency, q->latency);
		if (l->errors && !f->errors)
			f->first_bad = l->first_bad;
		f->requests += l->completed;
		f->errors += l->errors;
		f->elapsed_ns = MAX(f->elapsed_ns, l->elapsed_ns);
		f->kicks += l->kicks;
		f->calls += q->calls;
		f->syscalls += q->syscalls;
	}
}

int bench_measure(struct bench_session *s, struct bench_figures *f, char *error, size_t room)
{
	*f = (struct bench_figures){ .latency = malloc(sizeof(*f->latency)) };
	if (!f->latency)
		return fail(error, room, "histogram", "out of memory");
	hist_reset(f->latency);
	if (s->opts.warmup_ns && run_phase(s, 0, s->opts.warmup_ns, error, room) < 0)
		return -1;
	s->queue[0].load.raw = s->raw;
	s->queue[0].load.raw_room = s->raw ? s->opts.raw : 0;
	s->queue[0].load.raw_count = 0;
	if (run_phase(s, s->opts.requests, s->opts.requests ? 0 : s->opts.duration_ns, error,
		      room) < 0)
		return -1;
	add_up(s, f);
	return 0;
}

bool bench_trace(struct bench_session *s, struct buffer *b)
{
	for (unsigned i = 0; i < s->opts.queues; i++) {
		struct bench_queue *q = &s->queue[i];
		char name[24];

		q->load.events = NULL;
		if (!b)
			continue;
		snprintf(name, sizeof(name), "queue %u", i);
		if (!buffer_sink(b, i, name, &q->events))
			return false;
		q->load.events = &q->events;
	}
	/* Both sides' times are of one clock. */
	if (b)
		b->file->counter = s->clock.read == NULL;
	if (b && s->clock.read)
		s->clock.read = buffer_gettime;
	return true;
}

void bench_close(struct bench_session *s)
{
	if (in_kernel(s))
		kdev_end(s->tp);
	else
		vu_disconnect(&s->fe);
	for (unsigned i = 0; s->queue && i < s->opts.queues; i++) {
		free(s->queue[i].slots);
		free(s->queue[i].load.slots);
		free(s->queue[i].latency);
		free(s->queue[i].own);
		if (s->queue[i].epoll >= 0)
			close(s->queue[i].epoll);
	}
	for (unsigned i = 0; i < s->idle_count; i++) {
		free(s->idle[i].slots);
		if (s->idle[i].epoll >= 0)
			close(s->idle[i].epoll);
	}
	s->idle_count = 0;
	free(s->queue);
	free(s->raw);
	s->queue = NULL;
	s->raw = NULL;
}

void bench_figures_free(struct bench_figures *f)
{
	free(f->latency);
	f->latency = NULL;
}
