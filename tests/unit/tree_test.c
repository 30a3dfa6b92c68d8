// SPDX-License-Identifier: BSD-3-Clause
/* The device tree that a guest is given, read again by the reader that the probe has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "harness/probe/fdt/fdt.h"
#include "ref-backends/binding/tree/tree.h"

static u8 blob[8192];

static const struct tree_opts opts = {
	.model = "a model",
	.words = "job=conform device=rng",
	.ram = { 0x40000000, 0x4400000 },
	.reserved = { 0x44000000, 0x400000 },
	.window = { 0x2000000, 0x1000 },
	.interrupt = 33,
	.gic_version = 3,
	.gic = { { 0x3001000, 0x10000 }, { 0x3020000, 0x1000000 } },
};

static void open_tree(struct fdt *t, const struct tree_opts *o)
{
	const size_t size = tree_build(blob, sizeof(blob), o);

	assert_true(size > 0 && size % 4 == 0);
	/* Not one byte more is needed. */
	assert_true(fdt_open(t, blob, size));
}

static void find(const struct fdt *t, const char *compatible, struct fdt_node *n)
{
	*n = (struct fdt_node){ 0 };
	while (fdt_next(t, n))
		if (fdt_compatible(t, n, compatible))
			return;
	fail_msg("nothing is %s", compatible);
}

static void named(const struct fdt *t, const char *name, struct fdt_node *n)
{
	*n = (struct fdt_node){ 0 };
	while (fdt_next(t, n))
		if (strcmp(n->name, name) == 0)
			return;
	fail_msg("there is no %s", name);
}

/* These ranges, and no more. */
static void assert_reg(const struct fdt *t, const struct fdt_node *n, unsigned count,
		       const struct tree_range *r)
{
	u64 addr, size;

	for (unsigned i = 0; i < count; i++) {
		assert_true(fdt_reg(t, n, i, &addr, &size));
		assert_int_equal(addr, r[i].base);
		assert_int_equal(size, r[i].size);
	}
	assert_false(fdt_reg(t, n, count, &addr, &size));
}

static void assert_cells(const struct fdt *t, const struct fdt_node *n, const char *name,
			 unsigned count, const u32 *v)
{
	struct fdt_prop p;

	assert_true(fdt_prop(t, n, name, &p));
	assert_int_equal(p.len, 4 * count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(fdt_cell(&p, i), v[i]);
}

static void test_what_a_guest_looks_for(void **state)
{
	struct fdt_node n;
	struct fdt t;

	open_tree(&t, &opts);
	named(&t, "", &n);
	assert_string_equal(fdt_text(&t, &n, "model"), "a model");
	named(&t, "chosen", &n);
	assert_string_equal(fdt_text(&t, &n, "bootargs"), "job=conform device=rng");
	named(&t, "memory@40000000", &n);
	assert_string_equal(fdt_text(&t, &n, "device_type"), "memory");
	assert_reg(&t, &n, 1, &opts.ram);
	/* Both names of the same thing. */
	find(&t, "arm,psci-0.2", &n);
	find(&t, "arm,psci-1.0", &n);
	assert_string_equal(fdt_text(&t, &n, "method"), "hvc");
	named(&t, "cpu@0", &n);
	assert_string_equal(fdt_text(&t, &n, "enable-method"), "psci");
	assert_cells(&t, &n, "reg", 1, (const u32[]){ 0 });
}

static void test_interrupts(void **state)
{
	struct fdt_node n;
	struct fdt_prop p;
	struct fdt t;

	open_tree(&t, &opts);
	find(&t, "arm,gic-v3", &n);
	assert_string_equal(n.name, "interrupt-controller@3001000");
	assert_reg(&t, &n, 2, opts.gic);
	assert_true(fdt_prop(&t, &n, "interrupt-controller", &p));
	assert_cells(&t, &n, "#interrupt-cells", 1, (const u32[]){ 3 });
	assert_cells(&t, &n, "phandle", 1, (const u32[]){ 1 });
	named(&t, "", &n);
	assert_cells(&t, &n, "interrupt-parent", 1, (const u32[]){ 1 });
	/* Private interrupts 29, 30 and 27, active low, of the first processor. */
	find(&t, "arm,armv8-timer", &n);
	assert_cells(&t, &n, "interrupts", 9,
		     (const u32[]){ 1, 13, 0x108, 1, 14, 0x108, 1, 11, 0x108 });
	/* A shared one: 33, an edge. */
	find(&t, "virtio,mmio", &n);
	assert_string_equal(n.name, "virtio@2000000");
	assert_reg(&t, &n, 1, &opts.window);
	assert_cells(&t, &n, "interrupts", 3, (const u32[]){ 0, 1, 1 });
}

static void test_the_older_controller(void **state)
{
	struct tree_opts o = opts;
	struct fdt_node n;
	struct fdt t;

	o.gic_version = 2;
	o.gic[0] = (struct tree_range){ 0x3001000, 0x1000 };
	o.gic[1] = (struct tree_range){ 0x3002000, 0x2000 };
	open_tree(&t, &o);
	find(&t, "arm,gic-400", &n);
	assert_reg(&t, &n, 2, o.gic);
}

static u64 be64(const u8 *p)
{
	u64 v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

/* The memory reservation block: pairs of address and size, ended by one of zeroes. */
static void test_memory_that_is_not_the_guests(void **state)
{
	struct tree_opts o = opts;
	u32 at;

	assert_true(tree_build(blob, sizeof(blob), &o) > 0);
	at = (u32)(be64(blob + 16) >> 32);
	assert_int_equal(at % 8, 0);
	assert_int_equal(be64(blob + at), 0x44000000);
	assert_int_equal(be64(blob + at + 8), 0x400000);
	assert_int_equal(be64(blob + at + 16), 0);
	assert_int_equal(be64(blob + at + 24), 0);
	o.reserved.size = 0;
	assert_true(tree_build(blob, sizeof(blob), &o) > 0);
	assert_int_equal(be64(blob + at), 0);
	assert_int_equal(be64(blob + at + 8), 0);
}

/* Each size that is too small is seen, and nothing is written behind it. */
static void test_too_little_room(void **state)
{
	const size_t size = tree_build(blob, sizeof(blob), &opts);

	assert_true(size > 0);
	for (size_t room = 0; room < size; room++) {
		u8 *out = malloc(room + 16);

		assert_non_null(out);
		memset(out, 0xa5, room + 16);
		assert_int_equal(tree_build(out, room, &opts), 0);
		for (unsigned i = 0; i < 16; i++)
			assert_int_equal(out[room + i], 0xa5);
		free(out);
	}
	assert_int_equal(tree_build(blob, size, &opts), size);
}

static void test_a_long_command_line(void **state)
{
	static char words[4096];
	struct tree_opts o = opts;
	struct fdt_node n;
	struct fdt t;

	memset(words, 'w', sizeof(words) - 1);
	o.words = words;
	open_tree(&t, &o);
	named(&t, "chosen", &n);
	assert_string_equal(fdt_text(&t, &n, "bootargs"), words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_guest_looks_for),
		cmocka_unit_test(test_interrupts),
		cmocka_unit_test(test_the_older_controller),
		cmocka_unit_test(test_memory_that_is_not_the_guests),
		cmocka_unit_test(test_too_little_room),
		cmocka_unit_test(test_a_long_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
