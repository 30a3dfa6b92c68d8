// SPDX-License-Identifier: BSD-3-Clause
/* ringside trace: record what happens to requests, and read a recording as stages. */
#include <string.h>

#include "harness/cli/options.h"
#include "harness/cli/trace_cmd.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "record", trace_record },
	{ "stages", trace_stages },
	{ "outliers", trace_outliers },
	{ "export", trace_export },
};

static void help(void)
{
	puts("usage: ringside trace record   [--duration TIME] [--pid PID] [--tracer LIST] [--bpf] DIR\n"
	     "       ringside trace stages   [--format FORMAT] [-o FILE] RECORDING\n"
	     "       ringside trace outliers [--slowest N] [--format FORMAT] [-o FILE] RECORDING\n"
	     "       ringside trace export   [--perfetto FILE] [--requests N] [--ctf DIR] RECORDING\n"
	     "       ringside trace          [OPTION…] RECORDING\n"
	     "\n"
	     "Where requests spend their time, stage by stage. RECORDING is what 'ringside bench\n"
	     "--trace DIR' or 'ringside trace record DIR' left, a trace that LTTng wrote, or the file\n"
	     "of 'ringside-backend --trace-buffer FILE'. Each sub-command has --help.\n"
	     "\n"
	     "Without a sub-command, the same as stages, with\n"
	     "\n"
	     "      --record TIME     first record into RECORDING, for that long or until "
	     "interrupted\n"
	     "      --pid PID         record this process only\n"
	     "      --format FORMAT   text|json\n"
	     "  -o, --output FILE     write there instead of to standard output\n"
	     "      --help            this text\n"
	     "\n"
	     "Exit status: 0, 2 usage or not a recording, 3 nothing to record, 4 the machine refused\n"
	     "something.");
}

const char *trace_folder(int argc, char **argv)
{
	if (optind + 1 == argc)
		return argv[optind];
	if (optind < argc)
		cli_error("one folder at a time: '%s' is too much", argv[optind + 1]);
	else
		cli_error("which folder? 'ringside trace --help' tells");
	return NULL;
}

static int record_and_print(int argc, char **argv)
{
	struct trace_what what = { 0 };
	unsigned record_ms = 0;
	const char *output = NULL, *dir;
	int format = CLI_FORMAT_TEXT, status;
	const struct cli_option options[] = {
		CLI_OPTION("record", CLI_DURATION, &record_ms),
		CLI_OPTION("pid", CLI_NUMBER, &what.pid, .min = 1, .max = INT32_MAX),
		CLI_OPTION("format", CLI_FORMAT, &format, .formats = CLI_TEXT_OR_JSON),
		CLI_OUTPUT(&output),
	};
	u64 lost = 0;

	if (!cli_options(argc, argv, options, ARRAY_SIZE(options), help, &status))
		return status;
	dir = trace_folder(argc, argv);
	if (!dir)
		return CLI_USAGE;
	status = record_ms ? trace_record_for(dir, &what, record_ms, &lost) : CLI_OK;
	return status ? status : trace_print_stages(dir, format, output, lost);
}

static int cmd_trace(int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (argc < 2 || strcmp(argv[1], commands[i].name) != 0)
			continue;
		argv[1] = argv[0]; /* what getopt_long() calls us */
		return commands[i].run(argc - 1, argv + 1);
	}
	return record_and_print(argc, argv);
}

CLI_COMMAND(trace, "trace", "record and read the stages of requests", cmd_trace);
