// SPDX-License-Identifier: BSD-3-Clause
#include "harness/probe/job/job.h"

#include <string.h>

#include "harness/probe/job/number.h"
#include "harness/run/core/core.h"
#include "harness/run/core/devices.h"
#include "harness/run/core/text.h"
#include "harness/spec/virtio14.h"

/* "500ms", "2s", "100us"; a bare number is seconds, as ringside(1) has it. */
static bool duration_ns(const char *s, u64 *ns)
{
	static const struct {
		const char *unit;
		u64 ns;
	} units[] = { { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 }, { "", 1000000000 } };
	char number[24];
	size_t n = 0;
	u64 v;

	while (s[n] >= '0' && s[n] <= '9' && n + 1 < sizeof(number)) {
		number[n] = s[n];
		n++;
	}
	number[n] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (!text_same(s + n, units[i].unit))
			continue;
		if (!guest_number(number, &v) || v > 86400ull * 1000000000 / units[i].ns)
			return false;
		*ns = v * units[i].ns;
		return true;
	}
	return false;
}

static bool duration_ms(const char *s, unsigned *ms)
{
	u64 ns;

	if (!duration_ns(s, &ns))
		return false;
	*ms = (unsigned)(ns / 1000000);
	return *ms > 0;
}

static bool number_in(const char *s, u64 min, u64 max, u64 *v)
{
	return guest_number(s, v) && *v >= min && *v <= max;
}

static bool number32(const char *s, u64 min, u64 max, u32 *v)
{
	u64 n;

	if (!number_in(s, min, max, &n))
		return false;
	*v = (u32)n;
	return true;
}

static bool choice(const char *s, const char *yes, const char *no, bool *v)
{
	*v = text_same(s, yes);
	return *v || text_same(s, no);
}

/* "00:02.0": bus 0 only. */
static bool parse_function(const char *s, u8 *devfn)
{
	char slot[5] = "0x";
	u64 v;

	if (strlen(s) != 7 || strncmp(s, "00:", 3) != 0 || s[5] != '.' || s[6] < '0' || s[6] > '7')
		return false;
	slot[2] = s[3];
	slot[3] = s[4];
	if (!guest_number(slot, &v) || v > 31)
		return false;
	*devfn = (u8)(v << 3 | (unsigned)(s[6] - '0'));
	return true;
}

/* TYPE, TYPE@TRANSPORT, TYPE@pci:00:02.0, TYPE@mmio:0xfeb00e00; TYPE may be empty. */
static bool parse_device(struct job *j, char *s)
{
	char *at = strchr(s, '@'), *where;

	if (at)
		*at++ = '\0';
	j->device = *s ? runner_device_id(s) : 0;
	if (*s && !j->device)
		return false;
	j->transport = NULL;
	j->pinned = false;
	if (!at)
		return true;
	where = strchr(at, ':');
	if (where)
		*where++ = '\0';
	j->transport = at;
	j->pinned = where != NULL;
	if (text_same(at, "pci"))
		return !where || parse_function(where, &j->devfn);
	return text_same(at, "mmio") && (!where || guest_number(where, &j->window));
}

static bool parse_op(const char *s, u32 *type)
{
	if (text_same(s, "read"))
		*type = VIRTIO_BLK_T_IN;
	else if (text_same(s, "write"))
		*type = VIRTIO_BLK_T_OUT;
	else if (text_same(s, "flush"))
		*type = VIRTIO_BLK_T_FLUSH;
	else if (text_same(s, "fill"))
		*type = LOAD_FILL;
	else
		return false;
	return true;
}

enum key {
	KEY_JOB,
	KEY_CHANNEL,
	KEY_EXIT,
	KEY_COUNTER_HZ,
	KEY_RESTART,
	KEY_RESUME,
	KEY_MSI,
	KEY_ECAM,
	KEY_BARS,
	KEY_DEVICE,
	KEY_CHECK,
	KEY_CLAUSE,
	KEY_RING,
	KEY_TIMEOUT,
	KEY_QUIET,
	KEY_REST,
	KEY_CHANGES,
	KEY_OP,
	KEY_BLOCK_SIZE,
	KEY_DEPTH,
	KEY_PATTERN,
	KEY_RATE,
	KEY_WAIT,
	KEY_RING_SIZE,
	KEY_EVENT_IDX,
	KEY_INDIRECT,
	KEY_IN_ORDER,
	KEY_NOTIFICATION_DATA,
	KEY_BATCH,
	KEY_DURATION,
	KEY_REQUESTS,
	KEY_WARMUP,
	KEY_RAW,
	KEY_TRACE,
	KEY_NOTIFIED,
	KEY_MARK,
	KEY_SAMPLES,
	KEY_USER,
	KEY_EVENT,
	KEY_INJECT,
	KEY_LINE,
	KEYS
};

