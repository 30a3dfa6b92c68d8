// SPDX-License-Identifier: BSD-3-Clause
/*
 * A back-end that dies in the middle of a load, again and again, and a driver that does not notice:
 * the rings, the guest memory and the in-flight region live here, in the front-end, and the next
 * back-end process is given them (SET_INFLIGHT_FD) as QEMU does.
 *
 * What must hold, over all rounds:
 *  - every request is acknowledged exactly once: none is lost, none comes back twice;
 *  - every sector holds the write that was acknowledged last. Each write has a number of its own, and
 *    a sector is written again as soon as its last write was acknowledged, so that one carried out a
 *    second time later on brings an old number back;
 *  - a driver that sleeps until it is notified wakes up, also when the back-end died between the used
 *    ring and the notification.
 *
 *    recovery [OPTION…] BACKEND IMAGE SOCKET [BACKEND-OPTION…]
 *
 * Prints one line of JSON. Exit status 0, or 1 with what went wrong on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/device/blk.h"
#include "harness/transport/vhost_user/frontend.h"

#define QUEUES	     2u
#define RING	     64
#define DEPTH	     20 /* requests in flight per queue: chains of three fill the ring */
#define SLOTS	     96 /* places on the disk; one request at a time on each */
#define SLOT_SECTORS 8
#define SLOT_BYTES   (SLOT_SECTORS * VIRTIO_BLK_SECTOR)
#define IMAGE_BYTES  (SLOTS * SLOT_BYTES)
#define DEADLINE_NS  5000000000ull

enum end {
	END_KILL,
	END_TERM,
	END_DISCONNECT
};

static const struct {
	const char *name;
	bool process; /* the process ends */
	int signal;
} ends[] = {
	[END_KILL] = { "kill", true, SIGKILL },
	[END_TERM] = { "term", true, SIGTERM },
	[END_DISCONNECT] = { "disconnect", false, 0 },
};

/* A sector's contents: who wrote it, and bytes that follow from that. */
struct label {
	u64 seq;
	u32 slot, sector;
};

struct request {
	struct blk_req r; /* its parts in guest memory, for good */
	bool busy;
	u32 slot, sectors;
	u64 seq;
};

struct queue {
	struct vq_split vq;
	struct vq_layout layout;
	struct vq_slot slots[RING];
	struct request requests[DEPTH];
	unsigned busy;
};

struct world {
	const char *backend, *image, *socket;
	char **backend_options;
	unsigned rounds, load_us;
	enum end end;
	bool event_idx;

	struct vu_frontend fe;
	pid_t pid;
	u64 features;
	int image_fd, inflight_fd;
	struct vu_inflight inflight;
	u8 *inflight_map;
	struct queue q[QUEUES];
	bool sleeps; /* this round's driver waits for notifications */
	u64 rng;

	u64 acked[SLOTS][SLOT_SECTORS]; /* number of the write acknowledged last; 0: none */
	bool slot_busy[SLOTS];
	u64 seq;

	unsigned round;
	u64 submitted, acknowledged;
	u64 caught;    /* requests in flight when the back-end ended */
	u64 published; /* ... of these already in the used ring, not yet seen by the driver */
	u64 rewound;   /* ends that were moved into one of the windows below */
	u64 worst_gap; /* ns from an end to the next acknowledgement */
};

static void fail(struct world *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

static void fail(struct world *w, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "round %u: ", w->round);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (w->pid > 0) {
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
	}
	exit(1);
}

static void must(struct world *w, int rc, const char *what)
{
	if (rc != TP_OK)
		fail(w, "%s: %s", what, w->fe.tp.error);
}

static u32 below(struct world *w, u32 n)
{
	u64 x = w->rng;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	w->rng = x;
	return (u32)(x >> 32) % n;
}

/* --- the process ----------------------------------------------------------------------------------- */

