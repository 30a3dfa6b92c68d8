// SPDX-License-Identifier: BSD-3-Clause
/*
 * The rules by which rows of the tables become clauses and messages, and how bad rows are named.
 * clause-ids: made up
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/spec/clause_id.h"
#include "harness/spec/gen/rules.h"

#define VIRTIO "id\tactor\tsection\tnumber\tlevel\tsummary\tfeature\tobservable\tcheck\tnote\n"
#define VU     "id\tactor\tsection\tlevel\tsummary\tfeature\tcheck\tnote\n"
#define MSG                                                                                        \
	"chan\tid\tname\told_name\tdir\treq_layout\treq_size_min\treq_size_max\treq_fds_min\t"     \
	"req_fds_max\treply_when\treply_layout\treply_size\treply_fds_min\treply_fds_max\t"        \
	"gate_pf\tgate_other\treply_ack\tedition\tspec_error\tcodec_note\n"

static struct tsv table;
static struct tsv_error error;

static int teardown(void **state)
{
	tsv_free(&table);
	return 0;
}

static bool load(const char *header, const char *row)
{
	char *text = malloc(strlen(header) + strlen(row) + 2);

	assert_non_null(text);
	tsv_free(&table);
	memset(&error, 0, sizeof(error));
	sprintf(text, "%s%s\n", header, row);
	return tsv_parse(&table, "test.tsv", text, &error);
}

static struct clause good(const char *header, const char *row)
{
	struct clause c;

	assert_true(load(header, row));
	if (!rules_clause(&table, 0, &c, &error))
		fail_msg("column %s: %s", error.column, error.what);
	return c;
}

static void bad(const char *header, const char *row, const char *column)
{
	struct clause c;

	assert_true(load(header, row));
	assert_false(rules_clause(&table, 0, &c, &error));
	assert_string_equal(error.column, column);
	assert_int_equal(error.line, 2);
	assert_true(strlen(error.what) > 0);
}

static void virtio_row(void **state)
{
	struct clause c = good(VIRTIO, "v14.basic.reset.dev.1\tdevice\tBasics / Reset\t2.4.1\t"
				       "MUST_NOT\tIt stays quiet.\tVIRTIO_F_X\tvhost-user,pci\t"
				       "Look.\tA note.");

	assert_string_equal(c.id, "v14.basic.reset.dev.1");
	assert_string_equal(c.section, "Basics / Reset");
	assert_string_equal(c.number, "2.4.1");
	assert_string_equal(c.summary, "It stays quiet.");
	assert_string_equal(c.feature, "VIRTIO_F_X");
	assert_string_equal(c.sketch, "Look.");
	assert_string_equal(c.note, "A note.");
	assert_int_equal(c.actor, CLAUSE_DEVICE);
	assert_int_equal(c.level, CLAUSE_MUST_NOT);
	assert_int_equal(c.doc, CLAUSE_DOC_VIRTIO);
	assert_int_equal(c.where, CLAUSE_AT_VHOST_USER | CLAUSE_AT_PCI);
	assert_int_equal(c.flags, 0);
}

static void robustness_row(void **state)
{
	struct clause c = good(VIRTIO, "ROB.leak.fds\tdevice\tRobustness\t\tMUST\tNone leaks.\t\t"
				       "vhost-user\tCount.\t");

	assert_int_equal(c.doc, CLAUSE_DOC_ROBUSTNESS);
	bad(VIRTIO, "ROB.leak\tdevice\tR\t\tMUST\ts\t\tpci\tc\t", "id");
}

/* Where a vhost-user row can be observed follows from the actor, unless the note says nowhere. */
static void vhost_user_row(void **state)
{
	struct clause c =
		good(VU, "VU.ring.start.be.1\tbackend\tRings\tMUST\tIt starts.\t\tKick.\t");

	assert_int_equal(c.doc, CLAUSE_DOC_VHOST_USER);
	assert_int_equal(c.actor, CLAUSE_DEVICE);
	assert_int_equal(c.where, CLAUSE_AT_VHOST_USER);
	assert_string_equal(c.number, "");
	c = good(VU, "VU.ring.start.fe.1\tfrontend\tRings\tMUST\tIt starts.\t\tWatch.\t");
	assert_int_equal(c.actor, CLAUSE_DRIVER);
	assert_int_equal(c.where, CLAUSE_AT_DRIVER_SIDE);
	c = good(VU, "VU.ring.x.be.1\tbackend\tRings\tMUST\ts\t\t\tuntestable black-box");
	assert_int_equal(c.where, 0);
}

