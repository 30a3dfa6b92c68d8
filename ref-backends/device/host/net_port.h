/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a network device can be attached to. Frames go in and come out as they are on a cable, unless
 * said otherwise; what a driver leaves to the device, checksums and segmentation, is done before.
 */
#ifndef REF_BACKENDS_DEVICE_HOST_NET_PORT_H
#define REF_BACKENDS_DEVICE_HOST_NET_PORT_H

#include "ref-backends/device/net.h"

/*
 * Each returns NULL after a line on stderr. Close with net_port_free().
 *
 * unix:   a datagram per frame; bound to `local`, sent to `remote`, which need not be there yet.
 * udp:    the same over UDP: HOST:PORT of both.
 * tap:    a TAP device of this name, made if it is not there; with partial checksums and GSO frames.
 * pcap:   what is sent is appended to `write`, what is in `read` is received once; either may be NULL.
 */
struct net_port *net_port_unix(const char *local, const char *remote);
struct net_port *net_port_udp(const char *local, const char *remote);
struct net_port *net_port_tap(const char *name);
struct net_port *net_port_pcap(const char *read, const char *write);

void net_port_free(struct net_port *p);

/* For the ports themselves: a frame in one piece, checksums done, cut if it has to be. */
struct net_whole {
	void (*emit)(void *arg, const u8 *frame, u32 len);
	void *arg;
	u8 in[VNET_FRAME_MAX], out[VNET_FRAME_MAX];
};

void net_whole_send(struct net_whole *w, const struct net_frame *f);

#endif
