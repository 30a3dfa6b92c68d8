// SPDX-License-Identifier: BSD-3-Clause
/* Choosing clauses, and which of them are covered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "harness/cli/catalogue.h"

/* A check of this test alone: it is linked into no other program. */
CHECK(cli_catalogue_test, .id = "test.only", .clauses = { "v14.blk.init.dev.4a", "ROB.blk.data" },
      .stimulus = "nothing", .oracle = "nothing");

static const struct clause *clause(const char *id)
{
	const struct clause *c = clause_find(id);

	assert_non_null(c);
	return c;
}

static bool section_matches(const char *glob, const char *id)
{
	const struct catalogue_filter f = { .section = glob };

	return catalogue_match(&f, clause(id));
}

static void by_section(void **state)
{
	static const char id[] = "v14.blk.init.dev.4a"; /* 5.2.5.2, "… / Block Device / …" */

	assert_true(section_matches("v14.blk.init.dev.4a", id));
	assert_true(section_matches("v14.blk.init", id));
	assert_true(section_matches("v14.blk", id));
	assert_true(section_matches("v14", id));
	assert_true(section_matches("v14.b*", id));
	assert_true(section_matches("*.init", id));
	assert_true(section_matches("*block device*", id));
	assert_true(section_matches("5.2", id));
	assert_true(section_matches("5", id));
	assert_false(section_matches("v14.bl", id)); /* clause-ids: ignore */
	assert_false(section_matches("blk", id));
	assert_false(section_matches("block", id));
	assert_false(section_matches("2", id));
	assert_false(section_matches("", id));
}

static void by_device(void **state)
{
	struct catalogue_filter f = { 0 };

	assert_int_equal(catalogue_parse_device(&f, "blk"), 0);
	assert_true(catalogue_match(&f, clause("v14.blk.init.dev.4a")));
	assert_true(catalogue_match(&f, clause("v14.split-ring.used-ring.dev.2")));
	assert_true(catalogue_match(&f, clause("VU.ring.start.be.1")));
	assert_true(catalogue_match(&f, clause("ROB.blk.data")));
	assert_true(catalogue_match(&f, clause("ROB.live.no-hang")));
	assert_false(catalogue_match(&f, clause("v14.net.tx.dev.11")));
	assert_false(catalogue_match(&f, clause("VU.gpu.socket.be.1")));
	assert_int_equal(catalogue_parse_device(&f, "rng"), 0);
	assert_string_equal(f.device, "entropy");
	assert_int_equal(catalogue_parse_device(&f, "bl"), -1);
	assert_int_equal(catalogue_parse_device(&f, "pci"), -1);
	assert_int_equal(catalogue_parse_device(&f, ""), -1);
}

static void by_the_rest(void **state)
{
	const struct clause *c = clause("v14.split-ring.used-ring.dev.2");
	struct catalogue_filter f = { 0 };

	assert_true(catalogue_match(&f, c));
	assert_int_equal(catalogue_parse_levels(&f, "should,Must-Not"), 0);
	assert_int_equal(f.levels, 1u << CLAUSE_SHOULD | 1u << CLAUSE_MUST_NOT);
	assert_false(catalogue_match(&f, c));
	assert_int_equal(catalogue_parse_levels(&f, "MUST"), 0);
	assert_true(catalogue_match(&f, c));
	assert_int_equal(catalogue_parse_levels(&f, "must,"), -1);
	assert_int_equal(catalogue_parse_levels(&f, "shall"), -1);

	f = (struct catalogue_filter){ 0 };
	assert_int_equal(catalogue_parse_transport(&f, "ccw"), 0);
	assert_false(catalogue_match(&f, c));
	assert_int_equal(catalogue_parse_transport(&f, "vhost-user"), 0);
	assert_true(catalogue_match(&f, c));
	assert_int_equal(catalogue_parse_transport(&f, "usb"), -1);

	f = (struct catalogue_filter){ 0 };
	assert_int_equal(catalogue_parse_actor(&f, "front-end"), 0);
	assert_false(catalogue_match(&f, c));
	assert_int_equal(catalogue_parse_actor(&f, "device"), 0);
	assert_true(catalogue_match(&f, c));
	assert_int_equal(catalogue_parse_actor(&f, "devices"), -1);
}

static void without_proof_registered_checks_count(void **state)
{
	const struct catalogue_proof all = { 0 };

	assert_true(catalogue_covered(&all, clause("v14.blk.init.dev.4a"), 0));
	assert_true(catalogue_covered(&all, clause("ROB.blk.data"), 0));
	assert_false(catalogue_covered(&all, clause("v14.balloon.free-page-hint.dev.1"), 0));
}