static void start_backend(struct world *w)
{
	char *argv[32] = { (char *)w->backend, "blk",	  "--socket-path",
			   (char *)w->socket,  "--image", (char *)w->image,
			   "--num-queues" };
	unsigned n = 7;
	char queues[16];

	snprintf(queues, sizeof(queues), "%u", QUEUES);
	argv[n++] = queues;
	for (char **more = w->backend_options; more && *more && n < ARRAY_SIZE(argv) - 1; more++)
		argv[n++] = *more;
	w->pid = fork();
	if (w->pid < 0)
		fail(w, "fork: %s", strerror(errno));
	if (w->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (argv[0])
			execv(argv[0], argv);
		perror(w->backend);
		_exit(127);
	}
}

static void connect_backend(struct world *w)
{
	u64 end = host_now_ns() + DEADLINE_NS;

	for (;;) {
		w->fe.sock = vu_wire_connect(w->socket, 1000);
		if (w->fe.sock >= 0)
			return;
		if (waitpid(w->pid, NULL, WNOHANG) == w->pid) {
			w->pid = 0;
			fail(w, "the back-end ended before it listened");
		}
		if (host_now_ns() > end)
			fail(w, "the back-end does not listen");
		poll(NULL, 0, 1);
	}
}

/* --- guest memory and rings: set up once, kept for good -------------------------------------------- */

static struct tp_buf carve(struct world *w, u32 *at, u32 len, u32 align)
{
	struct tp_buf *m = &w->fe.tp.mem[0];
	struct tp_buf b;

	*at = (u32)ALIGN_UP(*at, align);
	b = (struct tp_buf){ m->hva + *at, gpa_add(m->gpa, *at), len };
	*at += len;
	if (*at > m->len)
		fail(w, "guest memory is too small");
	return b;
}

static void make_queue(struct world *w, unsigned n, u32 *at)
{
	struct queue *q = &w->q[n];
	struct tp_buf desc = carve(w, at, vq_split_desc_bytes(RING), 4096);
	struct tp_buf avail = carve(w, at, vq_split_avail_bytes(RING), 64);
	struct tp_buf used = carve(w, at, vq_split_used_bytes(RING), 64);

	q->layout = (struct vq_layout){ RING,	  desc.gpa,  avail.gpa, used.gpa,
					desc.hva, avail.hva, used.hva };
	vq_split_init(&q->vq, &q->layout, q->slots, 0, w->event_idx);
	for (unsigned i = 0; i < DEPTH; i++) {
		struct blk_req *r = &q->requests[i].r;

		r->hdr = carve(w, at, sizeof(struct virtio_blk_outhdr), 64);
		r->data = carve(w, at, SLOT_BYTES, 64);
		r->status = carve(w, at, 1, 64);
	}
	w->fe.rings[n].kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->fe.rings[n].call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fe.rings[n].kick < 0 || w->fe.rings[n].call < 0)
		fail(w, "eventfd: %s", strerror(errno));
}

static void get_inflight(struct world *w)
{
	const struct vu_inflight ask = { .num_queues = QUEUES, .queue_size = RING };
	struct vu_reply r;

	must(w, vu_call(&w->fe, VU_GET_INFLIGHT_FD, &ask, sizeof(ask), &r), "GET_INFLIGHT_FD");
	if (r.nfds != 1 || r.msg.inflight.mmap_size == 0)
		fail(w, "GET_INFLIGHT_FD: %u descriptors, %llu bytes", r.nfds,
		     (unsigned long long)r.msg.inflight.mmap_size);
	w->inflight = r.msg.inflight;
	w->inflight_fd = r.fds[0];
	r.nfds = 0;
	vu_reply_release(&r);
	w->inflight_map = mmap(NULL, w->inflight.mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			       w->inflight_fd, (off_t)w->inflight.mmap_offset);
	if (w->inflight_map == MAP_FAILED)
		fail(w, "mapping the in-flight region: %s", strerror(errno));
}

