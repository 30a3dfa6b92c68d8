/* SPDX-License-Identifier: BSD-3-Clause */
/* What a load does to which device: --device and --op. */
#ifndef HARNESS_CLI_BENCH_OP_H
#define HARNESS_CLI_BENCH_OP_H

#include "harness/bench/host/session.h"

struct bench_op {
	const char *device, *name;   /* name: of the operation; NULL: the device's first */
	const struct bench_ask *ask; /* NULL: no message */
	struct load_ask message;
};

/* An error line; the exit status. */
int bench_bad_choice(const char *option, const char *arg, const char *choices);
/* Take the argument of --device. -1: fine; otherwise the exit status. */
int bench_op_device(struct bench_op *o, const char *arg);
/* Find the operation, and make of `b` a load of it. -1: fine; otherwise the exit status. */
int bench_op_fit(struct bench_op *o, struct bench_opts *b);

#endif
