// SPDX-License-Identifier: BSD-3-Clause
/* Formatted text without a C library says what the C library says; patterns match as fnmatch does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "harness/run/core/glob.h"
#include "harness/run/core/text.h"

static void same(size_t room, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void same(size_t room, const char *fmt, ...)
{
	char ours[256], theirs[256];
	int n, m;
	va_list ap;

	memset(ours, '~', sizeof(ours));
	memset(theirs, '~', sizeof(theirs));
	va_start(ap, fmt);
	n = text_vformat(ours, room, fmt, ap);
	va_end(ap);
	va_start(ap, fmt);
	m = vsnprintf(theirs, room, fmt, ap);
	va_end(ap);
	assert_int_equal(n, m);
	assert_memory_equal(ours, theirs, sizeof(ours));
}

static void numbers(void **state)
{
	static const unsigned long long values[] = { 0,		 1,	     9,
						     10,	 0x7fffffff, 0x80000000,
						     0xffffffff, 1ull << 63, ~0ull };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		unsigned long long v = values[i];

		same(256, "%d|%i|%u|%x|%X", (int)v, (int)v, (unsigned)v, (unsigned)v, (unsigned)v);
		same(256, "%lld|%llu|%llx|%#llx", (long long)v, v, v, v);
		same(256, "%ld|%lu|%zu|%zx", (long)v, (unsigned long)v, (size_t)v, (size_t)v);
		same(256, "%hu|%hhu|%hd|%hhd", (unsigned short)v, (unsigned char)v, (short)v,
		     (signed char)v);
		same(256, "%5d|%-5d|%05d|%+d|% d", (int)v, (int)v, (int)v, (int)v, (int)v);
		same(256, "%02x|%04x|%08x|%#06x|%.3u|%8.3u|%-8.3u|", (unsigned)v, (unsigned)v,
		     (unsigned)v, (unsigned)v, (unsigned)v, (unsigned)v, (unsigned)v);
		same(256, "%*d|%-*d|%.*u", 12, (int)v, 12, (int)v, 4, (unsigned)v);
	}
}

static void strings(void **state)
{
	same(256, "plain, 100%%, %c%c", 'a', 'z');
	same(256, "%s|%10s|%-10s|%.2s|%10.2s|%.0s|", "text", "text", "text", "text", "text",
	     "text");
	same(256, "%.*s|%.20s|%*s", 3, "abcdef", "short", 8, "wide");
	/* A string that does not end is fine where the precision says how long it is. */
	same(256, "%.4s", (const char[]){ 'a', 'b', 'c', 'd' });
}

static void cut(void **state)
{
	for (size_t room = 0; room < 20; room++)
		same(room, "%s %d %s", "cut", 12345, "somewhere");
}

static void patterns(void **state)
{
	static const char *const pattern[] = {
		"*",	   "",		"blk.*",	  "*.in",     "split.*.in",
		"bl?.rw",  "[a-c]lk.*", "[!a-c]*",	  "[]x]*",    "\\*",
		"**.**",   "blk.rw",	"@(blk|rng).*",	  "!(blk.*)", "+(ab|c)",
		"*(ab)c",  "?(x)y",	"blk.@(r*|w?).x", "a\\?b",    "@(a|@(b|c))d",
		"!(*.in)",

		"@(a",	   "+(a)+(b)",	"[[x]*",	  "*[0-9]",   "@([)]|x)",
		"*(a",	   "**(a*|[",
	};
	static const char *const text[] = {
		"",	    "blk.rw",  "split.used-len.in",
		"rng.read", "a",       "ababc",
		"abab",	    "c",       "y",
		"xy",	    "*",       "a?b",
		"axb",	    "bd",      "cd",
		"ad",	    "[a-",     "@(a",
		"aabb",	    "blk.r.x", "blk.wq.x",
		".x",	    "x",       ")",
		"]q",	    "v9",      "[",
		"x(a",	    "(a*|[",
	};

	assert_true(glob_match(NULL, "anything"));
	for (size_t p = 0; p < ARRAY_SIZE(pattern); p++)
		for (size_t t = 0; t < ARRAY_SIZE(text); t++)
			if (glob_match(pattern[p], text[t]) !=
			    (fnmatch(pattern[p], text[t], FNM_EXTMATCH) == 0))
				fail_msg("'%s' and '%s'", pattern[p], text[t]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(strings),
		cmocka_unit_test(cut),
		cmocka_unit_test(patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
