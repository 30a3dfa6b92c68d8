/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules that need a history: the steps of initialization (steps.c), notifications (kicks.c), translations
 * (iotlb.c), and what is said over a console's control queues (rules_console.c).
 *
 * Not every front-end passes on what a driver does: QEMU keeps the driver's status to itself and writes
 * FEATURES_OK, and later the rest, of its own. Only where the first status after a reset is ACKNOWLEDGE
 * alone are the steps those of a driver; else these rules have nothing to look at.
 */
#ifndef REF_BACKENDS_JUDGE_STEPS_H
#define REF_BACKENDS_JUDGE_STEPS_H

#include "ref-backends/judge/rules.h"

typedef void jd_claim_fn(const char *clause, u64 looked);

/* All but the last two on the session's thread; messages before they are handled. */
void jd_steps_session_start(void);
void jd_steps_message(struct vub_session *s, const struct vub_request *rq);
void jd_steps_session_end(void);
void jd_steps_claims(jd_claim_fn *claim);
/* Does the front-end pass the driver's steps on? */
bool jd_steps_seen(void);

void jd_kicks_message(struct vub_session *s, const struct vub_request *rq);
void jd_kicks_session_end(struct vub_session *s);
void jd_kicks_claims(jd_claim_fn *claim);
/* The ring's thread. */
void jd_kicks_ring_start(struct vub_ring *r);
void jd_kicks_avail(struct vub_ring *r);

/* Translations (iotlb.c). All on the session's thread; messages before they are handled. */
void jd_iotlb_session_start(void);
void jd_iotlb_message(struct vub_session *s, const struct vub_request *rq);
void jd_iotlb_miss(struct vub_session *s, const struct vub_ring *r);
void jd_iotlb_answer(const struct vu_header *hdr);
void jd_iotlb_answered(struct vub_session *s, u64 answer);
void jd_iotlb_session_end(const struct vub_session *s);
void jd_iotlb_claims(jd_claim_fn *claim);

/* A console's driver (rules_console.c). All on the device's thread, or while that rests. */
void jd_console_data(struct rcon *c, const struct dvq_chain *chain, u16 queue);
void jd_console_control(struct rcon *c, const struct dvq_chain *chain,
			const struct virtio_console_control *m);
void jd_console_told(struct rcon *c, const struct virtio_console_control *m);
void jd_console_reset(struct rcon *c);
/* It begins anew, or ends: what only shows in the whole. */
void jd_console_end(void);
void jd_console_claims(jd_claim_fn *claim);

/* Packets to a socket device. */
void jd_vsock(struct rvsock *v, const struct dvq_chain *c, const struct virtio_vsock_hdr *h);
void jd_vsock_claims(jd_claim_fn *claim);

/* Count, in a table of `looked`, that a rule had something to look at. Any thread. */
static inline void jd_look(u64 *looked)
{
	__atomic_fetch_add(looked, 1, __ATOMIC_RELAXED);
}

#endif
