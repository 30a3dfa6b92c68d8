// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/host/i2c_dev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MESSAGE_MAX 8192u

_Static_assert(I2C_GROUP <= I2C_RDWR_IOCTL_MAX_MSGS, "a group is one transfer");

struct i2c_dev {
	struct i2c_bus bus;
	int fd;
	int (*control)(int fd, unsigned long request, void *arg);
	u8 bufs[I2C_GROUP][MESSAGE_MAX];
};

static int of_the_kernel(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg);
}

static u32 dev_transfer(struct i2c_bus *bus, const struct i2c_message *msgs, u32 n, bool stop)
{
	struct i2c_dev *d = (struct i2c_dev *)bus;
	struct i2c_msg out[I2C_GROUP];
	struct i2c_rdwr_ioctl_data data = { out, n };

	for (u32 k = 0; k < n; k++) {
		struct i2c_bytes at = msgs[k].data;

		if (msgs[k].len > MESSAGE_MAX)
			return 0;
		for (u32 i = 0; !msgs[k].read && i < msgs[k].len; i++)
			d->bufs[k][i] = *i2c_next(&at);
		out[k] = (struct i2c_msg){ .addr = msgs[k].addr,
					   .flags = msgs[k].read ? I2C_M_RD : 0,
					   .len = (__u16)msgs[k].len,
					   .buf = d->bufs[k] };
	}
	if (d->control(d->fd, I2C_RDWR, &data) < 0)
		return 0;
	for (u32 k = 0; k < n; k++) {
		struct i2c_bytes at = msgs[k].data;

		for (u32 i = 0; msgs[k].read && i < msgs[k].len; i++)
			*i2c_next(&at) = d->bufs[k][i];
	}
	return n;
}

static void dev_free(struct i2c_bus *bus)
{
	struct i2c_dev *d = (struct i2c_dev *)bus;

	close(d->fd);
	free(d);
}

static const struct i2c_bus_ops dev_ops = { .transfer = dev_transfer, .free = dev_free };

struct i2c_bus *i2c_dev_over(int fd, int (*control)(int fd, unsigned long request, void *arg))
{
	struct i2c_dev *d = calloc(1, sizeof(*d));
	unsigned long can = 0;

	if (!d)
		return NULL;
	if (control(fd, I2C_FUNCS, &can) < 0 || !(can & I2C_FUNC_I2C)) {
		errno = errno ? errno : EOPNOTSUPP;
		free(d);
		return NULL;
	}
	d->bus.ops = &dev_ops;
	d->fd = fd;
	d->control = control;
	return &d->bus;
}

struct i2c_bus *i2c_dev_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct i2c_bus *bus;

	errno = fd < 0 ? errno : 0;
	bus = fd < 0 ? NULL : i2c_dev_over(fd, of_the_kernel);
	if (!bus) {
		fprintf(stderr, "ringside-backend: i2c '%s': %s\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	return bus;
}
