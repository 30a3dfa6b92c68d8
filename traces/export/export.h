/* SPDX-License-Identifier: BSD-3-Clause */
/* A recording in forms that other programs read. Every call: 0, or -1 with one line in `err`. */
#ifndef TRACES_EXPORT_EXPORT_H
#define TRACES_EXPORT_EXPORT_H

#include <stdio.h>

#include "harness/spec/types.h"

/*
 * JSON in Chrome's format, which the Perfetto UI opens: a process for each actor, a track for each queue and as many
 * as it had requests at once, a slice for each stage, arrows from actor to actor along each request. The first
 * `requests` whole ones.
 */
int export_perfetto(const char *path, FILE *f, u64 requests, char *err, size_t len);

/*
 * CTF 1.8 under the folder `dir`: of our own buffers one trace for each file, with the events and fields that the
 * LTTng provider has. Traces that LTTng wrote are copied as they are.
 */
int export_ctf(const char *path, const char *dir, char *err, size_t len);

#endif
