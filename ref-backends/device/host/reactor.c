// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/host/reactor.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WATCH_OF(op, member)                                                                       \
	((struct reactor_watch *)((u8 *)(op)-offsetof(struct reactor_watch, member)))

static void poll_done(struct reactor_op *op, int res)
{
	struct reactor_watch *w = WATCH_OF(op, poll_op);

	if (op->more)
		return;
	w->in_ring--;
	if (res < 0 && res != -ECANCELED)
		w->finished = true;
	if (res > 0 && w->readable)
		w->readable(w);
}

static void event_read(struct reactor_watch *w, ssize_t res)
{
	/* What was counted is no information: a kick means no more than "look". */
	if (res == 0 || (res < 0 && res != -EAGAIN && res != -EINTR && res != -ECANCELED))
		w->finished = true;
	if (res == sizeof(w->value))
		__atomic_fetch_add(&w->events, w->value, __ATOMIC_RELAXED);
}

static void read_done(struct reactor_op *op, int res)
{
	struct reactor_watch *w = WATCH_OF(op, read_op);

	w->in_ring--;
	event_read(w, res);
}

void reactor_watch_add(struct reactor *r, struct reactor_watch *w,
		       void (*readable)(struct reactor_watch *w))
{
	*w = (struct reactor_watch){
		.poll_op = { .done = poll_done },
		.read_op = { .done = read_done },
		.next = r->watches,
		.readable = readable,
		.fd = -1,
		.heard = -1,
	};
	r->watches = w;
}

/* `entries`: 0 for none. */
static int init(struct reactor *r, unsigned entries)
{
	int fd;

	memset(r, 0, sizeof(*r));
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -1;
	reactor_watch_add(r, &r->wake, NULL);
	r->has_uring = entries && io_uring_queue_init(entries, &r->uring, IORING_SETUP_CLAMP) == 0;
	reactor_watch_set(r, &r->wake, fd);
	return 0;
}

int reactor_init(struct reactor *r, unsigned entries)
{
	/* Lets tests take the other way. */
	return init(r, getenv("RINGSIDE_NO_URING") ? 0 : entries);
}

int reactor_init_plain(struct reactor *r)
{
	return init(r, 0);
}

void reactor_exit(struct reactor *r)
{
	if (r->has_uring)
		io_uring_queue_exit(&r->uring);
	close(r->wake.fd);
}

struct io_uring_sqe *reactor_sqe(struct reactor *r)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&r->uring)))
		io_uring_submit(&r->uring);
	return sqe;
}

static bool watch_rests(const struct reactor_watch *w)
{
	return w->fd < 0 || w->finished || w->paused;
}

/* Wait for an event and consume it: two linked operations. */
static void watch_arm(struct reactor *r, struct reactor_watch *w)
{
	struct io_uring_sqe *sqe;

	if (watch_rests(w) || w->in_ring)
		return;
	/* Both or none: a link does not reach across two submissions. */
	if (io_uring_sq_space_left(&r->uring) < 2)
		io_uring_submit(&r->uring);
	sqe = io_uring_get_sqe(&r->uring);
	io_uring_prep_poll_add(sqe, w->fd, POLLIN);
	w->in_ring = 1;
	if (w->edge)
		io_uring_prep_poll_multishot(sqe, w->fd, POLLIN);
	io_uring_sqe_set_data(sqe, &w->poll_op);
	if (w->readable || w->edge)
		return;
	sqe->flags |= IOSQE_IO_LINK;
	sqe = io_uring_get_sqe(&r->uring);
	io_uring_prep_read(sqe, w->fd, &w->value, sizeof(w->value), (u64)-1);
	io_uring_sqe_set_data(sqe, &w->read_op);
	w->in_ring = 2;
}

static void reap(struct reactor *r)
{
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	io_uring_for_each_cqe(&r->uring, head, cqe)
	{
		struct reactor_op *op = io_uring_cqe_get_data(cqe);
		int res = cqe->res;

		n++;
		if (!op)
			continue;
		op->more = cqe->flags & IORING_CQE_F_MORE;
		op->done(op, res);
	}
	io_uring_cq_advance(&r->uring, n);
}

static void cancel(struct reactor *r, struct reactor_op *op)
{
	struct io_uring_sqe *sqe = reactor_sqe(r);

	io_uring_prep_cancel(sqe, op, 0);
	io_uring_sqe_set_data(sqe, NULL);
}

