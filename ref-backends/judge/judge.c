// SPDX-License-Identifier: BSD-3-Clause
/*
 * The judge's book: for each clause that it claims, how often there was something to look at, how
 * often it was broken, and how that began. It is written as a conformance result
 * (reports/schema/conform-1.json) whose target is the driver: a clause is a check, judge.CLAUSE.
 */
#include "ref-backends/judge/judge.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "harness/spec/clause.h"
#include "harness/spec/version.h"
#include "ref-backends/judge/registers.h"
#include "ref-backends/judge/rules.h"
#include "ref-backends/judge/watch.h"

#define MAX_ENTRIES 256 /* more than there are rules */

static struct entry {
	const char *clause;
	u64 count, looked;
	char first[160];
} entries[MAX_ENTRIES];
static size_t num_entries;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *output;

const struct judge_ops *judge_active;
u64 judge_offer;

static struct entry *entry_of(const char *clause)
{
	for (size_t i = 0; i < num_entries; i++)
		if (strcmp(entries[i].clause, clause) == 0)
			return &entries[i];
	if (num_entries == MAX_ENTRIES)
		return NULL;
	entries[num_entries].clause = clause;
	return &entries[num_entries++];
}

void jd_broke(const char *clause, const char *fmt, ...)
{
	struct entry *e;
	va_list ap;

	pthread_mutex_lock(&lock);
	e = entry_of(clause);
	if (e && e->count++ == 0) {
		const struct clause *c = clause_find(clause);

		va_start(ap, fmt);
		vsnprintf(e->first, sizeof(e->first), fmt, ap);
		va_end(ap);
		fprintf(stderr, "%s: judge: %s: %s: %s\n", program_invocation_short_name, clause,
			e->first, c ? c->summary : "(not in the catalogue)");
	}
	pthread_mutex_unlock(&lock);
}

static int by_clause(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->clause, ((const struct entry *)b)->clause);
}

static void claim(const char *clause, u64 looked)
{
	struct entry *e = entry_of(clause);

	if (e)
		e->looked += looked;
}

enum {
	PASS,
	FAIL,
	WARN,
	INFO,
	SKIP,
	VERDICTS
};

static const char *const verdict_names[] = { "pass", "fail", "warn", "info", "skip" };

static int verdict_of(const struct entry *e, const struct clause *c)
{
	if (!e->count)
		return e->looked ? PASS : SKIP;
	if (c->flags & CLAUSE_INFO)
		return INFO;
	return c->level == CLAUSE_SHOULD || c->level == CLAUSE_SHOULD_NOT ? WARN : FAIL;
}

/* The entry as a check of a conformance result. */
static json_t *entry_json(const struct entry *e, unsigned tally[VERDICTS])
{
	const struct clause *c = clause_find(e->clause);
	int v = verdict_of(e, c);
	bool accused = v != PASS && v != SKIP;
	char id[120], reason[240] = "";
	json_t *o;

	tally[v]++;
	snprintf(id, sizeof(id), "judge.%s", e->clause);
	if (v == SKIP)
		snprintf(reason, sizeof(reason), "nothing that it is about was seen");
	else if (accused)
		snprintf(reason, sizeof(reason), "%s (%llu of %llu)", e->first,
			 (unsigned long long)e->count, (unsigned long long)e->looked);
	o = json_pack("{s:s, s:[s], s:s, s:s, s:s, s:b, s:I, s:I}", "id", id, "clauses", e->clause,
		      "verdict", verdict_names[v], "reason", reason, "expected", "pass",
		      "unexpected", v == FAIL || v == WARN, "looked", (json_int_t)e->looked,
		      "broken", (json_int_t)e->count);
	if (!accused)
		return o;
	json_object_set_new(o, "clause", json_string(e->clause));
	json_object_set_new(o, "evidence",
			    json_pack("{s:s, s:s, s:s}", "stimulus",
				      "what the driver and the front-end did by themselves",
				      "oracle", c->summary, "observed", e->first));
	return o;
}

static json_t *summary_json(const unsigned tally[VERDICTS])
{
	json_t *o = json_pack("{s:i, s:i}", "hazard", 0, "error", 0);

	for (int v = 0; v < VERDICTS; v++)
		json_object_set_new(o, verdict_names[v], json_integer(tally[v]));
	return o;
}

static json_t *book_json(void)
{
	unsigned tally[VERDICTS] = { 0 };
	json_t *list = json_array();
	time_t now = time(NULL);
	char created[32];
	struct tm tm;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < num_entries; i++)
		entries[i].looked = 0;
	jd_claims(claim);
	qsort(entries, num_entries, sizeof(entries[0]), by_clause);
	for (size_t i = 0; i < num_entries; i++)
		json_array_append_new(list, entry_json(&entries[i], tally));
	pthread_mutex_unlock(&lock);
	gmtime_r(&now, &tm);
	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:o, s:i, s:o}", "schema",
			 "ringside.conform/1", "ringside", ringside_version, "created", created,
			 "target", "uri", "driver:", "name", "driver", "summary",
			 summary_json(tally), "unexpected", (int)(tally[FAIL] + tally[WARN]),
			 "checks", list);
}

int jd_write(void)
{
	json_t *root;
	int failed;

	if (!output)
		return 0;
	root = book_json();
	failed = json_dump_file(root, output, JSON_INDENT(2));
	json_decref(root);
	if (failed)
		fprintf(stderr, "%s: judge: '%s': %s\n", program_invocation_short_name, output,
			strerror(errno));
	return failed ? -1 : 0;
}

void judge_open(const char *to)
{
	output = to;
	judge_active = &jd_watch_ops;
}

int judge_close(void)
{
	if (!judge_active)
		return 0;
	jd_reg_end();
	jd_console_end();
	return jd_write();
}
