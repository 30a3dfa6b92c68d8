/* SPDX-License-Identifier: BSD-3-Clause */
/* A library that is a back-end, loaded; and serving it at a socket. */
#ifndef HARNESS_MODULE_LIBRARY_H
#define HARNESS_MODULE_LIBRARY_H

#include <signal.h>

#include "harness/module/ringside-module.h"

struct library {
	void *handle;
	const struct ringside_module *module;
	void *self; /* NULL: not opened */
};

/* Load it and look at what it says of itself. 0, or -1 with one line in `error`. */
int library_load(struct library *l, const char *path, char *error, size_t room);
/* The signals that library_serve() listens to. */
void library_signals(sigset_t *set);

/*
 * Make the back-end. 0, or -1 with one line in `error`. From here on the signals above are blocked: threads of
 * the library, which inherit that, are not to take them.
 */
int library_open(struct library *l, int argc, char *const argv[], char *error, size_t room);
void library_unload(struct library *l);

/*
 * Serve front-ends at a socket of this path until SIGTERM, SIGINT or SIGHUP; SIGUSR1 is a change from the
 * outside. 0, or -1 with one line in `error`: there is no socket, or a session could not go on.
 */
int library_serve(struct library *l, const char *path, char *error, size_t room);

#endif
