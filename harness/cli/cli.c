// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/cli.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void cli_error(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("ringside: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int cli_parse_format(const char *arg, unsigned allowed)
{
	static const char *const names[] = {
		[CLI_FORMAT_TEXT] = "text",   [CLI_FORMAT_JSON] = "json",
		[CLI_FORMAT_JUNIT] = "junit", [CLI_FORMAT_TAP] = "tap",
		[CLI_FORMAT_KTAP] = "ktap",
	};
	char list[64] = "";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(allowed & 1u << i))
			continue;
		if (strcmp(arg, names[i]) == 0)
			return (int)i;
		if (list[0])
			strcat(list, ", ");
		strcat(list, names[i]);
	}
	cli_error("unknown format '%s': this command knows %s", arg, list);
	return -1;
}

int cli_parse_u64(const char *option, const char *arg, u64 min, u64 max, u64 *out)
{
	static const char suffixes[] = "kmgt";
	unsigned long long v;
	unsigned shift = 0;
	char *end;

	errno = 0;
	v = strtoull(arg, &end, 0);
	if (*end) {
		const char *s = strchr(suffixes, *end | 0x20);

		if (s && end[1] == '\0') {
			shift = 10 * (unsigned)(s - suffixes + 1);
			end++;
		}
	}
	if (end == arg || *end || arg[0] == '-' || errno || v > (~0ull >> shift) ||
	    v << shift < min || v << shift > max) {
		cli_error("%s: '%s' is not a number from %llu to %llu", option, arg,
			  (unsigned long long)min, (unsigned long long)max);
		return -1;
	}
	*out = v << shift;
	return 0;
}

int cli_parse_duration_ms(const char *option, const char *arg, u64 *out)
{
	char *end;
	double v = strtod(arg, &end);
	double scale = 1000;

	if (strcmp(end, "ms") == 0)
		scale = 1;
	else if (strcmp(end, "m") == 0)
		scale = 60000;
	else if (*end && strcmp(end, "s") != 0)
		scale = NAN;
	if (end == arg || !(v * scale >= 1 && v * scale <= 86400000)) {
		cli_error("%s: '%s' is not a duration (500ms, 2s, 1.5s, 1m)", option, arg);
		return -1;
	}
	*out = (u64)(v * scale);
	return 0;
}

FILE *cli_open_output(const char *path)
{
	FILE *f;

	if (!path || strcmp(path, "-") == 0)
		return stdout;
	f = fopen(path, "w");
	if (!f)
		cli_error("cannot write '%s': %s", path, strerror(errno));
	return f;
}

int cli_close_output(FILE *f, const char *path)
{
	int bad = fflush(f) || ferror(f);

	if (f != stdout)
		bad |= fclose(f);
	if (bad)
		cli_error("could not write all of '%s': %s", path ? path : "-", strerror(errno));
	return bad ? -1 : 0;
}
