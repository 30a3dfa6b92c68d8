// SPDX-License-Identifier: BSD-3-Clause
/* The driver's half of an entropy device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/device/rng.h"

static u8 memory[4096];

static struct rng_req make(u32 len, unsigned parts)
{
	return (struct rng_req){ .buf = { memory, { 0x10000 }, len }, .parts = parts };
}

/* The pieces cover the buffer, in order, without gaps, and none is empty. */
static void test_pieces(void **state)
{
	for (u32 len = 1; len <= 70; len++) {
		for (unsigned parts = 0; parts <= RNG_PARTS + 1; parts++) {
			struct rng_req r = make(len, parts);
			struct vq_sg sg[RNG_PARTS];
			unsigned n = rng_prepare(&r, sg);
			u64 at = 0x10000;

			assert_in_range(n, 1, RNG_PARTS);
			for (unsigned i = 0; i < n; i++) {
				assert_int_equal(sg[i].addr.v, at);
				assert_int_not_equal(sg[i].len, 0);
				at += sg[i].len;
			}
			assert_int_equal(at, 0x10000 + len);
		}
	}
}

static void test_nothing(void **state)
{
	struct rng_req r = make(0, 1);
	struct vq_sg sg[RNG_PARTS];

	assert_int_equal(rng_prepare(&r, sg), 0);
	assert_int_equal(rng_untouched(&r), 0);
}

static void test_untouched(void **state)
{
	struct rng_req r = make(64, 1);
	struct vq_sg sg[RNG_PARTS];

	rng_prepare(&r, sg);
	assert_int_equal(rng_untouched(&r), 64);
	memory[0] = 1;
	assert_int_equal(rng_untouched(&r), 63);
	memory[63] = 1;
	assert_int_equal(rng_untouched(&r), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_untouched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
