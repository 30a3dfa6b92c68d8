// SPDX-License-Identifier: BSD-3-Clause
#include "harness/probe/job/number.h"

#include <string.h>

bool guest_number(const char *s, u64 *v)
{
	const unsigned base = s[0] == '0' && (s[1] | 0x20) == 'x' ? 16 : 10;
	u64 n = 0;

	s += base == 16 ? 2 : 0;
	if (!*s)
		return false;
	for (; *s; s++) {
		const char c = (char)(*s | 0x20);
		unsigned digit;

		if (*s >= '0' && *s <= '9')
			digit = (unsigned)(*s - '0');
		else if (base == 16 && c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a') + 10;
		else
			break;
		if (n > (~0ull - digit) / base)
			return false;
		n = n * base + digit;
	}
	if (*s && !s[1] && strchr("kmg", *s | 0x20)) {
		const unsigned shift = (*s | 0x20) == 'k' ? 10 : (*s | 0x20) == 'm' ? 20 : 30;

		if (n > ~0ull >> shift)
			return false;
		n <<= shift;
		s++;
	}
	*v = n;
	return *s == '\0';
}
