// SPDX-License-Identifier: BSD-3-Clause
/* ringside trace record: whatever tracepoints there are, for a while. */
#include <string.h>
#include <time.h>

#include "harness/cli/bench_trace.h"
#include "harness/cli/options.h"
#include "harness/cli/trace_cmd.h"
#include "harness/run/interrupt.h"
#include "traces/tracer.h"

#define SLICE_MS 50u

static void help(void)
{
	puts("usage: ringside trace record [OPTION…] DIR\n"
	     "\n"
	     "Record what back-ends do, under whatever load they have, into DIR, which must be empty or\n"
	     "not exist. For the driver's side, too, use 'ringside bench --trace DIR'.\n"
	     "\n"
	     "      --duration TIME   for that long (until interrupted)\n"
	     "      --pid PID         this process only\n"
	     "      --tracer LIST     buffer: of 'ringside-backend --trace-buffer'; lttng: of '--trace';\n"
	     "                        bpf: what the kernel sees of any back-end, with --pid; uprobes: and\n"
	     "                        which chains it takes (auto: what there is)\n"
	     "      --bpf             also what the kernel sees, beside what there is\n"
	     "      --help            this text");
}

/*
 * Until the time is over or somebody wants it to end; what was recorded is then still read. In slices, since
 * a signal may come just before the sleep.
 */
static void wait_ms(u64 ms)
{
	for (u64 slice; ms && !interrupt_pending(); ms -= slice) {
		struct timespec t;

		slice = MIN(ms, SLICE_MS);
		t = (struct timespec){ .tv_sec = (time_t)(slice / 1000),
				       .tv_nsec = (long)(slice % 1000) * 1000000 };
		nanosleep(&t, NULL);
	}
}

int trace_record_for(const char *dir, const struct trace_what *what, unsigned ms, u64 *lost)
{
	const struct tracer_options options = {
		.dir = dir,
		.pid = (int)what->pid,
		.sources = what->sources,
		.bpf = what->bpf,
	};
	struct tracer *tracer;
	char err[512];
	int ret;

	if (tracer_open(&tracer, &options, err, sizeof(err))) {
		cli_error("%s", err);
		return CLI_TARGET;
	}
	interrupt_catch();
	ret = tracer_start(tracer, err, sizeof(err));
	if (!ret) {
		/* For whoever waits to begin with what is to be recorded. */
		fprintf(stderr, "ringside: recording into '%s'\n", dir);
		wait_ms(ms ? ms : UINT64_MAX);
		ret = tracer_stop(tracer, lost, err, sizeof(err));
	}
	tracer_close(tracer);
	if (ret)
		cli_error("%s", err);
	return ret ? CLI_TARGET : CLI_OK;
}

static int parse_tracer(const char *arg, void *out)
{
	return bench_trace_parse("--tracer", arg, out);
}

int trace_record(int argc, char **argv)
{
	struct trace_what what = { 0 };
	unsigned ms = 0;
	const struct cli_option options[] = {
		CLI_OPTION("duration", CLI_DURATION, &ms),
		CLI_OPTION("pid", CLI_NUMBER, &what.pid, .min = 1, .max = INT32_MAX),
		CLI_OPTION("tracer", CLI_OWN, &what.sources, .parse = parse_tracer),
		CLI_OPTION("bpf", CLI_FLAG, &what.bpf),
	};
	const char *dir;
	u64 lost = 0;
	int status;

	if (!cli_options(argc, argv, options, ARRAY_SIZE(options), help, &status))
		return status;
	dir = trace_folder(argc, argv);
	if (!dir)
		return CLI_USAGE;
	status = trace_record_for(dir, &what, ms, &lost);
	if (!status && lost)
		fprintf(stderr, "ringside: %llu events found no room: the recording has gaps\n",
			(unsigned long long)lost);
	return status;
}
