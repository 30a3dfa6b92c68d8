// SPDX-License-Identifier: BSD-3-Clause
/* What LTTng writes of our provider, read without a library: only where each word of it is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/scratch.h"
#include "traces/stage/lttng.h"

#define ALIASES                                                                                    \
	"typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"                 \
	"typealias integer { size = 16; align = 8; signed = false; } := uint16_t;\n"               \
	"typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"               \
	"typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n"               \
	"typealias integer { size = 64; align = 8; signed = false; } := unsigned long;\n"          \
	"typealias integer { size = 5; align = 1; signed = false; } := uint5_t;\n"                 \
	"typealias integer { size = 27; align = 1; signed = false; } := uint27_t;\n\n"
#define TRACE                                                                                      \
	"trace {\n\tmajor = 1;\n\tminor = 8;\n\tuuid = \"5cb3-af\";\n\tbyte_order = le;\n"         \
	"\tpacket.header := struct {\n\t\tuint32_t magic;\n\t\tuint8_t  uuid[16];\n"               \
	"\t\tuint32_t stream_id;\n\t\tuint64_t stream_instance_id;\n\t};\n};\n\n"
#define ENV                                                                                        \
	"env {\n\tdomain = \"ust; or };\";\n\ttracer_major = 2;\n\tvpid = 4711;\n"                 \
	"\tprocname = \"vpid = 5;\";\n};\n\n"
#define CLOCK                                                                                          \
	"clock {\n\tname = \"monotonic\";\n\tuuid = \"3910\";\n\tdescription = \"Monotonic Clock\";\n" \
	"\tfreq = 1000000000; /* Frequency, in Hz */\n\t/* offset is: offset * (1/freq) */\n"          \
	"\toffset = 1796023401956301660;\n};\n\n"                                                      \
	"typealias integer {\n\tsize = 27; align = 1; signed = false;\n"                               \
	"\tmap = clock.monotonic.value;\n} := uint27_clock_monotonic_t;\n\n"                           \
	"typealias integer {\n\tsize = 32; align = 8; signed = false;\n"                               \
	"\tmap = clock.monotonic.value;\n} := uint32_clock_monotonic_t;\n\n"                           \
	"typealias integer {\n\tsize = 64; align = 8; signed = false;\n"                               \
	"\tmap = clock.monotonic.value;\n} := uint64_clock_monotonic_t;\n\n"
#define STRUCTS                                                                                    \
	"struct packet_context {\n\tuint64_clock_monotonic_t timestamp_begin;\n"                   \
	"\tuint64_clock_monotonic_t timestamp_end;\n\tuint64_t content_size;\n"                    \
	"\tuint64_t packet_size;\n\tuint64_t packet_seq_num;\n\tunsigned long events_discarded;\n" \
	"\tuint32_t cpu_id;\n};\n\n"                                                               \
	"struct event_header_compact {\n"                                                          \
	"\tenum : uint5_t { compact = 0 ... 30, extended = 31 } id;\n\tvariant <id> {\n"           \
	"\t\tstruct {\n\t\t\tuint27_clock_monotonic_t timestamp;\n\t\t} compact;\n"                \
	"\t\tstruct {\n\t\t\tuint32_t id;\n\t\t\tuint64_clock_monotonic_t timestamp;\n"            \
	"\t\t} extended;\n\t} v;\n} align(8);\n\n"                                                 \
	"struct event_header_large {\n"                                                            \
	"\tenum : uint16_t { compact = 0 ... 65534, extended = 65535 } id;\n\tvariant <id> {\n"    \
	"\t\tstruct {\n\t\t\tuint32_clock_monotonic_t timestamp;\n\t\t} compact;\n"                \
	"\t\tstruct {\n\t\t\tuint32_t id;\n\t\t\tuint64_clock_monotonic_t timestamp;\n"            \
	"\t\t} extended;\n\t} v;\n} align(8);\n\n"
#define EVENT(name, id)                                                                            \
	"event {\n\tname = \"ringside:" name "\";\n\tid = " id                                     \
	";\n\tstream_id = 0;\n\tloglevel = 13;\n\tfields := struct {\n"                            \
	"\t\tinteger { size = 64; align = 8; signed = 0; encoding = none; base = 10; } _seq;\n"    \
	"\t\tinteger { size = 32; align = 8; signed = 0; encoding = none; base = 10; } _len;\n"    \
	"\t\tinteger { size = 16; align = 8; signed = 0; encoding = none; base = 10; } _queue;\n"  \
	"\t\tinteger { size = 16; align = 8; signed = 0; encoding = none; base = 10; } _head;\n"   \
	"\t};\n};\n\n"
