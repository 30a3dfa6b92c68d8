/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Network device (VIRTIO 1.4, 5.1): the device's half.
 *
 * Queues: receive 2i and transmit 2i + 1 of pair i, then the control queue; which number that has
 * depends on whether the driver takes multiqueue (5.1.2). What is sent goes to the port, which is what
 * the device is attached to; what comes from there is handed in with net_deliver(), filtered, steered,
 * fitted to what the driver accepts, and waits in a queue's fifo until there are buffers for it.
 *
 * All queues belong to one thread, save config() and resized(). Freestanding.
 */
#ifndef REF_BACKENDS_DEVICE_NET_H
#define REF_BACKENDS_DEVICE_NET_H

#include "ref-backends/device/device.h"
#include "ref-backends/device/net_fifo.h"

#define NET_PAIRS_MAX	  16
#define NET_MTU		  1500
#define NET_MTU_MIN	  68
#define NET_FIFO_BYTES	  (4u << 20) /* per pair */
#define NET_BURST	  32	     /* what drivers that poll send and look for at once */
#define NET_MERGE_MAX	  60	     /* buffers that one frame may take */
#define NET_TABLE_MAX	  64	     /* entries of each MAC table */
#define NET_RSS_TABLE_MAX 128
#define NET_RSS_KEY_MAX	  40
#define NET_FLOWS	  256  /* remembered for automatic steering */
#define NET_HASH_TYPES	  0x3f /* IPv4, TCPv4, UDPv4, IPv6, TCPv6, UDPv6 */
#define NET_SPEED	  10000

/* What a driver can take, and GUEST_OFFLOADS_SET can switch. */
#define NET_GUEST_OFFLOADS                                                                         \
	(BIT_ULL(VIRTIO_NET_F_GUEST_CSUM) | BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) |                     \
	 BIT_ULL(VIRTIO_NET_F_GUEST_TSO6) | BIT_ULL(VIRTIO_NET_F_GUEST_ECN) |                      \
	 BIT_ULL(VIRTIO_NET_F_GUEST_USO4) | BIT_ULL(VIRTIO_NET_F_GUEST_USO6))

/* A frame on its way, header and all; nothing in it is trusted. */
struct net_frame {
	const struct dvq_seg *segs; /* the frame begins `skip` bytes into the first */
	u32 nsegs;
	u32 skip;
	u32 len;
	u16 pair; /* it was sent on; 0 when it comes from outside */
	u8 flags; /* VIRTIO_NET_HDR_F_*: NEEDS_CSUM, or 0 */
	u8 gso_type;
	u16 gso_size, csum_start, csum_offset;
};

struct net_port;

struct net_port_ops {
	const char *name;
	/* Take a frame that the driver has sent; its memory is the driver's again after flush(). */
	void (*send)(struct net_port *p, const struct net_frame *f);
	/* The frames handed over are about to be returned to the driver. May be NULL. */
	void (*flush)(struct net_port *p);
	/* Look for frames for the driver and deliver them; does not wait. May be NULL. */
	void (*poll)(struct net_port *p);
	/* The device's first queue is opened, its last closed. May be NULL. */
	int (*open)(struct net_port *p, struct reactor *reactor);
	void (*close)(struct net_port *p);
	/* For who made it: it is not needed any more. May be NULL. */
	void (*free)(struct net_port *p);
};

struct rnet;

struct net_port {
	const struct net_port_ops *ops;
	struct rnet *net;
	bool offloads; /* takes partial checksums and GSO frames as they are */
};

struct net_rx {
	struct net_fifo fifo;
	/* Buffers taken for a frame that needs more of them. */
	struct rdev_req *held[NET_MERGE_MAX];
	u32 nheld;
	u64 room;
	struct net_held *last;	    /* in the fifo; while that is not empty */
	u64 csum_needed, csum_none; /* frames received, by what was left of their checksums */
};

/* When the driver wants to be notified at the latest (5.1.9.6.9). Here it is notified earlier. */
struct net_coal {
	u32 packets, usecs;
};

/* What the control queue sets; all of it is gone with a reset. */
struct net_control {
	u8 mode[6]; /* of VIRTIO_NET_CTRL_RX, by command */
	u8 unicast[NET_TABLE_MAX][6], multicast[NET_TABLE_MAX][6];
	u32 n_unicast, n_multicast;
	bool all_unicast, all_multicast; /* more than the tables hold */
	u8 vlans[4096 / 8];
	u16 pairs;	/* in use */
	u64 offloads;	/* VIRTIO_NET_F_GUEST_* in force */
	u32 hash_types; /* 0: no hash is calculated */
	u32 tunnels;	/* VNET_TUNNEL_*: of these the hash is that of what is inside */
	bool rss;	/* steering is by hash */
	u16 rss_mask, rss_unclassified;
	u16 rss_table[NET_RSS_TABLE_MAX];
	u8 rss_key[NET_RSS_KEY_MAX];
	struct net_coal coal[2];		    /* receive, transmit */
	struct net_coal vq_coal[2 * NET_PAIRS_MAX]; /* per queue */
};

