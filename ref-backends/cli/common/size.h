/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef REF_BACKENDS_CLI_COMMON_SIZE_H
#define REF_BACKENDS_CLI_COMMON_SIZE_H

#include "harness/spec/types.h"

/* A number with an optional suffix k, m, g, t. */
bool parse_size(const char *arg, u64 *out);

#endif
