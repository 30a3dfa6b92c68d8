// SPDX-License-Identifier: BSD-3-Clause
/* ringside trace: record the tracepoints of a back-end, and read a recording as stages. */
#include <getopt.h>
#include <string.h>
#include <time.h>

#include "harness/cli/options.h"
#include "harness/run/host.h"
#include "harness/run/interrupt.h"
#include "harness/run/stage_out.h"
#include "harness/spec/version.h"
#include "traces/session.h"
#include "traces/stage.h"

#define SLICE_MS 50u

struct trace_opts {
	const char *dir, *output;
	unsigned record_ms; /* 0: read only */
	unsigned pid;
	int format;
};

static void help(void)
{
	puts("usage: ringside trace [OPTION…] DIR\n"
	     "\n"
	     "Print where the requests in a trace spent their time, stage by stage. DIR is what\n"
	     "'ringside bench --trace DIR' or --record left; babeltrace2(1) reads it too.\n"
	     "\n"
	     "      --record TIME     first record into DIR, for that long or until interrupted; "
	     "the\n"
	     "                        back-end must run with --trace\n"
	     "      --pid PID         record this process only\n"
	     "      --format FORMAT   text|json\n"
	     "  -o, --output FILE     write there instead of to standard output\n"
	     "      --help            this text\n"
	     "\n"
	     "Exit status: 0, 2 usage or not a trace, 3 nothing to record, 4 the machine refused\n"
	     "something.");
}

/* As cli_options(). */
static bool parse(int argc, char **argv, struct trace_opts *o, int *status)
{
	const struct cli_option options[] = {
		CLI_OPTION("record", CLI_DURATION, &o->record_ms),
		CLI_OPTION("pid", CLI_NUMBER, &o->pid, .min = 1, .max = INT32_MAX),
		CLI_OPTION("format", CLI_FORMAT, &o->format, .formats = CLI_TEXT_OR_JSON),
		CLI_OUTPUT(&o->output),
	};

	if (!cli_options(argc, argv, options, ARRAY_SIZE(options), help, status))
		return false;
	if (optind + 1 != argc) {
		if (optind < argc)
			cli_error("one folder at a time: '%s' is too much", argv[optind + 1]);
		else
			cli_error("which folder? 'ringside trace --help' tells");
		*status = CLI_USAGE;
		return false;
	}
	o->dir = argv[optind];
	return true;
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

static int record(const struct trace_opts *o, u64 *discarded)
{
	const struct trace_session_options options = { .dir = o->dir, .pid = o->pid };
	struct trace_session *session;
	char err[512];
	int ret;

	if (trace_session_open(&session, &options, err, sizeof(err))) {
		cli_error("%s", err);
		return -1;
	}
	interrupt_catch();
	ret = trace_session_start(session, err, sizeof(err));
	if (!ret) {
		/* For whoever waits to begin with what is to be recorded. */
		fprintf(stderr, "ringside: recording into '%s'\n", o->dir);
		wait_ms(o->record_ms);
		ret = trace_session_stop(session, discarded, err, sizeof(err));
	}
	trace_session_close(session);
	if (ret)
		cli_error("%s", err);
	return ret;
}

static int write_table(const struct trace_opts *o, const struct stage_table *t, u64 discarded)
{
	FILE *f = cli_open_output(o->output);
	json_t *j;

	if (!f)
		return -1;
	if (o->format == CLI_FORMAT_TEXT) {
		stage_write_text(t, discarded, f);
		return cli_close_output(f, o->output);
	}
	j = json_pack("{s:s, s:s, s:o, s:o, s:o}", "schema", "ringside.trace/1", "ringside",
		      ringside_version, "created", host_timestamp(), "trace",
		      stage_trace_json(t, o->dir, discarded), "stages", stage_rows_json(t));
	json_dumpf(j, f, JSON_INDENT(1));
	fputc('\n', f);
	json_decref(j);
	return cli_close_output(f, o->output);
}

static int cmd_trace(int argc, char **argv)
{
	struct trace_opts o = { .format = CLI_FORMAT_TEXT };
	struct stage_table table;
	u64 discarded = 0;
	char err[512];
	int status;

	if (!parse(argc, argv, &o, &status))
		return status;
	if (o.record_ms && record(&o, &discarded))
		return CLI_TARGET;
	if (stage_read(o.dir, &table, err, sizeof(err))) {
		cli_error("%s", err);
		return CLI_USAGE;
	}
	return write_table(&o, &table, discarded) ? CLI_INTERNAL : CLI_OK;
}

CLI_COMMAND(trace, "trace", "record and read the stages of a back-end's requests", cmd_trace);
