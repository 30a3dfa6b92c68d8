// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/host/scmi_ini.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE	   512
#define PERIOD_MAX 4000000 /* ms: in microseconds it is below 2^32 */
#define US_MAX	   60000000
#define RATE_MAX   INT64_MAX

const char scmi_ini_usual[] = "[platform]\n"
			      "vendor = ringside\n"
			      "sub-vendor = simulated\n"
			      "version = 1\n"
			      "[agent guest]\n"
			      "trusted = yes\n"
			      "[agent other]\n"
			      "[device cpu]\n"
			      "clocks = cpu\n"
			      "sensors = cpu-temp, cpu-power\n"
			      "[device serial]\n"
			      "clocks = serial-baud-generator\n"
			      "resets = serial\n"
			      "[clock cpu]\n"
			      "range = 100000000..1500000000/50000000\n"
			      "rate = 600000000\n"
			      "enabled = yes\n"
			      "latency-us = 2000\n"
			      "[clock serial-baud-generator]\n"
			      "rates = 1843200, 24000000, 48000000\n"
			      "rate = 24000000\n"
			      "latency-us = 1000\n"
			      "[reset serial]\n"
			      "latency-us = 1000\n"
			      "[sensor cpu-temp]\n"
			      "type = celsius\n"
			      "scale = -3\n"
			      "wave = triangle\n"
			      "low = 35000\n"
			      "high = 75000\n"
			      "period-ms = 2000\n"
			      "trips = 2\n"
			      "intervals-ms = 5, 50, 500\n"
			      "latency-us = 2000\n"
			      "[sensor cpu-power]\n"
			      "type = watts\n"
			      "scale = -3\n"
			      "wave = follows\n"
			      "clock = cpu\n"
			      "low = 150\n"
			      "high = 4500\n"
			      "trips = 1\n"
			      "intervals-ms = 5, 100\n"
			      "latency-us = 2000\n";

enum kind {
	NONE,
	PLATFORM,
	AGENT,
	DEVICE,
	CLOCK,
	RESET,
	SENSOR,
	KINDS
};

static const char *const kinds[KINDS] = { "",	   "platform", "agent", "device",
					  "clock", "reset",    "sensor" };

struct parser {
	struct scmi_platform *p;
	enum kind kind;
	unsigned at; /* which of its kind */
	unsigned line;
	char *why;
	size_t size;
};

