/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device's half of a split virtqueue (VIRTIO 1.4, 2.7).
 *
 * The driver is not trusted: everything it owns (available ring, descriptors, indirect tables) is
 * read exactly once into private memory and checked there, so that what was checked is what is
 * used. Nothing here writes to the descriptor table or to device-readable memory.
 *
 * Two kinds of error are told apart:
 *  - the ring is broken (available index more than `num` ahead, head outside the table): nothing
 *    that follows can be trusted, dvq_fetch() returns the same error until dvq_init();
 *  - one chain is malformed (dvq_walk()): its head is known, so that the caller can return it with
 *    a used length of 0 and go on.
 *
 * Decisions where the text leaves a choice:
 *  - a descriptor of length 0 is legal, moves no byte, and its address is not looked at;
 *  - a chain may have `num` direct descriptors and, with an indirect table, up to
 *    MAX(num, DVQ_MIN_LIMIT) in all: drivers are known to put more entries into an indirect table
 *    than the queue has;
 *  - a chain whose lengths add up to more than 2^32 bytes is malformed (2.7.5);
 *  - descriptor flags other than NEXT, WRITE and INDIRECT are ignored.
 *
 * Not thread-safe: one thread serves one ring. Freestanding.
 */
#ifndef REF_BACKENDS_VIRTQUEUE_SPLIT_H
#define REF_BACKENDS_VIRTQUEUE_SPLIT_H

#include "harness/spec/types.h"
#include "harness/spec/virtio14.h"

/* Chains of this many descriptors are taken even when the queue is smaller. */
#define DVQ_MIN_LIMIT 1024

enum dvq_error {
	DVQ_OK,
	DVQ_EMPTY, /* nothing is available */
	/* The ring is broken. */
	DVQ_E_RUNAWAY, /* available index more than `num` ahead */
	DVQ_E_HEAD,    /* head is not an index of the descriptor table */
	/* The chain is malformed. */
	DVQ_E_NEXT,	     /* next is not an index of its table */
	DVQ_E_LONG,	     /* a loop, or more descriptors than can be */
	DVQ_E_MEMORY,	     /* a buffer or an indirect table is not in memory */
	DVQ_E_ORDER,	     /* a device-readable descriptor after a device-writable one */
	DVQ_E_INDIRECT,	     /* indirect descriptor without VIRTIO_F_INDIRECT_DESC */
	DVQ_E_NESTED,	     /* indirect descriptor inside an indirect table */
	DVQ_E_INDIRECT_NEXT, /* INDIRECT and NEXT in one descriptor */
	DVQ_E_INDIRECT_SIZE, /* table length is 0 or not a multiple of 16 */
	DVQ_E_BYTES,	     /* more than 2^32 bytes in all */
	DVQ_E_SEGS,	     /* not an error of the driver: dvq_chain.segs is too small */
};

/* A run of bytes of a chain in the device's address space. Laid out as struct iovec. */
struct dvq_seg {
	void *base;
	size_t len;
};

/* A chain, walked: device-readable segments first, then device-writable ones. None is empty. */
struct dvq_chain {
	struct dvq_seg *segs; /* the caller's array */
	u32 cap;	      /* its size */
	u32 n_readable, n_writable;
	u64 readable, writable; /* bytes */
	u32 descs;		/* descriptors seen, without the one that points to a table */
	u16 head;		/* what it is called when it is returned: head, or buffer id */
	u16 slots;		/* places of the ring that it takes: 1 in a split ring */
	bool writing; /* of the walk: a device-writable descriptor was seen, be it of length 0 */
};

struct dvq_ops {
	/*
	 * The device's address of guest bytes from gpa on, or NULL when the first is not in memory.
	 * *len is what is wanted and becomes what is contiguous there.
	 */
	void *(*translate)(void *ctx, u64 gpa, u64 *len);
	/* The same of bytes that are to be written, where that makes a difference. May be NULL. */
	void *(*translate_writable)(void *ctx, u64 gpa, u64 *len);
	/*
	 * Bytes [off, off + len) of the used ring, or of a packed ring's descriptors, were written (dirty
	 * log). May be NULL.
	 */
	void (*used_written)(void *ctx, u64 off, u64 len);
	/* The device event suppression structure of a packed ring was. May be NULL. */
	void (*event_written)(void *ctx);
};

/*
 * Guest memory in one piece here, in which buffers mostly lie: what ops->translate would say of it. Empty
 * until whoever translates fills it in.
 */
struct dvq_window {
	u64 gpa, size;
	u8 *at;
};

/* What is above `last_avail` is laid out as in struct dvq_packed: see ring.h. */
struct dvq_split {
	struct vring_desc *desc; /* NULL: no memory for this ring */
	struct vring_avail *avail;
	struct vring_used *used;
	const struct dvq_ops *ops;
	void *ctx; /* of ops */
	u32 num;
	enum dvq_error broken; /* DVQ_OK, or why the ring is */
	u16 queue;	       /* its number, for those who watch */
	bool event_idx, indirect;
	struct dvq_window window;
	u16 last_avail;	    /* next available index to fetch */
	u16 avail_seen;	    /* available index as last read */
	u16 used_idx;	    /* next used index to write */
	u16 used_shown;	    /* used index as last stored: what is behind it is staged */
	u16 signalled_used; /* used index when notification was last decided on */
};

/*
 * Begin at available index `base`. Addresses, num (a power of two up to 32768), ops and features
 * are set already; the used index is read from the used ring.
 */
void dvq_init(struct dvq_split *vq, u16 base);

/* Next head: DVQ_OK, DVQ_EMPTY, or how the ring is broken. */
enum dvq_error dvq_fetch(struct dvq_split *vq, u16 *head);

/* Put the head fetched last back. Only directly after dvq_fetch(). */
void dvq_unfetch(struct dvq_split *vq);

/* Walk the chain at head into c (whose segs and cap are set). DVQ_OK, or what is wrong with it. */
enum dvq_error dvq_walk(struct dvq_split *vq, u16 head, struct dvq_chain *c);

/* Return a head with `len` bytes written. False: a fault held it back. */
bool dvq_push(struct dvq_split *vq, u16 head, u32 len);

/*
 * The same in two steps: elements are written one by one, and one store of the index shows them all.
 * At most `num` may be staged. With a fault each is shown at once.
 */
bool dvq_stage(struct dvq_split *vq, u16 head, u32 len);
/* Its step for who has neither faults nor a log. */
static inline void dvq_write_element(struct dvq_split *vq, u32 id, u32 len)
{
	struct vring_used_elem *e = &vq->used->ring[vq->used_idx & (vq->num - 1)];

	__atomic_store_n(&e->id, le32(id), __ATOMIC_RELAXED);
	__atomic_store_n(&e->len, le32(len), __ATOMIC_RELAXED);
	vq->used_idx++;
}
void dvq_flush(struct dvq_split *vq);

/* Is a used buffer notification due for what was pushed since the last call? */
bool dvq_notify_due(struct dvq_split *vq);

/* Available buffer notifications are not needed for now. */
void dvq_kick_disable(struct dvq_split *vq);
/* They are needed from here on. True when something is available already: look before sleeping. */
bool dvq_kick_enable(struct dvq_split *vq);

const char *dvq_error_name(enum dvq_error e);

static inline bool dvq_is_broken(const struct dvq_split *vq)
{
	return vq->broken != DVQ_OK;
}

/* Bytes of each part, the two event index slots included when they are in use. */
u64 dvq_desc_bytes(u32 num);
u64 dvq_avail_bytes(u32 num, bool event_idx);
u64 dvq_used_bytes(u32 num, bool event_idx);

#endif
