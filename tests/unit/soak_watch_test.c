// SPDX-License-Identifier: BSD-3-Clause
/* A process that keeps a descriptor, a thread or memory is seen to. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "tests/bench/soaks/watch.h"

/* Of another process, since looking itself takes memory, with a sanitizer much of it. */
static void nothing(void **state)
{
	struct watch before, after;
	const pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		for (;;)
			pause();
	assert_true(watch_look(&before, child));
	assert_true(watch_look(&after, child));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_false(watch_grew(&before, &after));
}

static void a_descriptor(void **state)
{
	struct watch before, after;
	int fd;

	assert_true(watch_look(&before, getpid()));
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(watch_look(&after, getpid()));
	assert_true(watch_grew(&before, &after));
	close(fd);
	assert_true(watch_look(&after, getpid()));
	assert_false(after.fds > before.fds);
}

static void *wait_for_it(void *lock)
{
	pthread_mutex_lock(lock);
	pthread_mutex_unlock(lock);
	return NULL;
}

static void a_thread(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct watch before, after;
	pthread_t t;

	assert_true(watch_look(&before, getpid()));
	pthread_mutex_lock(&lock);
	assert_int_equal(pthread_create(&t, NULL, wait_for_it, &lock), 0);
	assert_true(watch_look(&after, getpid()));
	pthread_mutex_unlock(&lock);
	pthread_join(t, NULL);
	assert_true(after.threads > before.threads);
	assert_true(watch_grew(&before, &after));
}

static void memory(void **state)
{
	const size_t bytes = 1 << 20; /* a byte each of a million */
	struct watch before, after;
	u8 *p;

	assert_true(watch_look(&before, getpid()));
	p = malloc(bytes);
	assert_non_null(p);
	memset(p, 1, bytes);
	assert_true(watch_look(&after, getpid()));
	assert_true(watch_grew(&before, &after));
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing),
		cmocka_unit_test(a_descriptor),
		cmocka_unit_test(a_thread),
		cmocka_unit_test(memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
