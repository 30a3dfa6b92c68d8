// SPDX-License-Identifier: BSD-3-Clause
#include <jansson.h>

#include "harness/run/guest.h"
#include "harness/run/host.h"
#include "harness/run/result.h"
#include "harness/spec/version.h"

static json_t *clause_list(const struct check *k)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < CHECK_CLAUSES && k->clauses[i]; i++)
		json_array_append_new(a, json_string(k->clauses[i]));
	return a;
}

/* What was done and looked for, always; what came of it, where that was not all well. */
static json_t *evidence(const struct result *res)
{
	json_t *o = json_pack("{s:s, s:s}", "stimulus", res->check->stimulus, "oracle",
			      res->check->oracle);
	json_t *log;

	if (res->verdict == VERDICT_PASS || res->verdict == VERDICT_SKIP)
		return o;
	log = json_array();
	for (unsigned i = 0; i < res->log_lines; i++)
		json_array_append_new(log, json_any(res->log[i]));
	json_object_set_new(o, "expected", json_any(res->expected));
	json_object_set_new(o, "observed", json_any(res->reason));
	json_object_set_new(o, "log", log);
	return o;
}

static json_t *one_check(const struct result *res)
{
	json_t *o =
		json_pack("{s:s, s:o, s:s, s:o, s:s, s:b, s:f}", "id", res->check->id, "clauses",
			  clause_list(res->check), "verdict", verdict_name(res->verdict), "reason",
			  json_any(res->reason), "expected", verdict_name(res->anticipated),
			  "unexpected", res->unexpected, "duration_ms", res->duration_ms);

	if (res->clause)
		json_object_set_new(o, "clause", json_string(res->clause));
	if (res->anticipated_why)
		json_object_set_new(o, "expected_because", json_any(res->anticipated_why));
	if (res->fixed)
		json_object_set_new(o, "fixed", json_true());
	json_object_set_new(o, "evidence", evidence(res));
	return o;
}

static json_t *target(const struct run_target *t)
{
	json_t *o = json_pack("{s:o, s:s, s:s, s:o, s:o, s:i}", "uri", json_any(t->uri), "device",
			      t->device, "transport", t->transport, "features",
			      json_hex(t->features), "protocol_features",
			      json_hex(t->protocol_features), "queues", (int)t->queues);

	json_object_set_new(o, "name", json_any(t->name ? t->name : t->uri));
	if (t->ring)
		json_object_set_new(o, "ring", json_string(t->ring));
	if (t->command)
		json_object_set_new(o, "command", json_any(t->command));
	return o;
}

void run_write_json(const struct run *r, FILE *f)
{
	json_t *checks = json_array(), *summary = json_object(), *o;

	for (int v = 0; v < VERDICTS; v++)
		json_object_set_new(summary, verdict_name((enum verdict)v),
				    json_integer(r->tally[v]));
	for (unsigned i = 0; i < r->count; i++)
		json_array_append_new(checks, one_check(&r->results[i]));
	o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:i, s:i, s:f, s:o}", "schema",
		      "ringside.conform/1", "ringside", ringside_version, "created",
		      host_timestamp(), "target", target(&r->target), "host", host_fingerprint(),
		      "summary", summary, "unexpected", (int)r->unexpected, "fixed", (int)r->fixed,
		      "duration_s", r->duration_s, "checks", checks);
	if (r->target.guest)
		json_object_set_new(o, "guest", guest_json(r->target.guest));
	if (r->died[0])
		json_object_set_new(o, "died", json_any(r->died));
	json_dumpf(o, f, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	fputc('\n', f);
	json_decref(o);
}
