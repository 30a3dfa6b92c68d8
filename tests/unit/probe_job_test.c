// SPDX-License-Identifier: BSD-3-Clause
/* The guest's job: words, what they are for, and what is no job. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "harness/probe/job/job.h"
#include "harness/probe/job/number.h"

static struct jobs jobs;
static char text[512], error[160];

static bool parse(const char *words)
{
	error[0] = '\0';
	snprintf(text, sizeof(text), "%s", words);
	return job_parse(&jobs, text, error, sizeof(error));
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		bool good;
		u64 v;
	} cases[] = {
		{ "0", true, 0 },
		{ "123", true, 123 },
		{ "0xFf", true, 255 },
		{ "4k", true, 4096 },
		{ "2M", true, 2 << 20 },
		{ "1g", true, 1 << 30 },
		{ "18446744073709551615", true, ~0ull },
		{ "18446744073709551616", false, 0 },
		{ "0xffffffffffffffffk", false, 0 },
		{ "", false, 0 },
		{ "0x", false, 0 },
		{ "-1", false, 0 },
		{ "12ab", false, 0 },
		{ "4kk", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 v = 0;

		if (guest_number(cases[i].text, &v) != cases[i].good ||
		    (cases[i].good && v != cases[i].v))
			fail_msg("'%s'", cases[i].text);
	}
}

static void a_job_has_its_own_words(void **state)
{
	assert_true(parse(
		"device=blk@pci timeout=2s job=conform check=blk.* clause=ROB.* quiet=10ms rest=50us "
		"changes=on "
		"job=bench op=write block-size=512 queue-depth=8 requests=1k wait=event "
		"event-idx=off device=blk@mmio:0xa000000 job=list"));
	assert_int_equal(jobs.count, 3);
	assert_int_equal(jobs.job[0].kind, WIRE_JOB_CONFORM);
	assert_int_equal(jobs.job[0].device, VIRTIO_ID_BLOCK);
	assert_string_equal(jobs.job[0].transport, "pci");
	assert_false(jobs.job[0].pinned);
	assert_string_equal(jobs.job[0].check_glob, "blk.*");
	assert_string_equal(jobs.job[0].clause_glob, "ROB.*");
	assert_int_equal(jobs.job[0].timeout_ms, 2000);
	assert_int_equal(jobs.job[0].quiet_ms, 10);
	assert_int_equal(jobs.job[0].rest_ns, 50000);
	assert_int_equal(jobs.job[1].rest_ns, 0);
	assert_true(jobs.job[0].changes);
	assert_false(jobs.job[1].changes);
	assert_int_equal(jobs.job[1].kind, WIRE_JOB_BENCH);
	assert_int_equal(jobs.job[1].bench.type, VIRTIO_BLK_T_OUT);
	assert_int_equal(jobs.job[1].bench.requests, 1024);
	assert_int_equal(jobs.job[1].bench.depth, 8);
	assert_false(jobs.job[1].bench.poll);
	assert_false(jobs.job[1].bench.event_idx);
	assert_int_equal(jobs.job[1].window, 0xa000000);
	assert_int_equal(jobs.job[1].timeout_ms, 2000);
	assert_null(jobs.job[1].check_glob);
	assert_int_equal(jobs.job[2].kind, WIRE_JOB_LIST);
}

static void what_is_of_the_machine(void **state)
{
	assert_true(parse("channel=shm:0x1000,4k exit=0xf4 counter-hz=1000000 ecam=0xb0000000 "
			  "bars=0xc0000000 msi=memory restart=on resume=1:77 job=list"));
	assert_string_equal(jobs.channel, "shm:0x1000,4k");
	assert_string_equal(jobs.exit, "0xf4");
	assert_int_equal(jobs.counter_hz, 1000000);
	assert_int_equal(jobs.ecam, 0xb0000000);
	assert_int_equal(jobs.bar_base, 0xc0000000);
	assert_false(jobs.msi);
	assert_true(jobs.restart);
	assert_true(jobs.resume);
	assert_int_equal(jobs.resume_job, 1);
	assert_int_equal(jobs.resume_check, 77);
}

static void functions_and_windows(void **state)
{
	assert_true(parse("job=conform device=@pci:00:1f.7"));
	assert_true(jobs.job[0].pinned);
	assert_int_equal(jobs.job[0].devfn, 0x1f << 3 | 7);
	assert_int_equal(jobs.job[0].device, 0);
	assert_false(parse("job=conform device=@pci:01:00.0"));
	assert_false(parse("job=conform device=@pci:00:20.0"));
	assert_false(parse("job=conform device=@pci:00:1f.8"));
	assert_false(parse("job=conform device=@mmio:here"));
	assert_false(parse("job=conform device=blk@isa"));
	assert_true(parse("job=conform device=63"));
	assert_false(parse("job=conform device=64"));
	assert_false(parse("job=conform device=4687"));
	assert_false(parse("job=conform device=4294967297"));
}

static void other_people_s_words(void **state)
{
	assert_true(parse("/boot/probe console=ttyS0 quiet virtio_mmio.device=512@0xfeb00000:5 "
			  "BOOT_IMAGE=/x panic=-1 reboot=k pci=off job=list /path=with/equals"));
	assert_int_equal(jobs.count, 1);
}

static void what_is_no_job(void **state)
{
	static const char *const wrong[] = {
		"",
		"quiet",
		"job=",
		"job=dance",
		"job=conform chek=x",
		"job=conform timeout=soon",
		"job=conform timeout=0s",
		"job=bench op=erase",
		"job=bench block-size=100",
		"job=bench queue-depth=0",
		"job=bench queue-depth=5000",
		"job=bench requests=0",
		"job=bench ring-size=0",
		"job=bench ring=oval",
		"job=bench wait=forever",
		"job=bench raw=1m",
		"job=conform resume=3",
		"job=conform resume=9:1",
		"counter-hz=0 job=list",
		"job=list job=list job=list job=list job=list job=list job=list job=list job=list",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (parse(wrong[i]) || !error[0])
			fail_msg("'%s'", wrong[i]);
	}
	/* The first that is wrong is named; what was good stays. */
	parse("job=conform colour=red shape=round check=a.*");
	assert_string_equal(error, "colour=red: no such key");
	assert_string_equal(jobs.job[0].check_glob, "a.*");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(a_job_has_its_own_words),
		cmocka_unit_test(what_is_of_the_machine),
		cmocka_unit_test(functions_and_windows),
		cmocka_unit_test(other_people_s_words),
		cmocka_unit_test(what_is_no_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
