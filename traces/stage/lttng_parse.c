// SPDX-License-Identifier: BSD-3-Clause
/* Is a trace's metadata, word by word, what LTTng 2.13 writes of our provider on a little-endian 64 bit machine? */
#include <string.h>

#include "traces/stage/lttng.h"

#define FIELD(size, name)                                                                          \
	"integer { size = " size "; align = 8; signed = 0; encoding = none; base = 10; } _" name   \
	"; "
#define ALIAS(size, align, name)                                                                   \
	"typealias integer { size = " size "; align = " align "; signed = false; } := " name "; "
#define TIME(size, align)                                                                          \
	"typealias integer { size = " size "; align = " align                                      \
	"; signed = false; map = clock.monotonic.value; } := uint" size "_clock_monotonic_t; "
#define HEADER(name, id, last, extended, time)                                                     \
	"struct event_header_" name " { enum : " id " { compact = 0 ... " last                     \
	", extended = " extended " } id; variant <id> { struct { uint" time                        \
	"_clock_monotonic_t timestamp; } compact; struct { uint32_t id; "                          \
	"uint64_clock_monotonic_t timestamp; } extended; } v; } align(8); "
#define STREAM(name)                                                                               \
	"stream { id = 0; event.header := struct event_header_" name                               \
	"; packet.context := struct packet_context; }; "

/* A blank is as many as there are, comments among them; %s the rest of a text, %n a number. */
static const char begin[] = " " ALIAS("8", "8", "uint8_t") ALIAS("16", "8", "uint16_t") ALIAS(
	"32", "8", "uint32_t") ALIAS("64", "8", "uint64_t") ALIAS("64", "8",
								  "unsigned long") ALIAS("5", "1",
											 "uint5_t")
	ALIAS("27", "1",
	      "uint27_t") "trace { major = 1; minor = 8; uuid = \"%s\"; byte_order = le; packet.header := struct { "
			  "uint32_t magic; uint8_t uuid[16]; uint32_t stream_id; uint64_t stream_instance_id; }; }; env { ";

static const char behind_env[] =
	" clock { name = \"monotonic\"; uuid = \"%s\"; description = \"%s\"; freq = 1000000000; "
	"offset = %n; }; " TIME("27", "1") TIME("32", "8") TIME(
		"64",
		"8") "struct packet_context { uint64_clock_monotonic_t timestamp_begin; "
		     "uint64_clock_monotonic_t timestamp_end; uint64_t content_size; uint64_t packet_size; "
		     "uint64_t packet_seq_num; unsigned long events_discarded; uint32_t cpu_id; }; " HEADER(
			     "compact", "uint5_t", "30", "31", "27")
			     HEADER("large", "uint16_t", "65534", "65535", "32");

static const char event_end[] =
	"\"; id = %n; stream_id = 0; loglevel = %n; fields := struct { " FIELD("64", "seq")
		FIELD("32", "len") FIELD("16", "queue") FIELD("16", "head") "}; }; ";

static void skip_blanks(const char **p)
{
	for (;;) {
		*p += strspn(*p, " \t\n");
		if (strncmp(*p, "/*", 2) != 0)
			return;
		*p = strstr(*p, "*/");
		if (!*p) {
			*p = "";
			return;
		}
		*p += 2;
	}
}

static bool number(const char **p, u64 *v)
{
	const char *start = *p;

	*v = 0;
	while (**p >= '0' && **p <= '9')
		*v = *v * 10 + (u64)(*(*p)++ - '0');
	return *p != start;
}

/* Take what the pattern says off the text; the first number goes to *v. False: that is not what comes. */
static bool eat(const char **text, const char *pattern, u64 *v)
{
	const char *p = *text;
	u64 ignored, *to = v;

	for (; *pattern; pattern++) {
		if (*pattern == ' ') {
			skip_blanks(&p);
		} else if (strncmp(pattern, "%s", 2) == 0) {
			p += strcspn(p, "\"\n");
			pattern++;
		} else if (strncmp(pattern, "%n", 2) == 0) {
			if (!number(&p, to ? to : &ignored))
				return false;
			to = NULL;
			pattern++;
		} else if (*p++ != *pattern) {
			return false;
		}
	}
	*text = p;
	return true;
}

/* Whatever the environment says; of it only the process counts. */
static bool eat_env(const char **text, u32 *pid)
{
	while (!eat(text, " };", NULL)) {
		u64 v;

		skip_blanks(text);
		if (eat(text, "vpid = %n;", &v)) {
			*pid = (u32)v;
			continue;
		}
		/* NAME = "…"; or NAME = …; */
		*text += strcspn(*text, ";\"\n");
		if (**text == '"') {
			(*text)++;
			*text += strcspn(*text, "\"\n");
			if (!eat(text, "\"", NULL))
				return false;
		}
		if (!eat(text, ";", NULL))
			return false;
	}
	return true;
}

static bool eat_event(const char **text, struct lttng_layout *l)
{
	const char *name;
	char known[32];
	size_t len;
	u64 id;
	int kind;

	if (!eat(text, "event { name = \"", NULL))
		return false;
	name = *text;
	len = strcspn(name, "\"");
	if (len >= sizeof(known))
		return false;
	memcpy(known, name, len);
	known[len] = '\0';
	*text += len;
	kind = ctf_kind(known);
	if (kind < 0 || !eat(text, event_end, &id) || id >= LTTNG_EVENTS)
		return false;
	l->kind[id] = (u8)kind;
	return true;
}

bool lttng_parse(const char *text, struct lttng_layout *l)
{
	unsigned streams = 0;

	*l = (struct lttng_layout){ 0 };
	memset(l->kind, LTTNG_NO_EVENT, sizeof(l->kind));
	if (strncmp(text, "/* CTF 1.8 */", 13) != 0 || !eat(&text, begin, NULL) ||
	    !eat_env(&text, &l->pid) || !eat(&text, behind_env, NULL))
		return false;
	while (*text) {
		if (eat_event(&text, l))
			continue;
		l->large = eat(&text, STREAM("large"), NULL);
		if (!l->large && !eat(&text, STREAM("compact"), NULL))
			return false;
		/* Of a second one the events would be others. */
		if (streams++)
			return false;
	}
	return streams == 1;
}
