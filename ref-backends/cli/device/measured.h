/* SPDX-License-Identifier: BSD-3-Clause */
/* What every program can measure of a device that it serves, and the options for it. */
#ifndef REF_BACKENDS_CLI_DEVICE_MEASURED_H
#define REF_BACKENDS_CLI_DEVICE_MEASURED_H

#include "ref-backends/cli/common/option.h"
#include "ref-backends/device/device.h"

extern const struct cli_table measured_options;

/* What --stamps said, or NULL. */
const char *measured_stamps(void);
/* Whether --burn was given. */
bool measured_burns(void);

/* What to serve in place of `dev`: itself when nothing is measured; NULL after a line on stderr. */
struct rdev *measured(struct rdev *dev);

#endif
