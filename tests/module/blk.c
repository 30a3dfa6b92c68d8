// SPDX-License-Identifier: BSD-3-Clause
/*
 * An example of a back-end that is a library: the reference block device, in memory. Its words: a size in MiB
 * (64), and the fault it is to have.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "harness/module/ringside-module.h"

#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/device/host/store.h"
#include "ref-backends/fault/fault.h"

struct backend {
	struct vub_session session;
	struct rblk blk;
	struct rblk_store *store;
	int tell; /* the session reads from the other end what would be signals of a program */
	int told;
};

static void close_backend(void *self)
{
	struct backend *b = self;

	if (b->session.dev)
		vub_session_close(&b->session);
	if (b->store)
		b->store->ops->close(b->store);
	if (b->tell >= 0)
		close(b->tell);
	if (b->told >= 0)
		close(b->told);
	free(b);
}

static void *open_backend(int argc, char *const argv[], char *error, size_t room)
{
	const unsigned long mib = argc > 0 ? strtoul(argv[0], NULL, 10) : 64;
	struct backend *b = calloc(1, sizeof(*b));
	int ends[2] = { -1, -1 };

	if (argc > 1)
		fault_active = fault_find(argv[1]);
	if (mib < 1 || mib > 1024 || (argc > 1 && !fault_active)) {
		snprintf(error, room, "words are MIB [FAULT]: '%s' is none", argv[argc > 1]);
		free(b);
		return NULL;
	}
	if (!b || pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
		snprintf(error, room, "%s", strerror(errno));
		free(b);
		return NULL;
	}
	b->told = ends[0];
	b->tell = ends[1];
	b->store = store_memory_open((u64)mib << 20);
	if (b->store) {
		rblk_init(&b->blk, b->store, 1, false, "module");
		if (vub_session_open(&b->session, &b->blk.dev, b->told, false) == 0)
			return b;
		b->session.dev = NULL;
	}
	snprintf(error, room, "out of memory");
	close_backend(b);
	return NULL;
}

static int session(void *self, int fd)
{
	struct backend *b = self;

	vub_session_run(&b->session, fd);
	return 0;
}

static void change(void *self)
{
	const struct signalfd_siginfo grown = { .ssi_signo = SIGUSR1 };
	struct backend *b = self;

	if (write(b->tell, &grown, sizeof(grown)) != sizeof(grown))
		fputs("module: the pipe is full\n", stderr);
}

__attribute__((visibility("default"))) const struct ringside_module *ringside_module(void)
{
	static const struct ringside_module module = {
		.abi = RINGSIDE_MODULE_ABI,
		.size = sizeof(module),
		.name = "example-blk 1.0",
		.device = "blk",
		.open = open_backend,
		.session = session,
		.change = change,
		.close = close_backend,
	};

	return &module;
}
