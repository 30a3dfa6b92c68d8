// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/cli/common/size.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool parse_size(const char *arg, u64 *out)
{
	static const char suffixes[] = "kmgt";
	unsigned long long v;
	unsigned shift = 0;
	char *end;

	errno = 0;
	v = strtoull(arg, &end, 0);
	if (end == arg || arg[0] == '-' || errno)
		return false;
	if (*end) {
		const char *s = strchr(suffixes, *end | 0x20);

		if (!s || end[1])
			return false;
		shift = 10 * (unsigned)(s - suffixes + 1);
	}
	if (v > (1ull << 62) >> shift)
		return false;
	*out = v << shift;
	return true;
}
