// SPDX-License-Identifier: BSD-3-Clause
/* One front-end after the other at a socket; each is served on a thread, so that signals are heard. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/module/library.h"

#define BACKLOG	    16
#define PATIENCE_MS 5000 /* for a session that is to end */

struct session {
	struct library *library;
	pthread_t thread;
	int fd;	  /* the library's */
	int ours; /* the same socket, to shut it down; -1: no session */
	int done; /* eventfd */
	int result;
};

static void *run(void *arg)
{
	struct session *s = arg;

	s->result = s->library->module->session(s->library->self, s->fd);
	eventfd_write(s->done, 1);
	return NULL;
}

static int listen_at(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, BACKLOG)) {
		const int why = errno;

		close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

static int begin(struct session *s, int listener)
{
	s->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (s->fd < 0)
		return errno == EAGAIN || errno == ECONNABORTED ? 0 : -1;
	s->ours = dup(s->fd);
	if (s->ours >= 0 && pthread_create(&s->thread, NULL, run, s) == 0)
		return 0;
	close(s->fd);
	if (s->ours >= 0)
		close(s->ours);
	s->ours = -1;
	return -1;
}

/* The session is over; what it said of itself. */
static int finish(struct session *s)
{
	eventfd_t ignored;

	eventfd_read(s->done, &ignored);
	pthread_join(s->thread, NULL);
	close(s->ours);
	s->ours = -1;
	return s->result;
}

/* Acts on what came: true, it is time to end. */
static bool signalled(struct session *s, int signals)
{
	const struct ringside_module *m = s->library->module;
	struct signalfd_siginfo si;
	bool over = false;

	while (read(signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo != SIGUSR1)
			over = true;
		else if (m->change)
			m->change(s->library->self);
	}
	return over;
}

/* A front-end that is still there loses its connection. One that the library holds on to cannot be helped. */
static int end(struct session *s, char *error, size_t room)
{
	struct pollfd done = { .fd = s->done, .events = POLLIN };

	if (s->ours < 0)
		return 0;
	shutdown(s->ours, SHUT_RDWR);
	if (poll(&done, 1, PATIENCE_MS) == 1)
		return finish(s) < 0 ? -1 : 0;
	fprintf(stderr, "ringside: module: %s does not end its session\n",
		s->library->module->name);
	snprintf(error, room, "%s does not end its session", s->library->module->name);
	_exit(4); /* its thread still runs in what would be taken down */
}

static int loop(struct session *s, int listener, int signals, char *error, size_t room)
{
	for (;;) {
		/* The next front-end waits in the backlog while one is served. */
		struct pollfd p[] = { { .fd = signals, .events = POLLIN },
				      { .fd = s->done, .events = POLLIN },
				      { .fd = s->ours < 0 ? listener : -1, .events = POLLIN } };

		if (poll(p, 3, -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents && signalled(s, signals))
			return end(s, error, room);
		if (p[1].revents && finish(s) < 0) {
			snprintf(error, room, "%s cannot go on", s->library->module->name);
			return -1;
		}
		if (p[2].revents && begin(s, listener) < 0)
			break;
	}
	snprintf(error, room, "no connection could be taken: %s", strerror(errno));
	return -1;
}

int library_serve(struct library *l, const char *path, char *error, size_t room)
{
	struct session s = { .library = l, .ours = -1 };
	int listener, signals, rc = -1;
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	library_signals(&set);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s.done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	listener = listen_at(path);
	if (signals < 0 || s.done < 0 || listener < 0)
		snprintf(error, room, "%s: %s", path, strerror(errno));
	else
		rc = loop(&s, listener, signals, error, room);
	if (listener >= 0) {
		close(listener);
		unlink(path);
	}
	if (s.done >= 0)
		close(s.done);
	if (signals >= 0)
		close(signals);
	return rc;
}
