// SPDX-License-Identifier: BSD-3-Clause
/* ringside trace: record the tracepoints of a back-end, and read a recording as stages. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "harness/cli/cli.h"
#include "harness/run/host.h"
#include "harness/run/stage_out.h"
#include "harness/spec/version.h"
#include "traces/session.h"
#include "traces/stage.h"

struct trace_opts {
	const char *dir, *output;
	u64 record_ms; /* 0: read only */
	int pid;
	int format;
};

static volatile sig_atomic_t interrupted;

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

static int parse(int argc, char **argv, struct trace_opts *o)
{
	enum {
		RECORD = 256,
		PID,
		FORMAT,
		HELP
	};
	static const struct option longopts[] = {
		{ "record", 1, 0, RECORD }, { "pid", 1, 0, PID },   { "format", 1, 0, FORMAT },
		{ "output", 1, 0, 'o' },    { "help", 0, 0, HELP }, { 0, 0, 0, 0 },
	};
	u64 pid;
	int ch;

	optind = 1;
	while ((ch = getopt_long(argc, argv, "o:", longopts, NULL)) != -1) {
		switch (ch) {
		case RECORD:
			if (cli_parse_duration_ms("--record", optarg, &o->record_ms) < 0)
				return CLI_USAGE;
			break;
		case PID:
			if (cli_parse_u64("--pid", optarg, 1, INT32_MAX, &pid) < 0)
				return CLI_USAGE;
			o->pid = (int)pid;
			break;
		case FORMAT:
			o->format = cli_parse_format(optarg,
						     1u << CLI_FORMAT_TEXT | 1u << CLI_FORMAT_JSON);
			if (o->format < 0)
				return CLI_USAGE;
			break;
		case 'o':
			o->output = optarg;
			break;
		case HELP:
			help();
			return -2;
		default:
			return CLI_USAGE;
		}
	}
	if (optind + 1 != argc) {
		if (optind < argc)
			cli_error("one folder at a time: '%s' is too much", argv[optind + 1]);
		else
			cli_error("which folder? 'ringside trace --help' tells");
		return CLI_USAGE;
	}
	o->dir = argv[optind];
	return -1;
}

static void interrupt(int signal)
{
	interrupted = 1;
}

/* Until the time is over or somebody wants it to end; what was recorded is then still read. */
static void wait_ms(u64 ms)
{
	struct sigaction old_int, old_term;
	const struct sigaction end = { .sa_handler = interrupt };
	struct timespec t = { .tv_sec = (time_t)(ms / 1000),
			      .tv_nsec = (long)(ms % 1000) * 1000000 };

	sigaction(SIGINT, &end, &old_int);
	sigaction(SIGTERM, &end, &old_term);
	while (!interrupted && nanosleep(&t, &t) && errno == EINTR)
		;
	sigaction(SIGINT, &old_int, NULL);
	sigaction(SIGTERM, &old_term, NULL);
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
	ret = trace_session_start(session, err, sizeof(err));
	if (!ret) {
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
	int rc = parse(argc, argv, &o);

	if (rc == -2)
		return CLI_OK;
	if (rc >= 0)
		return rc;
	if (o.record_ms && record(&o, &discarded))
		return CLI_TARGET;
	if (stage_read(o.dir, &table, err, sizeof(err))) {
		cli_error("%s", err);
		return CLI_USAGE;
	}
	return write_table(&o, &table, discarded) ? CLI_INTERNAL : CLI_OK;
}

CLI_COMMAND(trace, "trace", "record and read the stages of a back-end's requests", cmd_trace);
