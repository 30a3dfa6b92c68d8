/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The judge watches the other side: the driver and the front-end. The back-end calls a hook
 * wherever it sees something of theirs; with no judge that is one predictable branch. The judge
 * changes nothing: what it objects to is handled as it always is.
 *
 * Freestanding; who fills the hooks in is not.
 */
#ifndef REF_BACKENDS_JUDGE_JUDGE_H
#define REF_BACKENDS_JUDGE_JUDGE_H

#include "harness/spec/types.h"

struct vub_session;
struct vub_request;
struct vub_ring;
struct vu_header;
struct dvq_chain;
struct rblk;
struct rblk_req;
struct rnet;
struct net_frame;
struct virtio_net_hdr_v1;
struct virtio_net_ctrl_hdr;
struct ri2c;
struct virtio_i2c_out_hdr;
struct rgpio;
struct virtio_gpio_request;
struct rscmi;
struct rcon;
struct virtio_console_control;
struct rvsock;
struct virtio_vsock_hdr;
struct rreg;

struct judge_ops {
	/* The session's thread. */
	void (*session_start)(struct vub_session *s);
	void (*session_end)(struct vub_session *s);
	/* A message came; it was not handled yet. */
	void (*message)(struct vub_session *s, const struct vub_request *rq);
	/* An answer came over the back-end's channel. */
	void (*answer)(struct vub_session *s, const struct vu_header *hdr);
	/* A translation was asked for, or an access told of that is not allowed: r->miss. */
	void (*miss)(struct vub_session *s, const struct vub_ring *r);
	/* It was answered, and all that was sent before the answer was handled. */
	void (*miss_answered)(struct vub_session *s, u64 answer);

	/* A device with registers: it is there; its driver writes, or has read (an enum rreg_id). */
	void (*reg_start)(struct rreg *r);
	void (*reg_write)(struct rreg *r, int reg, u32 value);
	void (*reg_read)(struct rreg *r, int reg, u32 value);
	/* A notification of a PCI function, where it is written: before reg_write. */
	void (*pci_notify)(struct rreg *r, u32 offset, unsigned size, u32 value);

	/* The ring's thread. */
	void (*ring_start)(struct vub_ring *r);
	/* The available ring was looked at; `error` is the enum dvq_error of that. */
	void (*avail)(struct vub_ring *r, int error);
	/* A chain was walked, with this enum dvq_error. */
	void (*chain)(struct vub_ring *r, const struct dvq_chain *c, int error);
	/* It is about to be returned. */
	void (*used)(struct vub_ring *r, u16 head);
	/* A block request was parsed. */
	void (*blk)(struct rblk *blk, const struct rblk_req *req);
	/* A network device: a frame was sent, `hdr` in front of it; a command was. */
	void (*net_tx)(struct rnet *n, const struct virtio_net_hdr_v1 *hdr,
		       const struct net_frame *f);
	void (*net_ctrl)(struct rnet *n, const struct dvq_chain *c,
			 const struct virtio_net_ctrl_hdr *hdr);
	/* A receive buffer was taken, perhaps not for the first time; configuration space was written to. */
	void (*net_buffer)(struct rnet *n, const struct dvq_chain *c);
	void (*net_config)(struct rnet *n, u32 off, u32 len);
	/* A request of an I2C adapter came, `hdr` in front of it: zero where there is none. */
	void (*i2c)(struct ri2c *i, const struct dvq_chain *c,
		    const struct virtio_i2c_out_hdr *hdr);
	/* A GPIO device: a message came, nothing was done yet; a buffer for a line's interrupt did. */
	void (*gpio)(struct rgpio *g, const struct dvq_chain *c,
		     const struct virtio_gpio_request *m);
	void (*gpio_event)(struct rgpio *g, const struct dvq_chain *c, u16 line);
	/* An SCMI device: a command came, whose first `have` bytes these are; a buffer is there for a message. */
	void (*scmi)(struct rscmi *s, const struct dvq_chain *c, const u8 *bytes, u32 have);
	void (*scmi_event)(struct rscmi *s, const struct dvq_chain *c, u32 len);
	/*
	 * A console: a chain came on a queue that is not the control transmit queue; one on that, with its
	 * message or NULL for one that is too short. The driver is told something. It begins anew.
	 */
	void (*console_data)(struct rcon *c, const struct dvq_chain *chain, u16 queue);
	void (*console_control)(struct rcon *c, const struct dvq_chain *chain,
				const struct virtio_console_control *m);
	void (*console_told)(struct rcon *c, const struct virtio_console_control *m);
	void (*console_reset)(struct rcon *c);
	/* A socket device: a packet was sent, nothing was done yet; its header zero where it is too short. */
	void (*vsock)(struct rvsock *v, const struct dvq_chain *c,
		      const struct virtio_vsock_hdr *h);
};

/* NULL without --judge. Set once before any thread runs. */
extern const struct judge_ops *judge_active;

/* Feature bits that the device does not have and offers all the same, to see who takes them. */
extern u64 judge_offer;

/* Begin to judge. `output` may be NULL; else a JSON summary is written there at each disconnect. */
void judge_open(const char *output);
/* The last summary. 0, or -1 after a line on stderr when it could not be written. */
int judge_close(void);

#endif
