/* SPDX-License-Identifier: BSD-3-Clause */
/* Where rings and requests of a load lie in guest memory. Internal to session.h. */
#ifndef HARNESS_BENCH_HOST_LAYOUT_H
#define HARNESS_BENCH_HOST_LAYOUT_H

#include "harness/bench/host/session.h"

u16 bench_ring_size(const struct bench_opts *o);
enum vq_ring bench_ring_of(const struct bench_opts *o);
/* Lay guest memory out for a vhost-user target, and share it. TP_OK, or a TP_E. */
int bench_share_memory(struct bench_session *s);
/* Is there room for the load in memory that somebody else has laid out, rings first? */
bool bench_fits(const struct bench_session *s);
/* Of the q-th queue that has a ring, and of the q-th that is driven. */
struct tp_buf bench_ring_area(struct bench_session *s, unsigned q);
struct tp_buf bench_step_area(struct bench_session *s);
struct tp_buf bench_request_area(struct bench_session *s, unsigned q);

#endif
