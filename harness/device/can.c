// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/can.h"

#include <string.h>

#include "harness/spec/virtio14.h"

void can_write_head(u8 *to, const struct can_frame_head *h)
{
	const u16 front[] = { le16(h->msg_type), le16(h->length), 0, 0 };
	const u32 rest[] = { le32(h->flags), le32(h->id) };

	_Static_assert(sizeof(front) + sizeof(rest) == CAN_HEAD, "as in the text");
	memcpy(to, front, sizeof(front));
	memcpy(to + sizeof(front), rest, sizeof(rest));
}

/* --- the vehicle: a frame, which a controller that is not started refuses ------------------------------------ */

static void fill(u8 *readable, u64 n)
{
	can_write_head(readable, &(struct can_frame_head){ CAN_TX, CAN_DATA_MAX, 0, 0x123 });
	for (unsigned i = 0; i < CAN_DATA_MAX; i++)
		readable[CAN_HEAD + i] = (u8)(n >> 8 * i);
}

static bool answered(const u8 *readable, const u8 *writable)
{
	return writable[0] <= CAN_RESULT_NOT_OK;
}

const struct vehicle can_vehicle = {
	.device = VIRTIO_ID_CAN,
	.name = "a frame",
	.queue = CAN_TXQ,
	.queues = 1,
	.size = 64,
	.readable = CAN_HEAD + CAN_DATA_MAX,
	.writable = 1,
	.fill = fill,
	.answered = answered,
};
