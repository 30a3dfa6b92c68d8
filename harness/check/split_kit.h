/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the checks of rings share: herds of small requests, and hostile chains with what must be
 * seen after them.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_SPLIT_KIT_H
#define HARNESS_CHECK_SPLIT_KIT_H

#include "harness/check/blk_io.h"
#include "harness/device/vehicle.h"

/* Clauses that several files name. */
#define C_USED_LEN    "v14.split-ring.used-ring.dev.2"
#define C_CHAIN_ONCE  "ROB.chain.once"
#define C_KNOWN_ID    "ROB.used.known-id"
#define C_USED_STEP   "ROB.used.step"
#define C_RETURNED    "ROB.chain.returned"
#define C_BAD_REQUEST "ROB.live.bad-request"
#define C_NO_HANG     "ROB.live.no-hang"
#define C_NEW_SESSION "ROB.live.new-session"
#define C_OUTSIDE     "ROB.mem.outside"

/* --- herds ---------------------------------------------------------------------------------------
 *
 * Many of the requests that the device's type has as its vehicle. Checks of nothing but herds say so with
 * .vehicle: they run on all types that have one, and their queue 0 is the first that takes them.
 */
struct sk_herd {
	const struct vehicle *v;
	struct tp_buf
		bufs; /* `stride` bytes each: what is readable, and at `writable` what is not */
	u32 stride, writable;
	struct tp_buf tables; /* indirect only: two descriptors each */
	u32 count;
};

/* So many requests, or what queue 0 has room for at once. */
u32 sk_room_for(const struct ck *c, u32 count);
bool sk_herd_make(struct ck *c, struct sk_herd *h, u32 count, bool indirect);
/*
 * The same, not indirect, for a check that counts on two places in the ring for each: skipped where the vehicle
 * has only one piece.
 */
bool sk_herd_pairs(struct ck *c, struct sk_herd *h, u32 count);

/* Write number `i` of the herd anew. Its pieces: how many of either kind. */
void sk_herd_fill(struct ck *c, const struct sk_herd *h, u32 i, struct vq_sg sg[2], unsigned *out,
		  unsigned *in);

/* Add number `i` of the herd to queue `q`: a chain, or one that is indirect. Not published. */
bool sk_herd_add(struct ck *c, unsigned q, const struct sk_herd *h, u32 i);

/* The clauses that sk_run() accuses under; a check that calls it names them. */
#define SK_RUN_CLAUSES C_CHAIN_ONCE, C_KNOWN_ID, C_USED_STEP

/*
 * `total` requests, the whole herd at a time: each made available once must come back once, the
 * used index covers nothing that was not made available, and every status byte is written.
 */
bool sk_run(struct ck *c, unsigned q, const struct sk_herd *h, u32 total);

/* The same in parts, for what must look at other things meanwhile: wait for `n` used elements. */
bool sk_collect(struct ck *c, unsigned q, const struct sk_herd *h, u32 n);

/* --- hostile chains ------------------------------------------------------------------------------
 *
 * One session after the other with a queue of SK_SIZE, in which chains that no driver should make
 * are put at descriptors SK_RAW and up; the lower ones are left to a correct driver. Good requests
 * come before (set-up) and behind (the proof of life).
 */
#define SK_SIZE 128
#define SK_RAW	64

struct sk_hostile {
	const char *clause; /* accused when the device does not survive; NULL: nothing is */
	u64 want;	    /* features */
	bool returned;	    /* the heads are valid: ROB.chain.returned asks for them back */
	u16 size;	    /* of the queue; 0: SK_SIZE */

	/* A well-formed IN of one sector to spoil. In region 0. */
	struct blk_req parts;

	struct blk_req good;
	u8 expect[VIRTIO_BLK_SECTOR]; /* what it reads */
	bool up;		      /* a session runs and has served a good request */
	bool opened_once; /* from the second session on, not coming up is an accusation */
	bool lost;	  /* a chain did not come back: waiting for others would only take time */
	u32 back;	  /* how often the hostile head came back */
	u32 back_len;	  /* the used length it had last */
};

/* Clauses that the calls below may accuse under, beside the check's own. */
#define SK_HOSTILE_CLAUSES C_BAD_REQUEST, C_NO_HANG, C_NEW_SESSION

/* A session in which a good request was served. */
bool sk_up(struct ck *c, struct sk_hostile *h);

/* A descriptor of the hostile part: index SK_RAW + i. */
void sk_desc(struct ck *c, u16 i, u64 addr, u32 len, u16 flags, u16 next);
/* The same, chained to the one after it. */
void sk_desc_then(struct ck *c, u16 i, u64 addr, u32 len, u16 flags);

enum sk_fate {
	SK_SERVED, /* the good request behind came back */
	SK_ERROR,  /* the device shows that it is in error: the session is over */
	SK_SILENT, /* neither, within the deadline */
	SK_OVER,   /* an accusation or error was recorded */
};

/* Make `head` available `times` times, with nothing behind. */
bool sk_offer(struct ck *c, u16 head, unsigned times);

/* A good request behind what was offered, and what becomes of both. */
enum sk_fate sk_settle(struct ck *c, struct sk_hostile *h, u16 head, unsigned times);

/* Does the device show an error state? Also says whether it answers at all (C_NO_HANG). */
bool sk_in_error(struct ck *c, struct sk_hostile *h);

/* End the session; the next sk_up() makes a new one. */
void sk_down(struct ck *c, struct sk_hostile *h);

struct sk_case {
	const char *what;
	/* Build the chain in descriptors SK_RAW and up (and leave it unpublished); its head. */
	u16 (*build)(struct ck *c, struct sk_hostile *h, u64 arg);
	u64 arg;
};

/*
 * Each case: a good request, the hostile chain, a good request behind it. The device serves that, or
 * shows that it is in error and serves in a new session. A last good request closes the check.
 */
void sk_cases(struct ck *c, struct sk_hostile *h, const struct sk_case *cases, unsigned n);

/* Where an indirect table or anything else may be built; 16-byte aligned, in region 0. */
bool sk_room(struct ck *c, u32 len, struct tp_buf *out);

#endif
