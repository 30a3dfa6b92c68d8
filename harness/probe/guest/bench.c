// SPDX-License-Identifier: BSD-3-Clause
#include "harness/probe/guest/run.h"

#include <string.h>

#include "harness/probe/guest/out.h"
#include "harness/spec/virtio14.h"

#define RING_MAX 4096
#define RAW_MAX	 (1u << 16)

static struct {
	struct guest_target *t;
	struct load load;
	struct vq vq;
	struct vq_slot slots[RING_MAX];
	struct load_slot requests[LOAD_DEPTH_MAX];
	struct hist latency;
	/* What of each request is kept: its stamps, or its events. */
	union {
		struct load_stamp raw[RAW_MAX];
		struct trace_event event[RAW_MAX];
	};
	struct trace_ends ends; /* nobody takes events out while it runs */
	struct trace_sink sink;
	u64 calls;
	u32 type;      /* of its requests */
	u32 *flag;     /* set by the queue's interrupt */
	u32 line_flag; /* of a virtio-mmio window, or a PCI function without messages */
	u64 offered, features;
} b;

static bool fail(const char *what, const char *why)
{
	out_text(WIRE_FAIL, "%s: %s", what, why);
	return false;
}

static bool failed(const char *what)
{
	struct tp *tp = b.t->tp;

	return fail(what, tp->error[0] ? tp->error : "refused");
}

/*
 * The doorbell itself and nothing else: the transport's notify() looks the queue's offset up each
 * time, which a driver does once.
 */
static u64 doorbell;
static unsigned doorbell_size;
static bool notification_data; /* it is told how far the queue is filled */

static bool find_doorbell(void)
{
	struct regs *r = regs_from_tp(b.t->tp);

	notification_data = b.features & BIT_ULL(VIRTIO_F_NOTIFICATION_DATA);
	doorbell_size = 4;
	if (r->tp.caps & TP_CAP_PCI) {
		u32 off = 0;

		doorbell_size = notification_data ? 4 : 2;
		if (regs_write(r, b.t->pci.common + 22, 2, 0) != TP_OK ||
		    regs_read(r, b.t->pci.common + 30, 2, &off) != TP_OK)
			return false;
		doorbell = b.t->pci.notify + (u64)off * b.t->pci.notify_multiplier;
	} else {
		doorbell = b.t->mmio.base + 0x50;
	}
	return true;
}

static void do_kick(void *arg)
{
	/* Queue 0 by its index; 2.9: and how far it is filled. */
	const u32 value = notification_data ? (u32)vq_next(&b.vq) << 16 : 0;

	b.t->access.ops->write(&b.t->access, doorbell, doorbell_size, value);
}

static void do_relax(void *arg)
{
	arch_relax();
}

static void do_sleep(void *arg, u64 deadline)
{
	if (!arch_sleep(b.flag, deadline))
		return;
	b.calls++;
	/* A message's handler does no more than set the flag: this is the first instruction of ours behind it. */
	if (b.flag != &b.line_flag)
		b.load.woken = clock_start(&machine.clock);
}

/* In the interrupt: what the device says is taken, so that the line falls. */
static void line_handler(void *arg)
{
	const u64 now = clock_start(&machine.clock);
	u32 isr;

	if (b.t->tp->caps & TP_CAP_PCI) {
		isr = *(volatile u8 *)(uintptr_t)b.t->pci.isr;
	} else {
		isr = *(volatile u32 *)(uintptr_t)(b.t->mmio.base + 0x60);
		*(volatile u32 *)(uintptr_t)(b.t->mmio.base + 0x64) = isr;
	}
	if (!isr)
		return;
	b.load.woken = now;
	__atomic_store_n(&b.line_flag, 1, __ATOMIC_RELEASE);
}

/* How the device will wake a driver that sleeps: by a message, where the machine has them; else a line. */
static bool choose_wait(void)
{
	struct guest_target *t = b.t;
	struct gpa addr;
	u32 data;

	if (t->tp == &t->pci.r.tp && t->pci.vectors && t->msi) {
		const unsigned v = pci_vector(&t->pci, 0);

		b.flag = (u32 *)(t->access.msi.hva + 4 * v);
		if (arch_msi(v, b.flag, &addr, &data))
			return true;
	}
	b.flag = &b.line_flag;
	if (guest_target_line(t) < 0)
		return fail("wait=event", "the device's interrupt line is not known, and it has no "
					  "messages that Ringside can take");
	if (t->tp == &t->pci.r.tp && pci_use_line(&t->pci) != TP_OK)
		return failed("wait=event");
	return true;
}

