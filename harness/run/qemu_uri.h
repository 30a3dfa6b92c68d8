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
	bool backend;	/* {socket} was used: something else stands behind the device */
};

/* What the words in braces stand for. */
struct qemu_uri_words {
	const char *image, *socket;
};

/*
 * `spec` is what follows "qemu:", with {image} and {socket} wherever they are wanted. 0, or -1 with one
 * line in `error`. qemu_uri_free() either way.
 */
int qemu_uri_parse(struct qemu_uri *u, const char *spec, const struct qemu_uri_words *words,
		   char *error, size_t room);
void qemu_uri_free(struct qemu_uri *u);

#endif
