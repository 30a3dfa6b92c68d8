// SPDX-License-Identifier: BSD-3-Clause
#include "traces/stage/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bench/hist.h"
#include "traces/bpf/read.h"
#include "traces/stage/threads.h"

#define PENDING	 4   /* what one event can become */
#define VQS	 256 /* queues that are known by their address */
#define QUEUE_IO 0xffff

/* Where a guest's notifications are not: interrupt controllers, and a register of virtio-mmio's. */
#define APIC_BASE   0xfec00000u
#define APIC_END    0xff000000u
#define MMIO_NOTIFY 0x050u
#define MMIO_ACK    0x064u

struct kernel_source {
	struct kernel_reader *in;
	const struct kernel_file *head;
	struct threads threads;
	u32 back_end; /* of guests' notifications: the one there is; 0: none, or several */
	u16 queues;   /* that have descriptors */
	bool probes;
	struct {
		struct trace_event e;
		u64 ns;
		u32 session;
	} pending[PENDING];
	unsigned have, next;
	struct {
		u32 pid;
		u16 queue;
		u64 address;
	} vq[VQS];
	unsigned vqs;
	u64 loose_irq_ns; /* an interrupt that a thread of the kernel made pending */
	u16 last_call;	  /* queue of the last call that has no interrupt yet */
	bool last_call_open;
	u64 spoken_ns; /* when the back-end last received a message */
	struct stage_kernel sum;
	struct hist *waited[STAGE_WHOS];
};

/* --- small things -------------------------------------------------------------------------------------- */

static u32 role_of(const struct kernel_source *s, u32 pid)
{
	for (u32 i = 0; i < s->head->processes; i++)
		if (s->head->process[i].pid == pid && pid)
			return s->head->process[i].role;
	return 0;
}

static const struct kernel_fd *fd_of(const struct kernel_source *s, u32 pid, u32 fd, u8 role)
{
	for (u32 i = 0; i < s->head->fds; i++)
		if (s->head->fd[i].fd == fd && s->head->fd[i].pid == pid &&
		    s->head->fd[i].role == role && s->head->fd[i].queue != KERNEL_NO_QUEUE)
			return &s->head->fd[i];
	return NULL;
}

static void put(struct kernel_source *s, const struct kernel_event *e, u32 session, unsigned point,
		u16 queue, u64 ns, u64 took)
{
	if (s->have == PENDING)
		return;
	s->pending[s->have].e = (struct trace_event){
		.ticks = ns,
		.len = (u32)MIN(took, UINT32_MAX),
		.queue = queue,
		.kind = (u8)point,
		.flags = TRACE_F_OUTSIDE,
		.cpu = e->cpu,
		.tid = e->tid,
	};
	s->pending[s->have].ns = ns;
	s->pending[s->have++].session = session;
}

/* --- system calls ------------------------------------------------------------------------------------- */

/* An interrupt became pending while the descriptor was written. */
static void on_called(struct kernel_source *s, const struct kernel_event *e, u16 queue, bool inside)
{
	const struct thread *th = threads_find(&s->threads, e->tid);
	const u64 irq = th ? th->irq_ns : 0;

	if (!inside)
		put(s, e, e->pid, TRACE_CALL, queue, e->ns, e->b);
	s->last_call = queue;
	s->last_call_open = true;
	if (!irq || irq > e->ns || irq < e->ns - MIN(e->b, e->ns))
		return;
	put(s, e, e->pid, TRACE_INJECT, queue, irq, 0);
	s->last_call_open = false;
}

static void on_descriptor(struct kernel_source *s, const struct kernel_event *e, bool inside)
{
	const u8 role = e->what == KERNEL_WRITE ? KERNEL_FD_CALL : KERNEL_FD_KICK;
	const struct kernel_fd *fd = e->c == 8 ? fd_of(s, e->pid, e->a, role) : NULL;
	struct thread *th;

	if (!fd)
		return;
	if (role == KERNEL_FD_CALL) {
		s->sum.calls++;
		on_called(s, e, fd->queue, inside);
	} else {
		s->sum.kicks++;
		th = threads_get(&s->threads, e->tid, STAGE_BACK_END);
		if (th) {
			th->queue = fd->queue;
			th->queue_known = true;
		}
		/* Where the function is seen that takes chains from the ring, this is no more than a sign. */
		if (!s->probes && !inside)
			put(s, e, e->pid, TRACE_FETCH, fd->queue, e->ns, e->b);
	}
}

