/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vhost-user back-end for tests of the front-end's side: it keeps what is sent to it, answers as a good one
 * does, and in one thing as it is told to. It maps nothing and serves no ring.
 */
#ifndef TESTS_UNIT_FRONT_BACK_H
#define TESTS_UNIT_FRONT_BACK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/spec/virtio14.h"
#include "ref-backends/binding/front/front.h"

#define SEEN_MAX 64
#define FEATURES (BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VU_F_PROTOCOL_FEATURES) | 0x10)

enum wrong {
	NOTHING_WRONG,
	OTHER_REQUEST, /* the answer is one to something else */
	NO_REPLY_FLAG,
	BAD_VERSION,
	TOO_LONG,
	TOO_SHORT,
	TORN, /* the answer's end is missing */
	CLOSES,
	REFUSES, /* an acknowledgement that is not 0 */
	OTHER_QUEUE,
};

static struct {
	int listener;
	pthread_t thread;
	char path[64];
	u64 features, protocol, queues;
	u32 at; /* the request whose answer is wrong */
	enum wrong wrong;
	u32 tells_at;	   /* the request that it answers when a message of its own was answered */
	int held, channel; /* the descriptor that came last; where messages of its own go */
	/* What came. */
	struct vu_message seen[SEEN_MAX];
	unsigned fds[SEEN_MAX], count;
} back;

static inline bool read_all(int sock, void *to, size_t len, unsigned *fds)
{
	char control[CMSG_SPACE(sizeof(int) * VU_MAX_FDS)];
	struct iovec iov = { to, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	while (iov.iov_len) {
		ssize_t n;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
		if (n <= 0)
			return false;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
			const unsigned got = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));

			for (unsigned i = 0; i < got; i++) {
				int fd;

				memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
				if (back.held >= 0)
					close(back.held);
				back.held = fd;
			}
			*fds += got;
		}
		iov.iov_base = (u8 *)iov.iov_base + n;
		iov.iov_len -= (size_t)n;
	}
	return true;
}

/* The payload that a right answer has; its size. ~0: there is none of its own. */
static inline u32 answer(struct vu_message *m)
{
	switch (m->hdr.request) {
	case VU_GET_FEATURES:
		m->u64 = back.features;
		return 8;
	case VU_GET_PROTOCOL_FEATURES:
		m->u64 = back.protocol;
		return 8;
	case VU_GET_QUEUE_NUM:
		m->u64 = back.queues;
		return 8;
	case VU_GET_VRING_BASE:
		m->state.num = 7;
		return sizeof(m->state);
	case VU_GET_CONFIG:
		memset(m->config.data, 0xc5, m->config.size);
		return m->hdr.size;
	default:
		return ~0u;
	}
}

static inline void spoil(struct vu_message *m)
{
	switch (back.wrong) {
	case OTHER_REQUEST:
		m->hdr.request++;
		break;
	case NO_REPLY_FLAG:
		m->hdr.flags &= ~VU_FLAG_REPLY;
		break;
	case BAD_VERSION:
		m->hdr.flags ^= VU_FLAG_VERSION;
		break;
	case TOO_LONG:
		m->hdr.size = 0x7fffffff;
		break;
	case TOO_SHORT:
		m->hdr.size = 4;
		break;
	case REFUSES:
		m->u64 = 1;
		break;
	case OTHER_QUEUE:
		m->state.index++;
		break;
	default:
		break;
	}
}

/* --- the back-end's own channel --- */

struct own_answer {
	struct vu_header hdr;
	u64 value;
} __attribute__((packed));

static inline void tell(u32 request, u32 flags, u32 size)
{
	static const u8 payload[64] = { 0xff, 0xff };
	const struct vu_header hdr = { request, flags, size };

	assert_int_equal(send(back.channel, &hdr, sizeof(hdr), MSG_NOSIGNAL), sizeof(hdr));
	if (size && size <= sizeof(payload))
		assert_int_equal(send(back.channel, payload, size, MSG_NOSIGNAL), size);
}

