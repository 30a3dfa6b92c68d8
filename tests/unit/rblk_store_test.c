// SPDX-License-Identifier: BSD-3-Clause
/* Stores: the same operations give the same bytes, through io_uring, without it, and in memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ref-backends/device/host/reactor.h"
#include "ref-backends/device/host/store.h"

#define BYTES (1u << 20)

enum kind {
	MEMORY,
	FILE_URING,
	FILE_SYNC
};

struct env {
	struct rblk_store *st;
	struct reactor reactor;
	char path[32];
};

static struct env env;
static int outcome;

static void on_done(struct rblk_io *io, int error)
{
	outcome = error;
}

static int open_env(enum kind kind)
{
	int fd;

	memset(&env, 0, sizeof(env));
	if (kind == FILE_SYNC)
		setenv("RINGSIDE_NO_URING", "1", 1);
	else
		unsetenv("RINGSIDE_NO_URING");
	assert_int_equal(reactor_init(&env.reactor, 16), 0);
	if (kind == MEMORY) {
		env.st = store_memory_open(BYTES);
	} else {
		strcpy(env.path, "/tmp/rblk_store_XXXXXX");
		fd = mkstemp(env.path);
		assert_int_equal(ftruncate(fd, BYTES + 100), 0); /* a part of a sector is none */
		close(fd);
		env.st = store_file_open(env.path, false, 1);
	}
	assert_non_null(env.st);
	assert_int_equal(env.st->sectors, BYTES / 512);
	if (env.st->ops->queue_open)
		assert_int_equal(env.st->ops->queue_open(env.st, 0, &env.reactor), 0);
	return 0;
}

static int setup_memory(void **state)
{
	return open_env(MEMORY);
}

static int setup_uring(void **state)
{
	return open_env(FILE_URING);
}

static int setup_sync(void **state)
{
	return open_env(FILE_SYNC);
}

static int teardown(void **state)
{
	env.st->ops->close(env.st);
	reactor_exit(&env.reactor);
	if (env.path[0])
		unlink(env.path);
	return 0;
}

static int run(enum rblk_op op, u64 offset, u64 len, struct dvq_seg *segs, u32 nsegs, bool flag)
{
	static struct rblk_io io;

	io = (struct rblk_io){
		.op = op,
		.durable = flag,
		.unmap = flag,
		.segs = segs,
		.nsegs = nsegs,
		.offset = offset,
		.len = len,
		.done = on_done,
	};
	outcome = -1;
	env.st->ops->submit(env.st, &io);
	for (int i = 0; i < 1000 && outcome == -1; i++)
		reactor_wait(&env.reactor, 10000);
	return outcome;
}

/* `n` segments of `each` bytes, one after the other. */
static struct dvq_seg *cut(u8 *base, u32 n, u32 each)
{
	struct dvq_seg *segs = calloc(n, sizeof(*segs));

	for (u32 i = 0; i < n; i++)
		segs[i] = (struct dvq_seg){ base + (u64)i * each, each };
	return segs;
}

static void what_was_written_is_read(void **state)
{
	static const struct {
		u32 n, each;
	} shapes[] = { { 1, 512 },    { 1, 1 << 19 }, { 512, 1 },
		       { 1024, 512 }, { 4096, 8 },    { 3, 512 } };
	u8 *out = malloc(BYTES), *in = malloc(BYTES);

	for (size_t w = 0; w < ARRAY_SIZE(shapes); w++) {
		u32 len = shapes[w].n * shapes[w].each;
		struct dvq_seg *ws = cut(out, shapes[w].n, shapes[w].each);

		for (u32 i = 0; i < len; i++)
			out[i] = (u8)(i * 31 + w);
		assert_int_equal(run(RBLK_OP_WRITE, 4096, len, ws, shapes[w].n, w % 2), 0);
		for (size_t r = 0; r < ARRAY_SIZE(shapes); r++) {
			u32 part = MIN(len, shapes[r].n * shapes[r].each);
			struct dvq_seg *rs = cut(in, shapes[r].n, shapes[r].each);

			if (part == shapes[r].n * shapes[r].each) {
				memset(in, 0xee, BYTES);
				assert_int_equal(
					run(RBLK_OP_READ, 4096, part, rs, shapes[r].n, false), 0);
				assert_memory_equal(in, out, part);
				assert_int_equal(in[part], 0xee);
			}
			free(rs);
		}
		free(ws);
	}
	assert_int_equal(run(RBLK_OP_FLUSH, 0, 0, NULL, 0, false), 0);
	free(out);
	free(in);
}

