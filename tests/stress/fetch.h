/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_STRESS_FETCH_H
#define TESTS_STRESS_FETCH_H

#include "ref-backends/virtqueue/ring.h"

/* The device's next chain, whichever way it is taken. */
enum dvq_error fetch_next(struct dvq *vq, struct dvq_chain *c);

#endif
