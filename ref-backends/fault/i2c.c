// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the I2C adapter. */
#include "ref-backends/device/i2c.h"
#include "ref-backends/fault/fault.h"

#define I2C(ident, name_, clause_, summary_, ...)                                                  \
	FAULT(i2c_##ident, .name = "i2c-" name_, .clause = "v14.i2c.operation.dev." clause_,       \
	      .summary = summary_, __VA_ARGS__)

/* --- the feature ---------------------------------------------------------------------------------------- */

static u64 no_feature(u64 offered)
{
	return offered & ~BIT_ULL(VIRTIO_I2C_F_ZERO_LENGTH_REQUEST);
}

I2C(no_feature, "no-zero-length", "1", "ZERO_LENGTH_REQUEST is not offered",
    .features = no_feature);

static bool takes_all(struct ri2c *i, u64 features, bool good)
{
	return true;
}

I2C(takes_all, "feature-not-asked", "2", "a driver without ZERO_LENGTH_REQUEST is served",
    .i2c_acceptable = takes_all);

/* --- messages --------------------------------------------------------------------------------------------- */

static u8 empty_fails(struct ri2c *i, struct ri2c_req *r, u8 status)
{
	return r->req.chain.readable == sizeof(r->hdr) && r->req.chain.writable == 1
		       ? VIRTIO_I2C_MSG_ERR
		       : status;
}

I2C(empty_fails, "empty-fails", "3", "a message of no bytes fails", .i2c_complete = empty_fails);

static bool lost(struct ri2c *i, struct ri2c_req *r, struct i2c_message *m, bool good)
{
	/* An address and a page: the address alone reaches the chip. */
	if (good && !m->read && m->len == 9)
		m->len = 1;
	return good;
}

I2C(lost, "write-lost", "3", "a write of a whole page is acknowledged and forgotten",
    .i2c_request = lost);

static bool cut_address(struct ri2c *i, struct ri2c_req *r, struct i2c_message *m, bool good)
{
	if (good || le16(r->hdr.addr) < 0x100 || !m->read || r->req.chain.writable < 2)
		return good;
	m->addr = (le16(r->hdr.addr) & 0xff) >> 1;
	m->len = (u32)MIN(r->req.chain.writable - 1, (u64)I2C_LEN_MAX);
	return true;
}

I2C(cut_address, "address-cut", "3", "of an address field the upper byte is not looked at",
    .i2c_request = cut_address);

static u8 touch_header(struct ri2c *i, struct ri2c_req *r, u8 status)
{
	if (r->req.chain.n_readable && status == VIRTIO_I2C_MSG_OK && r->len > 1)
		*(u8 *)r->req.chain.segs[0].base |= 1;
	return status;
}

I2C(touch_header, "header-written", "4", "the address field is written to",
    .i2c_complete = touch_header);

static u8 touch_data(struct ri2c *i, struct ri2c_req *r, u8 status)
{
	const struct dvq_chain *c = &r->req.chain;

	if (c->readable > sizeof(r->hdr) + 2)
		((u8 *)c->segs[c->n_readable - 1].base)[c->segs[c->n_readable - 1].len - 1] ^= 0xff;
	return status;
}

I2C(touch_data, "data-written", "5", "what was to be written is changed",
    .i2c_complete = touch_data);

static bool one_less(struct ri2c *i, struct ri2c_req *r, struct i2c_message *m, bool good)
{
	if (good && m->read && m->len == 64)
		m->len--;
	return good;
}

I2C(one_less, "read-short", "6", "a read of 64 bytes gets 63", .i2c_request = one_less);

/* --- order and failures ----------------------------------------------------------------------------------- */

static struct ri2c_req *late;

static enum fault_action swap(struct ri2c *i, struct ri2c_req *r)
{
	struct ri2c_req *first = late;

	if (r->next && r->len == 1 && !late) {
		late = r;
		return FAULT_DONE;
	}
	late = NULL;
	r->req.done(&r->req);
	if (first)
		first->req.done(&first->req);
	return FAULT_DONE;
}

static void none_late(struct vub_session *s)
{
	late = NULL;
}

I2C(swap, "out-of-order", "7", "the first of a group comes back behind the second",
    .i2c_done = swap, .session_start = none_late);

static u8 two_bytes(struct ri2c *i, struct ri2c_req *r, u8 status)
{
	return r->len == 2 ? VIRTIO_I2C_MSG_OK : status;
}

I2C(two_bytes, "nobody-answers", "8", "a message of two bytes to nobody succeeds",
    .i2c_complete = two_bytes);

static u32 all_fail(struct ri2c *i, u32 n, u32 good)
{
	return good < n ? 0 : n;
}

I2C(all_fail, "group-fails-whole", "8", "what came before the failure in a group fails, too",
    .i2c_group = all_fail);

static bool alone(struct ri2c *i, struct ri2c_req *r, struct i2c_message *m, bool good)
{
	r->next = false;
	return good;
}

I2C(alone, "fail-next-ignored", "9", "FAIL_NEXT is not looked at", .i2c_request = alone);

static bool failed;

static u8 next_fails(struct ri2c *i, struct ri2c_req *r, u8 status)
{
	const bool behind = failed;

	failed = status != VIRTIO_I2C_MSG_OK && !r->next;
	return behind && !r->next ? VIRTIO_I2C_MSG_ERR : status;
}

static void none_failed(struct vub_session *s)
{
	failed = false;
}

I2C(next_fails, "failure-spreads", "9", "a transfer behind one that failed fails, too",
    .i2c_complete = next_fails, .session_start = none_failed);

/* --- other clauses --------------------------------------------------------------------------------------------- */

static bool one_header(struct ri2c *i, struct ri2c_req *r, struct i2c_message *m, bool good)
{
	return good && r->req.chain.segs[0].len >= sizeof(r->hdr);
}

FAULT(i2c_one_header, .name = "i2c-header-in-pieces",
      .clause = "v14.split-ring.message-framing.dev.1",
      .summary = "a header in two descriptors fails", .i2c_request = one_header);

static enum fault_action one_too_many(struct ri2c *i, struct ri2c_req *r)
{
	r->req.used_len += r->len == 16;
	return FAULT_PASS;
}

FAULT(i2c_too_long, .name = "i2c-used-len-plus-one", .clause = "v14.split-ring.used-ring.dev.2",
      .summary = "a read of 16 bytes comes back with length 18", .i2c_done = one_too_many);

static bool dead;

static bool dies(struct ri2c *i, struct ri2c_req *r, struct i2c_message *m, bool good)
{
	dead |= r->req.chain.readable > 0 && r->req.chain.readable < sizeof(r->hdr);
	return good && !dead;
}

static void revive(struct vub_session *s)
{
	dead = false;
}

FAULT(i2c_dies, .name = "i2c-short-header-kills", .clause = "ROB.live.bad-request",
      .summary = "after a header of 7 bytes all requests fail", .i2c_request = dies,
      .session_start = revive);
