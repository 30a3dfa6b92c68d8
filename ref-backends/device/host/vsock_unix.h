/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host's side of a socket device as AF_UNIX sockets, in Firecracker's convention. For a device of path P:
 *
 *   a driver's program connects to port N of the host: the program that listens on P_N is connected, by a socket
 *   of the type that was asked for;
 *   a program of the host's connects to P and says "CONNECT N\n": port N of the driver is. It is told
 *   "OK M\n", M being the port that it has there itself; or the connection ends.
 *
 * P is for streams. For SOCK_SEQPACKET, of which the convention knows nothing, P.seqpacket is there in the same
 * way: each of the two lines is a packet then.
 */
#ifndef REF_BACKENDS_DEVICE_HOST_VSOCK_UNIX_H
#define REF_BACKENDS_DEVICE_HOST_VSOCK_UNIX_H

#include "ref-backends/device/vsock.h"

/* Listens. NULL after a line on stderr; ends with ops->free(). `path` is kept. */
struct vsock_port *vsock_unix_open(const char *path);

#endif
