/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table of tab-separated values: one header line, then rows with exactly as many cells. There is
 * no quoting; a cell holds printable ASCII and neither begins nor ends with a blank.
 */
#ifndef HARNESS_SPEC_GEN_TSV_H
#define HARNESS_SPEC_GEN_TSV_H

#include "harness/spec/types.h"

#define TSV_MAX_COLUMNS 32

struct tsv {
	const char *path;
	char *text;   /* owned; cells point into it */
	char **cells; /* owned; row-major, header first */
	size_t columns;
	size_t rows; /* without the header; row i stands in line i + 2 */
};

/* Where and why a table was refused. `column` is "" when the whole line is at fault. */
struct tsv_error {
	size_t line;
	char column[32];
	char what[200];
};

void tsv_fail(struct tsv_error *err, size_t line, const char *column, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Takes ownership of `text` (NUL-terminated, from malloc). False with *err filled in. */
bool tsv_parse(struct tsv *t, const char *path, char *text, struct tsv_error *err);
/* Reads the file. */
bool tsv_load(struct tsv *t, const char *path, struct tsv_error *err);
void tsv_free(struct tsv *t);

static inline char *const *tsv_row(const struct tsv *t, size_t row)
{
	return t->cells + (row + 1) * t->columns;
}

static inline size_t tsv_line(size_t row)
{
	return row + 2;
}

/* True when the header is exactly these names. */
bool tsv_has_columns(const struct tsv *t, const char *const names[], size_t n);

#endif