/* Behind the device's start. */
static bool set_up_wait(void)
{
	if (b.flag != &b.line_flag || arch_line(guest_target_line(b.t), line_handler, NULL))
		return true;
	return fail("wait=event", "the device's interrupt line cannot be used");
}

static bool start_queue(const struct bench_job *job)
{
	struct tp *tp = b.t->tp;
	const struct tp_buf ring = tp->mem[0];
	struct vq_layout layout;
	struct tp_queue cfg;
	struct vq_mode mode = {
		.ring = b.features & BIT_ULL(VIRTIO_F_RING_PACKED) ? VQ_RING_PACKED : VQ_RING_SPLIT,
		.event_idx = b.features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX),
		.in_order = b.features & BIT_ULL(VIRTIO_F_IN_ORDER),
	};
	u32 size = job->ring_size;
	u16 max = 0;

	if (tp->ops->queue_max(tp, 0, &max) != TP_OK)
		return failed("the queue's size");
	if (!size)
		for (size = 128; size < 4 * job->depth; size *= 2)
			;
	size = MIN(size, max);
	/* Of a packed ring any size will do, and one entry holds a request with a table. */
	if (mode.ring == VQ_RING_SPLIT && (size & (size - 1)))
		return fail("ring-size", "of a split ring it is a power of two");
	if (size > RING_MAX || (job->indirect ? 1 : 3) * job->depth > size) {
		out_text(WIRE_FAIL,
			 "a ring of %u entries does not hold %u requests (the "
			 "device allows %u, the probe %u)",
			 size, job->depth, max, RING_MAX);
		return false;
	}
	vq_lay_out(&layout, mode.ring, (u16)size, ring.hva, ring.gpa);
	memset(ring.hva, 0, vq_bytes(mode.ring, (u16)size));
	mode.base = vq_start(mode.ring);
	vq_init(&b.vq, &mode, &layout, b.slots);
	cfg = (struct tp_queue){
		.size = (u16)size,
		.base = mode.base,
		.desc = layout.desc,
		.driver = layout.driver,
		.device = layout.device,
		.vq = &b.vq,
	};
	if (tp->ops->queue_start(tp, 0, &cfg) != TP_OK || tp->ops->driver_ok(tp) != TP_OK)
		return failed("starting the queue");
	return find_doorbell() || failed("the queue's doorbell");
}

static bool bring_up(const struct bench_job *job)
{
	struct tp *tp = b.t->tp;
	u64 need = 0, offered = 0, want = BIT_ULL(VIRTIO_F_VERSION_1) | tp->demanded;

	if (load_is_blk(b.type))
		want |= BIT_ULL(VIRTIO_BLK_F_FLUSH) | BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE);
	if (job->event_idx)
		want |= BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	if (b.t->job->ring == CHECK_RING_PACKED)
		need |= BIT_ULL(VIRTIO_F_RING_PACKED);
	if (job->indirect)
		need |= BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);
	if (job->in_order)
		need |= BIT_ULL(VIRTIO_F_IN_ORDER);
	if (job->notification_data)
		need |= BIT_ULL(VIRTIO_F_NOTIFICATION_DATA);
	if (tp->ops->open(tp) != TP_OK || tp->ops->get_features(tp, &offered) != TP_OK)
		return failed("opening the device");
	if (regs_from_tp(tp)->device_id != (load_is_blk(b.type) ? VIRTIO_ID_BLOCK : VIRTIO_ID_RNG))
		return fail("bench", load_is_blk(b.type) ? "the device is not a block device"
							 : "the device is not an entropy device");
	if (need & ~offered)
		return fail("bench",
			    need & ~offered & BIT_ULL(VIRTIO_F_RING_PACKED)
				    ? "ring=packed: the device offers no packed ring"
			    : need & ~offered & BIT_ULL(VIRTIO_F_IN_ORDER)
				    ? "in-order=on: the device does not offer IN_ORDER"
			    : need & ~offered & BIT_ULL(VIRTIO_F_NOTIFICATION_DATA)
				    ? "notification-data=on: the device does not offer "
				      "NOTIFICATION_DATA"
				    : "indirect=on: the device has no indirect descriptors");
	b.features = offered & (want | need);
	if (tp->ops->set_features(tp, b.features) != TP_OK)
		return failed("negotiating features");
	b.offered = offered;
	return start_queue(job);
}