static inline void take_answer(u32 request, u64 value)
{
	struct own_answer a;

	assert_int_equal(recv(back.channel, &a, sizeof(a), MSG_WAITALL), sizeof(a));
	assert_int_equal(a.hdr.request, request);
	assert_int_equal(a.hdr.flags, VU_VERSION | VU_FLAG_REPLY);
	assert_int_equal(a.hdr.size, sizeof(a.value));
	assert_int_equal(a.value, value);
}

/* False: the connection ends. */
static inline bool reply(int sock, struct vu_message *m)
{
	const bool wrong = m->hdr.request == back.at;
	u32 size = answer(m);
	size_t len;

	if (size == ~0u && !(m->hdr.flags & VU_FLAG_NEED_REPLY))
		return true;
	if (size == ~0u) {
		m->u64 = 0;
		size = 8;
	}
	if (wrong && back.wrong == CLOSES)
		return false;
	m->hdr.flags = VU_VERSION | VU_FLAG_REPLY;
	m->hdr.size = size;
	len = VU_HEADER_SIZE + size;
	if (wrong) {
		spoil(m);
		len = VU_HEADER_SIZE + MIN(size, m->hdr.size) - (back.wrong == TORN ? 3 : 0);
	}
	return send(sock, &m->hdr, len, MSG_NOSIGNAL) == (ssize_t)len &&
	       !(wrong && back.wrong == TORN);
}

static inline void *back_serve(void *arg)
{
	int sock = accept4(back.listener, NULL, NULL, SOCK_CLOEXEC);

	while (sock >= 0 && back.count < SEEN_MAX) {
		struct vu_message *m = &back.seen[back.count], copy;
		unsigned *fds = &back.fds[back.count];

		if (!read_all(sock, &m->hdr, VU_HEADER_SIZE, fds) ||
		    m->hdr.size > sizeof(m->bytes) || !read_all(sock, m->bytes, m->hdr.size, fds))
			break;
		if (m->hdr.request == VU_SET_BACKEND_REQ_FD) {
			back.channel = back.held;
			back.held = -1;
		}
		back.count++;
		copy = *m;
		if (m->hdr.request == back.tells_at) {
			tell(VU_BACKEND_CONFIG_CHANGE_MSG, VU_VERSION | VU_FLAG_NEED_REPLY, 0);
			take_answer(VU_BACKEND_CONFIG_CHANGE_MSG, 0);
		}
		if (!reply(sock, &copy))
			break;
	}
	if (sock >= 0)
		close(sock);
	return NULL;
}

/* --- the front-end --------------------------------------------------------------------------------------------- */

static struct front front;

static inline int back_setup(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	memset(&back, 0, sizeof(back));
	back.features = FEATURES;
	back.protocol = ~0ull;
	back.queues = 2;
	back.at = back.tells_at = ~0u;
	back.held = back.channel = -1;
	snprintf(back.path, sizeof(back.path), "/tmp/ringside-front-%d.sock", (int)getpid());
	unlink(back.path);
	strcpy(sa.sun_path, back.path);
	back.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(back.listener, (struct sockaddr *)&sa, sizeof(sa)) || listen(back.listener, 1))
		return -1;
	front.sock = front.channel.sock = -1;
	return pthread_create(&back.thread, NULL, back_serve, NULL);
}

/* What came can be looked at afterwards. */
static inline void hang_up(void)
{
	if (back.listener < 0)
		return;
	front_close(&front);
	shutdown(back.listener, SHUT_RDWR);
	pthread_join(back.thread, NULL);
	close(back.listener);
	if (back.held >= 0)
		close(back.held);
	if (back.channel >= 0)
		close(back.channel);
	back.listener = back.held = back.channel = -1;
	unlink(back.path);
}

static inline int back_teardown(void **state)
{
	hang_up();
	return 0;
}

static inline const struct vu_message *sent(u32 request, unsigned *fds)
{
	for (unsigned i = 0; i < back.count; i++)
		if (back.seen[i].hdr.request == request) {
			if (fds)
				*fds = back.fds[i];
			return &back.seen[i];
		}
	fail_msg("request %u was not sent", request);
	return NULL;
}

static inline bool was_sent(u32 request)
{
	for (unsigned i = 0; i < back.count; i++)
		if (back.seen[i].hdr.request == request)
			return true;
	return false;
}

#endif
