// SPDX-License-Identifier: BSD-3-Clause
/*
 * ringside clauses: list and count what the texts ask, and how much of it is covered.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/catalogue.h"
#include "harness/cli/cli.h"
#include "harness/cli/text.h"

static const char help[] =
	"usage: ringside clauses [OPTION…]\n"
	"\n"
	"List the clauses of VIRTIO 1.4, of the vhost-user protocol and of Ringside's own\n"
	"robustness rules, and count them. Options choose among them; all must hold.\n"
	"\n"
	"  --actor device|driver   who is bound (a back-end is a device, a front-end a driver)\n"
	"  --section GLOB          id or its first parts (v14.blk, 'VU.ring.*'), section label\n"
	"                          ('*block device*') or section number (2.7)\n"
	"  --device TYPE           of this device type (blk, net, …) or of none in particular\n"
	"  --transport T           that can be shown on T: vhost-user, mmio, pci, guest, ccw;\n"
	"                          covered is then what a check covers that runs there\n"
	"  --level L[,L…]          must, must-not, should, should-not, may\n"
	"  --uncovered             testable device clauses that no proven check covers, and why\n"
	"                          not where that is known\n"
	"  --unjudged              driver clauses that the judge (ringside-backend --judge) does not\n"
	"                          see, and why not\n"
	"  --coverage              testable device clauses and how many are covered, per section\n"
	"                          and on each transport\n"
	"  --proof FILE            count only checks that FILE, a result of\n"
	"                          'ringside prove --format json', says were proven\n"
	"  --format text|json      text\n"
	"  -h, --help              this\n"
	"\n"
	"The mark behind an id: '+' covered by a check, '-' testable and not covered, ' ' not\n"
	"testable. Testable is what binds the device, is asked by a MUST or a SHOULD of the "
	"normative,\n"
	"non-legacy text, and can be seen on a transport (with --transport: on that one).\n"
	"\n"
	"A check counts when it is proven: it passes on the reference back-end and accuses a fault "
	"that\n"
	"breaks a clause it names. The project's tests fail while any registered check is not "
	"proven, so\n"
	"without --proof every registered check counts.\n";

struct options {
	struct catalogue_filter filter;
	struct catalogue_proof proof;
	const char *proof_path;
	bool uncovered, unjudged, coverage, help;
	int format;
};

/* Where checks run: a column each, unless --transport chooses among them. */
static const enum clause_where columns[] = { CLAUSE_AT_VHOST_USER, CLAUSE_AT_MMIO, CLAUSE_AT_PCI,
					     CLAUSE_AT_GUEST };

struct tally {
	unsigned testable, covered;
};

/* Counts of one section, or of all. */
struct count {
	const char *id; /* a clause of it; the first `len` characters name the section */
	size_t len;
	struct tally all, on[ARRAY_SIZE(columns)];
};

