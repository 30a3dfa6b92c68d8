// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/through.h"

static struct rdev *below(struct rdev *dev)
{
	return ((struct rthrough *)dev)->below;
}

static u64 through_features(struct rdev *dev)
{
	return below(dev)->ops->features(below(dev));
}

static bool through_acceptable(struct rdev *dev, u64 features)
{
	return rdev_acceptable(below(dev), features);
}

static void through_negotiated(struct rdev *dev, u64 features)
{
	below(dev)->ops->negotiated(below(dev), features);
}

static void through_reset(struct rdev *dev)
{
	below(dev)->ops->reset(below(dev));
}

static void through_config(struct rdev *dev, u8 *image)
{
	below(dev)->ops->config(below(dev), image);
}

static bool through_config_write(struct rdev *dev, u32 off, const u8 *data, u32 len, bool migration)
{
	return below(dev)->ops->config_write(below(dev), off, data, len, migration);
}

static bool through_resized(struct rdev *dev)
{
	return below(dev)->ops->resized(below(dev));
}

static int through_queue_open(struct rdev *dev, u16 queue, struct reactor *reactor)
{
	return below(dev)->ops->queue_open(below(dev), queue, reactor);
}

static void through_queue_close(struct rdev *dev, u16 queue)
{
	below(dev)->ops->queue_close(below(dev), queue);
}

static void through_serve(struct rdev *dev, struct rdev_req *req)
{
	below(dev)->ops->serve(below(dev), req);
}

static bool through_ready(struct rdev *dev, u16 queue)
{
	return rdev_ready(below(dev), queue);
}

static void through_served(struct rdev *dev, u16 queue)
{
	below(dev)->ops->served(below(dev), queue);
}

static void through_let_go(struct rdev *dev, u16 queue)
{
	below(dev)->ops->let_go(below(dev), queue);
}

static void through_wake(struct rdev *under, u16 queue)
{
	rdev_wake(under->binding, queue);
}

void rthrough_init(struct rthrough *t, struct rdev *under)
{
	*t = (struct rthrough){
		.dev = { .ops = &t->ops, .num_queues = under->num_queues },
		.ops = {
			.name = under->ops->name,
			.id = under->ops->id,
			.config_size = under->ops->config_size,
			.req_size = under->ops->req_size,
			.features = through_features,
			.acceptable = through_acceptable,
			.negotiated = through_negotiated,
			.reset = through_reset,
			.config = through_config,
			.config_write = through_config_write,
			.resized = through_resized,
			.queue_open = through_queue_open,
			.queue_close = through_queue_close,
			.serve = through_serve,
			.one_thread = under->ops->one_thread,
			.burst = under->ops->burst,
			.unordered = under->ops->unordered,
			.ready = under->ops->ready ? through_ready : NULL,
			.served = under->ops->served ? through_served : NULL,
			.let_go = under->ops->let_go ? through_let_go : NULL,
		},
		.below = under,
	};
	under->wake = through_wake;
	under->binding = &t->dev;
}
