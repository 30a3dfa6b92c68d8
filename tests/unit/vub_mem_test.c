// SPDX-License-Identifier: BSD-3-Clause
/* The front-end's memory and the dirty log. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "ref-backends/binding/vhost_user/log.h"
#include "ref-backends/binding/vhost_user/mem.h"

static struct vub_mem m;
static int fd;

static int setup(void **state)
{
	fd = memfd_create("mem", 0);
	return ftruncate(fd, 1 << 20);
}

static int teardown(void **state)
{
	vub_mem_clear(&m);
	return close(fd);
}

static const char *add(u64 gpa, u64 size, u64 uva, u64 offset)
{
	struct vu_mem_region r = { .gpa = gpa, .size = size, .uva = uva, .mmap_offset = offset };

	return vub_mem_add(&m, &r, fd);
}

static bool remove_region(u64 gpa, u64 size, u64 uva)
{
	struct vu_mem_region r = { .gpa = gpa, .size = size, .uva = uva, .mmap_offset = 0xdead };

	return vub_mem_remove(&m, &r);
}

static void both_kinds_of_address_find_their_region(void **state)
{
	u64 len, gpa;
	u8 *p;

	/* Crossed over, so that a mix-up shows. */
	assert_null(add(0x20000, 0x1000, 0x50000, 0x3000));
	assert_null(add(0x10000, 0x1000, 0x90000, 0x1000));
	assert_null(add(0x11000, 0x1000, 0x20000, 0x8000));
	pwrite(fd, "A", 1, 0x1010);
	pwrite(fd, "B", 1, 0x3010);
	len = 1;
	assert_int_equal(*(u8 *)vub_mem_gpa(&m, 0x10010, &len), 'A');
	assert_int_equal(*(u8 *)vub_mem_gpa(&m, 0x20010, &len), 'B');
	assert_int_equal(*(u8 *)vub_mem_uva(&m, 0x90010, 1), 'A');
	assert_int_equal(*(u8 *)vub_mem_uva(&m, 0x50010, 1), 'B');
	/* Guest memory goes on in the next region, the mapping does not. */
	len = 0x20;
	p = vub_mem_gpa(&m, 0x10ff0, &len);
	assert_int_equal(len, 0x10);
	assert_true(vub_mem_gpa_of(&m, p, &gpa));
	assert_int_equal(gpa, 0x10ff0);
	assert_null(vub_mem_uva(&m, 0x90ff0, 0x11));
	assert_non_null(vub_mem_uva(&m, 0x90ff0, 0x10));
	assert_null(vub_mem_uva(&m, 0x8ffff, 2));
	assert_null(vub_mem_uva(&m, 0x90000, ~0ull));
	len = 1;
	assert_null(vub_mem_gpa(&m, 0xffff, &len));
	assert_null(vub_mem_gpa(&m, 0x12000, &len));
	assert_null(vub_mem_gpa(&m, 0x21000, &len));
	assert_null(vub_mem_gpa(&m, ~0ull, &len));
	assert_false(vub_mem_gpa_of(&m, &len, &gpa));
}

static void what_cannot_be_is_refused(void **state)
{
	assert_null(add(0x10000, 0x2000, 0x90000, 0));
	assert_non_null(add(0x40000, 0, 0x40000, 0));
	assert_non_null(add(~0ull, 2, 0x40000, 0));
	assert_non_null(add(0x40000, 2, ~0ull, 0));
	assert_non_null(add(0x11fff, 0x1000, 0x40000, 0));
	assert_non_null(add(0xf000, 0x1001, 0x40000, 0));
	assert_non_null(add(0x40000, 0x1000, 0x91000, 0));
	assert_non_null(add(0x40000, 1 << 20, 0x40000, 1));
	assert_non_null(add(0x40000, (1 << 20) + 1, 0x40000, 0));
	assert_non_null(add(0x40000, 0x1000, 0x40000, ~0ull - 0xfff));
	assert_int_equal(m.n, 1);
	/* The last byte of the address space is an address. */
	assert_null(add(~0xfffull, 0x1000, ~0xfffull, 0));
	assert_null(add(0x12000, 0x1000, 0x92000, 0xff000));
}

static void removal_needs_all_three(void **state)
{
	assert_null(add(0x10000, 0x1000, 0x90000, 0));
	assert_null(add(0x20000, 0x1000, 0xa0000, 0));
	assert_false(remove_region(0x10000, 0x1000, 0x90001));
	assert_false(remove_region(0x10000, 0x2000, 0x90000));
	assert_false(remove_region(0x11000, 0x1000, 0x90000));
	assert_true(remove_region(0x10000, 0x1000, 0x90000));
	assert_false(remove_region(0x10000, 0x1000, 0x90000));
	assert_non_null(vub_mem_uva(&m, 0xa0000, 1));
	assert_null(add(0x10000, 0x2000, 0x90000, 0));
}