static int parse(int argc, char **argv, struct options *o)
{
	enum {
		ACTOR = 256,
		SECTION,
		DEVICE,
		TRANSPORT,
		LEVEL,
		UNCOVERED,
		UNJUDGED,
		COVERAGE,
		PROOF,
		FORMAT
	};
	static const struct option longs[] = {
		{ "actor", required_argument, NULL, ACTOR },
		{ "section", required_argument, NULL, SECTION },
		{ "device", required_argument, NULL, DEVICE },
		{ "transport", required_argument, NULL, TRANSPORT },
		{ "level", required_argument, NULL, LEVEL },
		{ "uncovered", no_argument, NULL, UNCOVERED },
		{ "unjudged", no_argument, NULL, UNJUDGED },
		{ "coverage", no_argument, NULL, COVERAGE },
		{ "proof", required_argument, NULL, PROOF },
		{ "format", required_argument, NULL, FORMAT },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int opt, bad = 0;

	optind = 0;
	opterr = 0;
	while (!bad && (opt = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		switch (opt) {
		case ACTOR:
			bad = catalogue_parse_actor(&o->filter, optarg);
			break;
		case SECTION:
			o->filter.section = optarg;
			break;
		case DEVICE:
			bad = catalogue_parse_device(&o->filter, optarg);
			break;
		case TRANSPORT:
			bad = catalogue_parse_transport(&o->filter, optarg);
			break;
		case LEVEL:
			bad = catalogue_parse_levels(&o->filter, optarg);
			break;
		case UNCOVERED:
			o->uncovered = true;
			break;
		case UNJUDGED:
			o->unjudged = true;
			break;
		case COVERAGE:
			o->coverage = true;
			break;
		case PROOF:
			o->proof_path = optarg;
			break;
		case FORMAT:
			o->format = cli_parse_format(optarg,
						     1 << CLI_FORMAT_TEXT | 1 << CLI_FORMAT_JSON);
			bad = o->format < 0;
			break;
		case 'h':
			o->help = true;
			return 0;
		default:
			cli_error("clauses: %s '%s': 'ringside clauses --help' lists the options",
				  opt == ':' ? "an argument is missing after" : "unknown option",
				  argv[optind - 1]);
			bad = -1;
		}
	}
	if (bad)
		return -1;
	if (optind < argc) {
		cli_error("clauses: '%s' is no option: did you mean --section '%s' or "
			  "'ringside explain %s'?",
			  argv[optind], argv[optind], argv[optind]);
		return -1;
	}
	if (o->coverage + o->uncovered + o->unjudged > 1) {
		cli_error(
			"clauses: --coverage counts, --uncovered and --unjudged list: choose one");
		return -1;
	}
	if ((o->coverage || o->uncovered) && o->filter.actors & 1u << CLAUSE_DRIVER) {
		cli_error("clauses: coverage is of device clauses: leave --actor driver out");
		return -1;
	}
	return o->proof_path ? catalogue_load_proof(&o->proof, o->proof_path) : 0;
}

static bool chosen(const struct options *o, const struct clause *c)
{
	return catalogue_match(&o->filter, c) &&
	       (!o->unjudged || (c->actor == CLAUSE_DRIVER && *c->reason)) &&
	       (!o->uncovered || (clause_testable(c, o->filter.where) &&
				  !catalogue_covered(&o->proof, c, o->filter.where)));
}

static json_t *list_json(const struct options *o)
{
	json_t *clauses = json_array();

	for_each_clause (c)
		if (chosen(o, c))
			json_array_append_new(clauses, catalogue_json(&o->proof, c));
	return json_pack("{ss si so}", "schema", "ringside.clauses/1", "count",
			 (int)json_array_size(clauses), "clauses", clauses);
}

static void list_text(const struct options *o)
{
	unsigned n = 0, testable = 0, covered = 0, id_width = 0;
	unsigned width = text_width(stdout), at;
	bool narrow;

	for_each_clause (c)
		if (chosen(o, c))
			id_width = MAX(id_width, (unsigned)strlen(c->id));
	/* On a narrow terminal the summary starts in a line of its own. */
	narrow = width && width < id_width + 60;
	at = narrow ? 4 : id_width + 15;
	for_each_clause (c) {
		char why[1200] = "";
		bool t, cov;

		if (!chosen(o, c))
			continue;
		t = clause_testable(c, o->filter.where);
		cov = catalogue_covered(&o->proof, c, o->filter.where);
		n++;
		testable += t;
		covered += t && cov;
		printf("%-*s %c %-10s  ", (int)id_width, c->id,
		       cov ? '+'
		       : t ? '-'
			   : ' ',
		       clause_level_name(c->level));
		if (narrow)
			printf("\n    ");
		if ((o->uncovered || o->unjudged) && *c->reason)
			snprintf(why, sizeof(why), "%s Not %s: %s", c->summary,
				 o->unjudged ? "judged" : "covered", c->reason);
		text_wrap(stdout, width, at, at, *why ? why : c->summary);
	}
	printf("%s%u clause%s, %u testable, %u of them covered\n", n ? "\n" : "", n,
	       n == 1 ? "" : "s", testable, covered);
}

static void tally(const struct options *o, struct tally *t, const struct clause *c, unsigned where)
{
	if (!clause_testable(c, where))
		return;
	t->testable++;
	t->covered += catalogue_covered(&o->proof, c, where);
}

static void count(const struct options *o, struct count *n, const struct clause *c)
{
	tally(o, &n->all, c, o->filter.where);
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		tally(o, &n->on[i], c, columns[i]);
}

/* Clauses stand in the table by section, so one section is one run of them. */
static size_t count_sections(const struct options *o, struct count *sections, struct count *all)
{
	size_t n = 0;

	for_each_clause (c) {
		size_t len = clause_section_len(c->id);

		if (!catalogue_match(&o->filter, c) || !clause_testable(c, o->filter.where))
			continue;
		if (n == 0 || sections[n - 1].len != len ||
		    strncmp(sections[n - 1].id, c->id, len) != 0)
			sections[n++] = (struct count){ .id = c->id, .len = len };
		count(o, &sections[n - 1], c);
		count(o, all, c);
	}
	return n;
}

static bool shown(const struct options *o, size_t column)
{
	return !o->filter.where || o->filter.where & columns[column];
}

static json_t *transports_json(const struct options *o, const struct count *n)
{
	json_t *result = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (shown(o, i))
			json_object_set_new(result, clause_where_name(columns[i]),
					    json_pack("{si si}", "testable", (int)n->on[i].testable,
						      "covered", (int)n->on[i].covered));
	return result;
}

static json_t *coverage_json(const struct options *o, const struct count *sections, size_t n,
			     const struct count *all)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{ss% si si so}", "section", sections[i].id,
						      sections[i].len, "testable",
						      (int)sections[i].all.testable, "covered",
						      (int)sections[i].all.covered, "transports",
						      transports_json(o, &sections[i])));
	return json_pack("{ss si si so so}", "schema", "ringside.coverage/1", "testable",
			 (int)all->all.testable, "covered", (int)all->all.covered, "transports",
			 transports_json(o, all), "sections", list);
}