#define STREAM(header)                                                                             \
	"stream {\n\tid = 0;\n\tevent.header := struct event_header_" header                       \
	";\n\tpacket.context := struct packet_context;\n};\n\n"
#define WHOLE(header)                                                                              \
	"/* CTF 1.8 */\n\n" ALIASES TRACE ENV CLOCK STRUCTS EVENT("fetch", "0") EVENT("call", "3") \
		STREAM(header)

static char err[300];

static void the_words_are_known(void **state)
{
	struct lttng_layout l;

	assert_true(lttng_parse(WHOLE("large"), &l));
	assert_true(l.large);
	assert_int_equal(l.pid, 4711);
	assert_int_equal(l.kind[0], TRACE_FETCH);
	assert_int_equal(l.kind[1], LTTNG_NO_EVENT);
	assert_int_equal(l.kind[3], TRACE_CALL);
	assert_true(lttng_parse(WHOLE("compact"), &l));
	assert_false(l.large);
}

/* Any other word, anywhere, and it is for the library. A blank more or less is none. */
static void any_other_word_is_not(void **state)
{
	static char text[sizeof(WHOLE("large"))];
	struct lttng_layout l;
	unsigned other = 0;

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		const char was = WHOLE("large")[i];

		if (was < '!' || was > '~')
			continue;
		memcpy(text, WHOLE("large"), sizeof(text));
		text[i] = was == '9' ? '8' : (char)(was + 1);
		other += !lttng_parse(text, &l);
	}
	/* What may differ: texts in quotes, the environment, comments, ids and log levels. */
	assert_in_range(other, 2300, sizeof(text));
	for (size_t i = 0; i < sizeof(text); i++) {
		memcpy(text, WHOLE("large"), sizeof(text));
		text[i] = '\0';
		assert_true(i == sizeof(text) - 1 || i > sizeof(text) - 5 ||
			    !lttng_parse(text, &l));
	}
	assert_false(lttng_parse("/* CTF 1.8 */" ALIASES TRACE ENV CLOCK STRUCTS EVENT("other", "0")
					 STREAM("large"),
				 &l));
	assert_false(lttng_parse(WHOLE("large") STREAM("large"), &l));
}

/* --- streams ------------------------------------------------------------------------------------------------ */

static u8 data[4096];
static size_t used;

static void add(const void *p, size_t n)
{
	memcpy(data + used, p, n);
	used += n;
}

static void add_payload(u64 seq)
{
	const u32 len = 16;
	const u16 queue = 0, head = (u16)(seq % 7);

	add(&seq, 8);
	add(&len, 4);
	add(&queue, 2);
	add(&head, 2);
}

static void add_large(u16 id, u64 ns, u64 seq)
{
	const u32 low = (u32)ns;

	add(&id, 2);
	add(&low, 4);
	add_payload(seq);
}

static void add_large_whole(u32 id, u64 ns, u64 seq)
{
	const u16 extended = 0xffff;

	add(&extended, 2);
	add(&id, 4);
	add(&ns, 8);
	add_payload(seq);
}

static void add_compact(u32 id, u64 ns, u64 seq)
{
	const u32 both = id | (u32)(ns << 5);

	add(&both, 4);
	add_payload(seq);
}

static void begin_packet(void)
{
	memset(data, 0, sizeof(data));
	used = 84;
}

static void end_packet(const char *name, u64 begin, u64 discarded, size_t bytes)
{
	const u32 magic = 0xc1fc1fc1;
	const u64 content = used * 8, packet = bytes * 8;
	char path[128];
	FILE *f;

	memcpy(data, &magic, 4);
	memcpy(data + 32, &begin, 8);
	memcpy(data + 48, &content, 8);
	memcpy(data + 56, &packet, 8);
	memcpy(data + 72, &discarded, 8);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "ab");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, bytes, f), bytes);
	fclose(f);
}