static void every_slot_can_be_used(void **state)
{
	u64 len = 1;

	for (u64 i = 0; i < VUB_MEM_SLOTS; i++)
		assert_null(add((VUB_MEM_SLOTS - i) << 16, 0x1000, i << 16 | 1ull << 40, 0));
	assert_non_null(add(0x1000000000, 0x1000, 0x1000, 0));
	for (u64 i = 1; i <= VUB_MEM_SLOTS; i++)
		assert_non_null(vub_mem_gpa(&m, i << 16, &len));
	assert_true(remove_region(7 << 16, 0x1000, (VUB_MEM_SLOTS - 7) << 16 | 1ull << 40));
	assert_null(vub_mem_gpa(&m, 7 << 16, &len));
	assert_non_null(vub_mem_gpa(&m, 8 << 16, &len));
}

static void the_log_marks_what_was_written_and_nothing_else(void **state)
{
	static const struct {
		u64 gpa, len;
		u64 first, last; /* pages; first > last: none */
	} rows[] = {
		{ 0, 1, 0, 0 },		  { 0x7fff, 2, 7, 8 },
		{ 0x8000, 0x1000, 8, 8 }, { 0x8001, 0x10000, 8, 24 },
		{ 0x8000, 0, 1, 0 },	  { 0x1ff000, 0x1000, 511, 511 },
		{ 0x200000, 1, 1, 0 },	  { 0x1ff000, 0x5000, 511, 511 },
		{ ~0ull, 1, 1, 0 },
	};
	u8 *raw = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct vub_log log = { 0 };

	/* 64 bytes for 512 pages, at an offset that is not a page's. */
	assert_null(vub_log_set(&log, fd, 0x1040, 64));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(raw, 0, 0x3000);
		vub_log_mark(&log, rows[i].gpa, rows[i].len);
		for (u64 bit = 0; bit < 0x3000 * 8; bit++) {
			u64 page = bit - 0x1040 * 8;
			bool want =
				bit >= 0x1040 * 8 && page >= rows[i].first && page <= rows[i].last;

			assert_int_equal(raw[bit / 8] >> bit % 8 & 1, want);
		}
	}
	assert_non_null(vub_log_set(&log, fd, 0, 0));
	assert_non_null(vub_log_set(&log, fd, 0xfffff, 2));
	assert_non_null(vub_log_set(&log, fd, ~0ull, 2));
	vub_log_clear(&log);
	vub_log_mark(&log, 0, 1);
	munmap(raw, 1 << 20);
}

/* What can be said of a region of Xen's without Xen: what is refused, and that nothing is kept. */
static void xen_regions_that_make_no_sense_are_refused(void **state)
{
	static const struct {
		u64 gpa;
		u32 flags, domain;
	} bad[] = {
		{ 0x10000, VU_XEN_FOREIGN, 1 },			  /* a memory file is no privcmd */
		{ VU_XEN_GRANT_ADDR | 0x10000, VU_XEN_GRANT, 1 }, /* and no gntdev */
		{ 0x10000, VU_XEN_GRANT, 1 },
		{ 0x10000, VU_XEN_FOREIGN | VU_XEN_GRANT, 1 },
		{ 0x10000, VU_XEN_FOREIGN | VU_XEN_NO_ADVANCE, 1 },
		{ 0x10000, VU_XEN_NO_ADVANCE, 1 },
		{ 0x10000, 1u << 31, 1 },
		{ 0x10000, VU_XEN_FOREIGN, 0x7ff0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct vu_mem_region_xen r = {
			.region = { .gpa = bad[i].gpa, .size = 0x1000, .uva = 0x20000 },
			.flags = bad[i].flags,
			.domain = bad[i].domain,
		};

		assert_non_null(vub_mem_add_xen(&m, &r, fd));
		assert_int_equal(m.n, 0);
	}
}

static void a_xen_region_without_a_way_of_mapping_is_an_ordinary_one(void **state)
{
	const struct vu_mem_region_xen r = {
		.region = { .gpa = 0x10000, .size = 0x1000, .uva = 0x20000, .mmap_offset = 0x3000 },
		.domain = 7,
	};

	pwrite(fd, "X", 1, 0x3010);
	assert_null(vub_mem_add_xen(&m, &r, fd));
	assert_int_equal(*(u8 *)vub_mem_uva(&m, 0x20010, 1), 'X');
	assert_true(vub_mem_remove(&m, &r.region));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_kinds_of_address_find_their_region, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(removal_needs_all_three, setup, teardown),
		cmocka_unit_test_setup_teardown(every_slot_can_be_used, setup, teardown),
		cmocka_unit_test_setup_teardown(the_log_marks_what_was_written_and_nothing_else,
						setup, teardown),
		cmocka_unit_test_setup_teardown(xen_regions_that_make_no_sense_are_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_xen_region_without_a_way_of_mapping_is_an_ordinary_one, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