struct rnet {
	struct rdev dev;
	struct net_port *port;
	u16 pairs;    /* that there are */
	u16 open;     /* queues */
	u64 offered;  /* without those of rings and transport */
	u64 features; /* negotiated */
	u32 hdr_size;
	u16 mtu;
	u8 mac[6];   /* that it was made with */
	u64 mac_now; /* as the driver has set it: net_mac_pack(); atomic */
	u16 status;  /* atomic */
	struct net_control ctl;
	u8 flows[NET_FLOWS]; /* pair that a flow was last sent on */
	struct net_rx rx[NET_PAIRS_MAX];
	u64 tx_csum_needed[NET_PAIRS_MAX], tx_csum_none[NET_PAIRS_MAX]; /* … and sent */
	u64 commands, commands_ok;
	u8 *scratch; /* VNET_FRAME_MAX, for what has to lie in one piece */
	struct {
		u64 sent, refused, delivered, filtered, dropped;
	} count;
};

struct net_opts {
	struct net_port *port;
	u16 pairs;
	u16 mtu;    /* 0: NET_MTU */
	u8 mac[6];  /* all zero: a fixed one */
	u64 hidden; /* features not to offer */
};

/* Memory that rnet_init() wants, aligned to 64 bytes. */
size_t rnet_memory(const struct net_opts *o);
void rnet_init(struct rnet *n, const struct net_opts *o, void *memory);

/* A frame from outside, or from the device itself, for the driver. */
void net_deliver(struct rnet *n, const struct net_frame *f);

static inline struct rnet *rnet_of(struct rdev *dev)
{
	return (struct rnet *)dev;
}

static inline bool net_has(const struct rnet *n, unsigned bit)
{
	return n->features & BIT_ULL(bit);
}

static inline u16 net_control_queue(const struct rnet *n)
{
	return net_has(n, VIRTIO_NET_F_MQ) || net_has(n, VIRTIO_NET_F_RSS) ? 2 * n->pairs : 2;
}

/* An address as one number, so that it is never seen half written. */
static inline u64 net_mac_pack(const u8 mac[6])
{
	u64 v = 0;

	for (int i = 0; i < 6; i++)
		v = v << 8 | mac[i];
	return v;
}

/* Copy out of a frame; `at + len` is within it. */
void net_frame_copy(const struct net_frame *f, u32 at, void *to, u32 len);
/* The whole frame in one piece: where it lies, or copied to `scratch`. */
const u8 *net_frame_flat(const struct net_frame *f, u8 *scratch);

/* --- parts of the device ------------------------------------------------------------------------ */

void net_tx_serve(struct rnet *n, struct rdev_req *req);
void net_rx_serve(struct rnet *n, struct rdev_req *req);
/*
 * Receive segment coalescing: a segment of TCP that follows the one that came last, which waits in the fifo, becomes
 * a part of it. False: it is a frame of its own. And what is left to do when it is taken out of there.
 */
bool net_rsc_join(struct rnet *n, struct net_rx *rx, const struct net_frame *f);
void net_rsc_finish(struct net_held *h);
/* Let go of the buffers that wait for more. */
void net_rx_let_go(struct rnet *n, u16 pair);
void net_ctrl_serve(struct rnet *n, struct rdev_req *req);
void net_ctrl_reset(struct rnet *n);

/* A command's data, read from front to back, and what it answers beside OK or ERR. */
struct net_command_data {
	struct net_frame f;
	u32 at;
};

struct net_command_result {
	u8 bytes[1024];
	u32 len;
};

bool net_command_take(struct net_command_data *d, void *to, u32 len);
bool net_stats_query(struct rnet *n, u8 cmd, struct net_command_data *d,
		     struct net_command_result *r);
bool net_stats_get(struct rnet *n, u8 cmd, struct net_command_data *d,
		   struct net_command_result *r);
void net_stats_reset(struct rnet *n);
/* Types, as bits: those that there are with the features negotiated, and those that are of a queue, there or not. */
u64 net_stats_supported(const struct rnet *n);
u64 net_stats_of(const struct rnet *n, u16 queue);
/* How many numbers a reply has. */
u32 net_stats_values(u8 type);

/* Filters of 5.1.9.5: does the driver want this frame? `head` holds its first bytes. */
bool net_wanted(const struct rnet *n, const u8 *head, u32 len);

#endif
