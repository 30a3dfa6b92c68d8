/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The socket device (VIRTIO 1.4, 5.10): streams and sequences of packets between a driver's programs and those
 * of the host.
 *
 * What is on the host's side is behind struct vsock_port. The core has a table of flows, one for each connection:
 * who may send how much (credit), which sides have shut down what, and the packets that are due. A flow's bytes
 * for the host wait in its buffer, which is what the driver is told of; bytes for the driver stay with the port
 * until there are both a receive buffer and credit.
 *
 * Decisions where the text leaves a choice:
 *  - a packet whose addresses are not the driver's and the host's is answered with RST, as one for no flow is;
 *    no RST is answered;
 *  - REQUEST for a flow that is there, an operation that the flow's state does not have, one that is unknown, a
 *    length that the chain does not hold, bytes beyond the credit, and a fwd_cnt that counts what was not sent
 *    are answered with RST, and the flow is gone;
 *  - what a chain holds beyond the length is ignored, so is the payload of any other operation than RW, and an
 *    RW without payload;
 *  - a message that is longer than the buffer of who is to take it can never be delivered: RST;
 *  - a receive buffer without room for a header, or for a byte where only bytes are due, comes back with length 0;
 *  - a driver that does not confirm a shut-down of both directions is sent RST after VSOCK_CLOSE_S seconds;
 *  - when replies to nobody's packets wait in numbers, transmitted packets wait, too.
 *
 * Freestanding; all of it belongs to one thread, save config(), resized() and reset(), which leave word.
 */
#ifndef REF_BACKENDS_DEVICE_VSOCK_H
#define REF_BACKENDS_DEVICE_VSOCK_H

#include "harness/spec/virtio14_vsock.h"
#include "ref-backends/device/device.h"

#define VSOCK_RXQ    0
#define VSOCK_TXQ    1
#define VSOCK_EVENTQ 2

#define VSOCK_HDR	    ((u32)sizeof(struct virtio_vsock_hdr))
#define VSOCK_FLOWS_MAX	    16384
#define VSOCK_FLOWS	    1024
#define VSOCK_BUFFER	    (128u << 10) /* of a flow, in each direction */
#define VSOCK_BUFFER_MIN    1024u
#define VSOCK_REPLIES	    1024 /* that may wait before transmitted packets do */
#define VSOCK_CLOSE_S	    8
#define VSOCK_FIRST_PORT    0x40000000u /* of the host's, where nobody asked for one */
#define VSOCK_HOST_SENT_ALL (-1)
#define VSOCK_BROKEN	    (-2)

struct rvsock;
struct vsock_port;

enum vsock_state {
	VSOCK_FREE,
	VSOCK_CALLING, /* the driver was asked, or is about to be */
	VSOCK_OPEN,
};

/* Packets that are due, in this order. */
enum vsock_due {
	VSOCK_DUE_REQUEST = 1 << 0,
	VSOCK_DUE_RESPONSE = 1 << 1,
	VSOCK_DUE_UPDATE = 1 << 2,
	VSOCK_DUE_SHUTDOWN = 1 << 3, /* behind all bytes */
	VSOCK_DUE_ASK = 1 << 4,	     /* a CREDIT_REQUEST */
};

struct vsock_flow {
	struct vsock_flow *next, *prev; /* of those with something to send, or of the free ones */
	u32 host_port, guest_port;
	u16 type;
	u16 same_hash; /* index + 1 of the next of its bucket */
	u8 state;
	u8 due;
	u8 guest_shut,
		host_shut; /* VIRTIO_VSOCK_SHUTDOWN_* as each side said, or is about to say */
	u8 told_shut;	   /* of host_shut, what was sent */
	u8 ticks;	   /* since both directions were */
	bool listed;
	bool called;	/* REQUEST was sent */
	bool readable;	/* the port may have bytes */
	bool hung_up;	/* the host's program will neither send nor receive */
	bool ended;	/* its end of what it sends was seen */
	bool shut_told; /* the port knows that the guest will send no more */
	bool asked;	/* for credit, since there was any */
	bool msg_eor;

