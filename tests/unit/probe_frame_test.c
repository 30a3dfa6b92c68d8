// SPDX-License-Identifier: BSD-3-Clause
/* Frames of a guest's stream: whole ones come back, nothing else passes for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "harness/probe/wire/message.h"

static struct frame in, out;
static char line[FRAME_LINE_MAX];

static size_t make(u32 seq, u16 length)
{
	in = (struct frame){ .seq = seq, .kind = 7, .length = length };
	for (u16 i = 0; i < length; i++)
		in.payload[i] = (u8)(i * 37 + seq);
	return frame_encode(&in, line);
}

static void crc_is_the_usual_one(void **state)
{
	assert_int_equal(frame_crc32("123456789", 9), 0xcbf43926);
	assert_int_equal(frame_crc32("", 0), 0);
}

static void any_length_comes_back(void **state)
{
	for (u32 length = 0; length <= FRAME_PAYLOAD_MAX; length++) {
		const size_t n = make(length * 3, (u16)length);

		assert_in_range(n, 1, FRAME_LINE_MAX);
		assert_int_equal(line[n - 1], '\n');
		memset(&out, 0xff, sizeof(out));
		assert_int_equal(frame_decode(line, n - 1, &out), FRAME_OK);
		assert_int_equal(out.seq, in.seq);
		assert_int_equal(out.kind, in.kind);
		assert_int_equal(out.length, in.length);
		assert_memory_equal(out.payload, in.payload, length);
	}
}

static void text_around_it(void **state)
{
	char mixed[FRAME_LINE_MAX + 64] = "(d1) [    0.1] =rs1=cut ";
	const size_t before = strlen(mixed), n = make(5, 20) - 1;

	memcpy(mixed + before, line, n);
	mixed[before + n] = '\r';
	assert_int_equal(frame_decode(mixed, before + n, &out), FRAME_OK);
	assert_int_equal(frame_decode(mixed, before + n + 1, &out), FRAME_OK);
	assert_int_equal(frame_decode("SeaBIOS (version 1.16)", 22, &out), FRAME_NONE);
	assert_int_equal(frame_decode("", 0, &out), FRAME_NONE);
	assert_int_equal(frame_decode("=rs1=", 5, &out), FRAME_LENGTH);
}

/* Base64's last digit has bits that mean nothing: such a change is no change. */
static bool same_frame(void)
{
	return out.seq == in.seq && out.kind == in.kind && out.length == in.length &&
	       memcmp(out.payload, in.payload, in.length) == 0;
}

static void every_flipped_bit_is_noticed(void **state)
{
	const size_t n = make(9, 40) - 1;

	for (size_t i = 0; i < n; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			line[i] ^= (char)(1u << bit);
			if (frame_decode(line, n, &out) == FRAME_OK)
				assert_true(same_frame());
			line[i] ^= (char)(1u << bit);
		}
	}
}

static void every_cut_is_noticed(void **state)
{
	const size_t n = make(9, 41) - 1;

	for (size_t len = 0; len < n; len++)
		assert_int_not_equal(frame_decode(line, len, &out), FRAME_OK);
}

static void messages(void **state)
{
	struct wire_result m = { .index = 7,
				 .verdict = 4,
				 .duration_ns = 1ull << 40,
				 .clause = "some.clause",
				 .reason = "because",
				 .expected = "" },
			   back;
	static struct wire w;

	wire_write(&w, &in, WIRE_RESULT);
	assert_true(wire_result(&w, &m));
	wire_read(&w, &in);
	assert_true(wire_result(&w, &back));
	assert_int_equal(back.index, 7);
	assert_int_equal(back.verdict, 4);
	assert_int_equal(back.duration_ns, 1ull << 40);
	assert_string_equal(back.clause, "some.clause");
	assert_string_equal(back.reason, "because");
	assert_string_equal(back.expected, "");
	/* Cut anywhere it is no message. */
	for (u16 len = in.length; len-- > 0;) {
		in.length = len;
		wire_read(&w, &in);
		assert_false(wire_result(&w, &back));
	}
}

static void a_text_that_is_too_long_is_cut(void **state)
{
	static char text[2 * FRAME_PAYLOAD_MAX];
	struct wire_text m = { text };
	static struct wire w;

	memset(text, 'x', sizeof(text) - 1);
	wire_write(&w, &in, WIRE_NOTE);
	assert_true(wire_text(&w, &m));
	assert_int_equal(in.length, FRAME_PAYLOAD_MAX);
	wire_read(&w, &in);
	assert_true(wire_text(&w, &m));
	assert_int_equal(strlen(m.text), FRAME_PAYLOAD_MAX - 2);
}

static void lists_have_limits(void **state)
{
	static struct wire_hist hist = { .count = WIRE_HIST_MAX }, back;
	static struct wire w;

	for (u32 i = 0; i < WIRE_HIST_MAX; i++) {
		hist.bucket[i] = i;
		hist.value[i] = ~0ull - i;
	}
	wire_write(&w, &in, WIRE_HIST);
	assert_true(wire_hist(&w, &hist));
	wire_read(&w, &in);
	assert_true(wire_hist(&w, &back));
	assert_memory_equal(&hist, &back, sizeof(hist));
	in.payload[0] = WIRE_HIST_MAX + 1;
	wire_read(&w, &in);
	assert_false(wire_hist(&w, &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_is_the_usual_one),
		cmocka_unit_test(any_length_comes_back),
		cmocka_unit_test(text_around_it),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(every_cut_is_noticed),
		cmocka_unit_test(messages),
		cmocka_unit_test(a_text_that_is_too_long_is_cut),
		cmocka_unit_test(lists_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
