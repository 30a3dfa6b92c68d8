/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A trace (CTF as LTTng's UST consumer writes it) that was cut off while it was written: babeltrace2's library reads
 * nothing at all of a stream whose last packet is not all there. What is left is put into a folder of its own.
 */
#ifndef TRACES_STAGE_MEND_H
#define TRACES_STAGE_MEND_H

#include "harness/spec/types.h"

/*
 * Look at all streams of one trace. `*mended`: NULL when nothing is missing, else a temporary folder with the
 * same trace up to where it is cut; ctf_mend_remove() and free(). 0, or -1 with one line in `err`.
 */
int ctf_mend(const char *dir, char **mended, char *err, size_t len);
void ctf_mend_remove(const char *dir);

#endif
