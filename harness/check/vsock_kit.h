/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the checks of the socket device share. Some need no more than the driver's side: what they send is to be
 * refused. The others have a peer on the host's side (harness/transport/peer.h), where there is one.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_VSOCK_KIT_H
#define HARNESS_CHECK_VSOCK_KIT_H

#include "harness/check/check.h"
#include "harness/device/vsock.h"
#include "harness/transport/peer.h"

#define VK_F(name)  BIT_ULL(VIRTIO_VSOCK_F_##name)
#define VK_ALL	    (VK_F(STREAM) | VK_F(SEQPACKET) | VK_F(NO_IMPLIED_STREAM))
#define VK_ROB(n)   "ROB.vsock." n
#define VK_ALIVE    "ROB.live.bad-request"
#define VK_RETURNED "ROB.chain.returned"
#define VK_STREAM   VIRTIO_VSOCK_TYPE_STREAM
#define VK_PACKETS  VIRTIO_VSOCK_TYPE_SEQPACKET

#define VK_BUFFERS   64u
#define VK_SIZE	     4096u /* of a receive buffer, header and all */
#define VK_SEND	     4096u /* bytes behind a header at most */
#define VK_UNSET     0xa5
#define VK_LISTENING 5201u /* a port of the host's at which the peer listens */
#define VK_LIVE	     5202u /* another */
#define VK_NOBODY    5999u /* and one at which nobody does */
#define VK_OURS	     7000u /* the first of the driver's */
#define VK_BUFFER    (64u << 10)

struct vk {
	u64 cid;
	u32 asked;    /* packets that are to be answered: vk_asks() */
	bool listens; /* the peer does, to them */
	struct tp_buf rx, tx, in;
};

struct vk_packet {
	struct vsock_head h;
	const u8 *data;
	u32 used;
};

/* Negotiate `want`, start the queues, with so many receive buffers, and read the configuration. */
bool vk_up(struct ck *c, struct vk *k, u64 want, unsigned buffers);
/* Give receive buffer `i` to the device. Not published. */
bool vk_post(struct ck *c, struct vk *k, unsigned i);

/* A packet with `have` bytes behind the header. Waits until it is returned: else the check could not run. */
bool vk_send(struct ck *c, struct vk *k, const struct vsock_head *h, const u8 *data, u32 have);
/* The same: 1 it was returned, 0 it was not, -1 it is over. */
int vk_try_send(struct ck *c, struct vk *k, const struct vsock_head *h, const u8 *data, u32 have);
/* One of a connection's, accounted for. */
bool vk_send_op(struct ck *c, struct vk *k, struct vsock_conn *n, u16 op, u32 flags, const u8 *data,
		u32 len);

/* The next packet: 1 there it is, 0 none, -1 it is over. vk_poll() does not wait. */
int vk_next(struct ck *c, struct vk *k, struct vk_packet *p);
int vk_poll(struct ck *c, struct vk *k, struct vk_packet *p);
/* The next of a connection that is none of CREDIT_UPDATE and CREDIT_REQUEST, which is answered. */
int vk_next_of(struct ck *c, struct vk *k, struct vsock_conn *n, struct vk_packet *p);

/* The peer listens at VK_LISTENING. */
bool vk_listen(struct ck *c, u16 type);
/* A connection to VK_LISTENING, and the peer's end of it; else the check could not run. */
bool vk_open(struct ck *c, struct vk *k, struct vsock_conn *n, u16 type, u32 port, int *peer);
/* The peer's end, waiting for it. PEER_NONE: none came. */
int vk_accept(struct ck *c);
/* The peer sends all, or receives all (how many came before its end, or the deadline). */
bool vk_peer_send(struct ck *c, int peer, const u8 *bytes, u32 len);
u32 vk_peer_recv(struct ck *c, int peer, u8 *bytes, u32 len);

/*
 * RST answers a packet that was just sent, or `clause` is broken: addresses swapped, type the same. `what` says
 * what it was.
 */
bool vk_must_refuse(struct ck *c, struct vk *k, const struct vsock_head *h, const char *clause,
		    const char *what);
/*
 * A request that any target answers: where the peer listens; without a peer, where nobody does. vk_answered()
 * waits for that, whatever else comes: 1 it came, 0 it did not, -1 it is over.
 */
struct vsock_head vk_asks(struct ck *c, struct vk *k);
int vk_answered(struct ck *c, struct vk *k, const struct vsock_head *h);
/* Such a one is answered, or `clause` is broken. */
bool vk_alive(struct ck *c, struct vk *k, const char *clause, const char *after);
/*
 * The same after a packet that is none; `back` is what vk_try_send() said. That it did not come back is broken
 * VK_RETURNED, which the check names, too.
 */
bool vk_survived(struct ck *c, struct vk *k, const char *clause, int back, const char *what);
/* The same before anything has been done: else the check does not apply. */
bool vk_ready(struct ck *c, struct vk *k);

/* REQUEST from a port of ours to one of the host's. */
struct vsock_head vk_request(const struct vk *k, u16 type, u32 port, u32 host_port);

#endif
