// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/rng.h"

#include "ref-backends/device/plain.h"
#include "ref-backends/fault/fault.h"

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
	.features = plain_features,
	.negotiated = plain_negotiated,
	.reset = plain_reset,
	.config = plain_config,
	.config_write = plain_config_write,
	.resized = plain_resized,
	.queue_open = plain_queue_open,
	.queue_close = plain_queue_close,
	.serve = rng_serve,
};

void rrng_init(struct rrng *rng, rrng_fill_fn *fill, void *ctx)
{
	*rng = (struct rrng){ .dev = { .ops = &rng_ops, .num_queues = 1 },
			      .fill = fill,
			      .ctx = ctx };
}
