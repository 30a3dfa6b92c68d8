// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "harness/spec/clause.h"

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
	vsnprintf(reason, sizeof(reason), fmt, ap);
	evidence_log(ev, "%s%s%s: %s%s%s", verdict_name(v), clause ? " " : "", clause ? clause : "",
		     reason, expected ? "; expected: " : "", expected ? expected : "");
	if (weight(v) <= weight(ev->verdict))
		return;
	ev->verdict = v;
	ev->clause = clause;
	memcpy(ev->reason, reason, sizeof(reason));
	snprintf(ev->expected, sizeof(ev->expected), "%s", expected ? expected : "");
}

void evidence_init(struct evidence *ev)
{
	*ev = (struct evidence){
		.host = { .vlog = host_vlog, .vrecord = host_vrecord },
		.lines = calloc(EVIDENCE_LINES, sizeof(*ev->lines)),
	};
}

void evidence_destroy(struct evidence *ev)
{
	free(ev->lines);
	ev->lines = NULL;
}

void evidence_reset(struct evidence *ev)
{
	ev->verdict = VERDICT_PASS;
	ev->clause = NULL;
	ev->reason[0] = ev->expected[0] = '\0';
	ev->count = 0;
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
		vsnprintf(ev->lines[slot(ev->count++)], EVIDENCE_WIDTH, fmt, ap);
}

void evidence_log(struct evidence *ev, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	evidence_vlog(ev, fmt, ap);
	va_end(ap);
}

char **evidence_take(const struct evidence *ev, unsigned *lines)
{
	u64 lost = ev->count > EVIDENCE_LINES ? ev->count - EVIDENCE_LINES : 0;
	char **out = calloc(EVIDENCE_LINES + 1, sizeof(*out));
	unsigned n = 0;

	*lines = 0;
	if (!out)
		return NULL;
	for (u64 i = 0; i < ev->count; i++) {
		if (i == EVIDENCE_HEAD && lost) {
			if (asprintf(&out[n], "  … %llu lines left out …",
				     (unsigned long long)lost) > 0)
				n++;
			i += lost;
		}
		out[n] = strdup(ev->lines[slot(i)]);
		if (out[n])
			n++;
	}
	*lines = n;
	return out;
}
