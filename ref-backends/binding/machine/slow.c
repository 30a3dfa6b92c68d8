// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/machine/slow.h"

#include <stdlib.h>
#include <time.h>

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

static struct rdev *below(struct rdev *dev)
{
	return ((struct slow *)dev)->below;
}

static u64 slow_features(struct rdev *dev)
{
	return below(dev)->ops->features(below(dev));
}

static void slow_negotiated(struct rdev *dev, u64 features)
{
	below(dev)->ops->negotiated(below(dev), features);
}

static void slow_reset(struct rdev *dev)
{
	below(dev)->ops->reset(below(dev));
}

static void slow_config(struct rdev *dev, u8 *image)
{
	below(dev)->ops->config(below(dev), image);
}

static bool slow_config_write(struct rdev *dev, u32 off, const u8 *data, u32 len, bool migration)
{
	return below(dev)->ops->config_write(below(dev), off, data, len, migration);
}

static bool slow_resized(struct rdev *dev)
{
	return below(dev)->ops->resized(below(dev));
}

static int slow_queue_open(struct rdev *dev, u16 queue, struct reactor *reactor)
{
	return below(dev)->ops->queue_open(below(dev), queue, reactor);
}

static void slow_queue_close(struct rdev *dev, u16 queue)
{
	below(dev)->ops->queue_close(below(dev), queue);
}

static void slow_serve(struct rdev *dev, struct rdev_req *req)
{
	struct slow *s = (struct slow *)dev;
	unsigned at = (s->first + s->count) % SLOW_MAX;

	if (s->count == SLOW_MAX)
		abort(); /* a binding with more in flight than it may have */
	s->wait[at].req = req;
	s->wait[at].due = now_ns() + s->delay_ns;
	s->count++;
}

static bool slow_ready(struct rdev *dev, u16 queue)
{
	/* What waits here was taken for what is ready there: one at a time. */
	return !((struct slow *)dev)->count && rdev_ready(below(dev), queue);
}

static void slow_wake(struct rdev *under, u16 queue)
{
	rdev_wake(under->binding, queue);
}

struct rdev *slow_init(struct slow *s, struct rdev *under, unsigned delay_ms)
{
	*s = (struct slow){
		.dev = { .ops = &s->ops, .num_queues = under->num_queues },
		.ops = {
			.name = under->ops->name,
			.id = under->ops->id,
			.config_size = under->ops->config_size,
			.req_size = under->ops->req_size,
			.features = slow_features,
			.negotiated = slow_negotiated,
			.reset = slow_reset,
			.config = slow_config,
			.config_write = slow_config_write,
			.resized = slow_resized,
			.queue_open = slow_queue_open,
			.queue_close = slow_queue_close,
			.serve = slow_serve,
			.ready = under->ops->ready ? slow_ready : NULL,
		},
		.below = under,
		.delay_ns = delay_ms * 1000000ull,
	};
	under->wake = slow_wake;
	under->binding = &s->dev;
	return &s->dev;
}

void slow_run(struct slow *s)
{
	/* What is passed on may make the binding serve more, which is not due yet. */
	while (s->count && s->wait[s->first].due <= now_ns()) {
		struct rdev_req *req = s->wait[s->first].req;

		s->first = (s->first + 1) % SLOW_MAX;
		s->count--;
		s->below->ops->serve(s->below, req);
		if (s->ops.ready)
			for (u16 q = 0; q < s->dev.num_queues; q++)
				rdev_wake(&s->dev, q);
	}
}

int slow_wait_ms(const struct slow *s)
{
	u64 now = now_ns();

	if (!s->count)
		return -1;
	if (s->wait[s->first].due <= now)
		return 0;
	return (int)((s->wait[s->first].due - now + 999999) / 1000000);
}