static const char *const keys[KEYS] = {
	[KEY_JOB] = "job",
	[KEY_CHANNEL] = "channel",
	[KEY_EXIT] = "exit",
	[KEY_COUNTER_HZ] = "counter-hz",
	[KEY_RESTART] = "restart",
	[KEY_RESUME] = "resume",
	[KEY_MSI] = "msi",
	[KEY_ECAM] = "ecam",
	[KEY_BARS] = "bars",
	[KEY_DEVICE] = "device",
	[KEY_CHECK] = "check",
	[KEY_CLAUSE] = "clause",
	[KEY_RING] = "ring",
	[KEY_TIMEOUT] = "timeout",
	[KEY_QUIET] = "quiet",
	[KEY_REST] = "rest",
	[KEY_CHANGES] = "changes",
	[KEY_OP] = "op",
	[KEY_BLOCK_SIZE] = "block-size",
	[KEY_DEPTH] = "queue-depth",
	[KEY_PATTERN] = "pattern",
	[KEY_RATE] = "rate",
	[KEY_WAIT] = "wait",
	[KEY_RING_SIZE] = "ring-size",
	[KEY_EVENT_IDX] = "event-idx",
	[KEY_INDIRECT] = "indirect",
	[KEY_IN_ORDER] = "in-order",
	[KEY_NOTIFICATION_DATA] = "notification-data",
	[KEY_BATCH] = "batch",
	[KEY_DURATION] = "duration",
	[KEY_REQUESTS] = "requests",
	[KEY_WARMUP] = "warmup",
	[KEY_RAW] = "raw",
	[KEY_TRACE] = "trace",
	[KEY_NOTIFIED] = "notified",
	[KEY_MARK] = "mark",
	[KEY_SAMPLES] = "samples",
	[KEY_USER] = "user",
	[KEY_EVENT] = "event",
	[KEY_INJECT] = "inject",
	[KEY_LINE] = "line",
};

/* What loaders and other people's habits put onto a kernel's command line. */
static bool foreign(const char *key)
{
	static const char *const theirs[] = { "BOOT_IMAGE", "console", "earlycon", "panic",
					      "pci",	    "reboot",  "root" };

	for (size_t i = 0; i < ARRAY_SIZE(theirs); i++)
		if (text_same(theirs[i], key))
			return true;
	return false;
}

/* What stands before the first job= is of all jobs; what follows one is of that one. */
static bool begin_job(struct jobs *jobs, const struct job *common, const char *what)
{
	struct job *j = &jobs->job[jobs->count];

	if (jobs->count == JOBS_MAX)
		return false;
	*j = *common;
	if (text_same(what, "conform"))
		j->kind = WIRE_JOB_CONFORM;
	else if (text_same(what, "bench"))
		j->kind = WIRE_JOB_BENCH;
	else if (text_same(what, "list"))
		j->kind = WIRE_JOB_LIST;
	else if (text_same(what, "calibrate"))
		j->kind = WIRE_JOB_CALIBRATE;
	else
		return false;
	jobs->count++;
	return true;
}

static bool take_calibrate(struct calibrate_job *c, enum key key, const char *value)
{
	switch (key) {
	case KEY_SAMPLES:
		return number32(value, 1, CALIBRATE_SAMPLES, &c->samples);
	case KEY_USER:
		return guest_number(value, &c->user);
	case KEY_EVENT:
		return guest_number(value, &c->event);
	case KEY_INJECT:
		return guest_number(value, &c->inject);
	default:
		return number32(value, 0, 1023, &c->line);
	}
}

static bool take_bench(struct bench_job *b, enum key key, const char *value)
{
	switch (key) {
	case KEY_OP:
		return parse_op(value, &b->type);
	case KEY_BLOCK_SIZE:
		return number32(value, 512, 1 << 20, &b->block_size) &&
		       b->block_size % VIRTIO_BLK_SECTOR == 0;
	case KEY_DEPTH:
		return number32(value, 1, LOAD_DEPTH_MAX, &b->depth);
	case KEY_PATTERN:
		return choice(value, "sequential", "random", &b->sequential);
	case KEY_RATE:
		return number_in(value, 1, 100000000, &b->rate);
	case KEY_WAIT:
		return choice(value, "poll", "event", &b->poll);
	case KEY_RING_SIZE:
		/* Whether it fits the layout is known when that is. */
		return number32(value, 1, VIRTIO_QUEUE_SIZE_MAX, &b->ring_size);
	case KEY_EVENT_IDX:
		return choice(value, "on", "off", &b->event_idx);
	case KEY_INDIRECT:
		return choice(value, "on", "off", &b->indirect);
	case KEY_IN_ORDER:
		return choice(value, "on", "off", &b->in_order);
	case KEY_NOTIFICATION_DATA:
		return choice(value, "on", "off", &b->notification_data);
	case KEY_BATCH:
		return number32(value, 1, LOAD_DEPTH_MAX, &b->batch);
	case KEY_DURATION:
		b->requests = 0;
		return duration_ns(value, &b->duration_ns) && b->duration_ns > 0;
	case KEY_REQUESTS:
		return number_in(value, 1, 1ull << 40, &b->requests);
	case KEY_WARMUP:
		return duration_ns(value, &b->warmup_ns);
	case KEY_RAW:
		return number32(value, 0, 1 << 16, &b->raw);
	case KEY_TRACE:
		return number32(value, 0, 1 << 16, &b->trace);
	case KEY_NOTIFIED:
		return choice(value, "on", "off", &b->notified);
	case KEY_MARK:
		return guest_number(value, &b->mark);
	default:
		return false;
	}
}

