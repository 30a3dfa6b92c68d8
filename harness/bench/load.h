/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The request loop: keeps a block device busy and records how long each request took.
 *
 * Closed loop: `depth` requests are always outstanding; a request's time runs from when it was made
 * available. Open loop (`rate`): requests are due at fixed times whether or not the device keeps up,
 * and a request's time runs from when it was due, so that a stall is charged to every request it
 * held up.
 *
 * Nothing in the loop allocates, locks, or makes a system call other than through `ops`.
 *
 * Freestanding.
 */
#ifndef HARNESS_BENCH_LOAD_H
#define HARNESS_BENCH_LOAD_H

#include "harness/bench/clock.h"
#include "harness/bench/hist.h"
#include "harness/device/blk.h"
#include "harness/spec/trace_event.h"

#define LOAD_DEPTH_MAX 1024

/* In place of a VIRTIO_BLK_T_*: a buffer of one device-readable piece, for a device that returns all. */
#define LOAD_NULL 0xffffffffu
/* A buffer of one device-writable piece, for a device that fills all (entropy). */
#define LOAD_FILL 0xfffffffeu
/* A message, and its answer, if the device gives one: struct load_ask. */
#define LOAD_ASK 0xfffffffdu

static inline bool load_is_blk(u32 type)
{
	return type < LOAD_ASK;
}

#define LOAD_ASK_MAX 128u

/*
 * The same message over and over, or one that is made anew each time. It begins with `out`; what is longer than that
 * goes on with anything. Its answer is of up to two device-writable pieces; `status` bytes of the last one, from
 * `status_at` on, are LOAD_UNSET before it comes and tell how it went: they have to be 0, or what `wrong` says.
 */
struct load_ask {
	u8 out[LOAD_ASK_MAX];
	u32 out_len, in[2], status, status_at;
	/* What differs in message `n` of a queue, n being 0 of the first, is written over the last one's; NULL: nothing. */
	void (*fill)(u8 *out, u64 n);
	/* The message, and the last piece of its answer: 0 when it says yes, else what it says. */
	u32 (*wrong)(const u8 *out, const u8 *in);
};

#define LOAD_UNSET 0xee

/* Bytes of both, each in cache lines of its own: the size of such a request's block. */
static inline u32 load_ask_bytes(const struct load_ask *a)
{
	return (u32)(ALIGN_UP((u64)a->out_len, 64) + ALIGN_UP((u64)a->in[0], 64) + a->in[1]);
}

struct load_ops {
	/* Notify the device. */
	void (*kick)(void *arg);
	/*
	 * Sleep until the device notifies or `deadline` (ticks) has come; may return early. Without
	 * it the loop polls.
	 */
	void (*sleep)(void *arg, u64 deadline);
	/* Let the processor rest for a few cycles in a polling loop. */
	void (*relax)(void *arg);
	void *arg;
};

struct load_slot {
	struct blk_req req;
	struct vq_sg sg[3];
	unsigned out, in;
	void *table; /* indirect */
	struct gpa table_at;
	u8 *own; /* the driver's own copy of the data, which no device reaches; NULL: there is none */
	u64 start; /* ticks */
	u64 seq;   /* which request of the queue, since load_prepare() */
	u16 head;
	bool busy;
};

/*
 * When one request was made available (open loop: was due), and when it was seen used; before that, when the
 * device was last notified, and when its last notification reached the driver (0: it polls); ticks.
 */
struct load_stamp {
	u64 start, end, kicked, woken;
};

struct load {
	/* What to do. */
	struct vq *vq;
	const struct clock *clock;
	struct load_ops ops;
	u32 type; /* VIRTIO_BLK_T_IN, _OUT or _FLUSH, LOAD_NULL, LOAD_FILL or LOAD_ASK */
	const struct load_ask *ask; /* LOAD_ASK */
	unsigned depth;
	unsigned batch;	 /* at least so many are made available together; 0 is 1 */
	u64 sectors;	 /* the part of the device to use */
	u32 block_bytes; /* of one request: whole sectors, or anything without blocks */
	bool sequential;
	bool indirect; /* each request in a table of its own */
	u8 *own; /* load_own() bytes: data is copied from or to there, in the time of the request; NULL */
	/*
	 * Wait for the device's notification each time and do not look into the ring before it, as a
	 * driver does that has its interrupt handler look. Needs ops.sleep.
	 */
	bool notified;
	u64 rate;		 /* requests per second, 0 = closed loop */
	u64 requests;		 /* stop after so many, 0 = by time */
	u64 duration_ns;	 /* stop after so long, 0 = by count */
	u64 stall_ns;		 /* give up when nothing completes for so long */
	struct load_slot *slots; /* `depth` of them, carved by load_prepare() */
	struct hist *latency;	 /* reset by the caller */
	struct load_stamp *raw;	 /* stamps of the first raw_room requests; NULL: none are kept */
	u32 raw_room;
	struct trace_sink *events; /* what happens to each request goes there; NULL: nowhere */
	u16 queue;		   /* … of this queue */
	u32 tid;		   /* … by this thread */
	/* In a guest: that ops.kick returned does not say when the device was told, and nothing says so. */
	bool in_guest;
	bool cancel; /* set by an operation: submit nothing more */
	u64 woken; /* set by an operation: when the device's notification came; for stamps and events */

	/* What came of it. */
	u64 submitted, completed;
	u64 errors; /* a status other than OK */
	u64 kicks, sleeps;
	u32 raw_count;
	u64 elapsed_ns;
	u64 first_bad; /* status of the first error */

	/* The loop's own. */
	u64 rng, next_block, blocks;
	u64 kicked, handled;
	u64 seq;  /* requests since load_prepare() */
	u64 told; /* … when the device was last notified */
	unsigned free_count;
	struct load_slot *free[LOAD_DEPTH_MAX];
};

enum load_result {
	LOAD_OK = 0,
	LOAD_STALLED = -1, /* nothing completed for stall_ns */
	LOAD_BADID = -2,   /* the device returned a head that was not outstanding */
	LOAD_NOMEM = -3,   /* `area` is too small */
};

/* Guest memory that load_prepare() needs for these slots. */
u64 load_memory(unsigned depth, u32 block_bytes);
/* And memory of the driver alone, where data is copied. */
static inline u64 load_own(unsigned depth, u32 block_bytes)
{
	return (u64)depth * block_bytes;
}
/* Lay the requests of all slots out in `area`. */
int load_prepare(struct load *l, struct tp_buf area);
/* Run, then wait for what is outstanding. May be called again (a warm-up, then the measurement). */
int load_run(struct load *l);

#endif
