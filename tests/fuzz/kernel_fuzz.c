// SPDX-License-Identifier: BSD-3-Clause
/*
 * A recording of the kernel's events that is anything, beside a driver's that is right, or a guest's whose clock is to be
 * found: read to an end, in bounds; every request that the driver made is whole, has points in order, and adds up.
 */
#include <stdlib.h>
#include <unistd.h>

#include "tests/fuzz/input.h"
#include "traces/bpf/file.h"
#include "traces/ring/record.h"
#include "traces/stage/kernel.h"
#include "traces/stage/read.h"

#define BACK_END 2u
#define REQUESTS 16

static char dirs[2][64]; /* a driver's, a guest's */

static void remove_all(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(dirs); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/driver" RECORD_SUFFIX, dirs[i]);
		unlink(path);
		snprintf(path, sizeof(path), "%s/" KERNEL_FILE, dirs[i]);
		unlink(path);
		rmdir(dirs[i]);
	}
}

/* Requests of two queues, two at once, 100 ns each. */
static void make_driver(char dir[static 64], enum buffer_whose whose)
{
	struct buffer_file head = {
		.magic = BUFFER_MAGIC,
		.version = BUFFER_VERSION,
		.rings = 1,
		.actor = BUFFER_DRIVER,
		.pid = 1,
		.peer = BACK_END,
		.whose = whose,
		.counter = whose != BUFFER_HOST,
		.hz = 1000000000,
	};
	struct record_file *f;
	char err[200];

	snprintf(dir, 64, "/tmp/kernel-fuzz-XXXXXX");
	MUST(mkdtemp(dir));
	f = record_file_new(dir, "driver", &head, err, sizeof(err));
	MUST(f);
	for (u64 i = 0; i < REQUESTS; i++) {
		static const u8 kinds[] = { TRACE_SUBMIT, TRACE_NOTIFY, TRACE_KICK, TRACE_HANDLE,
					    TRACE_REAP };
		static const u8 at[] = { 0, 5, 10, 90, 95 };

		for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
			const struct trace_event e = {
				.ticks = 100 * i + at[k],
				.seq = i / 2,
				.len = 1,
				.queue = i & 1,
				.head = (u16)(i / 2 % 4),
				.kind = kinds[k],
			};

			MUST(!record_file_add(f, 0, &e, 1));
		}
	}
	head.begin.ticks = head.end.ticks = 1;
	MUST(!record_file_end(f, &head));
}

static void on_line(void *arg, const struct line *l)
{
	u64 before = 0;

	MUST(l->seen >> TRACE_POINTS == 0);
	MUST(line_has(l, TRACE_SUBMIT) && line_has(l, TRACE_REAP));
	for (unsigned p = 0; p < TRACE_POINTS; p++) {
		if (!line_has(l, p))
			continue;
		MUST(l->at[p] >= before);
		before = l->at[p];
	}
}

/* What follows a header that is right, unless the first byte says that it is all there is. */
static void write_kernel(const char *dir, const u8 *data, size_t size)
{
	struct kernel_file head = {
		.magic = KERNEL_MAGIC,
		.version = KERNEL_VERSION,
		.header_bytes = sizeof(head),
		.event_bytes = sizeof(struct kernel_event),
		.processes = 3,
		.fds = 4,
		.sources = data[0] & 2 ? 1u << KERNEL_PROBE : 0,
		.end_ns = 1,
		.process = { { BACK_END, KERNEL_BACK_END, "back-end" },
			     { 1, KERNEL_DRIVER, "driver" },
			     { 3, KERNEL_FRONT_END, "front-end" } },
		.fd = { { BACK_END, 10, 0, KERNEL_FD_KICK, 0, 10 },
			{ BACK_END, 11, 0, KERNEL_FD_CALL, 0, 11 },
			{ BACK_END, 12, 1, KERNEL_FD_KICK, 0, 12 },
			{ BACK_END, 13, 1, KERNEL_FD_CALL, 0, 13 } },
	};
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/" KERNEL_FILE, dir);
	f = fopen(path, "w");
	MUST(f);
	if (!(data[0] & 1))
		MUST(fwrite(&head, sizeof(head), 1, f) == 1);
	MUST(fwrite(data + 1, 1, size - 1, f) == size - 1);
	MUST(!fclose(f));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct lines_options o = { .whole = on_line, .slowest = 3 };
	struct kernel_context *context;
	const struct line *slow;
	struct stage_table t;
	struct lines *s = NULL;
	char err[200];
	const char *dir;
	u64 sum = 0;

	if (!size)
		return 0;
	if (!dirs[0][0]) {
		atexit(remove_all);
		make_driver(dirs[0], BUFFER_HOST);
		make_driver(dirs[1], BUFFER_GUEST);
	}
	dir = dirs[data[0] >> 2 & 1];
	write_kernel(dir, data, size);
	if (stage_read_lines(dir, &o, &t, &s, err, sizeof(err))) {
		MUST(!strchr(err, '\n'));
		return 0;
	}
	MUST(t.requests == REQUESTS);
	for (unsigned i = 0; i < t.rows; i++)
		sum += t.row[i].sum_ns;
	MUST(sum - t.whole.sum_ns == t.sum_excess_ns);
	MUST(lines_slowest(s, &slow) == 3);
	MUST(!kernel_contexts(dir, slow, 3, &context, err, sizeof(err)));
	free(context);
	lines_free(s);
	return 0;
}
