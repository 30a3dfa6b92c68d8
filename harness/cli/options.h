/* SPDX-License-Identifier: BSD-3-Clause */
/* A command's options as a table: what each takes, and where that goes. */
#ifndef HARNESS_CLI_OPTIONS_H
#define HARNESS_CLI_OPTIONS_H

#include "harness/cli/cli.h"

enum cli_takes {
	CLI_FLAG,     /* nothing; `out` is a bool */
	CLI_TEXT,     /* const char * */
	CLI_NUMBER,   /* unsigned, from `min` to `max` */
	CLI_DURATION, /* unsigned, in milliseconds */
	CLI_FORMAT,   /* int, one of `formats` */
	CLI_OWN,      /* what `parse` makes of it */
};

struct cli_option {
	const char *name; /* without its dashes */
	enum cli_takes takes;
	void *out;
	u64 min, max;
	unsigned formats; /* 1 << enum cli_format */
	/* 0, or -1 after an error line. */
	int (*parse)(const char *arg, void *out);
	char letter; /* 0: there is no short form */
};

#define CLI_TEXT_OR_JSON (1u << CLI_FORMAT_TEXT | 1u << CLI_FORMAT_JSON)
#define CLI_ANY_FORMAT                                                                             \
	(CLI_TEXT_OR_JSON | 1u << CLI_FORMAT_JUNIT | 1u << CLI_FORMAT_TAP | 1u << CLI_FORMAT_KTAP)

/* clang-format off */
/* A row: CLI_OPTION("timeout", CLI_DURATION, &ms), and what else there is to say, as .letter = 't'. */
#define CLI_OPTION(name_, takes_, out_, ...) \
	{ .name = (name_), .takes = (takes_), .out = (out_), __VA_ARGS__ }
/* What most commands have. */
#define CLI_OUTPUT(out_) CLI_OPTION("output", CLI_TEXT, out_, .letter = 'o')
/* clang-format on */

/*
 * Options of a command line; "--help" is known without being listed. True: go on, the first argument
 * that is no option is argv[optind]. False: the command is over, with *status.
 */
bool cli_options(int argc, char **argv, const struct cli_option *options, unsigned n,
		 void (*help)(void), int *status);

#endif