/* The chapter on programs is advice: its MUSTs are SHOULDs. */
static void programs_are_advice(void **state)
{
	assert_int_equal(good(VU, "VU.prog.x.be.1\tbackend\ts\tMUST\ts\t\tc\t").level,
			 CLAUSE_SHOULD);
	assert_int_equal(good(VU, "VU.prog.x.be.1\tbackend\ts\tMUST_NOT\ts\t\tc\t").level,
			 CLAUSE_SHOULD_NOT);
	assert_int_equal(good(VU, "VU.prog.x.be.1\tbackend\ts\tMAY\ts\t\tc\t").level, CLAUSE_MAY);
	assert_int_equal(good(VU, "VU.progs.x.be.1\tbackend\ts\tMUST\ts\t\tc\t").level,
			 CLAUSE_MUST);
}

static void flags_from_the_note(void **state)
{
	static const struct {
		const char *note;
		unsigned flags;
	} rows[] = {
		{ "", 0 },
		{ "[legacy] old", CLAUSE_LEGACY },
		{ "legacy interface section; more", CLAUSE_LEGACY },
		{ "not the legacy interface section", 0 },
		{ "[outside-normative] in a note", CLAUSE_NON_NORMATIVE },
		{ "informative section", CLAUSE_NON_NORMATIVE },
		{ "[info] unclear", CLAUSE_INFO },
		{ "fine, but -> [info-part] for one", CLAUSE_INFO_PART },
		{ "[info] unclear, [info-part] more", CLAUSE_INFO | CLAUSE_INFO_PART },
		{ "bytes [offset, offset+size) and [8..9]", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char row[300];

		snprintf(row, sizeof(row), "v14.a.b.dev.1\tdevice\ts\t1\tMUST\ts\t\tpci\tc\t%s",
			 rows[i].note);
		assert_int_equal(good(VIRTIO, row).flags, rows[i].flags);
	}
	bad(VIRTIO, "v14.a.b.dev.1\tdevice\ts\t1\tMUST\ts\t\tpci\tc\tso [legacy]", "note");
	bad(VIRTIO, "v14.a.b.dev.1\tdevice\ts\t1\tMUST\ts\t\tpci\tc\t[infopart] x", "note");
}

static void ids(void **state)
{
	static const char *const wrong[] = {
		"v15.a.b.dev.1",   "VU.a.b.be.1",    "v14.a.b.dev",   "v14.a.b.dev.",
		"v14.a.b.dev.1.2", "v14.a.b.be.1",   "v14.A.b.dev.1", "v14..b.dev.1",
		"v14.a.b.dev.one", "v14.-a.b.dev.1", "v14",	      "v14.a b.c.dev.1",
	};
	char row[100];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		snprintf(row, sizeof(row), "%s\tdevice\ts\t1\tMUST\ts\t\tpci\tc\t", wrong[i]);
		bad(VIRTIO, row, "id");
	}
	bad(VU, "v14.a.b.dev.1\tbackend\ts\tMUST\ts\t\tc\t", "id");
	bad(VU, "VU.a.b.dev.1\tbackend\ts\tMUST\ts\t\tc\t", "id");
	good(VIRTIO, "v14.a.b.dev.10a\tdevice\ts\t1\tMUST\ts\t\tpci\tc\t");
	good(VIRTIO, "v14.a.b-c.dev.x1\tdevice\ts\t1\tMUST\ts\t\tpci\tc\t");
}

