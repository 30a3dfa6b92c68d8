// SPDX-License-Identifier: BSD-3-Clause
/*
 * ringside explain: all that is known about one clause, check or fault.
 */
#include <getopt.h>
#include <string.h>

#include "harness/cli/catalogue.h"
#include "harness/cli/cli.h"
#include "harness/run/fault_list.h"
#include "harness/cli/suggest.h"
#include "harness/cli/text.h"

static const char help[] =
	"usage: ringside explain ID [--format text|json]\n"
	"\n"
	"Tell what is known about ID:\n"
	"  a clause   what the text asks, in our words; where it stands, whom it binds and how\n"
	"             strongly; which checks cover it and which faults prove those\n"
	"  a check    what it does to the target and what must then be seen, for which clauses\n"
	"  a fault    what the reference back-end does wrong with it, and which checks must catch "
	"it\n"
	"\n"
	"  --format text|json   text\n"
	"  -h, --help           this\n"
	"\n"
	"'ringside clauses' lists the clauses, 'ringside conform --list' the checks and\n"
	"'ringside-backend --list-faults' the faults. Faults are asked of the ringside-backend "
	"beside\n"
	"ringside, or of the one in PATH; without one they are left out, and that is said.\n";

/* One of the three, with everything that refers to it. */
struct subject {
	const struct clause *clause;
	const struct check *check;
	json_t *fault;	/* borrowed from `faults` */
	json_t *faults; /* all of them; NULL: see `why` */
	char why[300];
};

static const struct check *find_check(const char *id)
{
	for_each_check (check)
		if (strcmp((*check)->id, id) == 0)
			return *check;
	return NULL;
}

static const char *text_of(json_t *fault, const char *key)
{
	return json_string_value(json_object_get(fault, key));
}

static json_t *find_fault(json_t *faults, const char *name)
{
	json_t *x;
	size_t i;

	json_array_foreach(faults, i, x) if (strcmp(text_of(x, "name"), name) == 0) return x;
	return NULL;
}

static bool names(const struct check *check, const char *clause)
{
	for (size_t i = 0; i < CHECK_CLAUSES && check->clauses[i]; i++)
		if (strcmp(check->clauses[i], clause) == 0)
			return true;
	return false;
}

/* Does this check belong to what is explained? */
static bool about_check(const struct subject *s, const struct check *check)
{
	if (s->clause)
		return names(check, s->clause->id);
	return s->check ? check == s->check : names(check, text_of(s->fault, "clause"));
}

static bool about_fault(const struct subject *s, json_t *fault)
{
	const char *clause = text_of(fault, "clause");

	if (s->clause)
		return strcmp(clause, s->clause->id) == 0;
	return s->check ? names(s->check, clause) : fault == s->fault;
}

static bool find(struct subject *s, const char *id)
{
	char path[4096];

	s->faults = fault_list(fault_list_backend(path, sizeof(path)), s->why, sizeof(s->why));
	s->clause = clause_find(id);
	if (!s->clause)
		s->check = find_check(id);
	if (!s->clause && !s->check)
		s->fault = find_fault(s->faults, id);
	return s->clause || s->check || s->fault;
}

static void complain(const struct subject *s, const char *id)
{
	struct suggest near = { .wanted = id };
	char text[400];
	json_t *x;
	size_t i;

	for_each_clause (c)
		suggest_add(&near, c->id);
	for_each_check (check)
		suggest_add(&near, (*check)->id);
	json_array_foreach(s->faults, i, x) suggest_add(&near, text_of(x, "name"));
	cli_error("explain: '%s' is no clause, check or fault%s%s%s%s", id,
		  suggest_text(&near, text, sizeof(text)),
		  s->faults ? "" : " (faults unknown: ", s->faults ? "" : s->why,
		  s->faults ? "" : ")");
}

/* --- text ------------------------------------------------------------------------------------- */

#define LABEL 12

static unsigned width;

static void field(unsigned indent, const char *label, const char *text)
{
	if (!*text)
		return;
	printf("%*s%-*s", (int)indent, "", LABEL, label);
	text_wrap(stdout, width, indent + LABEL, indent + LABEL, text);
}

static void clause_text(const struct clause *c)
{
	char buf[1000];

	printf("clause %s\n\n  ", c->id);
	text_wrap(stdout, width, 2, 2, c->summary);
	putchar('\n');
	field(2, "document", clause_doc_name(c->doc));
	snprintf(buf, sizeof(buf), "%s%s%s", c->section, *c->number ? ", section " : "", c->number);
	field(2, "section", buf);
	snprintf(buf, sizeof(buf), "%s, binds the %s%s%s%s%s", clause_level_name(c->level),
		 clause_actor_name(c->actor),
		 c->flags & CLAUSE_LEGACY ? "; legacy interface, not counted" : "",
		 c->flags & CLAUSE_NON_NORMATIVE ? "; outside the normative text, not counted" : "",
		 c->flags & CLAUSE_INFO ? "; ambiguous: a check reports info at most" : "",
		 c->flags & CLAUSE_INFO_PART ? "; ambiguous in the case that the note names" : "");
	field(2, "level", buf);
	field(2, "feature", c->feature);
	field(2, "observable", catalogue_where_text(c->where, buf, sizeof(buf)));
	field(2, "note", c->note);
	field(2, "sketch", c->sketch);
	field(2, c->actor == CLAUSE_DRIVER ? "not judged" : "not covered", c->reason);
}

