// SPDX-License-Identifier: BSD-3-Clause
/* The front-end's side of the wire: what arrives in pieces, with descriptors, wrong, late or never. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/transport/vhost_user/wire.h"

#define MS 1000000ull

static int sock, peer;
static struct vu_reply r;

static int setup(void **state)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		return -1;
	sock = sv[0];
	peer = sv[1];
	return 0;
}

static void hang_up(void)
{
	if (peer >= 0)
		close(peer);
	peer = -1;
}

static int teardown(void **state)
{
	hang_up();
	close(sock);
	return 0;
}

static u64 in_ms(unsigned ms)
{
	return host_now_ns() + ms * MS;
}

/* A GET_VRING_BASE reply, as bytes. */
struct wire_state {
	struct vu_header hdr;
	struct vu_vring_state state;
};

static const struct wire_state reply = { { VU_GET_VRING_BASE, 0x5, 8 }, { 3, 0x1234 } };

static void assert_reply(void)
{
	assert_int_equal(r.msg.hdr.request, VU_GET_VRING_BASE);
	assert_int_equal(r.msg.hdr.flags, 0x5);
	assert_int_equal(r.msg.hdr.size, 8);
	assert_int_equal(r.msg.state.index, 3);
	assert_int_equal(r.msg.state.num, 0x1234);
}

static void send_fds(const void *bytes, size_t len, const int *fds, unsigned n)
{
	assert_int_equal(vu_wire_send(peer, bytes, len, fds, n, in_ms(1000)), TP_OK);
}

static void pipe_ends(int ends[2])
{
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
}

/* Nobody holds the write end any more. */
static bool at_end(int read_end)
{
	char byte;

	return read(read_end, &byte, 1) == 0;
}

/* --- receiving ---------------------------------------------------------------------------------- */

static void whole(void **state)
{
	send_fds(&reply, sizeof(reply), NULL, 0);
	assert_int_equal(vu_wire_recv(sock, &r, in_ms(1000)), TP_OK);
	assert_reply();
	assert_int_equal(r.nfds, 0);
	assert_int_equal(r.surplus_fds, 0);
}

static void no_payload(void **state)
{
	const struct vu_header h = { VU_GET_FEATURES, 0x5, 0 };

	send_fds(&h, sizeof(h), NULL, 0);
	assert_int_equal(vu_wire_recv(sock, &r, in_ms(1000)), TP_OK);
	assert_int_equal(r.msg.hdr.size, 0);
}

static void largest(void **state)
{
	struct vu_message m = { .hdr = { VU_GET_CONFIG, 0x5, VU_MAX_PAYLOAD } };

	memset(m.bytes, 0x5a, sizeof(m.bytes));
	send_fds(&m.hdr, VU_HEADER_SIZE + VU_MAX_PAYLOAD, NULL, 0);
	assert_int_equal(vu_wire_recv(sock, &r, in_ms(1000)), TP_OK);
	assert_memory_equal(r.msg.bytes, m.bytes, VU_MAX_PAYLOAD);
}

static void *byte_by_byte(void *arg)
{
	const u8 *bytes = arg;

	for (size_t i = 0; i < sizeof(reply); i++) {
		if (write(peer, bytes + i, 1) != 1)
			break;
		usleep(500);
	}
	return NULL;
}

static void in_pieces(void **state)
{
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, byte_by_byte, (void *)&reply), 0);
	assert_int_equal(vu_wire_recv(sock, &r, in_ms(5000)), TP_OK);
	pthread_join(t, NULL);
	assert_reply();
}

/* What follows a message stays for the next call. */
static void two_at_once(void **state)
{
	struct wire_state two[2] = { reply, reply };

	two[1].state.num = 7;
	send_fds(two, sizeof(two), NULL, 0);
	assert_int_equal(vu_wire_recv(sock, &r, in_ms(1000)), TP_OK);
	assert_reply();
	assert_int_equal(vu_wire_recv(sock, &r, in_ms(1000)), TP_OK);
	assert_int_equal(r.msg.state.num, 7);
}

/* --- descriptors ---------------------------------------------------------------------------------- */

static void with_descriptors(void **state)
{
	int a[2], b[2];
	char byte = 0;

	pipe_ends(a);
	pipe_ends(b);
	send_fds(&reply, sizeof(reply), (int[]){ a[1], b[1] }, 2);
	close(a[1]);
	close(b[1]);
	assert_int_equal(vu_wire_recv(sock, &r, in_ms(1000)), TP_OK);
	assert_int_equal(r.nfds, 2);
	/* In their order, usable, and not to be inherited. */
	assert_int_equal(write(r.fds[0], "a", 1), 1);
	assert_int_equal(write(r.fds[1], "b", 1), 1);
	assert_int_equal(read(a[0], &byte, 1), 1);
	assert_int_equal(byte, 'a');
	assert_int_equal(read(b[0], &byte, 1), 1);
	assert_int_equal(byte, 'b');
	assert_true(fcntl(r.fds[0], F_GETFD) & FD_CLOEXEC);
	vu_reply_release(&r);
	assert_int_equal(r.nfds, 0);
	assert_true(at_end(a[0]));
	assert_true(at_end(b[0]));
	close(a[0]);
	close(b[0]);
}

