// SPDX-License-Identifier: BSD-3-Clause
/*
 * The outside of a console's port: a descriptor to read from, one to write to, and for a while neither. All that is
 * waited for is in an epoll set of the end's own, which the reactor watches: room to write to as well.
 */
#include "ref-backends/device/host/console_end.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "ref-backends/device/host/reactor.h"

#define PIECE 4096u

struct host_end {
	struct con_end end;
	struct reactor_watch watch;
	int epoll;
	int in, out; /* the same for a terminal or a socket; -1: none */
	u32 in_events,
		out_events; /* what is in the set for them; the first for both, if they are the same */
	bool in_plain;	    /* a file: always readable, and no epoll set takes it */
	bool at_end;	    /* nothing will be read any more */
	bool hung;	    /* a peer that has left; what it sent is still read */
	int listener;	    /* of a socket */
	int opens; /* of a terminal: an inotify descriptor that tells who opens and closes it */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* to be removed at the end */
	struct termios was;
	bool changed; /* standard input's modes are not `was` */
};

static struct host_end *host_of(struct con_end *e)
{
	return (struct host_end *)e;
}

static void host_free(struct con_end *e);

static struct con_end *failed(struct host_end *h, const char *what)
{
	fprintf(stderr, "ringside-backend: console: %s: %s\n", what, strerror(errno));
	if (h)
		host_free(&h->end);
	return NULL;
}

/* --- what is waited for -------------------------------------------------------------------------------- */

static void set_one(struct host_end *h, int fd, u32 *have, u32 want)
{
	struct epoll_event ev = { .events = want, .data.fd = fd };

	if (fd < 0 || *have == want)
		return;
	epoll_ctl(h->epoll,
		  !*have  ? EPOLL_CTL_ADD
		  : !want ? EPOLL_CTL_DEL
			  : EPOLL_CTL_MOD,
		  fd, &ev);
	*have = want;
}

/*
 * By what there is room for, here and there. One that nobody is at, or will not be for long, is not in the set: it
 * would always be ready.
 */
static void rearm(struct host_end *h)
{
	u32 in = 0, out = 0;

	if (h->end.there && !h->at_end && !h->in_plain && con_end_space(&h->end))
		in = EPOLLIN;
	if (h->end.there && h->end.full)
		out = EPOLLOUT;
	if (h->in == h->out) {
		set_one(h, h->in, &h->in_events,
			h->end.there && !h->hung ? in | out | EPOLLHUP : 0);
		return;
	}
	set_one(h, h->in, &h->in_events, in);
	set_one(h, h->out, &h->out_events, out);
}

static void drop_peer(struct host_end *h)
{
	set_one(h, h->in, &h->in_events, 0);
	if (h->listener >= 0 && h->in >= 0) {
		close(h->in);
		h->in = h->out = -1;
	}
	con_end_there(&h->end, false);
}

/* --- in and out ------------------------------------------------------------------------------------------ */

/* As much as there is, and is room for. */
static void read_in(struct host_end *h)
{
	u8 bytes[CON_FIFO];
	u32 room;

	while (h->in >= 0 && !h->at_end && (room = con_end_space(&h->end))) {
		struct pollfd p = { .fd = h->in, .events = POLLIN };
		ssize_t n;

		/* Descriptors that are not our own may block. */
		if (poll(&p, 1, 0) <= 0)
			break;
		n = read(h->in, bytes, room);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			break;
		/* Of a terminal: nobody is there, or is again. */
		if (n <= 0) {
			h->at_end = h->opens < 0;
			break;
		}
		con_end_input(&h->end, bytes, (u32)n);
	}
	if (h->hung && h->at_end)
		drop_peer(h);
}

/* How much went out; *lost: no more ever will. */
static u32 write_out(struct host_end *h, const u8 *bytes, u32 len, bool *lost)
{
	u32 at = 0;

	while (at < len) {
		struct pollfd p = { .fd = h->out, .events = POLLOUT };
		ssize_t n;

		if (poll(&p, 1, 0) <= 0)
			break;
		*lost = p.revents & (POLLERR | POLLHUP | POLLNVAL);
		if (*lost || !(p.revents & POLLOUT))
			break;
		n = h->listener >= 0 ? send(h->out, bytes + at, len - at, MSG_NOSIGNAL)
				     : write(h->out, bytes + at, MIN(len - at, PIECE));
		if (n < 0 && errno == EINTR)
			continue;
		*lost = n < 0 && errno != EAGAIN;
		if (n <= 0)
			break;
		at += (u32)n;
	}
	return at;
}

