// SPDX-License-Identifier: BSD-3-Clause
/* qemu: targets: what a URI becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/run/qemu_uri.h"

static char error[200];

static int parse(struct qemu_uri *u, const char *spec)
{
	error[0] = '\0';
	const struct qemu_uri_words words = { .image = "/tmp/image", .socket = "/tmp/socket" };

	return qemu_uri_parse(u, spec, &words, error, sizeof(error));
}

/* Are these two arguments there, one behind the other? */
static bool has_pair(const struct qemu_uri *u, const char *first, const char *second)
{
	for (const char *const *a = u->args; a[0] && a[1]; a++)
		if (strcmp(a[0], first) == 0 && strcmp(a[1], second) == 0)
			return true;
	return false;
}

static void test_pci(void **state)
{
	struct qemu_uri u;

	assert_int_equal(parse(&u, "virtio-rng-pci,max-bytes=1"), 0);
	assert_true(u.pci);
	assert_string_equal(u.qtest.machine, "q35");
	assert_int_equal(u.qtest.arch, QTEST_X86_64);
	assert_true(has_pair(&u, "-device", "virtio-rng-pci,max-bytes=1"));
	assert_null(u.qtest.qemu);
	qemu_uri_free(&u);
}

static void test_mmio(void **state)
{
	struct qemu_uri u;

	assert_int_equal(parse(&u, "virtio-rng-device,max-bytes=1"), 0);
	assert_false(u.pci);
	assert_string_equal(u.qtest.machine, "microvm");
	assert_true(has_pair(&u, "-global", "virtio-mmio.force-legacy=off"));
	qemu_uri_free(&u);
	assert_int_equal(parse(&u, "virtio-rng-device?arch=aarch64"), 0);
	assert_string_equal(u.qtest.machine, "virt");
	assert_int_equal(u.qtest.arch, QTEST_AARCH64);
	qemu_uri_free(&u);
}

static void test_keys(void **state)
{
	struct qemu_uri u;

	assert_int_equal(parse(&u, "foo?transport=mmio&machine=pc&qemu=/opt/q&arg=-drive&"
				   "arg=if=none,file={image}"),
			 0);
	assert_false(u.pci);
	assert_string_equal(u.qtest.machine, "pc");
	assert_string_equal(u.qtest.qemu, "/opt/q");
	/* Only the first '=' belongs to the key. */
	assert_true(has_pair(&u, "-drive", "if=none,file=/tmp/image"));
	assert_string_equal(u.image, "/tmp/image");
	qemu_uri_free(&u);
}

static void test_back_end(void **state)
{
	struct qemu_uri u;

	assert_int_equal(parse(&u, "vhost-user-blk-pci,chardev=c?arg=-chardev&"
				   "arg=socket,id=c,path={socket}"),
			 0);
	assert_true(has_pair(&u, "-chardev", "socket,id=c,path=/tmp/socket"));
	assert_true(u.backend);
	qemu_uri_free(&u);
}

static void test_image_unused(void **state)
{
	struct qemu_uri u;

	assert_int_equal(parse(&u, "virtio-rng-pci"), 0);
	assert_string_equal(u.image, "");
	assert_false(u.backend);
	qemu_uri_free(&u);
}

static void test_wrong(void **state)
{
	static const char *const specs[] = {
		"",
		"?machine=q35",
		"virtio-rng-pci?arch=vax",
		"virtio-rng-pci?machine",
		"virtio-rng-pci?machine&arg=x",
		"virtio-rng-pci?colour=red",
		"virtio-rng-pci?transport=usb",
	};

	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		struct qemu_uri u;

		assert_int_equal(parse(&u, specs[i]), -1);
		assert_true(error[0]);
		qemu_uri_free(&u);
	}
}

static void test_too_many(void **state)
{
	char spec[1024] = "virtio-rng-pci?arg=0";
	struct qemu_uri u;

	for (unsigned i = 0; i < QEMU_URI_ARGS; i++)
		strcat(spec, "&arg=x");
	assert_int_equal(parse(&u, spec), -1);
	assert_non_null(strstr(error, "more arguments"));
	qemu_uri_free(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pci),	     cmocka_unit_test(test_mmio),
		cmocka_unit_test(test_keys),	     cmocka_unit_test(test_back_end),
		cmocka_unit_test(test_image_unused), cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
