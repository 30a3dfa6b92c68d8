/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A back-end that is a library: what it exports so that ringside-module(1) can serve it.
 *
 * The library is loaded by `ringside module`, a process of its own, since a back-end that crashes is a
 * verdict and not the end of the run; it is called there without any socket of its own. One front-end is
 * served after the other, as a program would with --socket-path.
 *
 * This header needs nothing but the C library's types, and may be copied into a project.
 */
#ifndef RINGSIDE_MODULE_H
#define RINGSIDE_MODULE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The major version: a library of another one is refused. What is added to struct ringside_module stands at
 * its end, where `size` tells whether a library has it.
 */
#define RINGSIDE_MODULE_ABI 1u

#ifdef __cplusplus
extern "C" {
#endif

struct ringside_module {
	uint32_t abi;	  /* RINGSIDE_MODULE_ABI */
	uint32_t size;	  /* sizeof(struct ringside_module) */
	const char *name; /* what reports call it, with its version */
	const char *
		device; /* its type as `ringside conform --device` takes it: "blk", "net", "rng" … */

	/*
	 * Make the back-end of these words, which are the user's. Called once, before anything else. NULL with a
	 * line in `error` (of `room` bytes) when it cannot be made.
	 */
	void *(*open)(int argc, char *const argv[], char *error, size_t room);

	/*
	 * Serve one front-end over this connected stream socket, as the vhost-user protocol says, until it closes
	 * or is shut down. The descriptor is the library's to close. Called on a thread of its own, for one front-end
	 * at a time. 0, or -1 when the back-end cannot go on at all.
	 */
	int (*session)(void *self, int fd);

	/* Change the configuration of the device from the outside, on another thread. NULL: it never changes. */
	void (*change)(void *self);

	/* The end: no session runs any more. */
	void (*close)(void *self);
};

/* What the library exports. The structure lives as long as the library is loaded. */
const struct ringside_module *ringside_module(void);

#ifdef __cplusplus
}
#endif

#endif
