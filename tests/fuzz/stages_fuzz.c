// SPDX-License-Identifier: BSD-3-Clause
/* A recording that is anything: read to an end, in bounds; what is whole has points in order and adds up. */
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/input.h"
#include "traces/ring/record.h"
#include "traces/stage/read.h"

static u64 lines;

static void on_line(void *arg, const struct line *l)
{
	u64 before = 0;

	MUST(l->seen >> TRACE_POINTS == 0);
	MUST(line_first(l) < line_last(l));
	for (unsigned p = 0; p < TRACE_POINTS; p++) {
		if (!line_has(l, p))
			continue;
		MUST(l->at[p] >= before);
		before = l->at[p];
	}
	lines++;
}

/* The input is what follows a header that is right, unless its first byte says that it is all there is. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct lines_options o = { .whole = on_line, .slowest = 3 };
	struct buffer_file head = {
		.magic = BUFFER_MAGIC,
		.version = BUFFER_VERSION,
		.header_bytes = sizeof(head),
		.rings = 2,
		.actor = BUFFER_BACK_END,
		.pid = 1,
	};
	struct stage_table t;
	struct lines *s = NULL;
	char path[64], err[200];
	int fd = memfd_create("fuzz", 0);

	MUST(fd >= 0);
	if (size && data[0] & 1) {
		head.actor = BUFFER_DRIVER;
		head.peer = 1;
	}
	if (size && !(data[0] & 2))
		MUST(write(fd, &head, sizeof(head)) == sizeof(head));
	if (size > 1)
		MUST(write(fd, data + 1, size - 1) == (ssize_t)size - 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	lines = 0;
	if (!stage_read_lines(path, &o, &t, &s, err, sizeof(err))) {
		const struct line *slow;
		u64 sum = 0;

		MUST(t.requests == lines);
		MUST(t.requests * 2 <= t.events);
		for (unsigned i = 0; i < t.rows; i++)
			sum += t.row[i].sum_ns;
		MUST(sum - t.whole.sum_ns == t.sum_excess_ns);
		MUST(lines_slowest(s, &slow) == MIN(lines, 3u));
	} else {
		MUST(!strchr(err, '\n'));
	}
	lines_free(s);
	close(fd);
	return 0;
}
