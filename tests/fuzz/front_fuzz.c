// SPDX-License-Identifier: BSD-3-Clause
/*
 * A back-end's answers to a shim's front-end. Whatever they are: each function returns, a broken session stays
 * broken and says why in one line, and no descriptor is kept that nobody asked for.
 *
 * Input: a byte for each message that comes: its low bits say what is wrong with the answer (0: nothing), bit 7:
 * descriptors come with it, bit 6: something is said on the back-end's own channel before; then as much as that
 * needs. With no input left the back-end is honest.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/spec/vu_msg.h"
#include "ref-backends/binding/front/front.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

#define PROTOCOL_BIT BIT_ULL(VU_F_PROTOCOL_FEATURES)

static struct {
	int listener, event;
	char path[32];
} back;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int place;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "/tmp/ringside-front-fuzz-%d", (int)getpid());
	unlink(sa.sun_path);
	back.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	back.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(back.event >= 0 && back.listener >= 0);
	MUST(bind(back.listener, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	MUST(listen(back.listener, 1) == 0);
	/* However it ends, nothing is left; and its path is the same in each run. */
	place = open(sa.sun_path, O_PATH | O_CLOEXEC);
	MUST(place >= 0 && unlink(sa.sun_path) == 0);
	snprintf(back.path, sizeof(back.path), "/proc/self/fd/%d", place);
	return 0;
}

/* `*fd` is the one descriptor that there is room for, if one came; the kernel closes the others. */
static bool read_all(int sock, void *to, size_t len, int *fd)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { to, len };

	while (iov.iov_len) {
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);

		if (n <= 0)
			return false;
		if (CMSG_FIRSTHDR(&msg) && *fd < 0)
			memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
		iov.iov_base = (u8 *)iov.iov_base + n;
		iov.iov_len -= (size_t)n;
	}
	return true;
}

