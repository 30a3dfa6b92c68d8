// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/run/interrupt.h"

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000 + (u64)ts.tv_nsec / 1000000;
}

static int start(struct job *j, unsigned timeout_s)
{
	j->deadline_ms = now_ms() + (u64)timeout_s * 1000;
	j->status = -1;
	j->pid = fork();
	if (j->pid == 0) {
		int out = open(j->output ? j->output : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC,
			       0600);
		int in = open("/dev/null", O_RDONLY);

		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(in, 0);
		dup2(out, 1);
		dup2(out, 2);
		execv(j->argv[0], j->argv);
		_exit(127);
	}
	return j->pid < 0 ? -1 : 0;
}

/* True when the job is over. */
static bool reap(struct job *j)
{
	int status;

	if (waitpid(j->pid, &status, WNOHANG) == j->pid) {
		j->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		j->pid = 0;
		return true;
	}
	if (now_ms() < j->deadline_ms)
		return false;
	kill(j->pid, SIGTERM);
	j->deadline_ms = now_ms() + 5000;
	return false;
}

static void stop_all(struct job *jobs, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (jobs[i].pid > 0)
			kill(jobs[i].pid, SIGTERM);
	for (unsigned i = 0; i < count; i++)
		if (jobs[i].pid > 0)
			waitpid(jobs[i].pid, NULL, 0);
}

int jobs_run(struct job *jobs, unsigned count, const struct jobs_opts *o)
{
	unsigned next = 0, running = 0, finished = 0;

	while (finished < count) {
		bool progress = false;

		if (interrupt_pending()) {
			stop_all(jobs, next);
			errno = EINTR;
			return -1;
		}
		while (next < count && running < o->parallel) {
			if (start(&jobs[next], o->timeout_s) < 0) {
				stop_all(jobs, next);
				return -1;
			}
			next++;
			running++;
		}
		for (unsigned i = 0; i < next; i++) {
			if (jobs[i].pid > 0 && reap(&jobs[i])) {
				running--;
				finished++;
				progress = true;
				if (o->done)
					o->done(o->arg, finished, count);
			}
		}
		if (!progress)
			poll(NULL, 0, 5);
	}
	return 0;
}
