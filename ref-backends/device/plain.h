/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations of a device type that has no features, configuration or state of its own: for its table. */
#ifndef REF_BACKENDS_DEVICE_PLAIN_H
#define REF_BACKENDS_DEVICE_PLAIN_H

#include "ref-backends/device/device.h"

u64 plain_features(struct rdev *dev);
void plain_negotiated(struct rdev *dev, u64 features);
void plain_reset(struct rdev *dev);
void plain_config(struct rdev *dev, u8 *image);
bool plain_config_write(struct rdev *dev, u32 off, const u8 *data, u32 len, bool migration);
bool plain_resized(struct rdev *dev);
int plain_queue_open(struct rdev *dev, u16 queue, struct reactor *reactor);
void plain_queue_close(struct rdev *dev, u16 queue);

#endif
