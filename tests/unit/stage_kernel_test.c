// SPDX-License-Identifier: BSD-3-Clause
/* What the kernel saw of a back-end that has no tracepoints, beside its driver's events: as stages, and as counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/scratch.h"
#include "tests/unit/stage_rows.h"
#include "traces/bpf/read.h"
#include "traces/ring/record.h"
#include "traces/stage/kernel.h"
#include "traces/stage/read.h"

#define BACK_END  70u /* processes, and their first threads */
#define FRONT_END 80u
#define DRIVER	  90u
#define POOL	  71u /* another thread of the back-end */
#define VCPU	  81u
#define KICK_FD	  10u
#define CALL_FD	  11u

static char err[512];
static FILE *out;
static struct kernel_file head;
static struct record_file *driver;
static struct buffer_file driver_head;
static u64 now;

static int setup(void **state)
{
	char path[128];

	assert_int_equal(make_dir(state), 0);
	head = (struct kernel_file){
		.magic = KERNEL_MAGIC,
		.version = KERNEL_VERSION,
		.header_bytes = sizeof(head),
		.event_bytes = sizeof(struct kernel_event),
		.processes = 3,
		.fds = 2,
		.begin_ns = 1,
		.end_ns = 2,
		.process = { { BACK_END, KERNEL_BACK_END, "back" },
			     { FRONT_END, KERNEL_FRONT_END, "front" },
			     { DRIVER, KERNEL_DRIVER, "driver" } },
		.fd = { { BACK_END, KICK_FD, 0, KERNEL_FD_KICK, 0, KICK_FD },
			{ BACK_END, CALL_FD, 0, KERNEL_FD_CALL, 0, CALL_FD } },
	};
	snprintf(path, sizeof(path), "%s/" KERNEL_FILE, dir);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(&head, sizeof(head), 1, out), 1);
	driver_head = (struct buffer_file){
		.magic = BUFFER_MAGIC,
		.version = BUFFER_VERSION,
		.rings = 1,
		.actor = BUFFER_DRIVER,
		.pid = DRIVER,
		.peer = BACK_END,
	};
	driver = record_file_new(dir, "driver", &driver_head, err, sizeof(err));
	assert_non_null(driver);
	now = 1000;
	memset(&t, 0, sizeof(t));
	return 0;
}

static void kernel(u32 pid, u32 tid, unsigned kind, unsigned what, u32 a, u64 b, u64 c)
{
	const struct kernel_event e = {
		.ns = now,
		.pid = pid,
		.tid = tid,
		.cpu = pid == BACK_END ? 1 : 0,
		.kind = (u8)kind,
		.what = (u8)what,
		.a = a,
		.b = b,
		.c = c,
	};

	assert_int_equal(fwrite(&e, sizeof(e), 1, out), 1);
}

static void call(u32 tid, enum kernel_call what, u32 fd, u64 took, u64 result)
{
	kernel(BACK_END, tid, KERNEL_CALL, what, fd, took, result);
}

/* A counter of the host's, which is 7000 ahead and twice as fast. */
static u64 ticks_of(u64 ns)
{
	return 7000 + 2 * ns;
}

static void drive(unsigned kind, u16 h, u64 seq, u32 len)
{
	const struct trace_event e = { .ticks = driver_head.counter ? ticks_of(now) : now,
				       .seq = seq,
				       .len = len,
				       .head = h,
				       .kind = (u8)kind };

	assert_int_equal(record_file_add(driver, 0, &e, 1), 0);
}

/* Everything is on disk. */
static void finish(void)
{
	assert_int_equal(fseek(out, 0, SEEK_SET), 0);
	assert_int_equal(fwrite(&head, sizeof(head), 1, out), 1);
	assert_int_equal(fclose(out), 0);
	if (driver_head.counter)
		driver_head.end = (struct buffer_moment){ ticks_of(now), now, 2 };
	else
		driver_head.begin.ticks = driver_head.end.ticks = 1;
	assert_int_equal(record_file_end(driver, &driver_head), 0);
}

