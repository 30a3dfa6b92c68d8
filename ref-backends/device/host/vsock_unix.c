// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/host/vsock_unix.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "ref-backends/device/host/reactor.h"

#define CALLERS 256 /* that have not said yet whom they want */
#define LINE	32
#define EVENTS	64

/* What an event is about: kind, place, and which of those that place has had. */
enum {
	LISTENER,
	CALLER,
	FLOW,
	ATTEND,
	TICK
};

static u64 tag(unsigned kind, u32 index, u32 serial)
{
	return (u64)kind << 60 | (u64)index << 32 | serial;
}

struct caller {
	int fd; /* -1: none */
	u16 type;
	u32 serial;
};

struct vsock_unix {
	struct vsock_port port;
	struct reactor_watch watch;
	const char *path;
	int epoll, attend, timer;
	struct {
		int fd;
		u16 type;
		char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	} listeners[2];
	bool waiting; /* listeners have not been emptied */
	struct caller callers[CALLERS];
	u32 serial;
};

static struct vsock_unix *unix_of(struct vsock_port *p)
{
	return (struct vsock_unix *)p;
}

static int sock_type(u16 type)
{
	return type == VIRTIO_VSOCK_TYPE_SEQPACKET ? SOCK_SEQPACKET : SOCK_STREAM;
}

static int watch(struct vsock_unix *u, int fd, u32 events, u64 what)
{
	struct epoll_event e = { .events = events | EPOLLET, .data.u64 = what };

	return epoll_ctl(u->epoll, EPOLL_CTL_ADD, fd, &e);
}

static void forget(struct vsock_unix *u, int fd)
{
	epoll_ctl(u->epoll, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
}

static u64 tag_of(struct vsock_unix *u, const struct vsock_flow *f)
{
	return tag(FLOW, (u32)(f - u->port.vsock->flows), f->serial);
}

#define FLOW_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP)

/* --- programs that call ---------------------------------------------------------------------------------- */

/* Its line is there: the flow it asks for, with the socket's events its own from now on. */
static bool call(struct vsock_unix *u, struct caller *c, const char *line)
{
	struct epoll_event e = { .events = FLOW_EVENTS | EPOLLET };
	struct vsock_flow *f;
	unsigned long port;
	char *end;

	if (strncasecmp(line, "connect ", 8) != 0 || line[8] < '0' || line[8] > '9')
		return false;
	errno = 0;
	port = strtoul(line + 8, &end, 10);
	if (errno || port > UINT_MAX || (*end && strcmp(end, "\r") != 0))
		return false;
	f = rvsock_call(u->port.vsock, c->type, (u32)port, c->fd);
	if (!f)
		return false;
	e.data.u64 = tag_of(u, f);
	c->fd = -1;
	epoll_ctl(u->epoll, EPOLL_CTL_MOD, f->handle, &e);
	return true;
}

static void caller_event(struct vsock_unix *u, struct caller *c, u32 events)
{
	char line[LINE + 1];
	ssize_t n = recv(c->fd, line, LINE, MSG_PEEK | MSG_DONTWAIT);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !(events & EPOLLHUP))
		return;
	/* Who has left is not called for. */
	if (n > 0 && !(events & EPOLLHUP)) {
		line[n] = '\0';
		end = strchr(line, '\n');
		if (!end && c->type == VIRTIO_VSOCK_TYPE_STREAM && n < LINE)
			return;
		if (end)
			*end = '\0';
		if ((end || c->type == VIRTIO_VSOCK_TYPE_SEQPACKET) &&
		    recv(c->fd, (char[LINE]){ 0 },
			 c->type == VIRTIO_VSOCK_TYPE_STREAM && end ? (size_t)(end - line + 1)
								    : LINE,
			 MSG_DONTWAIT) > 0 &&
		    call(u, c, line))
			return;
	}
	forget(u, c->fd);
	c->fd = -1;
}

static struct caller *free_caller(struct vsock_unix *u)
{
	for (unsigned i = 0; i < CALLERS; i++)
		if (u->callers[i].fd < 0)
			return &u->callers[i];
	return NULL;
}

/* All that is there, while there is a driver to call, and room. */
static void accept_all(struct vsock_unix *u)
{
	u->waiting = true;
	if (!u->port.vsock->up)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(u->listeners); i++) {
		struct caller *c;

		while ((c = free_caller(u))) {
			int fd = accept4(u->listeners[i].fd, NULL, NULL,
					 SOCK_CLOEXEC | SOCK_NONBLOCK);

			if (fd < 0 && errno == ECONNABORTED)
				continue;
			if (fd < 0 && errno != EAGAIN)
				return;
			if (fd < 0)
				break;
			*c = (struct caller){ fd, u->listeners[i].type, ++u->serial };
			if (watch(u, fd, EPOLLIN | EPOLLRDHUP,
				  tag(CALLER, (u32)(c - u->callers), c->serial))) {
				close(fd);
				c->fd = -1;
			}
		}
		if (!c)
			return;
	}
	u->waiting = false;
}

