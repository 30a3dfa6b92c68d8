/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A QEMU without a guest, or another program that can be driven as one: its devices are driven from
 * outside over the qtest socket, and its RAM is a memory file that we share, so that rings are read and
 * written in place.
 *
 * QEMU is not trusted: it may assert, crash or hang. Every operation has a deadline; how QEMU ended,
 * with its last words, is in `death`.
 */
#ifndef HARNESS_TRANSPORT_QTEST_QTEST_H
#define HARNESS_TRANSPORT_QTEST_QTEST_H

#include <sys/types.h>

#include "harness/transport/access.h"
#include "harness/transport/host/clock.h"
#include "harness/transport/host/process.h"

enum qtest_arch {
	QTEST_X86_64,
	QTEST_AARCH64,
};

struct qtest_opts {
	const char *qemu;    /* program; NULL: qemu-system-ARCH in PATH */
	const char *machine; /* q35, microvm, virt */
	enum qtest_arch arch;
	const char *const *args; /* further arguments, NULL-terminated */
	/*
	 * Not QEMU, but whatever this shell command starts: it connects to {socket}, speaks the same
	 * protocol, and finds guest memory in the file {ram}. NULL: QEMU.
	 */
	const char *command;
	unsigned timeout_ms;
};

struct qtest {
	struct access access; /* first */
	const struct qtest_opts *opts;
	pid_t pid;  /* 0: not running */
	pid_t peer; /* behind the socket: not `pid` when a shell stands between */
	int sock;
	int ram_fd;
	u8 *ram;
	u64 ram_size, ram_gpa;
	char dir[64];
	long printed;	 /* of its log, in bytes: what was asked for before */
	char death[240]; /* "" = it did not end by itself */
	bool hung;	 /* a command was not answered in time */
	char input[4096];
	size_t have;
	struct host_pace pace;
	struct host_gone gone;
	struct process_busy busy;
};

/* 0, or -1 with one line in q->access.error. */
int qtest_start(struct qtest *q, const struct qtest_opts *o);
void qtest_stop(struct qtest *q);
/* Has it ended by itself? `death` then says how. */
bool qtest_died(struct qtest *q);
/*
 * What it printed since this was last called, line by line. Only the last QTEST_PRINTED lines: some
 * devices complain about each request.
 */
#define QTEST_PRINTED 8
void qtest_printed(struct qtest *q, void (*line)(void *arg, const char *text), void *arg);
/* What to call it in messages. */
const char *qtest_name(const struct qtest *q);
/* Guest RAM reads as zeroes again. */
void qtest_clear_ram(struct qtest *q);

#endif
