/* SPDX-License-Identifier: BSD-3-Clause */
/* Freestanding. */
#ifndef HARNESS_PROBE_JOB_NUMBER_H
#define HARNESS_PROBE_JOB_NUMBER_H

#include "harness/spec/types.h"

/* "123", "0x7b", with k, m, g for powers of 1024. False: not a number. */
bool guest_number(const char *s, u64 *v);

#endif
