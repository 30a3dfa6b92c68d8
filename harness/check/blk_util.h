/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the block checks share beyond plain requests (blk_io.h): sectors whose contents name
 * themselves, requests between canaries, segments of discard and its like, framings of one's own.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_BLK_UTIL_H
#define HARNESS_CHECK_BLK_UTIL_H

#include "harness/check/blk_io.h"

/* The usual clause of "and afterwards a good request is served". */
#define CKB_ALIVE "ROB.live.bad-request"

/* --- sectors that name themselves ---------------------------------------------------------------- */

/*
 * Contents of generation `gen` of a run of sectors: each holds its own number and the generation,
 * and bytes that follow from both. None is zero.
 */
void ckb_pattern(u8 *p, u64 sector, u32 sectors, u32 gen);
/* Index of the first sector that is not of that generation, or `sectors`. */
u32 ckb_pattern_differs(const u8 *p, u64 sector, u32 sectors, u32 gen);

/* Write generation `gen`, as set-up. */
bool ckb_put(struct ck *c, unsigned q, u64 sector, u32 sectors, u32 gen);
/*
 * The same, and read it back: for checks of what must not change later, and that do not blame a
 * device which never stored it under a clause that says something else.
 */
bool ckb_lay(struct ck *c, unsigned q, u64 sector, u32 sectors, u32 gen);
/*
 * The sectors hold generation `gen`; otherwise `clause` is broken (NULL: an error). `when` says after
 * what.
 */
bool ckb_holds(struct ck *c, unsigned q, u64 sector, u32 sectors, u32 gen, const char *clause,
	       const char *when);
/* The same for sectors that must read as zeroes. */
bool ckb_zero(struct ck *c, unsigned q, u64 sector, u32 sectors, const char *clause,
	      const char *when);

/* The capacity, when it is at least `sectors`; else 0, and the check is over. */
u64 ckb_room(struct ck *c, u64 sectors);

/* --- outcomes ------------------------------------------------------------------------------------ */

/*
 * The status is `want`; otherwise `clause` is broken. A status that the specification does not know
 * is held against ROB.blk.status where the check names it, and is an error where it does not.
 */
bool ckb_status(struct ck *c, const struct blk_req *r, const struct ckb_result *res, u8 want,
		const char *clause);
/* An error status, IOERR unless the device thinks otherwise; OK breaks `clause`. */
bool ckb_refused(struct ck *c, const struct blk_req *r, const struct ckb_result *res,
		 const char *clause);
/* A status the specification knows (see ckb_status()). */
bool ckb_defined(struct ck *c, const struct blk_req *r, const struct ckb_result *res);

/* ckb_do() in the usual layout with the request's coming back held against CKB_ALIVE. */
bool ckb_try(struct ck *c, struct blk_req *r, struct ckb_result *res);

/* --- framings of one's own ----------------------------------------------------------------------- */

/* Submit the request cut as told, with the header and status as blk_prepare() leaves them. */
bool ckb_do_sg(struct ck *c, unsigned q, struct blk_req *r, const struct vq_sg *sg, unsigned out,
	       unsigned in, struct ckb_result *res);

static inline struct vq_sg ckb_sg(const struct tp_buf *b)
{
	return (struct vq_sg){ b->gpa, b->len };
}

/* --- canaries ------------------------------------------------------------------------------------ */

#define CKB_GUARD 64

/* A request whose header, data and status stand apart, with canaries around each. */
struct ckb_guarded {
	struct blk_req r;
	struct tp_buf area;
};

bool ckb_make_guarded(struct ck *c, struct ckb_guarded *g, u32 type, u64 sector, u32 data_len);
/* The canaries on both sides of the status byte; otherwise `clause` is broken. */
bool ckb_status_guards(struct ck *c, const struct ckb_guarded *g, const char *clause);
/* All the others. */
bool ckb_other_guards(struct ck *c, const struct ckb_guarded *g, const char *clause);

/* --- discard, secure erase, write zeroes --------------------------------------------------------- */

struct ckb_range {
	u64 sector;
	u32 num, flags;
};

struct ckb_limits {
	u32 max_sectors, max_segs, align;
};

/* A request of `n` segments. */
bool ckb_make_ranges(struct ck *c, struct blk_req *r, u32 type, const struct ckb_range *ranges,
		     u32 n);
/* The feature that a type belongs to; 0: none. */
u64 ckb_type_feature(u32 type);
/* What the configuration says of it; with values that cannot be meant the check is over. */
bool ckb_limits(struct ck *c, u32 type, struct ckb_limits *l);
/* The same, whatever the values. */
bool ckb_raw_limits(struct ck *c, u32 type, u32 *max_sectors, u32 *max_segs);

#endif
