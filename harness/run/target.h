/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A target: what is under test, written as a URI, and the process behind it when Ringside is to
 * start it itself.
 */
#ifndef HARNESS_RUN_TARGET_H
#define HARNESS_RUN_TARGET_H

#include <sys/types.h>

#include "harness/run/kernel_uri.h"
#include "harness/run/qemu_uri.h"
#include "harness/spec/types.h"

enum target_kind {
	TARGET_VHOST_USER,
	TARGET_QEMU,
	TARGET_MACHINE, /* a program that is driven as a QEMU is */
	TARGET_VDPA,	/* of Linux: a whole device, */
	TARGET_VHOST,	/* and the data path of one */
};

struct target {
	char *uri;
	enum target_kind kind;
	struct qemu_uri qemu;	  /* of a qemu: or machine: target */
	struct kdev_where kernel; /* of a vdpa: or vhost: target */
	char socket[108]; /* vhost-user: where it listens; qemu: the back-end behind it does */
	int listener;	  /* vhost-user-listen: ours at `socket`, to which it connects; 0: none */
	char *command;	  /* to start that, with {socket}; NULL: somebody else did */
	char *trigger; /* to make it change its configuration, with {socket} and {pid}; NULL: none */
	char *uds_path; /* of a socket device, where its other side is, with {socket}; NULL: not known */
	unsigned start_ms; /* how long it may take until its socket accepts */
	/* It ends after a session, at least after one that went wrong: that is no death, and the next is with
	 * another one. */
	bool one_session;

	/* The supervised process. */
	pid_t pid;	   /* 0: not running */
	bool had_session;  /* with one_session: this process was connected to */
	unsigned restarts; /* starts after the first */
	char death[240];   /* how it ended when it was not asked to; "" = it did not */
	char dir[64];	   /* ours, for socket and log; "" = none */
	char log[100];	   /* what it prints */
};

/*
 * `uri`: "vhost-user:PATH", or "vhost-user:" with a command: then the socket is a private one; or
 * "vhost-user-listen:PATH", or without a path as above: Ringside listens there, and the back-end connects, for each
 * session anew; or
 * "qemu:DEVICE…" (qemu_uri.h), with a command where a back-end stands behind QEMU's device; or
 * "module:LIBRARY[,WORD…]", a back-end that is a library (harness/module); or
 * "machine:pci", "machine:mmio" with a command that connects to {socket} and finds guest memory in the
 * file {ram}; or
 * "vdpa:PATH", "vhost:PATH,…" of the kernel (kernel_uri.h), or "vdpa:" with a command that makes {socket} a
 * link to its device.
 * 0, or -1 with one line in `error`.
 */
int target_init(struct target *t, const char *uri, const char *command, char *error, size_t room);
void target_destroy(struct target *t);
/* Can several be started of it, side by side? Only where all of its sockets are ours to name. */
bool target_many(const struct target *t);
/* Another one like it, to be started and destroyed on its own. */
int target_another(struct target *t, const struct target *like, char *error, size_t room);

/* Start it and wait until it listens. 0, or -1 with one line in `error`. Nothing to do: 0. */
int target_start(struct target *t, char *error, size_t room);
/* SIGTERM, then SIGKILL, to its whole process group. */
void target_stop(struct target *t);
/* Has it ended by itself since it was started (supervised targets only)? `death` then says how. */
bool target_died(struct target *t);
/*
 * With one_session, before each connection: one that had its session is waited for until it has ended, or
 * takes another one, and if need be started again. 0, or -1 with one line in `error`; `death` says more when it ended as it should not.
 */
int target_renew(struct target *t, char *error, size_t room);
/*
 * As target_died() for one that may be about to end: when its socket does not accept any more it is waited
 * for, and after a second ended.
 */
bool target_lost(struct target *t);

/* Has somebody, QEMU for instance, a connection to its socket? */
bool target_connected(const struct target *t);

/* `command` with {socket} and {pid} filled in, to be freed; NULL without memory. */
char *target_expand(const struct target *t, const char *command, pid_t pid);

/* Run the configuration trigger. `pid` is the process behind the socket. 0 or -1. */
int target_trigger(struct target *t, pid_t pid);

#endif
