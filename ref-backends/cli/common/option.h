/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of a program as tables: what each takes, where that goes, and what --help says of it. */
#ifndef REF_BACKENDS_CLI_COMMON_OPTION_H
#define REF_BACKENDS_CLI_COMMON_OPTION_H

#include "harness/spec/types.h"

#define CLI_USAGE 2 /* exit status of a wrong command line */

enum cli_takes {
	CLI_TITLE,  /* no option: a line of its own above those that follow */
	CLI_FLAG,   /* nothing; `out` is a bool */
	CLI_TEXT,   /* const char * */
	CLI_NUMBER, /* unsigned, from `min` to `max` */
	CLI_SIZE,   /* u64, from `min` to `max`, with a suffix if one likes */
	CLI_WORD,   /* int, the index of one of `words` */
	CLI_OWN,    /* what `parse` makes of it */
};

struct cli_option {
	enum cli_takes takes;
	const char *name;  /* without its dashes */
	const char *value; /* what it takes, as --help shows it; "[=SIZE]": or nothing */
	const char *help;  /* lines; NULL: another name for the row before, and not shown */
	void *out;
	u64 min, max;
	const char *const *words; /* ends with NULL */
	/* `arg` is NULL where nothing is given. 0, or the exit status after a line on stderr. */
	int (*parse)(const char *arg, void *out);
};

struct cli_table {
	const struct cli_option *rows;
	unsigned n;
};

/* clang-format off */
/* A row: its fields in the order in which they are read, and what else there is to say, as .max = 8. */
#define CLI_OPTION(takes_, name_, value_, out_, help_, ...) \
	{ .takes = (takes_), .name = (name_), .value = (value_), .out = (out_), .help = (help_), \
	  __VA_ARGS__ }
#define CLI_TABLE(rows_) { (rows_), ARRAY_SIZE(rows_) }
#define CLI_TITLED(text_) { .takes = CLI_TITLE, .help = (text_) }
/* clang-format on */

struct cli_program {
	const char *name;
	const char *synopsis; /* --help begins with it */
	const char *ending;   /* and ends with this */
	const struct cli_table *tables;
	unsigned num_tables;
};

/*
 * Options of a command line into where the tables say; "--help" and "--version" are known without being
 * listed. True: go on, the first argument that is no option is argv[optind]. False: it is over, with
 * *status.
 */
bool cli_parse(const struct cli_program *program, int argc, char **argv, int *status);

/* A `parse` that several programs have: a power of 2, into a u16. */
int cli_parse_queue_size(const char *arg, void *out);

/* One line on stderr that begins with the program's name. Returns CLI_USAGE. */
int cli_usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, for what the machine refused; returns 1. */
int cli_failed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
