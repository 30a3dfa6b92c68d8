// SPDX-License-Identifier: BSD-3-Clause
/* Buffers, their recording, and reading it back: whole, overflowing, cut off, hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/scratch.h"
#include "traces/export/export.h"
#include "traces/ring/read.h"
#include "traces/ring/record.h"
#include "traces/stage.h"
#include "traces/trace.h"

static char path[128], out[128], err[512];

static int make_buffer_dir(void **state)
{
	/* A buffer is to be memory, not something that is written to a disk all the time. */
	if (make_dir_in(access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm"))
		return -1;
	snprintf(path, sizeof(path), "%s/buffer", dir);
	snprintf(out, sizeof(out), "%s/out", dir);
	return 0;
}

static void emit(struct trace_sink *s, bool counter, u8 kind, u64 seq)
{
	struct trace_event e = { .seq = seq, .kind = kind, .head = (u16)(seq % 64) };

	e.ticks = buffer_now(counter, &e.cpu);
	trace_sink_add(s, &e);
}

static void emit_request(struct trace_sink *s, bool counter, u64 seq)
{
	emit(s, counter, TRACE_FETCH, seq);
	emit(s, counter, TRACE_SERVE_BEGIN, seq);
	emit(s, counter, TRACE_SERVE_END, seq);
	emit(s, counter, TRACE_PUBLISH, seq);
}

/* A buffer with so many requests of one thread, on disk as it is. */
static void make_buffer(u64 requests, u64 *lost)
{
	struct trace_sink s;
	struct buffer b;

	assert_int_equal(
		buffer_create(&b, path, BUFFER_BACK_END, 4, BUFFER_EVENTS, err, sizeof(err)), 0);
	assert_true(buffer_sink(&b, 3, "test", &s));
	for (u64 seq = 0; seq < requests; seq++)
		emit_request(&s, b.file->counter, seq);
	*lost = s.ends->lost;
	buffer_close(&b);
}

static void buffer_is_read_as_its_writer_left_it(void **state)
{
	struct stage_table t;
	u64 lost;

	make_buffer(1000, &lost);
	assert_int_equal(lost, 0);
	assert_int_equal(stage_read(path, &t, err, sizeof(err)), 0);
	assert_int_equal(t.requests, 1000);
	assert_int_equal(t.unmatched, 0);
	assert_int_equal(t.torn, 0);
	assert_int_equal(t.discarded, 0);
	assert_true(stage_adds_up(&t));
}

static void what_finds_no_room_is_counted(void **state)
{
	const u64 requests = BUFFER_EVENTS / 4 + 100;
	struct stage_table t;
	u64 lost;

	make_buffer(requests, &lost);
	assert_int_equal(lost, 400);
	assert_int_equal(stage_read(path, &t, err, sizeof(err)), 0);
	assert_int_equal(t.requests, BUFFER_EVENTS / 4);
	assert_int_equal(t.discarded, 400);
}

struct writer {
	struct trace_sink sink;
	bool counter;
	u64 requests;
	u32 *on;
};

/* As fast as the reader takes it out: nothing may be lost or doubled, over many rounds of the ring. */
static void *write_all(void *arg)
{
	struct writer *w = arg;

	while (!__atomic_load_n(w->on, __ATOMIC_ACQUIRE))
		sched_yield();
	for (u64 seq = 0; seq < w->requests; seq++) {
		while (w->sink.head - __atomic_load_n(&w->sink.ends->tail, __ATOMIC_ACQUIRE) >
		       w->sink.room - 4)
			sched_yield();
		emit_request(&w->sink, w->counter, seq);
	}
	return NULL;
}

static void recording_takes_out_what_comes(void **state)
{
	struct writer w = { .requests = BUFFER_EVENTS };
	struct recording *r;
	struct stage_table t;
	struct buffer b;
	pthread_t thread;
	u64 lost;

	assert_int_equal(
		buffer_create(&b, path, BUFFER_BACK_END, 4, BUFFER_EVENTS, err, sizeof(err)), 0);
	r = record_open(out, err, sizeof(err));
	assert_non_null(r);
	/* Found as another process's would be. */
	assert_int_equal(record_add_process(r, getpid(), err, sizeof(err)), 1);
	assert_true(buffer_sink(&b, 0, "test", &w.sink));
	w.counter = b.file->counter;
	w.on = &b.file->on;
	assert_int_equal(pthread_create(&thread, NULL, write_all, &w), 0);
	assert_int_equal(record_start(r, err, sizeof(err)), 0);
	pthread_join(thread, NULL);
	assert_int_equal(record_stop(r, &lost, err, sizeof(err)), 0);
	assert_int_equal(b.file->on, 0);
	record_close(r);
	buffer_close(&b);
	assert_int_equal(lost, 0);
	assert_int_equal(stage_read(out, &t, err, sizeof(err)), 0);
	assert_int_equal(t.requests, w.requests);
	assert_int_equal(t.events, 4 * w.requests);
	assert_int_equal(t.unmatched, 0);
	assert_int_equal(t.torn, 0);
	assert_true(stage_adds_up(&t));
}

/* The file of a recording with these requests. */
static void make_recording(u64 requests, char *file, size_t len)
{
	struct recording *r = record_open(out, err, sizeof(err));
	struct trace_sink s;
	struct buffer b;
	u64 lost;

	assert_non_null(r);
	assert_int_equal(
		buffer_create(&b, path, BUFFER_BACK_END, 4, BUFFER_EVENTS, err, sizeof(err)), 0);
	assert_int_equal(record_add(r, &b, err, sizeof(err)), 0);
	assert_int_equal(record_start(r, err, sizeof(err)), 0);
	assert_true(buffer_sink(&b, 0, "test", &s));
	for (u64 seq = 0; seq < requests; seq++)
		emit_request(&s, b.file->counter, seq);
	assert_int_equal(record_stop(r, &lost, err, sizeof(err)), 0);
	record_close(r);
	buffer_close(&b);
	snprintf(file, len, "%s/back-end-%d-0" RECORD_SUFFIX, out, getpid());
}

static void cut_off_recording_is_read_up_to_there(void **state)
{
	struct stage_table t;
	struct stat st;
	char file[256];

	make_recording(1000, file, sizeof(file));
	assert_int_equal(stat(file, &st), 0);
	/* In the middle of an event of request 900. */
	assert_int_equal(truncate(file, st.st_size - 400 * (off_t)sizeof(struct trace_event) + 50),
			 0);
	assert_int_equal(stage_read(out, &t, err, sizeof(err)), 0);
	assert_int_equal(t.torn, 1);
	assert_int_equal(t.requests, 900);
	assert_true(stage_adds_up(&t));
	/* In the middle of the header of a chunk. */
	assert_int_equal(truncate(file, sizeof(struct buffer_file) + 7), 0);
	assert_int_equal(stage_read(out, &t, err, sizeof(err)), 0);
	assert_int_equal(t.torn, 1);
	assert_int_equal(t.requests, 0);
	/* In the middle of the file's. */
	assert_int_equal(truncate(file, 100), 0);
	assert_int_equal(stage_read(out, &t, err, sizeof(err)), -1);
	assert_null(strchr(err, '\n'));
}

static void headers_are_not_trusted(void **state)
{
	u64 x = 88172645463325252ull;
	struct stage_table t;
	char file[256];

	make_recording(50, file, sizeof(file));
	for (unsigned i = 0; i < 500; i++) {
		int fd = open(file, O_RDWR);
		u64 old, at;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		at = x % (sizeof(struct buffer_file) + sizeof(struct record_chunk) - 8);
		assert_true(fd >= 0);
		assert_int_equal(pread(fd, &old, 8, (off_t)at), 8);
		assert_int_equal(pwrite(fd, &x, 1 + i % 8, (off_t)at), 1 + i % 8);
		/* Whatever it says: an answer, or one line. */
		if (stage_read(out, &t, err, sizeof(err)))
			assert_null(strchr(err, '\n'));
		assert_int_equal(pwrite(fd, &old, 8, (off_t)at), 8);
		close(fd);
	}
	assert_int_equal(stage_read(out, &t, err, sizeof(err)), 0);
	assert_int_equal(t.requests, 50);
}

static void export_is_read_by_others(void **state)
{
	char ctf[160], command[400], file[256];
	FILE *f;
	int n = 0;

	make_recording(100, file, sizeof(file));
	snprintf(ctf, sizeof(ctf), "%s/ctf", dir);
	assert_int_equal(export_ctf(out, ctf, err, sizeof(err)), 0);
	if (system("command -v babeltrace2 >/dev/null") == 0) {
		snprintf(command, sizeof(command),
			 "babeltrace2 '%s' | grep -c 'ringside:publish:.*seq = [0-9]*,'", ctf);
		f = popen(command, "r");
		assert_non_null(f);
		assert_int_equal(fscanf(f, "%d", &n), 1);
		pclose(f);
		assert_int_equal(n, 100);
	}
	/* A folder that has something in it already. */
	assert_int_equal(export_ctf(out, ctf, err, sizeof(err)), -1);
	assert_null(strchr(err, '\n'));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_buffer_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(buffer_is_read_as_its_writer_left_it),
		TEST(what_finds_no_room_is_counted),
		TEST(recording_takes_out_what_comes),
		TEST(cut_off_recording_is_read_up_to_there),
		TEST(headers_are_not_trusted),
		TEST(export_is_read_by_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