static void other_columns(void **state)
{
	bad(VIRTIO, "v14.a.b.dev.1\tbackend\ts\t1\tMUST\ts\t\tpci\tc\t", "actor");
	bad(VU, "VU.a.b.be.1\tdevice\ts\tMUST\ts\t\tc\t", "actor");
	bad(VIRTIO, "v14.a.b.dev.1\tdevice\t\t1\tMUST\ts\t\tpci\tc\t", "section");
	bad(VIRTIO, "v14.a.b.dev.1\tdevice\ts\t\tMUST\ts\t\tpci\tc\t", "number");
	bad(VIRTIO, "v14.a.b.dev.1\tdevice\ts\tone\tMUST\ts\t\tpci\tc\t", "number");
	bad(VIRTIO, "v14.a.b.dev.1\tdevice\ts\t1\tMUST NOT\ts\t\tpci\tc\t", "level");
	bad(VIRTIO, "v14.a.b.dev.1\tdevice\ts\t1\tMUST\t\t\tpci\tc\t", "summary");
	bad(VIRTIO, "v14.a.b.dev.1\tdevice\ts\t1\tMUST\ts\t\tpic\tc\t", "observable");
	bad(VIRTIO, "v14.a.b.dev.1\tdevice\ts\t1\tMUST\ts\t\tpci,untestable\tc\t", "observable");
	bad(VIRTIO, "v14.a.b.dev.1\tdevice\ts\t1\tMUST\ts\t\t\tc\t", "observable");
	bad(VIRTIO, "v14.a.b.dev.1\tdevice\ts\t1\tMUST\ts\t\tdriver-side\tc\t", "observable");
	bad(VIRTIO, "v14.a.b.dev.1\tdriver\ts\t1\tMUST\ts\t\tpci\tc\t", "observable");
	bad(VIRTIO, "v14.a.b.dev.1\tdevice\ts\t1\tMUST\ts\t\tpci\t\t", "check");
	good(VIRTIO, "v14.a.b.dev.1\tdevice\ts\t1\tMAY\ts\t\tuntestable\t\t");
}

/* What is wrong with a file's form is found before any rule is asked. */
static void form(void **state)
{
	assert_false(load(VU, "VU.a.b.be.1\tbackend\ts"));
	assert_string_equal(error.column, "level");
	assert_int_equal(error.line, 2);
	assert_false(load(VU, "VU.a.b.be.1\tbackend\ts\tMUST\ts\t\tc\tn\tx"));
	assert_false(load(VU, "VU.a.b.be.1\tbackend\ts\tMUST\ts \t\tc\tn"));
	assert_string_equal(error.column, "summary");
	assert_false(load(VU, "VU.a.b.be.1\tbackend\ts\tMUST\ts\t\tc\tcaf\xc3\xa9"));
	assert_string_equal(error.column, "note");
	assert_false(load(VU, "VU.a.b.be.1\tbackend\ts\tMUST\ts\t\tc\tx\r"));
	tsv_free(&table);
	assert_false(tsv_parse(&table, "test.tsv", strdup("id\tactor"), &error));
	tsv_free(&table);
	assert_false(tsv_parse(&table, "test.tsv", strdup(""), &error));
	tsv_free(&table);
	assert_false(tsv_load(&table, "/nonexistent.tsv", &error));
	assert_true(load("id\tactor\n", "a\tb"));
	assert_int_equal(rules_layout_of(&table), RULES_UNKNOWN);
}

#define M_GOOD                                                                                     \
	"main\t31\tGET_IT\t\tfe>be\tv:u64\t8\t8\t0\t1\talways\tv:u64\t8\t0\t1\tCONFIG, STATUS\t"   \
	"words\tbody\tA\tnone\tnote"

static struct vu_msg_spec good_message(const char *row)
{
	struct vu_msg_spec m;

	assert_true(load(MSG, row));
	if (!rules_message(&table, 0, &m, &error))
		fail_msg("column %s: %s", error.column, error.what);
	return m;
}

static void bad_message(const char *row, const char *column)
{
	struct vu_msg_spec m;

	assert_true(load(MSG, row));
	assert_false(rules_message(&table, 0, &m, &error));
	assert_string_equal(error.column, column);
}

