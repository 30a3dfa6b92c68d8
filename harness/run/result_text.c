// SPDX-License-Identifier: BSD-3-Clause
/* Renderings of a run for people and for collectors: text, TAP, KTAP, JUnit. */
#include <string.h>
#include <unistd.h>

#include "harness/run/result.h"

/* SGR colours, on a terminal only. */
static const char *colour(FILE *f, enum verdict v, bool on)
{
	static const char *const codes[VERDICTS] = {
		[VERDICT_PASS] = "\033[32m",   [VERDICT_INFO] = "\033[36m",
		[VERDICT_HAZARD] = "\033[35m", [VERDICT_WARN] = "\033[33m",
		[VERDICT_FAIL] = "\033[31m",   [VERDICT_SKIP] = "\033[2m",
		[VERDICT_ERROR] = "\033[31m",
	};

	if (!isatty(fileno(f)))
		return "";
	return on ? codes[v] : "\033[0m";
}

static void text_details(const struct result *res, FILE *f)
{
	fprintf(f, "        stimulus  %s\n        oracle    %s\n", res->check->stimulus,
		res->check->oracle);
	if (res->clause)
		fprintf(f, "        clause    %s\n", res->clause);
	if (res->expected[0])
		fprintf(f, "        expected  %s\n", res->expected);
	if (res->anticipated_why)
		fprintf(f, "        known     %s: %s\n", verdict_name(res->anticipated),
			res->anticipated_why);
	for (unsigned i = 0; i < res->log_lines; i++)
		fprintf(f, "        | %s\n", res->log[i]);
}

void run_write_text(const struct run *r, FILE *f)
{
	static const enum verdict order[] = { VERDICT_PASS,   VERDICT_FAIL, VERDICT_WARN,
					      VERDICT_HAZARD, VERDICT_INFO, VERDICT_SKIP,
					      VERDICT_ERROR };

	for (unsigned i = 0; i < r->count; i++) {
		const struct result *res = &r->results[i];

		fprintf(f, "%s%-6s%s %s%s%s%s%s\n", colour(f, res->verdict, true),
			verdict_name(res->verdict), colour(f, res->verdict, false), res->check->id,
			res->reason[0] ? ": " : "", res->reason,
			res->unexpected			      ? ""
			: res->anticipated_why && !res->fixed ? " (expected)"
							      : "",
			res->fixed ? " (fixed: the expectation file says otherwise)" : "");
		if (res->verdict != VERDICT_PASS && res->verdict != VERDICT_SKIP)
			text_details(res, f);
	}
	fprintf(f, "%u checks on %s (%s):", r->count, r->target.uri, r->target.device);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		fprintf(f, "%s %u %s", i ? "," : "", r->tally[order[i]], verdict_name(order[i]));
	fprintf(f, "; %u unexpected; %.1f s\n", r->unexpected, r->duration_s);
}

void run_write_tap(const struct run *r, FILE *f)
{
	fprintf(f, "TAP version 13\n1..%u\n", r->count);
	for (unsigned i = 0; i < r->count; i++) {
		const struct result *res = &r->results[i];

		fprintf(f, "%s %u - %s", res->unexpected ? "not ok" : "ok", i + 1, res->check->id);
		if (res->verdict == VERDICT_SKIP)
			fprintf(f, " # SKIP %s", res->reason);
		fputc('\n', f);
		if (res->verdict == VERDICT_PASS || res->verdict == VERDICT_SKIP)
			continue;
		fprintf(f, "# %s%s%s: %s\n", verdict_name(res->verdict), res->clause ? " " : "",
			res->clause ? res->clause : "", res->reason);
		for (unsigned k = 0; res->unexpected && k < res->log_lines; k++)
			fprintf(f, "# | %s\n", res->log[k]);
	}
}

/* One line of it: a newline or '#' of a target's would be read as something else. */
static void ktap_words(FILE *f, const char *s)
{
	for (; *s; s++)
		fputc(*s == '\n' || *s == '#' ? ' ' : *s, f);
}