/* A hypervisor without KVM: it writes the kick itself, and reads the call. */
static void on_front_end(struct kernel_source *s, const struct kernel_event *e)
{
	const u8 role = e->what == KERNEL_WRITE ? KERNEL_FD_KICK : KERNEL_FD_CALL;
	const struct kernel_fd *fd = e->c == 8 ? fd_of(s, e->pid, e->a, role) : NULL;

	if (!fd || !s->back_end)
		return;
	if (role == KERNEL_FD_KICK) {
		s->sum.doorbells++;
		put(s, e, s->back_end, TRACE_EXIT, fd->queue, e->ns - MIN(e->b, e->ns), 0);
		put(s, e, s->back_end, TRACE_KICK, fd->queue, e->ns, 0);
	} else {
		s->sum.irqs++;
		put(s, e, s->back_end, TRACE_INJECT, fd->queue, e->ns, 0);
	}
}

static void on_call(struct kernel_source *s, const struct kernel_event *e, u32 role)
{
	const bool inside = role & KERNEL_INSIDE;
	const u64 began = e->ns - MIN(e->b, e->ns);

	if (!(role & KERNEL_BACK_END)) {
		if (role & KERNEL_FRONT_END)
			on_front_end(s, e);
		return;
	}
	s->sum.call[e->what < KERNEL_CALLS ? e->what : KERNEL_OTHER]++;
	if ((int64_t)e->c < 0)
		return;
	if (e->what == KERNEL_RECVMSG)
		s->spoken_ns = e->ns;
	if (e->what == KERNEL_READ || e->what == KERNEL_WRITE)
		on_descriptor(s, e, inside);
	if (inside)
		return;
	switch (e->what) {
	case KERNEL_PREAD:
	case KERNEL_PWRITE:
	case KERNEL_PREADV:
	case KERNEL_PWRITEV:
	case KERNEL_FSYNC:
	case KERNEL_FDATASYNC:
	case KERNEL_FALLOCATE:
		s->sum.io++;
		put(s, e, e->pid, TRACE_SERVE_BEGIN, QUEUE_IO, began, 0);
		put(s, e, e->pid, TRACE_SERVE_END, QUEUE_IO, e->ns, 0);
		break;
	case KERNEL_IO_SUBMIT:
		s->sum.io += e->c;
		put(s, e, e->pid, TRACE_SERVE_BEGIN, QUEUE_IO, began, 0);
		break;
	case KERNEL_IO_GETEVENTS:
		if (e->c)
			put(s, e, e->pid, TRACE_SERVE_END, QUEUE_IO, e->ns, 0);
		break;
	default:
		break;
	}
}

/* io_uring also carries waiting for descriptors, and time-outs. */
static bool is_io(unsigned op)
{
	enum {
		READV = 1,
		WRITEV,
		FSYNC,
		READ_FIXED,
		WRITE_FIXED,
		SYNC_RANGE = 8,
		FALLOCATE = 17,
		READ = 22,
		WRITE
	};

	return (op >= READV && op <= WRITE_FIXED) || op == SYNC_RANGE || op == FALLOCATE ||
	       op == READ || op == WRITE;
}

/* --- functions ------------------------------------------------------------------------------------------ */

static u16 queue_at(struct kernel_source *s, const struct kernel_event *e)
{
	const struct thread *th = threads_find(&s->threads, e->tid);
	u16 queue;

	for (unsigned i = 0; i < s->vqs; i++)
		if (s->vq[i].address == e->b && s->vq[i].pid == e->pid)
			return s->vq[i].queue;
	/* The thread that takes from it has just read that queue's kick; or there is one only. */
	if (th && th->queue_known)
		queue = th->queue;
	else if (s->queues <= 1)
		queue = 0;
	else
		return KERNEL_NO_QUEUE;
	if (s->vqs < VQS && e->what == KERNEL_POP) {
		s->vq[s->vqs].pid = e->pid;
		s->vq[s->vqs].queue = queue;
		s->vq[s->vqs++].address = e->b;
	}
	return queue;
}

