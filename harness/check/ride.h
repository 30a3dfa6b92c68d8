/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rides: single requests of the kind that a device's type has as its vehicle, for checks that look at one at a time
 * and at its pieces. On a block device it is a read of the first sector. A check says .vehicle, and runs on all types
 * that have one.
 *
 * What goes wrong in here is never an accusation, except where a call takes the clause to accuse under.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_RIDE_H
#define HARNESS_CHECK_RIDE_H

#include "harness/check/check.h"
#include "harness/device/vehicle.h"

/* Its pieces, as drivers usually cut it. Each may be empty, but not all. */
enum ride_part {
	RIDE_OUT,  /* device-readable */
	RIDE_IN,   /* device-writable */
	RIDE_TAIL, /* device-writable, too: a status */
	RIDE_PARTS,
};

struct ride {
	const struct vehicle *v;
	struct tp_buf part[RIDE_PARTS]; /* ride_make() lays them side by side */
};

/* Room for one in guest memory, region 0. Skipped where the type has none. */
bool ride_make(struct ck *c, struct ride *r);

/* Write it anew: the next of the session, and nothing in what is writable. */
void ride_prepare(struct ck *c, struct ride *r);

/* The pieces that are not empty: how many of either kind. */
void ride_cut(const struct ride *r, struct vq_sg sg[RIDE_PARTS], unsigned *out, unsigned *in);

unsigned ride_pieces(const struct ride *r);

/* Its bytes of one kind, as they lie. */
u32 ride_readable(const struct ride *r, u8 *to);
u32 ride_writable(const struct ride *r, u8 *to);

/* Is there an answer in it, and a good one where the type has such? */
bool ride_answered(const struct ride *r);
/* Has the device written anything? It can only be seen where something is writable. */
bool ride_touched(const struct ride *r);

/* Prepare and add to queue `q`, the ride being its token; not published. The head, or VQ_EMPTY with an error. */
int ride_add(struct ck *c, unsigned q, struct ride *r);
/* The same from an indirect table. */
int ride_add_indirect(struct ck *c, unsigned q, struct ride *r);
/* Add, publish, wait, with an answer; `clause` is broken otherwise (NULL: an error). */
bool ride_do(struct ck *c, unsigned q, struct ride *r, const char *clause);
/* As set-up. */
bool ride_ok(struct ck *c, unsigned q, struct ride *r);

/* After something hostile: a good one on queue `q` is served. Otherwise `clause` is broken. */
bool ride_alive(struct ck *c, unsigned q, const char *clause);
/* The same in a new session: for hostile acts that may cost the connection or the ring. */
bool ride_alive_after_reopen(struct ck *c, const char *clause);

/*
 * What answers have in common: bytes of two to the same request that are equal. Who answers the same request in
 * another way later has mixed something up. Of types whose answers vary, nothing.
 */
struct ride_answer {
	u32 len;
	u8 byte[VEHICLE_BYTES_MAX];
	bool stable[VEHICLE_BYTES_MAX];
};

/* Two rides on queue `q`, as set-up, which have no byte of their number in common. */
bool ride_learn(struct ck *c, unsigned q, struct ride *r, struct ride_answer *a);
/* Position of the first byte that is not as before, or the answer's length. */
u32 ride_differs(const struct ride *r, const struct ride_answer *a);

#endif
