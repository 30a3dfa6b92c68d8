// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/result.h"

#include <stdlib.h>
#include <string.h>

#include "harness/run/expect.h"

void run_compare(struct run *r, struct result *res, const struct expect *expect)
{
	const struct expectation *e = expect ? expect_find(expect, res->check->id) : NULL;
	bool good = res->verdict == VERDICT_PASS || res->verdict == VERDICT_SKIP ||
		    res->verdict == VERDICT_INFO;
	const bool told = e && e->verdicts & 1u << res->verdict;

	res->anticipated = told ? res->verdict : e ? e->verdict : VERDICT_PASS;
	res->anticipated_why = e ? e->reason : NULL;
	if (!e)
		res->unexpected = !good;
	else if (res->verdict == VERDICT_SKIP)
		res->fixed = false; /* not asked: neither as it was nor better */
	else if (!told && good)
		res->fixed = true;
	else
		res->unexpected = !told;
	r->tally[res->verdict]++;
	r->unexpected += res->unexpected;
	r->fixed += res->fixed;
}

void run_free(struct run *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		for (unsigned k = 0; k < r->results[i].log_lines; k++)
			free(r->results[i].log[k]);
		free(r->results[i].log);
	}
	free(r->results);
	memset(r, 0, sizeof(*r));
}
