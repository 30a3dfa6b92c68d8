// SPDX-License-Identifier: BSD-3-Clause
/* The histogram against the definition: quantiles of the sorted array of what was recorded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/bench/hist.h"

static struct hist a, b, both;

/* xorshift64*: the same values on every run. */
static u64 random_u64(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

/* Spread over all magnitudes up to 2^bits, as times are. */
static u64 random_time(u64 *state, unsigned bits)
{
	return random_u64(state) >> (64 - 1 - random_u64(state) % bits);
}

static int by_value(const void *x, const void *y)
{
	u64 p = *(const u64 *)x, q = *(const u64 *)y;

	return p < q ? -1 : p > q;
}

static void buckets_tile_the_range(void **state)
{
	u64 next = 0;

	for (u32 i = 0; i < HIST_BUCKETS; i++) {
		u64 lower = hist_lower(i), upper = hist_upper(i);

		assert_int_equal(lower, next);
		assert_true(upper >= lower);
		assert_int_equal(hist_index(lower), i);
		assert_int_equal(hist_index(upper), i);
		/* Three significant digits. */
		assert_true((upper - lower) * 1000 <= lower);
		next = upper + 1;
	}
	assert_int_equal(next - 1, HIST_MAX_NS);
	assert_true(HIST_MAX_NS > 60ull * 1000000000);
}

static void empty_answers_zero(void **state)
{
	u64 upper, count;
	u32 index = 0;

	hist_reset(&a);
	assert_int_equal(hist_min(&a), 0);
	assert_int_equal(hist_mean(&a), 0);
	assert_int_equal(hist_quantile(&a, 500000), 0);
	assert_false(hist_next(&a, &index, &upper, &count));
}

static void single_value_is_exact(void **state)
{
	hist_reset(&a);
	hist_record(&a, 123456789);
	assert_int_equal(hist_quantile(&a, 0), 123456789);
	assert_int_equal(hist_quantile(&a, 500000), 123456789);
	assert_int_equal(hist_quantile(&a, 1000000), 123456789);
	assert_int_equal(hist_min(&a), 123456789);
	assert_int_equal(hist_mean(&a), 123456789);
}

static void quantiles_match_sorted_values(void **state)
{
	static const u32 ppm[] = { 0, 1, 100000, 500000, 900000, 990000, 999000, 999900, 1000000 };
	static const size_t sizes[] = { 1, 2, 3, 10, 99, 100, 101, 1000, 100003 };
	u64 seed = 42;

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		size_t n = sizes[s];
		u64 *v = malloc(n * sizeof(*v));
		u64 sum = 0;

		assert_non_null(v);
		hist_reset(&a);
		for (size_t i = 0; i < n; i++) {
			v[i] = random_time(&seed, HIST_MAX_BITS);
			sum += v[i];
			hist_record(&a, v[i]);
		}
		qsort(v, n, sizeof(*v), by_value);
		for (size_t p = 0; p < ARRAY_SIZE(ppm); p++) {
			size_t rank = ((u64)n * ppm[p] + 999999) / 1000000;
			u64 exact = v[rank ? rank - 1 : 0];
			u64 want = MIN(hist_upper(hist_index(exact)), v[n - 1]);

			assert_int_equal(hist_quantile(&a, ppm[p]), want);
			assert_true(want >= exact && (want - exact) * 1000 <= exact);
		}
		assert_int_equal(a.count, n);
		assert_int_equal(hist_mean(&a), sum / n);
		assert_int_equal(hist_min(&a), v[0]);
		assert_int_equal(a.max, v[n - 1]);
		free(v);
	}
}

static void quantile_of_many_does_not_overflow(void **state)
{
	hist_reset(&a);
	a.count = a.bucket[10] = UINT64_MAX / 2;
	a.bucket[20] = UINT64_MAX / 2;
	a.count += UINT64_MAX / 2;
	a.min = 10;
	a.max = 20;
	assert_int_equal(hist_quantile(&a, 499999), 10);
	assert_int_equal(hist_quantile(&a, 500001), 20);
}

static void too_large_is_clamped_and_counted(void **state)
{
	hist_reset(&a);
	hist_record(&a, 5);
	hist_record(&a, HIST_MAX_NS);
	hist_record(&a, HIST_MAX_NS + 1);
	hist_record(&a, UINT64_MAX / 4);
	assert_int_equal(a.clamped, 2);
	assert_int_equal(a.bucket[HIST_BUCKETS - 1], 3);
	assert_int_equal(a.max, UINT64_MAX / 4);
	assert_int_equal(hist_quantile(&a, 1000000), UINT64_MAX / 4);
	assert_int_equal(hist_quantile(&a, 250000), 5);
}

static void merge_is_recording_into_one(void **state)
{
	u64 seed = 7;

	hist_reset(&a);
	hist_reset(&b);
	hist_reset(&both);
	for (int i = 0; i < 50000; i++) {
		u64 v = random_time(&seed, 38);

		hist_record(i % 3 ? &a : &b, v);
		hist_record(&both, v);
	}
	hist_merge(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));

	/* Merging an empty one changes nothing. */
	hist_reset(&b);
	hist_merge(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));
}

static void walk_sees_every_value_once(void **state)
{
	u64 seed = 3, upper, last = 0, count, total = 0;
	u32 index = 0;

	hist_reset(&a);
	for (int i = 0; i < 1000; i++)
		hist_record(&a, random_time(&seed, 30) + 1);
	while (hist_next(&a, &index, &upper, &count)) {
		assert_true(upper > last);
		assert_int_equal(a.bucket[hist_index(upper)], count);
		last = upper;
		total += count;
	}
	assert_int_equal(total, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_tile_the_range),
		cmocka_unit_test(empty_answers_zero),
		cmocka_unit_test(single_value_is_exact),
		cmocka_unit_test(quantiles_match_sorted_values),
		cmocka_unit_test(quantile_of_many_does_not_overflow),
		cmocka_unit_test(too_large_is_clamped_and_counted),
		cmocka_unit_test(merge_is_recording_into_one),
		cmocka_unit_test(walk_sees_every_value_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
