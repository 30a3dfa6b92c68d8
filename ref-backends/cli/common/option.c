// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/cli/common/option.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/spec/virtio14.h"
#include "ref-backends/cli/common/size.h"

#define MAX_OPTIONS 96
#define COLUMN	    25 /* where the text of an option begins */
/* What getopt_long() returns for the n-th option: nothing that a letter can be. */
#define FIRST	    256
#define OPT_HELP    (FIRST + MAX_OPTIONS)
#define OPT_VERSION (FIRST + MAX_OPTIONS + 1)

static const char *program_name = "ringside";

static void say(const char *fmt, va_list ap)
{
	fprintf(stderr, "%s: ", program_name);
	vfprintf(stderr, fmt, ap);
}

int cli_usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fputs(" (--help tells more)\n", stderr);
	return CLI_USAGE;
}

int cli_failed(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

int cli_parse_queue_size(const char *arg, void *out)
{
	u64 v;

	if (!parse_size(arg, &v) || v < 2 || v > VIRTIO_QUEUE_SIZE_MAX || v & (v - 1))
		return cli_usage_error("--queue-size: '%s' is not a power of 2 up to 32768", arg);
	*(u16 *)out = (u16)v;
	return 0;
}

/* The text of an option, its lines one below the other. `at`: the column that is reached. */
static void print_help(FILE *f, const char *text, int at)
{
	while (text) {
		const char *end = strchr(text, '\n');
		const int length = end ? (int)(end - text) : (int)strlen(text);

		fprintf(f, "%*s%.*s\n", COLUMN > at ? COLUMN - at : 0, "", length, text);
		text = end ? end + 1 : NULL;
		at = 0;
	}
}

static void print_row(FILE *f, const struct cli_option *o)
{
	const char *space = o->value && o->value[0] != '[' ? " " : "";
	int at;

	if (o->takes == CLI_TITLE) {
		fprintf(f, "%s\n", o->help);
		return;
	}
	if (!o->help)
		return;
	at = fprintf(f, "  --%s%s%s", o->name, space, o->value ? o->value : "");
	if (at >= COLUMN) {
		fputc('\n', f);
		at = 0;
	}
	print_help(f, o->help, at);
}

static void help(const struct cli_program *p)
{
	fputs(p->synopsis, stdout);
	for (unsigned t = 0; t < p->num_tables; t++)
		for (unsigned i = 0; i < p->tables[t].n; i++)
			print_row(stdout, &p->tables[t].rows[i]);
	puts("  --help, --version");
	fputs(p->ending, stdout);
}

/* 64 MiB as 64m. */
static const char *size_text(u64 v, char text[24])
{
	unsigned unit = 0;

	while (unit < 4 && v && v % 1024 == 0) {
		v /= 1024;
		unit++;
	}
	snprintf(text, 24, "%llu%.1s", (unsigned long long)v, &"\0kmgt"[unit]);
	return text;
}

static int take_word(const struct cli_option *o, const char *arg)
{
	char all[120] = "";

	for (int i = 0; o->words[i]; i++) {
		if (strcmp(o->words[i], arg) == 0) {
			*(int *)o->out = i;
			return 0;
		}
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "",
			 o->words[i]);
	}
	return cli_usage_error("--%s: '%s' is none of %s", o->name, arg, all);
}

static int take(const struct cli_option *o, const char *arg)
{
	char least[24], most[24];
	u64 v;

	switch (o->takes) {
	case CLI_TITLE:
		break;
	case CLI_FLAG:
		*(bool *)o->out = true;
		break;
	case CLI_TEXT:
		*(const char **)o->out = arg;
		break;
	case CLI_NUMBER:
		if (!parse_size(arg, &v) || v < o->min || v > o->max)
			return cli_usage_error("--%s: '%s' is not a number from %llu to %llu",
					       o->name, arg, (unsigned long long)o->min,
					       (unsigned long long)o->max);
		*(unsigned *)o->out = (unsigned)v;
		break;
	case CLI_SIZE:
		if (!parse_size(arg, &v) || v < o->min || v > o->max)
			return cli_usage_error("--%s: '%s' is not a size from %s to %s", o->name,
					       arg, size_text(o->min, least),
					       size_text(o->max, most));
		*(u64 *)o->out = v;
		break;
	case CLI_WORD:
		return take_word(o, arg);
	case CLI_OWN:
		return o->parse(arg, o->out);
	}
	return 0;
}

static int has_arg(const struct cli_option *o)
{
	if (!o->value)
		return no_argument;
	return o->value[0] == '[' ? optional_argument : required_argument;
}

bool cli_parse(const struct cli_program *p, int argc, char **argv, int *status)
{
	struct option longopts[MAX_OPTIONS + 3] = { 0 };
	const struct cli_option *rows[MAX_OPTIONS];
	unsigned n = 0;
	int ch;

	program_name = p->name;
	for (unsigned t = 0; t < p->num_tables; t++) {
		for (unsigned i = 0; i < p->tables[t].n && n < MAX_OPTIONS; i++) {
			const struct cli_option *o = &p->tables[t].rows[i];

			if (o->takes == CLI_TITLE)
				continue;
			longopts[n] = (struct option){ o->name, has_arg(o), NULL, FIRST + (int)n };
			rows[n++] = o;
		}
	}
	longopts[n++] = (struct option){ "help", no_argument, NULL, OPT_HELP };
	longopts[n] = (struct option){ "version", no_argument, NULL, OPT_VERSION };
	while ((ch = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		if (ch == OPT_HELP || ch == OPT_VERSION) {
			if (ch == OPT_HELP)
				help(p);
			else
				printf("%s " RINGSIDE_VERSION "\n", p->name);
			*status = fflush(stdout) ? 1 : 0;
			return false;
		}
		/* What is not known getopt_long() has complained about. */
		*status = ch >= FIRST ? take(rows[ch - FIRST], optarg) : CLI_USAGE;
		if (*status)
			return false;
	}
	return true;
}