static u32 host_write(struct con_end *e, const u8 *bytes, u32 len)
{
	struct host_end *h = host_of(e);
	bool lost = h->out < 0;
	u32 at = lost ? 0 : write_out(h, bytes, len, &lost);

	if (lost) {
		/* A socket's peer that wrote before it left is read to its end. */
		h->hung = h->listener >= 0;
		if (h->opens >= 0)
			drop_peer(h);
		else if (h->hung)
			read_in(h);
		return len;
	}
	if (at < len) {
		e->full = true;
		rearm(h);
	}
	return at;
}

static void host_emergency(struct con_end *e, u8 character)
{
	struct host_end *h = host_of(e);
	struct pollfd p = { .fd = h->out, .events = POLLOUT };

	if (h->out < 0 || !e->there || poll(&p, 1, 0) <= 0 || p.revents != POLLOUT ||
	    write(h->out, &character, 1) != 1)
		fputc(character, stderr);
}

static void host_wanted(struct con_end *e)
{
	struct host_end *h = host_of(e);

	read_in(h);
	rearm(h);
}

static bool host_size(struct con_end *e, u16 *cols, u16 *rows)
{
	struct host_end *h = host_of(e);
	struct winsize w;

	/* A socket's descriptor comes and goes, and has none. */
	if (h->listener >= 0 || h->in < 0 || ioctl(h->in, TIOCGWINSZ, &w) < 0 || !w.ws_col ||
	    !w.ws_row)
		return false;
	*cols = w.ws_col;
	*rows = w.ws_row;
	return true;
}

/* --- who is there ------------------------------------------------------------------------------------------ */

static void look_for_peer(struct host_end *h)
{
	int fd;

	if (h->in >= 0)
		return;
	fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	h->in = h->out = fd;
	h->at_end = h->hung = false;
	con_end_there(&h->end, true);
}

static bool gone(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLERR);
}

/* It is as the descriptor says, whatever was told of openings and closings. */
static void look_at_terminal(struct host_end *h)
{
	char events[4096] __attribute__((aligned(8)));
	bool there;

	while (read(h->opens, events, sizeof(events)) > 0)
		;
	there = !gone(h->in);
	/* Of who was there in between, too. */
	read_in(h);
	if (there == h->end.there)
		return;
	if (there)
		con_end_there(&h->end, true);
	else
		drop_peer(h);
}

static void something(struct reactor_watch *w)
{
	struct host_end *h = (struct host_end *)((u8 *)w - offsetof(struct host_end, watch));
	struct epoll_event ev[4];
	int n = epoll_wait(h->epoll, ev, 4, 0);

	if (h->listener >= 0)
		look_for_peer(h);
	if (h->opens >= 0)
		look_at_terminal(h);
	for (int i = 0; i < n; i++) {
		const int fd = ev[i].data.fd;

		if (fd >= 0 && fd == h->in) {
			h->hung = h->listener >= 0 && ev[i].events & EPOLLHUP;
			read_in(h);
		}
		if (fd >= 0 && fd == h->out && ev[i].events & EPOLLOUT)
			con_end_room(&h->end);
	}
	if (h->listener >= 0 && h->in < 0)
		look_for_peer(h);
	rearm(h);
}

static int host_open(struct con_end *e, struct reactor *reactor)
{
	struct host_end *h = host_of(e);

	reactor_watch_add(reactor, &h->watch, something);
	h->watch.fd = h->epoll;
	if (h->in_plain)
		read_in(h);
	if (h->opens >= 0)
		look_at_terminal(h);
	rearm(h);
	return 0;
}

/* --- making them --------------------------------------------------------------------------------------------- */

static void host_free(struct con_end *e)
{
	struct host_end *h = host_of(e);

	if (h->changed)
		tcsetattr(0, TCSANOW, &h->was);
	if (h->in > 1)
		close(h->in);
	if (h->out > 1 && h->out != h->in)
		close(h->out);
	if (h->listener >= 0)
		close(h->listener);
	if (h->opens >= 0)
		close(h->opens);
	if (h->epoll >= 0)
		close(h->epoll);
	if (h->path[0])
		unlink(h->path);
	free(h);
}

static struct host_end *make(void)
{
	static const struct con_end_ops ops = {
		.write = host_write,
		.emergency = host_emergency,
		.wanted = host_wanted,
		.size = host_size,
		.open = host_open,
		.free = host_free,
	};
	struct host_end *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->end.ops = &ops;
	h->in = h->out = h->listener = h->opens = -1;
	signal(SIGPIPE, SIG_IGN); /* a pipe that nobody reads */
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (h->epoll < 0) {
		host_free(&h->end);
		return NULL;
	}
	return h;
}