static void check_text(const struct subject *s, const struct check *check)
{
	unsigned indent = s->check ? 2 : 4;
	bool first = true;

	if (!s->check)
		printf("  %s\n", check->id);
	field(indent, "stimulus", check->stimulus);
	field(indent, "oracle", check->oracle);
	for (size_t i = 0; i < CHECK_CLAUSES && check->clauses[i]; i++) {
		const struct clause *c = clause_find(check->clauses[i]);
		char buf[1000];

		if (s->clause && s->clause == c)
			continue;
		snprintf(buf, sizeof(buf), "%s: %s, %s", check->clauses[i],
			 c ? clause_level_name(c->level) : "not in the catalogue",
			 c ? c->summary : "");
		field(indent, first ? s->clause ? "also for" : "clauses" : "", buf);
		first = false;
	}
}

static void print_text(const struct subject *s)
{
	unsigned n = 0;
	json_t *x;
	size_t i;

	width = text_width(stdout);
	if (s->clause) {
		clause_text(s->clause);
		printf("\nChecks that cover it:\n");
	} else if (s->check) {
		printf("check %s\n\n", s->check->id);
	} else {
		printf("fault %s\n\n  ", text_of(s->fault, "name"));
		text_wrap(stdout, width, 2, 2, text_of(s->fault, "summary"));
		field(2, "breaks", text_of(s->fault, "clause"));
		printf("\nChecks that must catch it:\n");
	}
	for_each_check (check)
		if (about_check(s, *check)) {
			check_text(s, *check);
			n++;
		}
	if (!n)
		printf("  none\n");
	if (s->fault)
		return;
	printf("\nFaults that prove %s:\n", s->check ? "it" : "them");
	if (!s->faults) {
		printf("  unknown: ");
		text_wrap(stdout, width, strlen("  unknown: "), 4, s->why);
		return;
	}
	n = 0;
	json_array_foreach(s->faults, i, x)
	{
		if (!about_fault(s, x))
			continue;
		printf("  %s\n", text_of(x, "name"));
		field(4, "does", text_of(x, "summary"));
		if (!s->clause)
			field(4, "breaks", text_of(x, "clause"));
		n++;
	}
	if (!n)
		printf("  none\n");
}

/* --- json ------------------------------------------------------------------------------------- */

static json_t *clause_json(const struct clause *c)
{
	const struct catalogue_proof all = { 0 };
	json_t *o = catalogue_json(&all, c);

	json_object_set_new(o, "document", json_string(clause_doc_name(c->doc)));
	json_object_set_new(o, "note", json_string(c->note));
	json_object_set_new(o, "sketch", json_string(c->sketch));
	json_object_set_new(o, "legacy", json_boolean(c->flags & CLAUSE_LEGACY));
	json_object_set_new(o, "normative", json_boolean(!(c->flags & CLAUSE_NON_NORMATIVE)));
	json_object_set_new(o, "ambiguous",
			    json_string(c->flags & CLAUSE_INFO	      ? "all"
					: c->flags & CLAUSE_INFO_PART ? "part"
								      : "no"));
	return o;
}

static json_t *check_json(const struct check *check)
{
	json_t *clauses = json_array();

	for (size_t i = 0; i < CHECK_CLAUSES && check->clauses[i]; i++)
		json_array_append_new(clauses, json_string(check->clauses[i]));
	return json_pack("{ss so ss ss}", "id", check->id, "clauses", clauses, "stimulus",
			 check->stimulus, "oracle", check->oracle);
}

static void print_json(const struct subject *s)
{
	json_t *o = json_object(), *checks = json_array(), *faults = json_array(), *x;
	size_t i;

	json_object_set_new(o, "schema", json_string("ringside.explain/1"));
	json_object_set_new(o, "kind",
			    json_string(s->clause  ? "clause"
					: s->check ? "check"
						   : "fault"));
	json_object_set_new(o, "id",
			    json_string(s->clause  ? s->clause->id
					: s->check ? s->check->id
						   : text_of(s->fault, "name")));
	if (s->clause)
		json_object_set_new(o, "clause", clause_json(s->clause));
	for_each_check (check)
		if (about_check(s, *check))
			json_array_append_new(checks, check_json(*check));
	json_object_set_new(o, "checks", checks);
	json_array_foreach(s->faults, i, x) if (about_fault(s, x)) json_array_append(faults, x);
	if (!s->faults) {
		json_object_set_new(o, "faults_unknown", json_string(s->why));
		json_decref(faults);
		faults = json_null();
	}
	json_object_set_new(o, "faults", faults);
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}

/* ---------------------------------------------------------------------------------------------- */

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct subject s = { 0 };
	int opt, format = CLI_FORMAT_TEXT, status = CLI_OK;

	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		switch (opt) {
		case 'f':
			format = cli_parse_format(optarg,
						  1 << CLI_FORMAT_TEXT | 1 << CLI_FORMAT_JSON);
			if (format < 0)
				return CLI_USAGE;
			break;
		case 'h':
			fputs(help, stdout);
			return CLI_OK;
		default:
			cli_error("explain: %s '%s': 'ringside explain --help' lists the options",
				  opt == ':' ? "an argument is missing after" : "unknown option",
				  argv[optind - 1]);
			return CLI_USAGE;
		}
	}
	if (optind + 1 != argc) {
		cli_error("explain: %s: 'ringside clauses' lists the clauses",
			  optind == argc ? "name a clause, a check or a fault"
					 : "one ID at a time");
		return CLI_USAGE;
	}
	if (!find(&s, argv[optind])) {
		complain(&s, argv[optind]);
		status = CLI_USAGE;
	} else if (format == CLI_FORMAT_JSON) {
		print_json(&s);
	} else {
		print_text(&s);
	}
	json_decref(s.faults);
	return status;
}

CLI_COMMAND(explain, "explain", "tell what is known about a clause, a check or a fault", run);
