// SPDX-License-Identifier: BSD-3-Clause
/*
 * How fast events become stages: a recording of a driver and a back-end, ten events for each request, is made and
 * read by one thread; or one that there is, which may be LTTng's. usage: stage_bench [REQUESTS | --of RECORDING]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "traces/ring/record.h"
#include "traces/stage/ctf.h"
#include "traces/stage.h"

#define DEPTH 32
#define CHUNK 8192

struct side {
	struct record_file *file;
	struct trace_event event[CHUNK];
	u32 n;
};

static void add(struct side *s, u64 ns, u8 kind, u16 head, u64 seq, u32 len)
{
	s->event[s->n++] = (struct trace_event){
		.ticks = ns, .seq = seq, .len = len, .head = head, .kind = kind, .cpu = 0xffff
	};
	if (s->n == CHUNK) {
		if (record_file_add(s->file, 0, s->event, s->n))
			abort();
		s->n = 0;
	}
}

static void make(const char *dir, u64 requests)
{
	struct buffer_file head = {
		.magic = BUFFER_MAGIC,
		.version = BUFFER_VERSION,
		.rings = 1,
		.pid = 1,
		.peer = 1,
		.end = { 1, 1, 0 },
	};
	struct side *driver = calloc(1, sizeof(*driver)), *back = calloc(1, sizeof(*back));
	char err[200];
	u64 ns = 1000;

	if (!driver || !back)
		abort();
	head.actor = BUFFER_DRIVER;
	driver->file = record_file_new(dir, "driver", &head, err, sizeof(err));
	back->file = record_file_new(dir, "back-end", &head, err, sizeof(err));
	if (!driver->file || !back->file)
		abort();
	for (u64 seq = 0; seq < requests; seq++) {
		const u16 h = (u16)(seq % DEPTH);

		add(driver, ns += 10, TRACE_SUBMIT, h, seq, 4096);
		add(driver, ns += 10, TRACE_NOTIFY, 0, seq, 1);
		add(driver, ns += 10, TRACE_KICK, 0, seq, 1);
		add(back, ns += 10, TRACE_FETCH, h, seq, 4096);
		add(back, ns += 10, TRACE_SERVE_BEGIN, h, seq, 4096);
		add(back, ns += 10, TRACE_SERVE_END, h, seq, 4096);
		add(back, ns += 10, TRACE_PUBLISH, h, seq, 4096);
		add(back, ns += 10, TRACE_CALL, h, seq, 1);
		add(driver, ns += 10, TRACE_HANDLE, 0, 0, 0);
		add(driver, ns += 10, TRACE_REAP, h, seq, 4096);
	}
	for (int i = 0; i < 2; i++) {
		struct side *s = i ? back : driver;

		head.actor = i ? BUFFER_BACK_END : BUFFER_DRIVER;
		if ((s->n && record_file_add(s->file, 0, s->event, s->n)) ||
		    record_file_end(s->file, &head))
			abort();
		free(s);
	}
}

static int ignore(void *arg, u32 session, const struct trace_event *e, u64 ns)
{
	(void)session, (void)e, (void)ns;
	++*(u64 *)arg;
	return 0;
}

static void tell(const char *what, u64 events, u64 ns)
{
	printf("%-24s %12llu events in %.3f s: %.2f million events/s\n", what,
	       (unsigned long long)events, (double)ns / 1e9, (double)events * 1e3 / (double)ns);
}

/* What reading alone takes, without the library and with it; then with all that makes a table. */
static int of_recording(const char *dir)
{
	static const char *const names[] = { "LTTng's, by ourselves", "LTTng's, by the library" };
	static struct stage_table t;
	char err[300];
	u64 begin;

	for (int library = 0; library < 2; library++) {
		struct ctf_result r;
		u64 events = 0;

		begin = buffer_gettime();
		if (ctf_read_by(library, dir, ignore, &events, &r, err, sizeof(err))) {
			fprintf(stderr, "stage_bench: %s\n", err);
			return 1;
		}
		if (r.traces)
			tell(names[library], events, buffer_gettime() - begin);
	}
	begin = buffer_gettime();
	if (stage_read(dir, &t, err, sizeof(err))) {
		fprintf(stderr, "stage_bench: %s\n", err);
		return 1;
	}
	tell("all, as a table", t.events, buffer_gettime() - begin);
	return 0;
}

int main(int argc, char **argv)
{
	const u64 requests = argc > 1 ? strtoull(argv[1], NULL, 0) : 2000000;
	char dir[] = "/tmp/ringside-stage-XXXXXX", command[64], err[200];
	struct stage_table t;
	struct rusage u;
	u64 begin, ns;

	if (argc == 3 && strcmp(argv[1], "--of") == 0)
		return of_recording(argv[2]);
	if (!requests || !mkdtemp(dir))
		return 1;
	make(dir, requests);
	begin = buffer_gettime();
	if (stage_read(dir, &t, err, sizeof(err))) {
		fprintf(stderr, "stage_bench: %s\n", err);
		return 1;
	}
	ns = buffer_gettime() - begin;
	getrusage(RUSAGE_SELF, &u);
	printf("%llu events of %llu requests in %.3f s: %.2f million events/s, %ld MiB at most\n",
	       (unsigned long long)t.events, (unsigned long long)t.requests, (double)ns / 1e9,
	       (double)t.events * 1e3 / (double)ns, u.ru_maxrss >> 10);
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	if (system(command))
		return 1;
	return t.requests == requests ? 0 : 1;
}
