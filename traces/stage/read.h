/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole recording, whatever is in it, as timelines. */
#ifndef TRACES_STAGE_READ_H
#define TRACES_STAGE_READ_H

#include "traces/stage/line.h"

/*
 * As stage_read(); `*lines` are ended, and the caller's to free. NULL where the table is all that is wanted.
 */
int stage_read_lines(const char *path, const struct lines_options *o, struct stage_table *table,
		     struct lines **lines, char *err, size_t len);

#endif
