// SPDX-License-Identifier: BSD-3-Clause
/* Session: back-end processes, and what each is given of memory and rings that outlive them. */
#include "tests/e2e/recovery/world.h"

#include <errno.h>
#include <fcntl.h>
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

void fail(struct world *w, const char *fmt, ...)
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

void must(struct world *w, int rc, const char *what)
{
	if (rc != TP_OK)
		fail(w, "%s: %s", what, w->fe.tp.error);
}

u32 below(struct world *w, u32 n)
{
	u64 x = w->rng;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	w->rng = x;
	return (u32)(x >> 32) % n;
}

void start_backend(struct world *w)
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

void connect_backend(struct world *w)
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

void make_queue(struct world *w, unsigned n, u32 *at)
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

void start_session(struct world *w, const u16 base[QUEUES], enum step last)
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
void drop_connection(struct world *w)
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
