// SPDX-License-Identifier: BSD-3-Clause
/* Messages out of a stream: borders, descriptors, and what ends a connection. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ref-backends/binding/vhost_user/conn.h"

static struct vub_conn c;
static int peer;

static int setup(void **state)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
		return -1;
	peer = sv[1];
	vub_conn_open(&c, sv[0]);
	return 0;
}

static int teardown(void **state)
{
	if (peer >= 0)
		close(peer);
	vub_conn_close(&c);
	return 0;
}

static void send_fds(const void *data, size_t len, int fd, unsigned n)
{
	union {
		struct cmsghdr hdr;
		char buf[CMSG_SPACE(sizeof(int) * VUB_MAX_RECV_FDS)];
	} control = { 0 };
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = n ? &control : NULL,
		.msg_controllen = n ? CMSG_SPACE(sizeof(int) * n) : 0,
	};

	control.hdr.cmsg_level = SOL_SOCKET;
	control.hdr.cmsg_type = SCM_RIGHTS;
	control.hdr.cmsg_len = CMSG_LEN(sizeof(int) * n);
	for (unsigned i = 0; i < n; i++)
		memcpy(CMSG_DATA(&control.hdr) + i * sizeof(int), &fd, sizeof(int));
	assert_int_equal(sendmsg(peer, &msg, 0), len);
}

/* The other end of the pipe is the only one left. */
static bool alone(int pipe_read)
{
	char byte;

	return read(pipe_read, &byte, 1) == 0;
}

static void byte_by_byte(void **state)
{
	const struct vu_message m = { .hdr = { VU_SET_VRING_NUM, 1, 8 }, .state = { 1, 256 } };

	for (size_t i = 0; i < 19; i++) {
		assert_int_equal(send(peer, (const u8 *)&m.hdr + i, 1, 0), 1);
		assert_int_equal(vub_conn_recv(&c), VUB_RECV_MORE);
		assert_int_equal(vub_conn_recv(&c), VUB_RECV_MORE);
	}
	send(peer, (const u8 *)&m.hdr + 19, 1, 0);
	assert_int_equal(vub_conn_recv(&c), VUB_RECV_MESSAGE);
	assert_memory_equal(&c.in.msg.hdr, &m.hdr, 20);
	vub_conn_next(&c);
	assert_int_equal(vub_conn_recv(&c), VUB_RECV_MORE);
}

static void several_in_one_piece(void **state)
{
	u8 all[12 + 20 + 12];
	const struct vu_message num = { .hdr = { VU_SET_VRING_NUM, 1, 8 }, .state = { 1, 256 } };
	const struct vu_header get = { VU_GET_FEATURES, 1, 0 };

	memcpy(all, &get, 12);
	memcpy(all + 12, &num.hdr, 20);
	memcpy(all + 32, &get, 12);
	send(peer, all, sizeof(all), 0);
	assert_int_equal(vub_conn_recv(&c), VUB_RECV_MESSAGE);
	assert_int_equal(c.in.msg.hdr.request, VU_GET_FEATURES);
	/* What the message does not have is not left over from another. */
	assert_int_equal(c.in.msg.u64, 0);
	vub_conn_next(&c);
	assert_int_equal(vub_conn_recv(&c), VUB_RECV_MESSAGE);
	assert_int_equal(c.in.msg.state.num, 256);
	vub_conn_next(&c);
	assert_int_equal(vub_conn_recv(&c), VUB_RECV_MESSAGE);
	assert_int_equal(c.in.msg.u64, 0);
	vub_conn_next(&c);
}

