// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/suggest.h"

#include <stdio.h>
#include <string.h>

#define LONGEST 100

unsigned suggest_distance(const char *a, const char *b)
{
	unsigned rows[3][LONGEST + 1];
	size_t na = strnlen(a, LONGEST), nb = strnlen(b, LONGEST);
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= nb; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *spare = before;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned d = last[j - 1] + (a[i - 1] != b[j - 1]);

			d = MIN(d, last[j] + 1);
			d = MIN(d, now[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d = MIN(d, before[j - 2] + 1);
			now[j] = d;
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[nb];
}

void suggest_add(struct suggest *s, const char *name)
{
	size_t len = strlen(s->wanted);
	unsigned limit = 2 + (unsigned)len / 4;
	unsigned d = suggest_distance(s->wanted, name), i;

	/* What was typed may be the begin or the middle of a longer name. */
	if (len >= 3 && strstr(name, s->wanted))
		d = MIN(d, limit);
	if (d > limit)
		return;
	for (i = s->n; i > 0 && s->distance[i - 1] > d; i--) {
		if (i == SUGGEST_MAX)
			continue;
		s->near[i] = s->near[i - 1];
		s->distance[i] = s->distance[i - 1];
	}
	if (i == SUGGEST_MAX)
		return;
	s->near[i] = name;
	s->distance[i] = d;
	if (s->n < SUGGEST_MAX)
		s->n++;
}

const char *suggest_text(const struct suggest *s, char *buf, size_t size)
{
	size_t at = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < s->n && at < size; i++) {
		const char *lead = i == 0 ? ": did you mean " : i + 1 == s->n ? " or " : ", ";

		at += (size_t)snprintf(buf + at, size - at, "%s%s%s", lead, s->near[i],
				       i + 1 == s->n ? "?" : "");
	}
	return buf;
}