static bool watch_for_good(struct host_end *h, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* Raw, and once opened and closed: until then nobody can tell that nobody is there. */
static bool prepare_terminal(struct host_end *h, const char *name, u16 cols, u16 rows)
{
	const struct winsize w = { .ws_col = cols, .ws_row = rows };
	int fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios t;
	bool good;

	if (fd < 0)
		return false;
	good = tcgetattr(fd, &t) == 0;
	cfmakeraw(&t);
	good = good && tcsetattr(fd, TCSANOW, &t) == 0 && ioctl(fd, TIOCSWINSZ, &w) == 0;
	close(fd);
	return good;
}

struct con_end *con_end_pty(const char *link, u16 cols, u16 rows)
{
	const char *what = link ? link : "pty";
	struct host_end *h = make();
	char name[64];
	struct stat st;

	if (!h)
		return failed(NULL, what);
	h->in = h->out = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (h->in < 0 || grantpt(h->in) || unlockpt(h->in) ||
	    ptsname_r(h->in, name, sizeof(name)) || !prepare_terminal(h, name, cols, rows))
		return failed(h, what);
	h->opens = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (h->opens < 0 || inotify_add_watch(h->opens, name, IN_OPEN | IN_CLOSE) < 0 ||
	    !watch_for_good(h, h->opens))
		return failed(h, what);
	if (!link) {
		fprintf(stderr, "ringside-backend: console: %s\n", name);
		return &h->end;
	}
	if (strlen(link) >= sizeof(h->path)) {
		errno = ENAMETOOLONG;
		return failed(h, what);
	}
	/* One of an earlier run; whatever else is there stays. */
	if (lstat(link, &st) == 0 && S_ISLNK(st.st_mode))
		unlink(link);
	if (symlink(name, link) < 0)
		return failed(h, what);
	strcpy(h->path, link);
	return &h->end;
}

struct con_end *con_end_socket(const char *path)
{
	struct sockaddr_un here = { .sun_family = AF_UNIX };
	struct host_end *h = make();
	struct stat st;
	bool good;

	if (!h)
		return failed(NULL, path);
	if (strlen(path) >= sizeof(here.sun_path)) {
		errno = ENAMETOOLONG;
		return failed(h, path);
	}
	strcpy(here.sun_path, path);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	h->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	good = h->listener >= 0 && bind(h->listener, (struct sockaddr *)&here, sizeof(here)) == 0;
	/* What was bound here is ours to remove. */
	if (good)
		strcpy(h->path, path);
	good = good && listen(h->listener, 1) == 0 && watch_for_good(h, h->listener);
	return good ? &h->end : failed(h, path);
}

static bool is_plain(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

/* One of these is opened for both: it waits for nobody, and does not end with the last of the others. */
static bool is_fifo(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
}

struct con_end *con_end_files(const char *out, const char *in)
{
	struct host_end *h = make();

	if (!h)
		return failed(NULL, "files");
	h->end.there = true;
	h->at_end = !in;
	if (out) {
		h->out = open(out,
			      is_fifo(out) ? O_RDWR | O_NONBLOCK | O_CLOEXEC
					   : O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			      0666);
		if (h->out < 0)
			return failed(h, out);
	}
	if (in) {
		h->in = open(in, (is_fifo(in) ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC);
		if (h->in < 0)
			return failed(h, in);
		h->in_plain = is_plain(h->in);
	}
	return &h->end;
}

struct con_end *con_end_stdio(void)
{
	struct host_end *h = make();
	struct termios t;

	if (!h)
		return failed(NULL, "stdio");
	h->end.there = true;
	h->in = 0;
	h->out = 1;
	h->in_plain = is_plain(0);
	/* The guest echoes and edits; to end the program is left to the terminal. */
	if (tcgetattr(0, &h->was) == 0) {
		t = h->was;
		t.c_iflag &= (tcflag_t) ~(ICRNL | INLCR | IGNCR);
		t.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
		h->changed = tcsetattr(0, TCSANOW, &t) == 0;
	}
	return &h->end;
}

static void loop_free(struct con_end *e)
{
	free(e);
}

struct con_end *con_end_loop(void)
{
	static struct con_end_ops ops;
	struct con_end *e = calloc(1, sizeof(*e));

	if (!e)
		return failed(NULL, "loop");
	con_loop_init(e);
	ops = *e->ops;
	ops.free = loop_free;
	e->ops = &ops;
	return e;
}

void con_end_free(struct con_end *e)
{
	if (e && e->ops->free)
		e->ops->free(e);
}
