// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/options.h"

#include <getopt.h>
#include <string.h>

#define MAX_OPTIONS 32
/* What getopt_long() returns for the n-th option: nothing that a letter can be. */
#define FIRST 256

/* 0, or -1 after an error line. */
static int take(const struct cli_option *o, const char *arg)
{
	char name[40];
	u64 v;

	snprintf(name, sizeof(name), "--%s", o->name);
	switch (o->takes) {
	case CLI_FLAG:
		*(bool *)o->out = true;
		return 0;
	case CLI_TEXT:
		*(const char **)o->out = arg;
		return 0;
	case CLI_NUMBER:
		if (cli_parse_u64(name, arg, o->min, o->max, &v) < 0)
			return -1;
		*(unsigned *)o->out = (unsigned)v;
		return 0;
	case CLI_DURATION:
		if (cli_parse_duration_ms(name, arg, &v) < 0)
			return -1;
		*(unsigned *)o->out = (unsigned)v;
		return 0;
	case CLI_FORMAT:
		*(int *)o->out = cli_parse_format(arg, o->formats);
		return *(int *)o->out < 0 ? -1 : 0;
	case CLI_OWN:
		return o->parse(arg, o->out);
	}
	return -1;
}

static const struct cli_option *by_letter(const struct cli_option *options, unsigned n, int ch)
{
	for (unsigned i = 0; i < n; i++)
		if (options[i].letter == ch)
			return &options[i];
	return NULL;
}

bool cli_options(int argc, char **argv, const struct cli_option *options, unsigned n,
		 void (*help)(void), int *status)
{
	struct option longopts[MAX_OPTIONS + 2] = { 0 };
	char letters[2 * MAX_OPTIONS + 1] = "";
	int ch;

	for (unsigned i = 0; i < n && i < MAX_OPTIONS; i++) {
		const bool takes = options[i].takes != CLI_FLAG;
		const char one[] = { options[i].letter, takes && options[i].letter ? ':' : 0, 0 };

		longopts[i] = (struct option){ options[i].name, takes, NULL, FIRST + (int)i };
		strcat(letters, one);
	}
	longopts[MIN(n, MAX_OPTIONS)] = (struct option){ "help", 0, NULL, FIRST + MAX_OPTIONS };
	optind = 1;
	*status = CLI_USAGE;
	while ((ch = getopt_long(argc, argv, letters, longopts, NULL)) != -1) {
		const struct cli_option *o;

		if (ch == FIRST + MAX_OPTIONS) {
			help();
			*status = CLI_OK;
			return false;
		}
		o = ch >= FIRST ? &options[ch - FIRST] : by_letter(options, n, ch);
		/* What is not known getopt_long() has complained about. */
		if (!o || take(o, optarg) < 0)
			return false;
	}
	return true;
}
