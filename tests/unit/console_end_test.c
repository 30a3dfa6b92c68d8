// SPDX-License-Identifier: BSD-3-Clause
/* What a console's port is attached to: terminals, sockets and files, with who comes, goes and does not read. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "ref-backends/device/host/console_end.h"
#include "ref-backends/device/host/reactor.h"

#define MUCH (1u << 20)

static struct {
	struct rcon con;
	struct con_end *end;
	struct reactor reactor;
	struct rdev_req req;
	u32 sent; /* of `bytes`, by the driver */
	char dir[64], path[128];
	u8 bytes[MUCH], back[MUCH];
} env;

static int setup(void **state)
{
	memset(&env, 0, sizeof(env));
	strcpy(env.dir, "/tmp/console_end_test_XXXXXX");
	assert_non_null(mkdtemp(env.dir));
	snprintf(env.path, sizeof(env.path), "%s/there", env.dir);
	for (u32 i = 0; i < MUCH; i++)
		env.bytes[i] = (u8)(i * 31 + i / 256 + i / 65536);
	assert_int_equal(reactor_init(&env.reactor, 16), 0);
	return 0;
}

static void use(struct con_end *e)
{
	const struct con_opts o = {
		.ports = 1, .cols = 80, .rows = 25, .hidden = BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT)
	};

	assert_non_null(e);
	env.end = e;
	rcon_init(&env.con, &o);
	assert_true(rcon_attach(&env.con, 0, e, NULL, true));
	for (u16 q = 0; q < 2; q++)
		assert_int_equal(env.con.dev.ops->queue_open(&env.con.dev, q, &env.reactor), 0);
}

static int teardown(void **state)
{
	for (u16 q = 0; env.end && q < 2; q++)
		env.con.dev.ops->queue_close(&env.con.dev, q);
	con_end_free(env.end);
	reactor_exit(&env.reactor);
	unlink(env.path);
	return rmdir(env.dir);
}

static void turn(void)
{
	reactor_wait(&env.reactor, 1000);
}

static void await(bool there)
{
	while (env.end->there != there)
		turn();
}

static void done(struct rdev_req *req)
{
}

/* The driver sends a buffer if it can; whether all of it is gone. */
static bool out(const u8 *bytes, u32 len)
{
	struct dvq_seg seg = { (void *)bytes, len };

	if (!env.con.dev.ops->ready(&env.con.dev, 1))
		return false;
	env.req = (struct rdev_req){ .done = done, .queue = 1 };
	env.req.chain = (struct dvq_chain){ .segs = &seg, .n_readable = 1, .readable = len };
	env.con.dev.ops->serve(&env.con.dev, &env.req);
	return !env.req.put_back;
}

/* What there is for the driver. */
static u32 in(u8 *to, u32 len)
{
	struct dvq_seg seg = { to, len };

	if (!env.con.dev.ops->ready(&env.con.dev, 0))
		return 0;
	env.req = (struct rdev_req){ .done = done, .queue = 0 };
	env.req.chain = (struct dvq_chain){ .segs = &seg, .n_writable = 1, .writable = len };
	env.con.dev.ops->serve(&env.con.dev, &env.req);
	return env.req.used_len;
}

static void all_in(u32 len)
{
	u32 at = 0;

	while (at < len) {
		at += in(env.back + at, len - at);
		turn();
	}
	assert_memory_equal(env.back, env.bytes, len);
	assert_int_equal(in(env.back, 1), 0);
}

static int is_there(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0);
}

/* All of the driver's arrives there, however slowly it is read. */
static void all_out(int fd, u32 len)
{
	bool gone = false;
	u32 at = 0;

	while (at < len) {
		gone = gone || out(env.bytes, len);
		turn();
		if (is_there(fd) > 0) {
			ssize_t n = read(fd, env.back + at, MIN(len - at, 3000u));

			assert_true(n > 0);
			at += (u32)n;
		}
	}
	assert_true(gone);
	assert_memory_equal(env.back, env.bytes, len);
}

/* As much as goes in at once, from a descriptor that does not block. */
static void both_ways(int fd)
{
	u32 at = 0, got = 0;

	all_out(fd, 200000);
	while (got < 200000) {
		if (at < 200000) {
			ssize_t n = write(fd, env.bytes + at, MIN(200000 - at, 5000u));

			at += n > 0 ? (u32)n : 0;
		}
		turn();
		got += in(env.back + got, 1000);
	}
	assert_memory_equal(env.back, env.bytes, 200000);
}

/* --- a terminal ----------------------------------------------------------------------------------------- */

