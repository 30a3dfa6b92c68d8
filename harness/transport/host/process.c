// SPDX-License-Identifier: BSD-3-Clause
#include "harness/transport/host/process.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/transport/host/clock.h"

#define ASK_NS 2000000
/* Whoever asks again later than this waits for something else. */
#define NEW_WAIT_NS 100000000

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

/* One thread's state, as /proc has it behind the name. */
static char state_of(const char *tasks, const char *thread)
{
	char path[96], line[512], *end;
	FILE *f;

	snprintf(path, sizeof(path), "%.40s/%.20s/stat", tasks, thread);
	f = fopen(path, "r");
	if (!f)
		return 0;
	end = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	return end && end[1] ? end[2] : 0;
}

bool process_lives(pid_t pid)
{
	char tasks[64], thread[16], state;

	snprintf(tasks, sizeof(tasks), "/proc/%d/task", (int)pid);
	snprintf(thread, sizeof(thread), "%d", (int)pid);
	state = pid > 0 ? state_of(tasks, thread) : 0;
	return state && state != 'Z' && state != 'X';
}

static bool any_at_work(pid_t pid)
{
	char tasks[64];
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(tasks, sizeof(tasks), "/proc/%d/task", (int)pid);
	d = opendir(tasks);
	while (d && !found && (e = readdir(d))) {
		char state = e->d_name[0] == '.' ? 0 : state_of(tasks, e->d_name);

		found = state == 'R' || state == 'D';
	}
	if (d)
		closedir(d);
	return found;
}

bool process_is_busy(struct process_busy *b, pid_t pid)
{
	const u64 now = host_now_ns();

	/* Of ourselves we know: we ask. */
	if (pid <= 0 || pid == getpid())
		return false;
	if (now - b->asked > NEW_WAIT_NS)
		b->seen = now;
	if (now - b->asked > ASK_NS) {
		b->asked = now;
		if (any_at_work(pid))
			b->seen = now;
	}
	return now - b->seen < PROCESS_BUSY_MS * 1000000ull;
}