static void up(struct vsock_port *p)
{
	accept_all(unix_of(p));
}

/* --- events -------------------------------------------------------------------------------------------------- */

static void flow_event(struct vsock_unix *u, struct vsock_flow *f, u32 serial, u32 events)
{
	struct rvsock *v = u->port.vsock;

	if (events & (EPOLLIN | EPOLLRDHUP))
		rvsock_readable(v, f);
	if (events & EPOLLOUT)
		rvsock_writable(v, f);
	if (events & (EPOLLHUP | EPOLLERR) && f->state != VSOCK_FREE && f->serial == serial)
		rvsock_hung_up(v, f);
}

static void drain(int fd)
{
	u64 n;

	if (read(fd, &n, sizeof(n)) < 0) {
		/* Nothing there. */
	}
}

static void event(struct vsock_unix *u, const struct epoll_event *e)
{
	const u32 index = (u32)(e->data.u64 >> 32) & 0xfffffff, serial = (u32)e->data.u64;
	struct rvsock *v = u->port.vsock;

	switch (e->data.u64 >> 60) {
	case LISTENER:
		accept_all(u);
		break;
	case CALLER:
		if (u->callers[index].fd >= 0 && u->callers[index].serial == serial)
			caller_event(u, &u->callers[index], e->events);
		break;
	case FLOW:
		if (v->flows[index].state != VSOCK_FREE && v->flows[index].serial == serial)
			flow_event(u, &v->flows[index], serial, e->events);
		break;
	case TICK:
		drain(u->timer);
		rvsock_tick(v);
		break;
	default:
		drain(u->attend);
		break;
	}
}

static void readable(struct reactor_watch *w)
{
	struct vsock_unix *u =
		(struct vsock_unix *)((char *)w - offsetof(struct vsock_unix, watch));
	struct epoll_event events[EVENTS];
	int n = epoll_wait(u->epoll, events, EVENTS, 0);

	rvsock_attend(u->port.vsock);
	for (int i = 0; i < n; i++)
		event(u, &events[i]);
	if (u->waiting)
		accept_all(u);
}

static int port_open(struct vsock_port *p, struct reactor *reactor)
{
	struct vsock_unix *u = unix_of(p);

	reactor_watch_add(reactor, &u->watch, readable);
	u->watch.fd = u->epoll;
	return 0;
}

static void attend(struct vsock_port *p)
{
	const u64 one = 1;

	if (write(unix_of(p)->attend, &one, sizeof(one)) < 0) {
		/* It is told already. */
	}
}

static void tick(struct vsock_port *p, bool wanted)
{
	const struct itimerspec t = { .it_interval.tv_sec = wanted, .it_value.tv_sec = wanted };

	timerfd_settime(unix_of(p)->timer, 0, &t, NULL);
}

/* --- flows ------------------------------------------------------------------------------------------------------ */

/* P_N, or what is behind P for SOCK_SEQPACKET. False: too long. */
static bool address(struct sockaddr_un *a, const char *path, const char *suffix)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return snprintf(a->sun_path, sizeof(a->sun_path), "%s%s", path, suffix) <
	       (int)sizeof(a->sun_path);
}

static bool port_connect(struct vsock_port *p, struct vsock_flow *f)
{
	struct vsock_unix *u = unix_of(p);
	struct sockaddr_un a;
	char suffix[16];
	int fd;

	snprintf(suffix, sizeof(suffix), "_%u", f->host_port);
	if (!address(&a, u->path, suffix))
		return false;
	fd = socket(AF_UNIX, sock_type(f->type) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) ||
	    watch(u, fd, FLOW_EVENTS, tag_of(u, f))) {
		close(fd);
		return false;
	}
	f->handle = fd;
	return true;
}

