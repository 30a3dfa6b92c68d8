/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every command of ringside(1) shares: exit codes, output formats, one-line errors.
 *
 * A command is one file, cmd_NAME.c, that registers itself with CLI_COMMAND.
 */
#ifndef HARNESS_CLI_CLI_H
#define HARNESS_CLI_CLI_H

#include <stdio.h>

#include "harness/spec/types.h"

/* Documented in ringside(1), EXIT STATUS. */
enum cli_exit {
	CLI_OK = 0,	    /* all as expected */
	CLI_UNEXPECTED = 1, /* a verdict was not */
	CLI_USAGE = 2,	    /* the command line or an input file is wrong */
	CLI_TARGET = 3,	    /* the target was not reachable, or died */
	CLI_INTERNAL = 4,   /* the machine refused something we need (memory, a file, a tool) */
};

enum cli_format {
	CLI_FORMAT_TEXT,
	CLI_FORMAT_JSON,
	CLI_FORMAT_JUNIT,
	CLI_FORMAT_TAP,
	CLI_FORMAT_KTAP,
};

struct cli_command {
	const char *name;
	const char *summary; /* one line, for --help */
	int (*run)(int argc, char **argv);
};

/* Commands register themselves in a linker section of their own: no list is to be edited. */
#define CLI_COMMAND(ident, name_, summary_, run_)                                                  \
	static const struct cli_command ident##_command = { name_, summary_, run_ };               \
	static const struct cli_command *const ident##_entry                                       \
		__attribute__((used, section("cli_commands"))) = &ident##_command

/* One line on stderr: "ringside: " and what was wrong, with what, and what to do. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Returns a cli_format, or -1 after an error line. `allowed` is a mask of 1 << format. */
int cli_parse_format(const char *arg, unsigned allowed);

/*
 * Parse a number (0x accepted, suffixes k m g for 2^10 …) between min and max; -1 and an error line
 * otherwise.
 */
int cli_parse_u64(const char *option, const char *arg, u64 min, u64 max, u64 *out);

/* A duration: "500ms", "2s", "1.5s", bare number = seconds. Result in milliseconds. */
int cli_parse_duration_ms(const char *option, const char *arg, u64 *out);

/* stdout for NULL or "-"; NULL after an error line. */
FILE *cli_open_output(const char *path);
/* 0, or -1 after an error line when what was written did not reach the file. */
int cli_close_output(FILE *f, const char *path);

#endif
