/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The faults of the reference back-end, asked of the program itself: `ringside` and the back-end
 * share no code that would know them.
 */
#ifndef HARNESS_RUN_FAULT_LIST_H
#define HARNESS_RUN_FAULT_LIST_H

#include <jansson.h>

/* The back-end of the same build stands beside us; otherwise the one in PATH. Room for it in `path`. */
const char *fault_list_backend(char *path, size_t size);

/* An array of {name, clause, summary} from `backend`; NULL with the reason in `why`, one line. */
json_t *fault_list(const char *backend, char *why, size_t size);

#endif
