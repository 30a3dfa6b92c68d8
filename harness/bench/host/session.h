/* SPDX-License-Identifier: BSD-3-Clause */
/* A load against a vhost-user target, or a device of the kernel's: brings it up, runs, and gives the figures. */
#ifndef HARNESS_BENCH_HOST_SESSION_H
#define HARNESS_BENCH_HOST_SESSION_H

#include <pthread.h>

#include "harness/bench/ask.h"
#include "harness/bench/load.h"
#include "harness/transport/vhost/kernel.h"
#include "harness/transport/vhost_user/frontend.h"
#include "traces/ring/buffer.h"

#define BENCH_QUEUES 64

/* What of guest memory the target can reach, and where data lies. */
enum bench_memory {
	BENCH_DIRECT, /* all of it; data is anywhere */
	BENCH_FAT,    /* one region, set aside beside the rings, and data is made there */
	BENCH_COPY,   /* the same, and data is copied there and from there, as part of a request */
};

struct bench_opts {
	u32 type;		    /* VIRTIO_BLK_T_*, LOAD_NULL, LOAD_FILL or LOAD_ASK */
	const struct load_ask *ask; /* LOAD_ASK; block_size is load_ask_bytes() */
	unsigned first;		    /* the first queue that is driven */
	u32 idle; /* queues that are there and empty once it runs: a bit for each */
	/* Messages before all others, as struct bench_ask has them. */
	const struct ask_step *steps;
	u64 features; /* of the device, to negotiate where they are offered */
	u32 block_size;
	unsigned depth, batch; /* of each queue */
	unsigned queues;       /* a thread each; 0 is 1 */
	bool indirect;
	bool poll;     /* else sleep on the call descriptor */
	bool notified; /* wait for each notification, as struct load has it */
	bool sequential;
	bool event_idx, packed, in_order;
	bool notification_data; /* a guest's: no message of vhost-user has it */
	enum bench_memory memory;
	u64 rate; /* of all queues together */
	u64 requests, duration_ns, warmup_ns;
	u16 ring_size;	/* 0: chosen for the depth */
	u64 counter_hz; /* 0: the clock is found out */
	u32 raw;	/* keep the stamps of so many requests of queue 0 */
	/* Queue i's thread runs on pin[i % pins]; pins 0: wherever the system puts it. */
	int pin[BENCH_QUEUES];
	unsigned pins;
};

/* Where the device is. */
struct bench_where {
	const char *socket; /* vhost-user; NULL: of the kernel's: */
	int listener;	    /* … of that, when the back-end connects; 0: it listens */
	const struct kdev_where *kernel; /* vdpa:, or vhost: */
	bool vdpa;
};

const char *bench_memory_name(enum bench_memory memory);

struct bench_figures {
	struct hist *latency; /* owned: bench_figures_free() */
	u64 requests, errors;
	u64 first_bad;
	u64 elapsed_ns;
	u64 kicks, calls, syscalls;
};

struct bench_session;

/* One queue, and the thread that drives it. */
struct bench_queue {
	struct bench_session *s;
	unsigned index;	 /* among those that are driven, or among those that are idle */
	unsigned number; /* as the device counts them */
	struct load load;
	struct vq vq;
	struct vq_slot *slots;
	struct hist *latency;
	u8 *own; /* BENCH_COPY */
	struct trace_sink events;
	u64 syscalls, calls;
	int kick; /* the eventfd */
	int epoll; /* of the call descriptor, which is not read: each write is told once; -1: it polls */
	pthread_t thread;
	int result; /* of load_run() */
};

struct bench_session {
	struct vu_frontend fe; /* vhost-user, or: */
	struct kdev kernel;
	struct tp *tp; /* of the one of them that it is */
	struct clock clock;
	struct bench_opts opts;
	struct bench_queue *queue; /* opts.queues of them */
	struct bench_queue idle[ASK_IDLE_MAX];
	unsigned idle_count;
	u64 features;
	struct load_stamp *raw;	 /* queue[0].load.raw_count of them, after a measurement */
	bool (*cancelled)(void); /* asked now and then: end early; NULL: never */
	bool crowded;		 /* fewer processors than threads: polling must give them up */
	unsigned go;		 /* set when all threads are there: they begin together */
};

/* Connect and start the queues. 0, or -1 with one line in `error`. */
int bench_open(struct bench_session *s, const struct bench_where *where, const struct bench_opts *o,
	       char *error, size_t room);
/* What the device offers, once connected. */
u64 bench_offered(const struct bench_session *s);
/* Warm up, then measure. 0, or -1 with one line in `error`. May be repeated. */
int bench_measure(struct bench_session *s, struct bench_figures *f, char *error, size_t room);
/*
 * What happens to each request goes to the rings of `b` from here on, one for each queue; NULL: no longer. False: it
 * has too few.
 */
bool bench_trace(struct bench_session *s, struct buffer *b);
void bench_close(struct bench_session *s);
void bench_figures_free(struct bench_figures *f);

#endif
