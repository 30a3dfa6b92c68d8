// SPDX-License-Identifier: BSD-3-Clause
/* Bytes of a chain, in any pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ref-backends/virtqueue/seg.h"

/* Each way to cut eight bytes in three, a piece of which may be empty. */
#define LEN 8u
#define EACH_CUT(a, b)                                                                             \
	for (u32 a = 0; a <= LEN; a++)                                                             \
		for (u32 b = a; b <= LEN; b++)

static const u8 count[LEN + 2] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };

/* Pieces of bytes of its own, so that a sanitizer sees the end of each. */
static void cut(struct dvq_seg segs[3], u32 a, u32 b)
{
	const u32 lens[3] = { a, b - a, LEN - b };

	for (u32 i = 0, at = 0; i < 3; at += lens[i++]) {
		segs[i] = (struct dvq_seg){ malloc(lens[i]), lens[i] };
		memcpy(segs[i].base, count + at, lens[i]);
	}
}

static void join(struct dvq_seg segs[3], u8 *all)
{
	for (u32 i = 0; i < 3; all += segs[i++].len) {
		memcpy(all, segs[i].base, segs[i].len);
		free(segs[i].base);
	}
}

static void gathers(void **state)
{
	EACH_CUT(a, b)
	{
		for (u32 len = 0; len <= LEN + 2; len++) {
			u8 to[LEN + 2] = { 0 }, all[LEN];
			struct dvq_seg segs[3];

			cut(segs, a, b);
			assert_int_equal(dvq_gather(segs, 3, to, len), MIN(len, LEN));
			join(segs, all);
			assert_memory_equal(to, count, MIN(len, LEN));
			for (u32 i = MIN(len, LEN); i < sizeof(to); i++)
				assert_int_equal(to[i], 0);
			assert_memory_equal(all, count, LEN);
		}
	}
}

static void scatters(void **state)
{
	static const u8 from[LEN + 2] = { 101, 102, 103, 104, 105, 106, 107, 108, 109, 110 };

	EACH_CUT(a, b)
	{
		for (u32 skip = 0; skip <= LEN + 1; skip++) {
			const u32 room = LEN - MIN(skip, LEN);

			for (u32 len = 0; len <= LEN + 2; len++) {
				struct dvq_seg segs[3];
				u8 all[LEN];

				cut(segs, a, b);
				assert_int_equal(dvq_scatter(segs, 3, skip, from, len),
						 MIN(len, room));
				join(segs, all);
				for (u32 i = 0; i < LEN; i++)
					assert_int_equal(all[i], i >= skip && i - skip < len
									 ? from[i - skip]
									 : count[i]);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gathers),
		cmocka_unit_test(scatters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
