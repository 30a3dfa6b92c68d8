// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/vhost_user/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ref-backends/binding/vhost_user/session.h"

#define BACKLOG	 16
#define AGAIN_MS 20 /* between attempts to reach a front-end that does not listen yet */

static int failed(const char *what)
{
	fprintf(stderr, "ringside-backend: %s: %s\n", what, strerror(errno));
	return -1;
}

/* Threads inherit the mask, so this comes before any of them. */
static int open_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return failed("signals");
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A socket file that nobody listens on is left over from a program that died. */
static bool stale(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool refused;

	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

/*
 * Remove the socket file, but not that of a successor who found ours stale and took its place. It
 * is removed while we still listen, so that nobody finds it stale.
 */
static void remove_socket(const char *path, const struct stat *ours)
{
	struct stat st;

	if (stat(path, &st) == 0 && st.st_dev == ours->st_dev && st.st_ino == ours->st_ino)
		unlink(path);
}

static int listen_at(const char *path, struct stat *ours)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		return failed(path);
	}
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed("socket");
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		bool again = errno == EADDRINUSE && stale(&sa) && unlink(path) == 0;

		if (!again || bind(fd, (struct sockaddr *)&sa, sizeof(sa))) {
			failed(path);
			close(fd);
			return -1;
		}
	}
	if (stat(path, ours) || listen(fd, BACKLOG)) {
		failed(path);
		unlink(path);
		close(fd);
		return -1;
	}
	return fd;
}

/* 1: listening, 0: connected, -1: neither. */
static int is_listening(int fd)
{
	socklen_t len = sizeof(int);
	int domain = 0, listening = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) || domain != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len))
		return -1;
	return listening;
}

static void accept_loop(struct vub_session *s, int fd)
{
	while (!s->stop) {
		struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
				       { .fd = s->signal_fd, .events = POLLIN } };
		int sock;

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents)
			vub_session_signals(s);
		if (s->stop || !p[0].revents)
			continue;
		sock = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (sock >= 0)
			vub_session_run(s, sock);
	}
}

/* -1: not now. */
static int connect_to(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(sa.sun_path, path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int client_loop(struct vub_session *s, const char *path)
{
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		errno = ENAMETOOLONG;
		return failed(path);
	}
	while (!s->stop) {
		struct pollfd p = { .fd = s->signal_fd, .events = POLLIN };
		const int sock = connect_to(path);

		if (sock >= 0)
			vub_session_run(s, sock);
		if (poll(&p, 1, sock < 0 ? AGAIN_MS : 0) > 0)
			vub_session_signals(s);
	}
	return 0;
}

int vub_serve(const struct vub_server *srv, struct rdev *dev)
{
	static struct vub_session s;
	const bool client = srv->socket_path && srv->client;
	const bool listens = srv->socket_path && !client;
	int signal_fd = open_signals();
	int fd = srv->fd, listening = 1, status = 0;
	struct stat ours;

	if (signal_fd < 0)
		return 1;
	if (listens) {
		fd = listen_at(srv->socket_path, &ours);
		if (fd < 0)
			return 1;
	} else if (!client) {
		listening = is_listening(fd);
		if (listening < 0) {
			fprintf(stderr, "ringside-backend: --fd %d is not a unix socket\n", fd);
			return 1;
		}
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		if (listening)
			fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	}
	if (vub_session_open(&s, dev, signal_fd, srv->poll)) {
		if (listens)
			remove_socket(srv->socket_path, &ours);
		return 1;
	}
	if (client)
		status = client_loop(&s, srv->socket_path) < 0;
	else if (listening)
		accept_loop(&s, fd);
	else
		vub_session_run(&s, fd);
	if (listens)
		remove_socket(srv->socket_path, &ours);
	if (listening && !client)
		close(fd);
	vub_session_close(&s);
	close(signal_fd);
	return status;
}
