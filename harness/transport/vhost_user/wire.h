/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages over a vhost-user socket: bytes and descriptors out, validated bytes and descriptors in,
 * never later than a deadline. Knows nothing of devices or rings.
 */
#ifndef HARNESS_TRANSPORT_VHOST_USER_WIRE_H
#define HARNESS_TRANSPORT_VHOST_USER_WIRE_H

#include "harness/spec/vu_msg.h"
#include "harness/spec/vu_proto.h"
#include "harness/transport/host/clock.h"
#include "harness/transport/transport.h"

/* A received message. The descriptors belong to whoever holds it: vu_reply_release(). */
struct vu_reply {
	struct vu_message msg;
	int fds[VU_MAX_FDS];
	unsigned nfds;
	unsigned surplus_fds; /* came with the message beyond VU_MAX_FDS, and were closed */
};

void vu_reply_release(struct vu_reply *r);

/* Connect to the listening socket at `path`: a descriptor, or -1 with errno set. */
int vu_wire_connect(const char *path, unsigned timeout_ms);
/* The next connection to a socket of ours, which does not block: the same. */
int vu_wire_accept(int listener, unsigned timeout_ms);

/*
 * Send `len` bytes with `nfds` descriptors attached to the first of them. TP_OK, TP_EGONE,
 * TP_ETIMEOUT (the peer does not read).
 */
int vu_wire_send(int sock, const void *bytes, size_t len, const int *fds, unsigned nfds,
		 u64 deadline_ns);

/*
 * Receive one whole message. TP_OK, TP_ETIMEOUT, TP_EGONE (closed, also in the middle of a message),
 * TP_EPROTO (a size nobody could mean; the stream is out of step afterwards).
 */
int vu_wire_recv(int sock, struct vu_reply *r, u64 deadline_ns);

/* Wait until one of the (up to 4) sockets is readable: its position, or -1 at the deadline. */
int vu_wire_poll(const int *socks, unsigned n, u64 deadline_ns);

/* Has the peer closed? Waits until the deadline; data that arrives instead is left unread. */
bool vu_wire_closed(int sock, u64 deadline_ns);

/* Milliseconds left until the deadline, rounded up, for poll(2). */
int vu_ms_left(u64 deadline_ns);

#endif
