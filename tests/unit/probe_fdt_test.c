// SPDX-License-Identifier: BSD-3-Clause
/* The reader of device trees, on a small one and on what is left when it is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "harness/probe/fdt/fdt.h"

/* A tree is put together here: structure from 64 on, strings from 1024 on. */
#define STRUCT	64u
#define STRINGS 1024u
#define SIZE	1536u

static u8 blob[SIZE];
static u32 at, strings_at;

static void put32(u32 where, u32 v)
{
	blob[where] = (u8)(v >> 24);
	blob[where + 1] = (u8)(v >> 16);
	blob[where + 2] = (u8)(v >> 8);
	blob[where + 3] = (u8)v;
}

static void cell(u32 v)
{
	put32(at, v);
	at += 4;
}

static void begin(const char *name)
{
	cell(1);
	strcpy((char *)blob + at, name);
	at = (u32)ALIGN_UP(at + strlen(name) + 1, 4);
}

static void prop(const char *name, const void *value, u32 len)
{
	cell(3);
	cell(len);
	cell(strings_at - STRINGS);
	strcpy((char *)blob + strings_at, name);
	strings_at += (u32)strlen(name) + 1;
	if (len)
		memcpy(blob + at, value, len);
	at = (u32)ALIGN_UP(at + len, 4);
}

static void cells(const char *name, unsigned n, const u32 *v)
{
	u8 raw[64];

	for (unsigned i = 0; i < n; i++) {
		raw[4 * i] = (u8)(v[i] >> 24);
		raw[4 * i + 1] = (u8)(v[i] >> 16);
		raw[4 * i + 2] = (u8)(v[i] >> 8);
		raw[4 * i + 3] = (u8)v[i];
	}
	prop(name, raw, 4 * n);
}

#define CELLS(name, ...)                                                                           \
	cells(name, sizeof((u32[]){ __VA_ARGS__ }) / 4, (const u32[]){ __VA_ARGS__ })

static void make(void)
{
	memset(blob, 0, sizeof(blob));
	at = STRUCT;
	strings_at = STRINGS;
	begin("");
	CELLS("#address-cells", 2);
	CELLS("#size-cells", 2);
	prop("model", "toy,machine", 12);
	cell(4); /* nothing */
	begin("memory@40000000");
	CELLS("reg", 0, 0x40000000, 0, 0x8000000, 1, 0, 0, 0x1000);
	cell(2);
	begin("soc");
	CELLS("#address-cells", 1);
	CELLS("#size-cells", 0);
	begin("uart@9000000");
	prop("compatible", "toy,uart\0arm,pl011", 19);
	CELLS("reg", 0x9000000);
	cell(2);
	cell(2);
	begin("last");
	cell(2);
	cell(2);
	cell(9);
	put32(0, 0xd00dfeed);
	put32(4, SIZE);
	put32(8, STRUCT);
	put32(12, STRINGS);
	put32(20, 17);
	put32(32, SIZE - STRINGS);
	put32(36, at - STRUCT);
}

static void walk(void **state)
{
	struct fdt_node n = { 0 };
	struct fdt t;
	u64 addr, size;

	make();
	assert_true(fdt_open(&t, blob, sizeof(blob)));
	assert_true(fdt_next(&t, &n));
	assert_string_equal(n.name, "");
	assert_string_equal(fdt_text(&t, &n, "model"), "toy,machine");
	assert_null(fdt_text(&t, &n, "#size-cells"));
	assert_false(fdt_reg(&t, &n, 0, &addr, &size));
	assert_true(fdt_next(&t, &n));
	assert_string_equal(n.name, "memory@40000000");
	assert_int_equal(n.depth, 1);
	assert_true(fdt_reg(&t, &n, 1, &addr, &size));
	assert_int_equal(addr, 1ull << 32);
	assert_int_equal(size, 0x1000);
	assert_true(fdt_reg(&t, &n, 0, &addr, &size));
	assert_int_equal(addr, 0x40000000);
	assert_int_equal(size, 0x8000000);
	assert_false(fdt_reg(&t, &n, 2, &addr, &size));
	assert_true(fdt_next(&t, &n));
	assert_string_equal(n.name, "soc");
	assert_true(fdt_next(&t, &n));
	assert_int_equal(n.depth, 2);
	assert_true(fdt_compatible(&t, &n, "arm,pl011"));
	assert_true(fdt_compatible(&t, &n, "toy,uart"));
	assert_false(fdt_compatible(&t, &n, "arm,pl01"));
	assert_true(fdt_reg(&t, &n, 0, &addr, &size));
	assert_int_equal(addr, 0x9000000);
	assert_int_equal(size, 0);
	assert_true(fdt_next(&t, &n));
	assert_string_equal(n.name, "last");
	assert_int_equal(n.depth, 1);
	assert_false(fdt_next(&t, &n));
}

static void what_is_no_tree(void **state)
{
	struct fdt t;

	make();
	assert_false(fdt_open(&t, NULL, 0));
	assert_false(fdt_open(&t, blob, 39));
	assert_false(fdt_open(&t, blob, SIZE - 1));
	put32(0, 0xd00dfeee);
	assert_false(fdt_open(&t, blob, sizeof(blob)));
	make();
	put32(8, SIZE);
	assert_false(fdt_open(&t, blob, sizeof(blob)));
	make();
	put32(36, 0xffffffff);
	assert_false(fdt_open(&t, blob, sizeof(blob)));
}

/* With any one word wrong the walk ends, and stays in the blob (which ASan watches). */
static void damaged(void **state)
{
	static const u32 wrong[] = { 0, 1, 2, 3, 9, 0x7fffffff, 0xfffffff0, 0xffffffff };

	for (u32 word = 0; word < SIZE; word += 4) {
		for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
			struct fdt_node n = { 0 };
			unsigned nodes = 0;
			u8 *copy;
			struct fdt t;
			u64 addr, size;

			make();
			put32(word, wrong[i]);
			copy = malloc(SIZE);
			memcpy(copy, blob, SIZE);
			if (fdt_open(&t, copy, SIZE))
				while (fdt_next(&t, &n) && nodes++ < SIZE)
					fdt_reg(&t, &n, 0, &addr, &size);
			assert_true(nodes < SIZE);
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walk),
		cmocka_unit_test(what_is_no_tree),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
