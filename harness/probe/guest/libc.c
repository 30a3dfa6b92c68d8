// SPDX-License-Identifier: BSD-3-Clause
/* The few functions of the C library that compilers and freestanding code call. */
#include <string.h>

#include "harness/spec/types.h"

/* Words that may stand anywhere and alias anything. */
typedef u64 __attribute__((may_alias)) word;

static bool aligned(const void *a, const void *b)
{
	return (((uintptr_t)a | (uintptr_t)b) & 7) == 0;
}

void *memcpy(void *to, const void *from, size_t n)
{
	u8 *d = to;
	const u8 *s = from;

	if (aligned(d, s)) {
		for (; n >= 8; n -= 8, d += 8, s += 8)
			*(word *)d = *(const word *)s;
	}
	while (n--)
		*d++ = *s++;
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	u8 *d = to;
	const u8 *s = from;

	if (d <= s || d >= s + n)
		return memcpy(to, from, n);
	while (n--)
		d[n] = s[n];
	return to;
}

void *memset(void *at, int c, size_t n)
{
	const u64 v = 0x0101010101010101ull * (u8)c;
	u8 *d = at;

	for (; n && !aligned(d, d); n--)
		*d++ = (u8)c;
	for (; n >= 64; n -= 64, d += 64) {
		word *w = (word *)d;

		w[0] = w[1] = w[2] = w[3] = w[4] = w[5] = w[6] = w[7] = v;
	}
	while (n--)
		*d++ = (u8)c;
	return at;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *p = a, *q = b;

	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

size_t strcspn(const char *s, const char *reject)
{
	size_t n = 0;

	while (s[n] && !strchr(reject, s[n]))
		n++;
	return n;
}

char *strstr(const char *s, const char *part)
{
	const size_t n = strlen(part);

	for (; *s; s++)
		if (strncmp(s, part, n) == 0)
			return (char *)s;
	return n ? NULL : (char *)s;
}
