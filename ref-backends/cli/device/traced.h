/* SPDX-License-Identifier: BSD-3-Clause */
/* Tracing of programs that bring the driver: one option, and opening what it asks for. */
#ifndef REF_BACKENDS_CLI_DEVICE_TRACED_H
#define REF_BACKENDS_CLI_DEVICE_TRACED_H

#include "ref-backends/cli/common/option.h"

extern const struct cli_table traced_options;

/* Before any thread is started. `monitor`: the device is served elsewhere. 0, or -1 after a line on stderr. */
int traced_open(bool monitor);

#endif