static void a_check_covers_where_it_runs(void **state)
{
	const struct catalogue_proof all = { 0 };
	const struct clause *c = clause("v14.blk.init.dev.4a");
	struct check k = { .id = "x" };

	assert_true(catalogue_covered(&all, c, CLAUSE_AT_VHOST_USER));
	assert_true(catalogue_goes_over(&k, CLAUSE_AT_MMIO));
	assert_true(catalogue_goes_over(&k, CLAUSE_AT_GUEST));
	assert_false(catalogue_goes_over(&k, CLAUSE_AT_CCW));
	assert_false(catalogue_goes_over(&k, CLAUSE_AT_DRIVER_SIDE));
	k.caps = TP_CAP_VHOST_USER;
	assert_true(catalogue_goes_over(&k, 0));
	assert_true(catalogue_goes_over(&k, CLAUSE_AT_VHOST_USER | CLAUSE_AT_PCI));
	assert_false(catalogue_goes_over(&k, CLAUSE_AT_MMIO | CLAUSE_AT_PCI | CLAUSE_AT_GUEST));
	k = (struct check){ .id = "x", .transport = CHECK_REGISTERS };
	assert_false(catalogue_goes_over(&k, CLAUSE_AT_VHOST_USER));
	assert_true(catalogue_goes_over(&k, CLAUSE_AT_MMIO));
	assert_true(catalogue_goes_over(&k, CLAUSE_AT_PCI));
	k.caps = TP_CAP_OWN_CALL;
	assert_false(catalogue_goes_over(&k, CLAUSE_AT_MMIO));
	assert_true(catalogue_goes_over(&k, CLAUSE_AT_PCI));
	k = (struct check){ .id = "x", .pf = 1 };
	assert_false(catalogue_goes_over(&k, CLAUSE_AT_PCI));
	assert_true(catalogue_goes_over(&k, CLAUSE_AT_VHOST_USER));
}

static int load(struct catalogue_proof *p, const char *json)
{
	char path[] = "/tmp/ringside-proof-XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, json, strlen(json)), strlen(json));
	close(fd);
	rc = catalogue_load_proof(p, path);
	unlink(path);
	return rc;
}

static void a_proof_restricts(void **state)
{
	const struct check *check = &cli_catalogue_test_check;
	struct catalogue_proof p;

	assert_int_equal(load(&p, "{\"checks\": [{\"id\": \"test.only\", \"proven\": true}]}"), 0);
	assert_true(catalogue_proven(&p, check));
	catalogue_free_proof(&p);
	assert_int_equal(load(&p, "{\"checks\": [{\"id\": \"test.only\", \"proven\": false}]}"), 0);
	assert_false(catalogue_proven(&p, check));
	catalogue_free_proof(&p);
	assert_int_equal(load(&p, "{\"checks\": []}"), 0);
	assert_false(catalogue_proven(&p, check));
	catalogue_free_proof(&p);
}

static void what_is_no_proof(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"checks\": 1}",
		"{\"checks\": [{\"id\": \"x\"}]}",
		"{\"checks\": [{\"id\": 1, \"proven\": true}]}",
		"{\"checks\": [\"x\"]}",
	};
	struct catalogue_proof p;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(load(&p, texts[i]), -1);
	assert_int_equal(catalogue_load_proof(&p, "/nonexistent"), -1);
}

static void json_of_a_clause(void **state)
{
	const struct catalogue_proof all = { 0 };
	json_t *o = catalogue_json(&all, clause("v14.blk.init.dev.4a"));

	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "id")), "v14.blk.init.dev.4a");
	assert_string_equal(json_string_value(json_object_get(o, "level")), "MUST");
	assert_string_equal(json_string_value(json_object_get(o, "actor")), "device");
	assert_true(json_is_true(json_object_get(o, "covered")));
	assert_true(json_is_true(json_object_get(o, "testable")));
	assert_true(json_array_size(json_object_get(o, "checks")) >= 1);
	assert_int_equal(json_array_size(json_object_get(o, "observable")), 2);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_section),
		cmocka_unit_test(by_device),
		cmocka_unit_test(by_the_rest),
		cmocka_unit_test(without_proof_registered_checks_count),
		cmocka_unit_test(a_check_covers_where_it_runs),
		cmocka_unit_test(a_proof_restricts),
		cmocka_unit_test(what_is_no_proof),
		cmocka_unit_test(json_of_a_clause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