static void on_probe(struct kernel_source *s, const struct kernel_event *e, u32 role)
{
	static const u8 points[KERNEL_PROBES] = {
		[KERNEL_POP] = TRACE_FETCH,
		[KERNEL_PUSH] = TRACE_SERVE_END,
		[KERNEL_PUSHED] = TRACE_PUBLISH,
	};
	u16 queue;

	if (!(role & KERNEL_BACK_END) || role & KERNEL_INSIDE || e->what >= KERNEL_PROBES)
		return;
	queue = queue_at(s, e);
	if (queue == KERNEL_NO_QUEUE)
		return;
	put(s, e, e->pid, points[e->what], queue, e->ns, 0);
	s->pending[s->have - 1].e.head = (u16)e->a;
	s->pending[s->have - 1].e.flags |= TRACE_F_HEAD;
}

/* --- guests -------------------------------------------------------------------------------------------- */

static bool may_be_doorbell(const struct kernel_event *e)
{
	if (e->b >= APIC_BASE && e->b < APIC_END)
		return e->b < 0xfee00000u && (e->b & 0xfff) == MMIO_NOTIFY;
	return (e->b & 0xfff) != MMIO_ACK;
}

static void on_doorbell(struct kernel_source *s, const struct kernel_event *e, u32 role)
{
	struct thread *th;
	u16 queue = e->kind == KERNEL_MMIO ? (u16)e->c : 0;

	if (!(role & KERNEL_FRONT_END) || !s->back_end || !may_be_doorbell(e))
		return;
	/* The value is the queue's index, in both transports; where it was not looked at, there must be one. */
	if (e->kind == KERNEL_FAST_MMIO ? s->queues > 1 : queue >= s->queues)
		return;
	s->sum.doorbells++;
	put(s, e, s->back_end, TRACE_EXIT, queue, e->ns, 0);
	th = threads_get(&s->threads, e->tid, STAGE_FRONT_END);
	if (!th)
		return;
	th->doorbell_ns = e->ns;
	th->queue = queue;
}

/* The guest's processor, still in the hypervisor with its notification, wakes the back-end: that is the kick. */
static void on_wakeup(struct kernel_source *s, const struct kernel_event *e)
{
	struct thread *th = threads_find(&s->threads, e->tid);

	if (!th || !th->doorbell_ns || (u32)e->b != s->back_end)
		return;
	put(s, e, s->back_end, TRACE_KICK, th->queue, e->ns, 0);
	th->doorbell_ns = 0;
}

static void on_irq(struct kernel_source *s, const struct kernel_event *e, u32 role)
{
	struct thread *th;

	s->sum.irqs++;
	if (role & KERNEL_BACK_END) {
		th = threads_get(&s->threads, e->tid, STAGE_BACK_END);
		if (th)
			th->irq_ns = e->ns;
	} else if (!role && s->queues == 1 && s->last_call_open && s->back_end) {
		put(s, e, s->back_end, TRACE_INJECT, s->last_call, e->ns, 0);
		s->last_call_open = false;
	}
}

/* --- all of it ----------------------------------------------------------------------------------------- */

static void on_event(struct kernel_source *s, const struct kernel_event *e)
{
	const u32 role = role_of(s, e->pid);
	struct thread *th;
	u64 waited;

	s->sum.events++;
	switch (e->kind) {
	case KERNEL_CALL:
		on_call(s, e, role);
		break;
	case KERNEL_WAKEUP:
		on_wakeup(s, e);
		threads_on_event(&s->threads, e, &waited);
		break;
	case KERNEL_SWITCH:
		th = threads_on_event(&s->threads, e, &waited);
		if (th)
			hist_record(s->waited[th->who], waited);
		break;
	case KERNEL_EXIT:
		s->sum.exits += (role & KERNEL_FRONT_END) != 0;
		th = threads_find(&s->threads, e->tid);
		if (th)
			th->doorbell_ns = 0;
		break;
	case KERNEL_MMIO:
		if (e->what == 2)
			on_doorbell(s, e, role);
		break;
	case KERNEL_FAST_MMIO:
		on_doorbell(s, e, role);
		break;
	case KERNEL_IRQ:
		on_irq(s, e, role);
		break;
	case KERNEL_IO_BEGIN:
	case KERNEL_IO_END:
		if (!(role & KERNEL_BACK_END) || role & KERNEL_INSIDE || !is_io(e->what))
			break;
		s->sum.io += e->kind == KERNEL_IO_BEGIN;
		put(s, e, e->pid, e->kind == KERNEL_IO_BEGIN ? TRACE_SERVE_BEGIN : TRACE_SERVE_END,
		    QUEUE_IO, e->ns, 0);
		break;
	case KERNEL_BLOCK_BEGIN:
		s->sum.blocks++;
		break;
	case KERNEL_PROBE:
		on_probe(s, e, role);
		break;
	default:
		break;
	}
}

