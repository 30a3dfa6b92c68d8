// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a request costs the device's side of a vhost-user back-end, with a device that does nothing, with
 * reads of a disk in memory or with frames of 64 bytes that a network device returns: a driver in the same
 * thread fills the ring, the back-end serves it, and so on. tests/bench/cost runs it under callgrind, which
 * counts what serve() or turn() execute and nothing else. A frame is one request, and goes through two rings.
 *
 *   device_cost [--device null|blk|net] [--ring split|packed] [--batch N] [--requests N] [--in-order] [--event-idx]
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
#include "ref-backends/device/host/reactor.h"
#include "ref-backends/device/host/store.h"
#include "ref-backends/device/net.h"
#include "ref-backends/device/net_loop.h"
#include "ref-backends/device/null.h"
#include "tests/bench/cost_options.h"

#define SIZE  256
#define BYTES (1u << 20)
#define GPA   0x40000000ull
#define UVA   0x7000000000ull
#define DATA  0x80000u
#define BLOCK 4096u
#define PARTS 3 /* descriptors of a request, at most */
#define RINGS 2
#define SPAN  0x20000u /* from one ring to the next */
#define FRAME 64u
#define TX    0x60000u /* frames */
#define TX_AT 128u     /* from one to the next */
#define RX_AT 2048u

static struct vub_session session;
static struct rdev null;
static struct rblk blk;
static struct measure burner;
static struct rnet net;
static struct net_port loop;
static struct vq vqs[RINGS];
static struct vq_slot slots[RINGS][SIZE];
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

/*
 * Asleep in an io_uring a thread keeps valgrind from running the others; there is one only while nobody
 * sleeps.
 */
static void awake(struct vub_ring *r)
{
	if (io_uring_queue_init(8, &r->reactor.uring, 0))
		die("io_uring");
	r->reactor.has_uring = true;
	r->s->poll = true;
}

/* From here on the thread counts nothing. */
static void asleep(struct vub_ring *r)
{
	io_uring_queue_exit(&r->reactor.uring);
	r->reactor.has_uring = false;
	r->s->poll = false;
	for (struct vub_ring *each = r; each; each = each->next)
		each->held = true;
}

/* On the ring's thread: so many rounds of a batch there and back. */
static bool rounds(struct vub_ring *r, void *arg)
{
	/* A null device is given one buffer, a disk header, block and status. */
	const struct vq_sg sg[PARTS] = { { { GPA + DATA }, opt.is_blk ? 16 : 64 },
					 { { GPA + DATA + 64 }, BLOCK },
					 { { GPA + DATA + 64 + BLOCK }, 1 } };
	const unsigned out = opt.is_blk ? 1 : 0, in = opt.is_blk ? 2 : 1;
	struct vq *vq = &vqs[0];

	awake(r);
	for (unsigned n = 0; n < opt.requests && !failed; n += opt.batch) {
		u32 id, len;
		void *token;

		for (unsigned i = 0; i < opt.batch; i++)
			failed |= vq_add(vq, sg, out, in, vq) < 0;
		vq_publish(vq);
		/* As often as it takes: looking at an empty ring is not what a request costs. */
		for (const u64 until = r->seq + opt.batch; r->seq < until && !failed;)
			failed |= !serve(r);
		for (unsigned i = 0; i < opt.batch; i++)
			failed |= vq_reap(vq, &id, &len, &token) < 0;
	}
	asleep(r);
	return true;
}

/* What is counted of a device whose rings share a thread: a turn of its loop. */
static __attribute__((noinline)) bool turn(struct vub_ring *lead)
{
	bool busy = false;

	for (struct vub_ring *r = lead; r; r = r->next)
		busy |= vub_serve_once(r);
	reactor_poll(&lead->reactor);
	for (struct vub_ring *r = lead; r; r = r->next)
		vub_serve_flush(r);
	__asm__ volatile("" ::: "memory");
	return busy;
}

