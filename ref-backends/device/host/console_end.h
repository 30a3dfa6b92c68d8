/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a port of a console can be attached to. Nobody at the other end of a terminal or a socket: what the driver
 * sends is gone, and emergency characters are on stderr.
 */
#ifndef REF_BACKENDS_DEVICE_HOST_CONSOLE_END_H
#define REF_BACKENDS_DEVICE_HOST_CONSOLE_END_H

#include "ref-backends/device/console.h"

/*
 * Each returns NULL after a line on stderr. To be freed with con_end_free().
 *
 * pty:    a pseudo-terminal of its own; `link`, which may be NULL, becomes a symbolic link to it. Raw, and of
 *         this size; as large as whoever is there makes it later.
 * socket: a stream socket that listens at this path; one peer at a time, others wait.
 * files:  what the driver sends goes to the end of `out`, and what it receives is what is in `in`; either may be
 *         NULL, and a FIFO.
 * stdio:  standard input and output.
 */
struct con_end *con_end_pty(const char *link, u16 cols, u16 rows);
struct con_end *con_end_socket(const char *path);
struct con_end *con_end_files(const char *out, const char *in);
struct con_end *con_end_stdio(void);

/* A loop, or one of these. */
struct con_end *con_end_loop(void);

void con_end_free(struct con_end *e);

#endif