/* JOB:CHECK, both from 0, as the boot before has said. */
static bool parse_resume(struct jobs *jobs, char *s)
{
	char *colon = strchr(s, ':');

	if (!colon)
		return false;
	*colon = '\0';
	jobs->resume = true;
	return number32(s, 0, JOBS_MAX - 1, &jobs->resume_job) &&
	       number32(colon + 1, 0, 65535, &jobs->resume_check);
}

static bool take(struct jobs *jobs, struct job *common, enum key key, char *value)
{
	struct job *j = jobs->count ? &jobs->job[jobs->count - 1] : common;

	switch (key) {
	case KEY_JOB:
		return begin_job(jobs, common, value);
	case KEY_CHANNEL:
		jobs->channel = value;
		return true;
	case KEY_EXIT:
		jobs->exit = value;
		return true;
	case KEY_COUNTER_HZ:
		return number_in(value, 1000, 1ull << 40, &jobs->counter_hz);
	case KEY_RESTART:
		return choice(value, "on", "off", &jobs->restart);
	case KEY_RESUME:
		return parse_resume(jobs, value);
	case KEY_MSI:
		return choice(value, "irq", "memory", &jobs->msi);
	case KEY_ECAM:
		return guest_number(value, &jobs->ecam);
	case KEY_BARS:
		return guest_number(value, &jobs->bar_base);
	case KEY_DEVICE:
		return parse_device(j, value);
	case KEY_CHECK:
		j->check_glob = value;
		return true;
	case KEY_CLAUSE:
		j->clause_glob = value;
		return true;
	case KEY_RING:
		return core_parse_ring(value, &j->ring);
	case KEY_TIMEOUT:
		return duration_ms(value, &j->timeout_ms);
	case KEY_QUIET:
		return duration_ms(value, &j->quiet_ms);
	case KEY_REST:
		return duration_ns(value, &j->rest_ns);
	case KEY_CHANGES:
		return choice(value, "on", "off", &j->changes);
	case KEY_SAMPLES:
	case KEY_USER:
	case KEY_EVENT:
	case KEY_INJECT:
	case KEY_LINE:
		return take_calibrate(&j->calibrate, key, value);
	default:
		return take_bench(&j->bench, key, value);
	}
}

/* The next word, ended in place; NULL at the end. */
static char *next_word(char **text)
{
	char *word;

	while (**text && strchr(" \t\r\n", **text))
		(*text)++;
	if (!**text)
		return NULL;
	word = *text;
	*text += strcspn(*text, " \t\r\n");
	if (**text)
		*(*text)++ = '\0';
	return word;
}

bool job_parse(struct jobs *jobs, char *text, char *error, size_t room)
{
	struct job common = {
		.bench = { .type = VIRTIO_BLK_T_IN,
			   .block_size = 4096,
			   .depth = 1,
			   .poll = true,
			   .event_idx = true,
			   .duration_ns = 2000000000,
			   .warmup_ns = 200000000 },
		.calibrate = { .samples = 200 },
	};
	bool good = true;
	char *word;

	memset(jobs, 0, sizeof(*jobs));
	jobs->msi = true;
	while ((word = next_word(&text))) {
		char *value = strchr(word, '=');
		unsigned key = 0;

		/* A kernel's words are not ours: virtio_mmio.device=…, paths, bare words. */
		if (!value || strcspn(word, "./") < (size_t)(value - word))
			continue;
		*value++ = '\0';
		while (key < KEYS && !text_same(keys[key], word))
			key++;
		if (foreign(word) || (key < KEYS && take(jobs, &common, (enum key)key, value)))
			continue;
		if (good)
			text_format(error, room,
				    key < KEYS ? "%s=%s: no such value" : "%s=%s: no such key",
				    word, value);
		good = false;
	}
	if (good && !jobs->count) {
		text_copy(error, room, "no job=conform, job=bench or job=list on the command line");
		good = false;
	}
	return good;
}
