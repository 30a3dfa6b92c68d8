// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/core/evidence.h"

#include <string.h>

#include "harness/run/core/text.h"
#include "harness/spec/clause.h"

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
		if (text_same(names[i], name))
			return i;
	return -1;
}

static void host_vlog(struct ck_host *h, const char *fmt, va_list ap)
{
	evidence_vlog((struct evidence *)h, fmt, ap);
}

/* How bad an accusation is, by the clause: this is the only place that knows. */
static enum verdict grade(const char *clause_id)
{
	const struct clause *cl = clause_find(clause_id);

	if (!cl)
		return VERDICT_ERROR;
	if (cl->flags & CLAUSE_INFO)
		return VERDICT_INFO;
	switch (cl->level) {
	case CLAUSE_MUST:
	case CLAUSE_MUST_NOT:
		return VERDICT_FAIL;
	case CLAUSE_SHOULD:
	case CLAUSE_SHOULD_NOT:
		return VERDICT_WARN;
	default:
		return VERDICT_INFO;
	}
}

/* Which of two verdicts of one check counts. An accusation stands even when the rest broke down. */
static int weight(enum verdict v)
{
	static const int weights[VERDICTS] = {
		[VERDICT_PASS] = 0,   [VERDICT_INFO] = 1, [VERDICT_SKIP] = 2, [VERDICT_ERROR] = 3,
		[VERDICT_HAZARD] = 4, [VERDICT_WARN] = 5, [VERDICT_FAIL] = 6,
	};

	return weights[v];
}

static void host_vrecord(struct ck_host *h, enum verdict v, const char *clause,
			 const char *expected, const char *fmt, va_list ap)
{
	struct evidence *ev = (struct evidence *)h;
	char reason[RESULT_TEXT];

	if (v == VERDICT_FAIL)
		v = grade(clause);
	ev->vformat(reason, sizeof(reason), fmt, ap);
	evidence_log(ev, "%s%s%s: %s%s%s", verdict_name(v), clause ? " " : "", clause ? clause : "",
		     reason, expected ? "; expected: " : "", expected ? expected : "");
	if (weight(v) <= weight(ev->verdict))
		return;
	ev->verdict = v;
	ev->clause = clause;
	memcpy(ev->reason, reason, sizeof(reason));
	text_copy(ev->expected, sizeof(ev->expected), expected ? expected : "");
}

void evidence_set_up(struct evidence *ev, char (*lines)[EVIDENCE_WIDTH],
		     int (*vformat)(char *out, size_t room, const char *fmt, va_list ap))
{
	memset(ev, 0, sizeof(*ev));
	ev->host = (struct ck_host){ .vlog = host_vlog, .vrecord = host_vrecord };
	ev->lines = lines;
	ev->vformat = vformat;
}

void evidence_reset(struct evidence *ev)
{
	ev->verdict = VERDICT_PASS;
	ev->clause = NULL;
	ev->reason[0] = ev->expected[0] = '\0';
	ev->count = 0;
}

void evidence_set(struct evidence *ev, enum verdict v, const char *fmt, ...)
{
	va_list ap;

	ev->verdict = v;
	va_start(ap, fmt);
	ev->vformat(ev->reason, sizeof(ev->reason), fmt, ap);
	va_end(ap);
}

/* Where line n stands: the beginning in place, the rest in a circle behind it. */
static unsigned slot(u64 n)
{
	if (n < EVIDENCE_HEAD)
		return (unsigned)n;
	return EVIDENCE_HEAD + (unsigned)((n - EVIDENCE_HEAD) % (EVIDENCE_LINES - EVIDENCE_HEAD));
}

void evidence_vlog(struct evidence *ev, const char *fmt, va_list ap)
{
	if (ev->lines)
		ev->vformat(ev->lines[slot(ev->count++)], EVIDENCE_WIDTH, fmt, ap);
}

void evidence_log(struct evidence *ev, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	evidence_vlog(ev, fmt, ap);
	va_end(ap);
}

const char *evidence_next(const struct evidence *ev, u64 *n, u64 *left_out)
{
	*left_out = 0;
	if (*n == EVIDENCE_HEAD && ev->count > EVIDENCE_LINES) {
		*left_out = ev->count - EVIDENCE_LINES;
		*n += *left_out;
	}
	return *n < ev->count ? ev->lines[slot((*n)++)] : NULL;
}
