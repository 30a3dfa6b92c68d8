// SPDX-License-Identifier: BSD-3-Clause
/* What a driver may ask of an I2C adapter (VIRTIO 1.4, 5.16.6.3). */
#include "ref-backends/judge/rules.h"

#define RESERVED (~(u32)(VIRTIO_I2C_FLAGS_FAIL_NEXT | VIRTIO_I2C_FLAGS_M_RD))

static bool is_read(const struct jd_i2c *q)
{
	return le32(q->hdr->flags) & VIRTIO_I2C_FLAGS_M_RD;
}

static u64 written(const struct jd_i2c *q)
{
	return q->chain->readable - MIN(q->chain->readable, (u64)sizeof(*q->hdr));
}

static u64 to_read(const struct jd_i2c *q)
{
	return q->chain->writable - MIN(q->chain->writable, (u64)1);
}

/* An address of 7 bits, or one of 10, as the table in 5.16.6 lays them out. */
static bool no_address(const struct jd_i2c *q)
{
	const u16 addr = le16(q->hdr->addr);
	const bool seven = !(addr & 0xff01), ten = (addr & 0xf9) == 0xf0;

	return q->chain->readable < sizeof(*q->hdr) || (!seven && !ten);
}

static bool reserved_flags(const struct jd_i2c *q)
{
	return le32(q->hdr->flags) & RESERVED;
}

/* A buffer of length 0 is one: what holds nothing is no segment. */
static bool empty_buffer(const struct jd_i2c *q)
{
	return !written(q) && !to_read(q) &&
	       q->chain->descs > q->chain->n_readable + q->chain->n_writable;
}

static bool read_of_readable(const struct jd_i2c *q)
{
	return is_read(q) && written(q);
}

static bool write_of_writable(const struct jd_i2c *q)
{
	return !is_read(q) && to_read(q);
}

static bool not_accepted(const struct jd_i2c *q)
{
	return !q->i2c->works;
}

const struct jd_i2c_rule jd_i2c_rules[] = {
	{ "v14.i2c.operation.drv.1", not_accepted },
	{ "v14.i2c.operation.drv.3", no_address },
	{ "v14.i2c.operation.drv.4", reserved_flags },
	{ "v14.i2c.operation.drv.5", empty_buffer },
	{ "v14.i2c.operation.drv.7", read_of_readable },
	{ "v14.i2c.operation.drv.8", write_of_writable },
	{ NULL, NULL },
};
