// SPDX-License-Identifier: BSD-3-Clause
#include "harness/transport/vhost_user/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The kernel passes at most SCM_MAX_FD descriptors in one message. */
#define SCM_MAX 253

int vu_ms_left(u64 deadline_ns)
{
	u64 now = host_now_ns();

	return now >= deadline_ns ? 0 : (int)((deadline_ns - now + 999999) / 1000000);
}

void vu_reply_release(struct vu_reply *r)
{
	for (unsigned i = 0; i < r->nfds; i++)
		close(r->fds[i]);
	r->nfds = 0;
}

int vu_wire_connect(const char *path, unsigned timeout_ms)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	u64 deadline = host_now_ns() + (u64)timeout_ms * 1000000;
	int sock;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(addr.sun_path, path);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return -1;
	/* A full backlog answers EAGAIN at once: a back-end that is still busy with the last session. */
	while (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		if ((errno != EAGAIN && errno != EINTR) || vu_ms_left(deadline) == 0) {
			int err = errno;

			close(sock);
			errno = err;
			return -1;
		}
		poll(NULL, 0, 1);
	}
	return sock;
}

int vu_wire_accept(int listener, unsigned timeout_ms)
{
	const u64 deadline = host_now_ns() + (u64)timeout_ms * 1000000;

	for (;;) {
		struct pollfd p = { .fd = listener, .events = POLLIN };
		const int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		const unsigned left = vu_ms_left(deadline);

		if (sock >= 0 || (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED))
			return sock;
		if (!left) {
			errno = ETIMEDOUT;
			return -1;
		}
		poll(&p, 1, (int)left);
	}
}

int vu_wire_send(int sock, const void *bytes, size_t len, const int *fds, unsigned nfds,
		 u64 deadline_ns)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(SCM_MAX * sizeof(int))];
	} control;
	const u8 *p = bytes;

	while (len) {
		struct iovec iov = { .iov_base = (void *)p, .iov_len = len };
		struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
		struct pollfd pfd = { .fd = sock, .events = POLLOUT };
		ssize_t n;

		if (nfds) {
			struct cmsghdr *cm = &control.align;

			memset(&control, 0, CMSG_SPACE(nfds * sizeof(int)));
			mh.msg_control = &control;
			mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
			cm->cmsg_level = SOL_SOCKET;
			cm->cmsg_type = SCM_RIGHTS;
			cm->cmsg_len = CMSG_LEN(nfds * sizeof(int));
			memcpy(CMSG_DATA(cm), fds, nfds * sizeof(int));
		}
		n = sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
			nfds = 0;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return errno == EBADF || errno == EMFILE || errno == ETOOMANYREFS
				       ? TP_ELOCAL
				       : TP_EGONE;
		if (poll(&pfd, 1, vu_ms_left(deadline_ns)) == 0)
			return TP_ETIMEOUT;
	}
	return TP_OK;
}

/* Keep the descriptors that came along, close what has no place. */
static void take_fds(struct vu_reply *r, struct msghdr *mh)
{
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm; cm = CMSG_NXTHDR(mh, cm)) {
		size_t n;

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int), sizeof(fd));
			if (r->nfds < VU_MAX_FDS) {
				r->fds[r->nfds++] = fd;
			} else {
				close(fd);
				r->surplus_fds++;
			}
		}
	}
}

static int recv_exactly(int sock, struct vu_reply *r, void *buf, size_t len, u64 deadline_ns)
{
	u8 *p = buf;

	while (len) {
		union {
			struct cmsghdr align;
			char bytes[CMSG_SPACE(SCM_MAX * sizeof(int))];
		} control;
		struct iovec iov = { .iov_base = p, .iov_len = len };
		struct msghdr mh = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		struct pollfd pfd = { .fd = sock, .events = POLLIN };
		ssize_t n = recvmsg(sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n > 0) {
			take_fds(r, &mh);
			p += n;
			len -= (size_t)n;
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return TP_EGONE;
		if (poll(&pfd, 1, vu_ms_left(deadline_ns)) == 0)
			return TP_ETIMEOUT;
	}
	return TP_OK;
}

int vu_wire_recv(int sock, struct vu_reply *r, u64 deadline_ns)
{
	int rc;

	r->nfds = 0;
	r->surplus_fds = 0;
	rc = recv_exactly(sock, r, &r->msg.hdr, sizeof(r->msg.hdr), deadline_ns);
	if (rc == TP_OK && r->msg.hdr.size > sizeof(r->msg.bytes))
		rc = TP_EPROTO;
	if (rc == TP_OK)
		rc = recv_exactly(sock, r, r->msg.bytes, r->msg.hdr.size, deadline_ns);
	if (rc != TP_OK)
		vu_reply_release(r);
	return rc;
}

int vu_wire_poll(const int *socks, unsigned n, u64 deadline_ns)
{
	struct pollfd pfd[4];

	for (unsigned i = 0; i < n; i++)
		pfd[i] = (struct pollfd){ .fd = socks[i], .events = POLLIN };
	for (;;) {
		int rc = poll(pfd, n, vu_ms_left(deadline_ns));

		if (rc == 0)
			return -1;
		if (rc < 0)
			continue;
		for (unsigned i = 0; i < n; i++)
			if (pfd[i].revents)
				return (int)i;
	}
}

bool vu_wire_closed(int sock, u64 deadline_ns)
{
	char byte;

	for (;;) {
		ssize_t n = recv(sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
		struct pollfd pfd = { .fd = sock,
				      .events = n > 0 ? POLLRDHUP : POLLIN | POLLRDHUP };

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return true;
		if (poll(&pfd, 1, vu_ms_left(deadline_ns)) == 0)
			return false;
		if (n > 0 && pfd.revents & (POLLRDHUP | POLLHUP | POLLERR))
			return true;
	}
}
