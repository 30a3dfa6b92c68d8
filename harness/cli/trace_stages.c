// SPDX-License-Identifier: BSD-3-Clause
/* ringside trace stages: the table. */
#include "harness/cli/options.h"
#include "harness/cli/trace_cmd.h"
#include "harness/run/host.h"
#include "harness/run/stage_out.h"
#include "harness/spec/version.h"

static void help(void)
{
	puts("usage: ringside trace stages [OPTION…] RECORDING\n"
	     "\n"
	     "Print where the requests in a recording spent their time, stage by stage.\n"
	     "\n"
	     "      --counter-hz N    of the processor's counter, where times are not measured: a lab's\n"
	     "                        is 1000000000, and an instruction a nanosecond\n"
	     "      --format FORMAT   text|json\n"
	     "  -o, --output FILE     write there instead of to standard output\n"
	     "      --help            this text");
}

static int write_table(const struct stage_table *t, const char *dir, int format, const char *output,
		       u64 lost)
{
	FILE *f = cli_open_output(output);
	json_t *j;

	if (!f)
		return -1;
	if (format == CLI_FORMAT_TEXT) {
		stage_write_text(t, lost, f);
		return cli_close_output(f, output);
	}
	j = json_pack("{s:s, s:s, s:o, s:o, s:o}", "schema", "ringside.trace/1", "ringside",
		      ringside_version, "created", host_timestamp(), "trace",
		      stage_trace_json(t, dir, lost), "stages", stage_rows_json(t));
	json_dumpf(j, f, JSON_INDENT(1));
	fputc('\n', f);
	json_decref(j);
	return cli_close_output(f, output);
}

static int print(const char *dir, u64 hz, int format, const char *output, u64 lost)
{
	static struct stage_table table;
	char err[512];

	if (stage_read_at(dir, hz, &table, err, sizeof(err))) {
		cli_error("%s", err);
		return CLI_USAGE;
	}
	return write_table(&table, dir, format, output, lost) ? CLI_INTERNAL : CLI_OK;
}

int trace_print_stages(const char *dir, int format, const char *output, u64 lost)
{
	return print(dir, 0, format, output, lost);
}

int trace_stages(int argc, char **argv)
{
	const char *output = NULL, *dir;
	unsigned hz = 0;
	int format = CLI_FORMAT_TEXT, status;
	const struct cli_option options[] = {
		CLI_OPTION("counter-hz", CLI_NUMBER, &hz, .min = 1000, .max = UINT32_MAX),
		CLI_OPTION("format", CLI_FORMAT, &format, .formats = CLI_TEXT_OR_JSON),
		CLI_OUTPUT(&output),
	};

	if (!cli_options(argc, argv, options, ARRAY_SIZE(options), help, &status))
		return status;
	dir = trace_folder(argc, argv);
	return dir ? print(dir, hz, format, output, 0) : CLI_USAGE;
}