static void descriptors_stay_with_their_message(void **state)
{
	const struct vu_message kick = { .hdr = { VU_SET_VRING_KICK, 1, 8 } };
	int p[2];

	assert_int_equal(pipe(p), 0);
	send_fds(&kick.hdr, 20, 0, 0);
	send_fds(&kick.hdr, 20, p[1], 1);
	/* With the payload instead of the header. */
	send_fds(&kick.hdr, 12, 0, 0);
	send_fds((const u8 *)&kick.hdr + 12, 8, p[1], 2);
	assert_int_equal(vub_conn_recv(&c), VUB_RECV_MESSAGE);
	assert_int_equal(c.in.nfds, 0);
	vub_conn_next(&c);
	assert_int_equal(vub_conn_recv(&c), VUB_RECV_MESSAGE);
	assert_int_equal(c.in.nfds, 1);
	vub_conn_next(&c);
	while (vub_conn_recv(&c) != VUB_RECV_MESSAGE)
		;
	assert_int_equal(c.in.nfds, 2);
	/* One is taken, the other closed with the message. */
	close(p[1]);
	p[1] = vub_take_fd(&c.in, 0);
	vub_conn_next(&c);
	assert_int_equal(write(p[1], "x", 1), 1);
	close(p[1]);
	assert_false(alone(p[0]));
	assert_true(alone(p[0]));
	close(p[0]);
}

static void as_many_descriptors_as_the_kernel_passes(void **state)
{
	const struct vu_header get = { VU_GET_FEATURES, 1, 0 };
	int p[2];

	assert_int_equal(pipe(p), 0);
	send_fds(&get, 6, p[1], VUB_MAX_RECV_FDS);
	send_fds((const u8 *)&get + 6, 6, p[1], 1);
	close(p[1]);
	assert_int_equal(vub_conn_recv(&c), VUB_RECV_MORE);
	assert_int_equal(c.in.nfds, VUB_MAX_RECV_FDS);
	/* More than there can be in one message: none is kept. */
	assert_int_equal(vub_conn_recv(&c), VUB_RECV_ERROR);
	vub_conn_next(&c);
	assert_true(alone(p[0]));
	close(p[0]);
}

static void ends(void **state)
{
	const struct vu_header half = { VU_SET_VRING_NUM, 1, 8 };
	int p[2];

	assert_int_equal(pipe(p), 0);
	send_fds(&half, 12, p[1], 1);
	close(p[1]);
	close(peer);
	peer = -1;
	assert_int_equal(vub_conn_recv(&c), VUB_RECV_END);
	vub_conn_next(&c);
	assert_true(alone(p[0]));
	close(p[0]);
}

static void absurd_sizes(void **state)
{
	static const u32 sizes[] = { VU_MAX_PAYLOAD + 1, 0x7fffffff, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct vu_header hdr = { VU_GET_FEATURES, 1, sizes[i] };

		send(peer, &hdr, sizeof(hdr), 0);
		assert_int_equal(vub_conn_recv(&c), VUB_RECV_ERROR);
		vub_conn_next(&c);
	}
}

static void a_full_socket_keeps_the_place(void **state)
{
	struct vub_reply rep = { .fd = -1, .msg.hdr = { VU_GET_CONFIG, 5, 256 } };
	size_t total = 0, got = 0, done;
	char buf[4096];
	ssize_t n;

	for (u32 i = 0; i < 256; i++)
		rep.msg.bytes[i] = (u8)i;
	for (done = 0; vub_conn_send(c.fd, &rep, &done) == 1; done = 0)
		total += 268;
	total += 268;
	for (int sent = 0; !sent;) {
		n = recv(peer, buf, sizeof(buf), 0);
		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++, got++)
			if (got % 268 >= 12)
				assert_int_equal((u8)buf[i], got % 268 - 12);
		sent = vub_conn_send(c.fd, &rep, &done);
	}
	shutdown(c.fd, SHUT_WR);
	while ((n = recv(peer, buf, sizeof(buf), 0)) > 0)
		got += (size_t)n;
	assert_int_equal(got, total);
	close(peer);
	peer = -1;
	done = 0;
	assert_int_equal(vub_conn_send(c.fd, &rep, &done), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(byte_by_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(several_in_one_piece, setup, teardown),
		cmocka_unit_test_setup_teardown(descriptors_stay_with_their_message, setup,
						teardown),
		cmocka_unit_test_setup_teardown(as_many_descriptors_as_the_kernel_passes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(ends, setup, teardown),
		cmocka_unit_test_setup_teardown(absurd_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_socket_keeps_the_place, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
