// SPDX-License-Identifier: BSD-3-Clause
#include <jansson.h>

#include "harness/run/host.h"
#include "harness/run/prove.h"
#include "harness/run/result.h"
#include "harness/spec/version.h"

static const char *clean_name(const struct prove_check *k)
{
	return k->clean < 0 ? "not run" : verdict_name((enum verdict)k->clean);
}

void prove_write_text(const struct proof *p, FILE *f)
{
	for (unsigned k = 0; k < p->check_count; k++) {
		const struct prove_check *c = &p->checks[k];

		if (c->proven || !c->asked)
			continue;
		if (c->clean != VERDICT_PASS)
			fprintf(f, "unproven %s: %s on the clean back-end%s%s\n", c->check->id,
				clean_name(c), c->clean_reason && *c->clean_reason ? ": " : "",
				c->clean_reason ? c->clean_reason : "");
		else
			fprintf(f, "unproven %s: accuses no fault in any clause that it names\n",
				c->check->id);
	}
	for (unsigned i = 0; i < p->fault_count; i++) {
		const struct prove_fault *fault = &p->faults[i];

		if (!fault->caught)
			fprintf(f, "uncaught %s (%s): %s\n", fault->name, fault->clause,
				fault->summary);
		for (unsigned k = 0; k < fault->accused; k++)
			fprintf(f, "accused  %s (%s): by %s, which does not name that clause\n",
				fault->name, fault->clause,
				p->checks[fault->accused_by[k]].check->id);
	}
	fprintf(f, "%u faults, %u caught, ", p->fault_count, p->caught);
	if (p->quick)
		fputs("each shown to the checks that name its clause only", f);
	else
		fprintf(f, "%u accused wrongly", p->accused);
	fprintf(f, "; %.0f s\n", p->duration_s);
	fprintf(f, "%u checks, %u proven\n", p->asked, p->proven);
}

static json_t *id_list(const struct proof *p, const unsigned *list, unsigned n)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(a, json_string(p->checks[list[i]].check->id));
	return a;
}

static json_t *faults_of(const struct proof *p, unsigned k)
{
	json_t *a = json_array();

	for (unsigned f = 0; f < p->fault_count; f++)
		for (unsigned i = 0; i < p->faults[f].caught; i++)
			if (p->faults[f].caught_by[i] == k)
				json_array_append_new(a, json_pack("{s:s, s:s}", "name",
								   p->faults[f].name, "clause",
								   p->faults[f].clause));
	return a;
}

void prove_write_json(const struct proof *p, FILE *f)
{
	json_t *checks = json_array(), *faults = json_array(), *o;

	for (unsigned k = 0; k < p->check_count; k++)
		if (p->checks[k].asked)
			json_array_append_new(checks, json_pack("{s:s, s:s, s:b, s:o}", "id",
								p->checks[k].check->id, "clean",
								clean_name(&p->checks[k]), "proven",
								p->checks[k].proven, "faults",
								faults_of(p, k)));
	for (unsigned i = 0; i < p->fault_count; i++) {
		const struct prove_fault *fault = &p->faults[i];

		json_array_append_new(
			faults,
			json_pack("{s:s, s:s, s:s, s:o, s:o, s:b}", "name", fault->name, "clause",
				  fault->clause, "summary", fault->summary, "caught_by",
				  id_list(p, fault->caught_by, fault->caught), "accused_wrongly",
				  id_list(p, fault->accused_by, fault->accused), "retried",
				  fault->retried));
	}
	o = json_pack("{s:s, s:s, s:o, s:o, s:{s:i, s:i, s:i, s:i}, s:f, s:o, s:o}", "schema",
		      "ringside.prove/1", "ringside", ringside_version, "created", host_timestamp(),
		      "host", host_fingerprint(), "summary", "checks", (int)p->asked, "proven",
		      (int)p->proven, "faults", (int)p->fault_count, "caught", (int)p->caught,
		      "duration_s", p->duration_s, "checks", checks, "faults", faults);
	/* In a quick run nobody was asked. */
	if (!p->quick)
		json_object_set_new(json_object_get(o, "summary"), "accused_wrongly",
				    json_integer(p->accused));
	json_dumpf(o, f, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	fputc('\n', f);
	json_decref(o);
}
