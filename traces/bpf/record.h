/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recording what the kernel sees of a back-end and of whoever drives it, with BPF programs on its tracepoints: of any
 * back-end, though it has none of ours. file.h is what comes of it.
 */
#ifndef TRACES_BPF_RECORD_H
#define TRACES_BPF_RECORD_H

#include "traces/bpf/file.h"

/* The event descriptors of a queue, as this process has them. */
struct kernel_queue {
	int kick, call;
};

struct kernel_options {
	const char *dir;
	int pid;	 /* the back-end */
	bool inside;	 /* it has tracepoints of ours, which somebody records */
	bool probes;	 /* on functions of the back-end, too, where it has them in its symbols */
	bool driver;	 /* this process drives it … */
	unsigned queues; /* … with so many queues, */
	const struct kernel_queue *queue; /* whose descriptors these are */
};

struct kernel_recording;

/* Why it cannot be done here: one line, or NULL. */
const char *kernel_missing(void);

/*
 * All is ready; nothing is recorded yet. NULL, with one line in `err`. Where `queue` is not given, the descriptors that
 * the back-end shares with other processes are taken for its queues' and these processes for its front-ends.
 */
struct kernel_recording *kernel_record_open(const struct kernel_options *o, char *err, size_t len);
/* A thread of the driver's process that is there for a recording only: it tells nothing about the driver. */
void kernel_record_ignore(struct kernel_recording *r, u32 tid);
/* 0, or -1 with one line in `err`. */
int kernel_record_start(struct kernel_recording *r, char *err, size_t len);
/* No more events, and all of them are on disk. `lost`: those that found no room. 0, or -1 with one line in `err`. */
int kernel_record_stop(struct kernel_recording *r, u64 *lost, char *err, size_t len);
/* Also stops what is still recording. NULL is allowed. */
void kernel_record_close(struct kernel_recording *r);

#endif
