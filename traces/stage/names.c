// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>

#include "traces/stage.h"

static const struct {
	const char *point, *stage;
} names[TRACE_POINTS] = {
	[TRACE_SUBMIT] = { "submit", "submit" },
	[TRACE_NOTIFY] = { "notify", "notify" },
	[TRACE_EXIT] = { "exit", "exit" },
	[TRACE_KICK] = { "kick", "wake" },
	[TRACE_FETCH] = { "fetch", "fetch" },
	[TRACE_SERVE_BEGIN] = { "serve_begin", "serve" },
	[TRACE_SERVE_END] = { "serve_end", "publish" },
	[TRACE_PUBLISH] = { "publish", "call" },
	[TRACE_CALL] = { "call", "inject" },
	[TRACE_INJECT] = { "inject", "handle" },
	[TRACE_HANDLE] = { "handle", "reap" },
	[TRACE_REAP] = { "reap", "" },
};

const char *stage_name(unsigned from)
{
	return from < TRACE_REAP ? names[from].stage : "?";
}

const char *stage_point_name(unsigned point)
{
	return point < TRACE_POINTS ? names[point].point : "?";
}

void stage_join(char *name, size_t len, unsigned from, unsigned to)
{
	size_t at = 0;

	for (unsigned i = from; i < to && at < len; i++)
		at += (size_t)snprintf(name + at, len - at, "%s%s", i == from ? "" : "+",
				       stage_name(i));
}

bool stage_adds_up(const struct stage_table *t)
{
	return t->skew_max_ns <= t->clock_error_ns &&
	       t->sum_excess_ns <= t->skewed * t->clock_error_ns;
}