/* "11/12" of each transport, right-aligned under its name. */
static void print_transports(const struct options *o, const struct count *n)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		char text[32] = "-";

		if (!shown(o, i))
			continue;
		if (n->on[i].testable)
			snprintf(text, sizeof(text), "%u/%u", n->on[i].covered, n->on[i].testable);
		printf("  %10s", text);
	}
	putchar('\n');
}

static void coverage_text(const struct options *o, const struct count *sections, size_t n,
			  const struct count *all)
{
	int width = (int)strlen("section");

	for (size_t i = 0; i < n; i++)
		width = MAX(width, (int)sections[i].len);
	printf("%-*s  testable  covered", width, "section");
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (shown(o, i))
			printf("  %10s", clause_where_name(columns[i]));
	putchar('\n');
	for (size_t i = 0; i < n; i++) {
		printf("%-*.*s  %8u  %7u", width, (int)sections[i].len, sections[i].id,
		       sections[i].all.testable, sections[i].all.covered);
		print_transports(o, &sections[i]);
	}
	printf("%-*s  %8u  %7u", width, "all", all->all.testable, all->all.covered);
	print_transports(o, all);
	printf("\n%u testable, %u covered", all->all.testable, all->all.covered);
	if (all->all.testable)
		printf(" (%.1f %%)", 100.0 * all->all.covered / all->all.testable);
	putchar('\n');
}

static json_t *coverage(const struct options *o)
{
	struct count *sections = calloc(clause_count, sizeof(*sections));
	struct count all = { 0 };
	json_t *result = NULL;
	size_t n;

	if (!sections) {
		cli_error("out of memory");
		exit(CLI_INTERNAL);
	}
	n = count_sections(o, sections, &all);
	if (o->format == CLI_FORMAT_JSON)
		result = coverage_json(o, sections, n, &all);
	else
		coverage_text(o, sections, n, &all);
	free(sections);
	return result;
}

static int run(int argc, char **argv)
{
	struct options o = { 0 };
	json_t *result = NULL;

	if (parse(argc, argv, &o) != 0)
		return CLI_USAGE;
	if (o.help) {
		fputs(help, stdout);
		return CLI_OK;
	}
	if (o.coverage)
		result = coverage(&o);
	else if (o.format == CLI_FORMAT_JSON)
		result = list_json(&o);
	else
		list_text(&o);
	if (result) {
		json_dumpf(result, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(result);
	}
	catalogue_free_proof(&o.proof);
	return CLI_OK;
}

CLI_COMMAND(clauses, "clauses", "list the clauses of the specifications, and what is covered", run);
