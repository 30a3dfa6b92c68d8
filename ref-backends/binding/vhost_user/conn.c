// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/vhost_user/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

void vub_conn_open(struct vub_conn *c, int fd)
{
	c->fd = fd;
	c->have = 0;
	c->received = 0;
	c->in.nfds = 0;
}

u64 vub_conn_so_far(const struct vub_conn *c)
{
	int n = 0;

	return ioctl(c->fd, FIONREAD, &n) == 0 && n > 0 ? c->received + (u64)n : c->received;
}

static void close_fds(struct vub_request *rq)
{
	for (u32 i = 0; i < rq->nfds; i++)
		if (rq->fds[i] >= 0)
			close(rq->fds[i]);
	rq->nfds = 0;
}

void vub_conn_close(struct vub_conn *c)
{
	close_fds(&c->in);
	close(c->fd);
	c->fd = -1;
}

void vub_conn_next(struct vub_conn *c)
{
	close_fds(&c->in);
	c->have = 0;
}

/* Take the descriptors of one recvmsg(). False when some were lost or there are too many. */
static bool take_fds(struct vub_request *rq, struct msghdr *msg)
{
	bool ok = !(msg->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (rq->nfds < VUB_MAX_RECV_FDS) {
				rq->fds[rq->nfds++] = fd;
			} else {
				close(fd);
				ok = false;
			}
		}
	}
	return ok;
}

static enum vub_recv recv_upto(struct vub_conn *c, size_t want)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * VUB_MAX_RECV_FDS)];
	} control;
	struct iovec iov = { (u8 *)&c->in.msg.hdr + c->have, want - c->have };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? VUB_RECV_MORE : VUB_RECV_ERROR;
	if (!take_fds(&c->in, &msg))
		return VUB_RECV_ERROR;
	if (n == 0)
		return VUB_RECV_END;
	c->have += (size_t)n;
	c->received += (size_t)n;
	return c->have == want ? VUB_RECV_MESSAGE : VUB_RECV_MORE;
}

/* What a short payload does not fill reads as zeroes, not as what an earlier message left. */
static enum vub_recv whole(struct vub_conn *c)
{
	memset(c->in.msg.bytes + c->in.msg.hdr.size, 0,
	       sizeof(c->in.msg.bytes) - c->in.msg.hdr.size);
	return VUB_RECV_MESSAGE;
}

enum vub_recv vub_conn_recv(struct vub_conn *c)
{
	const struct vu_header *hdr = &c->in.msg.hdr;
	enum vub_recv got;

	if (c->have < VU_HEADER_SIZE) {
		got = recv_upto(c, VU_HEADER_SIZE);
		if (got != VUB_RECV_MESSAGE)
			return got;
		/* Nothing is allocated or waited for on the word of a size that cannot be. */
		if (hdr->size > VU_MAX_PAYLOAD) {
			errno = EMSGSIZE;
			return VUB_RECV_ERROR;
		}
		if (hdr->size == 0)
			return whole(c);
	}
	got = recv_upto(c, VU_HEADER_SIZE + hdr->size);
	return got == VUB_RECV_MESSAGE ? whole(c) : got;
}

int vub_conn_send(int sock, const struct vub_reply *rep, size_t *done)
{
	size_t len = VU_HEADER_SIZE + rep->msg.hdr.size;

	while (*done < len) {
		struct iovec iov = { (u8 *)&rep->msg.hdr + *done, len - *done };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		union {
			struct cmsghdr hdr;
			char buf[CMSG_SPACE(sizeof(int))];
		} control;
		ssize_t n;

		if (rep->fd >= 0 && *done == 0) {
			memset(&control, 0, sizeof(control));
			msg.msg_control = control.buf;
			msg.msg_controllen = sizeof(control.buf);
			control.hdr.cmsg_level = SOL_SOCKET;
			control.hdr.cmsg_type = SCM_RIGHTS;
			control.hdr.cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(&control.hdr), &rep->fd, sizeof(int));
		}
		n = sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		*done += (size_t)n;
	}
	return 1;
}