static int open_terminal(void)
{
	int fd = open(env.path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void test_pty(void **state)
{
	struct winsize w = { 0 };
	u16 cols, rows;
	int fd;

	use(con_end_pty(env.path, 91, 33));
	turn();
	assert_false(env.end->there);
	assert_true(out(env.bytes, 100000)); /* nobody listens */
	for (unsigned i = 0; i < 2; i++) {
		fd = open_terminal();
		await(true);
		both_ways(fd);
		assert_int_equal(ioctl(fd, TIOCGWINSZ, &w), 0);
		assert_int_equal(w.ws_col, 91 + i);
		assert_int_equal(w.ws_row, 33);
		w.ws_col++;
		assert_int_equal(ioctl(fd, TIOCSWINSZ, &w), 0);
		assert_true(env.end->ops->size(env.end, &cols, &rows));
		assert_int_equal(cols, 92 + i);
		assert_int_equal(rows, 33);
		close(fd);
		await(false);
	}
	/* What was typed is not lost with who typed it. */
	fd = open_terminal();
	assert_int_equal(write(fd, env.bytes, 500), 500);
	close(fd);
	all_in(500);
	await(false);
}

/* Somebody who is there and does not read stops the driver, until he reads or goes. */
static void test_pty_waits(void **state)
{
	int fd;

	use(con_end_pty(env.path, 80, 25));
	fd = open_terminal();
	await(true);
	assert_false(out(env.bytes, MUCH));
	assert_false(out(env.bytes, MUCH));
	close(fd);
	await(false);
	assert_true(out(env.bytes, MUCH));
	fd = open_terminal();
	await(true);
	close(fd);
	await(false);
}

static void test_pty_link(void **state)
{
	struct con_end *e;
	struct stat st;

	assert_int_equal(symlink("/nonexistent", env.path), 0);
	e = con_end_pty(env.path, 80, 25);
	assert_non_null(e);
	assert_int_equal(stat(env.path, &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	con_end_free(e);
	assert_int_equal(lstat(env.path, &st), -1);
	/* A file is left alone. */
	close(open(env.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_null(con_end_pty(env.path, 80, 25));
	assert_int_equal(stat(env.path, &st), 0);
	assert_null(con_end_socket(env.path));
	assert_null(con_end_socket("/nonexistent/socket"));
	assert_null(con_end_files("/nonexistent/out", NULL));
	assert_null(con_end_files(NULL, "/nonexistent/in"));
}

/* --- a socket ------------------------------------------------------------------------------------------- */

static int connect_to(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(to.sun_path, env.path);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void test_socket(void **state)
{
	int fd, second;
	u8 byte;

	use(con_end_socket(env.path));
	assert_true(out(env.bytes, 100000));
	for (unsigned i = 0; i < 2; i++) {
		fd = connect_to();
		await(true);
		both_ways(fd);
		close(fd);
		await(false);
	}
	/* The next waits for its turn, and what the first left behind comes first. */
	fd = connect_to();
	await(true);
	second = connect_to();
	assert_int_equal(write(fd, env.bytes, 20000), 20000);
	turn();
	close(fd);
	all_in(20000);
	assert_int_equal(write(second, "2", 1), 1);
	while (!in(&byte, 1))
		turn();
	assert_int_equal(byte, '2');
	/* One that has said all still listens. */
	assert_int_equal(shutdown(second, SHUT_WR), 0);
	turn();
	all_out(second, 1000);
	close(second);
	await(false);
}

static void test_socket_waits(void **state)
{
	int fd;

	use(con_end_socket(env.path));
	fd = connect_to();
	await(true);
	assert_false(out(env.bytes, MUCH));
	assert_false(out(env.bytes, MUCH));
	turn();
	close(fd);
	await(false);
	assert_true(out(env.bytes, MUCH));
	/* The device is closed, and opened again. */
	for (u16 q = 0; q < 2; q++)
		env.con.dev.ops->queue_close(&env.con.dev, q);
	reactor_exit(&env.reactor);
	assert_int_equal(reactor_init_plain(&env.reactor), 0);
	fd = connect_to();
	for (u16 q = 0; q < 2; q++)
		assert_int_equal(env.con.dev.ops->queue_open(&env.con.dev, q, &env.reactor), 0);
	await(true);
	both_ways(fd);
	close(fd);
	await(false);
}

/* --- files ---------------------------------------------------------------------------------------------- */

static void test_files(void **state)
{
	char from[128];
	int fd;

	snprintf(from, sizeof(from), "%s/in", env.dir);
	fd = open(from, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, env.bytes, 100000), 100000);
	use(con_end_files(env.path, from));
	all_in(100000);
	assert_true(out(env.bytes, 70000));
	assert_true(out(env.bytes + 70000, 30000));
	close(fd);
	fd = open(env.path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, env.back, MUCH), 100000);
	assert_memory_equal(env.back, env.bytes, 100000);
	close(fd);
	unlink(from);
}

static void test_fifos(void **state)
{
	char from[128];
	int there, here;

	snprintf(from, sizeof(from), "%s/in", env.dir);
	assert_int_equal(mkfifo(from, 0600) | mkfifo(env.path, 0600), 0);
	use(con_end_files(env.path, from));
	here = open(env.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	all_out(here, 300000);
	for (unsigned i = 0; i < 2; i++) {
		there = open(from, O_WRONLY | O_CLOEXEC);
		assert_int_equal(write(there, env.bytes, 30000), 30000);
		close(there);
		all_in(30000);
	}
	close(here);
	unlink(from);
}

/* A character goes to where the port's data goes, or at least somewhere. */
static void test_emergency(void **state)
{
	int fd, was = dup(2);
	u8 byte = 0;

	use(con_end_socket(env.path));
	fd = connect_to();
	await(true);
	assert_true(
		env.con.dev.ops->config_write(&env.con.dev, 8, (const u8 *)"e\0\0\0", 4, false));
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(byte, 'e');
	close(fd);
	await(false);
	fd = memfd_create("stderr", MFD_CLOEXEC);
	assert_true(dup2(fd, 2) == 2);
	assert_true(
		env.con.dev.ops->config_write(&env.con.dev, 8, (const u8 *)"f\0\0\0", 4, false));
	assert_true(dup2(was, 2) == 2);
	close(was);
	assert_int_equal(pread(fd, &byte, 1, 0), 1);
	assert_int_equal(byte, 'f');
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pty),	   TEST(test_pty_waits),    TEST(test_pty_link),
		TEST(test_socket), TEST(test_socket_waits), TEST(test_files),
		TEST(test_fifos),  TEST(test_emergency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
