/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * qemu: targets. qemu:DEVICE[,PROP=VALUE…][?KEY=VALUE[&KEY=VALUE…]] with the keys machine, arch,
 * transport, qemu and (any number of times) arg.
 */
#ifndef HARNESS_RUN_QEMU_URI_H
#define HARNESS_RUN_QEMU_URI_H

#include "harness/transport/qtest/qtest.h"

#define QEMU_URI_ARGS 64

struct qemu_uri {
	struct qtest_opts qtest;
	bool pci;   /* else virtio-mmio */
	char *text; /* what the pointers point into */
	const char *args[QEMU_URI_ARGS];
	char image[80]; /* what {image} became; "" = it was not used */
};

/*
 * `spec` is what follows "qemu:"; {image} in an argument stands for `image`. 0, or -1 with one line in
 * `error`. qemu_uri_free() either way.
 */
int qemu_uri_parse(struct qemu_uri *u, const char *spec, const char *image, char *error,
		   size_t room);
void qemu_uri_free(struct qemu_uri *u);

#endif
