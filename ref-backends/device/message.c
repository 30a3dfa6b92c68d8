// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/message.h"

#include <linux/virtio_scsi.h>
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
	m->select = m->subsel = m->stage = 0;
	m->sense_size = VIRTIO_SCSI_SENSE_DEFAULT_SIZE;
	m->cdb_size = VIRTIO_SCSI_CDB_DEFAULT_SIZE;
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

/* Zeroes, `len` of them from offset `at` of what is written to. */
static void clear(const struct dvq_chain *c, u32 at, u32 len)
{
	static const u8 zero[MESSAGE_MAX];

	while (len) {
		const u32 n = MIN(len, (u32)sizeof(zero));

		dvq_chain_scatter(c, at, zero, n);
		at += n;
		len -= n;
	}
}

/* An answer of which less is looked at than there is: its end lies where that of the buffer does. */
static void scatter_end(const struct dvq_chain *c, const struct rmessage *m, const u8 *end)
{
	const u32 tail = m->ops->tail;

	clear(c, MESSAGE_MAX - tail, m->room - MESSAGE_MAX);
	dvq_chain_scatter(c, m->room - tail, end, tail);
}

void message_serve(struct rdev *dev, struct rdev_req *req)
{
	u8 request[MESSAGE_MAX], answer[MESSAGE_MAX] = { 0 };
	struct rmessage *m = message_of(dev);
	const u32 len = dvq_chain_gather(&req->chain, request, MESSAGE_MAX);
	u32 room;

	m->len = (u32)MIN(req->chain.readable, (u64)~0u);
	m->room = (u32)MIN(req->chain.writable, (u64)~0u);
	room = MIN(m->room, (u32)MESSAGE_MAX);
	req->used_len = m->ops->answer(m, req->queue, request, len, answer, room);
	if (req->used_len > room)
		req->used_len = 0;
	if (fault_active && fault_active->message_answer)
		fault_active->message_answer(m, req, request, answer);
	dvq_chain_scatter(&req->chain, 0, answer, MIN(req->used_len, room));
	if (m->ops->tail && req->used_len == room && m->room > room) {
		scatter_end(&req->chain, m, answer + room - m->ops->tail);
		req->used_len = m->room;
	}
	if (fault_active && fault_active->message_done)
		fault_active->message_done(m, req);
	req->done(req);
}

void rmessage_init(struct rmessage *m, const struct rdev_ops *ops,
		   const struct message_ops *message, u16 queues)
{
	*m = (struct rmessage){ .dev = { .ops = ops, .num_queues = queues }, .ops = message };
	message_reset(&m->dev);
}
