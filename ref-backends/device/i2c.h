/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The I2C adapter (VIRTIO 1.4, 5.16): one queue, whose requests become messages on a bus.
 *
 * A group of requests, all but the last with FAIL_NEXT, is one transfer on the bus: repeated STARTs between
 * its messages, a STOP behind the last. As much of a group as is there is carried out together; what a
 * driver holds back it gets no repeated START for, but it need not fear to wait for ever.
 *
 * Of a group whose request failed the rest is returned as failed, and no other group is touched. A request
 * that cannot be read, whose address is not one of 7 bits, or that asks for more than a bus can do, is one
 * that failed. Flags that are reserved are not looked at. Without VIRTIO_I2C_F_ZERO_LENGTH_REQUEST, which a
 * driver has to accept, nothing is carried out.
 *
 * The bytes of a read that failed are zero, so that the used length says what was written.
 *
 * Freestanding; the bus is the caller's.
 */
#ifndef REF_BACKENDS_DEVICE_I2C_H
#define REF_BACKENDS_DEVICE_I2C_H

#include <linux/virtio_i2c.h>

#include "ref-backends/device/device.h"

#define I2C_GROUP   42u	   /* messages of one transfer: what Linux takes at once */
#define I2C_LEN_MAX 65535u /* bytes of one message */
#define I2C_ADDRS   0x78u  /* addresses from here on announce ten bits, or are reserved */

/* A place in what lies in pieces. */
struct i2c_bytes {
	const struct dvq_seg *segs;
	u64 at;
};

/* The next byte; there must be one. */
static inline u8 *i2c_next(struct i2c_bytes *b)
{
	while (b->at >= b->segs->len) {
		b->at -= b->segs->len;
		b->segs++;
	}
	return (u8 *)b->segs->base + b->at++;
}

struct i2c_message {
	u8 addr; /* 7 bits */
	bool read;
	u32 len;
	struct i2c_bytes data; /* of which there are `len` */
};

struct i2c_bus;

struct i2c_bus_ops {
	/*
	 * Messages of one transfer, one after the other until one fails; a STOP ends it there, and behind
	 * the last with `stop`. How many succeeded.
	 */
	u32 (*transfer)(struct i2c_bus *bus, const struct i2c_message *msgs, u32 n, bool stop);
	void (*free)(struct i2c_bus *bus); /* may be NULL */
};

struct i2c_bus {
	const struct i2c_bus_ops *ops;
};

struct ri2c_req {
	struct rdev_req req;
	struct virtio_i2c_out_hdr hdr; /* as it was read; zero when there is none */
	bool next;		       /* FAIL_NEXT */
	u32 len;
};

struct ri2c {
	struct rdev dev;
	struct i2c_bus *bus;
	bool works;   /* with the features that the driver chose */
	bool failing; /* one of the group failed, and its last request is still to come */
	u32 held;
	struct ri2c_req *group[I2C_GROUP];
	struct i2c_message msgs[I2C_GROUP];
};

void ri2c_init(struct ri2c *i, struct i2c_bus *bus);

#endif
