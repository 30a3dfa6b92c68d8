// SPDX-License-Identifier: BSD-3-Clause
#include "traces/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lttng/lttng.h>

#define PROGRAM	    "lttng-sessiond" /* also what /proc/PID/comm says */
#define EXIT_NO_RUN 127

/* Path of a file of ours in the daemon's folder. The pid file is written by the daemon we start. */
static void file_path(const struct trace_daemon *d, const char *name, char *path, size_t len)
{
	snprintf(path, len, "%s/ringside.%s", d->dir, name);
}

static int find_dir(struct trace_daemon *d, char *err, size_t len)
{
	const char *home = getenv("LTTNG_HOME");

	if (geteuid() == 0) {
		snprintf(d->dir, sizeof(d->dir), "/var/run/lttng");
	} else {
		if (!home)
			home = getenv("HOME");
		if (!home || strlen(home) > sizeof(d->dir) - 64) {
			snprintf(err, len, "LTTng needs HOME or LTTNG_HOME to be set");
			return -1;
		}
		snprintf(d->dir, sizeof(d->dir), "%s/.lttng", home);
	}
	if (mkdir(d->dir, geteuid() == 0 ? 0755 : 0700) && errno != EEXIST) {
		snprintf(err, len, "cannot make '%s' for LTTng: %s", d->dir, strerror(errno));
		return -1;
	}
	return 0;
}

static int open_lock(const struct trace_daemon *d, const char *name, char *err, size_t len)
{
	char path[sizeof(d->dir) + 32];
	int fd;

	file_path(d, name, path, sizeof(path));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		snprintf(err, len, "cannot open '%s': %s", path, strerror(errno));
	return fd;
}

/* In the child. Only calls that are safe after a fork of a process with threads. */
static void become_daemon(const char *pid_file)
{
	cpu_set_t all;
	sigset_t none;
	int null;

	/* A load loop that pinned itself must not have pinned the tracer beside it. */
	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	null = open("/dev/null", O_RDWR);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
	}
	execlp(PROGRAM, PROGRAM, "--no-kernel", "--daemonize", "--pidfile", pid_file, (char *)NULL);
	_exit(EXIT_NO_RUN);
}

/* --daemonize makes the program return once the daemon takes commands. */
static int start(const struct trace_daemon *d, char *err, size_t len)
{
	char pid_file[sizeof(d->dir) + 32];
	int status;
	pid_t pid;

	file_path(d, "pid", pid_file, sizeof(pid_file));
	pid = fork();
	if (pid < 0) {
		snprintf(err, len, "cannot start " PROGRAM ": %s", strerror(errno));
		return -1;
	}
	if (pid == 0)
		become_daemon(pid_file);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			snprintf(err, len, "lost sight of " PROGRAM ": %s", strerror(errno));
			return -1;
		}
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_RUN) {
		snprintf(err, len, PROGRAM " is not installed: install lttng-tools");
		return -1;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) || lttng_session_daemon_alive() != 1) {
		snprintf(err, len, PROGRAM " did not start: '" PROGRAM " --no-kernel' tells why");
		return -1;
	}
	return 0;
}

/*
 * Sessions of a Ringside that was killed: nobody but us uses the daemon, so those of our names have
 * no owner. Returns how many others there are, or less than 0 when the daemon does not answer.
 */
static int drop_orphans(void)
{
	struct lttng_session *sessions = NULL;
	int n = lttng_list_sessions(&sessions);
	int others = MIN(n, 0);

	for (int i = 0; i < n; i++) {
		if (strncmp(sessions[i].name, TRACE_SESSION_PREFIX, strlen(TRACE_SESSION_PREFIX)) !=
		    0)
			others++;
		else
			lttng_destroy_session_no_wait(sessions[i].name);
	}
	free(sessions);
	return others;
}

int trace_daemon_acquire(struct trace_daemon *d, char *err, size_t len)
{
	int result = 0;

	d->guard = d->users = -1;
	if (find_dir(d, err, len))
		return -1;
	d->guard = open_lock(d, "guard", err, len);
	if (d->guard < 0)
		return -1;
	d->users = open_lock(d, "users", err, len);
	if (d->users < 0) {
		close(d->guard);
		return -1;
	}
	while (flock(d->guard, LOCK_EX) && errno == EINTR)
		;
	if (lttng_session_daemon_alive() != 1)
		result = start(d, err, len);
	else if (flock(d->users, LOCK_EX | LOCK_NB) == 0)
		drop_orphans();
	/* Nobody holds it exclusively without the guard: this does not wait. */
	if (!result)
		flock(d->users, LOCK_SH);
	flock(d->guard, LOCK_UN);
	if (result) {
		close(d->guard);
		close(d->users);
	}
	return result;
}

/* The daemon that we started, or 0. */
static pid_t our_pid(const struct trace_daemon *d)
{
	char path[sizeof(d->dir) + 32], comm[32] = "";
	int pid = 0;
	FILE *f;

	file_path(d, "pid", path, sizeof(path));
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%d", &pid) != 1)
		pid = 0;
	fclose(f);
	if (pid <= 1)
		return 0;
	/* The number may be another process's by now. */
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (!fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	fclose(f);
	return strcmp(comm, PROGRAM "\n") == 0 ? pid : 0;
}

static void end(const struct trace_daemon *d)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	int others = drop_orphans();
	pid_t pid = our_pid(d);

	if (!pid || others > 0 || kill(pid, SIGTERM))
		return;
	/* It takes its consumer down with it; the next start must not meet the old sockets. */
	for (int i = 0; i < 500 && kill(pid, 0) == 0; i++)
		nanosleep(&pause, NULL);
}

void trace_daemon_release(struct trace_daemon *d)
{
	while (flock(d->guard, LOCK_EX) && errno == EINTR)
		;
	flock(d->users, LOCK_UN);
	if (flock(d->users, LOCK_EX | LOCK_NB) == 0)
		end(d);
	close(d->users);
	close(d->guard);
	d->guard = d->users = -1;
}
