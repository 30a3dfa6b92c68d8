// SPDX-License-Identifier: BSD-3-Clause
/* Whose event descriptors are whose, where no driver tells: a process that has some of this one's, and what comes of use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "traces/bpf/fds.h"

static struct kernel_fd_use use[KERNEL_FD_NUMBERS];

static void add_shared(struct kernel_file *f, u32 pid, u32 fd, u32 own)
{
	f->fd[f->fds++] = (struct kernel_fd){
		.pid = pid, .fd = fd, .queue = KERNEL_NO_QUEUE, .role = KERNEL_FD_SHARED, .own = own
	};
}

static const struct kernel_fd *find(const struct kernel_file *f, u32 pid, u32 fd)
{
	for (u32 i = 0; i < f->fds; i++)
		if (f->fd[i].pid == pid && f->fd[i].fd == fd)
			return &f->fd[i];
	fail_msg("process %u has no %u", pid, fd);
	return NULL;
}

static void is_call_of(const struct kernel_file *f, u32 pid, u32 fd, u16 queue)
{
	assert_int_equal(find(f, pid, fd)->role, KERNEL_FD_CALL);
	assert_int_equal(find(f, pid, fd)->queue, queue);
}

static void is_kick_of(const struct kernel_file *f, u32 pid, u32 fd, u16 queue)
{
	assert_int_equal(find(f, pid, fd)->role, KERNEL_FD_KICK);
	assert_int_equal(find(f, pid, fd)->queue, queue);
}

static void shared_descriptors_get_their_queues(void **state)
{
	struct kernel_file f = { 0 };
	const u32 fds[] = { 24, 21, 22, 23, 25, 400000 };

	for (u32 i = 0; i < ARRAY_SIZE(fds); i++)
		add_shared(&f, 1, fds[i], fds[i]);
	/* The front-end's number of the second kick. */
	add_shared(&f, 2, 500000, 23);
	memset(use, 0, sizeof(use));
	use[23].read = 5;
	use[22].written = use[24].written = 5;
	/* For a while it was something else. */
	use[21].written = 1;
	use[21].read = 100;
	use[25].written = use[25].read = 1;
	kernel_name_fds(&f, 1, use);
	is_kick_of(&f, 1, 21, 0);
	is_call_of(&f, 1, 22, 0);
	is_kick_of(&f, 1, 23, 1);
	is_call_of(&f, 1, 24, 1);
	is_kick_of(&f, 2, 500000, 1);
	assert_int_equal(find(&f, 1, 25)->queue, KERNEL_NO_QUEUE);
	assert_int_equal(find(&f, 1, 400000)->queue, KERNEL_NO_QUEUE);
}

/* A front-end that takes one call for another: the first was written once. */
static void calls_that_are_replaced(void **state)
{
	struct kernel_file f = { 0 };

	for (u32 fd = 20; fd < 23; fd++)
		add_shared(&f, 1, fd, fd);
	memset(use, 0, sizeof(use));
	use[20].read = 100;
	use[21].written = 1;
	use[22].written = 99;
	kernel_name_fds(&f, 1, use);
	is_kick_of(&f, 1, 20, 0);
	is_call_of(&f, 1, 22, 0);
	assert_int_equal(find(&f, 1, 21)->queue, KERNEL_NO_QUEUE);
}

/* --- a back-end that is there ---------------------------------------------------------------------------- */

/* Another process, which has all that this one has, and gives a descriptor another number when it is asked to. */
static struct {
	u32 pid;
	int kick, call; /* of both */
	int ask, answer;
} back;

struct move {
	int from, to;
};

static void be_back_end(int ask, int answer)
{
	struct move m;

	while (read(ask, &m, sizeof(m)) == sizeof(m)) {
		const bool moved =
			m.from == m.to || (dup2(m.from, m.to) == m.to && close(m.from) == 0);

		if (write(answer, &moved, 1) != 1)
			break;
	}
	_exit(0);
}

