/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device in front of another that passes everything on: what stands between a binding and a device
 * begins with this, and replaces the operations that it is about. Freestanding.
 */
#ifndef REF_BACKENDS_DEVICE_THROUGH_H
#define REF_BACKENDS_DEVICE_THROUGH_H

#include "ref-backends/device/device.h"

struct rthrough {
	struct rdev dev; /* what the binding serves */
	struct rdev_ops ops;
	struct rdev *below;
};

void rthrough_init(struct rthrough *t, struct rdev *below);

#endif
