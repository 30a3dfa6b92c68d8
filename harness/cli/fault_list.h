/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The faults of the reference back-end, asked of the program itself: `ringside` and the back-end
 * share no code that would know them.
 */
#ifndef HARNESS_CLI_FAULT_LIST_H
#define HARNESS_CLI_FAULT_LIST_H

#include <jansson.h>

/* An array of {name, clause, summary}; NULL with the reason in `why`, one line. */
json_t *fault_list(char *why, size_t size);

#endif