/* Where the kernel says so: else it is read, which is right for it, too. */
static bool is_eventfd(int fd)
{
	static const char name[] = "anon_inode:[eventfd]";
	char path[32], target[sizeof(name)];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, target, sizeof(target)) == sizeof(name) - 1 &&
	       memcmp(target, name, sizeof(name) - 1) == 0;
}

/* What was told is consumed when nobody listens any more: it is not for whoever is next. */
static void drain(const struct reactor_watch *w)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };
	u64 n;

	if (poll(&p, 1, 0) == 1 && read(w->fd, &n, sizeof(n)) < 0) {
		/* Somebody else was faster. */
	}
}

void reactor_watch_set(struct reactor *r, struct reactor_watch *w, int fd)
{
	if (w->in_ring) {
		cancel(r, &w->poll_op);
		if (!w->readable && !w->edge)
			cancel(r, &w->read_op);
		/* The ring holds the file until both operations have completed. */
		while (w->in_ring) {
			io_uring_submit_and_wait(&r->uring, 1);
			reap(r);
		}
	}
	if (w->edge)
		drain(w);
	w->finished = false;
	w->fd = fd;
	/* The same number may be another file's by now. */
	w->heard = -1;
	w->edge = r->has_uring && fd >= 0 && !w->readable && !w->counted && is_eventfd(fd);
}

static void consume(struct reactor_watch *w)
{
	ssize_t n;

	if (w->readable) {
		w->readable(w);
		return;
	}
	n = read(w->fd, &w->value, sizeof(w->value));
	event_read(w, n < 0 ? -errno : n);
}

static void wait_poll(struct reactor *r, int timeout_us)
{
	struct timespec ts = { .tv_nsec = timeout_us * 1000L };
	struct reactor_watch *of[REACTOR_WATCHES_MAX];
	struct pollfd p[REACTOR_WATCHES_MAX];
	nfds_t n = 0;

	for (struct reactor_watch *w = r->watches; w && n < REACTOR_WATCHES_MAX; w = w->next) {
		if (watch_rests(w))
			continue;
		of[n] = w;
		p[n++] = (struct pollfd){ .fd = w->fd, .events = POLLIN };
	}
	if (ppoll(p, n, timeout_us < 0 ? NULL : &ts, NULL) <= 0)
		return;
	for (nfds_t i = 0; i < n; i++)
		if (p[i].revents)
			consume(of[i]);
}

void reactor_poll(struct reactor *r)
{
	if (!r->has_uring) {
		wait_poll(r, 0);
		return;
	}
	/* Watches are for sleeping: who is busy looks at its ring and its calls anyway. */
	if (io_uring_sq_ready(&r->uring))
		io_uring_submit(&r->uring);
	reap(r);
}

static void arm_all(struct reactor *r)
{
	for (struct reactor_watch *w = r->watches; w; w = w->next)
		watch_arm(r, w);
}

unsigned reactor_listen(struct reactor *r, struct pollfd *p)
{
	unsigned n = 0;

	if (r->has_uring) {
		arm_all(r);
		if (io_uring_sq_ready(&r->uring))
			io_uring_submit(&r->uring);
		*p = (struct pollfd){ .fd = r->uring.ring_fd, .events = POLLIN };
		return 1;
	}
	for (struct reactor_watch *w = r->watches; w; w = w->next) {
		w->heard = watch_rests(w) || n == REACTOR_WATCHES_MAX ? -1 : w->fd;
		if (w->heard >= 0)
			p[n++] = (struct pollfd){ .fd = w->fd, .events = POLLIN };
	}
	return n;
}

bool reactor_unheard(const struct reactor *r)
{
	for (const struct reactor_watch *w = r->watches; w; w = w->next)
		if (!watch_rests(w) && w->heard != w->fd)
			return true;
	return false;
}

void reactor_wait(struct reactor *r, int timeout_us)
{
	struct __kernel_timespec ts = { .tv_nsec = timeout_us * 1000LL };
	struct io_uring_cqe *cqe;

	if (!r->has_uring) {
		wait_poll(r, timeout_us);
		return;
	}
	arm_all(r);
	if (timeout_us < 0)
		io_uring_submit_and_wait(&r->uring, 1);
	else
		io_uring_submit_and_wait_timeout(&r->uring, &cqe, 1, &ts, NULL);
	reap(r);
}

void reactor_wake(struct reactor *r)
{
	u64 one = 1;

	if (write(r->wake.fd, &one, sizeof(one)) < 0) {
		/* EAGAIN: it is awake already. */
	}
}
