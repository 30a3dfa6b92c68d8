// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/cli/device/traced.h"

#include "traces/trace.h"

static const char *buffer;

/* clang-format off */
static const struct cli_option options[] = {
	CLI_OPTION(CLI_TEXT, "trace-buffer", "FILE", &buffer,
		   "write what happens to each request to FILE, when 'ringside trace\n"
		   "record' records; FILE,on: always, FILE,events=N: so many"),
};
/* clang-format on */

const struct cli_table traced_options = CLI_TABLE(options);

int traced_open(bool monitor)
{
	char err[256];

	if (!buffer || !trace_buffer_open(buffer, monitor, err, sizeof(err)))
		return 0;
	cli_failed("--trace-buffer: %s", err);
	return -1;
}
