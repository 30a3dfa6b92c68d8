// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a request costs the driver's side: the loop of `ringside bench`, with a device in the same thread that
 * returns all there is whenever it is notified, so that the loop never finds the ring empty.
 * tests/bench/cost runs it under callgrind, which counts what load_run() executes and not the device.
 *
 *   driver_cost [--ring split|packed] [--batch N] [--requests N] [--in-order] [--event-idx]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bench/host/clock.h"
#include "harness/bench/load.h"
#include "harness/virtqueue/vq.h"
#include "ref-backends/virtqueue/ring.h"
#include "tests/bench/cost_options.h"

#define SIZE  256
#define BYTES (1u << 20)
#define GPA   0x40000000ull
#define DATA  0x80000u
#define BLOCK 64

static u8 ram[BYTES] __attribute__((aligned(4096)));
static struct vq vq;
static struct vq_slot slots[SIZE];
static struct load_slot load_slots[SIZE];
static struct hist latency;
static struct dvq dvq;
static struct cost_options opt = { .mode.ring = VQ_RING_SPLIT, .batch = 1, .requests = 1000 };

static void die(const char *what)
{
	fprintf(stderr, "driver_cost: %s\n", what);
	exit(1);
}

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	(void)ctx;
	if (gpa < GPA || gpa - GPA >= BYTES)
		return NULL;
	*len = MIN(*len, BYTES - (gpa - GPA));
	return ram + (gpa - GPA);
}

static const struct dvq_ops ops = { .translate = translate };

/* All that the driver made available is returned; it is to notify of the next, too. */
static __attribute__((noinline)) void device_turn(void *arg)
{
	struct dvq_seg segs[DVQ_USUAL_DESCS];
	struct dvq_chain c = { .segs = segs, .cap = ARRAY_SIZE(segs) };

	(void)arg;
	do {
		while (dvq_ring_next(&dvq, &c) == DVQ_OK)
			dvq_ring_stage(&dvq, &c, 0);
		dvq_ring_flush(&dvq);
	} while (dvq_ring_kick_enable(&dvq));
}

static void idle(void *arg)
{
	(void)arg;
	die("the ring was found empty");
}

static void set_up(void)
{
	struct vq_layout l;

	vq_lay_out(&l, opt.mode.ring, SIZE, ram, (struct gpa){ GPA });
	opt.mode.base = vq_start(opt.mode.ring);
	vq_init(&vq, &opt.mode, &l, slots);
	dvq = (struct dvq){ .is_packed = opt.mode.ring == VQ_RING_PACKED };
	dvq.split.desc = l.desc_hva;
	dvq.split.avail = l.driver_hva;
	dvq.split.used = l.device_hva;
	dvq.split.ops = &ops;
	dvq.split.num = SIZE;
	dvq.split.event_idx = opt.mode.event_idx;
	dvq.split.window = (struct dvq_window){ GPA, BYTES, ram };
	dvq_ring_init(&dvq, opt.mode.base);
	dvq_ring_kick_enable(&dvq);
}

static void run(void)
{
	const struct tp_buf area = { ram + DATA, { GPA + DATA }, BYTES - DATA };
	struct clock clock;
	struct load l = {
		.vq = &vq,
		.clock = &clock,
		.ops = { .kick = device_turn, .relax = idle },
		.type = LOAD_NULL,
		.depth = opt.batch,
		.batch = opt.batch,
		.block_bytes = BLOCK,
		.requests = opt.requests,
		.stall_ns = 60000000000,
		.slots = load_slots,
		.latency = &latency,
	};

	clock_calibrate(&clock);
	hist_reset(&latency);
	if (load_prepare(&l, area) != LOAD_OK)
		die("memory");
	if (load_run(&l) != LOAD_OK || l.completed != opt.requests)
		die("a request was not returned");
}

int main(int argc, char **argv)
{
	if (!cost_options(&opt, argc, argv, SIZE) || opt.requests % opt.batch)
		die("a batch is from 1 to 256, and requests are whole batches");
	set_up();
	run();
	return 0;
}
