// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a request costs the device's side of a vhost-user back-end, with a device that does nothing or with
 * reads of a disk in memory: a driver in the same thread fills the ring, the back-end serves it, and so on.
 * tests/bench/cost runs it under callgrind, which counts what serve() executes and nothing else.
 *
 *   device_cost [--device null|blk] [--ring split|packed] [--batch N] [--requests N] [--in-order] [--event-idx]
 *               [--burn N]
 *
 * With --burn each request takes N iterations of a loop more.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "harness/virtqueue/vq.h"
#include "ref-backends/binding/vhost_user/serve.h"
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/device/host/measure.h"
#include "ref-backends/device/host/store.h"
#include "ref-backends/device/null.h"
#include "tests/bench/cost_options.h"

#define SIZE  256
#define BYTES (1u << 20)
#define GPA   0x40000000ull
#define UVA   0x7000000000ull
#define DATA  0x80000u
#define BLOCK 4096u
#define PARTS 3 /* descriptors of a request, at most */

static struct vub_session session;
static struct rdev null;
static struct rblk blk;
static struct measure burner;
static struct vq vq;
static struct vq_slot slots[SIZE];
static struct cost_options opt = { .mode.ring = VQ_RING_SPLIT, .batch = 1, .requests = 1000 };
static bool failed;

static void die(const char *what)
{
	fprintf(stderr, "device_cost: %s\n", what);
	exit(1);
}

/* What is counted. The ring's own loop looks at the ring, too, before and after, and not always as often. */
static __attribute__((noinline)) bool serve(struct vub_ring *r)
{
	/* The long way is for the first, as in the loop. */
	const bool ok = vub_serve_short(r) || vub_serve_once(r);

	__asm__ volatile("" ::: "memory"); /* a call, and no jump */
	return ok;
}

/* On the ring's thread: so many rounds of a batch there and back. */
static bool rounds(struct vub_ring *r, void *arg)
{
	/* A null device is given one buffer, a disk header, block and status. */
	const struct vq_sg sg[PARTS] = { { { GPA + DATA }, opt.is_blk ? 16 : 64 },
					 { { GPA + DATA + 64 }, BLOCK },
					 { { GPA + DATA + 64 + BLOCK }, 1 } };
	const unsigned out = opt.is_blk ? 1 : 0, in = opt.is_blk ? 2 : 1;

	/*
	 * Asleep in an io_uring a thread keeps valgrind from running the others; there is one only while
	 * nobody sleeps.
	 */
	if (io_uring_queue_init(8, &r->reactor.uring, 0))
		die("io_uring");
	r->reactor.has_uring = true;
	r->s->poll = true;
	for (unsigned n = 0; n < opt.requests && !failed; n += opt.batch) {
		u32 id, len;
		void *token;

		for (unsigned i = 0; i < opt.batch; i++)
			failed |= vq_add(&vq, sg, out, in, &vq) < 0;
		vq_publish(&vq);
		/* As often as it takes: looking at an empty ring is not what a request costs. */
		for (const u64 until = r->seq + opt.batch; r->seq < until && !failed;)
			failed |= !serve(r);
		for (unsigned i = 0; i < opt.batch; i++)
			failed |= vq_reap(&vq, &id, &len, &token) < 0;
	}
	io_uring_queue_exit(&r->reactor.uring);
	r->reactor.has_uring = false;
	/* From here on the thread sleeps, and counts nothing. */
	r->s->poll = false;
	r->held = true;
	return true;
}

static void set_up(struct vub_ring *r, const struct vq_layout *l)
{
	const u64 here = (u64)(uintptr_t)l->desc_hva;

	r->num = SIZE;
	r->base = opt.mode.base;
	r->has_base = true;
	r->addr = (struct vu_vring_addr){ .desc = UVA,
					  .avail = UVA + ((u64)(uintptr_t)l->driver_hva - here),
					  .used = UVA + ((u64)(uintptr_t)l->device_hva - here) };
	r->has_addr = true;
	r->enabled = true;
}

/* What is to be counted; its request reads the first block, since a header of zeroes asks for that. */
static struct rdev *device(void)
{
	struct rdev *dev = &null;

	rnull_init(&null, 1);
	if (opt.is_blk) {
		struct rblk_store *store = store_memory_open(64 << 20);

		if (!store)
			die("memory");
		rblk_init(&blk, store, 1, false, "cost");
		dev = &blk.dev;
	}
	return opt.burns ? measure_init(&burner, dev, NULL, opt.burn) : dev;
}

int main(int argc, char **argv)
{
	const struct vu_mem_region region = { GPA, BYTES, UVA, 0 };
	struct vub_ring *r;
	struct vq_layout l;
	const char *why;
	sigset_t none;
	u8 *ram;
	int fd;

	if (!cost_options(&opt, argc, argv, SIZE) || (opt.is_blk && opt.batch > SIZE / PARTS))
		die("a batch is from 1 to 256, of blk to 85");
	setenv("RINGSIDE_NO_URING", "1", 1);
	sigemptyset(&none);
	fd = memfd_create("guest", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, BYTES))
		die("memory");
	ram = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ram == MAP_FAILED ||
	    vub_session_open(&session, device(), signalfd(-1, &none, SFD_CLOEXEC | SFD_NONBLOCK),
			     false))
		die("session");
	why = vub_mem_add(session.mem, &region, fd);
	if (why)
		die(why);
	opt.mode.base = vq_start(opt.mode.ring);
	vq_lay_out(&l, opt.mode.ring, SIZE, ram, (struct gpa){ GPA });
	vq_init(&vq, &opt.mode, &l, slots);
	vq_disable_calls(&vq);
	session.features = BIT_ULL(VIRTIO_F_VERSION_1) |
			   (opt.mode.ring == VQ_RING_PACKED ? BIT_ULL(VIRTIO_F_RING_PACKED) : 0) |
			   (opt.mode.in_order ? BIT_ULL(VIRTIO_F_IN_ORDER) : 0) |
			   (opt.mode.event_idx ? BIT_ULL(VIRTIO_RING_F_EVENT_IDX) : 0);
	r = &session.rings[0];
	vub_ring_hold(r);
	set_up(r, &l);
	why = vub_ring_start(r, -1);
	if (why)
		die(why);
	r->held = false;
	vub_ring_call(r, rounds, NULL);
	vub_ring_stop(r);
	if (failed)
		die("a request was not returned");
	vub_session_close(&session);
	return 0;
}
