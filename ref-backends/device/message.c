// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/message.h"

#include <string.h>

#include "ref-backends/device/plain.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/virtqueue/seg.h"

static struct rmessage *message_of(struct rdev *dev)
{
	return (struct rmessage *)dev;
}

u64 message_no_features(struct rdev *dev)
{
	return 0;
}

void message_negotiated(struct rdev *dev, u64 features)
{
	message_of(dev)->features = features;
}

void message_reset(struct rdev *dev)
{
	struct rmessage *m = message_of(dev);

	m->on = false;
	m->select = m->subsel = 0;
	m->features = 0;
}

void message_config(struct rdev *dev, u8 *image)
{
	struct rmessage *m = message_of(dev);

	m->ops->config(m, image);
	if (fault_active && fault_active->message_config)
		fault_active->message_config(m, image);
}

bool message_ready(struct rdev *dev, u16 queue)
{
	return !(message_of(dev)->ops->idle >> queue & 1);
}

void message_serve(struct rdev *dev, struct rdev_req *req)
{
	const u32 room = (u32)MIN(req->chain.writable, (u64)MESSAGE_MAX);
	u8 request[MESSAGE_MAX], answer[MESSAGE_MAX] = { 0 };
	struct rmessage *m = message_of(dev);
	const u32 len = dvq_chain_gather(&req->chain, request, MESSAGE_MAX);

	req->used_len = m->ops->answer(m, req->queue, request, len, answer, room);
	if (req->used_len > room)
		req->used_len = 0;
	if (fault_active && fault_active->message_answer)
		fault_active->message_answer(m, req, request, answer);
	dvq_chain_scatter(&req->chain, 0, answer, MIN(req->used_len, room));
	if (fault_active && fault_active->message_done)
		fault_active->message_done(m, req);
	req->done(req);
}

void rmessage_init(struct rmessage *m, const struct rdev_ops *ops,
		   const struct message_ops *message, u16 queues)
{
	*m = (struct rmessage){ .dev = { .ops = ops, .num_queues = queues }, .ops = message };
}
