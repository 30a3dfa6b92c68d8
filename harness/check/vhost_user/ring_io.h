/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rings set up message by message, for checks of ring states, and a load that knows what every
 * request must bring back.
 *
 * The checks that use this open their session with ckr_session(): without the STATUS messages, so
 * that nothing but the ring messages decides whether a ring runs.
 */
#ifndef HARNESS_CHECK_VHOST_USER_RING_IO_H
#define HARNESS_CHECK_VHOST_USER_RING_IO_H

#include "harness/check/vhost_user/vu_io.h"

/* Messages that set a ring up, in the order in which ckr_send() sends them. */
enum ckr_msg {
	CKR_NUM = 1 << 0,
	CKR_BASE = 1 << 1,
	CKR_ADDR = 1 << 2,
	CKR_ERR = 1 << 3,
	CKR_CALL = 1 << 4,
	CKR_KICK = 1 << 5,
	CKR_ENABLE = 1 << 6,
	CKR_SETUP = CKR_NUM | CKR_BASE | CKR_ADDR | CKR_ERR | CKR_CALL,
	CKR_START = CKR_SETUP | CKR_KICK,
	CKR_ALL = CKR_START | CKR_ENABLE,
};

/*
 * A new session with an empty memory: handshake without STATUS and with at most the protocol
 * features in `pf_mask`, features negotiated, memory table sent.
 */
bool ckr_session_with(struct ck *c, u64 want, u64 pf_mask);
bool ckr_session(struct ck *c);
/* The same in the middle of a row of hostile ones: that there is one is what `clause` asks. */
bool ckr_next_session(struct ck *c, const char *after, const char *clause);

/* Lay ring `q` out with both indices at `base`; nothing is sent, fresh descriptors are made. */
bool ckr_lay(struct ck *c, unsigned q, u16 size, u32 base);
/* The layout of ring `q` as the front-end's calls want it. */
struct tp_queue ckr_cfg(struct ck *c, unsigned q, u32 base);
/* Send these messages for ring `q`; one that is refused is an error of set-up. */
bool ckr_send(struct ck *c, unsigned q, unsigned msgs, u32 base);
/* Lay out, CKR_ALL, one kick: a ring in service. */
bool ckr_run(struct ck *c, unsigned q, u16 size, u32 base);

bool ckr_kick(struct ck *c, unsigned q);
/* Publish what was added and kick, whatever the device says about wanting it. */
bool ckr_publish(struct ck *c, unsigned q);
/* GET_VRING_BASE as set-up. */
bool ckr_stop(struct ck *c, unsigned q, u32 *base);
bool ckr_enable(struct ck *c, unsigned q, u32 num);

/* A read of sector 0 into data that was filled with CKR_UNTOUCHED. */
#define CKR_UNTOUCHED 0x5a
bool ckr_read_req(struct ck *c, struct blk_req *r, u32 bytes);
/* Has the device done anything about a request from ckr_read_req()? */
bool ckr_touched(const struct blk_req *r);

/*
 * After the quiet time: has nothing happened to ring `q`, whose used index stood at `idx`, nor to
 * the request (may be NULL)? Otherwise `clause` is broken.
 */
bool ckr_stays(struct ck *c, unsigned q, u16 idx, const struct blk_req *r, const char *when,
	       const char *clause);

/*
 * The next used element must be this request's, with status OK; otherwise `clause` is broken (here
 * and below: NULL = it is set-up, and an error).
 */
bool ckr_served(struct ck *c, unsigned q, const struct blk_req *r, const char *when,
		const char *clause);

/* One write of ck_fill(seed) to `sector`, added but not published. `r` outlives it. */
bool ckr_add_write(struct ck *c, unsigned q, struct blk_req *r, u64 sector, u32 seed);

/*
 * Stop ring `q`, set it up anew and enabled, and read `sector` through it: does it hold
 * ck_fill(seed)? Otherwise `clause` is broken.
 */
bool ckr_medium_holds(struct ck *c, unsigned q, u64 sector, u32 seed, const char *when,
		      const char *clause);

/* --- load ---------------------------------------------------------------------------------------- */

#define CKR_DEPTH 32

/*
 * Requests of one sector, each slot on a sector of its own: written with something new, read back,
 * compared. Every completion is checked: an outstanding head, status OK, the right bytes.
 */
struct ckr_load {
	unsigned q, depth;
	u64 sector; /* of slot 0 */
	struct {
		struct blk_req r;
		u32 gen;
		bool busy;
	} slot[CKR_DEPTH];
	u32 done, outstanding;
	char wrong[96]; /* the first completion that was not right */
};

bool ckr_load_open(struct ck *c, struct ckr_load *l, unsigned q, unsigned depth);
/* Submit what is free, and kick. */
bool ckr_load_fill(struct ck *c, struct ckr_load *l);
/* Take what is there. False: l->wrong says what was not right. */
bool ckr_load_take(struct ck *c, struct ckr_load *l);
/* Until `n` more are done. False: `clause` is broken. */
bool ckr_load_run(struct ck *c, struct ckr_load *l, u32 n, const char *when, const char *clause);
/* Until none is outstanding. False: `clause` is broken. */
bool ckr_load_drain(struct ck *c, struct ckr_load *l, const char *when, const char *clause);

#endif