static void start_ring(struct world *w, unsigned n, u16 base)
{
	struct queue *q = &w->q[n];
	const struct tp_queue cfg = {
		.size = RING,
		.desc = q->layout.desc,
		.driver = q->layout.driver,
		.device = q->layout.device,
	};
	struct vu_frontend *fe = &w->fe;

	/* In QEMU's order. */
	must(w, vu_set_state(fe, VU_SET_VRING_NUM, n, RING), "SET_VRING_NUM");
	must(w, vu_set_state(fe, VU_SET_VRING_BASE, n, base), "SET_VRING_BASE");
	must(w, vu_set_vring_addr(fe, n, &cfg, 0, 0), "SET_VRING_ADDR");
	must(w, vu_set_vring_fd(fe, VU_SET_VRING_KICK, n, fe->rings[n].kick), "SET_VRING_KICK");
	must(w, vu_set_vring_fd(fe, VU_SET_VRING_CALL, n, fe->rings[n].call), "SET_VRING_CALL");
}

/*
 * From a connected socket to running rings. A front-end that lost its back-end cannot ask where the
 * rings stood: QEMU takes the used index, here `base`, and leaves the rest to the in-flight region.
 */
enum step {
	TO_INFLIGHT,
	TO_FEATURES,
	TO_FIRST_RING,
	TO_RINGS,
	TO_FIRST_ENABLED,
	TO_SERVICE
};

/* ... as far as `last`. */
static void start_session(struct world *w, const u16 base[QUEUES], enum step last)
{
	struct vu_frontend *fe = &w->fe;
	bool first = w->inflight_fd < 0;

	must(w, vu_handshake(fe), "handshake");
	if (!vu_has_pf(fe, VU_PF_INFLIGHT_SHMFD))
		fail(w, "the back-end does not track requests in flight (INFLIGHT_SHMFD)");
	if (first)
		get_inflight(w);
	must(w,
	     vu_cmd(fe, VU_SET_INFLIGHT_FD, &w->inflight, sizeof(w->inflight), &w->inflight_fd, 1),
	     "SET_INFLIGHT_FD");
	if (last < TO_FEATURES)
		return;
	must(w, fe->tp.ops->get_features(&fe->tp, &w->features), "features");
	w->features &= BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_BLK_F_FLUSH) |
		       (w->event_idx ? BIT_ULL(VIRTIO_RING_F_EVENT_IDX) : 0);
	must(w, fe->tp.ops->set_features(&fe->tp, w->features), "SET_FEATURES");
	for (unsigned n = 0; n < QUEUES && last >= TO_FIRST_RING + (n ? 1 : 0); n++)
		start_ring(w, n, base[n]);
	for (unsigned n = 0; n < QUEUES && last >= TO_FIRST_ENABLED + (n ? 1 : 0); n++)
		must(w, vu_set_state(fe, VU_SET_VRING_ENABLE, n, 1), "SET_VRING_ENABLE");
	if (last == TO_SERVICE)
		must(w, fe->tp.ops->driver_ok(&fe->tp), "DRIVER_OK");
}

/* Drop the connection, and nothing else: memory and descriptors of the rings stay. */
static void drop_connection(struct world *w)
{
	struct vu_frontend *fe = &w->fe;
	struct vu_ring_fds rings[QUEUES];
	struct vu_region regions[VU_FE_REGIONS];
	struct tp_buf mem[TP_MEM_MAX];
	unsigned region_count = fe->region_count;

	memcpy(rings, fe->rings, sizeof(rings));
	memcpy(regions, fe->regions, sizeof(regions));
	memcpy(mem, fe->tp.mem, sizeof(mem));
	for (unsigned n = 0; n < QUEUES; n++)
		fe->rings[n] = (struct vu_ring_fds){ -1, -1, -1, false };
	fe->region_count = 0;
	vu_disconnect(fe);
	memcpy(fe->rings, rings, sizeof(rings));
	memcpy(fe->regions, regions, sizeof(regions));
	memcpy(fe->tp.mem, mem, sizeof(mem));
	fe->region_count = fe->tp.mem_count = region_count;
}

/* --- requests -------------------------------------------------------------------------------------- */

static void fill_sector(u8 *p, u64 seq, u32 slot, u32 sector)
{
	const struct label l = { seq, slot, sector };

	memcpy(p, &l, sizeof(l));
	for (u32 i = sizeof(l); i < VIRTIO_BLK_SECTOR; i++)
		p[i] = (u8)(seq * 167 + i * 13 + sector);
}

