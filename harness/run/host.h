/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's fingerprint, as it stands in every result. */
#ifndef HARNESS_RUN_HOST_H
#define HARNESS_RUN_HOST_H

#include <jansson.h>

/* New reference: {cpu, cores, kernel, hypervisor, governor, microcode, os}. */
json_t *host_fingerprint(void);

/* "2026-11-23T07:19:00Z", now. */
json_t *host_timestamp(void);

#endif
