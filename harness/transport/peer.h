/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outside of a socket device, where the harness is at hand there, too: programs of the host's that
 * listen, connect, send and receive. Nothing waits; whoever does asks again.
 *
 * Freestanding; who fills the operations in is not.
 */
#ifndef HARNESS_TRANSPORT_PEER_H
#define HARNESS_TRANSPORT_PEER_H

#include "harness/spec/types.h"

#define PEER_NONE (-1) /* not yet, or not at all */
#define PEER_END  (-1) /* of what the other side sends, or of the connection */

struct peer {
	bool answers; /* who dials is told "OK M" and a line's end, before all else */
	/* Listen at a port of the host's, for streams or, with `packets`, for SOCK_SEQPACKET. False: it cannot. */
	bool (*listen)(struct peer *p, u32 port, bool packets);
	/* The next connection to that port: its number, or PEER_NONE. */
	int (*accept)(struct peer *p, u32 port);
	/* Connect, asking for a port of the guest's: its number, or PEER_NONE. */
	int (*dial)(struct peer *p, u32 port, bool packets);
	/* How many bytes were taken, of a packet all or none; 0: none now; PEER_END. */
	long (*send)(struct peer *p, int connection, const u8 *bytes, u32 len);
	/* How many there were, up to `room`; 0: none now; PEER_END. */
	long (*recv)(struct peer *p, int connection, u8 *bytes, u32 room);
	/* No more is sent. */
	void (*shut)(struct peer *p, int connection);
	void (*close)(struct peer *p, int connection);
	/* End all connections, listen no more. */
	void (*reset)(struct peer *p);
};

#endif
