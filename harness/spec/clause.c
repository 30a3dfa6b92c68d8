// SPDX-License-Identifier: BSD-3-Clause
#include "harness/spec/clause.h"

const char *clause_level_name(enum clause_level level)
{
	static const char *const names[] = {
		[CLAUSE_MUST] = "MUST",		    [CLAUSE_MUST_NOT] = "MUST NOT",
		[CLAUSE_SHOULD] = "SHOULD",	    [CLAUSE_SHOULD_NOT] = "SHOULD NOT",
		[CLAUSE_MAY] = "MAY",
	};

	return names[level];
}

const char *clause_actor_name(enum clause_actor actor)
{
	return actor == CLAUSE_DEVICE ? "device" : "driver";
}
