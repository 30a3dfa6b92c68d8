// SPDX-License-Identifier: BSD-3-Clause
/*
 * An input device (VIRTIO 1.4, 5.8): a keyboard of one key that nobody presses, and one LED. Status events are
 * taken; the configuration space tells what is selected.
 */
#include <linux/input-event-codes.h>
#include <linux/virtio_input.h>
#include <string.h>

#include "ref-backends/device/message.h"
#include "ref-backends/device/plain.h"

enum {
	EVENTQ,
	STATUSQ,
	QUEUES
};

#define NAME "ringside"

static u32 answer(struct rmessage *m, u16 queue, const u8 *request, u32 len, u8 *answer, u32 room)
{
	return 0;
}

/* What is selected: its bytes, and how many. */
static u8 selected(const struct rmessage *m, u8 *to)
{
	if (m->select == VIRTIO_INPUT_CFG_ID_NAME && m->subsel == 0) {
		memcpy(to, NAME, sizeof(NAME) - 1);
		return sizeof(NAME) - 1;
	}
	if (m->select == VIRTIO_INPUT_CFG_ID_DEVIDS && m->subsel == 0) {
		message_put16(to, 6); /* BUS_VIRTUAL */
		return sizeof(struct virtio_input_devids);
	}
	if (m->select == VIRTIO_INPUT_CFG_EV_BITS && m->subsel == EV_KEY) {
		to[KEY_ESC / 8] = 1u << KEY_ESC % 8;
		return 1;
	}
	if (m->select == VIRTIO_INPUT_CFG_EV_BITS && m->subsel == EV_LED) {
		to[0] = 1u << LED_NUML;
		return 1;
	}
	return 0;
}

static void config(struct rmessage *m, u8 *image)
{
	image[0] = m->select;
	image[1] = m->subsel;
	image[2] = selected(m, image + 8);
}

static bool config_write(struct rdev *dev, u32 off, const u8 *data, u32 len, bool migration)
{
	struct rmessage *m = (struct rmessage *)dev;

	if (off > 1 || len > 2 - off)
		return false;
	for (u32 i = 0; i < len; i++)
		*(off + i ? &m->subsel : &m->select) = data[i];
	return true;
}

const struct message_ops input_message = { .answer = answer,
					   .config = config,
					   .idle = 1u << EVENTQ };

const struct rdev_ops input_ops = {
	.name = "input",
	.id = VIRTIO_ID_INPUT,
	.config_size = sizeof(struct virtio_input_config),
	.features = message_no_features,
	.config_write = config_write,
	MESSAGE_OPS,
};
