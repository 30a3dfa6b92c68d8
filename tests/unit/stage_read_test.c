// SPDX-License-Identifier: BSD-3-Clause
/*
 * A real recording and back: trace-emit makes events of requests whose course is known, the session
 * records them, the stage table must tell the same. Skipped, with the reason, where LTTng cannot
 * run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/scratch.h"
#include "traces/session.h"
#include "traces/stage.h"

/* The rows of a back-end alone. */
enum {
	FETCH,
	SERVE,
	PUBLISH,
	CALL,
	ROWS,
};

static char err[512];

struct emitter {
	pid_t pid;
	FILE *to, *from;
};

/* trace-emit stands beside this program. */
static void start_emitter(struct emitter *e, char **argv)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 16);
	int to[2], from[2];

	assert_true(n > 0);
	path[n] = '\0';
	strcpy(strrchr(path, '/') + 1, "trace-emit");
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	e->pid = fork();
	assert_true(e->pid >= 0);
	if (e->pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		close(to[1]);
		close(from[0]);
		execv(path, argv);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	e->to = fdopen(to[1], "w");
	e->from = fdopen(from[0], "r");
	assert_non_null(e->to);
	assert_non_null(e->from);
}

static bool expect_line(struct emitter *e, const char *start)
{
	char line[128] = "";

	return fgets(line, sizeof(line), e->from) && strncmp(line, start, strlen(start)) == 0;
}

static void end_emitter(struct emitter *e)
{
	int status;

	fclose(e->to);
	fclose(e->from);
	assert_int_equal(waitpid(e->pid, &status, 0), e->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Record one run of trace-emit. `discarded` as the session tells it. */
static void record(char **argv, u64 *discarded, u64 buffer_bytes)
{
	struct trace_session_options options = { .dir = dir, .buffer_bytes = buffer_bytes };
	struct trace_session *session;
	struct emitter e;

	start_emitter(&e, argv);
	if (!expect_line(&e, "ready")) {
		fclose(e.to);
		fclose(e.from);
		waitpid(e.pid, NULL, 0);
		print_message("no tracing here: trace-emit cannot load the provider\n");
		skip();
	}
	options.pid = e.pid;
	if (trace_session_open(&session, &options, err, sizeof(err))) {
		end_emitter(&e);
		print_message("no tracing here: %s\n", err);
		skip();
	}
	assert_int_equal(trace_session_start(session, err, sizeof(err)), 0);
	fputs("\n", e.to);
	fflush(e.to);
	assert_true(expect_line(&e, "done"));
	assert_int_equal(trace_session_stop(session, discarded, err, sizeof(err)), 0);
	trace_session_close(session);
	end_emitter(&e);
}

static void every_event_comes_back(void **state)
{
	char *argv[] = { "trace-emit", "--wait",  "--requests", "10000", "--queues",
			 "3",	       "--batch", "8",		NULL };
	struct stage_table t;
	u64 discarded;

	record(argv, &discarded, 0);
	assert_int_equal(stage_read(dir, &t, err, sizeof(err)), 0);
	assert_int_equal(discarded, 0);
	assert_int_equal(t.discarded, 0);
	assert_int_equal(t.events, 4 * 10000 + 10000 / 8);
	assert_int_equal(t.requests, 10000);
	assert_int_equal(t.unmatched, 0);
	assert_int_equal(t.processes, 1);
	assert_int_equal(t.rows, ROWS);
	assert_true(stage_adds_up(&t));
	for (int i = 0; i < ROWS; i++) {
		assert_int_equal(t.row[i].count, 10000);
		assert_true(t.row[i].p50_ns > 0);
		assert_true(t.row[i].p50_ns <= t.row[i].p99_ns);
		assert_true(t.row[i].p99_ns <= t.row[i].max_ns);
	}
}

/* A recording whose end is missing: its first part is there, and it is told that there was more. */
static void cut_off_trace_is_read_up_to_there(void **state)
{
	char *argv[] = { "trace-emit", "--wait", "--requests", "20000", NULL };
	struct stage_table whole, t;
	char command[400];
	u64 discarded;

	record(argv, &discarded, 0);
	assert_int_equal(stage_read(dir, &whole, err, sizeof(err)), 0);
	assert_int_equal(whole.torn, 0);
	/* In the middle of an event of the largest stream. */
	snprintf(
		command, sizeof(command),
		"f=$(find '%s' -type f -name 'requests_*' ! -name '*.idx' -printf '%%s %%p\n' | sort -n | "
		"tail -1 | cut -d' ' -f2-) && truncate -s 200003 \"$f\"",
		dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(stage_read(dir, &t, err, sizeof(err)), 0);
	assert_int_equal(t.torn, 1);
	assert_true(t.requests > 500 && t.requests < whole.requests);
	assert_true(stage_adds_up(&t));
}

static void time_goes_to_the_stage_that_took_it(void **state)
{
	char *argv[] = { "trace-emit", "--wait", "--requests", "500", "--serve-ns", "20000", NULL };
	struct stage_table t;
	u64 discarded;

	record(argv, &discarded, 0);
	assert_int_equal(stage_read(dir, &t, err, sizeof(err)), 0);
	assert_int_equal(t.requests, 500);
	assert_true(t.row[SERVE].p50_ns >= 20000);
	assert_true(t.row[FETCH].p50_ns < 20000);
	assert_true(t.row[PUBLISH].p50_ns < 20000);
}

static void lost_events_are_told(void **state)
{
	/* Half a million events as fast as it goes into the smallest buffers there are. */
	char *argv[] = { "trace-emit", "--wait", "--requests", "500000", "--batch", "16", NULL };
	struct stage_table t;
	u64 discarded;

	record(argv, &discarded, 1);
	assert_int_equal(stage_read(dir, &t, err, sizeof(err)), 0);
	if (!discarded) {
		print_message("the consumer kept up: nothing was lost\n");
		skip();
	}
	assert_int_equal(t.events + discarded, 4 * 500000 + 500000 / 16);
	assert_true(t.discarded <= discarded);
	assert_true(t.unmatched > 0);
}

static void errors_are_one_line(void **state)
{
	struct trace_session_options options = { .dir = "/proc/version", .wait_ms = 10 };
	struct trace_session *session;
	struct stage_table t;
	char path[128];
	FILE *f;

	assert_int_equal(stage_read("/nonexistent", &t, err, sizeof(err)), -1);
	assert_null(strchr(err, '\n'));
	assert_int_equal(stage_read(dir, &t, err, sizeof(err)), -1);
	assert_null(strchr(err, '\n'));

	/* Not a trace, though it looks like one. */
	snprintf(path, sizeof(path), "%s/metadata", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("/* CTF 1.8 */ what is this", f);
	fclose(f);
	assert_int_equal(stage_read(dir, &t, err, sizeof(err)), -1);
	print_message("%s\n", err);
	assert_null(strchr(err, '\n'));

	/* A folder that is not empty, and one that cannot be. */
	options.dir = dir;
	assert_int_equal(trace_session_open(&session, &options, err, sizeof(err)), -1);
	print_message("%s\n", err);
	assert_null(session);
	options.dir = "/proc/version";
	assert_int_equal(trace_session_open(&session, &options, err, sizeof(err)), -1);
	assert_null(session);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

/*
 * libbabeltrace2 loses the message that it had begun where a stream is cut off. It is built without frame
 * pointers, so that only a slow look at the stack finds its name there.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libbabeltrace2.so";
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_event_comes_back),
		TEST(cut_off_trace_is_read_up_to_there),
		TEST(time_goes_to_the_stage_that_took_it),
		TEST(lost_events_are_told),
		TEST(errors_are_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
