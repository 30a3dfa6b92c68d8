// SPDX-License-Identifier: BSD-3-Clause
/* The compiled catalogue: finding a clause, what coverage counts, and that the table is whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "harness/spec/clause.h"
#include "harness/spec/clause_id.h"

static void every_clause_is_found(void **state)
{
	assert_true(clause_count > 2500);
	for_each_clause (c) {
		assert_ptr_equal(clause_find(c->id), c);
		if (c > clause_table)
			assert_true(clause_id_cmp(c[-1].id, c->id) < 0);
	}
}

static void others_are_not_found(void **state)
{
	static const char *const none[] = { "",	      "v14", "v14.blk.init.dev",
					    "zzz",    "A",   "v14.blk.init.dev.1 ",
					    "v14.blk" };

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_null(clause_find(none[i]));
}

static void known_rows(void **state)
{
	const struct clause *c = clause_find("v14.split-ring.used-ring.dev.2");

	assert_non_null(c);
	assert_int_equal(c->actor, CLAUSE_DEVICE);
	assert_int_equal(c->level, CLAUSE_MUST);
	assert_string_equal(c->number, "2.7.8.2");
	assert_int_equal(c->where, CLAUSE_AT_VHOST_USER | CLAUSE_AT_MMIO | CLAUSE_AT_PCI);

	c = clause_find("VU.ring.start.be.2");
	assert_non_null(c);
	assert_int_equal(c->where, CLAUSE_AT_VHOST_USER);
	assert_int_equal(c->flags, CLAUSE_INFO_PART);

	c = clause_find("VU.prog.opt-caps.be.1");
	assert_non_null(c);
	assert_int_equal(c->level, CLAUSE_SHOULD);
}

static void testable(void **state)
{
	const struct clause good = { .actor = CLAUSE_DEVICE,
				     .level = CLAUSE_SHOULD,
				     .where = CLAUSE_AT_VHOST_USER | CLAUSE_AT_PCI };
	struct clause c = good;

	assert_true(clause_testable(&c, 0));
	assert_true(clause_testable(&c, CLAUSE_AT_VHOST_USER));
	assert_true(clause_testable(&c, CLAUSE_AT_MMIO | CLAUSE_AT_PCI));
	assert_false(clause_testable(&c, CLAUSE_AT_MMIO));

	c.actor = CLAUSE_DRIVER;
	c.where = CLAUSE_AT_DRIVER_SIDE;
	assert_false(clause_testable(&c, 0));
	assert_false(clause_testable(&c, CLAUSE_AT_DRIVER_SIDE));
	c = good;
	c.level = CLAUSE_MAY;
	assert_false(clause_testable(&c, 0));
	c = good;
	c.where = 0;
	assert_false(clause_testable(&c, 0));
	c = good;
	c.flags = CLAUSE_LEGACY;
	assert_false(clause_testable(&c, 0));
	c.flags = CLAUSE_NON_NORMATIVE;
	assert_false(clause_testable(&c, 0));
	c.flags = CLAUSE_INFO | CLAUSE_INFO_PART;
	assert_true(clause_testable(&c, 0));
}

static void sections(void **state)
{
	static const char *const ids[][2] = {
		{ "v14.split-ring.used-ring.dev.2", "v14.split-ring.used-ring" },
		{ "VU.ring.start.be.1", "VU.ring.start" },
		{ "v14.blk.init.dev.4a", "v14.blk.init" },
		{ "ROB.live.bad-request", "ROB.live" },
		{ "short", "short" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_int_equal(clause_section_len(ids[i][0]), strlen(ids[i][1]));
}

static void devices(void **state)
{
	static const char *const of[][2] = {
		{ "v14.blk.init.dev.1", "blk" },
		{ "v14.net.tx.dev.1", "net" },
		{ "v14.split-ring.used-ring.dev.2", NULL },
		{ "v14.pci.caps.dev.1", NULL },
		{ "VU.ring.start.be.1", NULL },
		{ "VU.ring.disabled.be.2", "net" },
		{ "VU.gpu.socket.be.1", "gpu" },
		{ "ROB.blk.data", "blk" },
		{ "ROB.live.no-hang", NULL },
		{ "ROB.mem.outside", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		const struct clause *c = clause_find(of[i][0]);
		const char *s;
		size_t len = 0;

		assert_non_null(c);
		s = clause_device(c, &len);
		if (!of[i][1]) {
			assert_null(s);
			continue;
		}
		assert_non_null(s);
		assert_int_equal(len, strlen(of[i][1]));
		assert_memory_equal(s, of[i][1], len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_clause_is_found),
		cmocka_unit_test(others_are_not_found),
		cmocka_unit_test(known_rows),
		cmocka_unit_test(testable),
		cmocka_unit_test(sections),
		cmocka_unit_test(devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
