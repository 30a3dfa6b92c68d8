// SPDX-License-Identifier: BSD-3-Clause
/* The file that describes an SCMI platform, and what is said of one that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ref-backends/device/host/scmi_ini.h"

static const struct {
	const char *text, *why;
} wrong[] = {
	{ "", "there is no agent" },
	{ "[agent]", "line 1: which agent?" },
	{ "[platform x]", "line 1: it has no name" },
	{ "x = 1", "line 1: 'x' is in no section" },
	{ "[bus b]", "line 1: no section 'bus'" },
	{ "[clock a", "line 1: '[clock a' does not end with ]" },
	{ "hello", "line 1: 'hello' is neither [SECTION] nor KEY = VALUE" },
	{ "[agent a]\n[agent a]", "line 2: agent 'a' is there twice" },
	{ "[agent 0123456789abcdef]", "line 1: '0123456789abcdef' is not of 1 to 15 bytes" },
	{ "[agent a]\ntrusted=1", "line 2: '1' is neither yes nor no" },
	{ "[agent a]\ndeny=x", "line 2: there is no device 'x'" },
	{ "[agent a]\ndeny=d:power\n[device d]", "line 2: 'power' is none of them" },
	{ "[agent a]\n[clock c]", "clock 'c' has no rates" },
	{ "[clock c]\nrates=2,1", "line 2: rates are to ascend" },
	{ "[clock c]\nrates=0", "line 2: '0' is no number from 1 to 9223372036854775807" },
	{ "[clock c]\nrange=1..10/4",
	  "line 2: '1..10/4' is not LOW..HIGH/STEP with HIGH some steps above LOW" },
	{ "[clock c]\nrates=1\nrange=1..2/1", "line 3: it has rates already" },
	{ "[clock c]\nspeed=1", "line 2: no key 'speed' of a clock" },
	{ "[reset r]\nx=1", "line 2: no key 'x' of a reset domain" },
	{ "[agent a]\n[sensor s]\nwave=follows", "sensor 's' follows no clock" },
	{ "[agent a]\n[sensor s]\nwave=ramp", "sensor 's' has no period-ms" },
	{ "[sensor s]\nwave=sine", "line 2: 'sine' is none of them" },
	{ "[sensor s]\ntrips=5", "line 2: '5' is no number from 0 to 4" },
	{ "[sensor s]\nintervals-ms=10,10", "line 2: intervals are to ascend" },
	{ "[device d]\nclocks=c", "line 2: there is no clock 'c'" },
	{ "[platform]\ncolour=red", "line 2: no key 'colour' of the platform" },
};

static void test_file(void **state)
{
	struct scmi_platform p;
	char why[200], many[64 * 40] = "", too_long[700];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_false(scmi_ini_parse(wrong[i].text, &p, why, sizeof(why)));
		assert_string_equal(why, wrong[i].why);
	}
	for (unsigned i = 0; i <= SCMI_MAX; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), "[reset r%u]\n", i);
	assert_false(scmi_ini_parse(many, &p, why, sizeof(why)));
	assert_string_equal(why, "line 33: more than 32 of 'reset'");
	memset(too_long, 'x', sizeof(too_long));
	too_long[sizeof(too_long) - 1] = '\0';
	assert_false(scmi_ini_parse(too_long, &p, why, sizeof(why)));
	assert_string_equal(why, "line 1: longer than 511 bytes");
	assert_true(scmi_ini_parse("\n; all of it\n [ agent  a ] # and more\n\ttrusted = yes\n", &p,
				   why, sizeof(why)));
	assert_string_equal(p.agents[0].name, "a");
	assert_true(p.agents[0].trusted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
