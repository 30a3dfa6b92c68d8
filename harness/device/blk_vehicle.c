// SPDX-License-Identifier: BSD-3-Clause
/* GET_ID: the cheapest request a block device knows, and one that touches no medium. */
#include <string.h>

#include "harness/device/blk.h"
#include "harness/device/vehicle.h"

static void fill(u8 *readable, u64 n)
{
	const struct virtio_blk_outhdr hdr = { .type = le32(VIRTIO_BLK_T_GET_ID) };

	memcpy(readable, &hdr, sizeof(hdr));
}

static bool answered(const u8 *readable, const u8 *writable)
{
	return writable[VIRTIO_BLK_ID_LEN] != BLK_STATUS_UNSET;
}

_Static_assert(VEHICLE_UNSET == BLK_STATUS_UNSET, "what is not written looks the same to all");

const struct vehicle blk_vehicle = {
	.device = VIRTIO_ID_BLOCK,
	.name = "GET_ID",
	.features = BIT_ULL(VIRTIO_BLK_F_MQ),
	.readable = sizeof(struct virtio_blk_outhdr),
	.writable = VIRTIO_BLK_ID_LEN + 1,
	.fill = fill,
	.answered = answered,
};
