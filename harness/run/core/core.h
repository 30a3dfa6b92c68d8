/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The part of a runner that is the same wherever checks run: which of them are selected, which do
 * not apply and why, running one, and what its verdict is.
 *
 * Freestanding.
 */
#ifndef HARNESS_RUN_CORE_CORE_H
#define HARNESS_RUN_CORE_CORE_H

#include "harness/run/core/evidence.h"

/* What the target is, found out once: decides what is skipped. */
struct core_face {
	bool ok; /* false: the handshake itself is broken; skip nothing, let the checks say why */
	char why[256];
	u64 features;	  /* as get_features() tells */
	u64 all_features; /* with those that belong to the protocol */
	u64 pf;		  /* vhost-user protocol features */
	u32 caps;	  /* enum tp_cap */
	unsigned queues;
	u32 device;
};

struct core {
	struct tp *tp;
	struct core_face face;
	enum check_ring ring; /* CHECK_RING_PACKED: checks of no layout run over a packed ring */
	struct evidence *evidence;
	struct vq_slot *slots; /* CK_SLOTS of them */
	struct ck ck;
	unsigned broken_opens; /* in a row, for the same reason */
	char broken_why[RESULT_TEXT];
};

/* Open a session and look; the caller closes it, and fills in `device` and what a protocol adds. */
int core_look(struct tp *tp, struct core_face *face);

/* Run one check, or find out that it does not apply: all that came of it is in co->evidence. */
void core_run(struct core *co, const struct check *k);

/*
 * What was not as it should be may have left the target in a state in which the next check cannot be
 * judged: a ring that is stuck, a back-end that has given up.
 */
static inline bool core_unsettled(const struct check *k, enum verdict v)
{
	return k->disturbs || v == VERDICT_FAIL || v == VERDICT_ERROR;
}

/* Is the check one for this transport (NULL: any)? */
bool runner_goes_over(const struct check *k, const char *transport);
/* Is it for devices of this type? 0: of any. */
bool core_is_about(const struct check *k, u32 device);

struct core_choice {
	const char *check_glob;	 /* NULL: all */
	const char *clause_glob; /* NULL: all */
	u32 device;		 /* 0: any */
	const char *transport;	 /* NULL: any */
	enum check_ring ring;	 /* checks of the other layout are left out; CHECK_RING_ANY: none */
};

/* "split", "packed" or "both" (CHECK_RING_ANY): what a user calls them. */
bool core_parse_ring(const char *text, enum check_ring *ring);
const char *core_ring_name(enum check_ring ring);

/*
 * The checks of a choice, sorted by id: at most `room` into `out`, which may be NULL. Returns how many
 * there are.
 */
unsigned core_select(const struct core_choice *c, const struct check **out, unsigned room);

#endif