	/* From the driver. */
	u32 fwd_cnt, told_fwd_cnt;
	u32 head, used; /* of `out` */
	/* To the driver. */
	u32 tx_cnt, peer_buf_alloc, peer_fwd_cnt;
	u32 msg_len, msg_at; /* a message in `in` */

	u8 *out, *in;
	u8 *eom, *eor; /* a bit for each byte of `out`: it is a message's last */
	u32 serial;    /* how many this place has had */
	int handle;    /* the port's */
};

struct vsock_port_ops {
	const char *name;
	/* The device's first queue is opened, its last closed. May be NULL. */
	int (*open)(struct vsock_port *p, struct reactor *reactor);
	void (*close)(struct vsock_port *p);
	/* A driver is there: what waited for one may call now. May be NULL. */
	void (*up)(struct vsock_port *p);
	/* From any thread: have the device's thread call rvsock_attend(). May be NULL. */
	void (*attend)(struct vsock_port *p);
	/* rvsock_tick() is wanted once a second, or no more. May be NULL. */
	void (*ticks)(struct vsock_port *p, bool wanted);
	/* A flow to f->host_port; false: nobody listens there. */
	bool (*connect)(struct vsock_port *p, struct vsock_flow *f);
	/* What rvsock_call() asked for is there. */
	void (*answered)(struct vsock_port *p, struct vsock_flow *f);
	/*
	 * How many bytes of these it took, of a message (`eor`: that ends a record, too) all or none; 0: not now,
	 * rvsock_writable() will say when; VSOCK_BROKEN: no more, ever.
	 */
	long (*send)(struct vsock_port *p, struct vsock_flow *f, const struct dvq_seg *segs, u32 n,
		     bool eor);
	/*
	 * How many bytes it put there, of a message all; 0: none now, rvsock_readable() will say when;
	 * VSOCK_HOST_SENT_ALL; VSOCK_BROKEN: the connection is, or the message is longer than that.
	 */
	long (*recv)(struct vsock_port *p, struct vsock_flow *f, const struct dvq_seg *segs, u32 n,
		     bool *eor);
	/* The driver will not receive, will not send. */
	void (*shut)(struct vsock_port *p, struct vsock_flow *f, bool receive, bool send);
	/* The flow is gone. */
	void (*end)(struct vsock_port *p, struct vsock_flow *f);
	void (*free)(struct vsock_port *p); /* may be NULL */
};

struct vsock_port {
	const struct vsock_port_ops *ops;
	struct rvsock *vsock;
};

/* For faults: what can be otherwise. */
enum vsock_what {
	VSOCK_TYPE_KNOWN,    /* a packet's type is one that was negotiated */
	VSOCK_ADDRESSED,     /* its addresses are the driver's and the host's */
	VSOCK_WITHIN_CREDIT, /* its bytes are */
	VSOCK_REFUSED,	     /* it is answered with RST */
	VSOCK_UPDATES,	     /* the driver is told of credit, asked or not */
	VSOCK_TAKES_TX,	     /* transmitted packets are looked at */
	VSOCK_CONFIRMS,	     /* a shut-down of both directions is */
	VSOCK_ENDS,	     /* a packet is a message's last */
};

struct vsock_opts {
	struct vsock_port *port;
	u64 guest_cid, next_cid; /* next_cid: the one after a transport reset; 0: the same */
	u32 flows;		 /* 0: VSOCK_FLOWS */
	u32 buffer;		 /* 0: VSOCK_BUFFER; a power of two */
};

struct rvsock {
	struct rdev dev;
	struct vsock_port *port;
	u64 cid, next_cid; /* atomic */
	u64 features;	   /* atomic */
	u32 flows_max, buffer;
	u16 open; /* queues */
	bool up;
	bool forget, moved; /* atomic: a reset of the device, of the transport, is to be seen to */
	bool event;	    /* is due */
	bool ticking;
	u32 next_port, shutting;
	struct vsock_flow *flows;
	struct vsock_flow *free, *first, *last;
	u16 *buckets; /* index + 1 */
	u32 n_buckets;
	/* Packets that belong to no flow, or to one that is gone. */
	struct virtio_vsock_hdr *replies;
	u32 replies_max, replies_at, n_replies;
	struct {
		u64 opened, packets_in, packets_out, resets, malformed;
	} count;
};

