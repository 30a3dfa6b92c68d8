/* SPDX-License-Identifier: BSD-3-Clause */
/* What every result carries, and how awkward values are written. */
#ifndef HARNESS_RUN_HOST_H
#define HARNESS_RUN_HOST_H

#include <jansson.h>

#include "harness/spec/types.h"

/* New reference: {cpu, cores, kernel, hypervisor, governor, microcode, os}. */
json_t *host_fingerprint(void);

/* "2026-11-23T07:19:00Z", now. */
json_t *host_timestamp(void);

/* A mask: "0x…", since JSON's numbers do not hold 64 bits everywhere. */
json_t *json_hex(u64 v);

/* Text that may be anything (a target's words, a path): what is not UTF-8 becomes '?'. */
json_t *json_any(const char *s);

#endif