static void check_sector(struct world *w, const u8 *p, u64 seq, u32 slot, u32 sector,
			 const char *where)
{
	u8 want[VIRTIO_BLK_SECTOR] = { 0 };
	struct label l;

	if (seq)
		fill_sector(want, seq, slot, sector);
	if (memcmp(p, want, sizeof(want)) == 0)
		return;
	memcpy(&l, p, sizeof(l));
	fail(w,
	     "%s: sector %u of place %u holds write %llu (of sector %u, place %u), but write %llu "
	     "was acknowledged last",
	     where, sector, slot, (unsigned long long)l.seq, l.sector, l.slot,
	     (unsigned long long)seq);
}

static u32 free_slot(struct world *w)
{
	u32 slot = below(w, SLOTS);

	while (w->slot_busy[slot])
		slot = (slot + 1) % SLOTS;
	return slot;
}

static void submit_one(struct world *w, struct queue *q, struct request *rq)
{
	u32 kind = below(w, 16);
	struct vq_sg sg[BLK_FRAME_MAX];
	unsigned out, in;

	rq->r.type = kind == 0 ? VIRTIO_BLK_T_FLUSH : kind < 4 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT;
	rq->slot = free_slot(w);
	rq->sectors = rq->r.type == VIRTIO_BLK_T_FLUSH ? 0 : 1 + below(w, SLOT_SECTORS);
	rq->r.sector = rq->sectors ? (u64)rq->slot * SLOT_SECTORS : 0;
	rq->r.data.len = rq->sectors * VIRTIO_BLK_SECTOR;
	rq->seq = rq->r.type == VIRTIO_BLK_T_OUT ? ++w->seq : 0;
	for (u32 i = 0; rq->seq && i < rq->sectors; i++)
		fill_sector(rq->r.data.hva + i * VIRTIO_BLK_SECTOR, rq->seq, rq->slot, i);
	blk_prepare(&rq->r);
	blk_frame(&rq->r, BLK_LAYOUT_USUAL, sg, &out, &in);
	if (vq_split_add(&q->vq, sg, out, in, rq) < 0)
		fail(w, "no room in the ring for a request of %u descriptors", out + in);
	rq->busy = true;
	w->slot_busy[rq->slot] = true;
	q->busy++;
	w->submitted++;
}

static void submit(struct world *w, unsigned n, unsigned most)
{
	struct queue *q = &w->q[n];
	unsigned added = 0;

	for (unsigned i = 0; i < DEPTH && added < most; i++) {
		if (q->requests[i].busy)
			continue;
		submit_one(w, q, &q->requests[i]);
		added++;
	}
	if (!added)
		return;
	vq_split_publish(&q->vq);
	if (vq_split_kick_due(&q->vq) && eventfd_write(w->fe.rings[n].kick, 1) < 0)
		fail(w, "kick: %s", strerror(errno));
}

static void acknowledged(struct world *w, struct queue *q, struct request *rq, u32 len)
{
	if (!rq->busy)
		fail(w, "a request came back twice");
	if (blk_status(&rq->r) != VIRTIO_BLK_S_OK)
		fail(w, "%s of %u sectors: status %u", blk_type_name(rq->r.type), rq->sectors,
		     blk_status(&rq->r));
	if (len != blk_written_on_success(&rq->r))
		fail(w, "%s of %u sectors: used length %u", blk_type_name(rq->r.type), rq->sectors,
		     len);
	for (u32 i = 0; i < rq->sectors; i++) {
		if (rq->seq)
			w->acked[rq->slot][i] = rq->seq;
		else
			check_sector(w, rq->r.data.hva + i * VIRTIO_BLK_SECTOR,
				     w->acked[rq->slot][i], rq->slot, i, "read");
	}
	rq->busy = false;
	w->slot_busy[rq->slot] = false;
	q->busy--;
	w->acknowledged++;
}

