// SPDX-License-Identifier: BSD-3-Clause
/* I2C adapter: its one feature, which neither side can do without (5.16.3, 5.16.6.4). */
#include "harness/check/i2c_kit.h"

#define ZERO_LENGTH BIT_ULL(VIRTIO_I2C_F_ZERO_LENGTH_REQUEST)
#define HARDWARE    IK_OP(3)

static void offered(struct ck *c)
{
	if (ck_open(c) && !(c->offered & ZERO_LENGTH))
		ck_fail(c, IK_OP(1), "VIRTIO_I2C_F_ZERO_LENGTH_REQUEST (0) is offered",
			"features 0x%llx", (unsigned long long)c->offered);
}

CHECK(offered, .id = "i2c.offer.zero-length", .clauses = { IK_OP(1) },
      .stimulus = "the features are read", .oracle = "bit 0 is among them",
      .device = VIRTIO_ID_I2C_ADAPTER, .run = offered);

/* The device lets a driver go on without the feature: then it is not to serve it. */
static void goes_on(struct ck *c)
{
	struct vq_sg sg[I2C_PARTS];
	struct ik k = { 0 };
	unsigned out, in;

	if (!ck_queue_start(c, 0, NULL) || !ck_alloc(c, 4096, 64, &k.area) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK"))
		return;
	/* Whoever is there: at some address one is, or nothing can be said. */
	for (u8 addr = 0x08; addr < 0x78; addr++) {
		struct ik_msg m = { .addr = addr, .read = true, .len = 1 };
		struct ck_used u;

		ik_prepare(&k, &m, 0, sg, &out, &in);
		if (vq_add(&c->q[0].vq, sg, out, in, &m) < 0) {
			ck_error(c, "the queue is full");
			return;
		}
		/* No answer is a refusal, too. */
		if (!ck_publish(c, 0) || !ck_reap(c, 0, &u))
			return;
		if (m.req.status.hva[0] == VIRTIO_I2C_MSG_OK) {
			ck_fail(c, IK_OP(2),
				"a driver without VIRTIO_I2C_F_ZERO_LENGTH_REQUEST is refused",
				"it can set FEATURES_OK, and the chip at 0x%02x is read", addr);
			return;
		}
	}
}

static void required(struct ck *c)
{
	int rc;

	if (!ck_open(c))
		return;
	if (!(c->offered & ZERO_LENGTH)) {
		ck_skip(c, "VIRTIO_I2C_F_ZERO_LENGTH_REQUEST is not offered");
		return;
	}
	c->features = ck_demanded(c) & ~ZERO_LENGTH;
	rc = c->tp->ops->set_features(c->tp, c->features);
	ck_log(c, "  features 0x%llx: %s", (unsigned long long)c->features, tp_result_text(rc));
	/* Where there is no status the device has no other way than to leave. */
	if (rc == TP_OK)
		goes_on(c);
	else if (rc != TP_EREFUSED && rc != TP_EGONE)
		ck_must(c, rc, "negotiating features");
}

CHECK(required, .id = "i2c.offer.required", .clauses = { IK_OP(2) },
      .stimulus = "a driver that does not accept bit 0",
      .oracle = "FEATURES_OK stays clear, or no request is carried out",
      .device = VIRTIO_ID_I2C_ADAPTER, .own_session = true, .run = required);

static void empty(struct ck *c)
{
	struct ik k;

	if (!ik_up(c, &k))
		return;
	for (unsigned read = 0; read < 2; read++) {
		struct ik_msg m[] = { { .addr = k.chip, .read = read },
				      { .addr = k.absent, .read = read } };

		/* Some chips answer to one direction only. */
		if (!ik_run(c, &k, &m[0], 1) || !ik_run(c, &k, &m[1], 1))
			return;
		if (m[0].status != VIRTIO_I2C_MSG_OK && !read) {
			ck_fail(c, HARDWARE, "an empty message reaches a chip that is there",
				"0x%02x answers, and an empty %s of it has status %u", k.chip,
				read ? "read" : "write", m[0].status);
			return;
		}
		if (m[1].status == VIRTIO_I2C_MSG_OK) {
			ck_fail(c, HARDWARE, "an empty message to nobody fails",
				"nobody answers at 0x%02x, and an empty %s has status 0", k.absent,
				read ? "read" : "write");
			return;
		}
	}
}

CHECK(empty, .id = "i2c.bus.empty", .clauses = { HARDWARE },
      .stimulus = "messages of no bytes, which have no buffer, to a chip and to nobody",
      .oracle = "they tell the one from the other", .device = VIRTIO_ID_I2C_ADAPTER, .run = empty);
