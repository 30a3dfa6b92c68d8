/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HARNESS_CLI_RUN_RESULT_H
#define HARNESS_CLI_RUN_RESULT_H

#include <stdio.h>

#include "harness/cli/cli.h"
#include "harness/run/result.h"

/* Verdicts in one of CLI_ANY_FORMAT. */
void cli_write_run(const struct run *r, enum cli_format format, FILE *f);

#endif