static unsigned reap(struct world *w, unsigned n)
{
	struct queue *q = &w->q[n];
	unsigned got = 0;
	void *token;
	u32 id, len;
	int head;

	while ((head = vq_split_reap(&q->vq, &id, &len, &token)) != VQ_EMPTY) {
		if (head == VQ_BADID)
			fail(w, "queue %u: used element %u names head %u, which is not outstanding",
			     n, (u16)(q->vq.used_idx - 1), id);
		acknowledged(w, q, token, len);
		got++;
	}
	return got;
}

static unsigned reap_all(struct world *w)
{
	unsigned got = 0;

	for (unsigned n = 0; n < QUEUES; n++)
		got += reap(w, n);
	return got;
}

/* Sleep until notified, or until `end`. False: it is `end`, and nothing came. */
static bool sleep_until_called(struct world *w, u64 end)
{
	struct pollfd p[QUEUES];
	bool pending = false;
	eventfd_t v;
	int rc;

	for (unsigned n = 0; n < QUEUES; n++) {
		p[n] = (struct pollfd){ .fd = w->fe.rings[n].call, .events = POLLIN };
		pending |= vq_split_enable_calls(&w->q[n].vq);
	}
	if (pending)
		return true;
	rc = poll(p, QUEUES, vu_ms_left(end));
	for (unsigned n = 0; n < QUEUES; n++)
		if (rc > 0 && p[n].revents)
			eventfd_read(w->fe.rings[n].call, &v);
	return rc > 0;
}

/* --- a round --------------------------------------------------------------------------------------- */

static void load(struct world *w, u64 ns)
{
	u64 end = host_now_ns() + ns;

	while (host_now_ns() < end) {
		unsigned got = reap_all(w);

		for (unsigned n = 0; n < QUEUES; n++)
			submit(w, n, 1 + below(w, DEPTH));
		if (!got && w->sleeps)
			sleep_until_called(w, end);
	}
}

static void drain(struct world *w)
{
	u64 end = host_now_ns() + DEADLINE_NS;

	for (;;) {
		unsigned busy = 0;

		reap_all(w);
		for (unsigned n = 0; n < QUEUES; n++)
			busy += w->q[n].busy;
		if (!busy)
			return;
		if (w->sleeps && !sleep_until_called(w, end)) {
			unsigned got = reap_all(w);

			fail(w,
			     "%u requests outstanding, no notification; %u of them are in the used "
			     "ring",
			     busy, got);
		}
		if (host_now_ns() > end)
			fail(w, "%u requests never came back", busy);
		if (!w->sleeps)
			w->fe.tp.ops->relax(&w->fe.tp);
	}
}

static void verify_image(struct world *w)
{
	static u8 image[IMAGE_BYTES];

	if (pread(w->image_fd, image, sizeof(image), 0) != sizeof(image))
		fail(w, "reading the image: %s", strerror(errno));
	for (u32 slot = 0; slot < SLOTS; slot++)
		for (u32 i = 0; i < SLOT_SECTORS; i++)
			check_sector(w, image + slot * SLOT_BYTES + i * VIRTIO_BLK_SECTOR,
				     w->acked[slot][i], slot, i, "image");
	if (w->submitted != w->acknowledged)
		fail(w, "%llu requests submitted, %llu acknowledged",
		     (unsigned long long)w->submitted, (unsigned long long)w->acknowledged);
}

/* A driver that has gone to sleep does not look at the rings until it is notified. */
static void fall_asleep(struct world *w)
{
	u64 end;

	for (unsigned n = 0; n < QUEUES; n++)
		do
			reap(w, n);
		while (vq_split_enable_calls(&w->q[n].vq));
	end = host_now_ns() + below(w, 100) * 1000;
	while (host_now_ns() < end)
		;
}

