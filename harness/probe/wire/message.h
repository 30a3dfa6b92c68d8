/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest says: the payloads of frames. One function per message writes it in the guest and reads
 * it on the host, so that the two cannot differ.
 *
 * Numbers are little endian; a text is its length (u16) and its bytes. A message may grow at its end:
 * a reader ignores what it does not know. A kind of message that comes only when a job asks for it may be
 * added. Anything else is a new WIRE_VERSION.
 *
 * Freestanding.
 */
#ifndef HARNESS_PROBE_WIRE_MESSAGE_H
#define HARNESS_PROBE_WIRE_MESSAGE_H

#include "harness/bench/load.h"
#include "harness/probe/wire/frame.h"

#define WIRE_VERSION 2

/*
 * The order of a stream: HELLO, then for each job JOB, its results, JOB_END, and at last END. NOTE, MARK
 * and FIGURE may come anywhere; PANIC is the last frame of a guest that failed. The streams of several
 * boots make one when each goes on where the one before it ended.
 */
enum wire_kind {
	WIRE_HELLO = 1,
	WIRE_JOB,
	WIRE_PLAN,   /* ids of the checks that will run, in order */
	WIRE_START,  /* a check begins */
	WIRE_LOG,    /* a line of its evidence */
	WIRE_RESULT, /* its verdict */
	WIRE_BENCH,  /* figures */
	WIRE_HIST,   /* buckets of the histogram */
	WIRE_RAW,    /* time stamps of single requests */
	WIRE_JOB_END,
	WIRE_MARK, /* a moment: what happened, and the counter */
	WIRE_NOTE, /* a remark for whoever reads the result */
	WIRE_FAIL, /* a job that could not be done, and why */
	WIRE_PANIC,
	WIRE_END,
	WIRE_FIGURE,   /* what some single thing takes (calibrate) */
	WIRE_UNTRACED, /* figures of the same load before it is traced; its HIST follow */
	WIRE_TRACE,    /* what comes of the trace: how many events, how many were lost */
	WIRE_EVENTS,   /* some of them */
	WIRE_KINDS
};

enum wire_job_kind {
	WIRE_JOB_CONFORM = 1,
	WIRE_JOB_BENCH,
	WIRE_JOB_LIST,	    /* the devices that were found, as notes */
	WIRE_JOB_CALIBRATE, /* what the machine charges for single things, as figures */
};

#define WIRE_TEXT_MAX (FRAME_PAYLOAD_MAX + 16)

/* A payload that is being written or read. */
struct wire {
	bool writing;
	bool bad; /* did not fit, or ended early */
	u32 at;
	struct frame *f;
	u32 text_used;
	char text[WIRE_TEXT_MAX]; /* of a reader: what its texts point into */
};

struct wire_hello {
	u32 version;
	const char *ringside; /* version of the probe */
	const char *arch, *machine;
	const char *clock; /* source */
	u64 hz;
	u32 error_ppm;
	const char *job; /* as it was given */
};

struct wire_job {
	u32 number; /* from 0 */
	u8 kind;
	const char *uri, *device, *transport;
	u64 features;
	u32 queues;
	u32 checks; /* of a conform job */
	u32 first;  /* that this boot runs: those before it ran in boots before */
};

struct wire_plan {
	u32 first;	 /* index of the first of these */
	const char *ids; /* one per line */
};

struct wire_start {
	u32 index;
};

struct wire_log {
	u32 index;
	const char *line;
};

struct wire_result {
	u32 index;
	u8 verdict;
	u64 duration_ns;
	const char *clause, *reason, *expected; /* clause "": none */
};

struct wire_bench {
	u32 type; /* VIRTIO_BLK_T_* */
	u32 block_size, depth;
	u8 poll, sequential, event_idx, packed, in_order, indirect;
	u32 batch;
	u64 rate;
	u64 requests, errors, first_bad, elapsed_ns, kicks, calls;
	u64 sum, min, max, clamped; /* of the histogram */
	u64 hz;
	u32 error_ppm;
	u8 notification_data;
};

#define WIRE_HIST_MAX 160

struct wire_hist {
	u32 count;
	u32 bucket[WIRE_HIST_MAX];
	u64 value[WIRE_HIST_MAX];
};

#define WIRE_RAW_MAX 60

struct wire_raw {
	u32 count;
	/* Ticks, as in struct load_stamp. */
	u64 start[WIRE_RAW_MAX], end[WIRE_RAW_MAX], kicked[WIRE_RAW_MAX], woken[WIRE_RAW_MAX];
};

struct wire_trace {
	u32 events; /* that EVENTS hold, all together */
	u64 lost;   /* that found no room */
	u64 hz;	    /* ticks per second, as far as the guest knows */
	u32 error_ppm;
};

#define WIRE_EVENTS_MAX 132

/* Of one queue, in the order that they were written in; ticks and seq as they differ from the first one's. */
struct wire_events {
	u16 queue;
	u64 ticks, seq;
	u32 count;
	u8 kind[WIRE_EVENTS_MAX];
	u32 ticks_by[WIRE_EVENTS_MAX], seq_by[WIRE_EVENTS_MAX]; /* two's complement */
	u16 head[WIRE_EVENTS_MAX];
	u32 len[WIRE_EVENTS_MAX];
};

/*
 * Add an event to `m`, which is empty when its count is 0. False: it does not go into this one. The seq of a
 * handle, which has none, is the first one's.
 */
bool wire_events_add(struct wire_events *m, const struct trace_event *e);
struct trace_event wire_events_get(const struct wire_events *m, u32 i);

struct wire_job_end {
	u32 number;
	u32 results;
	u64 duration_ns;
};

struct wire_mark {
	const char *what;
	u64 ticks;
};

struct wire_figure {
	const char *what;
	u32 count;
	u64 min, median, max, sum; /* ticks */
};

struct wire_text {
	const char *text;
};

struct wire_end {
	u8 failed;  /* jobs that could not be done */
	u32 frames; /* with this one */
	/* The machine is to be started anew, and to go on with check `next` of job `number`. */
	u8 restart;
	u32 number, next;
};

/* Begin to write a payload of this kind, or to read the one that `f` holds. */
void wire_write(struct wire *w, struct frame *f, enum wire_kind kind);
void wire_read(struct wire *w, struct frame *f);

/* All: true when the message was whole. Texts that were read live as long as `w`. */
bool wire_hello(struct wire *w, struct wire_hello *m);
bool wire_job(struct wire *w, struct wire_job *m);
bool wire_plan(struct wire *w, struct wire_plan *m);
bool wire_start(struct wire *w, struct wire_start *m);
bool wire_log(struct wire *w, struct wire_log *m);
bool wire_result(struct wire *w, struct wire_result *m);
bool wire_bench(struct wire *w, struct wire_bench *m);
bool wire_hist(struct wire *w, struct wire_hist *m);
bool wire_raw(struct wire *w, struct wire_raw *m);
bool wire_trace(struct wire *w, struct wire_trace *m);
bool wire_events(struct wire *w, struct wire_events *m);
bool wire_job_end(struct wire *w, struct wire_job_end *m);
bool wire_mark(struct wire *w, struct wire_mark *m);
bool wire_figure(struct wire *w, struct wire_figure *m);
bool wire_text(struct wire *w, struct wire_text *m); /* NOTE, FAIL, PANIC */
bool wire_end(struct wire *w, struct wire_end *m);

#endif
