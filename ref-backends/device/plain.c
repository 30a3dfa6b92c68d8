// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/plain.h"

u64 plain_features(struct rdev *dev)
{
	return 0;
}

void plain_negotiated(struct rdev *dev, u64 features)
{
}

void plain_reset(struct rdev *dev)
{
}

void plain_config(struct rdev *dev, u8 *image)
{
}

bool plain_config_write(struct rdev *dev, u32 off, const u8 *data, u32 len, bool migration)
{
	return false;
}

bool plain_resized(struct rdev *dev)
{
	return false;
}

int plain_queue_open(struct rdev *dev, u16 queue, struct reactor *reactor)
{
	return 0;
}

void plain_queue_close(struct rdev *dev, u16 queue)
{
}
