/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The block device (VIRTIO 1.4, 5.2): requests of any framing, exact statuses, exact used lengths.
 * What holds the sectors is a store (struct rblk_store). Freestanding.
 *
 * Used length. The bytes reported must have been written from the first device-writable byte on
 * (2.7.8.2), and the status is the last of them, so a driver can rely on the status only if all
 * that stands before it was written, too. Hence every answered request writes its whole writable
 * part and reports all of it: bytes for which there is no data (a failed read, a reserve after an
 * id of 20 bytes, a writable part where none is defined) are zeroes. Only a chain without any
 * writable byte is returned with a used length of 0, and it is not carried out.
 *
 * Statuses where the text leaves a choice:
 *  - a header of less than 16 bytes: IOERR;
 *  - a type whose feature was not negotiated: UNSUPP, as a type that does not exist;
 *  - flags of all segments are judged before ranges: UNSUPP wins over IOERR;
 *  - the unmap flag of a secure erase segment: UNSUPP (it means nothing there);
 *  - a segment of 0 sectors and a request of 0 bytes: OK, nothing to do.
 */
#ifndef REF_BACKENDS_DEVICE_BLK_H
#define REF_BACKENDS_DEVICE_BLK_H

#include "ref-backends/device/device.h"

#define RBLK_MAX_RANGES	    16	       /* segments of one discard, write zeroes or secure erase */
#define RBLK_MAX_RANGE	    (4u << 20) /* sectors of one of them */
#define RBLK_SEG_MAX	    126
#define RBLK_BLOCK_SIZE	    512
#define RBLK_PHYSICAL_EXP   3 /* log2 of blocks per physical block: 4 KiB */
#define RBLK_ERASE_ALIGN    8 /* sectors */
#define RBLK_CONFIG_WCE_OFF 32

enum rblk_op {
	RBLK_OP_READ,
	RBLK_OP_WRITE,
	RBLK_OP_FLUSH,
	RBLK_OP_DISCARD,
	RBLK_OP_ZERO,
	RBLK_OP_ERASE,
};

/* One operation on a store. Ranges were checked against the capacity. */
struct rblk_io {
	enum rblk_op op;
	bool durable; /* on stable storage before it is done */
	bool unmap;   /* of ZERO: deallocate if possible */
	u16 queue;
	u32 nsegs;
	struct dvq_seg *segs; /* of READ and WRITE; the store must not change them */
	u64 offset, len;      /* bytes */
	/* Called once, from submit() or later on the same thread. `error` is 0 or an errno. */
	void (*done)(struct rblk_io *io, int error);
	u64 priv[8]; /* the store's */
};

struct rblk_store;

struct rblk_store_ops {
	const char *name;
	void (*submit)(struct rblk_store *st, struct rblk_io *io);
	int (*queue_open)(struct rblk_store *st, u16 queue, struct reactor *reactor);
	void (*queue_close)(struct rblk_store *st, u16 queue);
	/* Look at the outside again; returns the capacity in sectors. */
	u64 (*resized)(struct rblk_store *st);
	void (*close)(struct rblk_store *st);
};

struct rblk_store {
	const struct rblk_store_ops *ops;
	u64 sectors;
	bool may_unmap; /* ZERO with unmap deallocates */
};

struct rblk {
	struct rdev dev;
	struct rblk_store *store;
	u64 features; /* negotiated */
	u64 capacity; /* sectors; atomic, grows under load */
	u8 writeback; /* atomic: configuration field */
	bool read_only;
	u8 id[20]; /* serial, zero padded */
};

struct rblk_req {
	struct rdev_req base;
	struct rblk *blk;
	struct rblk_io io;
	/* Parsed: */
	u32 type;
	u64 sector;
	struct dvq_seg *out, *in; /* data: device-readable, device-writable */
	u32 n_out, n_in;
	u64 out_len, in_len; /* without header and status */
	u64 filled;	     /* bytes of `in` that hold data; the rest becomes zeroes */
	u8 *status_at;
	struct dvq_seg *status_seg; /* the segment it stands in, shortened by it until the end */
	u8 status;		    /* to be written */
	/* Discard and its like: */
	u32 n_ranges, range;
	struct {
		u64 sector;
		u32 num, flags;
	} ranges[RBLK_MAX_RANGES];
};

void rblk_init(struct rblk *blk, struct rblk_store *store, u16 num_queues, bool read_only,
	       const char *serial);

static inline struct rblk *rblk_of(struct rdev *dev)
{
	return (struct rblk *)dev;
}

/* The device's serve(). */
void rblk_serve(struct rdev *dev, struct rdev_req *base);

/* Complete with `status` now; also for faults that take a request over. */
void rblk_finish(struct rblk_req *req, u8 status);

/* Does a write have to be stable before it is completed? */
bool rblk_writethrough(struct rblk *blk);

#endif
