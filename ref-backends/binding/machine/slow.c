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
	struct slow *s = (struct slow *)dev;

	return !s->count && rdev_ready(s->through.below, queue);
}

struct rdev *slow_init(struct slow *s, struct rdev *under, unsigned delay_ms)
{
	*s = (struct slow){ .delay_ns = delay_ms * 1000000ull };
	rthrough_init(&s->through, under);
	s->through.ops.serve = slow_serve;
	s->through.ops.ready = under->ops->ready ? slow_ready : NULL;
	return &s->through.dev;
}

void slow_run(struct slow *s)
{
	/* What is passed on may make the binding serve more, which is not due yet. */
	while (s->count && s->wait[s->first].due <= now_ns()) {
		struct rdev *under = s->through.below;
		struct rdev_req *req = s->wait[s->first].req;
		const u16 queue = req->queue;

		s->first = (s->first + 1) % SLOW_MAX;
		s->count--;
		under->ops->serve(under, req);
		/* Its turn: the one in which it was taken was over long ago. */
		if (under->ops->served)
			under->ops->served(under, queue);
		if (s->through.ops.ready)
			for (u16 q = 0; q < s->through.dev.num_queues; q++)
				rdev_wake(&s->through.dev, q);
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
