// SPDX-License-Identifier: BSD-3-Clause
/* Evidence: which of several verdicts counts, how clauses grade it, and what a long log keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "harness/run/evidence.h"

#define MUST   "v14.split-ring.used-ring.dev.2"
#define SHOULD "v14.basic.device-status.dev.3"
#define INFO   "VU.hdr.reply.be.4"

static struct ck make(struct evidence *ev)
{
	evidence_init(ev);
	evidence_reset(ev);
	return (struct ck){ .host = &ev->host };
}

static void graded_by_clause(void **state)
{
	static const struct {
		const char *clause;
		enum verdict verdict;
	} cases[] = {
		{ MUST, VERDICT_FAIL },
		{ SHOULD, VERDICT_WARN },
		{ INFO, VERDICT_INFO },
		{ "v14.no.such.clause", VERDICT_ERROR }, /* clause-ids: ignore */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct evidence ev;
		struct ck c = make(&ev);

		assert_false(ck_fail(&c, cases[i].clause, "this", "that %d", 7));
		assert_int_equal(ev.verdict, cases[i].verdict);
		assert_string_equal(ev.reason, "that 7");
		assert_string_equal(ev.expected, "this");
		evidence_destroy(&ev);
	}
}

static void worst_counts(void **state)
{
	struct evidence ev;
	struct ck c = make(&ev);

	ck_hazard(&c, MUST, "x", "first");
	assert_int_equal(ev.verdict, VERDICT_HAZARD);
	ck_fail(&c, MUST, "x", "second");
	assert_int_equal(ev.verdict, VERDICT_FAIL);
	/* What breaks down after an accusation does not unsay it. */
	ck_error(&c, "third");
	ck_skip(&c, "fourth");
	assert_int_equal(ev.verdict, VERDICT_FAIL);
	assert_string_equal(ev.reason, "second");
	evidence_reset(&ev);
	assert_int_equal(ev.verdict, VERDICT_PASS);
	assert_int_equal(ev.count, 0);
	evidence_destroy(&ev);
}

static void log_keeps_both_ends(void **state)
{
	struct evidence ev;
	unsigned lines;
	char **log;

	evidence_init(&ev);
	evidence_reset(&ev);
	for (int i = 0; i < 1000; i++)
		evidence_log(&ev, "line %d", i);
	log = evidence_take(&ev, &lines);
	assert_int_equal(lines, EVIDENCE_LINES + 1);
	assert_string_equal(log[0], "line 0");
	assert_string_equal(log[EVIDENCE_HEAD - 1], "line 39");
	assert_non_null(strstr(log[EVIDENCE_HEAD], "840 lines left out"));
	assert_string_equal(log[EVIDENCE_HEAD + 1], "line 880");
	assert_string_equal(log[lines - 1], "line 999");
	for (unsigned i = 0; i < lines; i++)
		free(log[i]);
	free(log);
	evidence_destroy(&ev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(graded_by_clause),
		cmocka_unit_test(worst_counts),
		cmocka_unit_test(log_keeps_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
