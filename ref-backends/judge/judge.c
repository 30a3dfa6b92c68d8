// SPDX-License-Identifier: BSD-3-Clause
/* The judge's book: which clauses were broken, how often, and how it began. */
#include "ref-backends/judge/judge.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "harness/spec/clause.h"
#include "ref-backends/judge/rules.h"
#include "ref-backends/judge/watch.h"

#define MAX_ENTRIES 128 /* more than there are rules */

static struct entry {
	const char *clause;
	u64 count;
	char first[160];
} entries[MAX_ENTRIES];
static size_t num_entries;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *output;

const struct judge_ops *judge_active;

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
		fprintf(stderr, "ringside-backend: judge: %s: %s: %s\n", clause, e->first,
			c ? c->summary : "(not in the catalogue)");
	}
	pthread_mutex_unlock(&lock);
}

static int by_clause(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->clause, ((const struct entry *)b)->clause);
}

int jd_write(void)
{
	json_t *root, *list;
	int failed;

	if (!output)
		return 0;
	list = json_array();
	pthread_mutex_lock(&lock);
	qsort(entries, num_entries, sizeof(entries[0]), by_clause);
	for (size_t i = 0; i < num_entries; i++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "id", entries[i].clause,
						      "count", (json_int_t)entries[i].count,
						      "first", entries[i].first));
	pthread_mutex_unlock(&lock);
	root = json_pack("{s:o}", "clauses", list);
	failed = json_dump_file(root, output, JSON_INDENT(2));
	json_decref(root);
	if (failed)
		fprintf(stderr, "ringside-backend: judge: '%s': %s\n", output, strerror(errno));
	return failed ? -1 : 0;
}

void judge_open(const char *to)
{
	output = to;
	judge_active = &jd_watch_ops;
}

int judge_close(void)
{
	return judge_active ? jd_write() : 0;
}
