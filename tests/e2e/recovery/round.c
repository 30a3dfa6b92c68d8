// SPDX-License-Identifier: BSD-3-Clause
/* A round: a load, an end in the middle of it, and what has to hold afterwards. */
#include "tests/e2e/recovery/world.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

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

void drain(struct world *w)
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

void verify_image(struct world *w)
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

void one_round(struct world *w)
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
