// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/message.h"

#include <string.h>

#include "ref-backends/device/plain.h"
#include "ref-backends/fault/fault.h"

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

static u32 gather(const struct dvq_chain *c, u8 *to)
{
	u32 n = 0;

	for (u32 i = 0; i < c->n_readable && n < MESSAGE_MAX; i++) {
		const u32 len = MIN(c->segs[i].len, MESSAGE_MAX - n);

		memcpy(to + n, c->segs[i].base, len);
		n += len;
	}
	return n;
}

static void scatter(const struct dvq_chain *c, const u8 *from, u32 len)
{
	for (u32 i = 0; i < c->n_writable && len; i++) {
		const struct dvq_seg *s = &c->segs[c->n_readable + i];
		const u32 n = MIN(s->len, len);

		memcpy(s->base, from, n);
		from += n;
		len -= n;
	}
}

void message_serve(struct rdev *dev, struct rdev_req *req)
{
	const u32 room = (u32)MIN(req->chain.writable, (u64)MESSAGE_MAX);
	u8 request[MESSAGE_MAX], answer[MESSAGE_MAX] = { 0 };
	struct rmessage *m = message_of(dev);
	const u32 len = gather(&req->chain, request);

	req->used_len = m->ops->answer(m, req->queue, request, len, answer, room);
	if (req->used_len > room)
		req->used_len = 0;
	if (fault_active && fault_active->message_answer)
		fault_active->message_answer(m, req, request, answer);
	scatter(&req->chain, answer, MIN(req->used_len, room));
	if (fault_active && fault_active->message_done)
		fault_active->message_done(m, req);
	req->done(req);
}

void rmessage_init(struct rmessage *m, const struct rdev_ops *ops,
		   const struct message_ops *message, u16 queues)
{
	*m = (struct rmessage){ .dev = { .ops = ops, .num_queues = queues }, .ops = message };
}
