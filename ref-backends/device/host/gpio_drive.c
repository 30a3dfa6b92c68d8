// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/host/gpio_drive.h"

#include <stdio.h>

static void obey(struct commands *c, const char *command)
{
	struct gpio_drive *d =
		(struct gpio_drive *)((char *)c - offsetof(struct gpio_drive, commands));
	unsigned line, value;
	char end;

	if (sscanf(command, "%u=%u%c", &line, &value, &end) != 2 || line >= d->sim.port.lines ||
	    value > 1)
		fprintf(stderr, "ringside-backend: gpio: '%s' is not LINE=0 or LINE=1\n", command);
	else
		gpio_sim_drive(&d->sim, (u16)line, value);
}

static int drive_open(struct gpio_port *p, struct reactor *reactor)
{
	commands_watch(&((struct gpio_drive *)p)->commands, reactor);
	return 0;
}

int gpio_drive_open(struct gpio_drive *d, const char *path)
{
	if (commands_open(&d->commands, path, "gpio", obey) < 0)
		return -1;
	d->ops = *d->sim.port.ops;
	d->ops.open = drive_open;
	d->sim.port.ops = &d->ops;
	return 0;
}

void gpio_drive_close(struct gpio_drive *d)
{
	commands_close(&d->commands);
}