static void wake_up(struct world *w)
{
	for (unsigned n = 0; n < QUEUES; n++) {
		struct pollfd p = { .fd = w->fe.rings[n].call, .events = POLLIN };
		struct queue *q = &w->q[n];
		eventfd_t v;

		if (!q->busy)
			continue;
		if (poll(&p, 1, DEADLINE_NS / 1000000) != 1)
			fail(w,
			     "queue %u: asleep with %u requests outstanding, %u of them in the "
			     "used ring, and no notification",
			     n, q->busy, (u16)(vq_split_raw_used_idx(&q->vq) - q->vq.used_idx));
		eventfd_read(p.fd, &v);
	}
}

/*
 * The windows that matter are a few instructions wide, and a random moment hardly ever falls into
 * one. What a process leaves behind when it is killed there differs by one step from what it left
 * behind here, so that step is taken back, or taken.
 */
static void move_into_window(struct world *w, unsigned n)
{
	const u64 stride = ALIGN_UP(
		sizeof(struct vu_inflight_split) + RING * sizeof(struct vu_inflight_desc), 64);
	struct vu_inflight_split *f = (struct vu_inflight_split *)(w->inflight_map + n * stride);
	struct queue *q = &w->q[n];
	u16 used_idx = vq_split_raw_used_idx(&q->vq);
	u32 last = le32(q->vq.used->ring[(u16)(used_idx - 1) & (RING - 1)].id);
	u32 head = below(w, RING);

	if (!w->inflight_map || f->used_idx != used_idx)
		return; /* it is in a window already */
	switch (below(w, 3)) {
	case 0:
		/* Published, but still marked as in flight. */
		if (used_idx == 0 || f->last_batch_head != last || f->desc[last].inflight)
			return;
		f->desc[last].inflight = 1;
		f->used_idx--;
		break;
	case 1:
		/* Named as the last batch, but not published. */
		while (head < RING && f->desc[head].inflight != 1)
			head++;
		if (head == RING)
			return;
		f->desc[head].next = f->last_batch_head;
		f->last_batch_head = (u16)head;
		break;
	default:
		return;
	}
	w->rewound++;
}

/* Published, and the notification not sent: the driver sleeps on. */
static void take_back_notifications(struct world *w)
{
	eventfd_t v;

	for (unsigned n = 0; n < QUEUES; n++)
		if (eventfd_read(w->fe.rings[n].call, &v) == 0)
			w->rewound++;
}

/* The end of the back-end, or of the connection, at this very moment. */
static void end_it(struct world *w, u16 base[QUEUES])
{
	if (w->sleeps)
		fall_asleep(w);
	if (ends[w->end].process) {
		int status = 0;

		kill(w->pid, ends[w->end].signal);
		/* On SIGTERM it ends in order, and until then the driver goes on. */
		if (w->end == END_TERM && !w->sleeps)
			load(w, 2000000);
		if (waitpid(w->pid, &status, 0) != w->pid)
			fail(w, "waitpid: %s", strerror(errno));
		w->pid = 0;
		if (w->end == END_TERM && (!WIFEXITED(status) || WEXITSTATUS(status)))
			fail(w, "the back-end did not end in order: wait status 0x%x", status);
	}
	drop_connection(w);
	if (w->end == END_KILL && w->sleeps)
		take_back_notifications(w);
	for (unsigned n = 0; n < QUEUES; n++) {
		struct queue *q = &w->q[n];

		if (w->end == END_KILL)
			move_into_window(w, n);

		base[n] = vq_split_raw_used_idx(&q->vq);
		w->caught += q->busy;
		w->published += (u16)(base[n] - q->vq.used_idx);
	}
}