u64 kernel_source_peek(struct kernel_source *s)
{
	const struct kernel_event *e;

	if (!s)
		return UINT64_MAX;
	while (s->next == s->have) {
		s->next = s->have = 0;
		e = kernel_reader_next(s->in);
		if (!e)
			return UINT64_MAX;
		on_event(s, e);
	}
	return s->pending[s->next].ns;
}

void kernel_source_next(struct kernel_source *s, struct trace_event *e, u64 *ns, u32 *session)
{
	*e = s->pending[s->next].e;
	*ns = s->pending[s->next].ns;
	*session = s->pending[s->next++].session;
}

u32 kernel_source_back_end(const struct kernel_source *s)
{
	return s ? s->back_end : 0;
}

u64 kernel_source_spoken(const struct kernel_source *s)
{
	return s->spoken_ns;
}

double kernel_source_hz(const struct kernel_source *s)
{
	return s ? (double)s->head->counter_hz : 0;
}

void kernel_source_sum(const struct kernel_source *s, struct stage_kernel *out)
{
	*out = s->sum;
	out->present = true;
	out->lost = s->head->lost;
	out->torn = kernel_reader_torn(s->in);
	out->back_end[0] = '\0';
	for (u32 i = 0; i < s->head->processes; i++)
		if (s->head->process[i].role & KERNEL_BACK_END)
			memcpy(out->back_end, s->head->process[i].name, sizeof(out->back_end));
	for (unsigned i = 0; i < STAGE_WHOS; i++) {
		const struct hist *h = s->waited[i];

		out->waited[i] = (struct stage_row){
			.count = h->count,
			.p50_ns = h->count ? hist_quantile(h, 500000) : 0,
			.p99_ns = h->count ? hist_quantile(h, 990000) : 0,
			.max_ns = h->max,
			.mean_ns = hist_mean(h),
			.sum_ns = h->sum,
		};
	}
}

static void look_at_head(struct kernel_source *s)
{
	unsigned back_ends = 0;

	s->probes = s->head->sources >> KERNEL_PROBE & 1;
	for (u32 i = 0; i < s->head->processes; i++) {
		if (!(s->head->process[i].role & KERNEL_BACK_END))
			continue;
		s->back_end = s->head->process[i].pid;
		back_ends++;
	}
	if (back_ends != 1)
		s->back_end = 0;
	for (u32 i = 0; i < s->head->fds; i++)
		if (s->head->fd[i].queue != KERNEL_NO_QUEUE)
			s->queues = (u16)MAX(s->queues, MIN(s->head->fd[i].queue, 0xfff0) + 1);
}

int kernel_source_open(struct kernel_source **out, const char *path, char *err, size_t len)
{
	struct kernel_source *s;
	struct kernel_reader *in;

	*out = NULL;
	if (kernel_reader_open(&in, path, err, len))
		return -1;
	if (!in)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s) {
		kernel_reader_close(in);
		snprintf(err, len, "out of memory");
		return -1;
	}
	s->in = in;
	s->head = s->threads.head = kernel_reader_head(in);
	for (unsigned i = 0; i < STAGE_WHOS; i++) {
		s->waited[i] = malloc(sizeof(*s->waited[i]));
		if (!s->waited[i]) {
			kernel_source_close(s);
			snprintf(err, len, "out of memory");
			return -1;
		}
		hist_reset(s->waited[i]);
	}
	look_at_head(s);
	*out = s;
	return 0;
}

void kernel_source_close(struct kernel_source *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < STAGE_WHOS; i++)
		free(s->waited[i]);
	kernel_reader_close(s->in);
	free(s);
}
