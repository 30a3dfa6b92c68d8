/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outside of a socket device as sockets of the host's:
 *
 * - AF_UNIX, in Firecracker's convention, which vhost-device-vsock and others keep, too: port N of the host is
 *   PATH_N; who connects to PATH and says "CONNECT N" gets port N of the guest, and is told "OK M";
 * - AF_VSOCK, where the host's kernel has the device.
 */
#ifndef HARNESS_TRANSPORT_HOST_PEER_SOCKET_H
#define HARNESS_TRANSPORT_HOST_PEER_SOCKET_H

#include <sys/un.h>

#include "harness/transport/peer.h"

#define PEER_CONNECTIONS 512
#define PEER_LISTENERS	 8

struct peer_socket {
	struct peer peer;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": AF_VSOCK */
	u32 cid;						/* the guest's */
	struct {
		int fd; /* -1: none */
		u32 port;
	} listeners[PEER_LISTENERS];
	int fds[PEER_CONNECTIONS]; /* -1: none */
};

/* False: the path is too long. */
bool peer_unix_init(struct peer_socket *u, const char *path);
void peer_vsock_init(struct peer_socket *u, u32 cid);

#endif