static void one_round(struct world *w)
{
	u16 base[QUEUES];
	u64 ended, before;

	w->sleeps = w->round & 1;
	for (unsigned n = 0; n < QUEUES; n++)
		vq_split_disable_calls(&w->q[n].vq);
	/* Every fourth end comes while requests of the one before are served again. */
	load(w, (u64)below(w, w->round % 4 ? w->load_us : 300) * 1000);
	end_it(w, base);
	ended = host_now_ns();

	/* The guest runs on, if it does not sleep. */
	for (unsigned n = 0; !w->sleeps && n < QUEUES; n++)
		submit(w, n, below(w, DEPTH));
	if (ends[w->end].process)
		start_backend(w);
	connect_backend(w);
	/* Sometimes this connection ends before it is in service. */
	if (below(w, 4) == 0) {
		start_session(w, base, below(w, TO_SERVICE));
		drop_connection(w);
		for (unsigned n = 0; n < QUEUES; n++)
			base[n] = vq_split_raw_used_idx(&w->q[n].vq);
		connect_backend(w);
	}
	start_session(w, base, TO_SERVICE);
	if (w->sleeps)
		wake_up(w);

	/* Without anything new: what was in flight must come back by itself. */
	before = w->acknowledged;
	if (w->round % 3 == 1)
		load(w, (u64)below(w, 1000) * 1000);
	if (w->round % 4 != 3) {
		drain(w);
		verify_image(w);
	}
	if (w->acknowledged != before)
		w->worst_gap = MAX(w->worst_gap, host_now_ns() - ended);
}

static void run(struct world *w)
{
	const u16 base[QUEUES] = { 0 };
	u64 start = host_now_ns();
	u32 at = 0;

	vu_transport_init(&w->fe, w->socket);
	w->fe.tp.timeout_ms = DEADLINE_NS / 1000000;
	start_backend(w);
	connect_backend(w);
	close(w->fe.sock);
	must(w, vu_connect(&w->fe), "connect"); /* makes the memory, too */
	for (unsigned n = 0; n < QUEUES; n++)
		make_queue(w, n, &at);
	start_session(w, base, TO_SERVICE);
	for (w->round = 1; w->round <= w->rounds; w->round++)
		one_round(w);
	drain(w);
	verify_image(w);
	kill(w->pid, SIGTERM);
	waitpid(w->pid, NULL, 0);
	printf("{\"end\": \"%s\", \"rounds\": %u, \"requests\": %llu, \"in_flight\": %llu, "
	       "\"published_unseen\": %llu, \"in_window\": %llu, \"worst_gap_ms\": %.1f, \"seconds\": %.1f}\n",
	       ends[w->end].name, w->rounds, (unsigned long long)w->acknowledged,
	       (unsigned long long)w->caught, (unsigned long long)w->published,
	       (unsigned long long)w->rewound, (double)w->worst_gap / 1e6,
	       (double)(host_now_ns() - start) / 1e9);
}

static int usage(void)
{
	fputs("usage: recovery [--rounds N] [--end kill|term|disconnect] [--event-idx] [--seed N]\n"
	      "                [--load-us N] BACKEND IMAGE SOCKET [BACKEND-OPTION…]\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "rounds", 1, 0, 'r' }, { "end", 1, 0, 'e' },	   { "event-idx", 0, 0, 'i' },
		{ "seed", 1, 0, 's' },	 { "load-us", 1, 0, 'l' }, { 0, 0, 0, 0 },
	};
	static struct world w = {
		.rounds = 100,
		.load_us = 12000,
		.inflight_fd = -1,
		.rng = 0x9e3779b97f4a7c15ull,
	};
	int ch;

	while ((ch = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (ch) {
		case 'r':
			w.rounds = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'e':
			for (w.end = 0; w.end < ARRAY_SIZE(ends); w.end++)
				if (strcmp(ends[w.end].name, optarg) == 0)
					break;
			if (w.end == ARRAY_SIZE(ends))
				return usage();
			break;
		case 'i':
			w.event_idx = true;
			break;
		case 's':
			w.rng ^= strtoull(optarg, NULL, 0) * 0xbf58476d1ce4e5b9ull;
			break;
		case 'l':
			w.load_us = (unsigned)strtoul(optarg, NULL, 0);
			break;
		default:
			return usage();
		}
	}
	if (argc - optind < 3 || w.load_us == 0)
		return usage();
	w.backend_options = argv + optind + 3;
	w.backend = argv[optind];
	w.image = argv[optind + 1];
	w.socket = argv[optind + 2];
	w.image_fd = open(w.image, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (w.image_fd < 0 || ftruncate(w.image_fd, IMAGE_BYTES) < 0) {
		perror(w.image);
		return 1;
	}
	run(&w);
	return 0;
}
