/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outside of a socket device as AF_UNIX sockets, in Firecracker's convention, which vhost-device-vsock and
 * others keep, too: port N of the host is PATH_N; who connects to PATH and says "CONNECT N" gets port N of the
 * guest, and is told "OK M".
 */
#ifndef HARNESS_TRANSPORT_HOST_PEER_UNIX_H
#define HARNESS_TRANSPORT_HOST_PEER_UNIX_H

#include <sys/un.h>

#include "harness/transport/peer.h"

#define PEER_CONNECTIONS 512
#define PEER_LISTENERS	 8

struct peer_unix {
	struct peer peer;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct {
		int fd; /* -1: none */
		u32 port;
	} listeners[PEER_LISTENERS];
	int fds[PEER_CONNECTIONS]; /* -1: none */
};

/* False: the path is too long. */
bool peer_unix_init(struct peer_unix *u, const char *path);

#endif
