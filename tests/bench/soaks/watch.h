/* SPDX-License-Identifier: BSD-3-Clause */
/* What a process holds, and whether that became more. */
#ifndef TESTS_BENCH_SOAKS_WATCH_H
#define TESTS_BENCH_SOAKS_WATCH_H

#include <stdio.h>
#include <unistd.h>

#include "harness/transport/host/process.h"

struct watch {
	u32 fds, threads;
	u64 own_kib; /* resident, and not shared with the driver */
};

/* An allocator's pages come and go; a byte in each of a million requests is more than this. */
#define WATCH_SLACK_KIB 64

static inline bool watch_look(struct watch *w, pid_t pid)
{
	unsigned long long resident, shared;
	struct tp_process p;
	char path[64];
	bool ok;
	FILE *f;

	*w = (struct watch){ 0 };
	if (process_look(pid, &p) != TP_OK)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	ok = fscanf(f, "%*u %llu %llu", &resident, &shared) == 2;
	fclose(f);
	w->fds = p.fds;
	w->threads = p.threads;
	w->own_kib = ok ? (resident - shared) * (u64)sysconf(_SC_PAGESIZE) / 1024 : 0;
	return ok;
}

static inline bool watch_grew(const struct watch *before, const struct watch *after)
{
	return after->fds > before->fds || after->threads > before->threads ||
	       after->own_kib > before->own_kib + WATCH_SLACK_KIB;
}

#endif