/* On the channel: messages that are right, messages that are none, bytes, or its end. */
static void say(int *channel, struct input *in)
{
	static u8 bytes[VU_HEADER_SIZE + 300];
	struct vu_header hdr = { VU_BACKEND_CONFIG_CHANGE_MSG, VU_VERSION | VU_FLAG_NEED_REPLY, 0 };
	const u8 how = input_u8(in);
	size_t len = sizeof(hdr);

	if (*channel < 0)
		return;
	switch (how & 3) {
	case 1:
		hdr.request = input_u8(in);
		hdr.flags = input_u8(in);
		hdr.size = input_u16(in) & 0x1fff;
		break;
	case 2:
		len = input_u8(in) % sizeof(hdr);
		break;
	case 3:
		close(*channel);
		*channel = -1;
		return;
	default:
		break;
	}
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, &hdr, sizeof(hdr));
	if (len == sizeof(hdr))
		len += MIN(hdr.size, (u32)(sizeof(bytes) - sizeof(hdr)));
	/* Whatever does not fit is not said. */
	for (unsigned i = 0; i <= how >> 4; i++)
		send(*channel, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static u32 honest(struct vu_message *m)
{
	switch (m->hdr.request) {
	case VU_GET_FEATURES:
		m->u64 = PROTOCOL_BIT | 1ull << 32;
		return 8;
	case VU_GET_PROTOCOL_FEATURES:
		m->u64 = ~0ull;
		return 8;
	case VU_GET_QUEUE_NUM:
		m->u64 = 2;
		return 8;
	case VU_GET_VRING_BASE:
		return sizeof(m->state);
	case VU_GET_CONFIG:
		return m->hdr.size;
	default:
		m->u64 = 0;
		return m->hdr.flags & VU_FLAG_NEED_REPLY ? 8 : 0;
	}
}

/* False: the connection ends. */
static bool answer(int sock, struct vu_message *m, struct input *in, int *channel)
{
	const u8 how = input_u8(in);
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	u32 size = honest(m);
	static u8 more[64];
	struct iovec iov[] = { { &m->hdr, VU_HEADER_SIZE + size }, { more, 0 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };

	if (how & 0x40)
		say(channel, in);
	m->hdr.flags = VU_VERSION | VU_FLAG_REPLY;
	m->hdr.size = size;
	switch (how & 7) {
	case 1: /* another payload */
		input_bytes(in, m->bytes, MIN(size, 16u));
		break;
	case 2: /* another header */
		input_bytes(in, &m->hdr, VU_HEADER_SIZE);
		break;
	case 3: /* another size, and as many bytes; more than any message has, too */
		m->hdr.size = input_u16(in) % (sizeof(m->bytes) + sizeof(more) + 1);
		iov[0].iov_len = VU_HEADER_SIZE + MIN(m->hdr.size, (u32)sizeof(m->bytes));
		iov[1].iov_len = VU_HEADER_SIZE + m->hdr.size - iov[0].iov_len;
		break;
	case 4: /* cut */
		iov[0].iov_len = MIN(iov[0].iov_len, (size_t)input_u8(in));
		break;
	case 5: /* bytes */
		iov[0].iov_len = VU_HEADER_SIZE + input_u8(in) % 64;
		input_bytes(in, &m->hdr, iov[0].iov_len);
		break;
	case 6:
		return false;
	default:
		break;
	}
	if (size == 0 && !(how & 7))
		return true;
	if (how & 0x80) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		*CMSG_FIRSTHDR(&msg) =
			(struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &back.event, sizeof(int));
	}
	/* An answer that is not whole is the last thing that is said. */
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == (ssize_t)iov[0].iov_len && (how & 7) < 2;
}

static void *serve(void *arg)
{
	static struct vu_message m;
	int sock = accept4(back.listener, NULL, NULL, SOCK_CLOEXEC);
	int channel = -1, fd = -1;

	MUST(sock >= 0);
	while (read_all(sock, &m.hdr, VU_HEADER_SIZE, &fd) && m.hdr.size <= sizeof(m.bytes) &&
	       read_all(sock, m.bytes, m.hdr.size, &fd)) {
		if (m.hdr.request == VU_SET_BACKEND_REQ_FD) {
			MUST(fd >= 0 && channel < 0);
			channel = fd;
		} else if (fd >= 0) {
			close(fd);
		}
		fd = -1;
		if (!answer(sock, &m, arg, &channel))
			break;
	}
	if (fd >= 0)
		close(fd);
	if (channel >= 0)
		close(channel);
	close(sock);
	return NULL;
}

static void use(struct front *f)
{
	const struct front_region ram = { .size = 4096, .hva = 4096, .fd = back.event };
	const struct front_ring ring = {
		.size = 8, .kick = back.event, .call = back.event, .err = back.event
	};
	u8 config[60];
	u16 base;

	if (front_open(f, back.path, 0))
		return;
	MUST(f->num_queues >= 1 && f->num_queues <= FRONT_QUEUES);
	MUST(!(f->offered & PROTOCOL_BIT));
	for (unsigned round = 0; round < 2; round++) {
		front_memory(f, &ram, 1);
		front_features(f, 1ull << 32);
		if (f->protocol & BIT_ULL(VU_PF_CONFIG)) {
			front_config_read(f, config, sizeof(config));
			front_config_write(f, 32, config, 1);
		}
		/* What comes here is bounded, and is over at some time. */
		for (unsigned i = 0; i < 4; i++)
			if (front_channel(f) == 0)
				front_changed(f);
		front_queue_start(f, 0, &ring);
		front_queue_stop(f, 0, &base);
		front_reset(f);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	struct front f;
	const unsigned fds = open_fds();
	pthread_t thread;

	MUST(pthread_create(&thread, NULL, serve, &in) == 0);
	use(&f);
	if (f.broken) {
		MUST(memchr(f.error, '\0', sizeof(f.error)) && f.error[0]);
		MUST(!strchr(f.error, '\n'));
		MUST(front_features(&f, 0) == -1);
	}
	front_close(&f);
	pthread_join(thread, NULL);
	MUST(open_fds() == fds);
	return 0;
}