static void metadata(const char *text)
{
	static u8 packet[16384];
	const u32 magic = 0x75d11d57, content = (u32)(37 + strlen(text)) * 8,
		  bits = sizeof(packet) * 8;
	char path[128];
	FILE *f;

	memset(packet, 0, sizeof(packet));
	memcpy(packet, &magic, 4);
	memcpy(packet + 24, &content, 4);
	memcpy(packet + 28, &bits, 4);
	memcpy(packet + 37, text, strlen(text));
	snprintf(path, sizeof(path), "%s/metadata", dir);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(packet, 1, sizeof(packet), f), sizeof(packet));
	fclose(f);
}

static struct {
	struct trace_event e;
	u64 ns;
	u32 session;
} seen[64];
static unsigned count;

static int on_event(void *arg, u32 session, const struct trace_event *e, u64 ns)
{
	assert_in_range(count, 0, ARRAY_SIZE(seen) - 1);
	seen[count].e = *e;
	seen[count].ns = ns;
	seen[count++].session = session;
	return arg ? -5 : 0;
}

static int read_it(struct ctf_result *r, void *arg)
{
	char *dirs[] = { dir };

	count = 0;
	*r = (struct ctf_result){ 0 };
	return lttng_read(dirs, 1, on_event, arg, r, err, sizeof(err));
}

/* Two streams by time; a counter that wraps, a whole time, a packet that is empty. */
static void events_come_back(void **state)
{
	struct ctf_result r;

	metadata(WHOLE("large"));
	begin_packet();
	add_large(0, 0x1fffffff0, 1);
	add_large(3, 0x200000010, 2); /* the lower half has begun anew */
	end_packet("requests_0", 0x1ffffff00, 0, 4096);
	begin_packet();
	end_packet("requests_0", 0x200000020, 0, 4096);
	begin_packet();
	add_large_whole(0, 0x900000000, 3);
	end_packet("requests_0", 0x200000030, 5, 4096);
	begin_packet();
	add_large(0, 0x200000000, 9);
	end_packet("requests_1", 0x1ffffff00, 2, 4096);
	assert_int_equal(read_it(&r, NULL), 0);
	assert_int_equal(count, 4);
	assert_int_equal(seen[0].ns, 0x1fffffff0);
	assert_int_equal(seen[1].ns, 0x200000000);
	assert_int_equal(seen[1].e.seq, 9);
	assert_int_equal(seen[2].ns, 0x200000010);
	assert_int_equal(seen[2].e.kind, TRACE_CALL);
	assert_int_equal(seen[2].e.head, 2);
	assert_int_equal(seen[3].ns, 0x900000000);
	assert_int_equal(seen[3].session, 4711);
	assert_int_equal(r.discarded, 7);
	assert_int_equal(r.torn, 0);
	/* It ends where whoever takes them wants it to. */
	assert_int_equal(read_it(&r, &r), -5);
	assert_int_equal(count, 1);
}

static void compact_headers(void **state)
{
	struct ctf_result r;

	metadata(WHOLE("compact"));
	begin_packet();
	add_compact(0, 0x7fffff0, 1);
	add_compact(3, 0x8000001, 1); /* 27 bits have begun anew */
	end_packet("requests_0", 0x7fffff0, 0, 256);
	assert_int_equal(read_it(&r, NULL), 0);
	assert_int_equal(count, 2);
	assert_int_equal(seen[1].ns, 0x8000001);
	assert_int_equal(seen[1].e.kind, TRACE_CALL);
}

/* Up to where it is not known what comes. */
static void what_is_damaged(void **state)
{
	struct ctf_result r;

	metadata(WHOLE("large"));
	begin_packet();
	add_large(0, 100, 1);
	add_large(1, 200, 1); /* there is no such event */
	add_large(0, 300, 2);
	end_packet("requests_0", 50, 0, 4096);
	begin_packet();
	add_large(0, 150, 5);
	used -= 3; /* not all there */
	end_packet("requests_1", 50, 0, 4096);
	begin_packet();
	memset(data, 0xff, sizeof(data));
	end_packet("requests_2", 50, 0, 83);
	assert_int_equal(read_it(&r, NULL), 0);
	assert_int_equal(count, 1);
	assert_int_equal(r.torn, 1);
	/* Not ours, or not LTTng's: for the library. */
	metadata("/* CTF 1.8 */ typealias");
	assert_int_equal(read_it(&r, NULL), 1);
	assert_int_equal(count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_words_are_known),
		cmocka_unit_test(any_other_word_is_not),
		cmocka_unit_test_setup_teardown(events_come_back, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(compact_headers, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(what_is_damaged, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
