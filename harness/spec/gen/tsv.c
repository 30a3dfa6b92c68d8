// SPDX-License-Identifier: BSD-3-Clause
#include "harness/spec/gen/tsv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tsv_fail(struct tsv_error *err, size_t line, const char *column, const char *fmt, ...)
{
	va_list ap;

	err->line = line;
	snprintf(err->column, sizeof(err->column), "%s", column);
	va_start(ap, fmt);
	vsnprintf(err->what, sizeof(err->what), fmt, ap);
	va_end(ap);
}

static const char *column_name(const struct tsv *t, size_t line, size_t i)
{
	return line > 1 ? t->cells[i] : "header";
}

static bool check_cell(const struct tsv *t, size_t line, size_t i, const char *cell,
		       struct tsv_error *err)
{
	size_t len = strlen(cell);

	for (const char *p = cell; *p; p++) {
		if (*p >= ' ' && *p <= '~')
			continue;
		tsv_fail(err, line, column_name(t, line, i), "byte 0x%02x: only printable ASCII",
			 (unsigned char)*p);
		return false;
	}
	if (len && (cell[0] == ' ' || cell[len - 1] == ' ')) {
		tsv_fail(err, line, column_name(t, line, i), "blank at the begin or the end");
		return false;
	}
	return true;
}

/* Cuts one line at its tabs. The header line decides how many cells a line has. */
static bool cut_line(struct tsv *t, size_t line, char *s, char **cells, struct tsv_error *err)
{
	size_t n = 0;

	for (char *cell; (cell = strsep(&s, "\t")); n++) {
		if (n == (t->columns ? t->columns : TSV_MAX_COLUMNS)) {
			tsv_fail(err, line, "", "more than %zu cells", n);
			return false;
		}
		cells[n] = cell;
		if (!check_cell(t, line, n, cell, err))
			return false;
	}
	if (!t->columns) {
		t->columns = n;
	} else if (n < t->columns) {
		tsv_fail(err, line, t->cells[n], "missing: the line has %zu cells of %zu", n,
			 t->columns);
		return false;
	}
	return true;
}

bool tsv_parse(struct tsv *t, const char *path, char *text, struct tsv_error *err)
{
	size_t lines = 0, line = 0;
	char *rest = text, *s;

	*t = (struct tsv){ .path = path, .text = text };
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	if (lines == 0 || text[strlen(text) - 1] != '\n') {
		tsv_fail(err, lines + 1, "", "the last line does not end in a newline");
		return false;
	}
	t->cells = calloc(lines * TSV_MAX_COLUMNS, sizeof(*t->cells));
	if (!t->cells) {
		tsv_fail(err, 0, "", "out of memory");
		return false;
	}
	while (line < lines) {
		s = strsep(&rest, "\n");
		if (!cut_line(t, line + 1, s, t->cells + line * t->columns, err))
			return false;
		line++;
	}
	t->rows = lines - 1;
	return true;
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	size_t len = 0, cap = 0;

	if (!f)
		return NULL;
	for (;;) {
		if (len + 1 >= cap) {
			char *grown = realloc(text, cap = cap ? 2 * cap : 1 << 16);

			if (!grown)
				break;
			text = grown;
		}
		size_t n = fread(text + len, 1, cap - len - 1, f);

		len += n;
		if (n == 0)
			break;
	}
	if (!text || ferror(f) || memchr(text, '\0', len)) {
		free(text);
		text = NULL;
		errno = errno ? errno : EILSEQ;
	} else {
		text[len] = '\0';
	}
	fclose(f);
	return text;
}

bool tsv_load(struct tsv *t, const char *path, struct tsv_error *err)
{
	char *text;

	*t = (struct tsv){ .path = path };
	errno = 0;
	text = read_file(path);
	if (!text) {
		tsv_fail(err, 0, "", "cannot be read: %s", strerror(errno));
		return false;
	}
	return tsv_parse(t, path, text, err);
}

void tsv_free(struct tsv *t)
{
	free(t->cells);
	free(t->text);
	*t = (struct tsv){ 0 };
}

bool tsv_has_columns(const struct tsv *t, const char *const names[], size_t n)
{
	if (t->columns != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(t->cells[i], names[i]) != 0)
			return false;
	return true;
}
