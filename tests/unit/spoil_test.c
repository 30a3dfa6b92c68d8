// SPDX-License-Identifier: BSD-3-Clause
/* What spoils numbers, read from a sysfs and a procfs of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/bench/host/spoil.h"

static char root[] = "/tmp/ringside-spoil-XXXXXX";
static int cpu; /* one that this process may use */

static void put(const char *path, const char *text)
{
	char command[400];
	FILE *f;

	snprintf(command, sizeof(command), "mkdir -p $(dirname %s%s)", root, path);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s%s", root, path);
	f = fopen(command, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void stat_line(unsigned user, unsigned steal)
{
	char line[100];

	snprintf(line, sizeof(line), "cpu  %u 0 0 1000 0 0 0 %u 0 0\ncpu0 1 2 3\n", user, steal);
	put("/proc/stat", line);
}

static void cpu_file(const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/%s", cpu, name);
	put(path, text);
}

static struct spoil look(unsigned steal_before, unsigned steal_after, unsigned threads)
{
	const struct spoil_place place = { &cpu, 1, threads, getpid() };
	struct spoil s;

	stat_line(100, steal_before);
	spoil_begin(&s, root);
	stat_line(1000, steal_after);
	spoil_end(&s, root, &place);
	return s;
}

static bool says(const struct spoil *s, const char *word)
{
	for (unsigned i = 0; i < s->notes; i++)
		if (strstr(s->note[i], word))
			return true;
	return false;
}

static void nothing_to_say(void **state)
{
	cpu_file("cpufreq/scaling_governor", "performance\n");
	cpu_file("topology/thread_siblings_list", "4095\n");

	const struct spoil s = look(5, 5, 0);

	assert_int_equal(s.notes, 0);
}

static void steal(void **state)
{
	const struct spoil s = look(5, 105, 0);

	assert_int_equal(s.notes, 1);
	assert_true(says(&s, "10.0%"));
}

static void governor(void **state)
{
	cpu_file("cpufreq/scaling_governor", "powersave\n");

	const struct spoil s = look(5, 5, 0);

	assert_true(says(&s, "'powersave'"));
	cpu_file("cpufreq/scaling_governor", "performance\n");
}

/* The process itself stands for the target: it may run wherever this test may. */
static void too_many_threads(void **state)
{
	const struct spoil s = look(5, 5, 4096);

	assert_true(says(&s, "take turns"));
}

static void siblings(void **state)
{
	cpu_set_t set;
	char list[40];
	int other = -1;

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set) && i != cpu)
			other = i;
	if (other < 0)
		skip();
	snprintf(list, sizeof(list), "%d,%d\n", cpu, other);
	cpu_file("topology/thread_siblings_list", list);

	const struct spoil s = look(5, 5, 0);

	assert_true(says(&s, "threads of one core"));
	cpu_file("topology/thread_siblings_list", "nonsense\n");
	assert_int_equal(look(5, 5, 0).notes, 0);
}

static void a_machine_that_does_not_tell(void **state)
{
	const struct spoil_place place = { &cpu, 1, 0, 0 };
	struct spoil s;

	spoil_begin(&s, "/nowhere");
	spoil_end(&s, "/nowhere", &place);
	assert_int_equal(s.notes, 0);
}

static int set_up(void **state)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (!mkdtemp(root) || sched_getaffinity(0, sizeof(set), &set))
		return -1;
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	return 0;
}

static int tear_down(void **state)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_to_say), cmocka_unit_test(steal),
		cmocka_unit_test(governor),	  cmocka_unit_test(too_many_threads),
		cmocka_unit_test(siblings),	  cmocka_unit_test(a_machine_that_does_not_tell),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
