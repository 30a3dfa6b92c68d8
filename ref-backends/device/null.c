// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/null.h"

#include "ref-backends/device/plain.h"

static void null_serve(struct rdev *dev, struct rdev_req *req)
{
	req->used_len = 0;
	req->done(req);
}

static const struct rdev_ops null_ops = {
	.name = "null",
	.req_size = sizeof(struct rdev_req),
	.features = plain_features,
	.negotiated = plain_negotiated,
	.reset = plain_reset,
	.config = plain_config,
	.config_write = plain_config_write,
	.resized = plain_resized,
	.queue_open = plain_queue_open,
	.queue_close = plain_queue_close,
	.serve = null_serve,
};

void rnull_init(struct rdev *dev, u16 num_queues)
{
	*dev = (struct rdev){ .ops = &null_ops, .num_queues = num_queues };
}
