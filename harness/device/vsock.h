/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a socket device (VIRTIO 1.4, 5.10): packets, and what a driver keeps of a connection to
 * know how much it may send, and whether the device keeps to that, too.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_VSOCK_H
#define HARNESS_DEVICE_VSOCK_H

#include "harness/spec/virtio14_vsock.h"

#define VSOCK_RXQ    0
#define VSOCK_TXQ    1
#define VSOCK_EVENTQ 2
#define VSOCK_HEADER 44u

/* A header in the host's byte order. */
struct vsock_head {
	u64 src_cid, dst_cid;
	u32 src_port, dst_port, len;
	u16 type, op;
	u32 flags, buf_alloc, fwd_cnt;
};

void vsock_write_head(u8 *to, const struct vsock_head *h);
void vsock_read_head(const u8 *from, struct vsock_head *h);
const char *vsock_op_name(u16 op);

/* A connection, as its driver sees it. */
struct vsock_conn {
	u32 port, host_port;
	u16 type;
	u32 buf_alloc;		      /* ours */
	u32 rx_cnt, fwd_cnt;	      /* received; of these, passed on */
	u32 tx_cnt;		      /* sent */
	u32 peer_buf_alloc, peer_fwd; /* as the device told last */
	u8 peer_shut;
	bool reset;
};

/* A packet of the connection's, with its account as it is now. */
struct vsock_head vsock_head_of(const struct vsock_conn *c, u64 cid, u16 op, u32 len);
/* How much the device takes. */
u32 vsock_free(const struct vsock_conn *c);

enum vsock_wrong {
	VSOCK_RIGHT,
	VSOCK_NO_BUFFER,     /* buf_alloc is 0 */
	VSOCK_COUNTS_UNSENT, /* fwd_cnt is more than was sent */
	VSOCK_COUNTS_BACK,   /* fwd_cnt is less than it was */
	VSOCK_OVERRUNS,	     /* more payload than there was room for */
};

/* A packet of the connection's came: what is wrong with it; it is taken into account all the same. */
enum vsock_wrong vsock_take(struct vsock_conn *c, const struct vsock_head *h);

#endif
