// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/i2c.h"

#include <string.h>

#include "ref-backends/device/plain.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

#define NEEDED BIT_ULL(VIRTIO_I2C_F_ZERO_LENGTH_REQUEST)

static struct ri2c *i2c_of(struct rdev *dev)
{
	return (struct ri2c *)dev;
}

static u64 i2c_features(struct rdev *dev)
{
	return NEEDED;
}

static bool i2c_acceptable(struct rdev *dev, u64 features)
{
	const bool good = features & NEEDED;

	return fault_active && fault_active->i2c_acceptable
		       ? fault_active->i2c_acceptable(i2c_of(dev), features, good)
		       : good;
}

static void i2c_negotiated(struct rdev *dev, u64 features)
{
	i2c_of(dev)->works = i2c_acceptable(dev, features);
}

static void i2c_reset(struct rdev *dev)
{
	struct ri2c *i = i2c_of(dev);

	i->works = false;
	i->failing = false;
}

/* --- one request ---------------------------------------------------------------------------------------- */

static const struct dvq_seg *writable_of(const struct rdev_req *req)
{
	return req->chain.segs + req->chain.n_readable;
}

/* What the request says, into the message; false when it is none. */
static bool parse(struct ri2c_req *r, struct i2c_message *m)
{
	const struct dvq_chain *c = &r->req.chain;
	struct i2c_bytes from = { c->segs, 0 };
	u64 len;
	u16 addr;

	r->hdr = (struct virtio_i2c_out_hdr){ 0 };
	r->next = false;
	r->len = 0;
	if (c->readable < sizeof(r->hdr))
		return false;
	for (size_t i = 0; i < sizeof(r->hdr); i++)
		((u8 *)&r->hdr)[i] = *i2c_next(&from);
	addr = le16(r->hdr.addr);
	r->next = le32(r->hdr.flags) & VIRTIO_I2C_FLAGS_FAIL_NEXT;
	*m = (struct i2c_message){
		.addr = (u8)(addr >> 1),
		.read = le32(r->hdr.flags) & VIRTIO_I2C_FLAGS_M_RD,
		.data = from,
	};
	if (m->read)
		m->data = (struct i2c_bytes){ writable_of(&r->req), 0 };
	len = m->read ? c->writable - 1 : c->readable - sizeof(r->hdr);
	/* A status, and data on one side only. */
	if (!c->writable || (m->read ? c->readable != sizeof(r->hdr) : c->writable != 1))
		return false;
	if (len > I2C_LEN_MAX || addr & 1 || addr >> 1 >= I2C_ADDRS)
		return false;
	r->len = m->len = (u32)len;
	return true;
}

static void complete(struct ri2c *i, struct ri2c_req *r, u8 status)
{
	const struct dvq_chain *c = &r->req.chain;
	struct i2c_bytes at = { writable_of(&r->req), 0 };

	r->req.used_len = 0;
	if (fault_active && fault_active->i2c_complete)
		status = fault_active->i2c_complete(i, r, status);
	if (c->writable) {
		/* More than any bus reads nobody is told of: nothing but the status is written. */
		const bool whole = c->writable - 1 <= I2C_LEN_MAX;

		if (whole && status != VIRTIO_I2C_MSG_OK)
			for (u64 n = c->writable - 1; n; n--)
				*i2c_next(&at) = 0;
		else
			at.at = c->writable - 1;
		*i2c_next(&at) = status;
		r->req.used_len = whole ? (u32)c->writable : 0;
	}
	if (fault_active && fault_active->i2c_done && fault_active->i2c_done(i, r) == FAULT_DONE)
		return;
	r->req.done(&r->req);
}

/* --- groups --------------------------------------------------------------------------------------------- */

/* Carry out what is held. */
static void carry_out(struct ri2c *i)
{
	const u32 n = i->held;
	u32 good;
	bool next;

	if (!n)
		return;
	next = i->group[n - 1]->next;
	good = i->bus->ops->transfer(i->bus, i->msgs, n, !next);
	i->held = 0;
	i->failing = good < n && next;
	if (fault_active && fault_active->i2c_group)
		good = fault_active->i2c_group(i, n, good);
	for (u32 k = 0; k < n; k++)
		complete(i, i->group[k], k < good ? VIRTIO_I2C_MSG_OK : VIRTIO_I2C_MSG_ERR);
}

static void refuse(struct ri2c *i, struct ri2c_req *r)
{
	carry_out(i);
	i->failing = r->next;
	complete(i, r, VIRTIO_I2C_MSG_ERR);
}

static void i2c_serve(struct rdev *dev, struct rdev_req *req)
{
	struct ri2c *i = i2c_of(dev);
	struct ri2c_req *r = (struct ri2c_req *)req;
	struct i2c_message *m = &i->msgs[i->held];
	bool good = parse(r, m);

	if (judge_active)
		judge_active->i2c(i, &r->req.chain, &r->hdr);
	good &= i->works;
	if (fault_active && fault_active->i2c_request)
		good = fault_active->i2c_request(i, r, m, good);
	if (!good || i->failing) {
		refuse(i, r);
		return;
	}
	i->group[i->held++] = r;
	if (!r->next || i->held == I2C_GROUP)
		carry_out(i);
}

static void i2c_served(struct rdev *dev, u16 queue)
{
	carry_out(i2c_of(dev));
}

static const struct rdev_ops i2c_ops = {
	.name = "i2c",
	.id = VIRTIO_ID_I2C_ADAPTER,
	.req_size = sizeof(struct ri2c_req),
	.one_thread = true,
	.features = i2c_features,
	.acceptable = i2c_acceptable,
	.negotiated = i2c_negotiated,
	.reset = i2c_reset,
	.config = plain_config,
	.config_write = plain_config_write,
	.resized = plain_resized,
	.queue_open = plain_queue_open,
	.queue_close = plain_queue_close,
	.serve = i2c_serve,
	.served = i2c_served,
	.let_go = i2c_served,
};

void ri2c_init(struct ri2c *i, struct i2c_bus *bus)
{
	*i = (struct ri2c){ .dev = { .ops = &i2c_ops, .num_queues = 1 }, .bus = bus };
}
