/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Formatted text where there is no C library: the part of printf that checks and runner use.
 *
 * %d %i %u %x %X %c %s %p %%, with flags '-', '0', '+', ' ' and '#', width and precision as numbers or
 * '*', and the lengths hh h l ll z j t. Anything else is copied as it stands.
 *
 * Freestanding.
 */
#ifndef HARNESS_RUN_CORE_TEXT_H
#define HARNESS_RUN_CORE_TEXT_H

#include <stdarg.h>

#include "harness/spec/types.h"

/* As vsnprintf: ends in '\0' when there is room for it, returns the length that was wanted. */
int text_vformat(char *out, size_t room, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
int text_format(char *out, size_t room, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A copy that is cut to fit. */
void text_copy(char *out, size_t room, const char *s);

bool text_same(const char *a, const char *b);

#endif