static bool prepare(const struct bench_job *job)
{
	struct tp *tp = b.t->tp;
	struct virtio_blk_config cfg = { 0 };

	if (load_is_blk(b.type) &&
	    tp->ops->read_config(tp, 0, &cfg, VIRTIO_BLK_CONFIG_SIZE) != TP_OK)
		return failed("reading the configuration");
	if (load_is_blk(b.type) && le64(cfg.capacity) < job->block_size / VIRTIO_BLK_SECTOR)
		return fail("bench", "the device is smaller than one block");
	memset(&b.load, 0, sizeof(b.load));
	b.load.vq = &b.vq;
	b.load.clock = &machine.clock;
	b.load.ops = (struct load_ops){ do_kick, job->poll ? NULL : do_sleep, do_relax, NULL };
	b.load.type = b.type;
	b.load.depth = job->depth;
	b.load.sectors = le64(cfg.capacity);
	b.load.block_bytes = job->block_size;
	b.load.sequential = job->sequential;
	b.load.indirect = job->indirect;
	b.load.batch = MIN(job->batch, job->depth);
	b.load.notified = job->notified && !job->poll;
	b.load.in_guest = true;
	b.load.rate = job->rate;
	b.load.stall_ns = (u64)MAX(tp->timeout_ms, 5000u) * 1000000;
	b.load.slots = b.requests;
	b.load.latency = &b.latency;
	if (load_prepare(&b.load, tp->mem[1]) == LOAD_OK)
		return true;
	return fail("bench", "requests do not fit into guest memory: give the machine more");
}

static bool run_phase(u64 requests, u64 duration_ns)
{
	b.load.requests = requests;
	b.load.duration_ns = duration_ns;
	switch (load_run(&b.load)) {
	case LOAD_OK:
		return true;
	case LOAD_STALLED:
		out_text(WIRE_FAIL, "no request completed for %llu ms after %llu requests",
			 (unsigned long long)b.load.stall_ns / 1000000,
			 (unsigned long long)b.load.completed);
		return false;
	default:
		return fail("bench", "the device returned a descriptor that was not outstanding");
	}
}

/* Nothing of the job's depth or rate: the moment when this machine serves. */
static bool first_request(const struct bench_job *job)
{
	const u64 rate = b.load.rate;

	b.load.rate = 0;
	if (!run_phase(1, 0))
		return false;
	b.load.rate = rate;
	out_mark("first request served", clock_stop(&machine.clock));
	out_flush();
	return true;
}

static void reset_figures(void)
{
	hist_reset(&b.latency);
	b.load.submitted = b.load.completed = b.load.errors = 0;
	b.load.kicks = b.load.sleeps = b.load.first_bad = 0;
	b.load.raw_count = 0;
	b.calls = 0;
}

static void send_figures(const struct bench_job *job, enum wire_kind kind)
{
	struct wire_bench m = {
		.type = b.type,
		.block_size = job->block_size,
		.depth = job->depth,
		.poll = job->poll,
		.sequential = job->sequential,
		.event_idx = job->event_idx,
		.packed = b.t->job->ring == CHECK_RING_PACKED,
		.in_order = job->in_order,
		.notification_data = job->notification_data,
		.indirect = job->indirect,
		.batch = job->batch,
		.rate = job->rate,
		.requests = b.load.completed,
		.errors = b.load.errors,
		.first_bad = b.load.first_bad,
		.elapsed_ns = b.load.elapsed_ns,
		.kicks = b.load.kicks,
		.calls = b.calls,
		.sum = b.latency.sum,
		.min = b.latency.min,
		.max = b.latency.max,
		.clamped = b.latency.clamped,
		.hz = machine.clock.hz,
		.error_ppm = machine.clock.error_ppm,
	};

	out_end(wire_bench(out_begin(kind), &m));
}

