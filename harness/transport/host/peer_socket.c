// SPDX-License-Identifier: BSD-3-Clause
#include "harness/transport/host/peer_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* After <sys/socket.h>, which it wants. */
#include <linux/vm_sockets.h>

static struct peer_socket *socket_of(struct peer *p)
{
	return (struct peer_socket *)p;
}

union address {
	struct sockaddr any;
	struct sockaddr_un unix_;
	struct sockaddr_vm vm;
};

static bool is_unix(const struct peer_socket *u)
{
	return u->path[0];
}

static bool unix_address(union address *a, const struct peer_socket *u, const char *suffix)
{
	a->unix_ = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return snprintf(a->unix_.sun_path, sizeof(a->unix_.sun_path), "%s%s", u->path, suffix) <
	       (int)sizeof(a->unix_.sun_path);
}

/* Of a port of the host's. */
static bool address_of_port(union address *a, const struct peer_socket *u, u32 port)
{
	char suffix[16];

	snprintf(suffix, sizeof(suffix), "_%u", port);
	if (is_unix(u))
		return unix_address(a, u, suffix);
	a->vm = (struct sockaddr_vm){ .svm_family = AF_VSOCK,
				      .svm_cid = VMADDR_CID_ANY,
				      .svm_port = port };
	return true;
}

static socklen_t length(const union address *a)
{
	return a->any.sa_family == AF_UNIX ? sizeof(a->unix_) : sizeof(a->vm);
}

static int open_socket(const struct peer_socket *u, bool packets)
{
	return socket(is_unix(u) ? AF_UNIX : AF_VSOCK,
		      (packets ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int add(struct peer_socket *u, int fd)
{
	for (int i = 0; fd >= 0 && i < PEER_CONNECTIONS; i++) {
		if (u->fds[i] >= 0)
			continue;
		u->fds[i] = fd;
		return i;
	}
	if (fd >= 0)
		close(fd);
	return PEER_NONE;
}

static bool listen_at(struct peer *p, u32 port, bool packets)
{
	struct peer_socket *u = socket_of(p);
	union address a;
	unsigned i = 0;
	int fd;

	while (i < PEER_LISTENERS && u->listeners[i].fd >= 0)
		i++;
	if (i == PEER_LISTENERS || !address_of_port(&a, u, port))
		return false;
	fd = open_socket(u, packets);
	if (fd < 0)
		return false;
	if (is_unix(u))
		unlink(a.unix_.sun_path);
	if (bind(fd, &a.any, length(&a)) || listen(fd, SOMAXCONN)) {
		close(fd);
		return false;
	}
	u->listeners[i].fd = fd;
	u->listeners[i].port = port;
	return true;
}

static int accept_one(struct peer *p, u32 port)
{
	struct peer_socket *u = socket_of(p);

	for (unsigned i = 0; i < PEER_LISTENERS; i++)
		if (u->listeners[i].fd >= 0 && u->listeners[i].port == port)
			return add(u, accept4(u->listeners[i].fd, NULL, NULL,
					      SOCK_CLOEXEC | SOCK_NONBLOCK));
	return PEER_NONE;
}

static int dial_unix(struct peer_socket *u, u32 port, bool packets)
{
	union address a;
	char line[32];
	int fd, n;

	if (!unix_address(&a, u, packets ? ".seqpacket" : ""))
		return PEER_NONE;
	fd = open_socket(u, packets);
	n = snprintf(line, sizeof(line), "CONNECT %u\n", port);
	if (fd >= 0 &&
	    (connect(fd, &a.any, length(&a)) || send(fd, line, (size_t)n, MSG_NOSIGNAL) != n)) {
		close(fd);
		return PEER_NONE;
	}
	return add(u, fd);
}

static int dial_vsock(struct peer_socket *u, u32 port, bool packets)
{
	const union address a = {
		.vm = { .svm_family = AF_VSOCK, .svm_cid = u->cid, .svm_port = port }
	};
	const int fd = open_socket(u, packets);

	if (fd >= 0 && connect(fd, &a.any, length(&a)) && errno != EINPROGRESS) {
		close(fd);
		return PEER_NONE;
	}
	return add(u, fd);
}

static int dial(struct peer *p, u32 port, bool packets)
{
	struct peer_socket *u = socket_of(p);

	return is_unix(u) ? dial_unix(u, port, packets) : dial_vsock(u, port, packets);
}

/* What a transfer that did not come about means: not now, or not any more. */
static long none(int fd)
{
	struct pollfd pfd = { .fd = fd };

	if (errno == EAGAIN || errno == EINTR)
		return 0;
	/* Not connected yet, and nobody has refused. */
	return errno == ENOTCONN && poll(&pfd, 1, 0) == 0 ? 0 : PEER_END;
}

static long give(struct peer *p, int connection, const u8 *bytes, u32 len)
{
	const int fd = socket_of(p)->fds[connection];
	ssize_t n = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 ? none(fd) : n;
}

static long take(struct peer *p, int connection, u8 *bytes, u32 room)
{
	const int fd = socket_of(p)->fds[connection];
	ssize_t n = recv(fd, bytes, room, MSG_DONTWAIT);

	if (n < 0)
		return none(fd);
	return n ? n : PEER_END;
}

static void shut(struct peer *p, int connection)
{
	shutdown(socket_of(p)->fds[connection], SHUT_WR);
}

static void end(struct peer *p, int connection)
{
	struct peer_socket *u = socket_of(p);

	if (u->fds[connection] >= 0)
		close(u->fds[connection]);
	u->fds[connection] = -1;
}

static void reset(struct peer *p)
{
	struct peer_socket *u = socket_of(p);
	union address a;

	for (int i = 0; i < PEER_CONNECTIONS; i++)
		end(p, i);
	for (unsigned i = 0; i < PEER_LISTENERS; i++) {
		if (u->listeners[i].fd < 0)
			continue;
		close(u->listeners[i].fd);
		u->listeners[i].fd = -1;
		if (is_unix(u) && address_of_port(&a, u, u->listeners[i].port))
			unlink(a.unix_.sun_path);
	}
}

static void init(struct peer_socket *u)
{
	memset(u, 0, sizeof(*u));
	u->peer = (struct peer){ .listen = listen_at,
				 .accept = accept_one,
				 .dial = dial,
				 .send = give,
				 .recv = take,
				 .shut = shut,
				 .close = end,
				 .reset = reset };
	for (int i = 0; i < PEER_CONNECTIONS; i++)
		u->fds[i] = -1;
	for (unsigned i = 0; i < PEER_LISTENERS; i++)
		u->listeners[i].fd = -1;
}

bool peer_unix_init(struct peer_socket *u, const char *path)
{
	init(u);
	u->peer.answers = true;
	return snprintf(u->path, sizeof(u->path), "%s", path) < (int)sizeof(u->path);
}

void peer_vsock_init(struct peer_socket *u, u32 cid)
{
	init(u);
	u->cid = cid;
}
