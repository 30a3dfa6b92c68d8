// SPDX-License-Identifier: BSD-3-Clause
/* Who sleeps in a poll(2) of its own hears of what is watched, with io_uring and without. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "ref-backends/device/host/reactor.h"

#define PATIENCE 20000 /* ms, on a busy machine */

static struct {
	struct reactor reactor;
	struct reactor_watch watch;
	struct pollfd p[REACTOR_WATCHES_MAX];
	int pipe[2];
	unsigned times;
} env;

static void readable(struct reactor_watch *w)
{
	char byte;

	assert_int_equal(read(w->fd, &byte, 1), 1);
	env.times++;
}

static void open_all(bool plain)
{
	env.times = 0;
	assert_int_equal(pipe2(env.pipe, O_CLOEXEC), 0);
	assert_int_equal(plain ? reactor_init_plain(&env.reactor) : reactor_init(&env.reactor, 16),
			 0);
	reactor_watch_add(&env.reactor, &env.watch, readable);
	env.watch.fd = env.pipe[0];
}

static void close_all(void)
{
	reactor_exit(&env.reactor);
	close(env.pipe[0]);
	close(env.pipe[1]);
}

static int sleeps(int ms)
{
	return poll(env.p, reactor_listen(&env.reactor, env.p), ms);
}

static void is_heard(bool plain)
{
	open_all(plain);
	assert_int_equal(sleeps(0), 0);
	for (unsigned n = 1; n <= 5; n++) {
		assert_int_equal(write(env.pipe[1], "", 1), 1);
		assert_int_equal(sleeps(PATIENCE), 1);
		reactor_poll(&env.reactor);
		assert_int_equal(env.times, n);
	}
	assert_int_equal(sleeps(0), 0);
	reactor_wake(&env.reactor);
	assert_int_equal(sleeps(PATIENCE), 1);
	reactor_poll(&env.reactor);
	assert_int_equal(sleeps(0), 0);
	assert_int_equal(env.times, 5);
	close_all();
}

static void a_watch_is_heard(void **state)
{
	is_heard(true);
	is_heard(false);
}

static void more_than_is_listened_to(void **state)
{
	open_all(true);
	assert_true(reactor_unheard(&env.reactor));
	assert_int_equal(reactor_listen(&env.reactor, env.p), 2);
	assert_false(reactor_unheard(&env.reactor));
	/* Less is no matter. */
	env.watch.paused = true;
	assert_false(reactor_unheard(&env.reactor));
	assert_int_equal(reactor_listen(&env.reactor, env.p), 1);
	env.watch.paused = false;
	assert_true(reactor_unheard(&env.reactor));
	assert_int_equal(reactor_listen(&env.reactor, env.p), 2);
	/* What had this number may have been another file. */
	reactor_watch_set(&env.reactor, &env.watch, env.pipe[0]);
	assert_true(reactor_unheard(&env.reactor));
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_watch_is_heard),
		cmocka_unit_test(more_than_is_listened_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
