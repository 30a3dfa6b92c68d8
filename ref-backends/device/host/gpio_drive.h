/* SPDX-License-Identifier: BSD-3-Clause */
/* Simulated lines that are driven from outside: by what is written to a FIFO. */
#ifndef REF_BACKENDS_DEVICE_HOST_GPIO_DRIVE_H
#define REF_BACKENDS_DEVICE_HOST_GPIO_DRIVE_H

#include "ref-backends/device/gpio_sim.h"
#include "ref-backends/device/host/commands.h"

struct gpio_drive {
	struct gpio_sim sim; /* first */
	struct gpio_port_ops ops;
	struct commands commands;
};

/*
 * `sim` is initialized. Commands are "LINE=0" and "LINE=1", one a line; another is complained of on stderr.
 * The FIFO is made when there is none. 0, or -1 after a line on stderr.
 */
int gpio_drive_open(struct gpio_drive *d, const char *path);
void gpio_drive_close(struct gpio_drive *d);

#endif
