// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/fault_list.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/spec/types.h"

#define PROGRAM	    "ringside-backend"
#define DEADLINE_MS 10000
#define LONGEST	    (1 << 20)

extern char **environ;

const char *fault_list_backend(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		if (slash && (size_t)(slash - path) + sizeof("/" PROGRAM) <= size) {
			strcpy(slash, "/" PROGRAM);
			if (access(path, X_OK) == 0)
				return path;
		}
	}
	return PROGRAM;
}

static int start(const char *file, pid_t *pid)
{
	char *argv[] = { (char *)file, "--list-faults", "--format", "json", NULL };
	posix_spawn_file_actions_t actions;
	int pipefd[2], err;

	if (pipe2(pipefd, O_CLOEXEC) != 0)
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipefd[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	err = posix_spawnp(pid, file, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipefd[1]);
	if (err == 0)
		return pipefd[0];
	close(pipefd[0]);
	return -err;
}

static int left_ms(const struct timespec *end)
{
	struct timespec now;
	long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (end->tv_sec - now.tv_sec) * 1000 + (end->tv_nsec - now.tv_nsec) / 1000000;
	return ms > 0 ? (int)ms : 0;
}

/* All that it prints until it closes its output; false at the deadline, or when it is too much. */
static bool read_all(int fd, char *buf, size_t size, size_t *len)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += DEADLINE_MS / 1000;
	*len = 0;
	while (*len < size) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int ready = poll(&pfd, 1, left_ms(&end));
		ssize_t n;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return false;
		n = read(fd, buf + *len, size - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		*len += (size_t)n;
	}
	return false;
}

/* [{name, clause, summary}, …], by itself or as the member "faults" of an object. */
static json_t *parse(const char *buf, size_t len)
{
	json_t *all = json_loadb(buf, len, 0, NULL), *faults, *x;
	size_t i;

	faults = json_incref(json_is_object(all) ? json_object_get(all, "faults") : all);
	json_decref(all);
	if (!json_is_array(faults)) {
		json_decref(faults);
		return NULL;
	}
	json_array_foreach(faults, i, x)
	{
		if (json_is_string(json_object_get(x, "name")) &&
		    json_is_string(json_object_get(x, "clause")) &&
		    json_is_string(json_object_get(x, "summary")))
			continue;
		json_decref(faults);
		return NULL;
	}
	return faults;
}

json_t *fault_list(const char *file, char *why, size_t size)
{
	json_t *faults = NULL;
	int fd, status = 0;
	bool whole;
	size_t len;
	char *buf;
	pid_t pid = -1;

	fd = start(file, &pid);
	if (fd < 0) {
		snprintf(why, size, PROGRAM " %s%s",
			 fd == -ENOENT ? "is neither beside ringside nor in PATH"
				       : "did not start: ",
			 fd == -ENOENT ? "" : strerror(-fd));
		return NULL;
	}
	buf = malloc(LONGEST);
	whole = buf && read_all(fd, buf, LONGEST, &len);
	close(fd);
	if (!whole)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (whole && status == 0)
		faults = parse(buf, len);
	free(buf);
	if (!faults)
		snprintf(why, size, "'%.200s --list-faults --format json' gave no list of faults",
			 file);
	return faults;
}