static void send_histogram(void)
{
	static struct wire_hist m;

	m.count = 0;
	for (u32 i = 0; i <= HIST_BUCKETS; i++) {
		if (m.count == WIRE_HIST_MAX || (i == HIST_BUCKETS && m.count)) {
			out_end(wire_hist(out_begin(WIRE_HIST), &m));
			m.count = 0;
		}
		if (i == HIST_BUCKETS || !b.latency.bucket[i])
			continue;
		m.bucket[m.count] = i;
		m.value[m.count++] = b.latency.bucket[i];
	}
}

static void send_raw(void)
{
	static struct wire_raw m;

	m.count = 0;
	for (u32 i = 0; i < b.load.raw_count; i++) {
		m.start[m.count] = b.raw[i].start;
		m.kicked[m.count] = b.raw[i].kicked;
		m.woken[m.count] = b.raw[i].woken;
		m.end[m.count++] = b.raw[i].end;
		if (m.count == WIRE_RAW_MAX || i + 1 == b.load.raw_count) {
			out_end(wire_raw(out_begin(WIRE_RAW), &m));
			m.count = 0;
		}
	}
}

static bool measure(const struct bench_job *job)
{
	bool done;

	reset_figures();
	if (!first_request(job))
		return false;
	/* What the machine's own clock could be told in a hurry is not good enough for figures. */
	if (!arch_calibrate(&machine.clock, 50))
		return fail("bench", "no clock to calibrate the counter by: say counter-hz=");
	if (job->warmup_ns && !run_phase(0, job->warmup_ns))
		return false;
	reset_figures();
	b.load.raw = b.raw;
	b.load.raw_room = MIN(job->raw, RAW_MAX);
	if (job->mark)
		arch_mark(job->mark, 1);
	done = run_phase(job->requests, job->requests ? 0 : job->duration_ns);
	if (job->mark)
		arch_mark(job->mark, 2);
	return done;
}

/* The same load again, with its events. */
static bool measure_traced(const struct bench_job *job)
{
	u64 room = 1;

	if (!job->trace)
		return true;
	send_figures(job, WIRE_UNTRACED);
	send_histogram();
	out_flush();
	while (room * 2 <= MIN(job->trace, RAW_MAX))
		room *= 2;
	/* All that may be used is there before it is wanted. */
	memset(b.event, 0, room * sizeof(b.event[0]));
	memset(&b.ends, 0, sizeof(b.ends));
	b.sink = (struct trace_sink){ .event = b.event, .room = room, .ends = &b.ends };
	reset_figures();
	b.load.raw_room = 0;
	b.load.events = &b.sink;
	if (!run_phase(job->requests, job->requests ? 0 : job->duration_ns))
		return false;
	b.load.events = NULL;
	return true;
}

static void send_events(const struct bench_job *job)
{
	static struct wire_events m;
	struct wire_trace t = {
		.events = (u32)b.ends.head,
		.lost = b.ends.lost,
		.hz = machine.clock.hz,
		.error_ppm = machine.clock.error_ppm,
	};

	if (!job->trace)
		return;
	out_end(wire_trace(out_begin(WIRE_TRACE), &t));
	m.count = 0;
	for (u32 i = 0; i < t.events; i++) {
		if (wire_events_add(&m, &b.event[i]))
			continue;
		out_end(wire_events(out_begin(WIRE_EVENTS), &m));
		m.count = 0;
		wire_events_add(&m, &b.event[i]);
	}
	if (m.count)
		out_end(wire_events(out_begin(WIRE_EVENTS), &m));
}

bool run_bench(struct guest_target *t, u32 number)
{
	const struct bench_job *job = &t->job->bench;
	const u64 start = guest_now_ns();
	bool done;

	if (job->raw && job->trace)
		return fail("bench", "raw= and trace= exclude each other");
	b.t = t;
	b.type = job->type;
	done = (job->poll || choose_wait()) && bring_up(job) && prepare(job) &&
	       (job->poll || set_up_wait());
	if (done) {
		run_begin(t, number, b.offered, regs_from_tp(t->tp)->queues, 0, 0);
		done = measure(job) && measure_traced(job);
	}
	t->tp->ops->close(t->tp);
	if (!done)
		return false;
	send_figures(job, WIRE_BENCH);
	send_histogram();
	send_raw();
	send_events(job);
	run_end(number, 0, start);
	return true;
}
