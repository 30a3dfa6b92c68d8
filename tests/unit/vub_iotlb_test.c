// SPDX-License-Identifier: BSD-3-Clause
/* The table of translations: bounded, sorted, and no more trusting than its memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ref-backends/binding/vhost_user/iotlb.h"

#define UVA   0x700000000000ull
#define PAGE  4096ull
#define PAGES 4096ull
#define ALL   (VU_IOTLB_READ | VU_IOTLB_WRITE)

static struct vub_iotlb table;
static struct vub_mem mem;

static int begin(void **state)
{
	memset(&table, 0, sizeof(table));
	memset(&mem, 0, sizeof(mem));
	mem.n = 1;
	/* Nothing is read or written there. */
	mem.regions[0] = (struct vub_region){
		.gpa = 0, .uva = UVA, .size = PAGES * PAGE, .map.at = (u8 *)0x10000000
	};
	return 0;
}

static const char *update(u64 iova, u64 size, u64 uva, u8 perm)
{
	return vub_iotlb_update(
		&table, &mem, &(struct vu_iotlb){ iova, size, uva, perm, VU_IOTLB_UPDATE, { 0 } });
}

static const char *invalidate(u64 iova, u64 size)
{
	return vub_iotlb_invalidate(
		&table, &(struct vu_iotlb){ iova, size, 0, 0, VU_IOTLB_INVALIDATE, { 0 } });
}

/* Where `iova` is, as an offset into the region; -1: absent, -2: denied. */
static long long find(u64 iova, u64 *len, u8 perm)
{
	void *hva = NULL;

	switch (vub_iotlb_find(&table, &mem, iova, len, perm, &hva)) {
	case VUB_IOTLB_HIT:
		return (u8 *)hva - mem.regions[0].map.at;
	case VUB_IOTLB_DENIED:
		return -2;
	default:
		return -1;
	}
}

static void finds_and_bounds(void **state)
{
	u64 len = 100;

	assert_null(update(0x10000, 2 * PAGE, UVA + PAGE, ALL));
	assert_int_equal(find(0x10010, &len, VU_IOTLB_WRITE), PAGE + 0x10);
	assert_int_equal(len, 100);
	/* To its end and no further. */
	len = ~0ull;
	assert_int_equal(find(0x11ff0, &len, VU_IOTLB_READ), 2 * PAGE + 0xff0);
	assert_int_equal(len, 16);
	assert_int_equal(find(0xffff, &len, VU_IOTLB_READ), -1);
	assert_int_equal(find(0x12000, &len, VU_IOTLB_READ), -1);
	/* Its memory is not there any more. */
	mem.n = 0;
	assert_int_equal(find(0x10010, &len, VU_IOTLB_READ), -1);
}

static void permissions(void **state)
{
	u64 len = 1;

	assert_null(update(0, PAGE, UVA, VU_IOTLB_READ));
	assert_null(update(PAGE, PAGE, UVA, VU_IOTLB_WRITE));
	assert_int_equal(find(0, &len, VU_IOTLB_READ), 0);
	assert_int_equal(find(0, &len, VU_IOTLB_WRITE), -2);
	assert_int_equal(find(PAGE, &len, VU_IOTLB_READ), -2);
	assert_int_equal(find(PAGE, &len, ALL), -2);
	assert_int_equal(find(PAGE, &len, VU_IOTLB_WRITE), 0);
}

static void refuses(void **state)
{
	assert_non_null(update(0, 0, UVA, ALL));
	assert_non_null(update(~0ull, 2, UVA, ALL));
	assert_non_null(update(0, PAGE, UVA, 0));
	assert_non_null(update(0, PAGE, UVA, 4));
	assert_non_null(update(0, PAGE, UVA - 1, ALL));
	assert_non_null(update(0, PAGES * PAGE + 1, UVA, ALL));
	assert_non_null(invalidate(0, 0));
	assert_int_equal(table.n, 0);
	/* The last byte of all. */
	assert_null(update(~0ull - PAGE + 1, PAGE, UVA, ALL));
	assert_int_equal(table.n, 1);
}

static void replaces_and_removes(void **state)
{
	u64 len = 1;

	for (u64 i = 0; i < 4; i++)
		assert_null(update(i * PAGE, PAGE, UVA + i * PAGE, ALL));
	/* Over two of them. */
	assert_null(update(PAGE + 1, PAGE, UVA, ALL));
	assert_int_equal(table.n, 3);
	assert_int_equal(find(PAGE, &len, VU_IOTLB_READ), -1);
	assert_int_equal(find(PAGE + 1, &len, VU_IOTLB_READ), 0);
	assert_int_equal(find(3 * PAGE, &len, VU_IOTLB_READ), 3 * PAGE);
	assert_null(invalidate(3 * PAGE + 5, 1));
	assert_int_equal(find(3 * PAGE, &len, VU_IOTLB_READ), -1);
	/* More than the address space is all of it. */
	assert_null(invalidate(1, ~0ull));
	assert_int_equal(table.n, 0);
}

static void is_bounded(void **state)
{
	u64 len = 1, last = 0;

	for (u64 i = 0; i < 3 * VUB_IOTLB_ENTRIES; i++) {
		/* Downwards and upwards. */
		const u64 at = (i % 2 ? 1u << 20 : (1u << 20) - i) + i;

		assert_null(update(at * PAGE * 2, PAGE, UVA + i % PAGES * PAGE, ALL));
		assert_int_equal(find(at * PAGE * 2, &len, VU_IOTLB_READ), i % PAGES * PAGE);
		assert_true(table.n <= VUB_IOTLB_ENTRIES);
	}
	for (u32 i = 0; i < table.n; i++) {
		assert_true(i == 0 || table.entries[i].iova > last);
		last = table.entries[i].last;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(finds_and_bounds, begin),
		cmocka_unit_test_setup(permissions, begin),
		cmocka_unit_test_setup(refuses, begin),
		cmocka_unit_test_setup(replaces_and_removes, begin),
		cmocka_unit_test_setup(is_bounded, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
