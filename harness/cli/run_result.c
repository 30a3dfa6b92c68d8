// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/run_result.h"

void cli_write_run(const struct run *r, enum cli_format format, FILE *f)
{
	static void (*const writers[])(const struct run *, FILE *) = {
		[CLI_FORMAT_TEXT] = run_write_text,   [CLI_FORMAT_JSON] = run_write_json,
		[CLI_FORMAT_JUNIT] = run_write_junit, [CLI_FORMAT_TAP] = run_write_tap,
		[CLI_FORMAT_KTAP] = run_write_ktap,
	};

	writers[format](r, f);
}
