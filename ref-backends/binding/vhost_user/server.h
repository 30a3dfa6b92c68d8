/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How front-ends come to a back-end: one after the other over a listening socket, or a socket that was inherited.
 * While one is served the next waits in the backlog. Or the front-end listens, and the back-end comes to it.
 */
#ifndef REF_BACKENDS_BINDING_VHOST_USER_SERVER_H
#define REF_BACKENDS_BINDING_VHOST_USER_SERVER_H

#include "ref-backends/device/device.h"

struct vub_server {
	const char *socket_path; /* listen here, or … */
	bool client;		 /* … connect there, and again behind each session, or … */
	int fd;			 /* … use this: connected (one session) or listening */
	bool poll;		 /* rings are polled: no driver need notify, and no thread sleeps */
};

/*
 * Serve until SIGTERM, SIGINT or SIGHUP, or, with a connected descriptor, until its end. SIGUSR1:
 * see rdev_ops.resized. Returns the program's exit status, after a line on stderr if it is not 0.
 */
int vub_serve(const struct vub_server *srv, struct rdev *dev);

#endif