static void surplus_descriptors(void **state)
{
	int fds[20], ends[2];

	pipe_ends(ends);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = ends[1];
	send_fds(&reply, sizeof(reply), fds, ARRAY_SIZE(fds));
	close(ends[1]);
	assert_int_equal(vu_wire_recv(sock, &r, in_ms(1000)), TP_OK);
	assert_int_equal(r.nfds, VU_MAX_FDS);
	assert_int_equal(r.surplus_fds, ARRAY_SIZE(fds) - VU_MAX_FDS);
	assert_false(at_end(ends[0]));
	vu_reply_release(&r);
	assert_true(at_end(ends[0]));
	close(ends[0]);
}

/* Some with the header, some with the payload. */
static void descriptors_in_parts(void **state)
{
	int ends[2];

	pipe_ends(ends);
	send_fds(&reply, VU_HEADER_SIZE, &ends[1], 1);
	send_fds(&reply.state, sizeof(reply.state), &ends[1], 1);
	close(ends[1]);
	assert_int_equal(vu_wire_recv(sock, &r, in_ms(1000)), TP_OK);
	assert_int_equal(r.nfds, 2);
	vu_reply_release(&r);
	assert_true(at_end(ends[0]));
	close(ends[0]);
}

/* Descriptors of a message that never becomes one are closed. */
static void descriptors_of_half_a_message(void **state)
{
	int ends[2];

	pipe_ends(ends);
	send_fds(&reply, VU_HEADER_SIZE + 3, &ends[1], 1);
	close(ends[1]);
	hang_up();
	assert_int_equal(vu_wire_recv(sock, &r, in_ms(1000)), TP_EGONE);
	assert_int_equal(r.nfds, 0);
	assert_true(at_end(ends[0]));
	close(ends[0]);
}

/* --- what goes wrong -------------------------------------------------------------------------------- */

static void closed_at_once(void **state)
{
	hang_up();
	assert_int_equal(vu_wire_recv(sock, &r, in_ms(1000)), TP_EGONE);
}

static void closed_in_the_middle(void **state)
{
	for (size_t cut = 1; cut < sizeof(reply); cut++) {
		send_fds(&reply, cut, NULL, 0);
		hang_up();
		assert_int_equal(vu_wire_recv(sock, &r, in_ms(1000)), TP_EGONE);
		close(sock);
		assert_int_equal(setup(state), 0);
	}
}

static void absurd_size(void **state)
{
	static const u32 sizes[] = { VU_MAX_PAYLOAD + 1, 0x10000, 0x80000000, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct vu_header h = { VU_GET_FEATURES, 0x5, sizes[i] };
		u64 start = host_now_ns();

		send_fds(&h, sizeof(h), NULL, 0);
		assert_int_equal(vu_wire_recv(sock, &r, in_ms(5000)), TP_EPROTO);
		/* Said at once, not when the payload fails to come. */
		assert_true(host_now_ns() - start < 4000 * MS);
	}
}

static void nothing_comes(void **state)
{
	u64 start = host_now_ns(), took;

	assert_int_equal(vu_wire_recv(sock, &r, in_ms(30)), TP_ETIMEOUT);
	took = host_now_ns() - start;
	assert_true(took >= 29 * MS && took < 5000 * MS);
}

static void half_comes(void **state)
{
	int ends[2];

	pipe_ends(ends);
	send_fds(&reply, VU_HEADER_SIZE + 4, &ends[1], 1);
	close(ends[1]);
	assert_int_equal(vu_wire_recv(sock, &r, in_ms(30)), TP_ETIMEOUT);
	assert_true(at_end(ends[0]));
	close(ends[0]);
}

/* Bytes that trickle in do not move the deadline. */
static void *trickle(void *arg)
{
	const u8 zero = 0;

	for (unsigned i = 0; i < 200 && send(peer, &zero, 1, MSG_NOSIGNAL) == 1; i++)
		usleep(5000);
	return NULL;
}

static void slow_for_ever(void **state)
{
	const struct vu_header h = { VU_GET_CONFIG, 0x5, VU_MAX_PAYLOAD };
	u64 start = host_now_ns();
	pthread_t t;

	send_fds(&h, sizeof(h), NULL, 0);
	assert_int_equal(pthread_create(&t, NULL, trickle, NULL), 0);
	assert_int_equal(vu_wire_recv(sock, &r, in_ms(60)), TP_ETIMEOUT);
	assert_true(host_now_ns() - start < 900 * MS);
	shutdown(sock, SHUT_RDWR);
	pthread_join(t, NULL);
}

