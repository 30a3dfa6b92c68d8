// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/host.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "harness/run/guest.h"

/* The value of the first "key: value" or "key=value" line; "" when there is none. */
static void file_value(const char *path, const char *key, char *out, size_t room)
{
	FILE *f = fopen(path, "r");
	char line[512];

	out[0] = '\0';
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		char *v;

		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		v = line + strlen(key);
		v += strspn(v, "\t :=\"");
		v[strcspn(v, "\"\n")] = '\0';
		snprintf(out, room, "%s", v);
		break;
	}
	fclose(f);
}

static void set_file_value(json_t *o, const char *name, const char *path, const char *key)
{
	char v[200];

	file_value(path, key, v, sizeof(v));
	if (v[0])
		json_object_set_new(o, name, json_string(v));
}

json_t *host_fingerprint(void)
{
	json_t *o = json_object();
	struct utsname u;

	set_file_value(o, "cpu", "/proc/cpuinfo", "model name");
	json_object_set_new(o, "cores", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	if (uname(&u) == 0) {
		json_object_set_new(o, "kernel", json_string(u.release));
		json_object_set_new(o, "machine", json_string(u.machine));
	}
	set_file_value(o, "microcode", "/proc/cpuinfo", "microcode");
	set_file_value(o, "os", "/etc/os-release", "PRETTY_NAME");
	set_file_value(o, "governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "");
	set_file_value(o, "hypervisor", "/sys/hypervisor/type", "");
	return o;
}

json_t *host_timestamp(void)
{
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

json_t *json_hex(u64 v)
{
	char s[24];

	snprintf(s, sizeof(s), "0x%llx", (unsigned long long)v);
	return json_string(s);
}

json_t *guest_json(const struct run_guest *g)
{
	return json_pack("{s:o, s:o, s:o, s:{s:o, s:I, s:I}}", "arch", json_any(g->arch), "machine",
			 json_any(g->machine), "ringside", json_any(g->ringside), "clock", "source",
			 json_any(g->clock), "hz", (json_int_t)g->hz, "error_ppm",
			 (json_int_t)g->error_ppm);
}

json_t *json_any(const char *s)
{
	json_t *j = json_string(s);
	char clean[1024];
	size_t n = 0;

	if (j)
		return j;
	for (; *s && n + 1 < sizeof(clean); s++)
		clean[n++] = (unsigned char)*s < 0x80 ? *s : '?';
	clean[n] = '\0';
	return json_string(clean);
}
