/* SPDX-License-Identifier: BSD-3-Clause */
/* The messages that a device gets before the load. Internal to session.h. */
#ifndef HARNESS_BENCH_HOST_STEPS_H
#define HARNESS_BENCH_HOST_STEPS_H

#include "harness/bench/host/session.h"

/* How a queue's load reaches the device. */
struct load_ops bench_load_ops(struct bench_queue *q);
/* All of them, one after the other, on a device that is up. 0, or -1 with one line in `error`. */
int bench_take_steps(struct bench_session *s, char *error, size_t room);

#endif
