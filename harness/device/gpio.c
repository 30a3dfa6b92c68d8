// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/gpio.h"

#include <string.h>

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