static int start_back_end(void **state)
{
	int ask[2], answer[2];
	pid_t pid;

	back.kick = eventfd(0, 0);
	back.call = eventfd(0, 0);
	if (back.kick < 0 || back.call < 0 || pipe(ask) || pipe(answer))
		return -1;
	pid = fork();
	if (pid < 0)
		return -1;
	if (!pid) {
		close(ask[1]);
		be_back_end(ask[0], answer[1]);
	}
	close(ask[0]);
	close(answer[1]);
	back.pid = (u32)pid;
	back.ask = ask[1];
	back.answer = answer[0];
	memset(use, 0, sizeof(use));
	return 0;
}

static int end_back_end(void **state)
{
	close(back.ask);
	close(back.answer);
	close(back.kick);
	close(back.call);
	return waitpid((pid_t)back.pid, NULL, 0) == (pid_t)back.pid ? 0 : -1;
}

static void move_its(int from, int to)
{
	const struct move m = { from, to };
	bool moved = false;

	assert_int_equal(write(back.ask, &m, sizeof(m)), sizeof(m));
	assert_int_equal(read(back.answer, &moved, 1), 1);
	assert_true(moved);
}

static void look(struct kernel_file *f, u64 *seen)
{
	char err[200];

	assert_int_equal(kernel_find_fds(f, back.pid, seen, err, sizeof(err)), 0);
}

static void front_end_is_found(void **state)
{
	const u32 me = (u32)getpid();
	struct kernel_file f = { 0 };
	u64 seen = 0;

	look(&f, &seen);
	assert_int_equal(f.processes, 1);
	assert_int_equal(f.process[0].pid, me);
	assert_int_equal(f.process[0].role, KERNEL_FRONT_END);
	assert_int_equal(f.fds, 4);
	use[back.kick].read = use[back.call].written = 9;
	/* Again, and nothing is there twice. */
	look(&f, &seen);
	assert_int_equal(f.fds, 4);
	kernel_name_fds(&f, back.pid, use);
	is_kick_of(&f, back.pid, (u32)back.kick, 0);
	is_call_of(&f, back.pid, (u32)back.call, 0);
	is_kick_of(&f, me, (u32)back.kick, 0);
	is_call_of(&f, me, (u32)back.call, 0);
}

/* The front-end gives a descriptor another number; the back-end has what it had. */
static void front_end_takes_another_number(void **state)
{
	struct kernel_file f = { 0 };
	u64 seen = 0;
	int other;

	look(&f, &seen);
	look(&f, &seen);
	other = fcntl(back.call, F_DUPFD, 200);
	assert_in_range(other, 200, 1000);
	close(back.call);
	look(&f, &seen);
	use[back.kick].read = use[back.call].written = 9;
	kernel_name_fds(&f, back.pid, use);
	is_call_of(&f, (u32)getpid(), (u32)other, 0);
	back.call = other;
}

/* The back-end gets the same call again, as another number, and has written but once to the first. */
static void same_call_by_two_numbers(void **state)
{
	int its = back.call;

	for (int up = 0; up < 2; up++) {
		const int first = up ? 201 : 301, then = up ? 301 : 201;
		struct kernel_file f = { 0 };
		bool found = false;
		u64 seen = 0;

		move_its(its, first);
		look(&f, &seen);
		move_its(first, then);
		its = then;
		look(&f, &seen);
		memset(use, 0, sizeof(use));
		use[back.kick].read = 100;
		use[first].written = 1;
		use[then].written = 99;
		kernel_name_fds(&f, back.pid, use);
		is_call_of(&f, back.pid, (u32)then, 0);
		for (u32 i = 0; i < f.fds; i++)
			found |= f.fd[i].pid == (u32)getpid() && f.fd[i].fd == (u32)back.call &&
				 f.fd[i].role == KERNEL_FD_CALL && f.fd[i].queue == 0;
		assert_true(found);
	}
}

#define WITH_BACK_END(name) cmocka_unit_test_setup_teardown(name, start_back_end, end_back_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_descriptors_get_their_queues),
		cmocka_unit_test(calls_that_are_replaced),
		WITH_BACK_END(front_end_is_found),
		WITH_BACK_END(front_end_takes_another_number),
		WITH_BACK_END(same_call_by_two_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
