/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Block requests for checks: submit, complete, compare. What goes wrong in here is never an
 * accusation, except where a call takes the clause to accuse under.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_BLK_IO_H
#define HARNESS_CHECK_BLK_IO_H

#include "harness/check/check.h"
#include "harness/device/blk.h"

struct ckb_result {
	u8 status;
	u32 len; /* of the used element */
	int head;
};

/* Room for a request in guest memory (region 0), carved so that every layout is possible. */
bool ckb_make(struct ck *c, struct blk_req *r, u32 type, u64 sector, u32 data_len);

/* Prepare, frame and add to queue `q`; not published. Returns the head, or VQ_EMPTY with an error. */
int ckb_add(struct ck *c, unsigned q, struct blk_req *r, enum blk_layout layout);
/* The same with the chain in an indirect table. */
int ckb_add_indirect(struct ck *c, unsigned q, struct blk_req *r, enum blk_layout layout);

/* Submit and wait. False (an error is recorded) when the request does not come back. */
bool ckb_do(struct ck *c, unsigned q, struct blk_req *r, enum blk_layout layout,
	    struct ckb_result *res);

/*
 * The same where coming back at all is what the check asks: when it does not, that is a failure of
 * `clause`.
 */
bool ckb_do_or_fail(struct ck *c, unsigned q, struct blk_req *r, enum blk_layout layout,
		    struct ckb_result *res, const char *clause);

/* The second half of both: the request was published; `clause` NULL: an error, no failure. */
bool ckb_finish(struct ck *c, unsigned q, struct blk_req *r, struct ckb_result *res,
		const char *clause);

/* A request that must succeed in set-up. */
bool ckb_ok(struct ck *c, unsigned q, struct blk_req *r);

/* Write `sectors` sectors of ck_fill(seed), as set-up. */
bool ckb_write_fill(struct ck *c, unsigned q, u64 sector, u32 sectors, u32 seed);
/* Read sectors, as set-up: what is there is in *out (512 * sectors bytes). */
bool ckb_read(struct ck *c, unsigned q, u64 sector, u32 sectors, struct tp_buf *out);

/* After something hostile: a good read on queue `q` is served. Otherwise `clause` is broken. */
bool ckb_alive(struct ck *c, unsigned q, const char *clause);

/* The same in a new session: for hostile acts that may cost the connection or the ring. */
bool ckb_alive_after_reopen(struct ck *c, const char *clause);

/* The device's capacity in sectors, from its configuration space; 0 with an error recorded. */
u64 ckb_capacity(struct ck *c);
/* The whole block configuration, little endian as it is. Missing tail bytes are zero. */
bool ckb_config(struct ck *c, struct virtio_blk_config *cfg);

#endif
