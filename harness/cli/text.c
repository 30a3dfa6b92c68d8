// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/text.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MIN_WIDTH 40

unsigned text_width(FILE *f)
{
	struct winsize ws;

	if (!isatty(fileno(f)))
		return 0;
	if (ioctl(fileno(f), TIOCGWINSZ, &ws) != 0 || ws.ws_col == 0)
		return 80;
	return ws.ws_col < MIN_WIDTH ? MIN_WIDTH : ws.ws_col;
}

/* Columns of a UTF-8 string, as long as all its characters are one column wide. */
static unsigned columns(const char *s, size_t bytes)
{
	unsigned n = 0;

	for (size_t i = 0; i < bytes; i++)
		n += (s[i] & 0xc0) != 0x80;
	return n;
}

void text_wrap(FILE *f, unsigned width, unsigned at, unsigned indent, const char *text)
{
	bool first = true;

	for (;;) {
		size_t bytes;
		unsigned word;

		text += strspn(text, " ");
		bytes = strcspn(text, " ");
		if (!bytes)
			break;
		word = columns(text, bytes);
		if (!first && width && at + 1 + word > width) {
			fprintf(f, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			fputc(' ', f);
			at++;
		}
		fwrite(text, 1, bytes, f);
		at += word;
		text += bytes;
		first = false;
	}
	fputc('\n', f);
}