static void message_row(void **state)
{
	struct vu_msg_spec m = good_message(M_GOOD);

	assert_int_equal(m.chan, VU_CHAN_MAIN);
	assert_int_equal(m.id, 31);
	assert_string_equal(m.name, "GET_IT");
	assert_string_equal(m.req_layout, "v:u64");
	assert_int_equal(m.req_size_min, 8);
	assert_int_equal(m.req_fds_max, 1);
	assert_int_equal(m.reply_when, VU_REPLY_ALWAYS);
	assert_int_equal(m.reply_size, 8);
	assert_int_equal(m.reply_fds_max, 1);
	assert_int_equal(m.reply_ack, VU_ACK_BODY);
	assert_int_equal(m.gate_pf, BIT_ULL(VU_PF_CONFIG) | BIT_ULL(VU_PF_STATUS));
	assert_string_equal(m.gate, "words");

	m = good_message("backend\t9\tX\t\tbe>fe\t-\t0\t20+4*w*h\t0\t0\tif so\t-\t=req\t0\t0\t\t\t-"
			 "\tA\t\t");
	assert_string_equal(m.req_layout, "");
	assert_int_equal(m.req_size_max, VU_SIZE_OPEN);
	assert_int_equal(m.reply_when, VU_REPLY_CONDITIONAL);
	assert_string_equal(m.reply_cond, "if so");
	assert_int_equal(m.reply_size, VU_SIZE_OPEN);
	assert_int_equal(m.reply_ack, VU_ACK_NONE);
	assert_int_equal(m.gate_pf, 0);
}

static void message_columns(void **state)
{
#define TAIL "\t\t\tbody\tA\t\t"
	bad_message("front\t1\tX\t\tfe>be\t-\t0\t0\t0\t0\tnever\t-\t0\t0\t0" TAIL, "chan");
	bad_message("main\tx\tX\t\tfe>be\t-\t0\t0\t0\t0\tnever\t-\t0\t0\t0" TAIL, "id");
	bad_message("main\t1\tx\t\tfe>be\t-\t0\t0\t0\t0\tnever\t-\t0\t0\t0" TAIL, "name");
	bad_message("main\t1\tX\t\tbe>fe\t-\t0\t0\t0\t0\tnever\t-\t0\t0\t0" TAIL, "dir");
	bad_message("main\t1\tX\t\tfe>be\t-\t9\t8\t0\t0\tnever\t-\t0\t0\t0" TAIL, "req_size_max");
	bad_message("main\t1\tX\t\tfe>be\t-\t\t8\t0\t0\tnever\t-\t0\t0\t0" TAIL, "req_size_min");
	bad_message("main\t1\tX\t\tfe>be\t-\t0\t0\t0\t9\tnever\t-\t0\t0\t0" TAIL, "req_fds_max");
	bad_message("main\t1\tX\t\tfe>be\t-\t0\t0\t1\t0\tnever\t-\t0\t0\t0" TAIL, "req_fds_max");
	bad_message("main\t1\tX\t\tfe>be\t-\t0\t0\t0\t0\tonce\t-\t0\t0\t0" TAIL, "reply_when");
	bad_message("main\t1\tX\t\tfe>be\t-\t0\t0\t0\t0\tnever\t-\tlots\t0\t0" TAIL, "reply_size");
	bad_message("main\t1\tX\t\tfe>be\t-\t0\t0\t0\t0\tnever\t-\t0\t1\t0" TAIL, "reply_fds_max");
	bad_message("main\t1\tX\t\tfe>be\t-\t0\t0\t0\t0\tnever\t-\t0\t0\t0\tMQQ\t\tbody\tA\t\t",
		    "gate_pf");
	bad_message("main\t1\tX\t\tfe>be\t-\t0\t0\t0\t0\tnever\t-\t0\t0\t0\t\t\tmaybe\tA\t\t",
		    "reply_ack");
}

static void order_of_ids(void **state)
{
	static const char *const sorted[] = {
		"ROB.leak.fds",	  "VU.a.b.be.1",    "v14.a.b-c.dev.1", "v14.a.b.dev.1",
		"v14.a.b.dev.1a", "v14.a.b.dev.2",  "v14.a.b.dev.10",  "v14.a.b.dev.10b",
		"v14.a.b.drv.1",  "v14.a.b2.dev.1", "v14.a.b10.dev.1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		for (size_t j = 0; j < ARRAY_SIZE(sorted); j++) {
			int cmp = clause_id_cmp(sorted[i], sorted[j]);

			assert_int_equal((cmp > 0) - (cmp < 0), (i > j) - (i < j));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(virtio_row),	       cmocka_unit_test(robustness_row),
		cmocka_unit_test(vhost_user_row),      cmocka_unit_test(programs_are_advice),
		cmocka_unit_test(flags_from_the_note), cmocka_unit_test(ids),
		cmocka_unit_test(other_columns),       cmocka_unit_test(form),
		cmocka_unit_test(message_row),	       cmocka_unit_test(message_columns),
		cmocka_unit_test(order_of_ids),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