static bool wrong(struct parser *ps, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool wrong(struct parser *ps, const char *fmt, ...)
{
	char said[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	if (ps->line)
		snprintf(ps->why, ps->size, "line %u: %s", ps->line, said);
	else
		snprintf(ps->why, ps->size, "%s", said);
	return false;
}

/* --- values ------------------------------------------------------------------------------------------------ */

/* Without what is blank at its ends. */
static char *trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return s;
}

static bool number(struct parser *ps, const char *text, long long min, long long max,
		   long long *out)
{
	char *end;

	*out = strtoll(text, &end, 0);
	if (end == text || *end || *out < min || *out > max)
		return wrong(ps, "'%s' is no number from %lld to %lld", text, min, max);
	return true;
}

static bool number_u32(struct parser *ps, const char *text, u32 min, u32 max, u32 *out)
{
	long long n;

	if (!number(ps, text, min, max, &n))
		return false;
	*out = (u32)n;
	return true;
}

static bool yes_no(struct parser *ps, const char *text, bool *out)
{
	*out = strcmp(text, "yes") == 0;
	return *out || strcmp(text, "no") == 0 || wrong(ps, "'%s' is neither yes nor no", text);
}

static bool word(struct parser *ps, const char *text, const char *const *words, u32 *out)
{
	for (*out = 0; words[*out]; ++*out)
		if (strcmp(words[*out], text) == 0)
			return true;
	return wrong(ps, "'%s' is none of them", text);
}

/* The next of a list that commas part; NULL behind the last. */
static char *next_of(char **list)
{
	char *one = *list;

	if (!one || !*trim(one))
		return NULL;
	*list = strchr(one, ',');
	if (*list)
		*(*list)++ = '\0';
	return trim(one);
}

static bool text_of(struct parser *ps, const char *text, char *to, size_t size)
{
	if (!*text || strlen(text) >= size)
		return wrong(ps, "'%s' is not of 1 to %zu bytes", text, size - 1);
	snprintf(to, size, "%s", text);
	return true;
}

/* --- names ------------------------------------------------------------------------------------------------- */

static struct {
	size_t names, stride, count;
	u32 max, size;
} const tables[KINDS] = {
#define TABLE(field, max_, size_)                                                                  \
	{                                                                                          \
		offsetof(struct scmi_platform, field),                                             \
			sizeof(((struct scmi_platform *)0)->field[0]),                             \
			offsetof(struct scmi_platform, num_##field), max_, size_                   \
	}
	[AGENT] = TABLE(agents, SCMI_AGENTS_MAX, SCMI_NAME),
	[DEVICE] = TABLE(devices, SCMI_DEVICES_MAX, SCMI_NAME_LONG),
	[CLOCK] = TABLE(clocks, SCMI_MAX, SCMI_NAME_LONG),
	[RESET] = TABLE(resets, SCMI_MAX, SCMI_NAME_LONG),
	[SENSOR] = TABLE(sensors, SCMI_MAX, SCMI_NAME_LONG),
};

static u8 *count_of(struct parser *ps, enum kind k)
{
	return (u8 *)ps->p + tables[k].count;
}

/* Each begins with its name. */
static char *name_of(struct parser *ps, enum kind k, unsigned i)
{
	return (char *)ps->p + tables[k].names + i * tables[k].stride;
}

/* -1: there is none of that name. */
static int find(struct parser *ps, enum kind k, const char *name)
{
	for (unsigned i = 0; i < *count_of(ps, k); i++)
		if (strcmp(name_of(ps, k, i), name) == 0)
			return (int)i;
	return -1;
}

static bool add(struct parser *ps, enum kind k, const char *name)
{
	if (*count_of(ps, k) == tables[k].max)
		return wrong(ps, "more than %u of '%s'", tables[k].max, kinds[k]);
	if (find(ps, k, name) >= 0)
		return wrong(ps, "%s '%s' is there twice", kinds[k], name);
	if (!text_of(ps, name, name_of(ps, k, *count_of(ps, k)), tables[k].size))
		return false;
	++*count_of(ps, k);
	return true;
}

static bool must_find(struct parser *ps, enum kind k, const char *name, int *at)
{
	*at = find(ps, k, name);
	return *at >= 0 || wrong(ps, "there is no %s '%s'", kinds[k], name);
}

/* --- keys -------------------------------------------------------------------------------------------------- */

static bool platform_key(struct parser *ps, const char *key, char *value)
{
	if (strcmp(key, "vendor") == 0)
		return text_of(ps, value, ps->p->vendor, SCMI_NAME);
	if (strcmp(key, "sub-vendor") == 0)
		return text_of(ps, value, ps->p->sub_vendor, SCMI_NAME);
	if (strcmp(key, "version") == 0)
		return number_u32(ps, value, 0, UINT32_MAX, &ps->p->version);
	return wrong(ps, "no key '%s' of the platform", key);
}

static bool deny(struct parser *ps, struct scmi_agent *a, char *list)
{
	for (char *one = next_of(&list); one; one = next_of(&list)) {
		static const char *const protocols[] = { "clock", "sensor", "reset", NULL };
		char *colon = strchr(one, ':');
		u32 which = 0;
		int device;

		if (colon)
			*colon++ = '\0';
		if (!must_find(ps, DEVICE, one, &device) ||
		    (colon && !word(ps, colon, protocols, &which)))
			return false;
		a->denied[device] |= colon ? (u8)(1u << which) : SCMI_DENY_ALL;
	}
	return true;
}

static bool agent_key(struct parser *ps, const char *key, char *value)
{
	struct scmi_agent *a = &ps->p->agents[ps->at];

	if (strcmp(key, "trusted") == 0)
		return yes_no(ps, value, &a->trusted);
	if (strcmp(key, "deny") == 0)
		return deny(ps, a, value);
	return wrong(ps, "no key '%s' of an agent", key);
}

static bool device_key(struct parser *ps, const char *key, char *value)
{
	struct scmi_device *d = &ps->p->devices[ps->at];
	const struct {
		const char *key;
		enum kind kind;
		u32 *bits;
	} lists[] = { { "clocks", CLOCK, &d->clocks },
		      { "resets", RESET, &d->resets },
		      { "sensors", SENSOR, &d->sensors } };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		int at;

		if (strcmp(key, lists[i].key))
			continue;
		for (char *one = next_of(&value); one; one = next_of(&value)) {
			if (!must_find(ps, lists[i].kind, one, &at))
				return false;
			*lists[i].bits |= 1u << at;
		}
		return true;
	}
	return wrong(ps, "no key '%s' of a device", key);
}

static bool rates(struct parser *ps, struct scmi_clock *c, char *list)
{
	for (char *one = next_of(&list); one; one = next_of(&list)) {
		long long rate;

		if (c->num_rates == SCMI_RATES_MAX)
			return wrong(ps, "more than %u rates", SCMI_RATES_MAX);
		if (!number(ps, one, 1, RATE_MAX, &rate))
			return false;
		if (c->num_rates && c->rates[c->num_rates - 1] >= (u64)rate)
			return wrong(ps, "rates are to ascend");
		c->rates[c->num_rates++] = (u64)rate;
	}
	return true;
}

static bool range(struct parser *ps, struct scmi_clock *c, const char *value)
{
	long long low, high, step;
	char end;

	if (sscanf(value, "%lld..%lld/%lld%c", &low, &high, &step, &end) != 3 || low < 1 ||
	    high < low || step < 1 || (high - low) % step)
		return wrong(ps, "'%s' is not LOW..HIGH/STEP with HIGH some steps above LOW",
			     value);
	c->rates[0] = (u64)low;
	c->rates[1] = (u64)high;
	c->rates[2] = (u64)step;
	c->num_rates = 3;
	c->range = true;
	return true;
}

static bool clock_key(struct parser *ps, const char *key, char *value)
{
	struct scmi_clock *c = &ps->p->clocks[ps->at];
	long long rate;

	if (strcmp(key, "rates") == 0 || strcmp(key, "range") == 0) {
		if (c->num_rates)
			return wrong(ps, "it has rates already");
		return key[1] == 'a' && key[2] == 't' ? rates(ps, c, value) : range(ps, c, value);
	}
	if (strcmp(key, "rate") == 0) {
		if (!number(ps, value, 1, RATE_MAX, &rate))
			return false;
		c->rate = (u64)rate;
		return true;
	}
	if (strcmp(key, "enabled") == 0)
		return yes_no(ps, value, &c->enabled);
	if (strcmp(key, "latency-us") == 0)
		return number_u32(ps, value, 0, US_MAX, &c->latency_us);
	if (strcmp(key, "stuck") == 0)
		return yes_no(ps, value, &c->stuck);
	return wrong(ps, "no key '%s' of a clock", key);
}

static bool reset_key(struct parser *ps, const char *key, char *value)
{
	struct scmi_reset *r = &ps->p->resets[ps->at];

	if (strcmp(key, "latency-us") == 0)
		return number_u32(ps, value, 0, US_MAX, &r->latency_us);
	if (strcmp(key, "stuck") == 0)
		return yes_no(ps, value, &r->stuck);
	return wrong(ps, "no key '%s' of a reset domain", key);
}

static bool type(struct parser *ps, struct scmi_sensor *s, const char *value)
{
	static const char *const names[] = { "celsius", "volts", "amps", "watts", "hertz", NULL };
	static const u8 types[] = { SCMI_SENSOR_CELSIUS, SCMI_SENSOR_VOLTS, SCMI_SENSOR_AMPS,
				    SCMI_SENSOR_WATTS, SCMI_SENSOR_HERTZ };
	u32 which;

	if (!word(ps, value, names, &which))
		return false;
	s->type = types[which];
	return true;
}

static bool wave(struct parser *ps, struct scmi_sensor *s, const char *value)
{
	static const char *const names[] = { "still", "ramp",	 "triangle", "square",
					     "noise", "follows", NULL };
	u32 which;

	if (!word(ps, value, names, &which))
		return false;
	s->wave = (enum scmi_wave)which;
	return true;
}

static bool intervals(struct parser *ps, struct scmi_sensor *s, char *list)
{
	for (char *one = next_of(&list); one; one = next_of(&list)) {
		u32 ms;

		if (s->num_intervals == SCMI_INTERVALS_MAX)
			return wrong(ps, "more than %u intervals", SCMI_INTERVALS_MAX);
		if (!number_u32(ps, one, 1, 0xffff, &ms))
			return false;
		if (s->num_intervals && s->intervals_ms[s->num_intervals - 1] >= ms)
			return wrong(ps, "intervals are to ascend");
		s->intervals_ms[s->num_intervals++] = ms;
	}
	return true;
}

static bool sensor_key(struct parser *ps, const char *key, char *value)
{
	struct scmi_sensor *s = &ps->p->sensors[ps->at];
	const struct {
		const char *key;
		long long min, max;
	} numbers[] = { { "scale", -16, 15 },
			{ "low", INT32_MIN, INT32_MAX },
			{ "high", INT32_MIN, INT32_MAX },
			{ "period-ms", 1, PERIOD_MAX },
			{ "trips", 0, SCMI_TRIPS_MAX },
			{ "latency-us", 0, US_MAX } };
	long long n;
	int at;

	if (strcmp(key, "type") == 0)
		return type(ps, s, value);
	if (strcmp(key, "wave") == 0)
		return wave(ps, s, value);
	if (strcmp(key, "intervals-ms") == 0)
		return intervals(ps, s, value);
	if (strcmp(key, "clock") == 0) {
		if (!must_find(ps, CLOCK, value, &at))
			return false;
		s->clock = (u8)at;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (strcmp(key, numbers[i].key))
			continue;
		if (!number(ps, value, numbers[i].min, numbers[i].max, &n))
			return false;
		switch (i) {
		case 0:
			s->scale = (int8_t)n;
			break;
		case 1:
			s->low = (int32_t)n;
			break;
		case 2:
			s->high = (int32_t)n;
			break;
		case 3:
			s->period_ms = (u32)n;
			break;
		case 4:
			s->trips = (u8)n;
			break;
		default:
			s->latency_us = (u32)n;
		}
		return true;
	}
	return wrong(ps, "no key '%s' of a sensor", key);
}

/* --- lines ------------------------------------------------------------------------------------------------- */

static bool section(struct parser *ps, char *inside, bool names)
{
	char *blank = inside + strcspn(inside, " \t"), *name = trim(*blank ? blank + 1 : blank);

	*blank = '\0';
	ps->kind = NONE;
	for (unsigned k = PLATFORM; k < KINDS; k++)
		if (strcmp(kinds[k], inside) == 0)
			ps->kind = (enum kind)k;
	if (!ps->kind)
		return wrong(ps, "no section '%s'", inside);
	if ((ps->kind == PLATFORM) != !*name)
		return wrong(ps, ps->kind == PLATFORM ? "it has no name" : "which %s?",
			     kinds[ps->kind]);
	if (ps->kind == PLATFORM)
		return true;
	if (names)
		return add(ps, ps->kind, name);
	ps->at = (unsigned)find(ps, ps->kind, name);
	return true;
}

static bool key(struct parser *ps, char *name, char *value)
{
	static bool (*const of[KINDS])(struct parser * ps, const char *key, char *value) = {
		[PLATFORM] = platform_key, [AGENT] = agent_key, [DEVICE] = device_key,
		[CLOCK] = clock_key,	   [RESET] = reset_key, [SENSOR] = sensor_key,
	};

	if (!ps->kind)
		return wrong(ps, "'%s' is in no section", name);
	return of[ps->kind](ps, name, value);
}

static bool one_line(struct parser *ps, char *s, bool names)
{
	char *equals;

	s[strcspn(s, "#;")] = '\0';
	s = trim(s);
	if (!*s)
		return true;
	if (*s == '[') {
		if (s[strlen(s) - 1] != ']')
			return wrong(ps, "'%s' does not end with ]", s);
		s[strlen(s) - 1] = '\0';
		return section(ps, trim(s + 1), names);
	}
	equals = strchr(s, '=');
	if (!equals)
		return wrong(ps, "'%s' is neither [SECTION] nor KEY = VALUE", s);
	*equals = '\0';
	return names || key(ps, trim(s), trim(equals + 1));
}

/* Twice: first the names, then what is said of them. */
static bool all_lines(struct parser *ps, const char *text, bool names)
{
	ps->kind = NONE;
	for (ps->line = 1; *text; ps->line++) {
		const size_t len = strcspn(text, "\n");
		char line[LINE];

		if (len >= sizeof(line))
			return wrong(ps, "longer than %u bytes", LINE - 1);
		memcpy(line, text, len);
		line[len] = '\0';
		if (strlen(line) != len)
			return wrong(ps, "a zero byte");
		if (!one_line(ps, line, names))
			return false;
		text += len + (text[len] == '\n');
	}
	ps->line = 0;
	return true;
}

static bool complete(struct parser *ps)
{
	struct scmi_platform *p = ps->p;

	if (!p->num_agents)
		return wrong(ps, "there is no agent");
	for (unsigned i = 0; i < p->num_clocks; i++) {
		struct scmi_clock *c = &p->clocks[i];

		if (!c->num_rates)
			return wrong(ps, "clock '%s' has no rates", c->name);
		if (!c->rate)
			c->rate = c->rates[0];
	}
	for (unsigned i = 0; i < p->num_sensors; i++) {
		struct scmi_sensor *s = &p->sensors[i];

		if (!s->num_intervals)
			s->intervals_ms[s->num_intervals++] = 100;
		if (s->high < s->low)
			s->high = s->low;
		if (s->wave == SCMI_WAVE_FOLLOWS && s->clock >= p->num_clocks)
			return wrong(ps, "sensor '%s' follows no clock", s->name);
		if (s->wave != SCMI_WAVE_STILL && s->wave != SCMI_WAVE_FOLLOWS && !s->period_ms)
			return wrong(ps, "sensor '%s' has no period-ms", s->name);
	}
	return true;
}

bool scmi_ini_parse(const char *text, struct scmi_platform *p, char *why, size_t size)
{
	struct parser ps = { .p = p, .why = why, .size = size };

	memset(p, 0, sizeof(*p));
	return all_lines(&ps, text, true) && all_lines(&ps, text, false) && complete(&ps);
}
