// SPDX-License-Identifier: BSD-3-Clause
/* Built where something is missing that the BPF programs need. */
#include <stdio.h>

#include "traces/bpf/record.h"

const char *kernel_missing(void)
{
	return "this Ringside was built without libbpf, clang or bpftool";
}

struct kernel_recording *kernel_record_open(const struct kernel_options *o, char *err, size_t len)
{
	snprintf(err, len, "%s", kernel_missing());
	return NULL;
}

void kernel_record_ignore(struct kernel_recording *r, u32 tid)
{
}

int kernel_record_start(struct kernel_recording *r, char *err, size_t len)
{
	snprintf(err, len, "%s", kernel_missing());
	return -1;
}

int kernel_record_stop(struct kernel_recording *r, u64 *lost, char *err, size_t len)
{
	*lost = 0;
	return 0;
}

void kernel_record_close(struct kernel_recording *r)
{
}
