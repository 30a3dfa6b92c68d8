// SPDX-License-Identifier: BSD-3-Clause
/*
 * An input device (VIRTIO 1.4, 5.8). The vehicle: a status event that switches off an LED; the device only takes
 * it. Its event queue has answers when somebody presses a key, and no sooner.
 */
#include <linux/input-event-codes.h>
#include <linux/virtio_input.h>
#include <string.h>

#include "harness/device/vehicle.h"
#include "harness/spec/virtio14.h"

#define STATUSQ 1

static void fill(u8 *readable, u64 n)
{
	/* The event and the report behind it, in turns. */
	const struct virtio_input_event e = {
		.type = le16(n % 2 ? EV_SYN : EV_LED),
		.code = le16(n % 2 ? SYN_REPORT : LED_NUML),
	};

	memcpy(readable, &e, sizeof(e));
}

const struct vehicle input_vehicle = {
	.device = VIRTIO_ID_INPUT,
	.name = "a status event",
	.queue = STATUSQ,
	.queues = 1,
	.readable = sizeof(struct virtio_input_event),
	.fill = fill,
};
