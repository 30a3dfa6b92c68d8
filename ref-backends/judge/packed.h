/* SPDX-License-Identifier: BSD-3-Clause */
/* What the judge sees of packed rings: rules on chains (rules_packed.c), and what needs a history (packed.c).
 * All on the ring's thread. */
#ifndef REF_BACKENDS_JUDGE_PACKED_H
#define REF_BACKENDS_JUDGE_PACKED_H

#include "ref-backends/judge/steps.h"

extern const struct jd_chain_rule jd_packed_chain_rules[]; /* ends with a row without clause */

/* Where the chain began that was taken last, of so many descriptors of the ring. */
struct dvq_at jd_packed_first(const struct vub_ring *r, u16 slots);

/* Descriptors that are available and were not taken; with `list`, of the first list alone. */
u32 jd_packed_available(const struct dvq_packed *vq, bool list);
/* From one place on to another, in descriptors: less than two laps. */
u32 jd_packed_between(const struct dvq_packed *vq, struct dvq_at from, struct dvq_at to);

void jd_packed_ring_start(struct vub_ring *r);
/* The ring was looked at, with this enum dvq_error. */
void jd_packed_avail(struct vub_ring *r, int error);
void jd_packed_chain(struct vub_ring *r, const struct dvq_chain *c, int error);
/* The chain with this buffer id is about to be returned. */
void jd_packed_used(struct vub_ring *r, u16 id);
void jd_packed_claims(jd_claim_fn *claim);

#endif
