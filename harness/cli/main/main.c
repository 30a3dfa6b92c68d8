// SPDX-License-Identifier: BSD-3-Clause
/*
 * ringside(1): one command in git's manner. What touches rings and sockets is built in; any other
 * name is looked up as ringside-NAME in the libexec folder, where orchestration and rendering live.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/spec/version.h"

extern const struct cli_command *const __start_cli_commands[] __attribute__((weak));
extern const struct cli_command *const __stop_cli_commands[] __attribute__((weak));

static int by_name(const void *a, const void *b)
{
	const struct cli_command *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* Commands that live in libexec; the same list as scripts installed there. */
static const struct {
	const char *name, *summary;
} external[] = {
	{ "ab", "measure two versions of a back-end in turns, and say whether they differ" },
	{ "ci", "what a pipeline of a back-end's project runs" },
	{ "gate", "compare results with a baseline's, and say whether to go on" },
	{ "history", "keep figures over time, and show where they change" },
	{ "lab", "real hypervisors under emulation, with a clock that counts instructions" },
	{ "lava", "scenarios as jobs for LAVA" },
	{ "merge", "join results into one file" },
	{ "report", "render results as one self-contained HTML page" },
	{ "run", "run scenarios: guests, hypervisors, back-ends, a cell for each combination" },
	{ "show", "show results on the terminal" },
	{ "zoo", "other people's back-ends: built, judged, measured" },
};

static void usage(FILE *f)
{
	const struct cli_command *sorted[64] = { NULL };
	size_t n = 0;

	for (const struct cli_command *const *c = __start_cli_commands;
	     c < __stop_cli_commands && n < ARRAY_SIZE(sorted); c++)
		sorted[n++] = *c;
	qsort(sorted, n, sizeof(sorted[0]), by_name);
	fputs("usage: ringside COMMAND [OPTION…] [ARGUMENT…]\n\n", f);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "  %-10s %s\n", sorted[i]->name, sorted[i]->summary);
	for (size_t i = 0; i < ARRAY_SIZE(external); i++)
		fprintf(f, "  %-10s %s\n", external[i].name, external[i].summary);
	fputs("\n'ringside COMMAND --help' tells of one; ringside(1) of all.\n", f);
}

/* A result that did not reach its reader is not a success. */
static int finish(int status)
{
	if ((fflush(stdout) == 0 && !ferror(stdout)) || status != CLI_OK)
		return status;
	cli_error("could not write all of the output: %s", strerror(errno));
	return CLI_INTERNAL;
}

/* getopt() starts its complaints with argv[0]: let it name the program too. */
static int run_builtin(const struct cli_command *c, int argc, char **argv)
{
	char name[64];

	snprintf(name, sizeof(name), "ringside %s", c->name);
	argv[0] = name;
	return finish(c->run(argc, argv));
}

/* Does not return when the command exists. */
static void exec_external(char **argv)
{
	const char *env = getenv("RINGSIDE_LIBEXEC");
	char exe[4000], path[4200];
	ssize_t n;
	char *slash;

	for (const char *p = argv[0]; *p; p++)
		if (*p == '/' || *p == '.')
			return;
	if (env) {
		snprintf(path, sizeof(path), "%s/ringside-%s", env, argv[0]);
		execv(path, argv);
	}
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0)
		return;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	snprintf(path, sizeof(path), "%s/../" RINGSIDE_LIBEXEC_REL "/ringside-%s", exe, argv[0]);
	execv(path, argv);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return finish(CLI_OK);
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("ringside %s\n", ringside_version);
		return finish(CLI_OK);
	}
	for (const struct cli_command *const *c = __start_cli_commands; c < __stop_cli_commands;
	     c++)
		if (strcmp((*c)->name, argv[1]) == 0)
			return run_builtin(*c, argc - 1, argv + 1);
	exec_external(argv + 1);
	for (size_t i = 0; i < ARRAY_SIZE(external); i++) {
		if (strcmp(external[i].name, argv[1]) == 0) {
			cli_error("%s/ringside-%s is not installed", RINGSIDE_LIBEXEC_REL, argv[1]);
			return CLI_INTERNAL;
		}
	}
	cli_error("'%s' is not a command: 'ringside --help' lists them", argv[1]);
	return CLI_USAGE;
}
