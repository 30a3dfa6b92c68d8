/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that is told things from outside, by what is written to a FIFO: a command on each line. */
#ifndef REF_BACKENDS_DEVICE_HOST_COMMANDS_H
#define REF_BACKENDS_DEVICE_HOST_COMMANDS_H

#include "ref-backends/device/host/reactor.h"

struct commands {
	struct reactor_watch watch;
	void (*obey)(struct commands *c, const char *command);
	int fd;
	char text[64]; /* the beginning of a command */
	unsigned have;
};

/*
 * The FIFO is made when there is none. 0, or -1 after a line on stderr, which names `device`. Nothing is read
 * before commands_watch(); obey() is called on the reactor's thread.
 */
int commands_open(struct commands *c, const char *path, const char *device,
		  void (*obey)(struct commands *c, const char *command));
void commands_watch(struct commands *c, struct reactor *reactor);
/* Also of one that could not be opened. */
void commands_close(struct commands *c);

#endif
