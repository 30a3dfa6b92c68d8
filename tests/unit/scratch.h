/* SPDX-License-Identifier: BSD-3-Clause */
/* A folder of a test's own, for its set-up and its end. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <stdio.h>
#include <stdlib.h>

static char dir[64];

static inline int make_dir_in(const char *where)
{
	snprintf(dir, sizeof(dir), "%s/ringside-test-XXXXXX", where);
	return mkdtemp(dir) ? 0 : -1;
}

static inline int make_dir(void **state)
{
	return make_dir_in("/tmp");
}

static inline int remove_dir(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

#endif
