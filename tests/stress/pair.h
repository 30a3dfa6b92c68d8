/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Both halves of one virtqueue in one thread, so that a model can stand beside them: a thin layer that
 * makes the split and the packed ring look alike. What it is given is always legal.
 */
#ifndef TESTS_STRESS_PAIR_H
#define TESTS_STRESS_PAIR_H

#include "harness/virtqueue/split.h"

#define PAIR_SEGS 8 /* most pieces of a buffer */

struct pair_shape {
	bool packed;
	u16 size;
	bool event_idx;
	u16 start; /* free running index (split) or offset (packed) at which both sides begin */
};

/* What the device has fetched and not yet returned. */
struct pair_chain {
	u32 id, slots;
	unsigned out, in;	    /* pieces */
	struct vq_sg sg[PAIR_SEGS]; /* as the device sees them */
};

struct pair;

struct pair *pair_make(const struct pair_shape *shape);
void pair_free(struct pair *p);

/* The driver's side; as the functions of the same names in virtqueue/split.h and packed.h. */
int pair_add(struct pair *p, const struct vq_sg *sg, unsigned out, unsigned in, bool indirect,
	     void *token);
void pair_publish(struct pair *p);
bool pair_kick_due(struct pair *p);
int pair_reap(struct pair *p, u32 *len, void **token);
bool pair_enable_calls(struct pair *p);
void pair_disable_calls(struct pair *p);

/* The device's. pair_fetch(): 1, 0 when nothing is available, -1 when the ring or chain is broken. */
int pair_fetch(struct pair *p, struct pair_chain *c);
void pair_push(struct pair *p, const struct pair_chain *c, u32 len);
bool pair_notify_due(struct pair *p);
bool pair_kick_enable(struct pair *p);
void pair_kick_disable(struct pair *p);

#endif
