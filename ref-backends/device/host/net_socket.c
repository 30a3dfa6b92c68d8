// SPDX-License-Identifier: BSD-3-Clause
/*
 * Frames as datagrams, to one peer. Batches in both directions: a system call for up to BATCH frames.
 * A peer that is not there, or does not keep up, loses frames: it is a cable.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ref-backends/device/host/net_port.h"
#include "ref-backends/device/host/reactor.h"

#define BATCH	    64
#define BATCH_BYTES (4u << 20)

struct socket_port {
	struct net_port port;
	struct reactor_watch watch;
	struct sockaddr_storage peer;
	socklen_t peer_len;
	char bound[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* to be removed at the end */
	int fd;
	struct net_whole whole;
	/* Frames of the driver's, copied until flush(). */
	struct mmsghdr out[BATCH];
	struct iovec out_iov[BATCH];
	u32 n_out, out_bytes;
	u8 *out_data;
	struct mmsghdr in[BATCH];
	struct iovec in_iov[BATCH];
	u8 *in_data;
};

static void flush(struct net_port *p)
{
	struct socket_port *s = (struct socket_port *)p;
	u32 at = 0;

	while (at < s->n_out) {
		int n = sendmmsg(s->fd, s->out + at, s->n_out - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		/* The frame that could not be sent is lost, and the next may have a better fate. */
		at += n > 0 ? (u32)n : 1;
	}
	s->n_out = s->out_bytes = 0;
}

static void emit(void *arg, const u8 *frame, u32 len)
{
	struct socket_port *s = arg;
	u32 i;

	if (s->n_out == BATCH || s->out_bytes + len > BATCH_BYTES)
		flush(&s->port);
	i = s->n_out++;
	memcpy(s->out_data + s->out_bytes, frame, len);
	s->out_iov[i] = (struct iovec){ s->out_data + s->out_bytes, len };
	s->out[i].msg_hdr = (struct msghdr){ .msg_name = &s->peer,
					     .msg_namelen = s->peer_len,
					     .msg_iov = &s->out_iov[i],
					     .msg_iovlen = 1 };
	s->out_bytes += len;
}

static void send_frame(struct net_port *p, const struct net_frame *f)
{
	net_whole_send(&((struct socket_port *)p)->whole, f);
}

/* All that is there, up to a batch. How many. */
static int receive(struct socket_port *s)
{
	int n = recvmmsg(s->fd, s->in, BATCH, MSG_DONTWAIT, NULL);

	for (int i = 0; i < n; i++) {
		const struct dvq_seg seg = { s->in_iov[i].iov_base, s->in[i].msg_len };
		const struct net_frame f = { .segs = &seg, .nsegs = 1, .len = s->in[i].msg_len };

		if (f.len >= VNET_FRAME_MIN)
			net_deliver(s->port.net, &f);
	}
	return n;
}

static void readable(struct reactor_watch *w)
{
	receive((struct socket_port *)((u8 *)w - offsetof(struct socket_port, watch)));
}

static void poll_port(struct net_port *p)
{
	receive((struct socket_port *)p);
}

static int open_port(struct net_port *p, struct reactor *reactor)
{
	struct socket_port *s = (struct socket_port *)p;

	reactor_watch_add(reactor, &s->watch, readable);
	s->watch.fd = s->fd;
	return 0;
}

static void socket_free(struct net_port *p)
{
	struct socket_port *s = (struct socket_port *)p;

	if (s->fd >= 0)
		close(s->fd);
	if (s->bound[0])
		unlink(s->bound);
	free(s->out_data);
	free(s->in_data);
	free(s);
}

static const struct net_port_ops socket_ops = {
	.name = "socket",
	.send = send_frame,
	.flush = flush,
	.poll = poll_port,
	.open = open_port,
	.free = socket_free,
};

static struct net_port *failed(struct socket_port *s, const char *what, const char *why)
{
	fprintf(stderr, "ringside-backend: %s: %s\n", what, why);
	if (s)
		socket_free(&s->port);
	return NULL;
}

static struct socket_port *socket_make(void)
{
	struct socket_port *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->fd = -1;
	s->port.ops = &socket_ops;
	s->whole.emit = emit;
	s->whole.arg = s;
	s->out_data = malloc(BATCH_BYTES);
	s->in_data = malloc(BATCH * (size_t)VNET_FRAME_MAX);
	if (!s->out_data || !s->in_data) {
		socket_free(&s->port);
		return NULL;
	}
	for (int i = 0; i < BATCH; i++) {
		s->in_iov[i] =
			(struct iovec){ s->in_data + i * (size_t)VNET_FRAME_MAX, VNET_FRAME_MAX };
		s->in[i].msg_hdr = (struct msghdr){ .msg_iov = &s->in_iov[i], .msg_iovlen = 1 };
	}
	return s;
}

static void widen(int fd)
{
	int bytes = 4 << 20;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

struct net_port *net_port_unix(const char *local, const char *remote)
{
	struct socket_port *s = socket_make();
	struct sockaddr_un here = { .sun_family = AF_UNIX }, *peer;

	if (!s)
		return failed(NULL, local, strerror(ENOMEM));
	peer = (struct sockaddr_un *)&s->peer;
	if (strlen(local) >= sizeof(here.sun_path) || strlen(remote) >= sizeof(here.sun_path))
		return failed(s, local, strerror(ENAMETOOLONG));
	strcpy(here.sun_path, local);
	peer->sun_family = AF_UNIX;
	strcpy(peer->sun_path, remote);
	s->peer_len = sizeof(*peer);
	s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(local);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&here, sizeof(here)))
		return failed(s, local, strerror(errno));
	strcpy(s->bound, local);
	widen(s->fd);
	return &s->port;
}

/* HOST:PORT, or [HOST]:PORT. NULL, or what is wrong. */
static const char *resolve(const char *text, int flags, struct sockaddr_storage *out,
			   socklen_t *len)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = flags };
	const char *port = strrchr(text, ':');
	struct addrinfo *list;
	char host[256];
	size_t n;
	int rc;

	if (!port || (size_t)(port - text) >= sizeof(host))
		return "not HOST:PORT";
	n = (size_t)(port - text);
	memcpy(host, text, n);
	host[n] = '\0';
	if (n > 1 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		memmove(host, host + 1, n - 1);
	}
	rc = getaddrinfo(host, port + 1, &hints, &list);
	if (rc)
		return gai_strerror(rc);
	memcpy(out, list->ai_addr, list->ai_addrlen);
	*len = list->ai_addrlen;
	freeaddrinfo(list);
	return NULL;
}

struct net_port *net_port_udp(const char *local, const char *remote)
{
	struct socket_port *s = socket_make();
	struct sockaddr_storage here = { 0 };
	socklen_t here_len = 0;
	const char *why;

	if (!s)
		return failed(NULL, local, strerror(ENOMEM));
	why = resolve(local, AI_PASSIVE, &here, &here_len);
	if (why)
		return failed(s, local, why);
	why = resolve(remote, 0, &s->peer, &s->peer_len);
	if (why)
		return failed(s, remote, why);
	s->fd = socket(here.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&here, here_len))
		return failed(s, local, strerror(errno));
	widen(s->fd);
	return &s->port;
}
