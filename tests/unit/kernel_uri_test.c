// SPDX-License-Identifier: BSD-3-Clause
/* Targets in the kernel: how they are written, and what is said when there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/run/kernel_uri.h"

static void as_they_are_written(void **state)
{
	struct kdev_where w;
	char error[200];

	assert_int_equal(vdpa_uri_parse(&w, "/dev/vhost-vdpa-0", error, sizeof(error)), 0);
	assert_string_equal(w.path, "/dev/vhost-vdpa-0");
	assert_int_equal(vhost_uri_parse(&w, "/dev/vhost-net,tap=loop0", error, sizeof(error)), 0);
	assert_string_equal(w.path, "/dev/vhost-net");
	assert_string_equal(w.tap, "loop0");
	assert_int_equal(
		vhost_uri_parse(&w, "/dev/vhost-vsock,cid=4294967294", error, sizeof(error)), 0);
	assert_string_equal(w.tap, "");
	assert_int_equal(w.cid, 4294967294u);
	assert_int_equal(vhost_uri_parse(&w, "/dev/vhost-scsi,wwpn=naa.5001405bd1b7b4a5", error,
					 sizeof(error)),
			 0);
	assert_string_equal(w.path, "/dev/vhost-scsi");
	assert_string_equal(w.wwpn, "naa.5001405bd1b7b4a5");
	assert_string_equal(w.tap, "");
}

static void complaints(void **state)
{
	static const char *const bad[] = {
		"",
		",tap=loop0",
		"/dev/vhost-net",
		"/dev/vhost-net,",
		"/dev/vhost-net,tap=",
		"/dev/vhost-net,tap=a-name-of-sixteen",
		"/dev/vhost-scsi,wwpn=",
		"/dev/vhost-scsi,wwpn=a-name-of-64-bytes-that-has-no-room-for-its-end-of-a-text-in-here",
		"/dev/vhost-vsock,cid=2",
		"/dev/vhost-vsock,cid=-4294967000",
		"/dev/vhost-vsock,cid=4294967295",
		"/dev/vhost-vsock,cid=3x",
		"/dev/vhost-vsock,cid=",
		"/dev/vhost-vsock,cid=99999999999999999999999",
	};
	char path[200], error[200];
	struct kdev_where w;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		error[0] = '\0';
		assert_int_equal(vhost_uri_parse(&w, bad[i], error, sizeof(error)), -1);
		assert_true(error[0]);
	}
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(vdpa_uri_parse(&w, path, error, sizeof(error)), -1);
	assert_int_equal(vdpa_uri_parse(&w, "", error, sizeof(error)), -1);
}

/* Who is not there is told, and leaves nothing behind; closing it once more does no harm. */
static void nobody_there(void **state)
{
	const struct kdev_where w = { .path = "/nonexistent/vhost", .cid = 3 };
	struct kdev k;

	vdpa_transport_init(&k, &w);
	assert_int_equal(k.tp.ops->open(&k.tp), TP_EGONE);
	assert_non_null(strstr(k.tp.error, "/nonexistent/vhost"));
	k.tp.ops->close(&k.tp);
	k.tp.ops->close(&k.tp);
	vhost_transport_init(&k, &w);
	assert_int_equal(k.tp.ops->open(&k.tp), TP_EGONE);
	k.tp.ops->close(&k.tp);
}

/* One that takes no ioctl of vhost is told, too. */
static void something_else_there(void **state)
{
	const struct kdev_where w = { .path = "/dev/null", .tap = "none" };
	struct kdev k;

	vdpa_transport_init(&k, &w);
	assert_int_equal(k.tp.ops->open(&k.tp), TP_EUNSUPPORTED);
	assert_non_null(strstr(k.tp.error, "VHOST_SET_OWNER"));
	k.tp.ops->close(&k.tp);
	vhost_transport_init(&k, &w);
	assert_int_equal(k.tp.ops->open(&k.tp), TP_EUNSUPPORTED);
	k.tp.ops->close(&k.tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_they_are_written),
		cmocka_unit_test(complaints),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(something_else_there),
	};

	return cmocka_run_group_tests_name("kernel_uri", tests, NULL, NULL);
}
