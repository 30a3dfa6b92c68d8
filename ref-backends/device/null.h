/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device that returns every buffer at once, unread and unwritten: what is left is the cost of the ring
 * and of its notifications. No type of the specification; vhost-user does not ask for one.
 *
 * Freestanding.
 */
#ifndef REF_BACKENDS_DEVICE_NULL_H
#define REF_BACKENDS_DEVICE_NULL_H

#include "ref-backends/device/device.h"

void rnull_init(struct rdev *dev, u16 num_queues);

#endif
