// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/scsi.h"

#include <string.h>

#include "harness/spec/virtio14.h"

void scsi_write_request(u8 *to, u8 target, u16 lun, u64 tag, const u8 *cdb, u32 len)
{
	const u8 lun_bytes[8] = { 1, target, (u8)(0x40 | lun >> 8), (u8)lun };
	const u64 id = le64(tag);

	memset(to, 0, SCSI_REQUEST);
	memcpy(to, lun_bytes, sizeof(lun_bytes));
	memcpy(to + 8, &id, sizeof(id));
	memcpy(to + 19, cdb, MIN(len, (u32)SCSI_CDB));
}

struct scsi_response scsi_read_response(const u8 *from)
{
	return (struct scsi_response){ vehicle_u32(from), vehicle_u32(from + 4), from[10],
				       from[11] };
}

/* --- the vehicle: is the first unit ready? ------------------------------------------------------------------------ */

static void fill(u8 *readable, u64 n)
{
	static const u8 cdb[6] = { SCSI_TEST_UNIT_READY };

	scsi_write_request(readable, 0, 0, n, cdb, sizeof(cdb));
}

static bool answered(const u8 *readable, const u8 *writable)
{
	return scsi_read_response(writable).response != VEHICLE_UNSET;
}

const struct vehicle scsi_vehicle = {
	.device = VIRTIO_ID_SCSI,
	.name = "TEST UNIT READY",
	.queue = SCSI_REQUESTQ,
	.readable = SCSI_REQUEST,
	.writable = SCSI_RESPONSE,
	.fill = fill,
	.answered = answered,
};
