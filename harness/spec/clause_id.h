/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The order of clause ids, shared by the generator, which sorts the table, and clause_find(), which
 * searches it: by bytes, but a run of digits counts as one number, so that dev.2 stands before
 * dev.10. Two ids are equal only when they are the same bytes.
 */
#ifndef HARNESS_SPEC_CLAUSE_ID_H
#define HARNESS_SPEC_CLAUSE_ID_H

#include "harness/spec/types.h"

static inline size_t clause_id_digits(const char *s)
{
	size_t n = 0;

	while (s[n] >= '0' && s[n] <= '9')
		n++;
	return n;
}

static inline int clause_id_cmp(const char *a, const char *b)
{
	while (*a && *b) {
		size_t na = clause_id_digits(a), nb = clause_id_digits(b);

		/* Ids have no leading zeros: the longer number is the greater one. */
		if (na && nb && na != nb)
			return na < nb ? -1 : 1;
		if (*a != *b)
			break;
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

#endif
