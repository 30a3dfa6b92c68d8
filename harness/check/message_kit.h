/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For checks of one request and its answer: bytes there, bytes back.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_MESSAGE_KIT_H
#define HARNESS_CHECK_MESSAGE_KIT_H

#include "harness/check/check.h"
#include "harness/device/vehicle.h"

#define MK_MAX 512u

struct mk {
	struct tp_buf out, in;
	u32 used;	/* length of the used element */
	unsigned queue; /* that is asked */
	/* Bytes of either that have a descriptor of their own, where there are more; 0: all have one. */
	u32 out_head, in_head;
};

/* A session in which queue 0, which is the device's queue that takes the vehicle, runs. */
bool mk_start(struct ck *c, struct mk *m, u64 features);
/* One in which the first `queues` run, as the device counts them; m->queue says which is asked, 0 at first. */
bool mk_start_queues(struct ck *c, struct mk *m, u64 features, unsigned queues);
/* What is in m->out, `len` bytes, and `room` bytes for the answer; an error when it does not come back. */
bool mk_ask(struct ck *c, struct mk *m, u32 len, u32 room);
/* The same where coming back at all is what is asked. */
bool mk_ask_or_fail(struct ck *c, struct mk *m, u32 len, u32 room, const char *clause);

#endif
