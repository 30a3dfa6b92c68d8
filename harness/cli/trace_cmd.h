/* SPDX-License-Identifier: BSD-3-Clause */
/* What ringside trace does, one function for each of its sub-commands. */
#ifndef HARNESS_CLI_TRACE_CMD_H
#define HARNESS_CLI_TRACE_CMD_H

#include <getopt.h>
#include <stdio.h>

#include "harness/cli/cli.h"
#include "traces/stage.h"

/* argv[0] is the name of the sub-command. The exit status. */
int trace_record(int argc, char **argv);
int trace_stages(int argc, char **argv);
int trace_outliers(int argc, char **argv);
int trace_export(int argc, char **argv);

struct trace_what {
	unsigned pid;	  /* 0: all */
	unsigned sources; /* enum tracer_source; 0: what there is */
	bool bpf;	  /* what the kernel sees beside that */
};

/* Record into `dir` for so long, or until interrupted. 0, or an exit status after an error line. */
int trace_record_for(const char *dir, const struct trace_what *what, unsigned ms, u64 *lost);
/* Read `dir` and write its table. The exit status. */
int trace_print_stages(const char *dir, int format, const char *output, u64 lost);

/* The one folder that stands behind the options; NULL after an error line. */
const char *trace_folder(int argc, char **argv);

#endif
