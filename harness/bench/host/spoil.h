/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What spoils numbers on this machine: what can be read from sysfs and procfs before and after a
 * measurement. Where a machine does not tell, nothing is said.
 */
#ifndef HARNESS_BENCH_HOST_SPOIL_H
#define HARNESS_BENCH_HOST_SPOIL_H

#include <sys/types.h>

#include "harness/spec/types.h"

#define SPOIL_NOTES 8
#define SPOIL_TEXT  160

struct spoil {
	u64 steal, total; /* ticks of all processors, when it began */
	char note[SPOIL_NOTES][SPOIL_TEXT];
	unsigned notes;
};

/* Where the threads run: the driver's (`pins` 0: anywhere it may), and those of process `target` (0: none). */
struct spoil_place {
	const int *pin;
	unsigned pins, threads;
	pid_t target;
};

/* `root` is "" or, for tests, the folder in which sys/ and proc/ lie. */
void spoil_begin(struct spoil *s, const char *root);
void spoil_end(struct spoil *s, const char *root, const struct spoil_place *place);

#endif
