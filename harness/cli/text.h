/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text for people: wrapped to the terminal's width; in a pipe one item is one line, for grep.
 */
#ifndef HARNESS_CLI_TEXT_H
#define HARNESS_CLI_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/* Columns of the terminal behind `f`, at least 40; 0 when it is none: do not wrap. */
unsigned text_width(FILE *f);

/*
 * Print `text`, breaking it at blanks so that no line is longer than `width` columns (0: no limit).
 * The cursor stands at column `at`; further lines are indented to column `indent`. A word longer
 * than a line stands alone in its own. Ends with a newline.
 */
void text_wrap(FILE *f, unsigned width, unsigned at, unsigned indent, const char *text);

#endif
