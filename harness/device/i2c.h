/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of an I2C adapter (VIRTIO 1.4, 5.16): a request is one message on the bus, its header
 * in front of it and a status byte behind.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_I2C_H
#define HARNESS_DEVICE_I2C_H

#include <linux/virtio_i2c.h>

#include "harness/transport/transport.h"
#include "harness/virtqueue/vq.h"

#define I2C_HEADER 8
#define I2C_PARTS  3
/* What a status byte holds until the device writes it. */
#define I2C_NO_STATUS 0xa5

struct i2c_req {
	u8 addr;   /* 7 bits */
	bool read; /* from the chip, into `data` */
	bool next; /* the one behind it is of the same transfer */
	/* I2C_HEADER bytes; the message, which may be empty; one byte. */
	struct tp_buf hdr, data, status;
};

/* The address field for an address of 7 bits. */
static inline u16 i2c_addr_field(u8 addr)
{
	return (u16)(addr << 1);
}

/* Header and status byte are filled in. The pieces, device-readable ones first: how many of either. */
void i2c_prepare(const struct i2c_req *r, struct vq_sg sg[I2C_PARTS], unsigned *out, unsigned *in);

#endif
