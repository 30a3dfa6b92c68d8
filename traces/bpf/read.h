/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A recording of the kernel's events (file.h), in the order of their times, with a bounded amount of memory. Nothing in
 * it is trusted.
 */
#ifndef TRACES_BPF_READ_H
#define TRACES_BPF_READ_H

#include "traces/bpf/file.h"

struct kernel_reader;

/*
 * `path`: the folder of a recording, or the file. 0, and `*out` NULL when there is none; or -1 with one line in `err`:
 * there is one that cannot be used.
 */
int kernel_reader_open(struct kernel_reader **out, const char *path, char *err, size_t len);
void kernel_reader_close(struct kernel_reader *r);

/* What it says about itself; the counts are within bounds. */
const struct kernel_file *kernel_reader_head(const struct kernel_reader *r);
/* It ends in the middle of something: known when all is read. */
bool kernel_reader_torn(const struct kernel_reader *r);

/* The next event; NULL at the end. It holds until the next call. */
const struct kernel_event *kernel_reader_next(struct kernel_reader *r);

#endif
