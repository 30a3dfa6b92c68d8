// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/host/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void take(struct commands *c, char character)
{
	if (character != '\n') {
		/* Of a line that is too long the rest is left out: it is none anyway. */
		if (c->have < sizeof(c->text) - 1)
			c->text[c->have++] = character;
		return;
	}
	c->text[c->have] = '\0';
	if (c->have)
		c->obey(c, c->text);
	c->have = 0;
}

static void readable(struct reactor_watch *w)
{
	struct commands *c = (struct commands *)((char *)w - offsetof(struct commands, watch));
	char bytes[512];
	ssize_t n = read(c->fd, bytes, sizeof(bytes));

	for (ssize_t i = 0; i < n; i++)
		take(c, bytes[i]);
}

int commands_open(struct commands *c, const char *path, const char *device,
		  void (*obey)(struct commands *c, const char *command))
{
	struct stat st;

	c->obey = obey;
	c->have = 0;
	c->fd = -1;
	if (mkfifo(path, 0600) < 0 && errno != EEXIST)
		goto failed;
	/* Its own writer, too: it does not end with the last of the others. */
	c->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (c->fd < 0)
		goto failed;
	if (fstat(c->fd, &st) < 0 || !S_ISFIFO(st.st_mode)) {
		close(c->fd);
		errno = EEXIST;
		goto failed;
	}
	return 0;
failed:
	fprintf(stderr, "ringside-backend: %s '%s': %s\n", device, path, strerror(errno));
	c->fd = -1;
	return -1;
}

void commands_watch(struct commands *c, struct reactor *reactor)
{
	reactor_watch_add(reactor, &c->watch, readable);
	c->watch.fd = c->fd;
}

void commands_close(struct commands *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}
