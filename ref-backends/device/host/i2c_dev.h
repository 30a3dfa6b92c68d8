/* SPDX-License-Identifier: BSD-3-Clause */
/* A bus of the host's: /dev/i2c-N, one I2C_RDWR for each transfer. */
#ifndef REF_BACKENDS_DEVICE_HOST_I2C_DEV_H
#define REF_BACKENDS_DEVICE_HOST_I2C_DEV_H

#include "ref-backends/device/i2c.h"

/*
 * A transfer of which the kernel says that it failed counts as failed from its first message on: which one it
 * was the kernel does not say. A message of more than 8192 bytes, which the kernel does not take, fails.
 * NULL after a line on stderr.
 */
struct i2c_bus *i2c_dev_open(const char *path);

/* The same over a descriptor that becomes the bus's; `control` is ioctl(), or what takes its place. */
struct i2c_bus *i2c_dev_over(int fd, int (*control)(int fd, unsigned long request, void *arg));

#endif