static void read_it(void)
{
	finish();
	if (stage_read(dir, &t, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(t.sum_excess_ns, 0);
}

/* One request with a pool's thread doing the reading; stages of 10, 20, … */
static void one_request(u64 seq)
{
	drive(TRACE_SUBMIT, 3, seq, 0);
	now += 10;
	drive(TRACE_NOTIFY, 0, seq, 1);
	now += 20;
	drive(TRACE_KICK, 0, seq, 1);
	now += 5;
	kernel(DRIVER, DRIVER, KERNEL_WAKEUP, 0, BACK_END, BACK_END, 0);
	now += 20;
	kernel(0, 0, KERNEL_SWITCH, 1, BACK_END, 0x6b636162, 0);
	call(BACK_END, KERNEL_PPOLL, 0, 500, 1);
	now += 5;
	call(BACK_END, KERNEL_READ, KICK_FD, 4, 8);
	now += 40 + 50;
	call(POOL, KERNEL_PREADV, 5, 50, 4096);
	now += 60;
	call(BACK_END, KERNEL_WRITE, CALL_FD, 6, 8);
	kernel(BACK_END, BACK_END, KERNEL_SWITCH, 1, 0, 0, 0);
	now += 70;
	drive(TRACE_HANDLE, 0, 0, 0);
	now += 80;
	drive(TRACE_REAP, 3, seq, 0);
	now += 1000;
}

static void begin_counter(void)
{
	driver_head.counter = 1;
	driver_head.begin = (struct buffer_moment){ ticks_of(now), now, 1 };
}

/* Times are to be a counter's, as a lab has it: those of the kernel's clock become such. */
static void times_of_a_counter(void **state)
{
	begin_counter();
	for (u64 seq = 0; seq < 10; seq++)
		one_request(seq);
	finish();
	assert_int_equal(stage_read_at(dir, 2000000000, &t, err, sizeof(err)), 0);
	assert_int_equal(t.requests, 10);
	assert_int_equal(t.clock_error_ns, 3);
	LONGEST({ "submit", 10 }, { "notify+exit", 20 }, { "wake", 30 }, { "fetch", 40 },
		{ "serve", 50 }, { "publish+call", 60 }, { "inject+handle", 70 }, { "reap", 80 });
	/* A tick for a nanosecond. */
	assert_int_equal(stage_read_at(dir, 1000000000, &t, err, sizeof(err)), 0);
	assert_int_equal(t.requests, 10);
	LONGEST({ "submit", 20 }, { "wake", 60 }, { "serve", 100 }, { "reap", 160 });
}

static void times_of_a_counter_that_nobody_relates(void **state)
{
	one_request(0);
	finish();
	assert_int_equal(stage_read_at(dir, 1000000000, &t, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "how the kernel's clock stands to the counter"));
}

static void a_back_end_without_tracepoints(void **state)
{
	for (u64 seq = 0; seq < 10; seq++)
		one_request(seq);
	read_it();
	assert_int_equal(t.requests, 10);
	assert_int_equal(t.unmatched, 0);
	assert_int_equal(t.unassigned, 0);
	LONGEST({ "submit", 10 }, { "notify+exit", 20 }, { "wake", 30 }, { "fetch", 40 },
		{ "serve", 50 }, { "publish+call", 60 }, { "inject+handle", 70 }, { "reap", 80 });
	assert_true(t.kernel.present);
	assert_string_equal(t.kernel.back_end, "back");
	assert_int_equal(t.kernel.call[KERNEL_PPOLL], 10);
	assert_int_equal(t.kernel.call[KERNEL_PREADV], 10);
	assert_int_equal(t.kernel.kicks, 10);
	assert_int_equal(t.kernel.calls, 10);
	assert_int_equal(t.kernel.waited[STAGE_BACK_END].count, 10);
	assert_int_equal(t.kernel.waited[STAGE_BACK_END].max_ns, 20);
}

/* Other descriptors, other lengths and failures are none of a queue's. */
static void what_is_of_no_queue(void **state)
{
	call(BACK_END, KERNEL_READ, 77, 4, 8);
	call(BACK_END, KERNEL_READ, KICK_FD, 4, (u64)-11);
	call(BACK_END, KERNEL_WRITE, KICK_FD, 4, 8);
	call(BACK_END, KERNEL_READ, CALL_FD, 4, 8);
	kernel(DRIVER, DRIVER, KERNEL_CALL, KERNEL_WRITE, CALL_FD, 4, 8);
	one_request(0);
	read_it();
	assert_int_equal(t.kernel.kicks, 1);
	assert_int_equal(t.kernel.calls, 1);
	assert_int_equal(t.requests, 1);
	assert_int_equal(t.unmatched, 0);
}

/* A guest's notification through KVM, the kick that is a waking, and the interrupt that a write makes pending. */
static void a_guest(void **state)
{
	drive(TRACE_SUBMIT, 3, 0, 0);
	now += 10;
	drive(TRACE_NOTIFY, 0, 0, 1);
	now += 20;
	/* Not this one: a register of an interrupt controller, and one that is read. */
	kernel(FRONT_END, VCPU, KERNEL_MMIO, 2, 4, 0xfee000b0, 0);
	kernel(FRONT_END, VCPU, KERNEL_MMIO, 1, 4, 0xfeb00050, 0);
	/* Nor one of a queue that there is not. */
	kernel(FRONT_END, VCPU, KERNEL_MMIO, 2, 4, 0xfeb00030, 256);
	now += 4;
	kernel(FRONT_END, VCPU, KERNEL_EXIT, 0, 0, 0, 0);
	now += 1;
	kernel(FRONT_END, VCPU, KERNEL_MMIO, 2, 4, 0xfeb00050, 0);
	now += 30;
	kernel(FRONT_END, VCPU, KERNEL_WAKEUP, 0, BACK_END, BACK_END, 0);
	now += 40;
	call(BACK_END, KERNEL_READ, KICK_FD, 4, 8);
	now += 50;
	kernel(BACK_END, BACK_END, KERNEL_IRQ, 1, 0, 0xfee00000, 0x41);
	now += 7;
	call(BACK_END, KERNEL_WRITE, CALL_FD, 10, 8);
	now += 60;
	drive(TRACE_HANDLE, 0, 0, 0);
	now += 80;
	drive(TRACE_REAP, 3, 0, 0);
	read_it();
	assert_int_equal(t.requests, 1);
	assert_int_equal(t.unmatched, 0);
	LONGEST({ "notify", 25 }, { "exit", 30 }, { "wake", 40 });
	/* While the descriptor is written the interrupt becomes pending. */
	LONGEST({ "fetch+serve+publish+call", 50 }, { "inject", 0 }, { "handle", 67 });
	assert_int_equal(t.kernel.exits, 1);
	assert_int_equal(t.kernel.doorbells, 1);
	assert_int_equal(t.kernel.irqs, 1);
}

/* Without KVM the front-end itself writes the kick and reads the call. */
static void a_guest_without_kvm(void **state)
{
	head.fds = 4;
	head.fd[2] = (struct kernel_fd){ FRONT_END, 30, 0, KERNEL_FD_KICK, 0, KICK_FD };
	head.fd[3] = (struct kernel_fd){ FRONT_END, 31, 0, KERNEL_FD_CALL, 0, CALL_FD };
	for (u64 seq = 0; seq < 2; seq++) {
		drive(TRACE_SUBMIT, 3, seq, 0);
		drive(TRACE_NOTIFY, 0, seq, 1);
		now += 100;
		/* The kick is read before whoever wrote it goes on, and the call likewise. */
		call(BACK_END, KERNEL_READ, KICK_FD, 4, 8);
		now += 10;
		kernel(FRONT_END, VCPU, KERNEL_CALL, KERNEL_WRITE, 30, 40, 8);
		now += 100;
		kernel(FRONT_END, FRONT_END, KERNEL_CALL, KERNEL_READ, 31, 3, 8);
		now += 10;
		call(BACK_END, KERNEL_WRITE, CALL_FD, 30, 8);
		now += 100;
		drive(TRACE_HANDLE, 0, 0, 0);
		drive(TRACE_REAP, 3, seq, 0);
		now += 1000;
	}
	read_it();
	assert_int_equal(t.requests, 2);
	assert_int_equal(t.unmatched, 0);
	LONGEST({ "notify", 70 }, { "exit", 30 }, { "wake", 0 },
		{ "fetch+serve+publish+call", 110 }, { "inject", 0 }, { "handle", 110 });
}

/* io_uring, and what else is done with it. */
static void io_uring(void **state)
{
	drive(TRACE_SUBMIT, 3, 0, 0);
	drive(TRACE_NOTIFY, 0, 0, 1);
	now += 10;
	kernel(BACK_END, BACK_END, KERNEL_IO_BEGIN, 6, 0, 0x1000, 0); /* waiting for a descriptor */
	call(BACK_END, KERNEL_READ, KICK_FD, 4, 8);
	now += 40;
	kernel(BACK_END, BACK_END, KERNEL_IO_BEGIN, 1, 0, 0x2000, 0);
	now += 50;
	kernel(BACK_END, BACK_END, KERNEL_IO_END, 1, 0, 0x2000, 0);
	now += 5;
	kernel(BACK_END, BACK_END, KERNEL_IO_END, 6, 0, 0x1000, 0);
	now += 60;
	drive(TRACE_REAP, 3, 0, 0);
	read_it();
	LONGEST({ "fetch", 40 }, { "serve", 50 });
	assert_int_equal(t.kernel.io, 1);
}

/* Which chain is taken, and given back, tell probes; the queue is that of the kick read before. */
static void probes(void **state)
{
	head.sources = 1u << KERNEL_PROBE;
	for (u64 seq = 0; seq < 2; seq++) {
		drive(TRACE_SUBMIT, (u16)(3 + seq), seq, 0);
		now++;
	}
	drive(TRACE_NOTIFY, 0, 1, 2);
	now += 10;
	call(BACK_END, KERNEL_READ, KICK_FD, 4, 8);
	for (u32 h = 3; h < 5; h++) {
		now += 10;
		kernel(BACK_END, BACK_END, KERNEL_PROBE, KERNEL_POP, h, 0x7f00, 0);
	}
	for (u32 h = 3; h < 5; h++) {
		now += 20;
		kernel(BACK_END, BACK_END, KERNEL_PROBE, KERNEL_PUSH, h, 0x7f00, 0);
		now += 3;
		kernel(BACK_END, BACK_END, KERNEL_PROBE, KERNEL_PUSHED, h, 0x7f00, 0);
	}
	now += 10;
	call(BACK_END, KERNEL_WRITE, CALL_FD, 5, 8);
	now += 10;
	drive(TRACE_HANDLE, 0, 0, 0);
	for (u64 seq = 0; seq < 2; seq++)
		drive(TRACE_REAP, (u16)(3 + seq), seq, 0);
	read_it();
	assert_int_equal(t.requests, 2);
	assert_int_equal(row("fetch+serve")->count, 2);
	assert_int_equal(row("publish")->sum_ns, 2 * 3);
	assert_int_equal(row("call")->count, 2);
}

/* Our own tracepoints tell more: only what they cannot see is taken from here. */
static void a_back_end_with_tracepoints(void **state)
{
	struct buffer_file back_head = driver_head;
	struct record_file *back;

	head.process[0].role |= KERNEL_INSIDE;
	back_head.actor = BUFFER_BACK_END;
	back_head.pid = BACK_END;
	back = record_file_new(dir, "back-end", &back_head, err, sizeof(err));
	assert_non_null(back);
	for (u64 seq = 0; seq < 3; seq++) {
		for (unsigned k = TRACE_FETCH; k <= TRACE_PUBLISH; k++) {
			const struct trace_event e = { .ticks = now + 60 + 30 * (k - TRACE_FETCH),
						       .seq = seq,
						       .head = 3,
						       .kind = (u8)k };

			assert_int_equal(record_file_add(back, 0, &e, 1), 0);
		}
		one_request(seq);
	}
	back_head.begin.ticks = back_head.end.ticks = 1;
	assert_int_equal(record_file_end(back, &back_head), 0);
	read_it();
	assert_int_equal(t.requests, 3);
	assert_int_equal(t.unmatched, 0);
	assert_int_equal(row("serve")->max_ns, 30);
	assert_int_equal(t.kernel.call[KERNEL_READ], 3);
}

/* Who had the processor while the request was under way. */
static void context_of_the_slowest(void **state)
{
	const struct lines_options o = { .slowest = 1 };
	struct kernel_context *c = NULL;
	struct lines *lines = NULL;
	const struct line *slow;
	const char name[16] = "compiler";
	u64 words[2];

	memcpy(words, name, sizeof(words));
	drive(TRACE_SUBMIT, 3, 0, 0);
	drive(TRACE_NOTIFY, 0, 0, 1);
	now += 10;
	kernel(BACK_END, 500, KERNEL_SWITCH, 1, 4711, words[0], words[1]);
	kernel(DRIVER, DRIVER, KERNEL_WAKEUP, 0, BACK_END, BACK_END, 0);
	now += 300;
	kernel(BACK_END, 4711, KERNEL_SWITCH, 0, BACK_END, 0x6b636162, 0);
	call(BACK_END, KERNEL_READ, KICK_FD, 4, 8);
	now += 40;
	kernel(BACK_END, BACK_END, KERNEL_SWITCH, 1, 0, 0, 0);
	drive(TRACE_REAP, 3, 0, 0);
	finish();
	assert_int_equal(stage_read_lines(dir, &o, &t, &lines, err, sizeof(err)), 0);
	assert_int_equal(lines_slowest(lines, &slow), 1);
	assert_int_equal(kernel_contexts(dir, slow, 1, &c, err, sizeof(err)), 0);
	assert_non_null(c);
	assert_int_equal(c->rans, 2);
	assert_string_equal(c->ran[0].name, "compiler");
	assert_int_equal(c->ran[0].ns, 300);
	assert_int_equal(c->ran[1].tid, BACK_END);
	assert_int_equal(c->ran[1].ns, 40);
	assert_int_equal(c->waited[STAGE_BACK_END], 300);
	free(c);
	lines_free(lines);
}

/* --- files ------------------------------------------------------------------------------------------- */

static void events_are_put_in_order(void **state)
{
	const struct kernel_event *e;
	struct kernel_reader *r;
	u64 last = 0, n = 0;

	for (unsigned i = 0; i < 10000; i++) {
		/* Two processors, one of which is always late. */
		now = 1000 + 10 * i + (i & 1 ? 0 : 777);
		kernel(BACK_END, BACK_END, KERNEL_EXIT, 0, 0, 0, 0);
	}
	finish();
	assert_int_equal(kernel_reader_open(&r, dir, err, sizeof(err)), 0);
	for (; (e = kernel_reader_next(r)) != NULL; n++) {
		assert_true(e->ns >= last);
		last = e->ns;
	}
	assert_int_equal(n, 10000);
	assert_false(kernel_reader_torn(r));
	kernel_reader_close(r);
}

static void cut_off(void **state)
{
	char path[128];
	long size;
	FILE *f;

	for (u64 seq = 0; seq < 10; seq++)
		one_request(seq);
	finish();
	snprintf(path, sizeof(path), "%s/" KERNEL_FILE, dir);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	fclose(f);
	for (long at = size; at > 0; at -= 37) {
		int rc;

		assert_int_equal(truncate(path, at), 0);
		rc = stage_read(dir, &t, err, sizeof(err));
		if (at < (long)sizeof(head)) {
			assert_int_equal(rc, -1);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_int_equal(t.requests, 10);
		assert_int_equal(
			t.torn, (at - (long)sizeof(head)) % (long)sizeof(struct kernel_event) != 0);
		assert_int_equal(t.sum_excess_ns, 0);
	}
}

/* The recorder died: the header is still the first one. */
static void without_an_end(void **state)
{
	one_request(0);
	head.end_ns = 0;
	head.lost = 7;
	read_it();
	assert_int_equal(t.torn, 1);
	assert_int_equal(t.discarded, 7);
	assert_int_equal(t.requests, 1);
}

static void headers_that_are_refused(void **state)
{
	const struct {
		size_t at;
		u32 value;
	} bad[] = {
		{ offsetof(struct kernel_file, version), 2 },
		{ offsetof(struct kernel_file, header_bytes), 64 },
		{ offsetof(struct kernel_file, event_bytes), 0 },
		{ offsetof(struct kernel_file, processes), KERNEL_PROCESSES + 1 },
		{ offsetof(struct kernel_file, fds), KERNEL_FDS + 1 },
		{ offsetof(struct kernel_file, magic), 0 },
		{ offsetof(struct kernel_file, process[0].name), 0x41414141 },
	};
	char path[128];

	memset(head.process[0].name, 'A', sizeof(head.process[0].name) - 1);
	head.process[0].name[15] = 0;
	finish();
	snprintf(path, sizeof(path), "%s/" KERNEL_FILE, dir);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct kernel_file h = head;
		FILE *f = fopen(path, "r+");

		assert_non_null(f);
		memcpy((char *)&h + bad[i].at, &bad[i].value, sizeof(bad[i].value));
		if (i == ARRAY_SIZE(bad) - 1)
			h.process[0].name[15] = 'A';
		assert_int_equal(fwrite(&h, sizeof(h), 1, f), 1);
		fclose(f);
		assert_int_equal(stage_read(dir, &t, err, sizeof(err)), -1);
		assert_non_null(strstr(err, KERNEL_FILE));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_back_end_without_tracepoints),
		TEST(times_of_a_counter),
		TEST(times_of_a_counter_that_nobody_relates),
		TEST(what_is_of_no_queue),
		TEST(a_guest),
		TEST(a_guest_without_kvm),
		TEST(io_uring),
		TEST(probes),
		TEST(a_back_end_with_tracepoints),
		TEST(context_of_the_slowest),
		TEST(events_are_put_in_order),
		TEST(cut_off),
		TEST(without_an_end),
		TEST(headers_that_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
