// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/gpio.h"

#include <string.h>

#include "harness/device/vehicle.h"
#include "harness/spec/virtio14.h"

void gpio_message(u8 *to, u16 type, u16 line, u32 value)
{
	const struct virtio_gpio_request m = { .type = le16(type),
					       .gpio = le16(line),
					       .value = le32(value) };

	_Static_assert(sizeof(m) == GPIO_REQUEST, "as in the text");
	memcpy(to, &m, sizeof(m));
}

void gpio_event(u8 *to, u16 line)
{
	const struct virtio_gpio_irq_request m = { .gpio = le16(line) };

	_Static_assert(sizeof(m) == GPIO_EVENT, "as in the text");
	memcpy(to, &m, sizeof(m));
	to[GPIO_EVENT] = GPIO_NO_EVENT;
}

/* --- the vehicle: which way the first line goes -------------------------------------------------------------- */

static void fill(u8 *readable, u64 n)
{
	gpio_message(readable, VIRTIO_GPIO_MSG_GET_DIRECTION, 0, 0);
}

static bool answered(const u8 *readable, const u8 *writable)
{
	return writable[0] <= VIRTIO_GPIO_STATUS_ERR;
}

const struct vehicle gpio_vehicle = {
	.device = VIRTIO_ID_GPIO,
	.name = "GET_DIRECTION",
	.queue = GPIO_REQUESTQ,
	.queues = 1,
	.readable = GPIO_REQUEST,
	.writable = GPIO_ANSWER,
	.fill = fill,
	.answered = answered,
};