/* The same with frames, of which each is sent and received. */
static bool frames(struct vub_ring *lead, void *arg)
{
	awake(lead);
	for (unsigned n = 0; n < opt.requests && !failed; n += opt.batch) {
		const u64 until = lead->seq + opt.batch;
		u32 id, len;
		void *token;

		for (unsigned i = 0; i < opt.batch; i++) {
			const struct vq_sg rx = { { GPA + DATA + i * RX_AT }, RX_AT };
			const struct vq_sg tx = { { GPA + TX + i * TX_AT },
						  sizeof(struct virtio_net_hdr_v1) + FRAME };

			failed |= vq_add(&vqs[0], &rx, 0, 1, &vqs) < 0 ||
				  vq_add(&vqs[1], &tx, 1, 0, &vqs) < 0;
		}
		vq_publish(&vqs[0]);
		vq_publish(&vqs[1]);
		while (lead->seq < until && !failed)
			failed |= !turn(lead);
		for (unsigned i = 0; i < opt.batch; i++)
			failed |= vq_reap(&vqs[1], &id, &len, &token) < 0 ||
				  vq_reap(&vqs[0], &id, &len, &token) < 0 ||
				  len != sizeof(struct virtio_net_hdr_v1) + FRAME;
	}
	asleep(lead);
	return true;
}

static void set_up(struct vub_ring *r, const struct vq_layout *l)
{
	const u64 here = (u64)(uintptr_t)l->desc_hva, at = UVA + r->index * SPAN;

	r->num = SIZE;
	r->base = opt.mode.base;
	r->has_base = true;
	r->addr = (struct vu_vring_addr){ .desc = at,
					  .avail = at + ((u64)(uintptr_t)l->driver_hva - here),
					  .used = at + ((u64)(uintptr_t)l->device_hva - here) };
	r->has_addr = true;
	r->enabled = true;
}

/* What is to be counted; its request reads the first block, since a header of zeroes asks for that. */
static struct rdev *device(void)
{
	struct rdev *dev = &null;

	rnull_init(&null, 1);
	if (opt.is_net) {
		struct net_opts o = { .port = &loop, .pairs = 1 };
		void *memory = aligned_alloc(64, ALIGN_UP(rnet_memory(&o), 64));

		if (!memory)
			die("memory");
		net_loop_init(&loop);
		rnet_init(&net, &o, memory);
		dev = &net.dev;
	} else if (opt.is_blk) {
		struct rblk_store *store = store_memory_open(64 << 20);

		if (!store)
			die("memory");
		rblk_init(&blk, store, 1, false, "cost");
		dev = &blk.dev;
	}
	return opt.burns ? measure_init(&burner, dev, NULL, opt.burn) : dev;
}

static void start(unsigned q, u8 *at)
{
	struct vub_ring *r = &session.rings[q];
	struct vq_layout l;
	const char *why;

	vq_lay_out(&l, opt.mode.ring, SIZE, at, (struct gpa){ GPA + q * SPAN });
	vq_init(&vqs[q], &opt.mode, &l, slots[q]);
	vq_disable_calls(&vqs[q]);
	vub_ring_hold(r);
	set_up(r, &l);
	why = vub_ring_start(r, -1);
	if (why)
		die(why);
}

int main(int argc, char **argv)
{
	const struct vu_mem_region region = { GPA, BYTES, UVA, 0 };
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
	session.features = BIT_ULL(VIRTIO_F_VERSION_1) |
			   (opt.mode.ring == VQ_RING_PACKED ? BIT_ULL(VIRTIO_F_RING_PACKED) : 0) |
			   (opt.mode.in_order ? BIT_ULL(VIRTIO_F_IN_ORDER) : 0) |
			   (opt.mode.event_idx ? BIT_ULL(VIRTIO_RING_F_EVENT_IDX) : 0);
	opt.mode.base = vq_start(opt.mode.ring);
	for (unsigned q = 0; q < (opt.is_net ? RINGS : 1); q++)
		start(q, ram + q * SPAN);
	for (unsigned q = 0; q < (opt.is_net ? RINGS : 1); q++)
		session.rings[q].held = false;
	vub_ring_call(&session.rings[0], opt.is_net ? frames : rounds, NULL);
	for (unsigned q = 0; q < (opt.is_net ? RINGS : 1); q++)
		vub_ring_stop(&session.rings[q]);
	if (failed)
		die("a request was not returned");
	vub_session_close(&session);
	return 0;
}
