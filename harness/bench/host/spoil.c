// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/host/spoil.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Of the processor time; below that it is lost in everything else. */
#define STEAL_PERMILLE 2

static void note(struct spoil *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(struct spoil *s, const char *fmt, ...)
{
	va_list ap;

	if (s->notes == SPOIL_NOTES)
		return;
	va_start(ap, fmt);
	vsnprintf(s->note[s->notes++], SPOIL_TEXT, fmt, ap);
	va_end(ap);
}

/* The first line of a file, without its end. False when there is none. */
static bool line_of(const char *root, const char *path, char *out, size_t room)
{
	char full[512];
	bool got;
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	f = fopen(full, "re");
	if (!f)
		return false;
	got = fgets(out, (int)room, f) != NULL;
	fclose(f);
	if (got)
		out[strcspn(out, "\n")] = '\0';
	return got;
}

/* Ticks stolen by the hypervisor, and all of them; zeroes where it is not told. */
static void stolen(const char *root, u64 *steal, u64 *total)
{
	unsigned long long t[8] = { 0 };
	char line[256];

	*steal = *total = 0;
	if (!line_of(root, "/proc/stat", line, sizeof(line)) ||
	    sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
		   &t[4], &t[5], &t[6], &t[7]) != 8)
		return;
	*steal = t[7];
	for (unsigned i = 0; i < 8; i++)
		*total += t[i];
}

void spoil_begin(struct spoil *s, const char *root)
{
	*s = (struct spoil){ 0 };
	stolen(root, &s->steal, &s->total);
}

static void look_for_steal(struct spoil *s, const char *root)
{
	u64 steal, total;

	stolen(root, &steal, &total);
	steal -= s->steal;
	total -= s->total;
	if (total && steal * 1000 >= total * STEAL_PERMILLE)
		note(s, "the hypervisor took %.1f%% of the processor time away (steal)",
		     100.0 * (double)steal / (double)total);
}

/* Of each processor that the driver may run on: one note for all, with the first. */
static void look_for_governor(struct spoil *s, const char *root, const cpu_set_t *cpus)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		char path[128], governor[64];

		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu);
		if (!CPU_ISSET(cpu, cpus) || !line_of(root, path, governor, sizeof(governor)) ||
		    strcmp(governor, "performance") == 0)
			continue;
		note(s, "CPU %d has the frequency governor '%s': its clock goes up and down", cpu,
		     governor);
		return;
	}
}

/* "0,4" or "0-1": the processors of one core, without `cpu` itself. */
static void siblings(const char *root, int cpu, cpu_set_t *set)
{
	char path[128], list[256], *p = list;
	int from, to, used;

	CPU_ZERO(set);
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
		 cpu);
	if (!line_of(root, path, list, sizeof(list)))
		return;
	while (sscanf(p, "%d%n", &from, &used) == 1) {
		p += used;
		to = from;
		if (*p == '-' && sscanf(p + 1, "%d%n", &to, &used) == 1)
			p += 1 + used;
		for (int i = from; i >= 0 && i <= to && i < CPU_SETSIZE; i++)
			if (i != cpu)
				CPU_SET(i, set);
		if (*p++ != ',')
			return;
	}
}

/* May driver and target, or two threads of the driver, come to lie on one core? */
static void look_for_siblings(struct spoil *s, const char *root, const struct spoil_place *place,
			      const cpu_set_t *driver)
{
	cpu_set_t target, beside;

	CPU_ZERO(&target);
	if (!place->target || sched_getaffinity(place->target, sizeof(target), &target))
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, driver))
			continue;
		siblings(root, cpu, &beside);
		for (int other = 0; other < CPU_SETSIZE; other++) {
			if (!CPU_ISSET(other, &beside) || !CPU_ISSET(other, &target))
				continue;
			note(s,
			     "CPU %d and CPU %d are threads of one core, and driver and target may "
			     "run on both: pin them to cores of their own",
			     cpu, other);
			return;
		}
	}
}

static void look_for_room(struct spoil *s, const struct spoil_place *place, const cpu_set_t *driver)
{
	cpu_set_t all, target;

	CPU_ZERO(&target);
	if (!place->target || sched_getaffinity(place->target, sizeof(target), &target))
		return;
	CPU_OR(&all, driver, &target);
	/* The target has one thread at least. */
	if ((unsigned)CPU_COUNT(&all) < place->threads + 1)
		note(s,
		     "%u driver thread%s and the target have %d processor%s: they take turns on "
		     "%s",
		     place->threads, place->threads == 1 ? "" : "s", CPU_COUNT(&all),
		     CPU_COUNT(&all) == 1 ? "" : "s", CPU_COUNT(&all) == 1 ? "it" : "them");
}

void spoil_end(struct spoil *s, const char *root, const struct spoil_place *place)
{
	cpu_set_t driver;

	CPU_ZERO(&driver);
	if (place->pins)
		for (unsigned i = 0; i < place->pins; i++)
			CPU_SET(place->pin[i], &driver);
	else if (sched_getaffinity(0, sizeof(driver), &driver))
		return;
	look_for_room(s, place, &driver);
	look_for_governor(s, root, &driver);
	look_for_siblings(s, root, place, &driver);
	look_for_steal(s, root);
}
