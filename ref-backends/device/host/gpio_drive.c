// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/host/gpio_drive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void obey(struct gpio_drive *d, const char *command)
{
	unsigned line, value;
	char end;

	if (sscanf(command, "%u=%u%c", &line, &value, &end) != 2 || line >= d->sim.port.lines ||
	    value > 1)
		fprintf(stderr, "ringside-backend: gpio: '%s' is not LINE=0 or LINE=1\n", command);
	else
		gpio_sim_drive(&d->sim, (u16)line, value);
}

static void take(struct gpio_drive *d, char c)
{
	if (c != '\n') {
		/* Of a line that is too long the rest is left out: it is none anyway. */
		if (d->have < sizeof(d->text) - 1)
			d->text[d->have++] = c;
		return;
	}
	d->text[d->have] = '\0';
	if (d->have)
		obey(d, d->text);
	d->have = 0;
}

static void readable(struct reactor_watch *w)
{
	struct gpio_drive *d =
		(struct gpio_drive *)((char *)w - offsetof(struct gpio_drive, watch));
	char bytes[512];
	ssize_t n = read(d->fd, bytes, sizeof(bytes));

	for (ssize_t i = 0; i < n; i++)
		take(d, bytes[i]);
}

static int drive_open(struct gpio_port *p, struct reactor *reactor)
{
	struct gpio_drive *d = (struct gpio_drive *)p;

	reactor_watch_add(reactor, &d->watch, readable);
	d->watch.fd = d->fd;
	return 0;
}

int gpio_drive_open(struct gpio_drive *d, const char *path)
{
	struct stat st;

	d->have = 0;
	if (mkfifo(path, 0600) < 0 && errno != EEXIST)
		goto failed;
	/* Its own writer, too: it does not end with the last of the others. */
	d->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (d->fd < 0)
		goto failed;
	if (fstat(d->fd, &st) < 0 || !S_ISFIFO(st.st_mode)) {
		close(d->fd);
		errno = EEXIST;
		goto failed;
	}
	d->ops = *d->sim.port.ops;
	d->ops.open = drive_open;
	d->sim.port.ops = &d->ops;
	return 0;
failed:
	fprintf(stderr, "ringside-backend: gpio '%s': %s\n", path, strerror(errno));
	d->fd = -1;
	return -1;
}

void gpio_drive_close(struct gpio_drive *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}
