/* SPDX-License-Identifier: BSD-3-Clause */
/* A load against a vhost-user target: brings the device up, runs, and gives the figures. */
#ifndef HARNESS_BENCH_HOST_SESSION_H
#define HARNESS_BENCH_HOST_SESSION_H

#include "harness/bench/load.h"
#include "harness/transport/vhost_user/frontend.h"

struct bench_opts {
	u32 type; /* VIRTIO_BLK_T_*, or LOAD_NULL */
	u32 block_size;
	unsigned depth, batch;
	bool indirect;
	bool poll; /* else sleep on the call descriptor */
	bool sequential;
	bool event_idx;
	u64 rate, requests, duration_ns, warmup_ns;
	u16 ring_size; /* 0: chosen for the depth */
};

struct bench_figures {
	struct hist *latency; /* owned: bench_figures_free() */
	u64 requests, errors;
	u64 first_bad;
	u64 elapsed_ns;
	u64 kicks, calls, syscalls;
};

struct bench_session {
	struct vu_frontend fe;
	struct clock clock;
	struct bench_opts opts;
	struct load load;
	struct vq vq;
	struct vq_slot *slots;
	u64 features;
	u64 syscalls, calls;
	bool (*cancelled)(void); /* asked now and then: end early; NULL: never */
	bool crowded;		 /* one processor for both sides: polling must give it up */
};

/* Connect to `socket` and start queue 0. 0, or -1 with one line in `error`. */
int bench_open(struct bench_session *s, const char *socket, const struct bench_opts *o, char *error,
	       size_t room);
/* Warm up, then measure. 0, or -1 with one line in `error`. May be repeated. */
int bench_measure(struct bench_session *s, struct bench_figures *f, char *error, size_t room);
void bench_close(struct bench_session *s);
void bench_figures_free(struct bench_figures *f);

#endif
