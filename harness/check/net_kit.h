/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the checks of the network device share. They see what they sent come back: the target is in
 * loop-back, or whoever it is attached to returns frames unchanged. Where none comes back a check that
 * needs that is skipped.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_NET_KIT_H
#define HARNESS_CHECK_NET_KIT_H

#include "harness/check/check.h"
#include "harness/device/net.h"

#define NK_F(name)   BIT_ULL(VIRTIO_NET_F_##name)
#define NK_RX_MAX    64
#define NK_COMMAND   512 /* bytes of a command's data */
#define NK_UNSET     0xa5
#define NK_RX_USUAL  2048
#define NK_GUEST_GSO (NK_F(GUEST_TSO4) | NK_F(GUEST_TSO6) | NK_F(GUEST_USO4) | NK_F(GUEST_USO6))

struct nk {
	u32 hdr; /* bytes of the header */
	unsigned pairs;
	unsigned control; /* queue */
	u32 rx_size;
	unsigned rx_count;   /* of each receive queue */
	struct tp_buf rx[2]; /* buffers of the receive queues */
	struct tp_buf tx;    /* header, then a frame */
	struct tp_buf ctl;
	struct tp_buf in; /* the frame received last, put together */
};

/* A frame that came. */
struct nk_frame {
	struct virtio_net_hdr_v1_hash hdr; /* in the host's byte order */
	const u8 *data;
	u32 len;
	unsigned buffers;
	unsigned pair;
	bool short_buffer; /* one that was not the last was not full */
	u32 used;	   /* of the first buffer */
};

/*
 * Negotiate `want`, start the queues of `pairs` pairs and, with CTRL_VQ, the control queue, with so many
 * receive buffers of so many bytes each.
 */
bool nk_up_with(struct ck *c, struct nk *k, u64 want, unsigned pairs, u32 rx_size,
		unsigned rx_count);

/* The usual: one pair; and a frame goes round, or the check is skipped. */
bool nk_up(struct ck *c, struct nk *k, u64 want);

/* Give buffer `i` of a pair to the device. Not published. */
bool nk_post(struct ck *c, struct nk *k, unsigned pair, unsigned i);

/* Where the next frame is built. */
static inline u8 *nk_out(struct nk *k)
{
	return k->tx.hva + NET_HDR_HASH;
}

/* Send `len` bytes of nk_out(), with this header (NULL: all zero). Waits until they are returned. */
bool nk_send_on(struct ck *c, struct nk *k, unsigned pair, const struct virtio_net_hdr_v1 *hdr,
		u32 len);
bool nk_send(struct ck *c, struct nk *k, const struct virtio_net_hdr_v1 *hdr, u32 len);
/* Build and send. */
bool nk_send_packet(struct ck *c, struct nk *k, const struct net_packet *t, struct net_layout *at);

/* A frame, waiting for it: 1 there it is, 0 none came, -1 something was recorded. */
int nk_receive(struct ck *c, struct nk *k, struct nk_frame *f);
/* It must be there: an error of the check if it is not. */
bool nk_expect(struct ck *c, struct nk *k, struct nk_frame *f);
/* Is it what nk_out() holds? */
bool nk_same(const struct nk *k, const struct nk_frame *f, u32 len);

/*
 * A frame that was sent before must not arrive: one that has to is sent behind it, and must be the next.
 * Says whether it was; else the other frame is in *f.
 */
bool nk_only_marker(struct ck *c, struct nk *k, struct nk_frame *f, bool *only);

/* A command: *ack is what the device answered (NK_UNSET: nothing). */
bool nk_command(struct ck *c, struct nk *k, u8 class, u8 cmd, const void *data, u32 len, u8 *ack);
/* That must be obeyed, else the check could not run. */
bool nk_obeyed(struct ck *c, struct nk *k, u8 class, u8 cmd, const void *data, u32 len);

#endif