void run_write_ktap(const struct run *r, FILE *f)
{
	fprintf(f, "KTAP version 1\n1..%u\n", r->count);
	for (unsigned i = 0; i < r->count; i++) {
		const struct result *res = &r->results[i];
		const bool told = res->verdict != VERDICT_PASS && res->verdict != VERDICT_SKIP;
		const char *directive = res->verdict == VERDICT_SKIP	? "SKIP"
					: res->verdict == VERDICT_ERROR ? "ERROR"
					: told && !res->unexpected	? "XFAIL"
									: NULL;

		/* What belongs to a test stands before it. */
		if (told)
			fprintf(f, "# %s: %s %s\n", res->check->id, verdict_name(res->verdict),
				res->clause ? res->clause : "");
		for (unsigned k = 0; res->unexpected && k < res->log_lines; k++)
			fprintf(f, "# %s: | %s\n", res->check->id, res->log[k]);
		fprintf(f, "%s %u %s", res->unexpected ? "not ok" : "ok", i + 1, res->check->id);
		if (directive)
			fprintf(f, " # %s ", directive);
		if (directive)
			ktap_words(f, res->reason);
		fputc('\n', f);
	}
}

static void xml(FILE *f, const char *s)
{
	for (; *s; s++) {
		unsigned char ch = (unsigned char)*s;

		if (ch == '<')
			fputs("&lt;", f);
		else if (ch == '>')
			fputs("&gt;", f);
		else if (ch == '&')
			fputs("&amp;", f);
		else if (ch == '"')
			fputs("&quot;", f);
		else if (ch < 0x20 && ch != '\n' && ch != '\t')
			fputc('?', f);
		else
			fputc(ch, f);
	}
}

static void junit_body(const struct result *res, FILE *f)
{
	const char *tag = res->verdict == VERDICT_ERROR ? "error" : "failure";

	if (res->verdict == VERDICT_SKIP) {
		fputs("<skipped message=\"", f);
		xml(f, res->reason);
		fputs("\"/>", f);
	} else if (res->unexpected) {
		fprintf(f, "<%s type=\"%s\" message=\"", tag, verdict_name(res->verdict));
		xml(f, res->reason);
		fputs("\">", f);
		if (res->clause)
			fprintf(f, "clause: %s\n", res->clause);
		xml(f, res->expected[0] ? "expected: " : "");
		xml(f, res->expected);
		fputc('\n', f);
		for (unsigned i = 0; i < res->log_lines; i++) {
			xml(f, res->log[i]);
			fputc('\n', f);
		}
		fprintf(f, "</%s>", tag);
	} else if (res->reason[0]) {
		fprintf(f, "<system-out>%s: ", verdict_name(res->verdict));
		xml(f, res->reason);
		fputs("</system-out>", f);
	}
}

void run_write_junit(const struct run *r, FILE *f)
{
	unsigned errors = 0, failures = 0;

	for (unsigned i = 0; i < r->count; i++) {
		errors += r->results[i].unexpected && r->results[i].verdict == VERDICT_ERROR;
		failures += r->results[i].unexpected && r->results[i].verdict != VERDICT_ERROR;
	}
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n <testsuite name=\"", f);
	xml(f, r->target.uri);
	fprintf(f, "\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.3f\">\n",
		r->count, failures, errors, r->tally[VERDICT_SKIP], r->duration_s);
	for (unsigned i = 0; i < r->count; i++) {
		const struct result *res = &r->results[i];

		fprintf(f, "  <testcase classname=\"ringside.%.*s\" name=\"%s\" time=\"%.3f\">",
			(int)strcspn(res->check->id, "."), res->check->id, res->check->id,
			res->duration_ms / 1000);
		junit_body(res, f);
		fputs("</testcase>\n", f);
	}
	fputs(" </testsuite>\n</testsuites>\n", f);
}
