/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * LTTng's session daemon, shared by every Ringside of one user.
 *
 * A traced process finds its session daemon at a fixed place (root: /var/run/lttng, any other user:
 * $LTTNG_HOME/.lttng, where LTTNG_HOME is HOME unless set), so there can be one at a time. When one
 * runs it is used. When none runs one is started without kernel tracing, and the last Ringside that
 * uses it ends it, by its process id, unless somebody else has made a session in it meanwhile.
 * Sessions that a killed Ringside left are removed by the next one.
 */
#ifndef TRACES_DAEMON_H
#define TRACES_DAEMON_H

#include "harness/spec/types.h"

/* How the sessions of all Ringsides are called; what comes behind tells them apart. */
#define TRACE_SESSION_PREFIX "ringside-"

struct trace_daemon {
	char dir[4096]; /* where the daemon has its sockets */
	int guard;	/* lock: one starts or ends at a time */
	int users;	/* lock: held shared while the daemon is in use */
};

/* 0, or -1 with one line in `err`. */
int trace_daemon_acquire(struct trace_daemon *d, char *err, size_t len);

/* Ends the daemon if Ringside started it and nobody else uses it. */
void trace_daemon_release(struct trace_daemon *d);

#endif
