// SPDX-License-Identifier: BSD-3-Clause
#include "harness/transport/host/process.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

static int count_entries(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

/*
 * Of the threads that are there now, the time they ran and the time they waited to: on a host that is busy with
 * something else, who wants a processor does not have it. 0 where the kernel does not count.
 */
static u64 wanted_time(const char *tasks)
{
	DIR *d = opendir(tasks);
	struct dirent *e;
	u64 sum = 0;

	while (d && (e = readdir(d))) {
		unsigned long long ran, waited;
		char path[96];
		FILE *f;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.40s/%.20s/schedstat", tasks, e->d_name);
		f = fopen(path, "r");
		if (f && fscanf(f, "%llu %llu", &ran, &waited) == 2)
			sum += ran + waited;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return sum;
}

int process_look(pid_t pid, struct tp_process *p)
{
	char path[64];
	unsigned long long rss;
	int fds, threads;
	FILE *f;

	if (pid <= 0)
		return TP_EUNSUPPORTED;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	fds = count_entries(path);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	threads = count_entries(path);
	if (fds < 0 || threads < 0)
		return TP_EUNSUPPORTED;
	p->wanted_ns = wanted_time(path);
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%*u %llu", &rss) != 1)
		rss = 0;
	if (f)
		fclose(f);
	p->fds = (u32)fds;
	p->threads = (u32)threads;
	p->rss_kib = rss * (u64)sysconf(_SC_PAGESIZE) / 1024;
	return TP_OK;
}
