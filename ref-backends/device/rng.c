// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/rng.h"

#include "ref-backends/fault/fault.h"

static u64 rng_features(struct rdev *dev)
{
	return 0;
}

static void rng_negotiated(struct rdev *dev, u64 features)
{
}

static void rng_reset(struct rdev *dev)
{
}

static void rng_config(struct rdev *dev, u8 *image)
{
}

static bool rng_config_write(struct rdev *dev, u32 off, const u8 *data, u32 len, bool migration)
{
	return false;
}

static bool rng_resized(struct rdev *dev)
{
	return false;
}

static int rng_queue_open(struct rdev *dev, u16 queue, struct reactor *reactor)
{
	return 0;
}

static void rng_queue_close(struct rdev *dev, u16 queue)
{
}

static void rng_serve(struct rdev *dev, struct rdev_req *req)
{
	struct rrng *rng = (struct rrng *)dev;
	const struct dvq_seg *seg = req->chain.segs + req->chain.n_readable;

	for (u32 i = 0; i < req->chain.n_writable; i++)
		rng->fill(rng->ctx, seg[i].base, seg[i].len);
	req->used_len = (u32)MIN(req->chain.writable, 0xffffffffu);
	if (fault_active && fault_active->rng_complete)
		fault_active->rng_complete(rng, req);
	req->done(req);
}

static const struct rdev_ops rng_ops = {
	.name = "rng",
	.id = VIRTIO_ID_RNG,
	.req_size = sizeof(struct rdev_req),
	.features = rng_features,
	.negotiated = rng_negotiated,
	.reset = rng_reset,
	.config = rng_config,
	.config_write = rng_config_write,
	.resized = rng_resized,
	.queue_open = rng_queue_open,
	.queue_close = rng_queue_close,
	.serve = rng_serve,
};

void rrng_init(struct rrng *rng, rrng_fill_fn *fill, void *ctx)
{
	*rng = (struct rrng){ .dev = { .ops = &rng_ops, .num_queues = 1 },
			      .fill = fill,
			      .ctx = ctx };
}
