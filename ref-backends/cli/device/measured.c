// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/cli/device/measured.h"

#include <errno.h>
#include <string.h>

#include "ref-backends/device/host/measure.h"

static struct {
	const char *stamps;
	u64 burn;
} opt;

/* clang-format off */
static const struct cli_option options[] = {
	CLI_OPTION(CLI_TEXT, "stamps", "FILE", &opt.stamps,
		   "stamp each request of queue 0 with the processor's counter,\n"
		   "into this file (device/host/measure.h)"),
	CLI_OPTION(CLI_SIZE, "burn", "N", &opt.burn,
		   "N loop iterations more for each request",
		   .max = 1ull << 40),
};
/* clang-format on */

const struct cli_table measured_options = CLI_TABLE(options);

const char *measured_stamps(void)
{
	return opt.stamps;
}

bool measured_burns(void)
{
	return opt.burn != 0;
}

struct rdev *measured(struct rdev *dev)
{
	static struct measure measure;

	if (!opt.stamps && !opt.burn)
		return dev;
	dev = measure_init(&measure, dev, opt.stamps, opt.burn);
	if (!dev)
		cli_failed("%s: %s", opt.stamps, strerror(errno));
	return dev;
}
