// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/result.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[VERDICTS] = {
	[VERDICT_PASS] = "pass",   [VERDICT_INFO] = "info", [VERDICT_HAZARD] = "hazard",
	[VERDICT_WARN] = "warn",   [VERDICT_FAIL] = "fail", [VERDICT_SKIP] = "skip",
	[VERDICT_ERROR] = "error",
};

const char *verdict_name(enum verdict v)
{
	return names[v];
}

int verdict_parse(const char *name)
{
	for (int i = 0; i < VERDICTS; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
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
