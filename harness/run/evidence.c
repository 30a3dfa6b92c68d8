// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void evidence_init(struct evidence *ev)
{
	evidence_set_up(ev, calloc(EVIDENCE_LINES, sizeof(*ev->lines)), vsnprintf);
}

void evidence_destroy(struct evidence *ev)
{
	free(ev->lines);
	ev->lines = NULL;
}

char **evidence_take(const struct evidence *ev, unsigned *lines)
{
	char **out = calloc(EVIDENCE_LINES + 1, sizeof(*out));
	const char *line;
	u64 at = 0, left_out;
	unsigned n = 0;

	*lines = 0;
	if (!out)
		return NULL;
	while ((line = evidence_next(ev, &at, &left_out))) {
		if (left_out && asprintf(&out[n], "  … %llu lines left out …",
					 (unsigned long long)left_out) > 0)
			n++;
		out[n] = strdup(line);
		if (out[n])
			n++;
	}
	*lines = n;
	return out;
}
