// SPDX-License-Identifier: BSD-3-Clause
/*
 * A CAN controller (VIRTIO 1.4, 5.20) of classic frames on a bus with nobody else: it can be started and
 * stopped, and what it sends is gone.
 */
#include "ref-backends/device/message.h"
#include "ref-backends/device/plain.h"

enum {
	TXQ,
	RXQ,
	CTRLQ,
	QUEUES
};

#define F_CLASSIC 0

#define TX    0x0001
#define START 0x0201
#define STOP  0x0202

#define OK     0
#define NOT_OK 1

#define EXTENDED 0x8000u
#define HEAD	 16u
#define DATA	 8u

static u64 features(struct rdev *dev)
{
	return BIT_ULL(F_CLASSIC);
}

static u8 control(struct rmessage *m, u16 type)
{
	const bool start = type == START;

	if ((type != START && type != STOP) || m->on == start)
		return NOT_OK;
	m->on = start;
	return OK;
}

/* A frame that the controller can send (5.20.5.2). */
static bool sends(const struct rmessage *m, const u8 *request, u32 len)
{
	const u32 flags = message_u32(request + 8), id = message_u32(request + 12);
	const u16 length = message_u16(request + 2);

	return m->on && m->features & BIT_ULL(F_CLASSIC) && message_u16(request) == TX &&
	       !(flags & ~EXTENDED) && length <= DATA && len >= HEAD + length &&
	       id <= (flags & EXTENDED ? 0x1fffffffu : 0x7ffu);
}

static u32 answer(struct rmessage *m, u16 queue, const u8 *request, u32 len, u8 *answer, u32 room)
{
	if (!room)
		return 0;
	if (queue == CTRLQ)
		answer[0] = len >= 2 ? control(m, message_u16(request)) : NOT_OK;
	else
		answer[0] = len >= HEAD && sends(m, request, len) ? OK : NOT_OK;
	return 1;
}

static void config(struct rmessage *m, u8 *image)
{
}

const struct message_ops can_message = { .answer = answer, .config = config, .idle = 1u << RXQ };

const struct rdev_ops can_ops = {
	.name = "can",
	.id = VIRTIO_ID_CAN,
	.config_size = 2,
	.features = features,
	.config_write = plain_config_write,
	MESSAGE_OPS,
};
