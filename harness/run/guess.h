/* SPDX-License-Identifier: BSD-3-Clause */
/* What device is this, where the transport does not tell? */
#ifndef HARNESS_RUN_GUESS_H
#define HARNESS_RUN_GUESS_H

#include "harness/transport/transport.h"

/*
 * The virtio device id of what offers `features` on an open session, 0 when it cannot be told. The
 * answer is a guess: whoever knows better says so.
 */
u32 guess_device(struct tp *tp, u64 features);

#endif