static void answered(struct vsock_port *p, struct vsock_flow *f)
{
	char line[LINE];
	int n = snprintf(line, sizeof(line), "OK %u\n", f->host_port);

	/* The socket's buffer is empty: it takes that; and who is gone hears nothing. */
	if (send(f->handle, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		/* Its end is an event of its own. */
	}
}

_Static_assert(sizeof(struct dvq_seg) == sizeof(struct iovec),
	       "segments are what the kernel takes");

static long port_send(struct vsock_port *p, struct vsock_flow *f, const struct dvq_seg *segs, u32 n,
		      bool eor)
{
	const struct msghdr m = { .msg_iov = (struct iovec *)segs, .msg_iovlen = n };
	ssize_t got;

	do
		got = sendmsg(f->handle, &m, MSG_DONTWAIT | MSG_NOSIGNAL | (eor ? MSG_EOR : 0));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN || errno == ENOBUFS ? 0 : VSOCK_BROKEN;
	return got;
}

static long port_recv(struct vsock_port *p, struct vsock_flow *f, const struct dvq_seg *segs, u32 n,
		      bool *eor)
{
	struct msghdr m = { .msg_iov = (struct iovec *)segs, .msg_iovlen = n };
	ssize_t got;

	do
		got = recvmsg(f->handle, &m, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? 0 : VSOCK_BROKEN;
	if (m.msg_flags & MSG_TRUNC)
		return VSOCK_BROKEN;
	*eor = m.msg_flags & MSG_EOR;
	return got ? got : VSOCK_HOST_SENT_ALL;
}

static void shut(struct vsock_port *p, struct vsock_flow *f, bool receive, bool send)
{
	shutdown(f->handle, receive && send ? SHUT_RDWR : receive ? SHUT_RD : SHUT_WR);
}

static void end(struct vsock_port *p, struct vsock_flow *f)
{
	if (f->handle >= 0)
		forget(unix_of(p), f->handle);
	f->handle = -1;
}

/* --- making it -------------------------------------------------------------------------------------------------- */

static void port_close(struct vsock_port *p)
{
	struct vsock_unix *u = unix_of(p);

	for (unsigned i = 0; i < CALLERS; i++) {
		if (u->callers[i].fd >= 0)
			forget(u, u->callers[i].fd);
		u->callers[i].fd = -1;
	}
}

static void port_free(struct vsock_port *p)
{
	struct vsock_unix *u = unix_of(p);

	for (unsigned i = 0; i < ARRAY_SIZE(u->listeners); i++) {
		if (u->listeners[i].fd < 0)
			continue;
		close(u->listeners[i].fd);
		unlink(u->listeners[i].path);
	}
	if (u->epoll >= 0)
		close(u->epoll);
	if (u->attend >= 0)
		close(u->attend);
	if (u->timer >= 0)
		close(u->timer);
	free(u);
}

static const struct vsock_port_ops ops = {
	.name = "unix",
	.open = port_open,
	.close = port_close,
	.up = up,
	.attend = attend,
	.ticks = tick,
	.connect = port_connect,
	.answered = answered,
	.send = port_send,
	.recv = port_recv,
	.shut = shut,
	.end = end,
	.free = port_free,
};

static int listen_at(struct vsock_unix *u, unsigned i, u16 type, const char *suffix)
{
	struct sockaddr_un a;

	if (!address(&a, u->path, suffix)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	u->listeners[i].type = type;
	u->listeners[i].fd = socket(AF_UNIX, sock_type(type) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (u->listeners[i].fd < 0)
		return -1;
	unlink(a.sun_path);
	if (bind(u->listeners[i].fd, (struct sockaddr *)&a, sizeof(a)))
		return -1;
	strcpy(u->listeners[i].path, a.sun_path);
	return listen(u->listeners[i].fd, SOMAXCONN) ||
			       watch(u, u->listeners[i].fd, EPOLLIN, tag(LISTENER, i, 0))
		       ? -1
		       : 0;
}

/* A descriptor for each flow: more than programs get unasked. */
static void more_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

struct vsock_port *vsock_unix_open(const char *path)
{
	struct vsock_unix *u = calloc(1, sizeof(*u));

	if (!u) {
		fprintf(stderr, "ringside-backend: vsock: %s\n", strerror(errno));
		return NULL;
	}
	more_descriptors();
	u->port.ops = &ops;
	u->path = path;
	u->listeners[0].fd = u->listeners[1].fd = -1;
	for (unsigned i = 0; i < CALLERS; i++)
		u->callers[i].fd = -1;
	u->epoll = epoll_create1(EPOLL_CLOEXEC);
	u->attend = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	u->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (u->epoll < 0 || u->attend < 0 || u->timer < 0 ||
	    watch(u, u->attend, EPOLLIN, tag(ATTEND, 0, 0)) ||
	    watch(u, u->timer, EPOLLIN, tag(TICK, 0, 0)) ||
	    listen_at(u, 0, VIRTIO_VSOCK_TYPE_STREAM, "") ||
	    listen_at(u, 1, VIRTIO_VSOCK_TYPE_SEQPACKET, ".seqpacket")) {
		fprintf(stderr, "ringside-backend: vsock '%s': %s\n", path, strerror(errno));
		port_free(&u->port);
		return NULL;
	}
	return &u->port;
}
