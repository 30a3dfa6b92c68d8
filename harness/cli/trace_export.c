// SPDX-License-Identifier: BSD-3-Clause
/* ringside trace export: for other programs' eyes. */
#include "harness/cli/options.h"
#include "harness/cli/trace_cmd.h"
#include "traces/export/export.h"

static void help(void)
{
	puts("usage: ringside trace export [OPTION…] RECORDING\n"
	     "\n"
	     "      --perfetto FILE   JSON for the Perfetto UI or chrome://tracing: a track for each\n"
	     "                        actor, arrows along each request\n"
	     "      --requests N      so many requests at most (100000)\n"
	     "      --ctf DIR         plain CTF, for Trace Compass or babeltrace2, one trace for each\n"
	     "                        actor; DIR must not exist, or be empty\n"
	     "      --help            this text");
}

int trace_export(int argc, char **argv)
{
	const char *perfetto = NULL, *ctf = NULL, *dir;
	unsigned requests = 100000;
	const struct cli_option options[] = {
		CLI_OPTION("perfetto", CLI_TEXT, &perfetto),
		CLI_OPTION("requests", CLI_NUMBER, &requests, .min = 1, .max = 100000000),
		CLI_OPTION("ctf", CLI_TEXT, &ctf),
	};
	char err[512];
	int status;
	FILE *f;

	if (!cli_options(argc, argv, options, ARRAY_SIZE(options), help, &status))
		return status;
	dir = trace_folder(argc, argv);
	if (!dir)
		return CLI_USAGE;
	if (!perfetto && !ctf) {
		cli_error("export as what? --perfetto FILE, --ctf DIR");
		return CLI_USAGE;
	}
	if (perfetto) {
		f = cli_open_output(perfetto);
		if (!f)
			return CLI_INTERNAL;
		status = export_perfetto(dir, f, requests, err, sizeof(err));
		if (cli_close_output(f, perfetto) && !status)
			return CLI_INTERNAL;
		if (status)
			goto fail;
	}
	if (ctf && export_ctf(dir, ctf, err, sizeof(err)))
		goto fail;
	return CLI_OK;
fail:
	cli_error("%s", err);
	return CLI_USAGE;
}