static void zeroes_are_zeroes(void **state)
{
	static const enum rblk_op ops[] = { RBLK_OP_ZERO, RBLK_OP_ERASE, RBLK_OP_DISCARD };
	static const struct {
		u64 at, len;
	} ranges[] = { { 0, 512 }, { 512, 8192 }, { 4096, 4096 }, { 1024, 200 * 1024 }, { 0, 0 } };
	u8 *data = malloc(BYTES), *in = malloc(BYTES);
	struct dvq_seg all = { data, BYTES }, back = { in, BYTES };

	memset(data, 0x77, BYTES);
	for (size_t o = 0; o < ARRAY_SIZE(ops); o++) {
		for (size_t r = 0; r < ARRAY_SIZE(ranges); r++) {
			for (int flag = 0; flag < 2; flag++) {
				u64 end = ranges[r].at + ranges[r].len;

				assert_int_equal(run(RBLK_OP_WRITE, 0, BYTES, &all, 1, false), 0);
				assert_int_equal(
					run(ops[o], ranges[r].at, ranges[r].len, NULL, 0, flag), 0);
				assert_int_equal(run(RBLK_OP_READ, 0, BYTES, &back, 1, false), 0);
				for (u64 i = 0; i < BYTES; i++) {
					bool inside = i >= ranges[r].at && i < end;

					/* Discarded sectors may hold anything. */
					if (inside && ops[o] != RBLK_OP_DISCARD)
						assert_int_equal(in[i], 0);
					if (!inside)
						assert_int_equal(in[i], 0x77);
				}
			}
		}
	}
	free(data);
	free(in);
}

static void a_file_that_shrank_is_an_error(void **state)
{
	u8 data[1024];
	struct dvq_seg seg = { data, sizeof(data) };
	struct stat st;

	assert_int_equal(truncate(env.path, 512), 0);
	assert_int_equal(run(RBLK_OP_READ, 0, 1024, &seg, 1, false), EIO);
	assert_int_equal(env.st->ops->resized(env.st), 1);
	assert_int_equal(truncate(env.path, BYTES), 0);
	assert_int_equal(env.st->ops->resized(env.st), BYTES / 512);
	/* Nothing makes it longer. */
	assert_int_equal(run(RBLK_OP_ZERO, BYTES - 512, 512, NULL, 0, false), 0);
	assert_int_equal(stat(env.path, &st), 0);
	assert_int_equal(st.st_size, BYTES);
}

static void memory_grows(void **state)
{
	u8 data[512] = "new";
	struct dvq_seg seg = { data, sizeof(data) };

	assert_int_equal(env.st->ops->resized(env.st), BYTES / 512 + RBLK_GROW_SECTORS);
	assert_int_equal(run(RBLK_OP_WRITE, BYTES + 2047 * 512, 512, &seg, 1, false), 0);
	memset(data, 1, sizeof(data));
	assert_int_equal(run(RBLK_OP_READ, BYTES + 2047 * 512, 512, &seg, 1, false), 0);
	assert_string_equal((char *)data, "new");
}

static void what_cannot_be_opened(void **state)
{
	assert_null(store_file_open("/nonexistent/image", false, 1));
	assert_null(store_file_open("/tmp", true, 1));
	assert_null(store_file_open("/dev/null", false, 1));
}

#define BOTH_WAYS(test)                                                                            \
	{ #test " (io_uring)", test, setup_uring, teardown, NULL },                                \
	{                                                                                          \
#test " (system calls)", test, setup_sync, teardown, NULL                          \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_written_is_read, setup_memory, teardown),
		BOTH_WAYS(what_was_written_is_read),
		cmocka_unit_test_setup_teardown(zeroes_are_zeroes, setup_memory, teardown),
		BOTH_WAYS(zeroes_are_zeroes),
		BOTH_WAYS(a_file_that_shrank_is_an_error),
		cmocka_unit_test_setup_teardown(memory_grows, setup_memory, teardown),
		cmocka_unit_test(what_cannot_be_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
