// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/prove_take.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "harness/run/core/evidence.h"

bool prove_names(const struct check *k, const char *clause)
{
	for (unsigned i = 0; i < CHECK_CLAUSES && k->clauses[i]; i++)
		if (strcmp(k->clauses[i], clause) == 0)
			return true;
	return false;
}

static int find_check(const struct proof *p, const char *id)
{
	unsigned lo = 0, hi = p->check_count;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;
		int d = strcmp(p->checks[mid].check->id, id);

		if (d == 0)
			return (int)mid;
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return -1;
}

static void take_clean(struct prove_check *k, enum verdict v, const char *reason)
{
	/* A skip on one variant is made good by another; anything bad on any of them stays. */
	bool replace = k->clean < 0 || k->clean == VERDICT_SKIP ||
		       (k->clean == VERDICT_PASS && v != VERDICT_SKIP && v != VERDICT_PASS);

	if (!replace)
		return;
	k->clean = (int)v;
	free(k->clean_reason);
	k->clean_reason = strdup(reason);
}

static bool accuses(enum verdict v)
{
	return v == VERDICT_FAIL || v == VERDICT_WARN || v == VERDICT_HAZARD || v == VERDICT_INFO;
}

static void add_once(unsigned *list, unsigned *n, unsigned v)
{
	for (unsigned i = 0; i < *n; i++)
		if (list[i] == v)
			return;
	list[(*n)++] = v;
}

static void take_fault(struct proof *p, struct prove_fault *f, unsigned k, enum verdict v)
{
	struct prove_check *pc = &p->checks[k];

	/* What the clean back-end shows too is no news of the fault. */
	if (!accuses(v) || (int)v == pc->clean)
		return;
	if (prove_names(pc->check, f->clause))
		add_once(f->caught_by, &f->caught, k);
	else
		add_once(f->accused_by, &f->accused, k);
}

int prove_take(struct proof *p, const char *out, int fault)
{
	json_t *root = json_load_file(out, 0, NULL);
	json_t *checks = json_object_get(root, "checks"), *e;
	size_t i;

	json_array_foreach(checks, i, e)
	{
		const char *id = json_string_value(json_object_get(e, "id"));
		const char *name = json_string_value(json_object_get(e, "verdict"));
		const char *reason = json_string_value(json_object_get(e, "reason"));
		int k = id ? find_check(p, id) : -1;
		int v = name ? verdict_parse(name) : -1;

		if (k < 0 || v < 0)
			continue;
		if (fault < 0)
			take_clean(&p->checks[k], (enum verdict)v, reason ? reason : "");
		else
			take_fault(p, &p->faults[fault], (unsigned)k, (enum verdict)v);
	}
	json_decref(root);
	unlink(out);
	return checks ? 0 : -1;
}
