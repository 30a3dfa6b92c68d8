// SPDX-License-Identifier: BSD-3-Clause
#include "harness/transport/host/peer_unix.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct peer_unix *unix_of(struct peer *p)
{
	return (struct peer_unix *)p;
}

static bool address(struct sockaddr_un *a, const struct peer_unix *u, const char *suffix)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return snprintf(a->sun_path, sizeof(a->sun_path), "%s%s", u->path, suffix) <
	       (int)sizeof(a->sun_path);
}

static bool address_of_port(struct sockaddr_un *a, const struct peer_unix *u, u32 port)
{
	char suffix[16];

	snprintf(suffix, sizeof(suffix), "_%u", port);
	return address(a, u, suffix);
}

static int open_socket(bool packets)
{
	return socket(AF_UNIX,
		      (packets ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int add(struct peer_unix *u, int fd)
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
	struct peer_unix *u = unix_of(p);
	struct sockaddr_un a;
	unsigned i = 0;
	int fd;

	while (i < PEER_LISTENERS && u->listeners[i].fd >= 0)
		i++;
	if (i == PEER_LISTENERS || !address_of_port(&a, u, port))
		return false;
	fd = open_socket(packets);
	if (fd < 0)
		return false;
	unlink(a.sun_path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, SOMAXCONN)) {
		close(fd);
		return false;
	}
	u->listeners[i].fd = fd;
	u->listeners[i].port = port;
	return true;
}

static int accept_one(struct peer *p, u32 port)
{
	struct peer_unix *u = unix_of(p);

	for (unsigned i = 0; i < PEER_LISTENERS; i++)
		if (u->listeners[i].fd >= 0 && u->listeners[i].port == port)
			return add(u, accept4(u->listeners[i].fd, NULL, NULL,
					      SOCK_CLOEXEC | SOCK_NONBLOCK));
	return PEER_NONE;
}

static int dial(struct peer *p, u32 port, bool packets)
{
	struct peer_unix *u = unix_of(p);
	struct sockaddr_un a;
	char line[32];
	int fd, n;

	if (!address(&a, u, packets ? ".seqpacket" : ""))
		return PEER_NONE;
	fd = open_socket(packets);
	n = snprintf(line, sizeof(line), "CONNECT %u\n", port);
	if (fd >= 0 && (connect(fd, (struct sockaddr *)&a, sizeof(a)) ||
			send(fd, line, (size_t)n, MSG_NOSIGNAL) != n)) {
		close(fd);
		return PEER_NONE;
	}
	return add(u, fd);
}

static long give(struct peer *p, int connection, const u8 *bytes, u32 len)
{
	ssize_t n = send(unix_of(p)->fds[connection], bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : PEER_END;
	return n;
}

static long take(struct peer *p, int connection, u8 *bytes, u32 room)
{
	ssize_t n = recv(unix_of(p)->fds[connection], bytes, room, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : PEER_END;
	return n ? n : PEER_END;
}

static void shut(struct peer *p, int connection)
{
	shutdown(unix_of(p)->fds[connection], SHUT_WR);
}

static void end(struct peer *p, int connection)
{
	struct peer_unix *u = unix_of(p);

	if (u->fds[connection] >= 0)
		close(u->fds[connection]);
	u->fds[connection] = -1;
}

static void reset(struct peer *p)
{
	struct peer_unix *u = unix_of(p);
	struct sockaddr_un a;

	for (int i = 0; i < PEER_CONNECTIONS; i++)
		end(p, i);
	for (unsigned i = 0; i < PEER_LISTENERS; i++) {
		if (u->listeners[i].fd < 0)
			continue;
		close(u->listeners[i].fd);
		u->listeners[i].fd = -1;
		if (address_of_port(&a, u, u->listeners[i].port))
			unlink(a.sun_path);
	}
}

bool peer_unix_init(struct peer_unix *u, const char *path)
{
	memset(u, 0, sizeof(*u));
	u->peer = (struct peer){ listen_at, accept_one, dial, give, take, shut, end, reset };
	for (int i = 0; i < PEER_CONNECTIONS; i++)
		u->fds[i] = -1;
	for (unsigned i = 0; i < PEER_LISTENERS; i++)
		u->listeners[i].fd = -1;
	return snprintf(u->path, sizeof(u->path), "%s", path) < (int)sizeof(u->path);
}
