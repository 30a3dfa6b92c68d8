// SPDX-License-Identifier: BSD-3-Clause
/* Reads of the sensor's register, and of an address where nobody is. */
#include "harness/device/i2c.h"
#include "tests/bench/soaks/soak.h"

#define SENSOR 0x48
#define NOBODY 0x23

static bool is_there(u64 n)
{
	return n % 8 != 7;
}

static void request(struct soak *s, struct soak_req *r)
{
	struct i2c_req q = { .addr = is_there(r->n) ? SENSOR : NOBODY,
			     .read = true,
			     .hdr = r->out,
			     .data = r->in,
			     .status = r->in };
	struct vq_sg sg[I2C_PARTS];
	unsigned out, in;

	q.data.len = 2;
	q.status.hva += 2;
	i2c_prepare(&q, sg, &out, &in);
	r->out.len = I2C_HEADER;
	r->in.len = 3;
}

static bool good(struct soak *s, const struct soak_req *r)
{
	const u8 want = is_there(r->n) ? VIRTIO_I2C_MSG_OK : VIRTIO_I2C_MSG_ERR;

	return r->in.hva[2] == want || soak_wrong(s, "status %u", r->in.hva[2]);
}

const struct soak_device soak_i2c = {
	.name = "i2c",
	.features = BIT_ULL(VIRTIO_I2C_F_ZERO_LENGTH_REQUEST),
	.queues = 1,
	.request = request,
	.good = good,
};
