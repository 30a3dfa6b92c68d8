/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a thread of queues sleeps on: their kick descriptors, a wake-up from other threads, whatever
 * else a device watches, and the completions of file I/O, all through one io_uring. A kick costs one system call: an
 * eventfd is polled by one operation for good, and not read, since a kick means no more than "look"; of what has to
 * be read or counted the poll, the read that consumes the event, and the sleep for the next are one io_uring_enter().
 *
 * Where io_uring is not to be had (seccomp, an old kernel) poll(2) takes its place, and file I/O is
 * done synchronously by its store; reactor_has_uring() tells.
 *
 * All functions but reactor_wake() belong to the thread that owns the reactor, or to whom has the lock that it is
 * under.
 */
#ifndef REF_BACKENDS_DEVICE_HOST_REACTOR_H
#define REF_BACKENDS_DEVICE_HOST_REACTOR_H

#include <liburing.h>
#include <poll.h>

#include "harness/spec/types.h"

/* An operation in the ring; its owner embeds it. */
struct reactor_op {
	void (*done)(struct reactor_op *op, int res);
	bool more; /* of one that is done more than once: not for the last time */
};

/* Watches of one reactor, its own included. */
#define REACTOR_WATCHES_MAX 300

/*
 * A descriptor of 8-byte events (an eventfd, or the read end of a pipe), which is read when there is
 * something; or any other one, of which readable() is told. That one does not fire while it is paused.
 */
struct reactor_watch {
	struct reactor_op poll_op, read_op;
	struct reactor_watch *next;
	void (*readable)(struct reactor_watch *w); /* NULL: it is one of events */
	u64 value;
	u64 events;    /* atomic: how many there were, of all descriptors */
	int fd;	       /* -1: none */
	int heard;     /* what reactor_listen() told of it last, without io_uring; -1: nothing */
	u8 in_ring;    /* operations not completed */
	bool finished; /* end of file or error: never fires again */
	bool paused;
	bool counted; /* set by the owner before there is a descriptor: `events` is to be exact */
	bool edge; /* an eventfd that is not read: each write is told, and there is one operation for all */
};

struct reactor {
	struct io_uring uring;
	bool has_uring;
	struct reactor_watch wake;
	struct reactor_watch *watches;
};

/* 0, or -1 with errno. `entries` bounds the file operations in flight. */
int reactor_init(struct reactor *r, unsigned entries);
/* One without io_uring, for who wants a device to be done when serve() returns. */
int reactor_init_plain(struct reactor *r);
void reactor_exit(struct reactor *r);

/* A watch of the caller's, without a descriptor yet; it stays until the reactor's end. */
void reactor_watch_add(struct reactor *r, struct reactor_watch *w,
		       void (*readable)(struct reactor_watch *w));
/* Watch fd (-1: nothing) from now on. The old one is let go of before this returns. */
void reactor_watch_set(struct reactor *r, struct reactor_watch *w, int fd);

/* Submit what was queued, and call done() of all that completed without sleeping. */
void reactor_poll(struct reactor *r);

/*
 * For who sleeps in a poll(2) of its own: what to sleep on, the wake-up among it; at most REACTOR_WATCHES_MAX
 * descriptors. With io_uring its own is all. reactor_poll() then does what there is to do.
 */
unsigned reactor_listen(struct reactor *r, struct pollfd *p);
/*
 * One without io_uring that is under a lock, and whose owner sleeps without it: what a holder of the lock did since
 * is more than was told to listen to. The owner is to be woken.
 */
bool reactor_unheard(const struct reactor *r);

/* The same, but sleep until something happens, at most timeout_us (-1: no bound). */
void reactor_wait(struct reactor *r, int timeout_us);

/* Make the owner return from reactor_wait(). Any thread. */
void reactor_wake(struct reactor *r);

static inline bool reactor_has_uring(const struct reactor *r)
{
	return r->has_uring;
}

/*
 * A place in the ring for one operation of a store, never NULL. The store prepares it and sets its
 * struct reactor_op as user data.
 */
struct io_uring_sqe *reactor_sqe(struct reactor *r);

#endif