/* Memory that rvsock_init() wants, aligned to 64 bytes; what is not touched need not be there. */
size_t rvsock_memory(const struct vsock_opts *o);
void rvsock_init(struct rvsock *v, const struct vsock_opts *o, void *memory);

/* --- what a port says, on the device's thread -------------------------------------------------------- */

/* A program of the host's wants to be connected. NULL: no driver, no such type, or no room. */
struct vsock_flow *rvsock_call(struct rvsock *v, u16 type, u32 guest_port, int handle);
void rvsock_readable(struct rvsock *v, struct vsock_flow *f);
void rvsock_writable(struct rvsock *v, struct vsock_flow *f);
/* Neither, any more; what it sent before can still be read. */
void rvsock_hung_up(struct rvsock *v, struct vsock_flow *f);
void rvsock_tick(struct rvsock *v);
/* See to what other threads left word of. */
void rvsock_attend(struct rvsock *v);

static inline struct rvsock *rvsock_of(struct rdev *dev)
{
	return (struct rvsock *)dev;
}

static inline bool vsock_has(const struct rvsock *v, unsigned bit)
{
	return __atomic_load_n(&v->features, __ATOMIC_ACQUIRE) & BIT_ULL(bit);
}

/* --- parts of the device ------------------------------------------------------------------------------- */

bool vsock_is(struct rvsock *v, const struct vsock_flow *f, enum vsock_what what, bool due);
/* Is this a type of socket that driver and device have? */
bool vsock_type_known(struct rvsock *v, u16 type);

struct vsock_flow *vsock_find(struct rvsock *v, u16 type, u32 host_port, u32 guest_port);
/* A new one, or NULL. */
struct vsock_flow *vsock_make(struct rvsock *v, u16 type, u32 host_port, u32 guest_port);
void vsock_drop(struct rvsock *v, struct vsock_flow *f);
/* The same, and the driver is told with RST. */
void vsock_abort(struct rvsock *v, struct vsock_flow *f);
/* Does it have bytes for the driver, or may have? */
bool vsock_has_bytes(const struct vsock_flow *f);
/* Once a second flows that are shut down are counted, as long as there are any. */
void vsock_ticks(struct rvsock *v);
/* It has nothing to send, or had its turn. */
void vsock_unlist(struct rvsock *v, struct vsock_flow *f);
/* What a flow has to send may have changed. */
void vsock_settle(struct rvsock *v, struct vsock_flow *f);
/* Bytes that wait go to the port, as many as it takes. False: the flow is gone. */
bool vsock_flush(struct rvsock *v, struct vsock_flow *f);

/* A header of a flow's, but for operation, length and flags. */
struct virtio_vsock_hdr vsock_header(struct rvsock *v, const struct vsock_flow *f);
/* RST in answer to a packet of no flow. */
void vsock_refuse(struct rvsock *v, const struct virtio_vsock_hdr *h);
bool vsock_replies_wait(const struct rvsock *v);

void vsock_tx_serve(struct rvsock *v, struct rdev_req *req);
void vsock_rx_serve(struct rvsock *v, struct rdev_req *req);

/* How many bytes the driver takes now. */
static inline u32 vsock_room(const struct vsock_flow *f)
{
	const u32 flying = f->tx_cnt - f->peer_fwd_cnt;

	return flying < f->peer_buf_alloc ? f->peer_buf_alloc - flying : 0;
}

/* Up to `room` segments that hold bytes [skip, skip + len) of these; *bytes is how many that are. */
u32 vsock_cut(const struct dvq_seg *segs, u32 n, u64 skip, u64 len, struct dvq_seg *out, u32 room,
	      u64 *bytes);

#endif