/* --- sending, waiting, connecting -------------------------------------------------------------------- */

static void peer_does_not_read(void **state)
{
	static u8 much[4 << 20];

	assert_int_equal(fcntl(sock, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(vu_wire_send(sock, much, sizeof(much), NULL, 0, in_ms(50)), TP_ETIMEOUT);
}

static void peer_is_gone(void **state)
{
	hang_up();
	assert_int_equal(vu_wire_send(sock, &reply, sizeof(reply), NULL, 0, in_ms(1000)), TP_EGONE);
}

static void bad_descriptor_of_ours(void **state)
{
	assert_int_equal(
		vu_wire_send(sock, &reply, sizeof(reply), (int[]){ 100000 }, 1, in_ms(1000)),
		TP_ELOCAL);
}

static void poll_tells_which(void **state)
{
	int more[2], socks[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, more), 0);
	socks[0] = sock;
	socks[1] = more[0];
	assert_int_equal(vu_wire_poll(socks, 2, in_ms(20)), -1);
	assert_int_equal(write(more[1], "x", 1), 1);
	assert_int_equal(vu_wire_poll(socks, 2, in_ms(1000)), 1);
	send_fds(&reply, sizeof(reply), NULL, 0);
	assert_int_equal(vu_wire_poll(socks, 2, in_ms(1000)), 0);
	close(more[0]);
	close(more[1]);
}

static void closed_is_seen(void **state)
{
	assert_false(vu_wire_closed(sock, in_ms(20)));
	/* Unread data is left where it is, before the end and after it. */
	send_fds(&reply, sizeof(reply), NULL, 0);
	assert_false(vu_wire_closed(sock, in_ms(20)));
	hang_up();
	assert_true(vu_wire_closed(sock, in_ms(1000)));
	assert_int_equal(vu_wire_recv(sock, &r, in_ms(1000)), TP_OK);
	assert_reply();
	assert_true(vu_wire_closed(sock, in_ms(1000)));
}

static void connects(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/vu-wire-XXXXXX", path[64], longer[200];
	int listener, s;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	assert_int_equal(vu_wire_connect(path, 20), -1);
	assert_int_equal(errno, ENOENT);

	strcpy(addr.sun_path, path);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 1), 0);
	s = vu_wire_connect(path, 1000);
	assert_true(s >= 0);
	close(s);
	close(listener);
	assert_int_equal(vu_wire_connect(path, 20), -1);
	assert_int_equal(errno, ECONNREFUSED);
	unlink(path);
	rmdir(dir);

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(vu_wire_connect(longer, 20), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

/* Who comes is taken, and nobody is waited for longer than told. */
static void accepts(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/vu-wire-XXXXXX";
	int listener, s, there;

	assert_non_null(mkdtemp(dir));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/socket", dir);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(vu_wire_accept(listener, 20), -1);
	assert_int_equal(errno, ETIMEDOUT);
	there = vu_wire_connect(addr.sun_path, 1000);
	s = vu_wire_accept(listener, 20);
	assert_true(there >= 0 && s >= 0);
	/* As one that we made. */
	assert_true(fcntl(s, F_GETFL) & O_NONBLOCK && fcntl(s, F_GETFD) & FD_CLOEXEC);
	close(there);
	assert_true(vu_wire_closed(s, in_ms(1000)));
	close(s);
	close(listener);
	unlink(addr.sun_path);
	rmdir(dir);
	assert_int_equal(vu_wire_accept(-1, 20), -1);
	assert_int_equal(errno, EBADF);
}

/* A backlog that is full is waited for, and not longer than told. */
static void backlog_is_full(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/vu-wire-XXXXXX";
	int listener, s[8], n = 0;

	assert_non_null(mkdtemp(dir));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/socket", dir);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 0), 0);
	while (n < 8 && (s[n] = vu_wire_connect(addr.sun_path, 30)) >= 0)
		n++;
	assert_true(n < 8);
	assert_int_equal(errno, EAGAIN);
	while (n)
		close(s[--n]);
	close(listener);
	unlink(addr.sun_path);
	rmdir(dir);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whole),
		TEST(no_payload),
		TEST(largest),
		TEST(in_pieces),
		TEST(two_at_once),
		TEST(with_descriptors),
		TEST(surplus_descriptors),
		TEST(descriptors_in_parts),
		TEST(descriptors_of_half_a_message),
		TEST(closed_at_once),
		TEST(closed_in_the_middle),
		TEST(absurd_size),
		TEST(nothing_comes),
		TEST(half_comes),
		TEST(slow_for_ever),
		TEST(peer_does_not_read),
		TEST(peer_is_gone),
		TEST(bad_descriptor_of_ours),
		TEST(poll_tells_which),
		TEST(closed_is_seen),
		TEST(connects),
		TEST(accepts),
		TEST(backlog_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
