/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the checks of packed rings share: buffers that are put into the ring by hand, and hostile
 * ones with what must be seen after them.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_PACKED_KIT_H
#define HARNESS_CHECK_PACKED_KIT_H

#include "harness/check/split_kit.h"

#define C_PACKED_ORDER	  "v14.packed-ring.virtqueues.dev.1"
#define C_PACKED_PLACES	  "v14.packed-ring.virtqueues.dev.2"
#define C_PACKED_STALE	  "v14.packed-ring.desc-table.dev.3"
#define C_PACKED_SETTLED  "v14.packed-ring.desc-table.dev.4"
#define C_PACKED_SCATTER  "v14.packed-ring.scatter-gather.dev.1"
#define C_PACKED_KNOWN_ID "ROB.packed.known-id"
#define C_PACKED_USED_LEN "ROB.packed.used-len"
#define C_PACKED_FREE	  "ROB.packed.free-slots"

/* --- by hand ---------------------------------------------------------------------------------------
 *
 * A buffer as a correct driver would add it, except that its descriptors are written when the check
 * says so, and as it says. The driver's half knows of it: it can be reaped.
 */
#define PK_PIECES 8

struct pk_desc {
	u64 addr;
	u32 len;
	u16 flags; /* without AVAIL and USED: they come with the place */
};

struct pk_buf {
	struct vq_packed_at at; /* of the first descriptor */
	u16 id, count;
	struct pk_desc desc[PK_PIECES];
};

static inline struct vq_packed *pk_vq(struct ck *c)
{
	return &c->q[0].vq.packed;
}

/*
 * Take an id and the next `count` places; nothing is written. `token` comes back with it. False, with an
 * error, when there is no room.
 */
bool pk_take(struct ck *c, struct pk_buf *b, u16 count, void *token);
/* Write its descriptors, the first one last; from now on it is available. */
void pk_show(struct ck *c, const struct pk_buf *b);
/* The descriptors of a block request: header, data if there is any, status. */
void pk_fill(struct pk_buf *b, const struct blk_req *r);

/* Kick, whether the device asks for it or not. */
bool pk_kick(struct ck *c);

/* A queue of `size` (0: the default), started, with these features beside those of any ring. */
bool pk_start(struct ck *c, u16 size, u64 want);

/* Flags of the descriptor at `off`, as they stand in the ring. */
u16 pk_flags(struct ck *c, u16 off);

/* --- hostile buffers ---------------------------------------------------------------------------------
 *
 * As sk_cases() for split rings: one session after the other; a good request, the hostile buffer, a good
 * one behind it.
 */
struct pk_hostile {
	const char *clause; /* accused when the device does not survive */
	u64 want;
	struct blk_req parts; /* a well-formed IN of one sector to spoil */
	struct blk_req good;
	bool up, opened_once;
};

struct pk_case {
	const char *what;
	/* Fill `b` in, which has b->count set to `pieces` already; its flags as they go into the ring. */
	bool (*build)(struct ck *c, struct pk_hostile *h, struct pk_buf *b, u64 arg);
	u16 pieces;
	u64 arg;
};

#define PK_HOSTILE_CLAUSES C_BAD_REQUEST, C_NO_HANG, C_NEW_SESSION

void pk_cases(struct ck *c, struct pk_hostile *h, const struct pk_case *cases, unsigned n);

/* The parts of pk_cases(), for what is no buffer of its own. */
bool pk_up(struct ck *c, struct pk_hostile *h);
/* A good request behind; false: the check is over. `id` and `count` are what a hostile one may return. */
bool pk_settle(struct ck *c, struct pk_hostile *h, const char *what);

#endif
